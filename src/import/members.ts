/** Members of the API with the kind of value that it wants: templates write numbers and booleans as text, and names as numbers. */
import { memberKind } from '../config/document.ts'
import type { JsonObject, JsonValue } from '../domain/delivery-stream.ts'
import { hasPlaceholder } from './placeholders.ts'

/** Names that Glue folds to lower case when it keeps them, and a catalog has so. */
const FOLDED: readonly string[] = ['DatabaseName', 'TableName']

/** Maps whose names are a user's own. */
const TEXT_MAPS: readonly string[] = ['ColumnToJsonKeyMappings']

export function withKinds(value: JsonObject): JsonObject {
  return members(value) as JsonObject
}

function members(value: JsonValue, member = '', inTextMap = false): JsonValue {
  if (Array.isArray(value)) return value.map((entry: JsonValue) => members(entry, member, inTextMap))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        members(inner, name, inTextMap || TEXT_MAPS.includes(member)),
      ]),
    )
  return inTextMap ? String(value) : scalar(value, member)
}

function scalar(value: string | number | boolean | null, member: string): JsonValue {
  const text = String(value)
  const kind = memberKind(member)
  if (kind === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  if (kind === 'number' && /^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (FOLDED.includes(member) && !hasPlaceholder(text)) return text.toLowerCase()
  return value === null ? null : text
}

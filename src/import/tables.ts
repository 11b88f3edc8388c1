/** Tables of the Glue catalog that a template makes, for the delivery streams that convert with them. */
import type { DeclaredTable } from '../config/declared-text.ts'
import { parseHiveType } from '../convert/hive-types.ts'
import type { Column } from '../domain/delivery-stream.ts'
import { hasPlaceholder } from './placeholders.ts'
import type { Intrinsics } from './intrinsics.ts'
import { resourceOf, type Template } from './resources.ts'
import { mapOf } from './untyped.ts'

/** Those whose names and columns are written out, in types that are known. Names are lower-case, as Glue keeps them. */
export function tablesOf(template: Template, intrinsics: Intrinsics): DeclaredTable[] {
  return Object.values(mapOf(template['Resources'])).flatMap((value) => {
    const resource = resourceOf(value)
    if (resource?.type !== 'AWS::Glue::Table') return []
    const { DatabaseName: database, TableInput: input } = mapOf(intrinsics.resolve(resource.properties))
    const { Name: table, StorageDescriptor: storage } = mapOf(input)
    const columns = columnsOf(mapOf(storage)['Columns'])
    if (!isName(database) || !isName(table) || columns === undefined) return []
    return [{ database: database.toLowerCase(), table: table.toLowerCase(), columns }]
  })
}

function columnsOf(value: unknown): Column[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const columns: Column[] = []
  for (const entry of value) {
    const { Name: name, Type: type } = mapOf(entry)
    if (!isName(name) || !isName(type) || !isHiveType(type)) return undefined
    columns.push({ name: name.toLowerCase(), type })
  }
  return new Set(columns.map(({ name }) => name)).size === columns.length ? columns : undefined
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !hasPlaceholder(value) && !value.includes('${')
}

function isHiveType(type: string): boolean {
  try {
    parseHiveType(type)
    return true
  } catch {
    return false
  }
}

/** What the reference interpreter makes of a batch, in the form in which readers of its object show it. */
import { isTextKind } from '../../../src/convert/accepted-text.ts'
import { isNested, typedColumns, type HiveType, type ScalarType } from '../../../src/convert/hive-types.ts'
import { referenceOutcome, type ReferenceType } from '../../support/hive-reference.ts'
import { jsonValues, type Json } from '../../support/lossless-json.ts'
import { cellOf, type Cell } from './encoding.ts'
import type { NestedBatch } from './generated-nested.ts'
import type { Shown } from './parquet-readers.ts'

export interface ReferenceRows {
  readonly rows: readonly (readonly Cell[])[]
  readonly verdicts: readonly (readonly [ordinal: number, code: string, message: string])[]
}

export function referenceRows({ columns, records, options }: NestedBatch): ReferenceRows {
  const typed = typedColumns(
    columns.map(([name, type]) => ({ name, type })),
    options,
  )
  const reference = typed.map(({ name, type }) => [name, referenceType(type)] as const)
  const rows: (readonly Cell[])[] = []
  const verdicts: [number, string, string][] = []
  for (const [ordinal, record] of records.entries()) {
    const outcome = referenceOutcome(reference, options, record)
    if (isVerdict(outcome)) verdicts.push([ordinal, ...outcome])
    else rows.push(...outcome.map((row) => row.map((plain, index) => ofPlain(plain, typed[index]?.type))))
  }
  return { rows, verdicts }
}

const isVerdict = (
  outcome: ReturnType<typeof referenceOutcome>,
): outcome is readonly [code: string, message: string] => typeof outcome[0] === 'string'

function referenceType(type: HiveType): ReferenceType {
  if (!isNested(type)) return scalarName(type)
  switch (type.kind) {
    case 'array':
      return { array: referenceType(type.element) }
    case 'map':
      return { map: [scalarName(type.key), referenceType(type.value)] }
    case 'struct':
      return { struct: type.fields.map((field) => [field.name, referenceType(field.type)]) }
    default:
      throw new Error('there is no such type')
  }
}

function scalarName(type: ScalarType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`
  return type.kind === 'varchar' || type.kind === 'char' ? `${type.kind}(${type.length})` : type.kind
}

function ofPlain(plain: string, type: HiveType | undefined): Cell {
  const [json] = jsonValues(plain)
  if (type === undefined || json === undefined) throw new Error('there is no such column')
  return cellOf(type.kind === 'binary' && json.is === 'string' ? hexOf(json.text) : shownPlain(json, type))
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')

function shownPlain(json: Json, type: HiveType): Shown {
  if (json.is === 'null') return null
  if (json.is === 'array' && type.kind === 'array')
    return json.items.map((item) => shownPlain(item, type.element))
  if (json.is === 'object' && type.kind === 'struct')
    return json.members.map(([, field], index) => shownPlain(field, type.fields[index]?.type ?? type))
  if (json.is === 'object' && type.kind === 'map')
    return json.members.map(([key, value]) => [shownScalar(key, type.key), shownPlain(value, type.value)])
  if (isNested(type)) throw new Error(`${json.is} is no ${type.kind}`)
  return shownScalar('text' in json ? json.text : json.is, type)
}

function shownScalar(text: string, type: ScalarType): string {
  if (type.kind === 'binary') {
    const bytes = text.replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    return Buffer.from(bytes, 'latin1').toString('hex')
  }
  if (isTextKind(type.kind)) return text
  if (type.kind === 'float' || type.kind === 'double') {
    return Object.is(Number(text), -0) ? '-0' : String(Number(text))
  }
  if (type.kind !== 'timestamp') return text
  const ms = BigInt(Date.parse(`${text.slice(0, 23)}Z`))
  return String(type.unit === 'micros' ? ms * 1000n + BigInt(text.slice(23, 26)) : ms)
}

/**
 * The exact path: a record read by our own reader, its values written as lines that DuckDB takes without a doubt. It gives
 * every verdict; DuckDB only says which records are beyond doubt.
 */
import { unreachable } from '../../domain/errors.ts'
import { isNested, type HiveType, type ScalarType, type TypedColumn } from '../hive-types.ts'
import { valueReader, type HiveValue } from '../hive-values.ts'
import { recordScanner, type Document } from '../json-record.ts'
import { mistyped, type Verdict } from '../verdicts.ts'

/** A row as the members of a JSON object, without braces; empty when all columns are null. */
export interface ExactRow {
  readonly members: string
  readonly verdict?: never
}

/** The rows of a record; a verdict comes last and is the record's: the first document's, the first column's. */
export type ScanExactly = (record: Uint8Array) => Iterable<ExactRow | { readonly verdict: Verdict }>

/**
 * @param keys the key that the lines use for each column
 * @param withNulls nulls are written out too
 */
export function exactScanner(
  columns: readonly TypedColumn[],
  keys: readonly string[],
  caseInsensitive: boolean,
  withNulls = false,
): ScanExactly {
  const scan = recordScanner(columns, caseInsensitive)
  const writers = columns.map(({ type }, index) => memberWriter(type, keys[index] ?? '', withNulls))
  return function* rowsOf(record) {
    for (const { document, verdict } of scan(record)) {
      const row = verdict === undefined ? exactRow(document, writers, columns) : { verdict }
      yield row
      if (row.verdict !== undefined) return
    }
  }
}

/** Empty for a null that is not written, undefined for a text that the column refuses. */
type WriteMember = (text: string | null) => string | undefined

function exactRow(
  document: Document,
  writers: readonly WriteMember[],
  columns: readonly TypedColumn[],
): ExactRow | { readonly verdict: Verdict } {
  let members = ''
  for (const [index, { type }] of columns.entries()) {
    const text = document[index] ?? null
    const member = writers[index]?.(text)
    if (member === undefined && !isNested(type)) return { verdict: mistyped(type.kind, text ?? '') }
    if (member !== undefined && member !== '') members += members === '' ? member : `,${member}`
  }
  return { members }
}

function memberWriter(type: HiveType, key: string, withNulls: boolean): WriteMember {
  if (isNested(type)) throw new Error(`write a column of type ${type.kind}: it is not a scalar`)
  const read = valueReader(type)
  const start = `${JSON.stringify(key)}:`
  const ofNull = withNulls ? `${start}null` : ''
  return (text) => {
    if (text === null) return ofNull
    const value = read(text)
    return value === undefined ? undefined : start + plainJson(type, value)
  }
}

/** The value in the one form of its type that the query takes: see `columnValue` there. */
function plainJson(type: ScalarType, value: HiveValue): string {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return String(value)
    case 'float':
    case 'double':
      return plainFloat(value as number)
    case 'decimal':
      return `"${plainDecimal(value as bigint, type.scale)}"`
    case 'string':
    case 'varchar':
    case 'char':
      return JSON.stringify(value)
    case 'date':
      return `"${new Date((value as number) * 86_400_000).toISOString().slice(0, 10)}"`
    case 'timestamp':
      return `"${type.unit === 'micros' ? plainMicros(value as bigint) : new Date(Number(value)).toISOString()}"`
    case 'binary':
      return `"${Buffer.from(value as Uint8Array).toString('base64')}"`
    default:
      return unreachable(type)
  }
}

function plainMicros(value: bigint): string {
  const micros = Number(((value % 1000n) + 1000n) % 1000n)
  const ms = new Date(Number((value - BigInt(micros)) / 1000n)).toISOString()
  return `${ms.slice(0, -1)}${String(micros).padStart(3, '0')}Z`
}

function plainFloat(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function plainDecimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - scale)}`
}

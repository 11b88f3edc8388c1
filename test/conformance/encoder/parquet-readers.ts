/** Three Parquet readers that we did not write: DuckDB, hyparquet, and arrow-rs as parquet-wasm. Each gives the same values. */
import { open, readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetRead } from 'hyparquet'
import { isTextKind } from '../../../src/convert/accepted-text.ts'
import {
  isNested,
  type HiveType,
  type ScalarType,
  type TypedColumn,
} from '../../../src/convert/hive-types.ts'

/**
 * A value as text, null for null: of a timestamp what it counts, of bytes hex. An array is an array of these, a struct one of
 * its fields' values, a map one of pairs.
 */
export type Shown = string | null | readonly Shown[]

export type ReadRows = (path: string, columns: readonly TypedColumn[]) => Promise<Shown[][]>

const duckdb = DuckDBInstance.create(':memory:', { threads: '1' })

export const readWithDuckdb: ReadRows = async (path, columns) => {
  const connection = await (await duckdb).connect()
  try {
    const selected = columns.map(
      ({ name, type }, index) => `${selection(type, `"${name.replaceAll('"', '""')}"`, 0)} AS c${index}`,
    )
    const result = await connection.runAndReadAll(
      `SELECT ${selected.join(', ')} FROM read_parquet('${path}', file_row_number = true, hive_partitioning = false) ORDER BY file_row_number`,
    )
    return result.getRowsJS().map((row) => columns.map(({ type }, index) => shown(row[index], type)))
  } finally {
    connection.closeSync()
  }
}

/** The value in a form that loses nothing on its way into JavaScript; a map as a list of pairs. */
function selection(type: HiveType, value: string, depth: number): string {
  const item = `x${depth}`
  switch (type.kind) {
    case 'array':
      return `list_transform(${value}, lambda ${item}: ${selection(type.element, item, depth + 1)})`
    case 'map': {
      const key = selection(type.key, `${item}.key`, depth + 1)
      const inside = selection(type.value, `${item}.value`, depth + 1)
      return `list_transform(map_entries(${value}), lambda ${item}: struct_pack(f0 := ${key}, f1 := ${inside}))`
    }
    case 'struct': {
      const fields = type.fields.map(
        (field, index) =>
          `f${index} := ${selection(field.type, `struct_extract(${value}, '${field.name.replaceAll("'", "''")}')`, depth)}`,
      )
      return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`
    }
    case 'timestamp':
      return `${type.unit === 'micros' ? 'epoch_us' : 'epoch_ms'}(${value})::VARCHAR`
    case 'float':
    case 'double':
    case 'binary':
      return value
    case 'string':
    case 'varchar':
    case 'char':
      // The client's own decoder of text drops a byte order mark.
      return `encode(${value})`
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'decimal':
    case 'date':
      return `${value}::VARCHAR`
    default:
      throw new Error('there is no such type')
  }
}

function shown(value: unknown, type: HiveType): Shown {
  if (value === null || value === undefined) return null
  if (!isNested(type)) return shownScalar(value, type)
  const parts = Array.isArray(value) ? (value as unknown[]) : Object.values(value)
  switch (type.kind) {
    case 'array':
      return parts.map((part) => shown(part, type.element))
    case 'map':
      return parts.map((part) => {
        const [key, inside] = Object.values(part as object) as unknown[]
        return [shown(key, type.key), shown(inside, type.value)]
      })
    case 'struct':
      return type.fields.map((field, index) => shown(parts[index], field.type))
    default:
      throw new Error('there is no such type')
  }
}

function shownScalar(value: unknown, type: ScalarType): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString(type.kind === 'binary' ? 'hex' : 'utf8')
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'string') return type.kind === 'decimal' ? value.replace(/^(-?)[.]/, '$10.') : value
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw new Error(`no text for ${typeof value}`)
}

/** Maps are objects there, so that the order of their pairs is lost; decimals are doubles. */
export const readWithHyparquet: ReadRows = async (path, columns) => {
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    const file = {
      byteLength: size,
      async slice(start: number, end = size): Promise<ArrayBuffer> {
        const bytes = new Uint8Array(end - start)
        await handle.read(bytes, 0, bytes.length, start)
        return bytes.buffer
      },
    }
    let rows: unknown[][] = []
    await parquetRead({
      file,
      columns: columns.map(({ name }) => name),
      compressors: { GZIP: (input: Uint8Array) => gunzipSync(input) },
      parsers: {
        stringFromBytes: (bytes: Uint8Array) => bytes && Buffer.from(bytes).toString('utf8'),
        timestampFromMilliseconds: String,
        timestampFromMicroseconds: String,
        dateFromDays: day,
      },
      utf8: false,
      onComplete: (read: unknown[][]) => {
        rows = read
      },
    })
    return rows.map((row) => columns.map(({ type }, index) => ofHyparquet(row[index], type)))
  } finally {
    await handle.close()
  }
}

const day = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10)

function ofHyparquet(value: unknown, type: HiveType): Shown {
  if (value === null || value === undefined) return null
  if (!isNested(type)) return shownScalar(value, type)
  switch (type.kind) {
    case 'array':
      return (value as unknown[]).map((part) => ofHyparquet(part, type.element))
    case 'map':
      return Object.entries(value).map(([key, inside]) => [key, ofHyparquet(inside, type.value)])
    case 'struct':
      return type.fields.map((field) =>
        ofHyparquet((value as Record<string, unknown>)[field.name], field.type),
      )
    default:
      throw new Error('there is no such type')
  }
}

/** What a vector of Arrow is made of, as far as it is read here. */
interface ArrowData {
  readonly length: number
  readonly values: ArrayLike<number | bigint> & { subarray(start: number, end: number): Uint8Array }
  readonly valueOffsets: Int32Array
  readonly children: readonly ArrowData[]
  getValid(index: number): boolean
}

export const readWithArrowRs: ReadRows = async (path, columns) => {
  const [{ readParquet }, { tableFromIPC }] = await Promise.all([
    import('parquet-wasm/node'),
    import('apache-arrow'),
  ])
  const table = tableFromIPC(readParquet(await readFile(path)).intoIPCStream())
  return table.batches.flatMap((batch) => {
    const { children, length } = batch.data as unknown as ArrowData
    return Array.from({ length }, (_, row) =>
      columns.map(({ type }, index) => ofArrow(children[index], row, type)),
    )
  })
}

function ofArrow(data: ArrowData | undefined, index: number, type: HiveType): Shown {
  if (data === undefined) throw new Error('there is no such column')
  if (!data.getValid(index)) return null
  if (!isNested(type)) return ofArrowScalar(data, index, type)
  if (type.kind === 'struct')
    return type.fields.map((field, at) => ofArrow(data.children[at], index, field.type))
  const start = data.valueOffsets[index] ?? 0
  const end = data.valueOffsets[index + 1] ?? start
  const places = Array.from({ length: end - start }, (_, at) => start + at)
  const [items] = data.children
  if (type.kind === 'array') return places.map((at) => ofArrow(items, at, type.element))
  const [keys, values] = items?.children ?? []
  return places.map((at) => [ofArrow(keys, at, type.key), ofArrow(values, at, type.value)])
}

function ofArrowScalar(data: ArrowData, index: number, type: ScalarType): string {
  const { values, valueOffsets } = data
  if (isTextKind(type.kind)) {
    return shownScalar(values.subarray(valueOffsets[index] ?? 0, valueOffsets[index + 1] ?? 0), type)
  }
  if (type.kind === 'boolean') return String(((Number(values[index >> 3]) >> (index & 7)) & 1) === 1)
  if (type.kind === 'date') return day(Number(values[index]))
  return type.kind === 'decimal' ? decimalOf(data, index, type.scale) : shownScalar(values[index], type)
}

/** Four words, the lowest first. */
function decimalOf({ values }: ArrowData, index: number, scale: number): string {
  let unscaled = 0n
  for (let word = 3; word >= 0; word -= 1)
    unscaled = (unscaled << 32n) | BigInt(values[4 * index + word] ?? 0)
  unscaled = BigInt.asIntN(128, unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = (unscaled < 0n ? '-' : '') + digits.slice(0, digits.length - scale)
  return scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`
}

type Pairs = readonly (readonly [string, Shown])[]

/** True when hyparquet's value is another reader's, as far as it can tell. */
export function isAlike(hyparquet: Shown, other: Shown, type: HiveType): boolean {
  if (hyparquet === null || other === null) return hyparquet === other
  if (typeof hyparquet === 'string' || typeof other === 'string') {
    if (hyparquet === other) return true
    if (type.kind !== 'decimal') return false
    return Math.abs(Number(hyparquet) - Number(other)) <= Math.abs(Number(other)) * 1e-14
  }
  if (hyparquet.length !== other.length || !isNested(type)) return false
  switch (type.kind) {
    case 'array':
      return other.every((value, index) => isAlike(hyparquet[index] ?? null, value, type.element))
    case 'struct':
      return type.fields.every((field, index) =>
        isAlike(hyparquet[index] ?? null, other[index] ?? null, field.type),
      )
    case 'map': {
      const keyOf = (key: string): string => (type.key.kind === 'decimal' ? String(Number(key)) : key)
      const values = new Map((hyparquet as Pairs).map(([key, value]) => [keyOf(key), value]))
      return (other as Pairs).every(
        ([key, value]) =>
          values.has(keyOf(key)) && isAlike(values.get(keyOf(key)) ?? null, value, type.value),
      )
    }
    default:
      return false
  }
}

/** Runs records through an encoder and reads back what it made, with two Parquet readers that we did not write. */
import { open, readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetRead } from 'hyparquet'
import { expect } from 'vitest'
import type { MetadataColumn, ParquetCompression } from '../../../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import type { EncodeInput, Encoded, Encoder, FailedRecord } from '../../../src/domain/ports.ts'
import { MetadataBuilder } from '../../../src/domain/metadata-builder.ts'
import type { RecordMetadata } from '../../../src/domain/record-metadata.ts'
import { typedColumns, type HiveKind, type TypedColumn } from '../../../src/convert/hive-types.ts'

export type OpenedEncoder = Encoder & { readonly version: string; close(): Promise<void> }
export type MakeEncoder = (stagingPath: string) => Promise<OpenedEncoder>

export interface Batch {
  /** Name and type of each column. */
  readonly columns: readonly (readonly [name: string, type: string])[]
  readonly records: readonly (string | Buffer)[]
  readonly caseInsensitive?: boolean
  readonly parquetCompression?: ParquetCompression
  readonly recordsPerFrame?: number
  readonly metadataColumns?: readonly MetadataColumn[]
  /** Of each frame, by turns; of a frame that has undefined, or when there are none, nothing is known. */
  readonly sources?: readonly (FrameSource | undefined)[]
  readonly careful?: boolean
  readonly signal?: AbortSignal
}

/** Where the records of a frame came from. */
export interface FrameSource {
  readonly shardId: string
  /** Of each record, by turns. */
  readonly records: readonly RecordMetadata[]
}

/** A value as text, the same from every reader; null for null. */
export type Cell = string | null

export interface Outcome {
  readonly rows: readonly (readonly Cell[])[]
  readonly failures: readonly FailedRecord[]
  readonly errors: Readonly<Record<string, number>>
  /** The bytes of the objects. */
  readonly objects: readonly Buffer[]
}

const stream = { name: 'orders', incarnation: '0123456789abcdef' }

export function framesOf({ records, recordsPerFrame = 500, sources = [] }: Batch): Frame[] {
  const frames: Frame[] = []
  for (let start = 0; start < records.length; start += recordsPerFrame) {
    const part = records.slice(start, start + recordsPerFrame).map((record) => Buffer.from(record))
    const builder = new FrameBuilder(
      part.length,
      part.reduce((sum, record) => sum + record.length, 0),
      sectionOf(sources[frames.length % sources.length], part.length),
    )
    for (const record of part) builder.addBytes(record)
    frames.push(builder.finish(1_793_610_900_000 + start))
  }
  return frames
}

function sectionOf(source: FrameSource | undefined, count: number): Buffer | undefined {
  if (source === undefined) return undefined
  const section = new MetadataBuilder(source.shardId)
  for (let index = 0; index < count; index += 1) {
    const metadata = source.records[index % source.records.length]
    if (metadata !== undefined) section.add(metadata)
  }
  return section.finish()
}

export function inputOf(batch: Batch): EncodeInput {
  const frames = framesOf(batch)
  const bytes = frames.reduce((sum, frame) => sum + frame.recordBytes, 0)
  const table = { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' }
  return {
    batch: {
      stream,
      batchId: '1-0123456789abcdef',
      state: 'planned',
      trigger: 'size',
      records: batch.records.length,
      bytes,
      storedBytes: bytes,
      frames: frames.length,
      firstAppend: 0,
      lastAppend: frames.length,
      oldestArrivalMs: 1_793_610_900_000,
      openedAtMs: 0,
      sealedAtMs: 0,
      attempts: 1,
      deaths: 0,
    },
    plan: {
      version: 1,
      engine: 'js',
      engineVersion: 'test',
      columns: batch.columns.map(([name, type]) => ({ name, type })),
      table,
      destination: {
        bucket: 'lake',
        prefix: '',
        errorOutputPrefix: '',
        compression: 'UNCOMPRESSED',
        conversion: {
          table,
          caseInsensitive: batch.caseInsensitive ?? true,
          parquetCompression: batch.parquetCompression ?? 'SNAPPY',
          ...(batch.metadataColumns === undefined ? {} : { metadataColumns: batch.metadataColumns }),
        },
      },
    },
    frames: async function* () {
      await Promise.resolve()
      yield* frames
    },
    careful: batch.careful ?? false,
    signal: batch.signal ?? new AbortController().signal,
  }
}

/** Encodes a batch, reads it back and disposes of it; checks what must hold of any batch. */
export async function outcomeOf(encoder: Encoder, batch: Batch): Promise<Outcome> {
  const encoded = await encoder.encode(inputOf(batch))
  try {
    return await readBack(encoded, batch)
  } finally {
    await encoded.dispose()
  }
}

const METADATA_TYPES = {
  shardId: 'string',
  sequenceNumber: 'string',
  subSequenceNumber: 'int',
  partitionKey: 'string',
  arrival: 'timestamp',
} as const

/** The columns that a batch's object should have. */
function columnsOf({ columns, metadataColumns = [] }: Batch): readonly TypedColumn[] {
  return typedColumns([
    ...columns.map(([name, type]) => ({ name, type })),
    ...metadataColumns.map(({ name, field }) => ({ name, type: METADATA_TYPES[field] })),
  ])
}

async function readBack(encoded: Encoded, batch: Batch): Promise<Outcome> {
  const columns = columnsOf(batch)
  const rows: (readonly Cell[])[] = []
  const objects: Buffer[] = []
  for (const [index, { body, part, rows: objectRows, extension }] of encoded.objects.entries()) {
    expect([part, extension]).toEqual([index, '.parquet'])
    const path = body.path
    if (path === undefined) throw new Error('a Parquet object is not in a file')
    const bytes = await readFile(path)
    expect(bytes.length).toBe(body.length)
    objects.push(bytes)
    const read = await readParquet(path, columns)
    expect(read.length).toBe(objectRows)
    expect(objectRows).toBeGreaterThan(0)
    for (const row of read) rows.push(row)
  }
  expect(rows.length).toBe(encoded.rows)
  const failures: FailedRecord[] = []
  for await (const failure of encoded.failures())
    failures.push({ ...failure, rawData: Buffer.from(failure.rawData) })
  for (const { ordinal, rawData } of failures) {
    expect(Buffer.from(batch.records[ordinal] ?? '').equals(rawData)).toBe(true)
  }
  expect(failures.map(({ ordinal }) => ordinal)).toEqual(
    failures.map(({ ordinal }) => ordinal).toSorted((a, b) => a - b),
  )
  const byCode: Record<string, number> = {}
  for (const { code } of failures) byCode[code] = (byCode[code] ?? 0) + 1
  expect(encoded.errors).toEqual(byCode)
  expect(encoded.dropped).toBe(0)
  return { rows, failures, errors: encoded.errors, objects }
}

/** The rows of a Parquet file, read by DuckDB and by hyparquet and found alike. */
export async function readParquet(path: string, columns: readonly TypedColumn[]): Promise<Cell[][]> {
  const fromDuckdb = await readWithDuckdb(path, columns)
  const fromHyparquet = await readWithHyparquet(path, columns)
  expect(fromHyparquet.length).toBe(fromDuckdb.length)
  for (const [index, row] of fromDuckdb.entries()) {
    const other = fromHyparquet[index] ?? []
    const isAlike = columns.every(({ type }, at) => {
      const [left, right] = [row[at] ?? null, other[at] ?? null]
      if (left === right || type.kind !== 'decimal' || left === null || right === null) return left === right
      // hyparquet gives decimals as doubles.
      return Math.abs(Number(left) - Number(right)) <= Math.abs(Number(left)) * 1e-14
    })
    if (!isAlike) expect(other, `row ${index}`).toEqual(row)
  }
  return fromDuckdb
}

const duckdb = DuckDBInstance.create(':memory:', { threads: '1' })

async function readWithDuckdb(path: string, columns: readonly TypedColumn[]): Promise<Cell[][]> {
  const connection = await (await duckdb).connect()
  try {
    const selected = columns.map(({ name, type }, index) => {
      const column = `"${name.replaceAll('"', '""')}"`
      if (type.kind === 'timestamp') return `epoch_ms(${column})::VARCHAR AS c${index}`
      if (type.kind === 'double' || type.kind === 'float') return `${column} AS c${index}`
      // The client's own decoder of text drops a byte order mark.
      if (type.kind === 'string') return `encode(${column}) AS c${index}`
      return `${column}::VARCHAR AS c${index}`
    })
    const result = await connection.runAndReadAll(
      `SELECT ${selected.join(', ')} FROM read_parquet('${path}', file_row_number = true, hive_partitioning = false) ORDER BY file_row_number`,
    )
    return result.getRowsJS().map((row) => row.map((value, index) => cell(value, columns[index]?.type.kind)))
  } finally {
    connection.closeSync()
  }
}

async function readWithHyparquet(path: string, columns: readonly TypedColumn[]): Promise<Cell[][]> {
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
      parsers: { stringFromBytes: (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8') },
      onComplete: (read: unknown[][]) => {
        rows = read
      },
    })
    return rows.map((row) => row.map((value, index) => cell(value, columns[index]?.type.kind)))
  } finally {
    await handle.close()
  }
}

function cell(value: unknown, kind: HiveKind | undefined): Cell {
  if (value === null || value === undefined) return null
  if (value instanceof Date) {
    return kind === 'date' ? value.toISOString().slice(0, 10) : String(value.getTime())
  }
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (kind === 'decimal' && typeof value === 'string') return value.replace(/^(-?)[.]/, '$10.')
  if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  throw new Error(`no text for ${typeof value}`)
}

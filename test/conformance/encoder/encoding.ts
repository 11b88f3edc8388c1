/** Runs records through an encoder and reads back what it made, with three Parquet readers that we did not write. */
import { readFile } from 'node:fs/promises'
import { parquetMetadata } from 'hyparquet'
import { expect } from 'vitest'
import type {
  FormatConversion,
  MetadataColumn,
  ParquetCompression,
} from '../../../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import type { EncodeInput, Encoded, Encoder, FailedRecord } from '../../../src/domain/ports.ts'
import { MetadataBuilder } from '../../../src/domain/metadata-builder.ts'
import type { RecordMetadata } from '../../../src/domain/record-metadata.ts'
import { partsOf } from '../../../src/convert/duckdb/column-sql.ts'
import { isNested, typedColumns, type HiveType, type TypedColumn } from '../../../src/convert/hive-types.ts'
import { isAlike, readWithArrowRs, readWithDuckdb, readWithHyparquet, type Shown } from './parquet-readers.ts'

export type OpenedEncoder = Encoder & { readonly version: string; close(): Promise<void> }
export type MakeEncoder = (stagingPath: string) => Promise<OpenedEncoder>

export interface Batch {
  /** Name and type of each column. */
  readonly columns: readonly (readonly [name: string, type: string])[]
  readonly records: readonly (string | Buffer)[]
  readonly caseInsensitive?: boolean
  /** Other options of the conversion. */
  readonly options?: Partial<FormatConversion>
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

/** A value as text (JSON of it when it is nested), the same from every reader; null for null. */
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
          ...batch.options,
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
export function columnsOf({ columns, metadataColumns = [], options }: Batch): readonly TypedColumn[] {
  const all = [
    ...columns.map(([name, type]) => ({ name, type })),
    ...metadataColumns.map(({ name, field }) => ({ name, type: METADATA_TYPES[field] })),
  ]
  return typedColumns(all, options)
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

/** Types inside each other that DuckDB reads in a reasonable time: it takes twice as long for each level. */
const DUCKDB_DEPTH_MAX = 12

/**
 * The rows of a Parquet file, read by three readers and found alike; a nested value as JSON. DuckDB does not read very deep
 * types, and hyparquet no ZSTD.
 */
export async function readParquet(path: string, columns: readonly TypedColumn[]): Promise<Cell[][]> {
  const rows = await readWithArrowRs(path, columns)
  if (columns.every(({ type }) => depthOf(type) <= DUCKDB_DEPTH_MAX)) {
    expect(await readWithDuckdb(path, columns)).toEqual(rows)
  }
  const fromHyparquet = (await isZstd(path)) ? rows : await readWithHyparquet(path, columns)
  expect(fromHyparquet.length).toBe(rows.length)
  for (const [index, row] of rows.entries()) {
    const other = fromHyparquet[index] ?? []
    const areAlike = columns.every(({ type }, at) => isAlike(other[at] ?? null, row[at] ?? null, type))
    if (!areAlike) expect(other, `row ${index}`).toEqual(row)
  }
  return rows.map((row) => row.map(cellOf))
}

function depthOf(type: HiveType): number {
  return isNested(type) ? 1 + Math.max(...partsOf(type).map(depthOf)) : 0
}

export const cellOf = (value: Shown): Cell =>
  value === null || typeof value === 'string' ? value : JSON.stringify(value)

/** hyparquet has no ZSTD of its own. */
async function isZstd(path: string): Promise<boolean> {
  const { row_groups: groups } = parquetMetadata(arrayBuffer(await readFile(path)))
  return groups.some(({ columns }) => columns.some((column) => column.meta_data?.codec === 'ZSTD'))
}

const arrayBuffer = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer

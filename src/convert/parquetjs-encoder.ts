/**
 * The JavaScript engine: JSON to Parquet with parquetjs-lite, for platforms without DuckDB's native library. It runs on
 * the event loop, in turns of a few milliseconds, and serves flat columns of scalar types.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../account/log.ts'
import type { ParquetCompression } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import { CONVERSION_RULES_VERSION } from '../domain/plan.ts'
import type { EncodeInput, Encoded, EncodedObject, Encoder } from '../domain/ports.ts'
import { FailureSpool } from './failure-spool.ts'
import type { TypedColumn } from './hive-types.ts'
import type { ScalarValue } from './hive-values.ts'
import { recordScanner } from './json-record.ts'
import type { ConversionRules } from './json-rules.ts'
import {
  eachMetadata,
  metadataFields,
  plannedColumns,
  readField,
  tableColumns,
  warnOfTakenColumns,
} from './metadata-columns.ts'
import { PARQUETJS_VERSION, ParquetFile } from './parquet-file.ts'
import { recordsByObject, type ObjectRecords, type RecordsByObject } from './records-by-object.ts'
import { StagingFile, StagingFolder } from './staging.ts'
import { Turns } from './turns.ts'
import type { Verdict } from './verdicts.ts'

type Row = readonly (ScalarValue | null)[]

/** Values of the rows of one record that are held until all of it is known to be good. */
const HELD_CELLS_MAX = 100_000

export interface ParquetjsEncoder extends Encoder {
  /** Part of each plan: objects of one version are alike in every process. */
  readonly version: string
  close(): Promise<void>
}

/** @param options.stagingPath where the process's staging folder is made */
export async function openParquetjsEncoder(options: {
  readonly stagingPath: string
  readonly log: Log
}): Promise<ParquetjsEncoder> {
  const staging = await StagingFolder.open(options.stagingPath)
  const version = `parquetjs-lite-${PARQUETJS_VERSION}-rules-${CONVERSION_RULES_VERSION}`
  options.log.info({ engine: 'js', engineVersion: version }, 'encoder opened')
  return {
    version,
    encode(input) {
      warnOfTakenColumns(options.log, input)
      return encode(input, staging)
    },
    close: () => staging.remove(),
  }
}

async function encode(input: EncodeInput, staging: StagingFolder): Promise<Encoded> {
  const conversion = input.plan.destination.conversion
  if (conversion === undefined || input.plan.columns === undefined) {
    throw new Error(`encode batch ${input.batch.batchId}: its plan converts nothing`)
  }
  const { parquetCompression } = conversion
  const columns = plannedColumns(input.plan)
  const folder = await staging.folder()
  const failures = new FailureSpool(join(folder, 'failures'))
  const withMetadata = metadataFields(columns).length > 0
  try {
    const records = await recordsByObject(input, { path: () => join(folder, 'records'), withMetadata })
    try {
      const writer = new ObjectWriter({ columns, rules: conversion, parquetCompression }, records, failures)
      const objects: EncodedObject[] = []
      for await (const object of records.objects()) {
        const written = await writer.write(
          object,
          join(folder, `object-${object.index}.parquet`),
          input.signal,
        )
        if (written !== undefined) objects.push(written)
      }
      return encoded(objects, failures, folder)
    } finally {
      await Promise.all([failures.close(), records.dispose()])
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

interface Schema {
  readonly columns: readonly TypedColumn[]
  readonly rules: ConversionRules
  readonly parquetCompression: ParquetCompression
}

/** Reads the records of one object after another, each into a file of its own, and failed records into the spool. */
class ObjectWriter {
  readonly #schema: Schema
  readonly #records: RecordsByObject
  readonly #failures: FailureSpool
  readonly #turns = new Turns()
  readonly #scan: (record: Uint8Array) => Iterable<Row | Verdict>
  readonly #metadata: ReadMetadata | undefined
  #place = 0

  constructor(schema: Schema, records: RecordsByObject, failures: FailureSpool) {
    this.#schema = schema
    this.#records = records
    this.#failures = failures
    this.#scan = rowScanner(tableColumns(schema.columns), schema.rules)
    this.#metadata = metadataReader(schema.columns)
  }

  /** Undefined when the object has no rows. @param path of a file that is not there yet */
  async write(object: ObjectRecords, path: string, signal: AbortSignal): Promise<EncodedObject | undefined> {
    const file = await StagingFile.create(path)
    try {
      const { columns, parquetCompression: compression } = this.#schema
      const parquet = new ParquetFile(file, columns, { compression, turns: this.#turns })
      await this.#readInto(parquet, object, signal)
      if (parquet.rows > 0) {
        const length = await parquet.finish()
        return { part: object.index, rows: parquet.rows, body: { path, length }, extension: '.parquet' }
      }
    } finally {
      await file.close()
    }
    await rm(path)
    return undefined
  }

  async #readInto(parquet: ParquetFile, object: ObjectRecords, signal: AbortSignal): Promise<void> {
    for await (const frame of object.frames()) {
      const metadata = this.#metadata?.(frame)
      for (const rawData of frame.recordViews()) {
        const verdict = await this.#record(parquet, rawData, metadata?.next().value)
        if (verdict !== undefined) {
          const source = this.#records.source(this.#place, frame.arrivalMs)
          await this.#failures.add({ ...source, ...verdict, rawData })
        }
        this.#place += 1
        signal.throwIfAborted()
        if (this.#turns.isOver) await this.#turns.next()
      }
    }
  }

  /** All rows of a record, or none and the verdict. Rows that would take much memory are read twice instead. */
  async #record(
    parquet: ParquetFile,
    record: Uint8Array,
    metadata: Row | undefined,
  ): Promise<Verdict | undefined> {
    const columns = this.#schema.columns.length
    const held: Row[] = []
    let rows = 0
    for (const row of this.#scan(record)) {
      if ('code' in row) return row
      rows += 1
      if (rows * columns <= HELD_CELLS_MAX || rows === 1) held.push(row)
      if (this.#turns.isOver) await this.#turns.next()
    }
    for (const row of held.length === rows ? held : this.#scan(record)) {
      if ('code' in row) throw new Error('read record: a second reading gave another verdict')
      parquet.append(metadata === undefined ? row : [...row, ...metadata])
      if (parquet.isPageFull) await parquet.endPage()
      if (this.#turns.isOver) await this.#turns.next()
    }
    return undefined
  }
}

function encoded(objects: readonly EncodedObject[], failures: FailureSpool, folder: string): Encoded {
  return {
    objects,
    rows: objects.reduce((sum, { rows }) => sum + rows, 0),
    errors: failures.errors,
    dropped: 0,
    failures: () => failures.entries(),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}

/** From a record to its rows; a verdict comes last and is the record's: the first document's, the first column's. */
function rowScanner(
  columns: readonly TypedColumn[],
  rules: ConversionRules,
): (record: Uint8Array) => Iterable<Row | Verdict> {
  const scan = recordScanner(columns, rules)
  return function* rowsOf(record) {
    // Nested columns were refused when the stream was configured.
    for (const { row, verdict } of scan(record)) yield verdict ?? (row as Row)
  }
}

/** The values of the metadata columns for each record of a frame. */
type ReadMetadata = (frame: Frame) => Iterator<Row, undefined>

function metadataReader(columns: readonly TypedColumn[]): ReadMetadata | undefined {
  const fields = metadataFields(columns)
  if (fields.length === 0) return undefined
  const none = fields.map(() => null)
  const perMs = columns.some(({ type }) => type.kind === 'timestamp' && type.unit === 'micros') ? 1000n : 1n
  return (frame) =>
    eachMetadata(
      frame,
      (metadata, shardId) =>
        fields.map((field) => {
          const value = readField[field](metadata, shardId)
          return field === 'arrival' && value !== null ? BigInt(value) * perMs : value
        }),
      none,
    )
}

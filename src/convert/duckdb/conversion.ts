/**
 * The conversion of one batch: frames to lines, lines to typed rows with a doubt, the doubtful records by the exact path,
 * rows in the order of their records to one Parquet file, failed records to a spool.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ParquetCompression } from '../../domain/delivery-stream.ts'
import { EncoderError } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import type { EncodeInput } from '../../domain/ports.ts'
import { FailureSpool } from '../failure-spool.ts'
import { typedColumns, type TypedColumn } from '../hive-types.ts'
import { Turns } from '../turns.ts'
import { BitSet } from './bit-set.ts'
import type { Session } from './engine.ts'
import { exactScanner, type ScanExactly } from './exact-record.ts'
import { BatchLines, type LinesSlice } from './lines.ts'
import {
  RANGES_MAX,
  copyToParquet,
  countRows,
  createAside,
  createRows,
  doubtfulRows,
  orderedRows,
  partsInOrder,
  type ParquetOptions,
} from './query.ts'
import { doubtfulRecords, keySpellings } from './raw-doubt.ts'

/** A careful conversion gives DuckDB this much at a time. */
const SLICE_BYTES = 8 << 20
/** A row group holds about this many bytes of records, and DuckDB's own size of rows at the most. */
const ROW_GROUP_BYTES = 32 << 20
const ROW_GROUP_ROWS_MAX = 122_880
const VECTOR_ROWS = 2048

export interface Converted {
  /** Undefined when there are no rows. */
  readonly path: string | undefined
  readonly rows: number
  readonly failures: FailureSpool
}

/** DuckDB gave another number of rows than lines were written: the batch is converted again, every record exactly. */
export class LinesLostError extends Error {
  override readonly name = 'LinesLostError'
}

/** @param careful every record by the exact path, in slices; the rows and verdicts are the same */
export async function convertBatch(
  session: Session,
  input: EncodeInput,
  folder: string,
  careful: boolean,
): Promise<Converted> {
  const conversion = input.plan.destination.conversion
  if (conversion === undefined || input.plan.columns === undefined) {
    throw new Error(`encode batch ${input.batch.batchId}: its plan converts nothing`)
  }
  const columns = typedColumns(input.plan.columns)
  const keys = careful ? columns.map(({ name }) => name) : keySpellings(columns, await firstFrame(input))
  const run = new BatchRun({
    session,
    input,
    folder,
    careful,
    columns,
    keys,
    caseInsensitive: conversion.caseInsensitive,
    compression: conversion.parquetCompression,
  })
  return run.convert()
}

async function firstFrame(input: EncodeInput): Promise<Frame | undefined> {
  for await (const frame of input.frames()) return frame
  return undefined
}

interface RunOptions {
  readonly session: Session
  readonly input: EncodeInput
  readonly folder: string
  readonly careful: boolean
  readonly columns: readonly TypedColumn[]
  readonly keys: readonly string[]
  readonly caseInsensitive: boolean
  readonly compression: ParquetCompression
}

class BatchRun {
  readonly #run: RunOptions
  readonly #turns = new Turns()
  readonly #scan: ScanExactly
  readonly #lines: BatchLines
  readonly #failures: FailureSpool
  #hasMinusZero = false

  constructor(run: RunOptions) {
    this.#run = run
    this.#scan = exactScanner(run.columns, run.keys, run.caseInsensitive)
    this.#lines = new BatchLines({
      folder: run.folder,
      scan: this.#scan,
      turns: this.#turns,
      sliceBytesMax: run.careful ? SLICE_BYTES : Infinity,
    })
    this.#failures = new FailureSpool(join(run.folder, 'failures'))
  }

  async convert(): Promise<Converted> {
    try {
      await this.#stage()
      const parts: string[] = []
      let rows = 0
      for (const [index, slice] of this.#lines.slices.entries()) {
        const path = join(this.#run.folder, `rows-${index}.parquet`)
        const written = await this.#convertSlice(slice, path)
        if (written > 0) parts.push(path)
        rows += written
      }
      if (this.#lines.failed.size > 0) await this.#spoolFailures()
      return { path: await this.#joined(parts), rows, failures: this.#failures }
    } finally {
      await this.#lines.close()
      await this.#failures.close()
    }
  }

  /** The batch's frames to lines. */
  async #stage(): Promise<void> {
    const { input, columns, keys, caseInsensitive, careful } = this.#run
    const find = careful ? allRecords : doubtfulRecords(columns, keys, caseInsensitive)
    for await (const frame of input.frames()) {
      input.signal.throwIfAborted()
      await this.#lines.add(frame, find(frame))
      if (this.#turns.isOver) await this.#turns.next()
    }
    await this.#lines.flush()
  }

  async #convertSlice(slice: LinesSlice, path: string): Promise<number> {
    const { session, columns, keys } = this.#run
    await session.run(createRows('batch_rows', slice.lines, columns, keys))
    const [rows, doubtful = 0, minusZeros = 0] = await session.numbers(countRows('batch_rows', columns))
    this.#hasMinusZero ||= minusZeros > 0
    if (rows !== slice.records) {
      throw new LinesLostError(`convert: ${slice.records} lines were written, ${rows} came back`)
    }
    if (doubtful > 0) await this.#settleDoubts(slice)
    const aside = slice.asideLines
    if (aside !== undefined) {
      await session.run(createAside('aside_rows', aside, columns, keys))
      const [, refused, minusZerosAside = 0] = await session.numbers(countRows('aside_rows', columns))
      this.#hasMinusZero ||= minusZerosAside > 0
      if (refused !== 0) throw defect(`${refused} exact rows were refused`)
    }
    const query = orderedRows(
      'batch_rows',
      aside && 'aside_rows',
      slice.aside.size > RANGES_MAX ? undefined : slice.aside.values(),
      columns,
    )
    const [written = 0] = await session.numbers(copyToParquet(query, path, this.#parquetOptions()))
    await session.run('DROP TABLE batch_rows')
    if (aside !== undefined) await session.run('DROP TABLE aside_rows')
    return written
  }

  #parquetOptions(): ParquetOptions {
    return {
      compression: this.#run.compression,
      rowGroupRows: this.#rowGroupRows(),
      hasMinusZero: this.#hasMinusZero,
    }
  }

  /** Rows in a row group: the same in every attempt. */
  #rowGroupRows(): number {
    const { records, bytes } = this.#run.input.batch
    const rows = Math.floor(ROW_GROUP_BYTES / Math.max(1, bytes / Math.max(1, records)))
    return Math.max(VECTOR_ROWS, Math.min(ROW_GROUP_ROWS_MAX, rows - (rows % VECTOR_ROWS)))
  }

  /** Reads exactly what DuckDB is in doubt of and what the exact path has not seen yet. */
  async #settleDoubts(slice: LinesSlice): Promise<void> {
    const { firstOrdinal } = slice
    const doubts = new BitSet()
    await this.#run.session.integers(doubtfulRows('batch_rows'), (row) => {
      if (!slice.aside.has(row) && !this.#lines.failed.has(firstOrdinal + row)) doubts.add(firstOrdinal + row)
    })
    if (doubts.size === 0) return
    if (this.#run.careful) throw defect(`${doubts.size} exact lines were refused`)
    await this.#eachRecord(doubts, (record, ordinal) => this.#lines.settle(record, ordinal, slice))
    await slice.flush()
  }

  async #spoolFailures(): Promise<void> {
    await this.#eachRecord(this.#lines.failed, async (rawData, ordinal, arrivalMs) => {
      for (const { verdict } of this.#scan(rawData)) {
        if (verdict !== undefined) await this.#failures.add({ ordinal, arrivalMs, ...verdict, rawData })
      }
    })
  }

  /** Visits some records of the batch in order. */
  async #eachRecord(
    ordinals: BitSet,
    visit: (record: Buffer, ordinal: number, arrivalMs: number) => Promise<void>,
  ): Promise<void> {
    const { input } = this.#run
    let first = 0
    for await (const frame of input.frames()) {
      input.signal.throwIfAborted()
      if (ordinals.hasAny(first, first + frame.records)) {
        let ordinal = first
        for (const record of frame.recordViews()) {
          if (ordinals.has(ordinal)) await visit(record, ordinal, frame.arrivalMs)
          if (this.#turns.isOver) await this.#turns.next()
          ordinal += 1
        }
      }
      first += frame.records
    }
  }

  async #joined(parts: readonly string[]): Promise<string | undefined> {
    const [first] = parts
    if (first === undefined || parts.length === 1) return first
    const path = join(this.#run.folder, 'rows.parquet')
    await this.#run.session.run(copyToParquet(partsInOrder(parts), path, this.#parquetOptions()))
    for (const part of parts) await rm(part)
    return path
  }
}

function allRecords(frame: Frame): readonly number[] {
  return Array.from({ length: frame.records }, (_, index) => index)
}

function defect(what: string): EncoderError {
  return new EncoderError(`convert: ${what}`, {
    code: 'EnginesDisagree',
    hint: 'this is a defect of Hydrant; set convert.engine to js for the time being and report it',
  })
}

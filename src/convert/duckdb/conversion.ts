/**
 * The conversion of one batch: frames to lines, lines to typed rows with a doubt, the doubtful records by the exact path,
 * rows in the order of their records to one Parquet file, failed records to a spool.
 */
import { join } from 'node:path'
import { EncoderError } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import type { EncodeInput } from '../../domain/ports.ts'
import { FailureSpool } from '../failure-spool.ts'
import type { TypedColumn } from '../hive-types.ts'
import { plannedColumns, tableColumns } from '../metadata-columns.ts'
import { Turns } from '../turns.ts'
import { BitSet } from './bit-set.ts'
import type { Session } from './engine.ts'
import { exactScanner, type ScanExactly } from './exact-record.ts'
import { BatchLines, RowLines, type LinesOptions } from './lines.ts'
import { MetadataLines, metadataKeys } from './metadata-lines.ts'
import {
  RANGES_MAX,
  copyToParquet,
  countRows,
  createAside,
  createRows,
  doubtfulRows,
  orderedRows,
  plainRows,
  type LinesFile,
  type ParquetOptions,
} from './query.ts'
import { doubtfulRecords, keySpellings, type FindDoubtful } from './raw-doubt.ts'

/** A row group holds about this many bytes of records, and DuckDB's own size of rows at the most. */
const ROW_GROUP_BYTES = 32 << 20
const ROW_GROUP_ROWS_MAX = 122_880
const VECTOR_ROWS = 2048
/** DuckDB holds some 100 KiB a column and thread for judging values: a wider table goes the exact path. */
const JUDGED_COLUMNS_MAX = 128

export interface Converted {
  /** A file when there are rows. */
  readonly path: string
  readonly rows: number
  readonly failures: FailureSpool
}

/** DuckDB gave another number of rows than lines were written: the batch is converted again, every record exactly. */
export class LinesLostError extends Error {
  override readonly name = 'LinesLostError'
}

/** @param careful every record by the exact path; the rows and verdicts are the same */
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
  const columns = plannedColumns(input.plan)
  const table = tableColumns(columns)
  const { caseInsensitive } = conversion
  const isExact = careful || columns.length > JUDGED_COLUMNS_MAX
  const tableKeys = keySpellings(table, caseInsensitive && !isExact, await firstFrame(input))
  const scan = exactScanner(table, tableKeys, caseInsensitive, isExact)
  const ownKeys = metadataKeys(columns)
  const run = new BatchRun({
    session,
    input,
    folder,
    columns,
    keys: [...tableKeys, ...ownKeys],
    scan,
    metadata: ownKeys.length === 0 ? undefined : new MetadataLines(columns, ownKeys),
  })
  if (isExact) return run.convertExactly()
  return run.convert(doubtfulRecords(table, tableKeys, caseInsensitive))
}

async function firstFrame(input: EncodeInput): Promise<Frame | undefined> {
  for await (const frame of input.frames()) return frame
  return undefined
}

interface RunOptions {
  readonly session: Session
  readonly input: EncodeInput
  readonly folder: string
  /** The table's, then the metadata columns; `keys` of their members in the lines. */
  readonly columns: readonly TypedColumn[]
  readonly keys: readonly string[]
  readonly scan: ScanExactly
  readonly metadata: MetadataLines | undefined
}

class BatchRun {
  readonly #run: RunOptions
  readonly #turns = new Turns()
  readonly #scan: ScanExactly
  readonly #path: string
  readonly #failures: FailureSpool

  constructor(run: RunOptions) {
    this.#run = run
    this.#scan = run.scan
    this.#path = join(run.folder, 'rows.parquet')
    this.#failures = new FailureSpool(join(run.folder, 'failures'))
  }

  async convert(findDoubtful: FindDoubtful): Promise<Converted> {
    const lines = new BatchLines(this.#linesOptions())
    try {
      await this.#eachFrame((frame) => lines.add(frame, findDoubtful(frame)))
      const rows = await this.#run.session.inTurn(() => this.#writeRows(lines))
      return { path: this.#path, rows, failures: this.#failures }
    } finally {
      await Promise.all([lines.close(), this.#failures.close()])
    }
  }

  /** Every record by the exact path: DuckDB does nothing but write, and holds little. */
  async convertExactly(): Promise<Converted> {
    const lines = new RowLines(this.#linesOptions())
    try {
      await this.#eachFrame((frame) => lines.add(frame))
      const file = await lines.flushed()
      const rows =
        file === undefined
          ? 0
          : await this.#copy(plainRows(file, this.#run.columns, this.#run.keys), lines.hasMinusZero)
      if (rows !== lines.rows) throw defect(`${lines.rows} exact rows were written, ${rows} came back`)
      await this.#spoolFailures(lines.failed)
      return { path: this.#path, rows, failures: this.#failures }
    } finally {
      await Promise.all([lines.close(), this.#failures.close()])
    }
  }

  #linesOptions(): LinesOptions {
    const { folder, metadata } = this.#run
    return { path: join(folder, 'lines'), scan: this.#scan, turns: this.#turns, metadata }
  }

  async #eachFrame(visit: (frame: Frame) => Promise<void>): Promise<void> {
    const { input } = this.#run
    for await (const frame of input.frames()) {
      input.signal.throwIfAborted()
      await visit(frame)
      if (this.#turns.isOver) await this.#turns.next()
    }
  }

  async #writeRows(lines: BatchLines): Promise<number> {
    const { session, columns, keys } = this.#run
    const file = await lines.flushed()
    if (file === undefined) return 0
    await session.run(createRows('batch_rows', file, columns, keys))
    const [rows, doubtful = 0, minusZeros = 0] = await session.numbers(countRows('batch_rows', columns))
    if (rows !== lines.records) {
      throw new LinesLostError(`convert: ${lines.records} lines were written, ${rows} came back`)
    }
    await this.#decideDoubts(lines, doubtful)
    const aside = await lines.flushedAside()
    let minusZerosAside = 0
    if (aside !== undefined) {
      await session.run(createAside('aside_rows', aside, columns, keys))
      const [, refused = 0, found = 0] = await session.numbers(countRows('aside_rows', columns))
      if (refused > 0) throw defect(`${refused} exact rows were refused`)
      minusZerosAside = found
    }
    return this.#copyRows(lines, doubtful === rows, aside, minusZeros + minusZerosAside > 0)
  }

  async #copyRows(
    lines: BatchLines,
    noneSure: boolean,
    aside: LinesFile | undefined,
    hasMinusZero: boolean,
  ): Promise<number> {
    if (noneSure && aside === undefined) return 0
    const ordinals = lines.aside.size > RANGES_MAX ? undefined : [...lines.aside.each()]
    const query = orderedRows('batch_rows', aside && 'aside_rows', ordinals, this.#run.columns)
    return this.#copy(query, hasMinusZero)
  }

  /** Answers the rows written. */
  async #copy(query: string, hasMinusZero: boolean): Promise<number> {
    const { plan } = this.#run.input
    const options: ParquetOptions = {
      compression: plan.destination.conversion?.parquetCompression ?? 'SNAPPY',
      rowGroupRows: this.#rowGroupRows(),
      hasMinusZero,
    }
    const [written = 0] = await this.#run.session.numbers(copyToParquet(query, this.#path, options))
    return written
  }

  /** Rows in a row group: the same in every attempt. */
  #rowGroupRows(): number {
    const { records, bytes } = this.#run.input.batch
    const rows = Math.floor(ROW_GROUP_BYTES / Math.max(1, bytes / Math.max(1, records)))
    return Math.max(VECTOR_ROWS, Math.min(ROW_GROUP_ROWS_MAX, rows - (rows % VECTOR_ROWS)))
  }

  /** Reads what DuckDB is in doubt of, in order: each such record fails, or its rows are set aside. */
  async #decideDoubts(lines: BatchLines, doubtful: number): Promise<void> {
    if (doubtful === 0) return
    const doubts = new BitSet(lines.records)
    await this.#run.session.integers(doubtfulRows('batch_rows'), (ordinal) => {
      if (!lines.aside.has(ordinal)) doubts.add(ordinal)
    })
    for await (const record of lines.read(doubts)) {
      this.#run.input.signal.throwIfAborted()
      const verdict = await lines.decide(record)
      const { ordinal, arrivalMs, bytes } = record
      if (verdict !== undefined) {
        await this.#failures.add({ ordinal, arrivalMs, ...verdict, rawData: Buffer.from(bytes) })
      }
    }
  }

  /** The verdicts on records that are known to fail. */
  async #spoolFailures(failed: BitSet): Promise<void> {
    if (failed.size === 0) return
    let ordinal = -1
    await this.#eachFrame(async (frame) => {
      for (const rawData of frame.recordViews()) {
        ordinal += 1
        if (!failed.has(ordinal)) continue
        for (const { verdict } of this.#scan(rawData)) {
          if (verdict === undefined) continue
          await this.#failures.add({ ordinal, arrivalMs: frame.arrivalMs, ...verdict, rawData })
        }
        if (this.#turns.isOver) await this.#turns.next()
      }
    })
  }
}

function defect(what: string): EncoderError {
  return new EncoderError(`convert: ${what}`, {
    code: 'EnginesDisagree',
    hint: 'this is a defect of Hydrant; set convert.engine to js for the time being and report it',
  })
}

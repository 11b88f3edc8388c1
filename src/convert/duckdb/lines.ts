/**
 * A batch as lines for DuckDB, in one of two forms.
 *
 * `BatchLines`: line n is record n. The bytes of clean records are written as they are; a record that goes the exact path
 * becomes a line of plain values, or, when it failed or its rows are set aside (several documents, or nothing but nulls), a
 * line that gives no row.
 *
 * `RowLines`: line n is row n, every record by the exact path. Slow, and nothing is left for DuckDB to decide.
 */
import type { Frame } from '../../domain/frame.ts'
import { StagingFile } from '../staging.ts'
import type { Verdict } from '../hive-types.ts'
import type { Turns } from '../turns.ts'
import { BitSet } from './bit-set.ts'
import type { ExactRow, ScanExactly } from './exact-record.ts'
import { asideLine, type LinesFile } from './query.ts'
import { StagedRecords, type StagedRecord } from './staged-records.ts'

export interface LinesOptions {
  /** Of files that are not there yet. */
  readonly path: string
  readonly scan: ScanExactly
  readonly turns: Turns
}

/** Lines written as text are gathered in one buffer of this size: a Buffer for each would be garbage by the million. */
const TEXT_BYTES = 256 * 1024

/** A staging file of lines, made when there is a first line. */
class LinesWriter {
  lines = 0
  /** Of the lines so far, written or gathered. */
  bytes = 0
  readonly #path: string
  #file: StagingFile | undefined
  #lineBytesMax = 0
  #text: Buffer | undefined
  /** Text before this is with the file. */
  #textTaken = 0
  #textEnd = 0

  constructor(path: string) {
    this.#path = path
  }

  /** @param bytes of lines, each with its newline @param lineBytesMax length of the longest */
  async add(bytes: Uint8Array, lines: number, lineBytesMax: number): Promise<void> {
    const file = await this.#open()
    this.#takeText(file)
    file.add(bytes)
    this.lines += lines
    this.bytes += bytes.byteLength
    if (lineBytesMax > this.#lineBytesMax) this.#lineBytesMax = lineBytesMax
    if (file.isFull) await this.#flush(file)
  }

  /** @param line with its newline */
  async addText(line: string): Promise<void> {
    const bytesMax = 3 * line.length
    if (bytesMax > TEXT_BYTES) {
      const bytes = Buffer.from(line)
      await this.add(bytes, 1, bytes.length)
      return
    }
    this.#text ??= Buffer.allocUnsafe(TEXT_BYTES)
    if (this.#textEnd + bytesMax > TEXT_BYTES) await this.#flush(await this.#open())
    const written = this.#text.write(line, this.#textEnd)
    this.#textEnd += written
    this.lines += 1
    this.bytes += written
    if (written > this.#lineBytesMax) this.#lineBytesMax = written
  }

  async #open(): Promise<StagingFile> {
    return (this.#file ??= await StagingFile.create(this.#path))
  }

  #takeText(file: StagingFile): void {
    if (this.#text === undefined || this.#textEnd === this.#textTaken) return
    file.add(this.#text.subarray(this.#textTaken, this.#textEnd))
    this.#textTaken = this.#textEnd
  }

  async #flush(file: StagingFile): Promise<void> {
    this.#takeText(file)
    await file.flush()
    this.#textTaken = 0
    this.#textEnd = 0
  }

  /** What was written so far, or undefined when nothing was. */
  async flushed(): Promise<LinesFile | undefined> {
    if (this.lines === 0) return undefined
    await this.#flush(await this.#open())
    return { path: this.#path, lineBytesMax: this.#lineBytesMax }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

/** What both forms share: a record's verdict, or its rows without ever holding many. */
class ExactRecords {
  readonly #scan: ScanExactly
  readonly #turns: Turns

  constructor({ scan, turns }: LinesOptions) {
    this.#scan = scan
    this.#turns = turns
  }

  /** Gives the record's rows to `take`, or none when it fails; answers the verdict then. */
  async rows(
    record: Uint8Array,
    take: (row: ExactRow, isOnly: boolean) => Promise<void>,
  ): Promise<Verdict | undefined> {
    let first: ExactRow | undefined
    let rows = 0
    for (const row of this.#scan(record)) {
      if (row.verdict !== undefined) return row.verdict
      first ??= row
      rows += 1
    }
    if (rows === 1 && first !== undefined) await take(first, true)
    else await this.#readAgain(record, take)
    if (this.#turns.isOver) await this.#turns.next()
    return undefined
  }

  async #readAgain(
    record: Uint8Array,
    take: (row: ExactRow, isOnly: boolean) => Promise<void>,
  ): Promise<void> {
    for (const row of this.#scan(record)) {
      if (row.verdict !== undefined) throw new Error('read record: a second reading gave another verdict')
      await take(row, false)
      if (this.#turns.isOver) await this.#turns.next()
    }
  }
}

/** Valid JSON that is no object. */
const NO_ROW = '0\n'

export class BatchLines {
  /** Ordinals of the records whose rows are set aside. */
  readonly aside = new BitSet()
  readonly #exact: ExactRecords
  readonly #lines: LinesWriter
  readonly #records: StagedRecords
  readonly #asideLines: LinesWriter

  constructor(options: LinesOptions) {
    this.#exact = new ExactRecords(options)
    this.#lines = new LinesWriter(options.path)
    this.#records = new StagedRecords(options.path)
    this.#asideLines = new LinesWriter(`${options.path}-aside`)
  }

  get records(): number {
    return this.#lines.lines
  }

  /** @param exact ordinals within the frame, ascending, of the records that go the exact path */
  async add(frame: Frame, exact: readonly number[]): Promise<void> {
    const payload = frame.payload
    this.#records.addFrame(frame, this.#lines.bytes)
    let next = exact[0] ?? Infinity
    let taken = 0
    let runStart = 0
    let runRecords = 0
    let longest = 0
    let start = 0
    for (let index = 0; index < frame.records; index += 1) {
      const end = start + frame.length(index) + 1
      if (index === next) {
        if (runRecords > 0) await this.#lines.add(payload.subarray(runStart, start), runRecords, longest)
        await this.#addExact(payload.subarray(start, end - 1))
        runStart = end
        runRecords = 0
        taken += 1
        next = exact[taken] ?? Infinity
      } else {
        runRecords += 1
        if (end - start > longest) longest = end - start
      }
      start = end
    }
    if (runRecords > 0) await this.#lines.add(payload.subarray(runStart, start), runRecords, longest)
  }

  async #addExact(record: Uint8Array): Promise<void> {
    const ordinal = this.#lines.lines
    let line = NO_ROW
    const verdict = await this.#exact.rows(record, async (row, isOnly) => {
      if (isOnly && row.members !== '') line = `{${row.members}}\n`
      else await this.#setAside(ordinal, row)
    })
    // A record that fails is left to `decide`, by its line.
    if (verdict !== undefined) await this.#records.keep(ordinal, record)
    const start = this.#lines.bytes
    await this.#lines.addText(line)
    this.#records.setLine(ordinal, this.#lines.bytes - start - 1)
  }

  /** The records with these ordinals, in order, once the lines are flushed. */
  read(ordinals: BitSet): AsyncGenerator<StagedRecord> {
    return this.#records.read(ordinals)
  }

  /** Decides a record whose line gave no row beyond doubt: it fails, or its rows are set aside. */
  decide(record: Uint8Array, ordinal: number): Promise<Verdict | undefined> {
    return this.#exact.rows(record, (row) => this.#setAside(ordinal, row))
  }

  async #setAside(ordinal: number, row: ExactRow): Promise<void> {
    this.aside.add(ordinal)
    await this.#asideLines.addText(asideLine(ordinal, row.members))
  }

  flushed(): Promise<LinesFile | undefined> {
    return this.#lines.flushed()
  }

  /** The rows set aside so far. */
  flushedAside(): Promise<LinesFile | undefined> {
    return this.#asideLines.flushed()
  }

  async close(): Promise<void> {
    await Promise.all([this.#lines.close(), this.#records.close(), this.#asideLines.close()])
  }
}

export class RowLines {
  /** Ordinals of the records with a verdict. */
  readonly failed = new BitSet()
  records = 0
  /** A number may be minus zero (or a string looks so). */
  hasMinusZero = false
  readonly #exact: ExactRecords
  readonly #lines: LinesWriter

  constructor(options: LinesOptions) {
    this.#exact = new ExactRecords(options)
    this.#lines = new LinesWriter(options.path)
  }

  get rows(): number {
    return this.#lines.lines
  }

  async add(frame: Frame): Promise<void> {
    for (const record of frame.recordViews()) {
      const verdict = await this.#exact.rows(record, async (row) => {
        this.hasMinusZero ||= row.members.includes(':-0.0')
        await this.#lines.addText(`{${row.members}}\n`)
      })
      if (verdict !== undefined) this.failed.add(this.records)
      this.records += 1
    }
  }

  flushed(): Promise<LinesFile | undefined> {
    return this.#lines.flushed()
  }

  close(): Promise<void> {
    return this.#lines.close()
  }
}

/**
 * A batch as lines for DuckDB: line n is record n. The bytes of clean records are written as they are; a record that goes
 * the exact path becomes a line of plain values, or, when it failed or its rows are set aside (several documents, or
 * nothing but nulls), a line that gives no row.
 */
import { join } from 'node:path'
import type { Frame } from '../../domain/frame.ts'
import { StagingFile } from '../staging.ts'
import type { Turns } from '../turns.ts'
import { BitSet } from './bit-set.ts'
import type { ExactRow, ScanExactly } from './exact-record.ts'
import { asideLine, type LinesFile } from './query.ts'

/** Valid JSON that is no object. */
const NO_ROW = Buffer.from('0\n')

/** Lines of some consecutive records, and the rows of those among them that are set aside. */
export class LinesSlice {
  readonly firstOrdinal: number
  records = 0
  /** Ordinals within the slice, in the order they were set aside. */
  readonly aside = new BitSet()
  readonly #path: string
  readonly #lines: StagingFile
  #lineBytesMax = 0
  #asideLines: StagingFile | undefined
  #asideLineBytesMax = 0

  private constructor(path: string, lines: StagingFile, firstOrdinal: number) {
    this.#path = path
    this.#lines = lines
    this.firstOrdinal = firstOrdinal
  }

  static async create(folder: string, index: number, firstOrdinal: number): Promise<LinesSlice> {
    const path = join(folder, `lines-${index}`)
    return new LinesSlice(path, await StagingFile.create(path), firstOrdinal)
  }

  get bytes(): number {
    return this.#lines.bytes
  }

  get lines(): LinesFile {
    return { path: this.#path, lineBytesMax: this.#lineBytesMax }
  }

  /** Rows set aside, or undefined when there are none. */
  get asideLines(): LinesFile | undefined {
    return this.#asideLines && { path: `${this.#path}-aside`, lineBytesMax: this.#asideLineBytesMax }
  }

  /** @param lines of `records` records, each with its newline @param lineBytesMax length of the longest */
  async add(lines: Uint8Array, records: number, lineBytesMax: number): Promise<void> {
    this.#lines.add(lines)
    this.records += records
    this.#lineBytesMax = Math.max(this.#lineBytesMax, lineBytesMax)
    if (this.#lines.isFull) await this.#lines.flush()
  }

  async setAside(ordinal: number, row: ExactRow): Promise<void> {
    this.#asideLines ??= await StagingFile.create(`${this.#path}-aside`)
    this.aside.add(ordinal - this.firstOrdinal)
    const line = Buffer.from(asideLine(ordinal - this.firstOrdinal, row.members))
    this.#asideLineBytesMax = Math.max(this.#asideLineBytesMax, line.length)
    this.#asideLines.add(line)
    if (this.#asideLines.isFull) await this.#asideLines.flush()
  }

  async flush(): Promise<void> {
    await this.#lines.flush()
    await this.#asideLines?.flush()
  }

  async close(): Promise<void> {
    await Promise.all([this.#lines.close(), this.#asideLines?.close()])
  }
}

export interface LinesOptions {
  readonly folder: string
  readonly scan: ScanExactly
  readonly turns: Turns
  /** A new slice is begun after this many bytes of lines. */
  readonly sliceBytesMax: number
}

export class BatchLines {
  readonly slices: LinesSlice[] = []
  /** Records with a verdict. */
  readonly failed = new BitSet()
  records = 0
  readonly #options: LinesOptions

  constructor(options: LinesOptions) {
    this.#options = options
  }

  /** @param exact ordinals within the frame, ascending, of the records that go the exact path */
  async add(frame: Frame, exact: readonly number[]): Promise<void> {
    const payload = frame.payload
    let next = exact[0] ?? Infinity
    let taken = 0
    let runStart = 0
    let runRecords = 0
    let longest = 0
    let start = 0
    for (let index = 0; index < frame.records; index += 1) {
      const end = start + frame.length(index) + 1
      if (index === next) {
        if (runRecords > 0) await this.#write(payload.subarray(runStart, start), runRecords, longest)
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
    if (runRecords > 0) await this.#write(payload.subarray(runStart, start), runRecords, longest)
  }

  async #write(lines: Uint8Array, records: number, lineBytesMax: number): Promise<void> {
    const slice = await this.#slice()
    this.records += records
    await slice.add(lines, records, lineBytesMax)
  }

  async #slice(): Promise<LinesSlice> {
    const last = this.slices.at(-1)
    if (last !== undefined && last.bytes < this.#options.sliceBytesMax) return last
    await last?.flush()
    const slice = await LinesSlice.create(this.#options.folder, this.slices.length, this.records)
    this.slices.push(slice)
    return slice
  }

  async #addExact(record: Uint8Array): Promise<void> {
    const slice = await this.#slice()
    const row = await this.#onlyRow(record, this.records, slice)
    const line = row === undefined ? NO_ROW : Buffer.from(`{${row.members}}\n`)
    this.records += 1
    await slice.add(line, 1, line.length)
    if (this.#options.turns.isOver) await this.#options.turns.next()
  }

  /** The row that takes the record's own line; undefined when the record failed or its rows are set aside. */
  async #onlyRow(record: Uint8Array, ordinal: number, slice: LinesSlice): Promise<ExactRow | undefined> {
    let only: ExactRow | undefined
    let rows = 0
    for (const row of this.#options.scan(record)) {
      if (row.verdict !== undefined) {
        this.failed.add(ordinal)
        return undefined
      }
      only = row
      rows += 1
    }
    if (rows === 1 && only?.members !== '') return only
    await this.#setAside(record, ordinal, slice)
    return undefined
  }

  /** Reads again, so that a record of very many rows is never held as a whole. */
  async #setAside(record: Uint8Array, ordinal: number, slice: LinesSlice): Promise<void> {
    for (const row of this.#options.scan(record)) {
      if (row.verdict !== undefined) throw new Error('read record: a second reading gave another verdict')
      await slice.setAside(ordinal, row)
      if (this.#options.turns.isOver) await this.#options.turns.next()
    }
  }

  /** Decides a record whose line DuckDB was in doubt of: it fails, or its rows are set aside. */
  async settle(record: Uint8Array, ordinal: number, slice: LinesSlice): Promise<void> {
    for (const row of this.#options.scan(record)) {
      if (row.verdict !== undefined) {
        this.failed.add(ordinal)
        return
      }
    }
    await this.#setAside(record, ordinal, slice)
  }

  async flush(): Promise<void> {
    for (const slice of this.slices) await slice.flush()
  }

  async close(): Promise<void> {
    await Promise.all(this.slices.map((slice) => slice.close()))
  }
}

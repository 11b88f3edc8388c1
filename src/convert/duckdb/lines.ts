/**
 * A batch as lines for DuckDB: each record is a line or more, in order. The bytes of clean records are written as they are; a
 * record that goes the exact path becomes a line of plain values for each of its rows. A row of nothing but nulls is set
 * aside, and a line that gives no row stands in its place; a record that failed is such a line too.
 *
 * With metadata columns each line that gives a row opens with the metadata of its record, see metadata-lines.
 */
import type { Frame } from '../../domain/frame.ts'
import type { Turns } from '../turns.ts'
import type { Verdict } from '../verdicts.ts'
import { BitSet } from './bit-set.ts'
import { ExactRecords, type ExactRow, type ScanExactly } from './exact-record.ts'
import { LinesWriter } from './lines-writer.ts'
import { PLAIN_OPENING, openingOf, plainPart, type FramePart, type MetadataLines } from './metadata-lines.ts'
import { asideLine, type LinesFile } from './query.ts'
import { QuickPathError } from './quick-path-error.ts'
import { StagedRecords, type StagedRecord } from './staged-records.ts'

export interface LinesOptions {
  /** Of files that are not there yet. */
  readonly path: string
  readonly scan: ScanExactly
  readonly turns: Turns
  /** Undefined without metadata columns. */
  readonly metadata: MetadataLines | undefined
}

/** Valid JSON that is no object. */
const NO_ROW = '0\n'

/** Most lines beside the first ones of their records: each takes some bytes of memory, and a document is two at the least. */
const MORE_LINES_MAX = 1_000_000

export class BatchLines {
  /** Ordinals of the lines whose row is set aside. */
  readonly aside = new BitSet()
  /** Ordinals of the lines that are of plain values. */
  readonly #plain = new BitSet()
  /** Ordinals of the lines that are not the first of their record. */
  readonly #more = new BitSet()
  readonly #exact: ExactRecords<ExactRow>
  readonly #metadata: MetadataLines | undefined
  readonly #turns: Turns
  readonly #lines: LinesWriter
  readonly #records: StagedRecords
  readonly #asideLines: LinesWriter

  constructor(options: LinesOptions) {
    this.#exact = new ExactRecords(options.scan, options.turns)
    this.#metadata = options.metadata
    this.#turns = options.turns
    this.#lines = new LinesWriter(options.path)
    this.#records = new StagedRecords(options.path, options.metadata !== undefined)
    this.#asideLines = new LinesWriter(`${options.path}-aside`)
  }

  get lines(): number {
    return this.#lines.lines
  }

  get records(): number {
    return this.#lines.lines - this.#more.size
  }

  /** The ordinal of a line's record, for ordinals of lines that ascend from call to call. */
  recordOrdinals(): (line: number) => number {
    const more = this.#more.each()
    let next = more.next()
    let before = 0
    return (line) => {
      for (; next.done !== true && next.value <= line; next = more.next()) before += 1
      return line - before
    }
  }

  /** @param exact ordinals within the frame, ascending, of the records that go the exact path */
  async add(frame: Frame, exact: readonly number[]): Promise<void> {
    if (this.#metadata === undefined) {
      await this.#addPart(plainPart(frame), exact)
      return
    }
    let first = 0
    let taken = 0
    for (const part of this.#metadata.parts(frame)) {
      const ofPart: number[] = []
      for (let next = exact[taken]; next !== undefined && next < first + part.records; next = exact[taken]) {
        ofPart.push(next - first)
        taken += 1
      }
      await this.#addPart(part, ofPart)
      first += part.records
      if (this.#turns.isOver) await this.#turns.next()
    }
  }

  async #addPart(part: FramePart, exact: readonly number[]): Promise<void> {
    const { lines, lengths, source } = part
    this.#records.addPart(part, this.#lines.bytes)
    let next = exact[0] ?? Infinity
    let taken = 0
    let runStart = 0
    let runRecords = 0
    let longest = 0
    let start = 0
    let sourceStart = 0
    for (let index = 0; index < part.records; index += 1) {
      const end = start + lengths.readUInt32LE(4 * index) + 1
      const sourceEnd = sourceStart + part.sourceLength(index) + 1
      if (index === next) {
        if (runRecords > 0) await this.#lines.add(lines.subarray(runStart, start), runRecords, longest)
        const opening = this.#metadata === undefined ? PLAIN_OPENING : openingOf(lines.subarray(start, end))
        await this.#addExact(source.subarray(sourceStart, sourceEnd - 1), opening)
        runStart = end
        runRecords = 0
        taken += 1
        next = exact[taken] ?? Infinity
      } else {
        runRecords += 1
        if (end - start > longest) longest = end - start
      }
      start = end
      sourceStart = sourceEnd
    }
    if (runRecords > 0) await this.#lines.add(lines.subarray(runStart, start), runRecords, longest)
  }

  async #addExact(record: Uint8Array, opening: string): Promise<void> {
    const first = this.#lines.lines
    const lengths: number[] = []
    const verdict = await this.#exact.rows(record, async ({ members }) => {
      const ordinal = first + lengths.length
      if (lengths.length > 0) this.#addMore(ordinal)
      if (members === '') await this.#setAside(ordinal, opening, '')
      else this.#plain.add(ordinal)
      lengths.push(await this.#addLine(members === '' ? NO_ROW : `${opening}${members}}\n`))
    })
    if (verdict !== undefined) {
      // It is left to `decide`, by its line.
      await this.#records.keep(first, record)
      lengths.push(await this.#addLine(NO_ROW))
    }
    this.#records.setLines(first, lengths)
  }

  #addMore(ordinal: number): void {
    if (this.#more.size === MORE_LINES_MAX) {
      throw new QuickPathError(
        `convert: its records are more than ${MORE_LINES_MAX} documents beside their first`,
      )
    }
    this.#more.add(ordinal)
  }

  /** Answers its length without the newline. */
  async #addLine(line: string): Promise<number> {
    const start = this.#lines.bytes
    await this.#lines.addText(line)
    return this.#lines.bytes - start - 1
  }

  /** The records of these lines, in order, once the lines are flushed. */
  read(ordinals: BitSet): AsyncGenerator<StagedRecord> {
    return this.#records.read(ordinals)
  }

  /**
   * Decides a record whose line gave no row beyond doubt: it fails, or its row is set aside. A line of plain values is known
   * already: DuckDB does not read it when the one before it ends inside its object.
   */
  async decide({ bytes, ordinal, opening }: StagedRecord): Promise<Verdict | undefined> {
    if (this.#plain.has(ordinal)) {
      await this.#setAside(ordinal, opening, bytes.toString('utf8', 1, bytes.length - 1))
      return undefined
    }
    return this.#exact.rows(bytes, async ({ members }) => {
      if (this.aside.has(ordinal)) throw new QuickPathError('convert: a line was of several documents')
      await this.#setAside(ordinal, opening, members)
    })
  }

  async #setAside(ordinal: number, opening: string, members: string): Promise<void> {
    this.aside.add(ordinal)
    await this.#asideLines.addText(asideLine(ordinal, opening, members))
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

/** Takes the verdict on a record that fails. @param ordinal counts the records of the lines */
export type Refuse = (ordinal: number, arrivalMs: number, verdict: Verdict, record: Buffer) => Promise<void>

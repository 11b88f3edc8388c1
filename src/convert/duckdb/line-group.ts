/**
 * The lines that the quick conversion has DuckDB read at once: of a row group, or of some small objects that follow one another.
 * Each is a record as it came or, of a record that was read exactly, a row of plain values. A record that failed has none.
 *
 * With metadata columns each line opens with the metadata of its record, see metadata-lines.
 */
import { BitSet } from './bit-set.ts'
import type { LinesWriter } from './lines-writer.ts'
import type { ObjectFile } from './parquet-copy.ts'
import type { LinesFile } from './query.ts'
import { StagedLines, type StagedLine } from './staged-lines.ts'

/** Lines of records as they came, one each, of records that follow one another. */
export interface LinesRun {
  /** With their newlines. */
  readonly bytes: Uint8Array
  /** Of each line without its newline, u32 little endian. */
  readonly lengths: Buffer
  /** Length of the longest with its newline. */
  readonly longest: number
  /** Of the first one's record in the batch. */
  readonly place: number
  readonly arrivalMs: number
}

/** Lines of one object, which are a row group of it. */
export interface Segment {
  readonly object: QuickObject
  /** Ordinals of its first line, and of the line behind its last one. */
  readonly first: number
  end: number
  /** A number of a line of plain values may be minus zero (or a string looks so). */
  hasMinusZero: boolean
}

/** An object that is being converted. */
export interface QuickObject {
  readonly file: ObjectFile
  /** Most rows of a row group. */
  readonly rowsMax: number
  /** It is converted together with others. */
  readonly isSmall: boolean
  /** All its records are lines, or failed. */
  isEnded: boolean
}

export class LineGroup {
  /** Every line is of proved or of plain values. */
  isProved = true
  readonly segments: Segment[] = []
  readonly #lines: LinesWriter
  readonly #staged: StagedLines
  /** Ordinals of the lines of plain values. */
  readonly #plain = new BitSet()

  /** @param lines what takes them, with none yet */
  constructor(lines: LinesWriter, hasMetadata: boolean) {
    this.#lines = lines
    this.#staged = new StagedLines(hasMetadata)
  }

  get lines(): number {
    return this.#lines.lines
  }

  get bytes(): number {
    return this.#lines.bytes
  }

  get hasPlain(): boolean {
    return this.#plain.size > 0
  }

  isPlain(ordinal: number): boolean {
    return this.#plain.has(ordinal)
  }

  /** The lines that follow are this object's. */
  begin(object: QuickObject): void {
    this.segments.push({ object, first: this.lines, end: this.lines, hasMinusZero: false })
  }

  get #segment(): Segment {
    const segment = this.segments.at(-1)
    if (segment === undefined) throw new Error('stage lines: they are of no object')
    return segment
  }

  /** Of the object whose lines are the last. */
  get segmentLines(): number {
    return this.#segment.end - this.#segment.first
  }

  async addRun(run: LinesRun): Promise<void> {
    this.#staged.addRun(run)
    await this.#lines.add(run.bytes, run.lengths.length / 4, run.longest)
    this.#segment.end = this.lines
  }

  /** @param members of the row's values, without braces @param place of its record in the batch */
  async addPlain(members: string, opening: string, place: number, arrivalMs: number): Promise<void> {
    this.#plain.add(this.lines)
    this.#segment.hasMinusZero ||= members.includes('-0.0')
    const start = this.bytes
    await this.#lines.addText(`${opening}${members}}\n`)
    this.#staged.add(this.bytes - start - 1, place, arrivalMs)
    this.#segment.end = this.lines
  }

  flushed(): Promise<LinesFile | undefined> {
    return this.#lines.flushed()
  }

  /** Some lines of the file that was flushed, in order. */
  read({ path }: LinesFile, ordinals: BitSet): AsyncGenerator<StagedLine> {
    return this.#staged.read(path, ordinals)
  }
}

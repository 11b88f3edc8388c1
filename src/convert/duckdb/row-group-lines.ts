/**
 * The lines of a row group for the quick conversion: each is a record as it came or, of a record that was read exactly, a row
 * of plain values. A record that failed has none.
 *
 * With metadata columns each line opens with the metadata of its record, see metadata-lines.
 */
import { BitSet } from './bit-set.ts'
import type { LinesWriter } from './lines-writer.ts'
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
  /** Of the first one's record in the object. */
  readonly place: number
  readonly arrivalMs: number
}

export class RowGroupLines {
  /** Every line is of proved or of plain values. */
  isProved = true
  /** A number of a line of plain values may be minus zero (or a string looks so). */
  hasMinusZero = false
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

  async addRun(run: LinesRun): Promise<void> {
    this.#staged.addRun(run)
    await this.#lines.add(run.bytes, run.lengths.length / 4, run.longest)
  }

  /** @param members of the row's values, without braces @param place of its record in the object */
  async addPlain(members: string, opening: string, place: number, arrivalMs: number): Promise<void> {
    this.#plain.add(this.lines)
    this.hasMinusZero ||= members.includes('-0.0')
    const start = this.bytes
    await this.#lines.addText(`${opening}${members}}\n`)
    this.#staged.add(this.bytes - start - 1, place, arrivalMs)
  }

  flushed(): Promise<LinesFile | undefined> {
    return this.#lines.flushed()
  }

  /** Some lines of the file that was flushed, in order. */
  read({ path }: LinesFile, ordinals: BitSet): AsyncGenerator<StagedLine> {
    return this.#staged.read(path, ordinals)
  }
}

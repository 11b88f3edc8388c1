/**
 * The lines of a row group, found again by their ordinals, so that a second look at a few of them does not read the whole
 * batch from the store again. Four bytes and a bit of memory a line.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { stagingError } from '../staging.ts'
import type { BitSet } from './bit-set.ts'
import { PLAIN_OPENING, openingOf, recordOf } from './metadata-lines.ts'
import type { LinesRun } from './line-group.ts'

const READ_BYTES = 256 * 1024

export interface StagedLine {
  readonly ordinal: number
  /** Of its record in the batch. */
  readonly place: number
  readonly arrivalMs: number
  /** What a line of a row of its record opens with. */
  readonly opening: string
  /** What it holds of its record. Valid until the next one is asked for. */
  readonly bytes: Buffer
}

/** Lines of records that follow one another, or of one record. */
interface Run {
  /** Ordinal of its first line. */
  readonly first: number
  readonly place: number
  readonly arrivalMs: number
}

export class StagedLines {
  readonly #hasMetadata: boolean
  /** Of each line, its length without the newline, u32. */
  #lengths = Buffer.allocUnsafe(4096)
  #count = 0
  readonly #runs: Run[] = []

  /** @param hasMetadata each opens with metadata */
  constructor(hasMetadata: boolean) {
    this.#hasMetadata = hasMetadata
  }

  addRun({ lengths, place, arrivalMs }: Pick<LinesRun, 'lengths' | 'place' | 'arrivalMs'>): void {
    this.#runs.push({ first: this.#count, place, arrivalMs })
    this.#makeRoom(lengths.length)
    lengths.copy(this.#lengths, 4 * this.#count)
    this.#count += lengths.length / 4
  }

  /** @param length of the line without its newline @param place of its record in the batch */
  add(length: number, place: number, arrivalMs: number): void {
    this.#runs.push({ first: this.#count, place, arrivalMs })
    this.#makeRoom(4)
    this.#lengths.writeUInt32LE(length, 4 * this.#count)
    this.#count += 1
  }

  #makeRoom(bytes: number): void {
    const end = 4 * this.#count
    if (end + bytes <= this.#lengths.length) return
    const grown = Buffer.allocUnsafe(2 * (end + bytes))
    this.#lengths.copy(grown, 0, 0, end)
    this.#lengths = grown
  }

  /** Reads some lines, in order, once all are written. @param path of the file that holds them */
  async *read(path: string, ordinals: BitSet): AsyncGenerator<StagedLine> {
    const file = new WindowedFile(path)
    let run = 0
    let next = 0
    let start = 0
    try {
      for (const ordinal of ordinals.each()) {
        while ((this.#runs[run + 1]?.first ?? Infinity) <= ordinal) run += 1
        for (; next < ordinal; next += 1) start += this.#length(next) + 1
        const line = await file.read(start, start + this.#length(ordinal))
        const {
          first,
          place: firstPlace,
          arrivalMs,
        } = this.#runs[run] ?? { first: 0, place: 0, arrivalMs: 0 }
        const found = { ordinal, place: firstPlace + ordinal - first, arrivalMs }
        if (!this.#hasMetadata) yield { ...found, opening: PLAIN_OPENING, bytes: line }
        else yield { ...found, opening: openingOf(line), bytes: recordOf(line) }
      }
    } finally {
      await file.close()
    }
  }

  #length(ordinal: number): number {
    return this.#lengths.readUInt32LE(4 * ordinal)
  }
}

/** A file read at ascending places, a window at a time. */
class WindowedFile {
  readonly #path: string
  #file: FileHandle | undefined
  /** What is read before is over when more is asked for: one buffer serves all windows. */
  #buffer = Buffer.alloc(0)
  #window = this.#buffer
  #windowStart = 0

  constructor(path: string) {
    this.#path = path
  }

  async read(start: number, end: number): Promise<Buffer> {
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length)
      await this.#move(start, end)
    return this.#window.subarray(start - this.#windowStart, end - this.#windowStart)
  }

  async #move(start: number, end: number): Promise<void> {
    try {
      this.#file ??= await open(this.#path, 'r')
      if (this.#buffer.length < end - start || this.#buffer.length < READ_BYTES) {
        this.#buffer = Buffer.allocUnsafe(Math.max(READ_BYTES, end - start))
      }
      const window = this.#buffer
      let filled = 0
      while (filled < window.length) {
        const { bytesRead } = await this.#file.read(window, filled, window.length - filled, start + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      if (filled < end - start) throw new Error(`it ends after ${start + filled} bytes`)
      this.#window = window.subarray(0, filled)
      this.#windowStart = start
    } catch (error) {
      throw stagingError(`read ${this.#path}`, error)
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

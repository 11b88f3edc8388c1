/**
 * The records of a batch as they came, found again by their ordinals, so that a second look at a few of them does not read
 * the whole batch from the store again. A record that was written as a line is read back from the lines; one that failed on
 * the exact path has no line, so its bytes are kept in a file beside them. Four bytes of memory a record.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { StagingFile, stagingError } from '../staging.ts'
import type { BitSet } from './bit-set.ts'

const READ_BYTES = 256 * 1024

export interface StagedRecord {
  readonly ordinal: number
  readonly arrivalMs: number
  /** Valid until the next one is asked for. */
  readonly bytes: Buffer
}

export class StagedRecords {
  readonly #linesPath: string
  readonly #refusedPath: string
  /** Of each record, where its line starts. */
  readonly #starts = new Offsets()
  readonly #frameFirst = new Offsets()
  readonly #frameArrivalMs: number[] = []
  readonly #refusedOrdinals = new Offsets()
  readonly #refusedStarts = new Offsets()
  #refused: StagingFile | undefined

  /** @param linesPath the file that holds the lines */
  constructor(linesPath: string) {
    this.#linesPath = linesPath
    this.#refusedPath = `${linesPath}-refused`
  }

  get count(): number {
    return this.#starts.length
  }

  /** The records that follow are of a frame that arrived then. */
  startFrame(arrivalMs: number): void {
    this.#frameFirst.push(this.count)
    this.#frameArrivalMs.push(arrivalMs)
  }

  /** The next record's line starts there. */
  add(lineStart: number): void {
    this.#starts.push(lineStart)
  }

  /** Keeps the bytes of the last record, which its line does not hold. */
  async keep(record: Uint8Array): Promise<void> {
    this.#refused ??= await StagingFile.create(this.#refusedPath)
    this.#refusedOrdinals.push(this.count - 1)
    this.#refusedStarts.push(this.#refused.bytes)
    this.#refused.add(Buffer.from(record))
    if (this.#refused.isFull) await this.#refused.flush()
  }

  /** Reads some records, in order. @param linesEnd bytes of the lines, all of them written */
  async *read(ordinals: BitSet, linesEnd: number): AsyncGenerator<StagedRecord> {
    await this.#refused?.flush()
    const lines = new WindowedFile(this.#linesPath)
    const refused = new WindowedFile(this.#refusedPath)
    let frame = 0
    let kept = 0
    try {
      for (const ordinal of ordinals.each()) {
        while (frame + 1 < this.#frameFirst.length && this.#frameFirst.at(frame + 1) <= ordinal) frame += 1
        while (kept < this.#refusedOrdinals.length && this.#refusedOrdinals.at(kept) < ordinal) kept += 1
        const arrivalMs = this.#frameArrivalMs[frame] ?? 0
        if (kept < this.#refusedOrdinals.length && this.#refusedOrdinals.at(kept) === ordinal) {
          const [start, end] = this.#refusedStarts.range(kept, this.#refused?.bytes ?? 0)
          yield { ordinal, arrivalMs, bytes: await refused.read(start, end) }
        } else {
          const [start, end] = this.#starts.range(ordinal, linesEnd)
          yield { ordinal, arrivalMs, bytes: await lines.read(start, end - 1) }
        }
      }
    } finally {
      await Promise.all([lines.close(), refused.close()])
    }
  }

  async close(): Promise<void> {
    await this.#refused?.close()
  }
}

/** Growing numbers below 2^32. */
class Offsets {
  length = 0
  #values = new Uint32Array(1024)

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Uint32Array(this.length * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.length] = value
    this.length += 1
  }

  at(index: number): number {
    return this.#values[index] ?? 0
  }

  /** From the value at `index` to the one after it, or to `end`. */
  range(index: number, end: number): readonly [start: number, end: number] {
    return [this.at(index), index + 1 < this.length ? this.at(index + 1) : end]
  }
}

/** A file read at ascending places, a window at a time. */
class WindowedFile {
  readonly #path: string
  #file: FileHandle | undefined
  #window = Buffer.alloc(0)
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
      const window = Buffer.allocUnsafe(Math.max(READ_BYTES, end - start))
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

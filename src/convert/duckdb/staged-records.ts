/**
 * The records of a batch as they came, found again by the ordinals of their lines, so that a second look at a few of them
 * does not read the whole batch from the store again. A record that was written as a line is read back from the lines; one
 * that failed on the exact path has no line of its own, so its bytes are kept in a file beside them. Four bytes and a bit of
 * memory a line.
 *
 * An entry of that file: u32 ordinal, u32 bytes of the record; then these.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { StagingFile, stagingError } from '../staging.ts'
import { BitSet } from './bit-set.ts'
import { PLAIN_OPENING, openingOf, recordOf, type FramePart } from './metadata-lines.ts'

const READ_BYTES = 256 * 1024
const ENTRY_HEADER_BYTES = 8

export interface StagedRecord {
  /** Of its line. */
  readonly ordinal: number
  readonly arrivalMs: number
  /** What a line of a row of its opens with; said of records that have a line. */
  readonly opening: string
  /** Valid until the next one is asked for. */
  readonly bytes: Buffer
}

interface PartStart {
  /** Ordinal of its first line. */
  readonly first: number
  readonly arrivalMs: number
  /** Where its first line starts. */
  readonly start: number
}

export class StagedRecords {
  readonly #linesPath: string
  readonly #refusedPath: string
  readonly #hasMetadata: boolean
  readonly #parts: PartStart[] = []
  /** Of each line, its length without the newline, u32. */
  #lengths = Buffer.allocUnsafe(4096)
  #count = 0
  readonly #refusedOrdinals = new BitSet()
  #refused: StagingFile | undefined

  /** @param linesPath the file that holds the lines @param hasMetadata each opens with metadata */
  constructor(linesPath: string, hasMetadata: boolean) {
    this.#linesPath = linesPath
    this.#hasMetadata = hasMetadata
    this.#refusedPath = `${linesPath}-refused`
  }

  /** The lines of a part of a frame, which start there, but for those of `setLines`. */
  addPart({ arrivalMs, records, lengths }: FramePart, start: number): void {
    this.#parts.push({ first: this.#count, arrivalMs, start })
    this.#makeRoom(lengths.length)
    lengths.copy(this.#lengths, 4 * this.#count)
    this.#count += records
  }

  /** The lines, one or more, of a record that went the exact path; the lines after it get as many more. */
  setLines(ordinal: number, lengths: readonly number[]): void {
    const more = lengths.length - 1
    if (more > 0) {
      this.#makeRoom(4 * more)
      this.#lengths.copyWithin(4 * (ordinal + more), 4 * ordinal, 4 * this.#count)
      this.#count += more
    }
    for (const [index, length] of lengths.entries()) {
      this.#lengths.writeUInt32LE(length, 4 * (ordinal + index))
    }
  }

  #makeRoom(bytes: number): void {
    const end = 4 * this.#count
    if (end + bytes <= this.#lengths.length) return
    const grown = Buffer.allocUnsafe(2 * (end + bytes))
    this.#lengths.copy(grown, 0, 0, end)
    this.#lengths = grown
  }

  /** Keeps the bytes of a record whose line does not hold them; in order. */
  async keep(ordinal: number, record: Uint8Array): Promise<void> {
    this.#refused ??= await StagingFile.create(this.#refusedPath)
    const entry = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + record.byteLength)
    entry.writeUInt32LE(ordinal, 0)
    entry.writeUInt32LE(record.byteLength, 4)
    entry.set(record, ENTRY_HEADER_BYTES)
    this.#refusedOrdinals.add(ordinal)
    this.#refused.add(entry)
    if (this.#refused.isFull) await this.#refused.flush()
  }

  /** Reads some records, in order, once all lines are written. */
  async *read(ordinals: BitSet): AsyncGenerator<StagedRecord> {
    await this.#refused?.flush()
    const lines = new WindowedFile(this.#linesPath)
    const refused = new RefusedRecords(this.#refusedPath)
    let part = -1
    let next = 0
    let start = 0
    try {
      for (const ordinal of ordinals.each()) {
        while ((this.#parts[part + 1]?.first ?? Infinity) <= ordinal) {
          part += 1
          next = this.#parts[part]?.first ?? 0
          start = this.#parts[part]?.start ?? 0
        }
        for (; next < ordinal; next += 1) start += this.#length(next) + 1
        const arrivalMs = this.#parts[part]?.arrivalMs ?? 0
        if (this.#refusedOrdinals.has(ordinal)) {
          yield { ordinal, arrivalMs, opening: PLAIN_OPENING, bytes: await refused.read(ordinal) }
          continue
        }
        const line = await lines.read(start, start + this.#length(ordinal))
        if (!this.#hasMetadata) yield { ordinal, arrivalMs, opening: PLAIN_OPENING, bytes: line }
        else yield { ordinal, arrivalMs, opening: openingOf(line), bytes: recordOf(line) }
      }
    } finally {
      await Promise.all([lines.close(), refused.close()])
    }
  }

  #length(ordinal: number): number {
    return this.#lengths.readUInt32LE(4 * ordinal)
  }

  async close(): Promise<void> {
    await this.#refused?.close()
  }
}

/** The entries of the file of refused records. */
class RefusedRecords {
  readonly #file: WindowedFile
  #next = 0

  constructor(path: string) {
    this.#file = new WindowedFile(path)
  }

  /** The bytes of a record that is there; ordinals ascend from call to call. */
  async read(ordinal: number): Promise<Buffer> {
    for (;;) {
      const start = this.#next + ENTRY_HEADER_BYTES
      const header = await this.#file.read(this.#next, start)
      const found = header.readUInt32LE(0) === ordinal
      this.#next = start + header.readUInt32LE(4)
      if (found) return this.#file.read(start, this.#next)
    }
  }

  close(): Promise<void> {
    return this.#file.close()
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

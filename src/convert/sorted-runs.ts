/**
 * Entries with a key in a staging file, read back in the order of their keys, those of one key in the order of writing, with
 * little of them in memory. Whoever writes sorts as much as it holds, a run; the keys of a run ascend. Reading merges the
 * runs, each through a window of its own, so that a file of a gigabyte is read forward at some thirty places.
 *
 * An entry: u32 key, u32 bytes; then these.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { EncoderError } from '../domain/errors.ts'
import { StagingFile, stagingError } from './staging.ts'

export const ENTRY_HEADER_BYTES = 8

/** Of a window, and of all windows of a file together. */
const WINDOW_BYTES = { min: 16 * 1024, max: 256 * 1024, all: 16 * 1024 * 1024 } as const

export interface SortedEntry {
  readonly key: number
  readonly body: Buffer
}

/** A file of entries that is complete. */
export interface RunsFile {
  readonly path: string
  /** Where each run starts. No file when there is none. */
  readonly runs: readonly number[]
  readonly length: number
}

export class SortedRuns {
  readonly #path: string
  readonly #runs: number[] = []
  #file: StagingFile | undefined
  #lastKey = 0
  #length = 0

  /** @param path of a file that is not there yet; it is made when there is something to write */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * The next entry; a key below that of the one before it begins a run.
   *
   * @param entry its body after room for the header; must not change until the next `flush`
   */
  async add(key: number, entry: Buffer): Promise<void> {
    entry.writeUInt32LE(key, 0)
    entry.writeUInt32LE(entry.length - ENTRY_HEADER_BYTES, 4)
    this.#file ??= await StagingFile.create(this.#path)
    if (this.#runs.length === 0 || key < this.#lastKey) this.#runs.push(this.#file.bytes)
    this.#lastKey = key
    this.#file.add(entry)
    if (this.#file.isFull) await this.#file.flush()
  }

  async flush(): Promise<void> {
    await this.#file?.flush()
  }

  /** After the last entry, or when it is given up. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#length = file?.bytes ?? this.#length
    await file?.close()
  }

  /** After `close`. */
  get file(): RunsFile {
    return { path: this.#path, runs: this.#runs, length: this.#length }
  }
}

/** The entries in order. A body is valid until the next one is asked for: it stands in a buffer that is used again. */
export async function* sortedEntries({ path, runs, length }: RunsFile): AsyncGenerator<SortedEntry> {
  if (runs.length === 0) return
  const file = await openForReading(path)
  try {
    const windowBytes = windowOf(runs.length)
    const readers = runs.map(
      (start, index) => new RunReader(file, windowBytes, index, start, runs[index + 1] ?? length),
    )
    for (const reader of readers) await reader.next()
    const merge = new Merge(readers)
    for (let least = merge.least; least?.entry !== undefined; least = merge.least) {
      yield least.entry
      if (!least.moved()) await least.next()
      merge.settle()
    }
  } finally {
    await file.close()
  }
}

function windowOf(runs: number): number {
  const share = Math.floor(WINDOW_BYTES.all / runs)
  return Math.max(WINDOW_BYTES.min, Math.min(WINDOW_BYTES.max, share))
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw stagingError(`open ${path}`, error)
  }
}

/** A run, read forward, a window at a time. */
class RunReader {
  readonly index: number
  /** Undefined after the last one. */
  entry: SortedEntry | undefined
  readonly #file: FileHandle
  readonly #windowBytes: number
  readonly #end: number
  /** One serves all windows but those of longer entries: buffers of a batch's size would be garbage in no time. */
  #buffer: Buffer | undefined
  #window: Buffer = Buffer.alloc(0)
  #windowStart: number
  #offset: number

  constructor(file: FileHandle, windowBytes: number, index: number, start: number, end: number) {
    this.index = index
    this.#file = file
    this.#windowBytes = windowBytes
    this.#windowStart = start
    this.#offset = start
    this.#end = end
  }

  /** Moves to the next entry when the window has all of it. */
  moved(): boolean {
    const at = this.#offset - this.#windowStart
    if (at + ENTRY_HEADER_BYTES > this.#window.length) return false
    const end = at + ENTRY_HEADER_BYTES + this.#window.readUInt32LE(at + 4)
    if (end > this.#window.length) return false
    this.entry = {
      key: this.#window.readUInt32LE(at),
      body: this.#window.subarray(at + ENTRY_HEADER_BYTES, end),
    }
    this.#offset = this.#windowStart + end
    return true
  }

  async next(): Promise<void> {
    this.entry = undefined
    if (this.#offset === this.#end) {
      this.#window = Buffer.alloc(0)
      this.#buffer = undefined
      return
    }
    await this.#move(ENTRY_HEADER_BYTES)
    if (this.moved()) return
    await this.#move(ENTRY_HEADER_BYTES + this.#window.readUInt32LE(4))
    this.moved()
  }

  /** A window from here on. */
  async #move(bytesMin: number): Promise<void> {
    const bytes = Math.min(Math.max(bytesMin, this.#windowBytes), this.#end - this.#offset)
    if (bytes < bytesMin) throw tooShort()
    this.#buffer ??= Buffer.allocUnsafeSlow(Math.min(this.#windowBytes, this.#end - this.#windowStart))
    const window =
      bytes > this.#buffer.length ? Buffer.allocUnsafeSlow(bytes) : this.#buffer.subarray(0, bytes)
    let filled = this.#window.copy(window, 0, this.#offset - this.#windowStart)
    while (filled < bytes) {
      const { bytesRead } = await this.#file.read(window, filled, bytes - filled, this.#offset + filled)
      if (bytesRead === 0) throw tooShort()
      filled += bytesRead
    }
    this.#window = window
    this.#windowStart = this.#offset
  }
}

function tooShort(): EncoderError {
  return new EncoderError('read sorted entries: the staging file is shorter than it was written', {
    code: 'StagingCorrupt',
    hint: 'see that nothing else writes to the staging folder',
  })
}

/** The reader with the least key first, of equal keys the first run: a binary heap. */
class Merge {
  readonly #readers: RunReader[]

  constructor(readers: RunReader[]) {
    // Sorted is a heap.
    this.#readers = readers.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  get least(): RunReader | undefined {
    return this.#readers[0]
  }

  /** After the least has moved. */
  settle(): void {
    const readers = this.#readers
    const moved = readers[0]
    if (moved === undefined) return
    let at = 0
    for (;;) {
      const left = readers[2 * at + 1]
      const right = readers[2 * at + 2]
      const isLeft = left !== undefined && (right === undefined || isBefore(left, right))
      const child = isLeft ? left : right
      if (child === undefined || isBefore(moved, child)) break
      readers[at] = child
      at = 2 * at + (isLeft ? 1 : 2)
    }
    readers[at] = moved
  }
}

/** Runs that are read to their ends come last. */
function isBefore(a: RunReader, b: RunReader): boolean {
  const [left, right] = [a.entry?.key ?? Infinity, b.entry?.key ?? Infinity]
  return left === right ? a.index < b.index : left < right
}

/** Files in a staging folder: what is written of a batch while it is made into something, and what its failure means. */
import { open, rename, type FileHandle } from 'node:fs/promises'
import { EncoderError } from '../domain/errors.ts'

/** What a failed file operation means for the conversion: tried again later, never an error record. */
export function stagingError(what: string, cause: unknown): EncoderError {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (/ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i.test(text)) {
    return new EncoderError(`${what}: the staging disk is full`, {
      code: 'DiskFull',
      hint: 'free space under convert.stagingPath: a batch needs about three times its size there',
      cause,
    })
  }
  return new EncoderError(`${what}: ${text}`, {
    code: 'Staging',
    hint: 'see that convert.stagingPath can be written by this process',
    cause,
  })
}

const GATHER_BYTES = 1 << 20

/** Writes buffers to a new file, gathered into few system calls. A buffer must not change until the next `flush`. */
export class StagingFile {
  readonly #file: FileHandle
  #path: string
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  /** Where the next flush writes to. */
  #end = 0
  /** What is there of an earlier content reaches this far. */
  #length = 0

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async create(path: string): Promise<StagingFile> {
    try {
      return new StagingFile(path, await open(path, 'wx', 0o600))
    } catch (error) {
      throw stagingError(`create ${path}`, error)
    }
  }

  get path(): string {
    return this.#path
  }

  /** Of its content, written or gathered. */
  get bytes(): number {
    return this.#end + this.#pendingBytes
  }

  add(bytes: Uint8Array): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.byteLength
  }

  /** True when enough is gathered that `flush` should be called. */
  get isFull(): boolean {
    return this.#pendingBytes >= GATHER_BYTES || this.#pending.length >= 512
  }

  async flush(): Promise<void> {
    const pending = this.#pending
    const expected = this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    if (expected === 0) return
    const at = this.#end
    this.#end += expected
    try {
      const { bytesWritten } = await this.#file.writev(pending, at)
      if (bytesWritten < expected) await this.#writeAll(Buffer.concat(pending), bytesWritten, at)
    } catch (error) {
      throw stagingError(`write ${this.path}`, error)
    }
  }

  async #writeAll(bytes: Buffer, from: number, at: number): Promise<void> {
    for (let written = from; written < bytes.length;) {
      const left = bytes.length - written
      written += (await this.#file.write(bytes, written, left, at + written)).bytesWritten
    }
  }

  /**
   * Begins anew under another path. What is written then goes where the content before was, whose memory the system has at
   * hand: that takes half the time of a new file.
   */
  async restart(path: string): Promise<void> {
    this.#pending = []
    this.#pendingBytes = 0
    try {
      await rename(this.#path, path)
    } catch (error) {
      throw stagingError(`rename ${this.#path}`, error)
    }
    this.#path = path
    this.#length = Math.max(this.#length, this.#end)
    this.#end = 0
  }

  /** Flushes, so that the file holds its content and no more. */
  async complete(): Promise<void> {
    await this.flush()
    if (this.#length <= this.#end) return
    try {
      await this.#file.truncate(this.#end)
    } catch (error) {
      throw stagingError(`write ${this.path}`, error)
    }
    this.#length = this.#end
  }

  async close(): Promise<void> {
    try {
      await this.complete()
    } finally {
      await this.#file.close()
    }
  }
}

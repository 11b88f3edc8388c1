/** Files in a staging folder: what is written of a batch while it is made into something, and what its failure means. */
import { open, type FileHandle } from 'node:fs/promises'
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
  readonly path: string
  readonly #file: FileHandle
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  bytes = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  static async create(path: string): Promise<StagingFile> {
    try {
      return new StagingFile(path, await open(path, 'wx', 0o600))
    } catch (error) {
      throw stagingError(`create ${path}`, error)
    }
  }

  add(bytes: Uint8Array): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.byteLength
    this.bytes += bytes.byteLength
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
    try {
      const { bytesWritten } = await this.#file.writev(pending)
      if (bytesWritten < expected) await this.#file.appendFile(Buffer.concat(pending).subarray(bytesWritten))
    } catch (error) {
      throw stagingError(`write ${this.path}`, error)
    }
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.#file.close()
    }
  }
}

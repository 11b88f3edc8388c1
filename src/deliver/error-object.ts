/** Collects error lines: in memory while they are few, else in a staged file, so that a batch of nothing but bad records is bounded. */
import { open, rm, type FileHandle } from 'node:fs/promises'
import type { ObjectBody } from '../domain/ports.ts'

const IN_MEMORY_BYTES_MAX = 1024 * 1024

export class ErrorLines {
  readonly #path: string
  #held: Buffer[] = []
  #heldBytes = 0
  #spilledBytes = 0
  #count = 0
  #file: FileHandle | undefined

  /** @param path where to spill; made only when needed */
  constructor(path: string) {
    this.#path = path
  }

  /** Lines added so far. */
  get count(): number {
    return this.#count
  }

  async add(line: string): Promise<void> {
    const bytes = Buffer.from(line)
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    this.#count += 1
    if (this.#heldBytes > IN_MEMORY_BYTES_MAX) await this.#spill()
  }

  /** Of the lines added so far. */
  get bytes(): number {
    return this.#heldBytes + this.#spilledBytes
  }

  /** All lines, after the last; the file stays until `remove`. */
  async finish(): Promise<ObjectBody> {
    if (this.#file === undefined) return { bytes: Buffer.concat(this.#held) }
    await this.#spill()
    await this.#close()
    return { path: this.#path, length: this.#spilledBytes }
  }

  async remove(): Promise<void> {
    await this.#close()
    await rm(this.#path, { force: true })
  }

  /** A line alone may be as large as the records of Kinesis: it is not copied. */
  async #spill(): Promise<void> {
    const [first] = this.#held
    if (first === undefined) return
    const bytes = this.#held.length === 1 ? first : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    this.#file ??= await open(this.#path, 'w', 0o600)
    await this.#file.appendFile(bytes)
    this.#spilledBytes += bytes.length
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

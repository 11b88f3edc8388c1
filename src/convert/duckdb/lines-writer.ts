/** Writes lines to a staging file: many at once as bytes, or one at a time as text. */
import { rm } from 'node:fs/promises'
import { StagingFile } from '../staging.ts'
import type { LinesFile } from './query.ts'

/** Lines are gathered in one buffer of this size: a Buffer for each would be garbage by the million. */
const GATHER_BYTES = 1024 * 1024
/** The same for all writers together where there are many. */
const GATHERS_BYTES = 4 << 20
/** Of one of many. */
const GATHER_BYTES_MIN = 4096

/** A staging file of lines, made when there is a first line. It may begin anew any number of times. */
export class LinesWriter {
  lines = 0
  /** Of the lines so far, written or gathered. */
  bytes = 0
  readonly #path: string
  readonly #gatherBytes: number
  #file: StagingFile | undefined
  #restarts = 0
  #lineBytesMax = 0
  #gathered: Buffer | undefined
  #gatheredEnd = 0

  /** @param beside how many writers there are at the same time */
  constructor(path: string, beside = 1) {
    this.#path = path
    const share = Math.floor(GATHERS_BYTES / beside)
    this.#gatherBytes = Math.min(GATHER_BYTES, Math.max(GATHER_BYTES_MIN, share))
  }

  /** @param bytes of lines, each with its newline @param lineBytesMax length of the longest */
  async add(bytes: Uint8Array, lines: number, lineBytesMax: number): Promise<void> {
    const gathered = await this.#room(bytes.byteLength)
    if (gathered === undefined) await this.#write(bytes)
    else {
      gathered.set(bytes, this.#gatheredEnd)
      this.#gatheredEnd += bytes.byteLength
    }
    this.#added(lines, bytes.byteLength, lineBytesMax)
  }

  /** @param line with its newline */
  async addText(line: string): Promise<void> {
    const gathered = await this.#room(3 * line.length)
    if (gathered === undefined) {
      const bytes = Buffer.from(line)
      await this.add(bytes, 1, bytes.length)
      return
    }
    const written = gathered.write(line, this.#gatheredEnd)
    this.#gatheredEnd += written
    this.#added(1, written, written)
  }

  #added(lines: number, bytes: number, lineBytesMax: number): void {
    this.lines += lines
    this.bytes += bytes
    if (lineBytesMax > this.#lineBytesMax) this.#lineBytesMax = lineBytesMax
  }

  /** Where so many bytes more have room; undefined when they never have, and nothing is gathered then. */
  async #room(bytes: number): Promise<Buffer | undefined> {
    if (this.#gatheredEnd + bytes > this.#gatherBytes) await this.#flush()
    if (bytes > this.#gatherBytes) return undefined
    return (this.#gathered ??= Buffer.allocUnsafeSlow(this.#gatherBytes))
  }

  async #flush(): Promise<void> {
    const end = this.#gatheredEnd
    this.#gatheredEnd = 0
    if (this.#gathered !== undefined && end > 0) await this.#write(this.#gathered.subarray(0, end))
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const file = await this.#open()
    file.add(bytes)
    await file.flush()
  }

  async #open(): Promise<StagingFile> {
    return (this.#file ??= await StagingFile.create(this.#path))
  }

  /** What was written so far, or undefined when nothing was. */
  async flushed(): Promise<LinesFile | undefined> {
    if (this.lines === 0) return undefined
    await this.#flush()
    const file = await this.#open()
    await file.complete()
    return { path: file.path, lineBytesMax: this.#lineBytesMax }
  }

  /** Forgets all lines. The next ones stand in another file of the same place on the disk, see `StagingFile.restart`. */
  async restart(): Promise<void> {
    if (this.lines === 0) return
    this.lines = 0
    this.bytes = 0
    this.#lineBytesMax = 0
    this.#gatheredEnd = 0
    this.#restarts += 1
    await this.#file?.restart(`${this.#path}-${this.#restarts}`)
  }

  /** Closes and removes the file. May be called again. */
  async close(): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    try {
      await file.close()
    } finally {
      await rm(file.path, { force: true })
    }
  }
}

/** Writes lines to a staging file: many at once as bytes, or one at a time as text. */
import { rm } from 'node:fs/promises'
import { StagingFile } from '../staging.ts'
import type { LinesFile } from './query.ts'

/** Lines written as text are gathered in one buffer of this size: a Buffer for each would be garbage by the million. */
const TEXT_BYTES = 256 * 1024
/** The same for all writers together where there are many. */
const TEXTS_BYTES = 4 << 20
/** Of one of many. */
const TEXT_BYTES_MIN = 4096

/** A staging file of lines, made when there is a first line. It may begin anew any number of times. */
export class LinesWriter {
  lines = 0
  /** Of the lines so far, written or gathered. */
  bytes = 0
  readonly #path: string
  readonly #textBytes: number
  #file: StagingFile | undefined
  #restarts = 0
  #lineBytesMax = 0
  #text: Buffer | undefined
  /** Text before this is with the file. */
  #textTaken = 0
  #textEnd = 0

  /** @param beside how many writers there are at the same time */
  constructor(path: string, beside = 1) {
    this.#path = path
    this.#textBytes = Math.min(TEXT_BYTES, Math.max(TEXT_BYTES_MIN, Math.floor(TEXTS_BYTES / beside)))
  }

  /** @param bytes of lines, each with its newline @param lineBytesMax length of the longest */
  async add(bytes: Uint8Array, lines: number, lineBytesMax: number): Promise<void> {
    const file = await this.#open()
    this.#takeText(file)
    file.add(bytes)
    this.lines += lines
    this.bytes += bytes.byteLength
    if (lineBytesMax > this.#lineBytesMax) this.#lineBytesMax = lineBytesMax
    if (file.isFull) await this.#flush(file)
  }

  /** @param line with its newline */
  async addText(line: string): Promise<void> {
    const bytesMax = 3 * line.length
    if (bytesMax > this.#textBytes) {
      const bytes = Buffer.from(line)
      await this.add(bytes, 1, bytes.length)
      return
    }
    this.#text ??= Buffer.allocUnsafe(this.#textBytes)
    if (this.#textEnd + bytesMax > this.#textBytes) await this.#flush(await this.#open())
    const written = this.#text.write(line, this.#textEnd)
    this.#textEnd += written
    this.lines += 1
    this.bytes += written
    if (written > this.#lineBytesMax) this.#lineBytesMax = written
  }

  async #open(): Promise<StagingFile> {
    return (this.#file ??= await StagingFile.create(this.#path))
  }

  #takeText(file: StagingFile): void {
    if (this.#text === undefined || this.#textEnd === this.#textTaken) return
    file.add(this.#text.subarray(this.#textTaken, this.#textEnd))
    this.#textTaken = this.#textEnd
  }

  async #flush(file: StagingFile): Promise<void> {
    this.#takeText(file)
    await file.flush()
    this.#textTaken = 0
    this.#textEnd = 0
  }

  /** What was written so far, or undefined when nothing was. */
  async flushed(): Promise<LinesFile | undefined> {
    if (this.lines === 0) return undefined
    const file = await this.#open()
    await this.#flush(file)
    await file.complete()
    return { path: file.path, lineBytesMax: this.#lineBytesMax }
  }

  /** Forgets all lines. The next ones stand in another file of the same place on the disk, see `StagingFile.restart`. */
  async restart(): Promise<void> {
    if (this.lines === 0) return
    this.lines = 0
    this.bytes = 0
    this.#lineBytesMax = 0
    this.#textTaken = 0
    this.#textEnd = 0
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

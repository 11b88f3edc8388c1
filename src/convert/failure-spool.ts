/**
 * Failed records of one batch, kept in order in a staging file, so that a batch of nothing but bad records costs no more
 * memory than any other.
 *
 * An entry: u32 ordinal, f64 arrival, u32 bytes of the code, u32 bytes of the message, u32 bytes of the record; then these.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { EncoderError } from '../domain/errors.ts'
import type { FailedRecord } from '../domain/ports.ts'
import { StagingFile, stagingError } from './staging.ts'

const ENTRY_HEADER_BYTES = 24
const READ_BYTES = 256 * 1024

export class FailureSpool {
  readonly #path: string
  readonly #errors = new Map<string, number>()
  #file: StagingFile | undefined
  #length = 0

  /** @param path of a file that is not there yet; it is made when there is something to write */
  constructor(path: string) {
    this.#path = path
  }

  /** Failed records by code. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors)
  }

  /** Writes the next failed record. Its bytes are copied: a view that waits for its turn would hold a whole frame. */
  async add({ ordinal, arrivalMs, code, message, rawData }: FailedRecord): Promise<void> {
    const codeEnd = ENTRY_HEADER_BYTES + Buffer.byteLength(code)
    const messageEnd = codeEnd + Buffer.byteLength(message)
    const entry = Buffer.allocUnsafe(messageEnd + rawData.length)
    entry.writeUInt32LE(ordinal, 0)
    entry.writeDoubleLE(arrivalMs, 4)
    entry.writeUInt32LE(codeEnd - ENTRY_HEADER_BYTES, 12)
    entry.writeUInt32LE(messageEnd - codeEnd, 16)
    entry.writeUInt32LE(rawData.length, 20)
    entry.write(code, ENTRY_HEADER_BYTES)
    entry.write(message, codeEnd)
    entry.set(rawData, messageEnd)
    this.#file ??= await StagingFile.create(this.#path)
    this.#file.add(entry)
    if (this.#file.isFull) await this.#file.flush()
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
  }

  /** After the last record. */
  async close(): Promise<void> {
    this.#length = this.#file?.bytes ?? 0
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  /** The failed records in order, after `close`. May be called again. */
  entries(): AsyncIterable<FailedRecord> {
    return spooledFailures(this.#path, this.#length)
  }

  /** Bytes of the file, after `close`; 0 when there is none. */
  get length(): number {
    return this.#length
  }
}

/** The failed records of a spool that was closed with this length. */
export async function* spooledFailures(path: string, length: number): AsyncIterable<FailedRecord> {
  if (length === 0) return
  const file = await openForReading(path)
  try {
    const window = new FileWindow(file, length)
    for (let offset = 0; offset < length;) {
      const header = await window.bytesAt(offset, ENTRY_HEADER_BYTES)
      const [ordinal, arrivalMs] = [header.readUInt32LE(0), header.readDoubleLE(4)]
      const codeEnd = header.readUInt32LE(12)
      const messageEnd = codeEnd + header.readUInt32LE(16)
      const end = messageEnd + header.readUInt32LE(20)
      const body = await window.bytesAt(offset + ENTRY_HEADER_BYTES, end)
      yield {
        ordinal,
        arrivalMs,
        code: body.toString('utf8', 0, codeEnd),
        message: body.toString('utf8', codeEnd, messageEnd),
        rawData: body.subarray(messageEnd, end),
      }
      offset += ENTRY_HEADER_BYTES + end
    }
  } finally {
    await file.close()
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw stagingError(`open ${path}`, error)
  }
}

/** Reads a file forward, a stretch at a time. */
class FileWindow {
  readonly #file: FileHandle
  readonly #length: number
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: FileHandle, length: number) {
    this.#file = file
    this.#length = length
  }

  async bytesAt(offset: number, length: number): Promise<Buffer> {
    if (offset + length > this.#start + this.#bytes.length) {
      const stretch = Math.min(Math.max(length, READ_BYTES), this.#length - offset)
      this.#bytes = await readExactly(this.#file, offset, stretch)
      this.#start = offset
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length)
  }
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  for (let read = 0; read < length;) {
    const { bytesRead } = await file.read(bytes, read, length - read, offset + read)
    if (bytesRead === 0) {
      throw new EncoderError('read failed records: the staging file is shorter than it was written', {
        code: 'StagingCorrupt',
        hint: 'see that nothing else writes to the staging folder',
      })
    }
    read += bytesRead
  }
  return bytes
}

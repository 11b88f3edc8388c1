/**
 * Failed records of one batch, kept in a staging file, so that a batch of nothing but bad records costs no more memory than
 * any other. They come in the order of conversion and are read back in the order of the batch.
 *
 * An entry: its key is the ordinal; f64 arrival, u32 bytes of the code, u32 bytes of the message; these and the record.
 */
import type { FailedRecord } from '../domain/ports.ts'
import { ENTRY_HEADER_BYTES, SortedRuns, sortedEntries, type RunsFile } from './sorted-runs.ts'

const TEXTS_START = 16
/** So much is sorted in memory. */
const RUN_BYTES = 4 * 1024 * 1024
const RUN_ENTRIES = 16_384

interface Held {
  readonly ordinal: number
  readonly entry: Buffer
}

export class FailureSpool {
  readonly #errors = new Map<string, number>()
  readonly #runs: SortedRuns
  #held: Held[] = []
  #heldBytes = 0

  /** @param path of a file that is not there yet; it is made when there is something to write */
  constructor(path: string) {
    this.#runs = new SortedRuns(path)
  }

  /** Failed records by code. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors)
  }

  /** Takes a failed record. Its bytes are copied: a view that waits for its turn would hold a whole frame. */
  async add(failed: FailedRecord): Promise<void> {
    const entry = entryOf(failed)
    this.#held.push({ ordinal: failed.ordinal, entry })
    this.#heldBytes += entry.length
    this.#errors.set(failed.code, (this.#errors.get(failed.code) ?? 0) + 1)
    if (this.#heldBytes >= RUN_BYTES || this.#held.length >= RUN_ENTRIES) await this.#writeRun()
  }

  async #writeRun(): Promise<void> {
    const held = this.#held.toSorted((a, b) => a.ordinal - b.ordinal)
    this.#held = []
    this.#heldBytes = 0
    for (const { ordinal, entry } of held) await this.#runs.add(ordinal, entry)
    await this.#runs.flush()
  }

  /** After the last record. */
  async close(): Promise<void> {
    try {
      await this.#writeRun()
    } finally {
      await this.#runs.close()
    }
  }

  /** The failed records in order, after `close`. May be called again. */
  entries(): AsyncIterable<FailedRecord> {
    return spooledFailures(this.file)
  }

  /** After `close`. */
  get file(): RunsFile {
    return this.#runs.file
  }
}

function entryOf({ arrivalMs, code, message, rawData }: FailedRecord): Buffer {
  const codeStart = ENTRY_HEADER_BYTES + TEXTS_START
  const codeBytes = Buffer.byteLength(code)
  const messageBytes = Buffer.byteLength(message)
  const end = codeStart + codeBytes + messageBytes
  const entry = Buffer.allocUnsafe(end + rawData.length)
  entry.writeDoubleLE(arrivalMs, ENTRY_HEADER_BYTES)
  entry.writeUInt32LE(codeBytes, ENTRY_HEADER_BYTES + 8)
  entry.writeUInt32LE(messageBytes, ENTRY_HEADER_BYTES + 12)
  entry.write(code, codeStart)
  entry.write(message, codeStart + codeBytes)
  entry.set(rawData, end)
  return entry
}

/** The failed records of a spool that was closed. */
export async function* spooledFailures(file: RunsFile): AsyncIterable<FailedRecord> {
  for await (const { key, body } of sortedEntries(file)) {
    const codeEnd = TEXTS_START + body.readUInt32LE(8)
    const messageEnd = codeEnd + body.readUInt32LE(12)
    yield {
      ordinal: key,
      arrivalMs: body.readDoubleLE(0),
      code: body.toString('utf8', TEXTS_START, codeEnd),
      message: body.toString('utf8', codeEnd, messageEnd),
      rawData: Buffer.from(body.subarray(messageEnd)),
    }
  }
}

/**
 * Gzip to bytes, within a bound that no ratio gets around. Small records are inflated at once, which takes less than a
 * millisecond; others off the event loop. Members that follow each other are one text, zero bytes behind the last are
 * padding, and anything else behind it makes the record no gzip: nothing is left out silently.
 */
import { promisify } from 'node:util'
import { gunzip, gunzipSync, type ZlibOptions } from 'node:zlib'
import { KIB, MIB } from '../domain/limits.ts'

/** Bytes of a record once inflated: as much as Firehose converts in one record. */
export const INFLATED_BYTES_MAX = 32 * MIB
/**
 * Beyond so many times its own bytes a record draws on what all records of its batch may have beyond that: logs are inflated
 * to ten or twenty times, a bomb to a thousand, and it takes the room of its own kind alone.
 */
export const INFLATED_TIMES_MAX = 64
export const EXCESS_BYTES_MAX = 1024 * MIB
/** Inflated on the event loop. */
const AT_ONCE_BYTES = 256 * KIB
const AT_ONCE_COMPRESSED_BYTES = 64 * KIB
const CHUNK_BYTES = 256 * KIB

const inflateAside = promisify(gunzip) as (bytes: Buffer, options: ZlibOptions) => Promise<unknown>

/** What zlib answers with `info`. */
interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

export type NotInflated = 'not-gzip' | 'too-large'

/** What the records of a batch are inflated to together, in order. */
export class Inflation {
  #excessBytes: number

  /** @param excessBytes of the records before */
  constructor(excessBytes = 0) {
    this.#excessBytes = excessBytes
  }

  /** What records have beyond INFLATED_TIMES_MAX times their bytes. */
  get excessBytes(): number {
    return this.#excessBytes
  }

  /** Most bytes that a record may be inflated to, by what was taken before; no more than any record may. */
  bytesMax(record: Buffer): number {
    const left = EXCESS_BYTES_MAX - this.#excessBytes
    return Math.min(INFLATED_BYTES_MAX, INFLATED_TIMES_MAX * record.length + left)
  }

  take(record: Buffer, inflatedBytes: number): void {
    this.#excessBytes += Math.max(0, inflatedBytes - INFLATED_TIMES_MAX * record.length)
  }
}

/** @param bytesMax of the text */
export async function inflate(record: Buffer, bytesMax = INFLATED_BYTES_MAX): Promise<Buffer | NotInflated> {
  if (sizeItTells(record) <= AT_ONCE_BYTES && record.length <= AT_ONCE_COMPRESSED_BYTES) {
    const inflated = inflateAtOnce(record, Math.min(bytesMax, AT_ONCE_BYTES))
    if (inflated !== 'too-large' || bytesMax <= AT_ONCE_BYTES) return inflated
  }
  try {
    const options = { info: true, maxOutputLength: Math.max(1, bytesMax), chunkSize: CHUNK_BYTES }
    return whole((await inflateAside(record, options)) as Inflated, record)
  } catch (error) {
    return notInflated(error)
  }
}

function inflateAtOnce(record: Buffer, bytesMax: number): Buffer | NotInflated {
  const chunkSize = Math.max(KIB, Math.min(sizeItTells(record) + 1, AT_ONCE_BYTES))
  try {
    const options = { info: true, maxOutputLength: Math.max(1, bytesMax), chunkSize }
    const inflated: unknown = gunzipSync(record, options)
    return whole(inflated as Inflated, record)
  } catch (error) {
    return notInflated(error)
  }
}

/** A gzip member ends in the size of its text. It may lie. */
function sizeItTells(record: Buffer): number {
  return record.length < 4 ? 0 : record.readUInt32LE(record.length - 4)
}

/** zlib stops at a zero byte behind a member, whatever follows it. */
function whole({ buffer, engine }: Inflated, record: Buffer): Buffer | NotInflated {
  for (let at = engine.bytesWritten; at < record.length; at += 1) if (record[at] !== 0) return 'not-gzip'
  return buffer
}

/** Anything else than bad data, such as a want of memory, says nothing about the record. */
function notInflated(error: unknown): NotInflated {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ERR_BUFFER_TOO_LARGE') return 'too-large'
  if (code === 'Z_DATA_ERROR' || code === 'Z_BUF_ERROR' || code === 'Z_NEED_DICT') return 'not-gzip'
  throw error
}

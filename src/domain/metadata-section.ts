/**
 * The metadata section of a frame, between lengths and payload, so that every attempt to deliver it says the same.
 *
 * Little endian, a length in one byte, or from 255 on in 255 and a u32:
 *
 *     u8      version of the section: 1, or 2 when a flag from 16 on is used, so that an older Hydrant leaves the frame alone
 *     u8      1 when a record has a verdict or was dropped
 *     u16     bytes of the shard id; then these
 *     then for each record
 *     u8      flags: 1 source and arrival of the one before, 2 has a sub-sequence number, 4 has a verdict,
 *             8 has the partition key of an earlier record, 16 has an origin, 32 was dropped, 64 has partition keys of a
 *             transform, 128 its verdict has a number of attempts
 *     unless 1:  f64 arrival, u8 digits that its sequence number begins with as the one before, length of the rest; the rest
 *     if 2:   u32 sub-sequence number
 *     if 8:   u32 where the section has the partition key; else its length and its bytes
 *     if 16:  u32 origin
 *     if 64:  length and bytes of the keys as JSON
 *     if 128: u16 attempts
 *     if 4:   u8 bytes of the error type, u8 of the code, u16 of the message; then these
 *
 * A key that many user records of an aggregate share is there once: written out, an aggregate of 1 MiB could grow a
 * hundredfold.
 */
import { FrameError } from './errors.ts'
import type { ErrorType, PartitionKeys, RecordMetadata, RecordVerdict } from './record-metadata.ts'

export const SECTION_VERSION = 1
export const SECTION_VERSION_PROCESSED = 2
export const SAME_SOURCE = 1
export const HAS_SUB_SEQUENCE = 2
export const HAS_VERDICT = 4
export const EARLIER_KEY = 8
export const HAS_ORIGIN = 16
export const IS_DROPPED = 32
export const HAS_PARTITION_KEYS = 64
export const HAS_ATTEMPTS = 128
/** Flags of version 2. */
export const PROCESSED = HAS_ORIGIN | IS_DROPPED | HAS_PARTITION_KEYS | HAS_ATTEMPTS

/** True when a record of this section has a verdict or was dropped. */
export function holdsDecisions(section: Buffer): boolean {
  return section[1] === 1
}

/** The metadata of a frame, read again. */
export class FrameMetadata implements Iterable<RecordMetadata> {
  readonly shardId: string
  readonly #section: Buffer
  readonly #start: number
  readonly #records: number

  /** Throws FrameError when a newer Hydrant wrote the section. */
  constructor(section: Buffer, records: number) {
    if (section[0] !== SECTION_VERSION && section[0] !== SECTION_VERSION_PROCESSED) {
      throw new FrameError(
        `read frame: metadata version ${section[0]} is above ${SECTION_VERSION_PROCESSED}; a newer Hydrant must deliver it`,
        true,
      )
    }
    this.#start = 4 + section.readUInt16LE(2)
    this.shardId = section.toString('utf8', 4, this.#start)
    this.#section = section
    this.#records = records
  }

  /** Of each record, in order. */
  *[Symbol.iterator](): Generator<RecordMetadata> {
    const reader = new SectionReader(this.#section, this.#start)
    for (let index = 0; index < this.#records; index += 1) yield reader.next()
  }
}

class SectionReader {
  readonly #section: Buffer
  readonly #keys = new Map<number, string>()
  #at: number
  #arrivalMs = 0
  #sequenceNumber = ''

  constructor(section: Buffer, start: number) {
    this.#section = section
    this.#at = start
  }

  next(): RecordMetadata {
    const section = this.#section
    const flags = section.readUInt8(this.#at)
    this.#at += 1
    if ((flags & SAME_SOURCE) === 0) {
      this.#arrivalMs = section.readDoubleLE(this.#at)
      const shared = section.readUInt8(this.#at + 8)
      this.#at += 9
      this.#sequenceNumber = this.#sequenceNumber.slice(0, shared) + this.#text()
    }
    const record: { -readonly [K in keyof RecordMetadata]: RecordMetadata[K] } = {
      arrivalMs: this.#arrivalMs,
      sequenceNumber: this.#sequenceNumber,
      partitionKey: '',
    }
    if ((flags & HAS_SUB_SEQUENCE) !== 0) {
      record.subSequenceNumber = section.readUInt32LE(this.#at)
      this.#at += 4
    }
    record.partitionKey = (flags & EARLIER_KEY) === 0 ? this.#text() : this.#earlierKey()
    if ((flags & HAS_ORIGIN) !== 0) {
      record.origin = section.readUInt32LE(this.#at)
      this.#at += 4
    }
    if ((flags & IS_DROPPED) !== 0) record.isDropped = true
    if ((flags & HAS_PARTITION_KEYS) !== 0) record.partitionKeys = JSON.parse(this.#text()) as PartitionKeys
    if ((flags & HAS_VERDICT) !== 0) record.verdict = this.#verdict((flags & HAS_ATTEMPTS) !== 0)
    return record
  }

  #text(): string {
    let length = this.#section.readUInt8(this.#at)
    this.#at += 1
    if (length === 255) {
      length = this.#section.readUInt32LE(this.#at)
      this.#at += 4
    }
    const start = this.#at
    this.#at += length
    return this.#section.toString('utf8', start, this.#at)
  }

  #earlierKey(): string {
    const at = this.#section.readUInt32LE(this.#at)
    const next = this.#at + 4
    let key = this.#keys.get(at)
    if (key === undefined) {
      this.#at = at
      key = this.#text()
      this.#keys.set(at, key)
    }
    this.#at = next
    return key
  }

  #verdict(hasAttempts: boolean): RecordVerdict {
    const section = this.#section
    const attempts = hasAttempts ? { attemptsMade: section.readUInt16LE(this.#at) } : {}
    if (hasAttempts) this.#at += 2
    const typeEnd = this.#at + 4 + section.readUInt8(this.#at)
    const codeEnd = typeEnd + section.readUInt8(this.#at + 1)
    const end = codeEnd + section.readUInt16LE(this.#at + 2)
    const verdict = {
      errorType: section.toString('utf8', this.#at + 4, typeEnd) as ErrorType,
      code: section.toString('utf8', typeEnd, codeEnd),
      message: section.toString('utf8', codeEnd, end),
      ...attempts,
    }
    this.#at = end
    return verdict
  }
}

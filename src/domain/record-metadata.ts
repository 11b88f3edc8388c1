/**
 * What is known of each record of a frame beside its bytes: where it came from, and a verdict if one was given before
 * conversion (a record beyond Firehose's limit, an aggregate that cannot be read). It travels in the frame, between
 * lengths and payload, so that every attempt to deliver it says the same.
 *
 * Section, little endian, a length in one byte, or from 255 on in 255 and a u32:
 *
 *     u8      version of the section (1)
 *     u8      1 when a record has a verdict
 *     u16     bytes of the shard id; then these
 *     then for each record
 *     u8      flags: 1 same Kinesis record as the one before, 2 has a sub-sequence number, 4 has a verdict,
 *             8 has the partition key of an earlier record
 *     unless 1:  f64 arrival, u8 digits that its sequence number begins with as the one before, length of the rest; the rest
 *     if 2:   u32 sub-sequence number
 *     if 8:   u32 where the section has the partition key; else its length and its bytes
 *     if 4:   u8 bytes of the error type, u8 of the code, u16 of the message; then these
 *
 * A key that many user records of an aggregate share is there once: written out, an aggregate of 1 MiB could grow a
 * hundredfold.
 */
import { FrameError } from './errors.ts'

/** `error-output-type` of a record that goes to the error prefix, in the order of the stages that decide it. */
export const ERROR_TYPES = [
  'decompression-failed',
  'processing-failed',
  'metadata-extraction-failed',
  'partitioning-failed',
  'format-conversion-failed',
] as const
export type ErrorType = (typeof ERROR_TYPES)[number]

/** Decided before conversion; the record goes to the error prefix as it is. */
export interface RecordVerdict {
  readonly errorType: ErrorType
  readonly code: string
  readonly message: string
  /** Calls that were made for it; absent: one. */
  readonly attemptsMade?: number
}

/** Values of partition keys by name. */
export type PartitionKeys = Readonly<Record<string, string>>

export interface RecordMetadata {
  /** ApproximateArrivalTimestamp, epoch ms. */
  readonly arrivalMs: number
  readonly sequenceNumber: string
  /** Place in a KPL aggregate, from 0; absent for a record that came alone. */
  readonly subSequenceNumber?: number
  /** Of Kinesis. */
  readonly partitionKey: string
  readonly verdict?: RecordVerdict
  /** Ordinal, within its batch, of the source record that it was made from; absent: that of its own place. */
  readonly origin?: number
  /** The transform answered Dropped: it yields nothing and is no failure. */
  readonly isDropped?: true
  /** What the transform answered, for !{partitionKeyFromLambda:…}. */
  readonly partitionKeys?: PartitionKeys
}

/** The same as the builder takes it: what is not there may be undefined. */
type Described = Omit<RecordMetadata, 'subSequenceNumber' | 'verdict'> & {
  readonly subSequenceNumber?: number | undefined
  readonly verdict?: RecordVerdict | undefined
}

const SECTION_VERSION = 1
const SAME_SOURCE = 1
const HAS_SUB_SEQUENCE = 2
const HAS_VERDICT = 4
const EARLIER_KEY = 8

/** Sequence numbers of more digits, which Kinesis does not have, are written out. */
const DIGITS_MAX = 254
/** A character takes three bytes at the most, so that the length of these fits into a byte. */
const SHORT_LENGTH_MAX = 84

/** Collects the metadata of one frame's records, in their order. */
export class MetadataBuilder {
  #bytes: Buffer
  #end: number
  #records = 0
  #sequenceNumber = ''
  /** Its digits, and how many there are. */
  readonly #lastDigits = Buffer.allocUnsafe(DIGITS_MAX)
  #digits = 0
  /** Where the section has the partition keys of user records. */
  readonly #keys = new Map<string, number>()

  /** @param shardId of all records @param recordsExpected how many there will be, roughly */
  constructor(shardId: string, recordsExpected = 16) {
    const shardIdBytes = Buffer.byteLength(shardId)
    this.#bytes = Buffer.allocUnsafe(4 + shardIdBytes + 64 * recordsExpected)
    this.#bytes[0] = SECTION_VERSION
    this.#bytes[1] = 0
    this.#bytes.writeUInt16LE(shardIdBytes, 2)
    this.#bytes.write(shardId, 4)
    this.#end = 4 + shardIdBytes
  }

  get records(): number {
    return this.#records
  }

  add({ arrivalMs, sequenceNumber, subSequenceNumber, partitionKey, verdict }: Described): void {
    this.#makeRoom(32 + 3 * (sequenceNumber.length + partitionKey.length))
    const flagsAt = this.#end
    let flags = 0
    this.#end += 1
    if (this.#records > 0 && sequenceNumber === this.#sequenceNumber) flags |= SAME_SOURCE
    else this.#addSource(arrivalMs, sequenceNumber)
    let keyAt: number | undefined
    if (subSequenceNumber !== undefined) {
      flags |= HAS_SUB_SEQUENCE
      this.#end = this.#bytes.writeUInt32LE(subSequenceNumber, this.#end)
      keyAt = this.#keys.get(partitionKey)
      if (keyAt === undefined) this.#keys.set(partitionKey, this.#end)
    }
    if (keyAt === undefined) this.#addText(partitionKey)
    else {
      flags |= EARLIER_KEY
      this.#end = this.#bytes.writeUInt32LE(keyAt, this.#end)
    }
    if (verdict !== undefined) {
      flags |= HAS_VERDICT
      this.#addVerdict(verdict)
    }
    this.#bytes[flagsAt] = flags
    this.#records += 1
  }

  #addSource(arrivalMs: number, sequenceNumber: string): void {
    const bytes = this.#bytes
    this.#end = bytes.writeDoubleLE(arrivalMs, this.#end)
    this.#sequenceNumber = sequenceNumber
    if (sequenceNumber.length > DIGITS_MAX) {
      bytes[this.#end] = 0
      this.#end += 1
      this.#addText(sequenceNumber)
      this.#digits = 0
    } else this.#addDigits(sequenceNumber)
  }

  /** Compared as bytes: over the characters of strings from JSON, in a process that reads, it takes five times as long. */
  #addDigits(sequenceNumber: string): void {
    const bytes = this.#bytes
    const last = this.#lastDigits
    const start = this.#end + 2
    const digits = bytes.write(sequenceNumber, start, 'latin1')
    const most = Math.min(this.#digits, digits)
    let shared = 0
    while (shared < most && last[shared] === bytes[start + shared]) shared += 1
    for (let index = shared; index < digits; index += 1) last[index] = bytes[start + index] ?? 0
    bytes[this.#end] = shared
    bytes[this.#end + 1] = digits - shared
    this.#end = start
    for (let index = shared; index < digits; index += 1, this.#end += 1) bytes[this.#end] = last[index] ?? 0
    this.#digits = digits
  }

  /** The text, its length in bytes before it. */
  #addText(text: string): void {
    const bytes = this.#bytes
    if (text.length <= SHORT_LENGTH_MAX) {
      const written = bytes.write(text, this.#end + 1)
      bytes[this.#end] = written
      this.#end += 1 + written
      return
    }
    const written = Buffer.byteLength(text)
    if (written < 255) bytes[this.#end] = written
    else {
      bytes[this.#end] = 255
      bytes.writeUInt32LE(written, this.#end + 1)
      this.#end += 4
    }
    bytes.write(text, this.#end + 1)
    this.#end += 1 + written
  }

  #addVerdict({ errorType, code, message }: RecordVerdict): void {
    this.#makeRoom(4 + 3 * (errorType.length + code.length + message.length))
    const bytes = this.#bytes
    bytes[1] = 1
    let end = this.#end + 4
    const type = bytes.write(errorType, end)
    end += type
    const codeBytes = bytes.write(code, end)
    end += codeBytes
    const messageBytes = bytes.write(message, end)
    bytes[this.#end] = type
    bytes[this.#end + 1] = codeBytes
    bytes.writeUInt16LE(messageBytes, this.#end + 2)
    this.#end = end + messageBytes
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(2 * (this.#end + bytes))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }

  /** The section. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }
}

/** True when a record of this section has a verdict. */
export function holdsVerdicts(section: Buffer): boolean {
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
    if (section[0] !== SECTION_VERSION) {
      throw new FrameError(
        `read frame: metadata version ${section[0]} is not ${SECTION_VERSION}; a newer Hydrant must deliver it`,
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
    if ((flags & HAS_VERDICT) !== 0) record.verdict = this.#verdict()
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

  #verdict(): RecordVerdict {
    const section = this.#section
    const typeEnd = this.#at + 4 + section.readUInt8(this.#at)
    const codeEnd = typeEnd + section.readUInt8(this.#at + 1)
    const end = codeEnd + section.readUInt16LE(this.#at + 2)
    const verdict = {
      errorType: section.toString('utf8', this.#at + 4, typeEnd) as ErrorType,
      code: section.toString('utf8', typeEnd, codeEnd),
      message: section.toString('utf8', codeEnd, end),
    }
    this.#at = end
    return verdict
  }
}

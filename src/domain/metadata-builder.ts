/** Writes the metadata section of a frame; metadata-section says how it is laid out. */
import {
  EARLIER_KEY,
  HAS_ATTEMPTS,
  HAS_ORIGIN,
  HAS_PARTITION_KEYS,
  HAS_SUB_SEQUENCE,
  HAS_VERDICT,
  IS_DROPPED,
  PROCESSED,
  SAME_SOURCE,
  SECTION_VERSION,
  SECTION_VERSION_PROCESSED,
} from './metadata-section.ts'
import type { RecordMetadata, RecordVerdict } from './record-metadata.ts'

/** The same as the builder takes it: what is not there may be undefined. */
type Described = { readonly [Member in keyof RecordMetadata]: RecordMetadata[Member] | undefined } & Pick<
  RecordMetadata,
  'arrivalMs' | 'sequenceNumber' | 'partitionKey'
>

/** Sequence numbers of more digits, which Kinesis does not have, are written out. */
const DIGITS_MAX = 254
/** A character takes three bytes at the most, so that the length of these fits into a byte. */
const SHORT_LENGTH_MAX = 84

/** Collects the metadata of one frame's records, in their order. */
export class MetadataBuilder {
  #bytes: Buffer
  #end: number
  #records = 0
  #arrivalMs = 0
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

  add(record: Described): void {
    const { arrivalMs, sequenceNumber, subSequenceNumber, partitionKey, verdict } = record
    this.#makeRoom(32 + 3 * (sequenceNumber.length + partitionKey.length))
    const flagsAt = this.#end
    let flags = 0
    this.#end += 1
    if (this.#records > 0 && sequenceNumber === this.#sequenceNumber && arrivalMs === this.#arrivalMs)
      flags |= SAME_SOURCE
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
    flags |= this.#addProcessing(record)
    if (verdict !== undefined) {
      flags |= HAS_VERDICT
      flags |= this.#addVerdict(verdict)
    }
    const bytes = this.#bytes
    bytes[flagsAt] = flags
    if ((flags & (HAS_VERDICT | IS_DROPPED)) !== 0) bytes[1] = 1
    if ((flags & PROCESSED) !== 0) bytes[0] = SECTION_VERSION_PROCESSED
    this.#records += 1
  }

  /** What processors say; answers its flags. */
  #addProcessing({ origin, isDropped, partitionKeys }: Described): number {
    let flags = isDropped === true ? IS_DROPPED : 0
    if (origin !== undefined) {
      flags |= HAS_ORIGIN
      this.#end = this.#bytes.writeUInt32LE(origin, this.#end)
    }
    if (partitionKeys !== undefined) {
      flags |= HAS_PARTITION_KEYS
      const text = JSON.stringify(partitionKeys)
      this.#makeRoom(16 + 3 * text.length)
      this.#addText(text)
    }
    return flags
  }

  #addSource(arrivalMs: number, sequenceNumber: string): void {
    const bytes = this.#bytes
    this.#end = bytes.writeDoubleLE(arrivalMs, this.#end)
    this.#arrivalMs = arrivalMs
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

  #addVerdict({ errorType, code, message, attemptsMade }: RecordVerdict): number {
    this.#makeRoom(6 + 3 * (errorType.length + code.length + message.length))
    const bytes = this.#bytes
    if (attemptsMade !== undefined) this.#end = bytes.writeUInt16LE(attemptsMade, this.#end)
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
    return attemptsMade === undefined ? 0 : HAS_ATTEMPTS
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

/**
 * What is known of each record of a frame beside its bytes: where it came from, and a verdict if one was given before
 * conversion (a record beyond Firehose's limit, an aggregate that cannot be read). It travels in the frame, between
 * lengths and payload, so that every attempt to deliver it says the same.
 *
 * Section, little endian:
 *
 *     u8   version of the section (1)
 *     u8   1 when a record has a verdict
 *     u16  bytes of the shard id; then these
 *     then for each record
 *     u8   flags: 1 same Kinesis record as the one before, 2 has a sub-sequence number, 4 has a verdict
 *     unless 1:  f64 arrival, u8 digits of the sequence number; then these
 *     if 2:      u32 sub-sequence number
 *     u16  bytes of the partition key; then these
 *     if 4:      u8 bytes of the error type, u8 of the code, u16 of the message; then these
 */
import { FrameError } from './errors.ts'

/** `error-output-type` of a record that goes to the error prefix. */
export type ErrorType = 'format-conversion-failed' | 'processing-failed'

/** Decided before conversion; the record goes to the error prefix as it is. */
export interface RecordVerdict {
  readonly errorType: ErrorType
  readonly code: string
  readonly message: string
}

export interface RecordMetadata {
  /** ApproximateArrivalTimestamp, epoch ms. */
  readonly arrivalMs: number
  readonly sequenceNumber: string
  /** Place in a KPL aggregate, from 0; absent for a record that came alone. */
  readonly subSequenceNumber?: number
  readonly partitionKey: string
  readonly verdict?: RecordVerdict
}

const SECTION_VERSION = 1
const SAME_SOURCE = 1
const HAS_SUB_SEQUENCE = 2
const HAS_VERDICT = 4

/** Collects the metadata of one frame's records, in their order. */
export class MetadataBuilder {
  #bytes: Buffer
  #end: number
  #records = 0
  #sequenceNumber = ''

  /** @param shardId of all records @param recordsExpected how many there will be, roughly */
  constructor(shardId: string, recordsExpected = 16) {
    const shardIdBytes = Buffer.byteLength(shardId)
    this.#bytes = Buffer.allocUnsafe(4 + shardIdBytes + 96 * recordsExpected)
    this.#bytes[0] = SECTION_VERSION
    this.#bytes[1] = 0
    this.#bytes.writeUInt16LE(shardIdBytes, 2)
    this.#bytes.write(shardId, 4)
    this.#end = 4 + shardIdBytes
  }

  get records(): number {
    return this.#records
  }

  add({ arrivalMs, sequenceNumber, subSequenceNumber, partitionKey, verdict }: RecordMetadata): void {
    this.#makeRoom(32 + sequenceNumber.length + 3 * partitionKey.length)
    const bytes = this.#bytes
    const flagsAt = this.#end
    let flags = 0
    let end = flagsAt + 1
    if (this.#records > 0 && sequenceNumber === this.#sequenceNumber) flags |= SAME_SOURCE
    else {
      end = bytes.writeDoubleLE(arrivalMs, end)
      bytes[end] = sequenceNumber.length
      end += 1 + bytes.write(sequenceNumber, end + 1, 'latin1')
      this.#sequenceNumber = sequenceNumber
    }
    if (subSequenceNumber !== undefined) {
      flags |= HAS_SUB_SEQUENCE
      end = bytes.writeUInt32LE(subSequenceNumber, end)
    }
    const keyBytes = bytes.write(partitionKey, end + 2)
    bytes.writeUInt16LE(keyBytes, end)
    this.#end = end + 2 + keyBytes
    if (verdict !== undefined) {
      flags |= HAS_VERDICT
      this.#addVerdict(verdict)
    }
    this.#bytes[flagsAt] = flags
    this.#records += 1
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
    const section = this.#section
    let at = this.#start
    let arrivalMs = 0
    let sequenceNumber = ''
    for (let index = 0; index < this.#records; index += 1) {
      const flags = section.readUInt8(at)
      at += 1
      if ((flags & SAME_SOURCE) === 0) {
        arrivalMs = section.readDoubleLE(at)
        const digitsEnd = at + 9 + section.readUInt8(at + 8)
        sequenceNumber = section.toString('latin1', at + 9, digitsEnd)
        at = digitsEnd
      }
      const hasSub = (flags & HAS_SUB_SEQUENCE) !== 0
      const subSequenceNumber = hasSub ? section.readUInt32LE(at) : undefined
      if (hasSub) at += 4
      const keyEnd = at + 2 + section.readUInt16LE(at)
      const partitionKey = section.toString('utf8', at + 2, keyEnd)
      at = keyEnd
      let verdict: RecordVerdict | undefined
      if ((flags & HAS_VERDICT) !== 0) [verdict, at] = readVerdict(section, at)
      yield {
        arrivalMs,
        sequenceNumber,
        ...(subSequenceNumber === undefined ? {} : { subSequenceNumber }),
        partitionKey,
        ...(verdict === undefined ? {} : { verdict }),
      }
    }
  }
}

function readVerdict(section: Buffer, at: number): [RecordVerdict, number] {
  const typeEnd = at + 4 + section.readUInt8(at)
  const codeEnd = typeEnd + section.readUInt8(at + 1)
  const end = codeEnd + section.readUInt16LE(at + 2)
  const verdict = {
    errorType: section.toString('utf8', at + 4, typeEnd) as ErrorType,
    code: section.toString('utf8', typeEnd, codeEnd),
    message: section.toString('utf8', codeEnd, end),
  }
  return [verdict, end]
}

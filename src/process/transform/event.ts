/**
 * The event that a transform is sent (docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html), written record by
 * record into one buffer, so that its size is known to the byte before a record is added.
 */
import type { RecordMetadata } from '../../domain/record-metadata.ts'

/** Largest request that Lambda takes synchronously: 6 MB (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
export const EVENT_BYTES_MAX = 6_291_456

/** What is the same for all events of a batch. */
export interface EventSource {
  readonly deliveryStreamArn: string
  /** There with Kinesis as the source. */
  readonly sourceKinesisStreamArn?: string
  readonly region: string
}

/** A record, from `start` on in the payload of the frame that it came in: a view of each would cost more than all else. */
export interface RecordBytes {
  readonly payload: Buffer
  readonly start: number
  readonly length: number
}

export function bytesOf({ payload, start, length }: RecordBytes): Buffer {
  return payload.subarray(start, start + length)
}

export interface EventRecord extends RecordBytes {
  readonly recordId: string
  readonly metadata: RecordMetadata
  readonly shardId: string
}

const OPENING = '{"invocationId":"'
const UUID_LENGTH = 36
const CLOSING = ']}'
const FIRST_BYTES = 64 * 1024

export class EventWriter {
  #bytes: Buffer
  #end: number
  #records = 0

  constructor({ deliveryStreamArn, sourceKinesisStreamArn, region }: EventSource) {
    const members = JSON.stringify({
      deliveryStreamArn,
      ...(sourceKinesisStreamArn === undefined ? {} : { sourceKinesisStreamArn }),
      region,
    })
    this.#bytes = Buffer.allocUnsafe(FIRST_BYTES)
    this.#end = this.#bytes.write(
      `${OPENING}${' '.repeat(UUID_LENGTH)}",${members.slice(1, -1)},"records":[`,
      0,
    )
  }

  /** False when the event would be larger than a request may be; then nothing was added. */
  add(added: EventRecord): boolean {
    const before = `${this.#records === 0 ? '' : ','}${textBefore(added)}`
    const after = textAfter(added)
    const bytes = before.length + 4 * Math.ceil(added.length / 3) + Buffer.byteLength(after)
    if (this.#end + bytes + CLOSING.length > EVENT_BYTES_MAX) return false
    this.#makeRoom(bytes + CLOSING.length)
    const data = added.payload.toString('base64', added.start, added.start + added.length)
    this.#end += this.#bytes.write(before, this.#end, 'latin1')
    this.#end += this.#bytes.write(data, this.#end, 'latin1')
    this.#end += this.#bytes.write(after, this.#end)
    this.#records += 1
    return true
  }

  /** The event of one try, good until the next is asked for. @param invocationId a UUID; each try has its own, as on AWS */
  finish(invocationId: string): Buffer {
    const bytes = this.#bytes
    bytes.write(invocationId, OPENING.length, UUID_LENGTH, 'latin1')
    const end = this.#end + bytes.write(CLOSING, this.#end)
    return bytes.subarray(0, end)
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.min(EVENT_BYTES_MAX, Math.max(needed, 2 * this.#bytes.length)))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

/** ASCII. */
function textBefore({ recordId, metadata }: EventRecord): string {
  return `{"recordId":"${recordId}","approximateArrivalTimestamp":${Math.trunc(metadata.arrivalMs)},"data":"`
}

function textAfter({ metadata, shardId }: EventRecord): string {
  if (metadata.sequenceNumber === '') return '"}'
  const { sequenceNumber, subSequenceNumber = 0, partitionKey, arrivalMs } = metadata
  const kinesisRecordMetadata = {
    shardId,
    partitionKey,
    approximateArrivalTimestamp: Math.trunc(arrivalMs),
    sequenceNumber,
    subsequenceNumber: subSequenceNumber,
  }
  return `","kinesisRecordMetadata":${JSON.stringify(kinesisRecordMetadata)}}`
}

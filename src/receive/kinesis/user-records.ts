/**
 * From the records of a read to the frames of one append: aggregates are taken apart, each record gets its metadata, and
 * what cannot be delivered gets the verdict that sends it to the error prefix as it is.
 *
 * Nothing is copied until a frame is built, and what becomes of a read is bounded: an aggregate that would grow beyond
 * `GROWN_BYTES_MAX` (a key of megabytes for thousands of user records) is not taken apart.
 */
import { FrameBuilder, type Frame } from '../../domain/frame.ts'
import { MIB, RECORD_BYTES_MAX } from '../../domain/limits.ts'
import { MetadataBuilder } from '../../domain/metadata-builder.ts'
import type { RecordVerdict } from '../../domain/record-metadata.ts'
import { compareSequenceNumbers, isSequenceNumber, type Checkpoint } from '../../domain/shard.ts'
import { openAggregate, type Aggregate } from './aggregate.ts'
import type { SourceRecord } from './data-stream.ts'
import { hashRange, type HashRange } from './hash-key.ts'

/** A frame holds no more, unless a single record does. */
const FRAME_BYTES_MAX = MIB
const FRAME_RECORDS_MAX = 10_000
/** What an aggregate may be in frames; one of 10 MiB of empty user records is 25 MiB. */
const GROWN_BYTES_MAX = 64 * MIB
/** Length, newline, flags, sub-sequence number and the place of the partition key. */
const USER_RECORD_BYTES = 14

const tooLarge: RecordVerdict = {
  errorType: 'processing-failed',
  code: 'Hydrant.RecordTooLarge',
  message:
    'The record is larger than 1,024,000 bytes, the most that Firehose delivers. It is here as it came; write smaller records to the data stream.',
}

const unreadable: RecordVerdict = {
  errorType: 'processing-failed',
  code: 'Hydrant.AggregateUnreadable',
  message:
    'The record is an aggregate of the Kinesis Producer Library, its MD5 is right, but it cannot be taken apart: it breaks the format, or would grow beyond 64 MiB. It is here as it came; look at the producer that made it.',
}

export interface FramingOptions {
  readonly shardId: string
  /** Of the shard: first and last hash key, decimal. */
  readonly hashRange: readonly [first: string, last: string]
  readonly outOfRangeRecords: 'keep' | 'drop'
}

export interface Framed {
  /** In order; empty when the records hold no user record. */
  readonly frames: readonly Frame[]
  /** Sequence number of the last record; undefined when there was none. */
  readonly last: string | undefined
  /** User records whose hash key lies outside the shard's range, dropped or not. */
  readonly outOfRange: number
}

/** @param records of one shard, in order */
export function framesOf(records: readonly SourceRecord[], options: FramingOptions): Framed {
  const framing = new Framing(options, records.length)
  for (const record of records) framing.add(record)
  return {
    frames: framing.finish(),
    last: records.at(-1)?.sequenceNumber,
    outOfRange: framing.outOfRange,
  }
}

/** Those that are not in the buffer yet; `records` are in order. */
export function recordsAfter(
  records: readonly SourceRecord[],
  checkpoint: Checkpoint,
): readonly SourceRecord[] {
  if (!isSequenceNumber(checkpoint)) return records
  const first = records.findIndex(
    ({ sequenceNumber }) => compareSequenceNumbers(sequenceNumber, checkpoint) > 0,
  )
  if (first === 0) return records
  return first < 0 ? [] : records.slice(first)
}

class Framing {
  outOfRange = 0
  readonly #options: FramingOptions
  readonly #range: HashRange
  readonly #recordsExpected: number
  readonly #frames: Frame[] = []
  /** Of the frame in the making. */
  #metadata: MetadataBuilder
  #data: Uint8Array[] = []
  #dataBytes = 0
  #arrivalMs = Infinity

  constructor(options: FramingOptions, recordsExpected: number) {
    this.#options = options
    this.#range = hashRange(options.hashRange)
    this.#recordsExpected = Math.min(recordsExpected, FRAME_RECORDS_MAX)
    this.#metadata = new MetadataBuilder(options.shardId, this.#recordsExpected)
  }

  add(record: SourceRecord): void {
    const aggregate = openAggregate(record.data)
    if (aggregate === 'plain') {
      const isTooLarge = record.data.length > RECORD_BYTES_MAX
      this.#addRecord(record, record.data, record.partitionKey, undefined, isTooLarge ? tooLarge : undefined)
    } else if (aggregate === 'unreadable' || grownBytes(aggregate) > GROWN_BYTES_MAX) {
      this.#addRecord(record, record.data, record.partitionKey, undefined, unreadable)
    } else this.#addUserRecords(record, aggregate)
  }

  #addUserRecords(record: SourceRecord, aggregate: Aggregate): void {
    const { partitionKeys } = aggregate
    const drops = this.#options.outOfRangeRecords === 'drop'
    const isInRange = this.#inRange(aggregate)
    let index = 0
    aggregate.forEach((data, keyIndex, explicitHashKey) => {
      const subSequenceNumber = index
      index += 1
      if (!isInRange(keyIndex, explicitHashKey)) {
        this.outOfRange += 1
        if (drops) return
      }
      const verdict = data.length > RECORD_BYTES_MAX ? tooLarge : undefined
      this.#addRecord(record, data, partitionKeys[keyIndex] ?? '', subSequenceNumber, verdict)
    })
  }

  /** Looks at each key of the tables once. */
  #inRange({
    partitionKeys,
    explicitHashKeys,
  }: Aggregate): (partitionKey: number, explicitHashKey: number | undefined) => boolean {
    const range = this.#range
    if (range.isWhole) return () => true
    const partitionKeysInRange: boolean[] = []
    const explicitHashKeysInRange: boolean[] = []
    return (partitionKey, explicitHashKey) =>
      explicitHashKey === undefined
        ? (partitionKeysInRange[partitionKey] ??= range.holdsPartitionKey(partitionKeys[partitionKey] ?? ''))
        : (explicitHashKeysInRange[explicitHashKey] ??= range.holdsHashKey(
            explicitHashKeys[explicitHashKey] ?? '',
          ))
  }

  #addRecord(
    { arrivalMs, sequenceNumber }: SourceRecord,
    data: Uint8Array,
    partitionKey: string,
    subSequenceNumber: number | undefined,
    verdict: RecordVerdict | undefined,
  ): void {
    const records = this.#data.length
    if (records > 0 && (records >= FRAME_RECORDS_MAX || this.#dataBytes + data.length > FRAME_BYTES_MAX))
      this.#close()
    this.#metadata.add({ arrivalMs, sequenceNumber, subSequenceNumber, partitionKey, verdict })
    this.#data.push(data)
    this.#dataBytes += data.length
    if (arrivalMs < this.#arrivalMs) this.#arrivalMs = arrivalMs
  }

  #close(): void {
    const builder = new FrameBuilder(this.#data.length, this.#dataBytes, this.#metadata.finish())
    for (const data of this.#data) builder.addBytes(data)
    this.#frames.push(builder.finish(this.#arrivalMs))
    this.#metadata = new MetadataBuilder(this.#options.shardId, this.#recordsExpected)
    this.#data = []
    this.#dataBytes = 0
    this.#arrivalMs = Infinity
  }

  finish(): readonly Frame[] {
    if (this.#data.length > 0) this.#close()
    return this.#frames
  }
}

/** At most: each frame has each partition key once. */
function grownBytes({ records, dataBytes, partitionKeyBytes }: Aggregate): number {
  const frames = Math.ceil(records / FRAME_RECORDS_MAX) + Math.ceil(dataBytes / FRAME_BYTES_MAX)
  return dataBytes + USER_RECORD_BYTES * records + frames * partitionKeyBytes
}

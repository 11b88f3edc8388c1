/**
 * Aggregates of the Kinesis Producer Library: many user records in one Kinesis record, which Firehose takes apart before
 * it delivers (amazon-kinesis-producer, aggregation-format.md).
 *
 *     F3 89 9A C2 | protocol buffer | MD5 of the protocol buffer
 *
 *     message AggregatedRecord {
 *       repeated string partition_key_table     = 1;
 *       repeated string explicit_hash_key_table = 2;
 *       repeated Record records                 = 3;
 *     }
 *     message Record {
 *       required uint64 partition_key_index     = 1;
 *       optional uint64 explicit_hash_key_index = 2;
 *       required bytes  data                    = 3;
 *       repeated Tag    tags                    = 4;
 *     }
 *
 * A record whose MD5 does not match is no aggregate, but a record that happens to begin like one. One whose MD5 matches
 * was meant to be an aggregate: if it cannot be read, it is unreadable as a whole, never in part.
 *
 * An aggregate of 1 MiB may hold 175,000 user records: it is read twice, first to be sure of all of it, and nothing is
 * kept of a single record.
 */
import { hash } from 'node:crypto'
import { ProtobufReader, WireType } from './protobuf-reader.ts'

const MAGIC_BYTES = 4
const DIGEST_BYTES = 16
/** Of a partition key: Kinesis takes 256 characters. A longer one, repeated for each record, would grow without bound. */
const PARTITION_KEY_BYTES_MAX = 4 * 256

export interface Aggregate {
  readonly records: number
  /** Sum of the user records' bytes. */
  readonly dataBytes: number
  readonly partitionKeys: readonly string[]
  /** Sum of the partition keys' bytes. */
  readonly partitionKeyBytes: number
  /** Decimal, as the producer wrote them. */
  readonly explicitHashKeys: readonly string[]
  /** Calls `visit` for each user record, in order; its data is a view into the aggregate. */
  forEach(visit: VisitUserRecord): void
}

/** @param explicitHashKey index in the table; undefined when the record has none */
export type VisitUserRecord = (
  data: Uint8Array,
  partitionKey: number,
  explicitHashKey: number | undefined,
) => void

/** `plain`: not an aggregate. */
export function openAggregate(data: Uint8Array): Aggregate | 'plain' | 'unreadable' {
  if (!isAggregate(data)) return 'plain'
  const reader = new ProtobufReader(data)
  const limit = data.length - DIGEST_BYTES
  const partitionKeys: string[] = []
  const explicitHashKeys: string[] = []
  const sums = { records: 0, dataBytes: 0, partitionKeyBytes: 0 }
  const record = new UserRecordReader(data)
  let [partitionKeyLast, explicitHashKeyLast] = [-1, -1]
  const text = bufferOver(data)
  reader.enter(MAGIC_BYTES, limit)
  while (reader.nextField()) {
    if (reader.field > 3) {
      reader.skip()
      continue
    }
    if (reader.wireType !== WireType.bytes) return 'unreadable'
    reader.readBytes()
    const { start, end } = reader
    if (reader.broken) return 'unreadable'
    if (reader.field === 1) {
      if (end - start > PARTITION_KEY_BYTES_MAX) return 'unreadable'
      partitionKeys.push(text.toString('utf8', start, end))
      sums.partitionKeyBytes += end - start
    } else if (reader.field === 2) explicitHashKeys.push(text.toString('utf8', start, end))
    else {
      if (!record.read(start, end)) return 'unreadable'
      sums.records += 1
      sums.dataBytes += record.dataEnd - record.dataStart
      partitionKeyLast = Math.max(partitionKeyLast, record.partitionKey)
      explicitHashKeyLast = Math.max(explicitHashKeyLast, record.explicitHashKey ?? -1)
    }
  }
  if (reader.broken) return 'unreadable'
  if (partitionKeyLast >= partitionKeys.length || explicitHashKeyLast >= explicitHashKeys.length)
    return 'unreadable'
  const forEach = (visit: VisitUserRecord): void => visitUserRecords(data, limit, visit)
  return { ...sums, partitionKeys, explicitHashKeys, forEach }
}

function isAggregate(data: Uint8Array): boolean {
  if (data.length <= MAGIC_BYTES + DIGEST_BYTES) return false
  if (data[0] !== 0xf3 || data[1] !== 0x89 || data[2] !== 0x9a || data[3] !== 0xc2) return false
  const end = data.length - DIGEST_BYTES
  return hash('md5', data.subarray(MAGIC_BYTES, end), 'hex') === bufferOver(data).toString('hex', end)
}

function bufferOver({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Of an aggregate that is known to be readable. */
function visitUserRecords(data: Uint8Array, limit: number, visit: VisitUserRecord): void {
  const reader = new ProtobufReader(data)
  const record = new UserRecordReader(data)
  reader.enter(MAGIC_BYTES, limit)
  while (reader.nextField()) {
    reader.skip()
    if (reader.field !== 3) continue
    record.read(reader.start, reader.end)
    visit(data.subarray(record.dataStart, record.dataEnd), record.partitionKey, record.explicitHashKey)
  }
}

/** Reads one `Record` after the other. */
class UserRecordReader {
  readonly #reader: ProtobufReader
  partitionKey = -1
  explicitHashKey: number | undefined
  dataStart = -1
  dataEnd = -1

  constructor(data: Uint8Array) {
    this.#reader = new ProtobufReader(data)
  }

  /** False when it is broken or lacks a field that is required. A field that comes twice counts as it comes last. */
  read(start: number, end: number): boolean {
    const reader = this.#reader
    this.partitionKey = -1
    this.explicitHashKey = undefined
    this.dataStart = -1
    reader.enter(start, end)
    while (reader.nextField()) {
      const expected = reader.field === 3 ? WireType.bytes : WireType.varint
      if (reader.field <= 3 && reader.wireType !== expected) return false
      if (reader.field === 1) this.partitionKey = reader.readVarint()
      else if (reader.field === 2) this.explicitHashKey = reader.readVarint()
      else reader.skip()
      if (reader.field === 3) [this.dataStart, this.dataEnd] = [reader.start, reader.end]
    }
    return !reader.broken && this.partitionKey >= 0 && this.dataStart >= 0
  }
}

/**
 * Reads the answer of GetRecords from its JSON, which is where most of the time of a read goes: the data of all records
 * are decoded into one allocation, and nothing is made for fields that nobody reads. The SDK's own reader, which knows
 * every shape, takes several times as long.
 *
 * It takes nothing for granted, because an absent iterator means the end of a shard: what is not an answer of GetRecords
 * is refused as a whole. Its errors hold no text of the answer, which is records.
 */
import { isAscii } from 'node:buffer'
import type { ListedShard, ReadAnswer, SourceRecord } from './data-stream.ts'

/** An answer with status 200 that is not one of GetRecords. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer'
}

/** Views of one record's data share the memory of all. */
export function readGetRecords(body: Buffer): ReadAnswer {
  const answer = objectOf(parse(body), 'the answer')
  const listed = answer['Records']
  if (!Array.isArray(listed)) throw new UnreadableAnswer('it has no list of records')
  const records = listed as readonly unknown[]
  const data = Buffer.allocUnsafeSlow(records.reduce<number>((sum, one) => sum + dataLength(one), 0))
  const read: SourceRecord[] = []
  let end = 0
  let bytes = 0
  for (const one of records) {
    const record = one as WireRecord
    const start = end
    const length = dataLength(record)
    if (length > 0) end += data.write(record.Data as string, start, length, 'base64')
    if (end !== start + length) throw new UnreadableAnswer('data of a record are not base64')
    const partitionKey = textOf(record.PartitionKey, 'a partition key')
    bytes += length + Buffer.byteLength(partitionKey)
    read.push({
      data: data.subarray(start, end),
      partitionKey,
      sequenceNumber: sequenceNumberOf(record.SequenceNumber),
      arrivalMs: epochMs(record.ApproximateArrivalTimestamp),
    })
  }
  return {
    records: read,
    nextIterator: nextIterator(answer['NextShardIterator']),
    behindMs: behindMs(answer['MillisBehindLatest']),
    children: children(answer['ChildShards']),
    bytes,
  }
}

/** Of JSON, so that each field may be anything. */
interface WireRecord {
  readonly Data?: unknown
  readonly PartitionKey?: unknown
  readonly SequenceNumber?: unknown
  readonly ApproximateArrivalTimestamp?: unknown
}

function parse(body: Buffer): unknown {
  try {
    // Almost always ASCII, base64 and numbers being so, and then it need not be decoded.
    return JSON.parse(body.toString(isAscii(body) ? 'latin1' : 'utf8'))
  } catch {
    // The error of JSON.parse quotes the text.
    throw new UnreadableAnswer('it is not JSON, or was cut off')
  }
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>
  throw new UnreadableAnswer(`${what} is not an object`)
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new UnreadableAnswer(`${what} is missing`)
}

/** A sequence number becomes a checkpoint, and is ordered as a number. */
function sequenceNumberOf(value: unknown): string {
  const text = textOf(value, 'a sequence number')
  if (!/^[0-9]+$/.test(text)) throw new UnreadableAnswer('a sequence number is not a number')
  return text
}

/** Bytes of a record's data; none where the field is absent or null. */
function dataLength(record: unknown): number {
  if (typeof record !== 'object' || record === null) throw new UnreadableAnswer('a record is not an object')
  const { Data: data } = record as WireRecord
  if (typeof data === 'string') return Buffer.byteLength(data, 'base64')
  if (data === undefined || data === null) return 0
  throw new UnreadableAnswer('data of a record are not text')
}

/** @param seconds since the epoch, with a fraction */
function epochMs(seconds: unknown): number {
  const ms = typeof seconds === 'number' ? Math.round(seconds * 1000) : NaN
  if (Number.isSafeInteger(ms)) return ms
  throw new UnreadableAnswer('an arrival is not a time')
}

/** Absent at the end of a shard, and nothing else may look like it. */
function nextIterator(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return textOf(value, 'the next iterator')
}

function behindMs(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function children(value: unknown): readonly ListedShard[] {
  if (!Array.isArray(value)) return []
  return value.map((one: unknown) => {
    const shard = objectOf(one, 'a child shard')
    const range = objectOf(shard['HashKeyRange'], 'a range of hash keys')
    const parents = shard['ParentShards']
    return {
      shardId: textOf(shard['ShardId'], 'the id of a child shard'),
      parents: Array.isArray(parents) ? parents.map((parent) => textOf(parent, 'a parent')) : [],
      hashRange: [
        textOf(range['StartingHashKey'], 'a hash key'),
        textOf(range['EndingHashKey'], 'a hash key'),
      ] as const,
      isClosed: false,
    }
  })
}

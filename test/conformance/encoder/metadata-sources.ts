/** Where the records of a test came from, and what metadata columns hold of it. */
import type { MetadataColumn } from '../../../src/domain/delivery-stream.ts'
import type { RecordMetadata } from '../../../src/domain/record-metadata.ts'
import type { Cell, FrameSource } from './encoding.ts'

export const ARRIVAL_MS = 1_793_610_900_123

/** All of them, in the order of the fields of `cellsOf`. */
export const allMetadata: readonly MetadataColumn[] = [
  { field: 'shardId', name: 'shard' },
  { field: 'sequenceNumber', name: 'sequence' },
  { field: 'subSequenceNumber', name: 'sub' },
  { field: 'partitionKey', name: 'key' },
  { field: 'arrival', name: 'arrived' },
]
const NOTHING: readonly Cell[] = [null, null, null, null, null]

/** Of a record that came alone. */
export const plain = (n: number): RecordMetadata => ({
  arrivalMs: ARRIVAL_MS + n,
  sequenceNumber: `4959033827149025660855969253836157109592157598913${String(n).padStart(7, '0')}`,
  partitionKey: `customer-${n}`,
})

/** Metadata of `count` records: every third Kinesis record is an aggregate of two. */
export function sourceOf(shard: number, count: number): FrameSource {
  const records: RecordMetadata[] = []
  for (let n = 1000 * shard; records.length < count; n += 1) {
    if (n % 3 !== 0) records.push(plain(n))
    else {
      records.push({ ...plain(n), subSequenceNumber: 0, partitionKey: 'first' })
      records.push({ ...plain(n), subSequenceNumber: 1, partitionKey: 'second' })
    }
  }
  return { shardId: `shardId-${String(shard).padStart(12, '0')}`, records: records.slice(0, count) }
}

export const sourced = (records: readonly (string | Buffer)[]): FrameSource => sourceOf(3, records.length)

/** The cells of `allMetadata` for a record of such a frame. */
export function cellsOf(source: FrameSource | undefined, index: number): readonly Cell[] {
  const record = source?.records[index]
  if (source === undefined || record === undefined) return NOTHING
  const { sequenceNumber, subSequenceNumber, partitionKey, arrivalMs } = record
  const place = subSequenceNumber === undefined ? null : String(subSequenceNumber)
  return [source.shardId, sequenceNumber, place, partitionKey, String(arrivalMs)]
}

/** Random metadata columns, and random metadata for the frames of a batch: plain records, aggregates, frames without any. */
import * as fc from 'fast-check'
import type { MetadataColumn, MetadataField } from '../../../src/domain/delivery-stream.ts'
import type { RecordMetadata } from '../../../src/domain/record-metadata.ts'
import type { FrameSource } from './encoding.ts'

const FIELDS: readonly MetadataField[] = [
  'shardId',
  'sequenceNumber',
  'subSequenceNumber',
  'partitionKey',
  'arrival',
]
/** Some of them keys that generated records have too, but not of their columns. */
export const METADATA_NAMES = ['z', 'unknown', 'shard', 'sequence number', 'mm0', 'é1', '"', 'rowid']

export const metadataColumns: fc.Arbitrary<readonly MetadataColumn[]> = fc
  .uniqueArray(fc.constantFrom(...METADATA_NAMES), { maxLength: 6 })
  .chain((names) =>
    fc
      .tuple(...names.map(() => fc.constantFrom(...FIELDS)))
      .map((fields) => names.map((name, index) => ({ name, field: fields[index] ?? 'shardId' }))),
  )

const partitionKey = fc.oneof(
  { arbitrary: fc.stringMatching(/^customer-[0-9]{1,6}$/), weight: 6 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 10 }), weight: 2 },
  {
    arbitrary: fc.constantFrom('', '\t', '"', '\\', '\u0000', '\ufeff', '😀'.repeat(256), '{"m0":'),
    weight: 1,
  },
)

const arrivalMs = fc.oneof(
  { arbitrary: fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }), weight: 8 },
  { arbitrary: fc.double(), weight: 1 },
)

const sequenceNumber = fc.stringMatching(/^495[0-9]{53}$/)

/** The records of one Kinesis record: itself, or the user records of an aggregate. */
const kinesisRecord: fc.Arbitrary<readonly RecordMetadata[]> = fc
  .tuple(arrivalMs, sequenceNumber, fc.array(partitionKey, { maxLength: 4 }), partitionKey)
  .map(([arrival, sequence, userKeys, key]) => {
    const source = { arrivalMs: arrival, sequenceNumber: sequence }
    return userKeys.length === 0
      ? [{ ...source, partitionKey: key }]
      : userKeys.map((userKey, index) => ({ ...source, subSequenceNumber: index, partitionKey: userKey }))
  })

const frameSource: fc.Arbitrary<FrameSource> = fc.record({
  shardId: fc.oneof(fc.stringMatching(/^shardId-[0-9]{12}$/), fc.string({ maxLength: 4 })),
  records: fc
    .array(kinesisRecord, { minLength: 1, maxLength: 12 })
    .map((records): readonly RecordMetadata[] => records.flat()),
})

/** For the frames of a batch, by turns. */
export const frameSources: fc.Arbitrary<readonly (FrameSource | undefined)[]> = fc.array(
  fc.option(frameSource, { nil: undefined, freq: 4 }),
  { maxLength: 5 },
)

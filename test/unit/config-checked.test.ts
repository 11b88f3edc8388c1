/** What `hydrant check` finds beyond the settings: extensions against the streams that are declared. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCheckedConfig } from '../../src/check.ts'
import { formatProblem } from '../../src/config/problem.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-check-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const STREAMS = `
catalog: { databases: { sales: { clicks: { columns: [ { name: id, type: string }, { name: shard, type: string } ] } } } }
deliveryStreams:
  - DeliveryStreamName: clicks-to-s3
    DeliveryStreamType: KinesisStreamAsSource
    KinesisStreamSourceConfiguration: { KinesisStreamARN: "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks" }
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      DataFormatConversionConfiguration:
        SchemaConfiguration: { DatabaseName: sales, TableName: clicks }
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }
  - DeliveryStreamName: orders
    S3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake" }
`

/** Problems, or notes with their mark. */
async function check(extensions: string): Promise<string[]> {
  const path = join(folder, 'hydrant.yaml')
  await writeFile(path, `extensions: { ${extensions} }\n${STREAMS}`)
  const checked = await readCheckedConfig(path, {})
  if (checked.kind === 'refused') return checked.problems.map(formatProblem)
  return (checked.notes ?? []).map((note) => `note: ${formatProblem(note)}`)
}

test.each([
  'clicks-to-s3: { startingPosition: TRIM_HORIZON, metadataColumns: { shardId: kinesis_shard } }',
  'clicks-to-s3: { startingPosition: AT_TIMESTAMP, startingTimestamp: "2020-01-01T00:00:00Z" }',
  'orders: {}',
])('%s is without a problem', async (extensions) => {
  expect(await check(extensions)).toEqual([])
})

test.each([
  [
    'orders: { startingPosition: LATEST }',
    'extensions.orders.startingPosition (line 1): needs DeliveryStreamType KinesisStreamAsSource',
  ],
  [
    'clicks-to-s3: { metadataColumns: { sequenceNumber: shard } }',
    'extensions.clicks-to-s3.metadataColumns.sequenceNumber (line 1): the table has a column "shard" already; choose another name',
  ],
  [
    'clicks-to-s3: { startingPosition: AT_TIMESTAMP, startingTimestamp: "9999-01-01T00:00:00Z" }',
    'extensions.clicks-to-s3.startingTimestamp (line 1): has not come yet; Kinesis reads from a time that has passed',
  ],
  [
    'click-to-s3: { outOfRangeRecords: drop }',
    'extensions.click-to-s3 (line 1): no delivery stream is declared by this name; did you mean "clicks-to-s3"? If not, write "clicks-to-s3: {}" under extensions as well',
  ],
])('%s is a problem, with its path', async (extensions, problem) => {
  expect(await check(extensions)).toEqual([problem])
})

test('an extension of a stream that is not declared is a note, unless it is like a declared name that has none', async () => {
  const note = 'no delivery stream is declared by this name; it acts when CreateDeliveryStream makes one'
  expect(await check('invoices: { outOfRangeRecords: drop }')).toEqual([
    `note: extensions.invoices (line 1): ${note}`,
  ])
  expect(await check('click-to-s3: { outOfRangeRecords: drop }, clicks-to-s3: {}')).toEqual([
    `note: extensions.click-to-s3 (line 1): ${note}`,
  ])
})

test('every metadata column that has the name of a column of the table is told, with its line', async () => {
  expect(await check('clicks-to-s3: {\n metadataColumns: {\n shardId: shard,\n arrival: id } }')).toEqual([
    'extensions.clicks-to-s3.metadataColumns.shardId (line 3): the table has a column "shard" already; choose another name',
    'extensions.clicks-to-s3.metadataColumns.arrival (line 4): the table has a column "id" already; choose another name',
  ])
})

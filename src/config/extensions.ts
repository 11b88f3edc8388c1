/** What AWS does not have, by name of a delivery stream: the section `extensions`. */
import { z } from 'zod'
import { choice, numberBetween, settings, text, time, wholeNumber } from './fields.ts'
import { columnNameRules, startRules } from './rules.ts'
import { isWebUrl } from './web-url.ts'

/** Rules across settings run even when a setting is wrong, so that all problems show at once. */
const anyway = { when: () => true }

const metadataColumn = (what: string) =>
  z
    .string({ error: 'must be the name of a column' })
    .regex(/\S/, { error: 'must be the name of a column', abort: true })
    .regex(/^[^A-Z]+$/, 'names of columns are lower-case, as AWS Glue keeps them; write this one so')
    .exactOptional()
    .meta({ description: `Name of a column that holds ${what}.`, values: 'lower-case text' })

const metadataColumns = settings({
  shardId: metadataColumn('the shard (string)'),
  sequenceNumber: metadataColumn('the sequence number (string)'),
  subSequenceNumber: metadataColumn(
    'the place in a KPL aggregate, from 0; null for a record that came alone (int)',
  ),
  partitionKey: metadataColumn('the partition key (string)'),
  arrival: metadataColumn('the approximate arrival in Kinesis (timestamp)'),
}).check(z.superRefine(columnNameRules, anyway))

const transform = settings({
  url: text()
    .refine(isWebUrl, 'must be a URL that starts with http:// or https://, without user and password')
    .meta({
      description:
        'Records are posted here, as they would go to a Lambda function, and its answer is read like the function’s. An address on loopback, link-local or private must be in `processing.allowedUrls`.',
      values: 'URL',
      example: 'https://transforms.example.com/orders',
    }),
  retries: wholeNumber(0, 300).exactOptional().meta({
    description: 'Calls after the first that did not succeed.',
    fallback: '3',
  }),
  bufferSizeInMBs: numberBetween(0.2, 3).exactOptional().meta({
    description: 'Record bytes in one call, in MiB.',
    fallback: '1',
  }),
  bufferIntervalInSeconds: wholeNumber(0, 900).exactOptional().meta({
    description: 'Longest time between the arrivals of the first and the last record of one call.',
    fallback: '60',
  }),
})

const extension = settings({
  parquetCompression: choice(['ZSTD']).exactOptional().meta({
    description:
      'Compression inside of Parquet files, whatever `ParquetSerDe.Compression` says; for a delivery stream that converts.',
    example: 'ZSTD',
  }),
  timestampUnit: choice(['millis', 'micros']).exactOptional().meta({
    description:
      'What a timestamp counts in Parquet files, and so how much of its fraction is kept; for a delivery stream that converts.',
    fallback: 'millis',
    example: 'micros',
  }),
  transform: transform.exactOptional().meta({
    description:
      'A transform by HTTP in the place of a Lambda processor. The prefix may use `partitionKeyFromLambda`.',
  }),
  startingPosition: choice(['LATEST', 'TRIM_HORIZON', 'AT_TIMESTAMP']).exactOptional().meta({
    description:
      'With Kinesis as the source: where reading begins: `LATEST`, the moment at which the delivery stream was created; `TRIM_HORIZON`, the oldest record there is; or `AT_TIMESTAMP`. It acts when the delivery stream is created.',
    fallback: 'LATEST',
    example: 'TRIM_HORIZON',
  }),
  startingTimestamp: time().exactOptional().meta({
    description: 'With `startingPosition: AT_TIMESTAMP`, and only then: the oldest arrival that is read.',
    example: '2026-11-01T00:00:00Z',
  }),
  outOfRangeRecords: choice(['keep', 'drop']).exactOptional().meta({
    description:
      'With Kinesis as the source: what becomes of a user record of a KPL aggregate whose hash key is outside its shard, as they come around a reshard. Its producer may send it again, so `keep` may land it twice and `drop` may lose it.',
    fallback: 'keep',
    example: 'keep',
  }),
  metadataColumns: metadataColumns.exactOptional().meta({
    description:
      'With Kinesis as the source, for a delivery stream that converts: columns behind those of the table, which tell where a record came from. All rows of a record have the same; what is not known is null. A table that has a column of the same name is refused; where it got one later, its own counts, with a warning. They take about 150 bytes a record more at `convert.stagingPath`.',
  }),
}).check(z.superRefine(startRules, anyway))

const streamName = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{1,64}$/, 'is not the name of a delivery stream: letters, digits, "_", "-" and "."')

/** By name of a delivery stream, declared here or created through the API. */
export const extensions = z.record(streamName, extension, {
  error: 'must be a map: settings by name of a delivery stream',
})

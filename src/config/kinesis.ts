/** Kinesis as a source: the section `kinesis`, and what `extensions` says of a delivery stream that it feeds. */
import { z } from 'zod'
import { KIB } from '../domain/limits.ts'
import { byteSize, choice, endpoint, positiveNumber, settings, text, time, wholeNumber } from './fields.ts'
import { columnNameRules, keyRules, paceRules, startRules, tokenRules } from './rules.ts'

/** Rules across settings run even when a setting is wrong, so that all problems show at once. */
const anyway = { when: () => true }

export const kinesis = settings({
  endpoint: endpoint().exactOptional().meta({
    description:
      'URL of the Kinesis that is read; left out, what the AWS SDK finds (`AWS_ENDPOINT_URL_KINESIS` or `AWS_ENDPOINT_URL` in the environment), or AWS’s own for the region.',
    example: 'http://127.0.0.1:4568',
  }),
  region: text().exactOptional().meta({
    description:
      'Region of the data streams; left out, the one in the ARN of each. Only with `endpoint` may it be another.',
    example: 'eu-central-1',
  }),
  accessKeyId: text().exactOptional().meta({
    description: 'Access key; left out, the AWS SDK’s own chain (environment, profile, instance role).',
    example: '${KINESIS_ACCESS_KEY_ID}',
  }),
  secretAccessKey: text().exactOptional().meta({
    description: 'Secret of the access key. Take it from the environment.',
    example: '${KINESIS_SECRET_ACCESS_KEY}',
  }),
  sessionToken: text().exactOptional().meta({
    description: 'Token of keys that are a session’s own; they end with it, and it is not renewed here.',
    example: '${KINESIS_SESSION_TOKEN}',
  }),
  leaseSeconds: wholeNumber(3, 300).default(10).meta({
    description:
      'How long a process may read a shard without renewing its lease. The shards of a process that died are taken over after this time.',
  }),
  pollSeconds: positiveNumber(60).default(1).meta({
    description: 'Time between two reads of a shard whose reader has caught up.',
  }),
  readsPerSecond: wholeNumber(1, 100).default(4).meta({
    description:
      'Most reads a second of a shard whose reader is behind. AWS allows 5 to all consumers of a shard together; more than 5 needs `endpoint`.',
  }),
  shardBytesPerSecond: byteSize(64 * KIB)
    .prefault('2MiB')
    .meta({
      description:
        'Most bytes a second read of a shard. AWS allows 2MiB to all consumers of a shard together; more needs `endpoint`.',
    }),
  concurrentReads: wholeNumber(1, 64).default(4).meta({
    description:
      'Reads that one process holds in memory at a time, each up to 10 MiB on the wire and about four times that in memory.',
  }),
}).check(z.superRefine(keyRules, anyway), z.superRefine(tokenRules, anyway), z.superRefine(paceRules, anyway))

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

const extension = settings({
  startingPosition: choice(['LATEST', 'TRIM_HORIZON', 'AT_TIMESTAMP']).exactOptional().meta({
    description:
      'Where reading begins: `LATEST`, the moment at which the delivery stream was created; `TRIM_HORIZON`, the oldest record there is; or `AT_TIMESTAMP`. It acts when the delivery stream is created.',
    fallback: 'LATEST',
    example: 'TRIM_HORIZON',
  }),
  startingTimestamp: time().exactOptional().meta({
    description: 'With `startingPosition: AT_TIMESTAMP`, and only then: the oldest arrival that is read.',
    example: '2026-11-01T00:00:00Z',
  }),
  outOfRangeRecords: choice(['keep', 'drop']).exactOptional().meta({
    description:
      'What becomes of a user record of a KPL aggregate whose hash key is outside its shard, as they come around a reshard. Its producer may send it again, so `keep` may land it twice and `drop` may lose it.',
    fallback: 'keep',
    example: 'keep',
  }),
  metadataColumns: metadataColumns.exactOptional().meta({
    description:
      'Columns behind those of the table, which tell where a record came from. All rows of a record have the same; what is not known is null. A table that has a column of the same name is refused; where it got one later, its own counts, with a warning. They take about 150 bytes a record more at `convert.stagingPath`.',
  }),
}).check(z.superRefine(startRules, anyway))

const streamName = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{1,64}$/, 'is not the name of a delivery stream: letters, digits, "_", "-" and "."')

/** By name of a delivery stream, declared here or created through the API. */
export const extensions = z.record(streamName, extension, {
  error: 'must be a map: settings by name of a delivery stream',
})

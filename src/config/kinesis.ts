/** Kinesis as a source: the section `kinesis`. */
import { z } from 'zod'
import { KIB } from '../domain/limits.ts'
import { byteSize, endpoint, positiveNumber, settings, text, wholeNumber } from './fields.ts'
import { keyRules, paceRules, tokenRules } from './rules.ts'

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

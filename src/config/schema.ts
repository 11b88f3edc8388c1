/**
 * Every setting there is: its name, kind, default and meaning. docs/configuration.md and config/hydrant.example.yaml are
 * generated from here.
 *
 * Delivery streams are the input of CreateDeliveryStream in AWS's words and are checked by the same code as the API
 * call; here they are only known to be maps.
 */
import { z } from 'zod'
import type { JsonObject } from '../domain/delivery-stream.ts'
import { KIB, MIB, PARTITIONED_BATCH_BYTES, PARTITIONS_MAX } from '../domain/limits.ts'
import { auth } from './auth.ts'
import {
  byteSize,
  choice,
  endpoint,
  formatBytes,
  positiveNumber,
  settings,
  text,
  wholeNumber,
  yesOrNo,
} from './fields.ts'
import { extensions } from './extensions.ts'
import { kinesis } from './kinesis.ts'
import { kinesisSourceRules } from './kinesis-rules.ts'
import { objectStore } from './object-store.ts'
import { partitionedBatchRules } from './partitioned-batch-rules.ts'
import { processing } from './processing.ts'
import { catalogRules, hostRules, streamRules } from './rules.ts'
import { admin, server } from './server.ts'

/** Rules across settings run even when a setting is wrong, so that all problems show at once. */
const anyway = { when: () => true }

/** What the client would take apart. A password with a slash, say, ends what could be a host. */
function isRedisUrl(url: string): boolean {
  if (!/^rediss?:/.test(url)) return true
  try {
    const { username, password } = new URL(url)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

const aws = settings({
  region: text().default('us-east-1').meta({
    description:
      'Region in ARNs and error records; also the region of S3 unless `objectStore.region` is set.',
  }),
  accountId: z
    .string({ error: 'must be 12 digits in quotes' })
    .regex(/^\d{12}$/, 'must be 12 digits in quotes')
    .default('000000000000')
    .meta({
      description: 'Account id in the ARNs of delivery streams, and the external id when a role is assumed.',
      values: '12 digits, in quotes',
    }),
  creationSeconds: wholeNumber(0, 3600).default(0).meta({
    description:
      'For how long a delivery stream that was made through the API is shown CREATING, and takes no records, as on AWS; 0: it is ACTIVE at once.',
  }),
  assumeRoles: yesOrNo().default(false).meta({
    description:
      'Put objects under the RoleARN of their destination, assumed through STS with the keys of `objectStore`; otherwise with those keys themselves. Folders have no roles.',
  }),
  stsEndpoint: endpoint().exactOptional().meta({
    description:
      'URL of STS; left out, what the AWS SDK finds (`AWS_ENDPOINT_URL_STS` or `AWS_ENDPOINT_URL` in the environment), or AWS’s own for `region`.',
    example: 'http://127.0.0.1:9000',
  }),
  glueEndpoint: endpoint().exactOptional().meta({
    description:
      'URL of Glue, which `catalog.glue` asks; left out, what the AWS SDK finds (`AWS_ENDPOINT_URL_GLUE` or `AWS_ENDPOINT_URL` in the environment), or AWS’s own for the region of the table.',
    example: 'http://127.0.0.1:4566',
  }),
  lambdaEndpoint: endpoint().exactOptional().meta({
    description:
      'URL of Lambda, which calls the functions of processors; left out, what the AWS SDK finds (`AWS_ENDPOINT_URL_LAMBDA` or `AWS_ENDPOINT_URL` in the environment), or AWS’s own for the region of the function.',
    example: 'http://127.0.0.1:3001',
  }),
})

const budget = {
  maxBytes: byteSize(64 * KIB)
    .prefault('4GiB')
    .meta({
      description:
        'Bytes that undelivered records may take in the store, as it keeps them (compressed); beyond it records are throttled, not taken. With a Kinesis source the share of a delivery stream must be 64MiB or more.',
    }),
  perStreamShare: positiveNumber(1).default(0.5).meta({
    description:
      'Largest share of `maxBytes` for one delivery stream, so that one with a dead bucket leaves room for the others.',
  }),
  partitionedBatchBytes: byteSize(MIB).prefault(formatBytes(PARTITIONED_BATCH_BYTES)).meta({
    description:
      'Record bytes that seal a batch of a delivery stream with dynamic partitioning, if its interval does not: SizeInMBs is the size of its objects then. It acts when a delivery stream is created or changed.',
  }),
}

const embeddedBuffer = settings({
  type: z.literal('embedded').prefault('embedded').meta({
    description: 'The embedded store (LMDB): one process, one folder, nothing to install.',
  }),
  path: text()
    .default('./data/buffer')
    .meta({ description: 'Folder of the embedded store; one process at a time.' }),
  ...budget,
})

const redisBuffer = settings({
  type: z.literal('redis').meta({
    description: 'Redis: any number of processes of each role around one server.',
  }),
  url: text()
    .regex(
      /^(rediss?:\/\/|\/)/,
      'must start with redis://, rediss:// or be the absolute path of a Unix socket',
    )
    .refine(isRedisUrl, 'must be a URL; in a password write / as %2F, ? as %3F, # as %23 and % as %25')
    .default('redis://127.0.0.1:6379')
    .meta({
      description:
        'Where Redis is: redis://[user:password@]host:port[/db], rediss:// for TLS, or a socket’s path.',
    }),
  keyPrefix: text()
    .regex(/^[\w.-]+$/, 'must be letters, digits, "_", "-" and "."')
    .default('hydrant')
    .meta({ description: 'First part of every key, so that several installations can share a server.' }),
  ...budget,
  allowVolatile: yesOrNo().default(false).meta({
    description:
      'Start although this Redis keeps no append-only file, and so loses acknowledged records when it restarts.',
  }),
  requireAppendFsync: choice(['always']).exactOptional().meta({
    description:
      'Start only if this Redis syncs each write to its disk before it answers (appendfsync always); left out, any.',
    example: 'always',
  }),
  waitReplicas: wholeNumber(0, 100).exactOptional().meta({
    description: 'Acknowledge records once this many replicas have them (WAIT); left out, none.',
    example: 1,
  }),
})

const convert = settings({
  engine: choice(['duckdb', 'js']).default('duckdb').meta({
    description: 'What writes Parquet: `duckdb` (native, fast), or `js` (portable, flat schemas, slow).',
  }),
  threads: wholeNumber(1, 256)
    .default(2)
    .meta({ description: 'Threads of the conversion, shared by all deliveries of the process.' }),
  memoryLimit: byteSize(32 * MIB)
    .prefault('256MiB')
    .meta({ description: 'Memory of the conversion, shared by all deliveries of the process.' }),
  stagingPath: text().default('./data/staging').meta({
    description:
      'Folder for files between conversion and delivery, one inside it per process; stale ones are removed at start.',
  }),
})

const delivery = settings({
  concurrency: wholeNumber(1, 1024).default(2).meta({
    description:
      'Batches that one process works on at a time; about as many more may be open while their transforms are called.',
  }),
  perStream: wholeNumber(1, 1024).default(2).meta({
    description: 'Batches of one delivery stream that are queued or delivered at a time, in all processes.',
  }),
  retentionHours: positiveNumber(8760).default(24).meta({
    description:
      'Age at which an undelivered batch raises an alarm. Retries never end and nothing is dropped.',
  }),
  attemptMaxMinutes: positiveNumber(1440).default(15).meta({
    description:
      'Longest delivery attempt; then it is given up and retried. Calls to a transform and the time of jq do not count: each has a limit of its own.',
  }),
  maxPartitions: wholeNumber(0, 10_000_000).default(PARTITIONS_MAX).meta({
    description:
      'Partitions of one batch, with dynamic partitioning; the records of further ones go to the error prefix. 0: no limit. AWS has 500 unless more are asked for.',
  }),
})

const lowerCaseName = z
  .string()
  .regex(/^[^A-Z]+$/, 'names in the catalog are lower-case, as AWS Glue keeps them; write this one so')

const column = settings({
  name: lowerCaseName.meta({ description: 'Column name, lower-case.', example: 'order_id' }),
  type: text().meta({
    description: 'Hive type, such as string, bigint or decimal(10,2).',
    example: 'string',
  }),
})

const table = settings({
  columns: z
    .array(column, { error: 'must be a list of columns, each { name, type }' })
    .min(1, 'must name at least one column')
    .check(z.superRefine(catalogRules, anyway))
    .meta({ description: 'Columns in order.' }),
})

const tables = z.record(lowerCaseName, table, { error: 'must be a map of tables' })
const databases = z.record(lowerCaseName, tables, { error: 'must be a map of databases' })

const catalog = settings({
  glue: yesOrNo().default(false).meta({
    description:
      'Ask AWS Glue for tables that `databases` does not have, with the keys of `objectStore` (or the AWS SDK’s own chain), and with `aws.assumeRoles` under the RoleARN of SchemaConfiguration.',
  }),
  databases: databases.prefault({}).meta({
    description: 'Tables that SchemaConfiguration may name: database, table, columns.',
  }),
})

const declaration = z.custom<JsonObject>(isMap, {
  error: 'must be a map: the input of CreateDeliveryStream',
  abort: false,
})

const whole = settings({
  server: server.prefault({}),
  admin: admin.prefault({}),
  aws: aws.prefault({}),
  auth: auth.optional(),
  kinesis: kinesis.prefault({}),
  buffer: z
    .discriminatedUnion('type', [embeddedBuffer, redisBuffer], { error: 'must be embedded or redis' })
    .prefault({}),
  objectStore: objectStore.prefault({}),
  convert: convert.prefault({}),
  delivery: delivery.prefault({}),
  processing: processing.prefault({}),
  limits: choice(['aws', 'relaxed']).default('aws').meta({
    description:
      'Limits of BufferingHints: `aws`, or `relaxed` (SizeInMBs 1-1024, IntervalInSeconds 0-86400, also with conversion).',
  }),
  catalog: catalog.prefault({}),
  extensions: extensions.prefault({}).meta({
    description:
      'By name of a delivery stream, declared below or created through the API: what AWS does not have.',
  }),
  deliveryStreams: z
    .array(declaration, { error: 'must be a list; each entry is the input of CreateDeliveryStream' })
    .check(z.superRefine(streamRules, anyway))
    .prefault([])
    .meta({
      description:
        'Delivery streams, each the input of CreateDeliveryStream word for word; RoleARN may be left out.',
    }),
})

export const configSchema = whole.check(
  z.superRefine(hostRules, anyway),
  z.superRefine(kinesisSourceRules, anyway),
  z.superRefine(partitionedBatchRules, anyway),
)

type Frozen<T> = T extends JsonObject
  ? T
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

/** The settings of one process, complete and frozen. Sizes are bytes. `auth` is there only if it was written. */
export type Config = Frozen<z.output<typeof configSchema>>

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

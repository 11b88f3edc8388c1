/** Settings of Kinesis as a source, and the extensions of delivery streams. */
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/schema.ts'

type Variables = Record<string, string>

function load(text: string, variables: Variables = {}): Config {
  const loaded = parseConfig(text, variables)
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

function problems(text: string): string[] {
  const loaded = parseConfig(text, {})
  return loaded.kind === 'refused' ? loaded.problems.map(formatProblem) : []
}

test('a store that speaks the API of Kinesis may be read faster than AWS allows, AWS may not', () => {
  const fast = 'readsPerSecond: 100, shardBytesPerSecond: 64MiB'
  expect(load(`kinesis: { endpoint: "http://127.0.0.1:4568", ${fast} }`).kinesis).toMatchObject({
    endpoint: 'http://127.0.0.1:4568',
    readsPerSecond: 100,
    shardBytesPerSecond: 64 * 2 ** 20,
  })
  expect(problems(`kinesis: { ${fast} }`)).toEqual([
    'kinesis.readsPerSecond (line 1): AWS allows 5 reads a second to all consumers of a shard together; more needs "endpoint"',
    'kinesis.shardBytesPerSecond (line 1): AWS allows 2MiB a second to all consumers of a shard together; more needs "endpoint"',
  ])
})

test.each([
  ['leaseSeconds: 2', 'kinesis.leaseSeconds (line 1): must be a whole number from 3 to 300'],
  ['pollSeconds: 0', 'kinesis.pollSeconds (line 1): must be a number above 0, up to 60'],
  ['concurrentReads: 65', 'kinesis.concurrentReads (line 1): must be a whole number from 1 to 64'],
  ['endpoint: localhost', 'kinesis.endpoint (line 1): must be a URL that starts with http:// or https://'],
  [
    'secretAccessKey: x',
    'kinesis.accessKeyId (line 1): is required beside secretAccessKey; leave out both to use the AWS SDK’s own chain',
  ],
  [
    'sessionToken: x',
    'kinesis.accessKeyId (line 1): is required beside sessionToken; the AWS SDK’s own chain brings its own token',
  ],
])('kinesis: { %s } is refused with one sentence', (setting, sentence) => {
  expect(problems(`kinesis: { ${setting} }`)).toEqual([sentence])
})

test('settings of Kinesis may come from variables', () => {
  const config = load(
    'kinesis: { endpoint: "${AWS_ENDPOINT_URL_KINESIS:-http://127.0.0.1:4568}", leaseSeconds: "${LEASE}", secretAccessKey: "${S}", accessKeyId: a, sessionToken: "${T}" }',
    { LEASE: '30', S: 'secret', T: 'token' },
  )
  expect(config.kinesis).toMatchObject({
    endpoint: 'http://127.0.0.1:4568',
    leaseSeconds: 30,
    accessKeyId: 'a',
    secretAccessKey: 'secret',
    sessionToken: 'token',
  })
})

test('an extension holds what was written and nothing else', () => {
  const { extensions } = load(`extensions:
  orders: { startingPosition: AT_TIMESTAMP, startingTimestamp: 2026-11-01T00:00:00+01:00, outOfRangeRecords: drop }
  clicks: { metadataColumns: { arrival: "kinesis arrival" } }
  plain: {}`)
  expect(extensions).toEqual({
    orders: {
      startingPosition: 'AT_TIMESTAMP',
      startingTimestamp: '2026-11-01T00:00:00+01:00',
      outOfRangeRecords: 'drop',
    },
    clicks: { metadataColumns: { arrival: 'kinesis arrival' } },
    plain: {},
  })
})

test.each([
  [
    'orders: { startingPosition: AT_TIMESTAMP }',
    'extensions.orders.startingTimestamp (line 1): is required beside "startingPosition: AT_TIMESTAMP"',
  ],
  [
    'orders: { startingTimestamp: "2026-11-01T00:00:00Z" }',
    'extensions.orders.startingTimestamp (line 1): is for "startingPosition: AT_TIMESTAMP" only',
  ],
  [
    'orders: { startingPosition: LATST }',
    'extensions.orders.startingPosition (line 1): must be LATEST or TRIM_HORIZON or AT_TIMESTAMP; did you mean "LATEST"?',
  ],
  ['orders: { outOfRangeRecords: no }', 'extensions.orders.outOfRangeRecords (line 1): must be keep or drop'],
  [
    'orders: { metadataColumns: { shardId: shardId } }',
    'extensions.orders.metadataColumns.shardId (line 1): names of columns are lower-case, as AWS Glue keeps them; write this one so',
  ],
  [
    'orders: { metadataColumns: { shardId: a, arrival: a } }',
    'extensions.orders.metadataColumns.arrival (line 1): column "a" is there twice',
  ],
  [
    'orders: { metadataColumns: { shardId: " " } }',
    'extensions.orders.metadataColumns.shardId (line 1): must be the name of a column',
  ],
  [
    'orders: { startingPosition: AT_TIMESTAMP, startingTimestamp: "1970-01-01T00:00:00+01:00" }',
    'extensions.orders.startingTimestamp (line 1): must not be before 1970',
  ],
  [
    'orders: { metadataColumns: { shard: a } }',
    'extensions.orders.metadataColumns.shard (line 1): unknown setting; did you mean "shardId"?',
  ],
  [
    '"or ders": {}',
    'extensions."or ders" (line 1): is not the name of a delivery stream: letters, digits, "_", "-" and "."',
  ],
])('extensions: { %s } is refused with one sentence', (extension, sentence) => {
  expect(problems(`extensions: { ${extension} }`)).toEqual([sentence])
})

const declared = (region: string): string =>
  `deliveryStreams:
  - DeliveryStreamName: orders-to-s3
    DeliveryStreamType: KinesisStreamAsSource
    KinesisStreamSourceConfiguration: { KinesisStreamARN: "arn:aws:kinesis:${region}:000000000000:stream/orders" }`

test('a buffer that may have no room for one read of a shard is refused where a delivery stream reads one', () => {
  const small = 'buffer: { maxBytes: 127MiB }'
  expect(problems(`${small}\n${declared('eu-west-1')}`)).toEqual([
    'buffer.maxBytes (line 1): leaves a delivery stream less than 64MiB (maxBytes × perStreamShare), and a read of a Kinesis shard may need as much; raise either',
  ])
  expect(problems(small)).toEqual([])
  expect(problems(`buffer: { maxBytes: 128MiB }\n${declared('eu-west-1')}`)).toEqual([])
  expect(problems(`buffer: { maxBytes: 64MiB, perStreamShare: 1 }\n${declared('eu-west-1')}`)).toEqual([])
  // What is wrong already is not told twice.
  expect(problems(`buffer: { maxBytes: many }\n${declared('eu-west-1')}`)).toHaveLength(1)
})

test('a data stream of AWS is read in the region of its ARN, one behind an endpoint in any', () => {
  const region = 'kinesis: { region: eu-central-1 }'
  expect(problems(`${region}\n${declared('eu-west-1')}`)).toEqual([
    'kinesis.region (line 1): is not the region of arn:aws:kinesis:eu-west-1:000000000000:stream/orders; leave it out, unless "endpoint" names a Kinesis that has all of them',
  ])
  expect(problems(`${region}\n${declared('eu-central-1')}`)).toEqual([])
  expect(
    problems(
      `kinesis: { region: eu-central-1, endpoint: "http://127.0.0.1:4568" }\n${declared('eu-west-1')}`,
    ),
  ).toEqual([])
})

test.each(['deliveryStreams: [ 5 ]', 'deliveryStreams: [ { DeliveryStreamType: KinesisStreamAsSource } ]'])(
  '%s adds no problem of regions or buffers',
  (text) => {
    expect(problems(`kinesis: { region: eu-central-1 }\n${text}`).join('\n')).not.toMatch(/region|buffer/)
  },
)

test.each([
  ['2026-11-01T00:00:00Z', true],
  ['2026-11-01T00:00Z', true],
  ['2026-11-01T00:00:00.123-03:30', true],
  ['2026-11-01T00:00:00', false],
  ['2026-11-01', false],
  ['2026-02-29T00:00:00Z', false],
  ['2026-13-01T00:00:00Z', false],
  ['2026-11-01T25:00:00Z', false],
  ['2026-11-01T00:00:00.1234Z', false],
  ['1793491200', false],
  ['yesterday', false],
])('a starting time of %s: %s', (time, isTime) => {
  const found = problems(
    `extensions: { orders: { startingPosition: AT_TIMESTAMP, startingTimestamp: "${time}" } }`,
  )
  expect(found).toEqual(
    isTime
      ? []
      : [
          'extensions.orders.startingTimestamp (line 1): must be a time with its zone, such as 2026-11-01T00:00:00Z, in quotes or not',
        ],
  )
})

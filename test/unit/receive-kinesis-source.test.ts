/** Delivery streams that a Kinesis data stream feeds: their definition, and what extensions make of it. */
import { expect, test } from 'vitest'
import { definitionFrom } from '../../src/receive/definition.ts'
import { tableProblem } from '../../src/receive/outside-checks.ts'
import type { StreamExtension } from '../../src/receive/extensions.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import { createInputShape, type CreateInput } from '../../src/receive/http/create-input.ts'
import { CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { refusalOf } from '../support/refusal.ts'

const STREAM_ARN = 'arn:aws:kinesis:eu-west-1:000000000000:stream/clicks'
const NOW_MS = Date.UTC(2026, 10, 2, 9, 15, 0, 250)

const source = { KinesisStreamARN: STREAM_ARN, RoleARN: ROLE_ARN }
const fed = (destination: object = {}, members: object = {}) => ({
  ...createInput('clicks-to-s3', destination),
  DeliveryStreamType: 'KinesisStreamAsSource',
  KinesisStreamSourceConfiguration: source,
  ...members,
})
const converting = { DataFormatConversionConfiguration: CONVERSION }

function define(input: unknown, extension: StreamExtension = {}, roleOptional = false) {
  const options = { limits: 'aws' as const, roleOptional }
  return definitionFrom(validated(createInputShape(options), input) as unknown as CreateInput, {
    ...options,
    region: 'us-east-1',
    accountId: '000000000000',
    incarnation: '0123456789abcdef',
    nowMs: NOW_MS,
    extensions: { 'clicks-to-s3': extension, other: { startingPosition: 'TRIM_HORIZON' } },
  })
}

function problem(input: unknown, extension: StreamExtension = {}): string {
  return refusalOf(() => define(input, extension))
}

test('a stream fed by Kinesis reads from the moment of its creation and keeps every record', () => {
  const stream = define(fed())
  expect(stream.type).toBe('KinesisStreamAsSource')
  expect(stream.kinesis).toEqual({
    streamArn: STREAM_ARN,
    start: `AT_TIMESTAMP:${NOW_MS}`,
    outOfRangeRecords: 'keep',
  })
  expect(stream.source).toEqual({
    KinesisStreamSourceDescription: { ...source, DeliveryStartTimestamp: NOW_MS / 1000 },
  })
})

test('a configuration file may leave the role of the source out; Describe names one all the same', () => {
  const input = fed({}, { KinesisStreamSourceConfiguration: { KinesisStreamARN: STREAM_ARN } })
  expect(define(input, {}, true).source).toEqual({
    KinesisStreamSourceDescription: {
      KinesisStreamARN: STREAM_ARN,
      RoleARN: 'arn:aws:iam::000000000000:role/hydrant',
      DeliveryStartTimestamp: NOW_MS / 1000,
    },
  })
  expect(problem(input)).toBe(
    "ValidationException: 1 validation error detected: Value at 'kinesisStreamSourceConfiguration.roleARN' failed to satisfy constraint: Member must not be null",
  )
})

test.each<[StreamExtension, string]>([
  [{ startingPosition: 'LATEST' }, `AT_TIMESTAMP:${NOW_MS}`],
  [{ startingPosition: 'TRIM_HORIZON' }, 'TRIM_HORIZON'],
  [
    { startingPosition: 'AT_TIMESTAMP', startingTimestamp: '2026-11-01T01:00:00.5+01:00' },
    `AT_TIMESTAMP:${Date.UTC(2026, 10, 1, 0, 0, 0, 500)}`,
  ],
])('%j begins at %s, and says nothing else of the stream', (extension, start) => {
  const stream = define(fed(), extension)
  expect(stream.kinesis).toEqual({ streamArn: STREAM_ARN, start, outOfRangeRecords: 'keep' })
  expect({ ...stream, kinesis: undefined }).toEqual({ ...define(fed()), kinesis: undefined })
})

test('records out of range may be dropped', () => {
  expect(define(fed(), { outOfRangeRecords: 'drop' }).kinesis?.outOfRangeRecords).toBe('drop')
})

test('metadata columns are in one order, whatever that of the file, and are no part of what Describe answers', () => {
  const stream = define(fed(converting), {
    metadataColumns: { arrival: 'e', partitionKey: 'd', sequenceNumber: 'b', shardId: 'a' },
  })
  expect(stream.destination.conversion?.metadataColumns).toEqual([
    { field: 'shardId', name: 'a' },
    { field: 'sequenceNumber', name: 'b' },
    { field: 'partitionKey', name: 'd' },
    { field: 'arrival', name: 'e' },
  ])
  expect(stream.description).toEqual(define(fed(converting)).description)
})

test('a stream without metadata columns is stored as it always was', () => {
  const plain = define(fed(converting))
  expect(plain.destination.conversion).not.toHaveProperty('metadataColumns')
  expect(define(fed(converting), { metadataColumns: {} })).toEqual(plain)
})

test('extensions of other names, and names of object members, touch nothing', () => {
  const input = { ...fed(), DeliveryStreamName: 'constructor' }
  expect(define(input).kinesis?.start).toBe(`AT_TIMESTAMP:${NOW_MS}`)
})

test('a metadata column may not take the name of a column of the table', async () => {
  const stream = define(fed(converting), { metadataColumns: { shardId: 'shard', arrival: 'time' } })
  const columns = [
    { name: 'order_id', type: 'string' },
    { name: 'time', type: 'timestamp' },
  ]
  expect(await tableProblem(stream, { resolveColumns: () => Promise.resolve(columns) })).toBe(
    'extensions.clicks-to-s3.metadataColumns.arrival: the table has a column "time" already; choose another name',
  )
  const others = columns.slice(0, 1)
  expect(await tableProblem(stream, { resolveColumns: () => Promise.resolve(others) })).toBeUndefined()
})

test.each<[object, StreamExtension, string]>([
  [
    createInput('clicks-to-s3'),
    { startingPosition: 'LATEST' },
    'extensions.clicks-to-s3.startingPosition: needs DeliveryStreamType KinesisStreamAsSource',
  ],
  [
    createInput('clicks-to-s3'),
    { outOfRangeRecords: 'keep' },
    'extensions.clicks-to-s3.outOfRangeRecords: needs DeliveryStreamType KinesisStreamAsSource',
  ],
  [
    createInput('clicks-to-s3', converting),
    { metadataColumns: { shardId: 'shard' } },
    'extensions.clicks-to-s3.metadataColumns: needs DeliveryStreamType KinesisStreamAsSource',
  ],
  [
    fed(),
    { metadataColumns: { shardId: 'shard' } },
    'extensions.clicks-to-s3.metadataColumns: needs DataFormatConversionConfiguration, because records that are not converted have no columns',
  ],
  [
    fed(),
    { startingPosition: 'AT_TIMESTAMP', startingTimestamp: '2026-11-02T09:15:00.251Z' },
    'extensions.clicks-to-s3.startingTimestamp: has not come yet; Kinesis reads from a time that has passed',
  ],
])('what a stream cannot have of its extension is refused (%#)', (input, extension, message) => {
  expect(problem(input, extension)).toBe(`InvalidArgumentException: ${message}`)
})

test.each<[object, string]>([
  [
    { KinesisStreamSourceConfiguration: undefined },
    'KinesisSourceStreamConfig is mandatory for KinesisStreamAsSource stream type.',
  ],
  [
    { DeliveryStreamType: 'DirectPut' },
    'KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type',
  ],
  [
    { DeliveryStreamType: undefined },
    'KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type',
  ],
  [
    { DirectPutSourceConfiguration: { ThroughputHintInMBs: 1 } },
    'DirectPutSourceConfiguration is only applicable for DirectPut stream type',
  ],
  [
    {
      MSKSourceConfiguration: {
        MSKClusterARN: 'arn:aws:kafka:us-east-1:000000000000:cluster/clicks/1',
        TopicName: 'clicks',
        AuthenticationConfiguration: { RoleARN: source.RoleARN, Connectivity: 'PRIVATE' },
      },
    },
    'MSKSourceConfiguration is only applicable for MSKAsSource stream type',
  ],
  [
    { DeliveryStreamType: 'MSKAsSource', KinesisStreamSourceConfiguration: undefined },
    'DeliveryStreamType MSKAsSource is not supported by this version of Hydrant. Supported: DirectPut, KinesisStreamAsSource',
  ],
  [
    { DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' } },
    'DeliveryStreamEncryptionConfigurationInput is only applicable for DirectPut stream type',
  ],
])('a source that does not fit the type is refused (%#)', (members, message) => {
  expect(problem(fed({}, members))).toBe(`InvalidArgumentException: ${message}`)
})

test('an ARN of something else is refused in the words of the service', () => {
  const input = fed({}, { KinesisStreamSourceConfiguration: { ...source, KinesisStreamARN: 'clicks' } })
  expect(problem(input)).toBe(
    "ValidationException: 1 validation error detected: Value 'clicks' at 'kinesisStreamSourceConfiguration.kinesisStreamARN' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:.*:kinesis:[a-zA-Z0-9\\-]+:\\d{12}:stream/[a-zA-Z0-9_.-]+",
  )
})

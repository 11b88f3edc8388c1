/** UpdateDestination: what is merged, what is replaced, what can never change, and when it makes no new version. */
import { expect, test } from 'vitest'
import type { DeliveryStream, JsonObject } from '../../src/domain/delivery-stream.ts'
import { MIB } from '../../src/domain/limits.ts'
import { definitionFrom } from '../../src/receive/definition.ts'
import { destinationInput } from '../../src/receive/described-destination.ts'
import { updatedStream, type DestinationUpdate } from '../../src/receive/destination-update.ts'
import type { Extensions } from '../../src/receive/extensions.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import { createInputShape, type CreateInput } from '../../src/receive/http/create-input.ts'
import { CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { refusalOf } from '../support/refusal.ts'

const context = {
  limits: 'aws' as const,
  roleOptional: false,
  region: 'us-east-1',
  accountId: '000000000000',
  nowMs: 2_000,
}
const BACKUP = { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::attic' }
const KMS = { KMSEncryptionConfig: { AWSKMSKeyARN: 'arn:aws:kms:us-east-1:000000000000:key/orders' } }

function created(destination: object, input: object = {}, extensions?: Extensions): DeliveryStream {
  const whole = { ...createInput('orders', destination), ...input }
  const shape = createInputShape({ ...context, roleOptional: true })
  return definitionFrom(validated(shape, whole) as unknown as CreateInput, {
    ...context,
    incarnation: '0123456789abcdef',
    nowMs: 1_000,
    extensions,
  })
}

function updated(destination: object, update: DestinationUpdate): DeliveryStream {
  return updatedStream(created(destination), update, context)
}

function problem(destination: object, update: DestinationUpdate): string {
  return refusalOf(() => updated(destination, update))
}

test('members that are given take the place of those that are stored, the others stay', () => {
  const before = created({ Prefix: 'a/', CompressionFormat: 'GZIP', EncryptionConfiguration: KMS })
  const after = updatedStream(before, { Prefix: 'b/', FileExtension: '.json' }, context)
  expect(after).toEqual({
    ...before,
    version: 2,
    updatedAtMs: 2_000,
    destination: { ...before.destination, prefix: 'b/', fileExtension: '.json' },
    description: { ...before.description, Prefix: 'b/', FileExtension: '.json' },
  })
})

test('an empty text takes a member away', () => {
  const logging = { LogGroupName: 'g', LogStreamName: 's' }
  const { destination, description } = updated(
    { Prefix: 'a/', FileExtension: '.json', CustomTimeZone: 'Asia/Tokyo', CloudWatchLoggingOptions: logging },
    {
      Prefix: '',
      FileExtension: '',
      CustomTimeZone: '',
      CloudWatchLoggingOptions: { LogGroupName: '', LogStreamName: '' },
    },
  )
  expect(destination).toEqual(created({}).destination)
  expect(description).toEqual(created({}).description)
})

test('one buffering hint keeps the other, and one logging option the others', () => {
  const { hints, description } = updated(
    {
      BufferingHints: { SizeInMBs: 7, IntervalInSeconds: 60 },
      CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'g', LogStreamName: 's' },
    },
    { BufferingHints: { IntervalInSeconds: 61 }, CloudWatchLoggingOptions: { Enabled: false } },
  )
  expect(hints).toEqual({ bytes: 7 * MIB, intervalMs: 61_000 })
  expect(description).toMatchObject({
    BufferingHints: { SizeInMBs: 7, IntervalInSeconds: 61 },
    CloudWatchLoggingOptions: { Enabled: false, LogGroupName: 'g', LogStreamName: 's' },
  })
})

test('a conversion merges member by member, down into its schema; a serializer takes the place of another', () => {
  const { destination, description } = updated(
    { DataFormatConversionConfiguration: CONVERSION },
    {
      DataFormatConversionConfiguration: {
        SchemaConfiguration: { TableName: 'orders2' },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'GZIP' } } },
      },
    },
  )
  expect(description['DataFormatConversionConfiguration']).toEqual({
    SchemaConfiguration: {
      ...CONVERSION.SchemaConfiguration,
      TableName: 'orders2',
      Region: 'us-east-1',
      VersionId: 'LATEST',
    },
    InputFormatConfiguration: CONVERSION.InputFormatConfiguration,
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'GZIP' } } },
    Enabled: true,
  })
  expect(destination.conversion).toMatchObject({
    table: { databaseName: 'sales', tableName: 'orders2' },
    parquetCompression: 'GZIP',
  })
})

test('a conversion is switched off and on again without saying what it is', () => {
  const before = created({ DataFormatConversionConfiguration: CONVERSION })
  const off = updatedStream(before, { DataFormatConversionConfiguration: { Enabled: false } }, context)
  expect(off.destination.conversion).toBeUndefined()
  expect(off.hints).toEqual(before.hints)
  const on = updatedStream(off, { DataFormatConversionConfiguration: { Enabled: true } }, context)
  expect(on).toEqual({ ...before, version: 3, updatedAtMs: 2_000 })
})

test('processing is replaced whole', () => {
  const { description } = updated(
    { ProcessingConfiguration: { Enabled: false, Processors: [{ Type: 'Decompression' }] } },
    { ProcessingConfiguration: { Enabled: false } },
  )
  expect(description['ProcessingConfiguration']).toEqual({ Enabled: false, Processors: [] })
})

test('a backup is enabled, then its members merge', () => {
  const before = created({})
  const enabled = updatedStream(
    before,
    { S3BackupMode: 'Enabled', S3BackupUpdate: { ...BACKUP, Prefix: 'a/' } },
    context,
  )
  expect(enabled.destination.backup).toMatchObject({ bucket: 'attic', prefix: 'a/', roleArn: ROLE_ARN })
  const moved = updatedStream(enabled, { S3BackupUpdate: { Prefix: 'b/' } }, context)
  expect(moved.destination.backup).toEqual({ ...enabled.destination.backup, prefix: 'b/' })
  expect(moved.version).toBe(3)
})

test.each([
  [{}, {}],
  [{}, { CompressionFormat: 'UNCOMPRESSED', S3BackupMode: 'Disabled', CustomTimeZone: '' }],
  [{ Prefix: 'a/' }, { Prefix: 'a/', BufferingHints: { SizeInMBs: 5 } }],
  [
    { DataFormatConversionConfiguration: CONVERSION },
    { DataFormatConversionConfiguration: { Enabled: true }, BufferingHints: { SizeInMBs: 128 } },
  ],
  [
    { S3BackupMode: 'Enabled', S3BackupConfiguration: BACKUP },
    { S3BackupUpdate: { CompressionFormat: 'UNCOMPRESSED' } },
  ],
] satisfies [object, DestinationUpdate][])(
  'an update that changes nothing makes no version (%#)',
  (destination, update) => {
    const before = created(destination)
    expect(updatedStream(before, update, context)).toBe(before)
  },
)

test.each([
  [
    { S3BackupMode: 'Enabled', S3BackupConfiguration: BACKUP },
    { S3BackupMode: 'Disabled' },
    'Disabling S3 backup is not currently supported.',
  ],
  [
    {},
    { S3BackupMode: 'Enabled' },
    'S3 backup destination configuration is required when enabling S3 backup.',
  ],
  [
    {},
    { S3BackupMode: 'Enabled', S3BackupUpdate: { RoleARN: ROLE_ARN } },
    'S3BackupUpdate.BucketARN must not be null, because there is no S3 backup destination to update',
  ],
  [
    {},
    { DynamicPartitioningConfiguration: { Enabled: true } },
    'Dynamic Partitioning can only be enabled or disabled when a delivery stream is created.',
  ],
  [
    {},
    { DataFormatConversionConfiguration: CONVERSION },
    'BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.',
  ],
  [
    { CompressionFormat: 'GZIP' },
    { DataFormatConversionConfiguration: CONVERSION, BufferingHints: { SizeInMBs: 64 } },
    "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable compression within the converted output format, set the appropriate serialization option in the output format configuration.",
  ],
  [
    { Prefix: 'a/!{timestamp:yyyy}/', ErrorOutputPrefix: 'e/!{firehose:error-output-type}/' },
    { ErrorOutputPrefix: '' },
    'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions',
  ],
  [
    {},
    { CloudWatchLoggingOptions: { Enabled: true } },
    'CloudWatch Log Group Name is required if CloudWatch Logging is enabled',
  ],
] satisfies [object, DestinationUpdate, string][])(
  'an update that leaves what no stream may be is refused (%#)',
  (destination, update, message) => {
    expect(problem(destination, update)).toBe(`InvalidArgumentException: ${message}`)
  },
)

test('roles that nobody gave stay ungiven, those that were given stay given', () => {
  const before = created({ RoleARN: undefined, S3BackupMode: 'Enabled', S3BackupConfiguration: BACKUP })
  expect(before.destination.roleArn).toBeUndefined()
  const after = updatedStream(before, { Prefix: 'a/' }, context)
  expect(after.destination.roleArn).toBeUndefined()
  expect(after.destination.backup?.roleArn).toBe(ROLE_ARN)
  expect(after.description['RoleARN']).toBe(before.description['RoleARN'])
  const given = updatedStream(after, { RoleARN: ROLE_ARN }, context)
  expect(given.destination.roleArn).toBe(ROLE_ARN)
  // Even a role of the name that stands in for none.
  const likeNone = 'arn:aws:iam::000000000000:role/hydrant'
  expect(before.description['RoleARN']).toBe(likeNone)
  const named = updatedStream(given, { RoleARN: likeNone }, context)
  expect(named.destination.roleArn).toBe(likeNone)
  expect(updatedStream(named, { Prefix: 'b/' }, context).destination.roleArn).toBe(likeNone)
})

const source = {
  DeliveryStreamType: 'KinesisStreamAsSource',
  KinesisStreamSourceConfiguration: {
    KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks',
    RoleARN: ROLE_ARN,
  },
}
const shardId = { orders: { metadataColumns: { shardId: 'shard' } } }

test('a source stays, and files keep the columns that they have until the conversion ends', () => {
  const before = created({ DataFormatConversionConfiguration: CONVERSION }, source, shardId)
  const moved = updatedStream(before, { Prefix: 'a/' }, context)
  expect(moved.destination.conversion?.metadataColumns).toEqual([{ field: 'shardId', name: 'shard' }])
  expect(moved.kinesis).toBe(before.kinesis)
  const plain = created({ DataFormatConversionConfiguration: CONVERSION }, source)
  const withExtension = { ...context, extensions: shardId }
  expect(updatedStream(plain, { Prefix: 'a/' }, withExtension).destination.conversion).toEqual(
    plain.destination.conversion,
  )
  const off = updatedStream(before, { DataFormatConversionConfiguration: { Enabled: false } }, context)
  const on = updatedStream(off, { DataFormatConversionConfiguration: { Enabled: true } }, withExtension)
  expect(on.destination.conversion).toEqual(before.destination.conversion)
})

test.each([
  [{}],
  [{ Prefix: 'a/', CompressionFormat: 'ZIP', EncryptionConfiguration: KMS }],
  [{ DataFormatConversionConfiguration: CONVERSION }],
  [{ DataFormatConversionConfiguration: { ...CONVERSION, Enabled: false } }],
  [{ S3BackupMode: 'Enabled', S3BackupConfiguration: BACKUP, CustomTimeZone: 'Asia/Tokyo' }],
  [{ S3BackupConfiguration: { ...BACKUP, EncryptionConfiguration: KMS } }],
  [
    {
      ProcessingConfiguration: {
        Processors: [
          { Type: 'Lambda', Parameters: [{ ParameterName: 'LambdaArn', ParameterValue: 'arn' }] },
          { Type: 'CloudWatchLogProcessing' },
        ],
      },
    },
  ],
])('a stream made from what Describe answers of another is described like it (%#)', (destination) => {
  const described: JsonObject = created(destination).description
  expect(created(destinationInput(described)).description).toEqual(described)
})

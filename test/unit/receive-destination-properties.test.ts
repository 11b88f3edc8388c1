/** What holds of every destination that is created, described and updated. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { definitionFrom } from '../../src/receive/definition.ts'
import { destinationInput } from '../../src/receive/described-destination.ts'
import { updatedStream, type DestinationUpdate } from '../../src/receive/destination-update.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import {
  createInputShape,
  type ConversionInput,
  type CreateInput,
  type ExtendedS3Input,
} from '../../src/receive/http/create-input.ts'
import { BUCKET_ARN, createInput, ROLE_ARN } from '../support/api-inputs.ts'

const context = {
  limits: 'aws' as const,
  roleOptional: false,
  region: 'us-east-1',
  accountId: '000000000000',
  nowMs: 1_000,
}

/** Each member may be left out. */
function members(model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(model, { requiredKeys: [] })
}

const kms = fc.constant({ KMSEncryptionConfig: { AWSKMSKeyARN: 'arn:aws:kms:us-east-1:000000000000:key/k' } })
const place = {
  Prefix: fc.constantFrom('', 'a/', '!{timestamp:yyyy}/'),
  BufferingHints: members({
    SizeInMBs: fc.integer({ min: 64, max: 128 }),
    IntervalInSeconds: fc.integer({ min: 60, max: 900 }),
  }),
  EncryptionConfiguration: fc.oneof(
    kms,
    fc.constant({ NoEncryptionConfig: 'NoEncryption' }),
    fc.constant({}),
  ),
  CloudWatchLoggingOptions: members({
    Enabled: fc.constant(false),
    LogGroupName: fc.constantFrom('', 'g'),
    LogStreamName: fc.constantFrom('', 's'),
  }),
}
/** What every place here has: a prefix with an expression asks for one for errors. */
const named = {
  RoleARN: ROLE_ARN,
  BucketARN: BUCKET_ARN,
  ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
}

const conversion = fc.record(
  {
    SchemaConfiguration: fc.record(
      {
        RoleARN: fc.constant(ROLE_ARN),
        DatabaseName: fc.constant('sales'),
        TableName: fc.constant('orders'),
        Region: fc.constant('eu-west-1'),
        CatalogId: fc.constant('1'),
        VersionId: fc.constantFrom('LATEST', '3'),
      },
      { requiredKeys: ['RoleARN', 'DatabaseName', 'TableName'] },
    ),
    InputFormatConfiguration: fc.constantFrom(
      { Deserializer: { OpenXJsonSerDe: { CaseInsensitive: false } } },
      {
        Deserializer: {
          OpenXJsonSerDe: {
            ConvertDotsInJsonKeysToUnderscores: true,
            ColumnToJsonKeyMappings: { Ts: 'timestamp' },
          },
        },
      },
      { Deserializer: { HiveJsonSerDe: { TimestampFormats: ['millis'] } } },
      { Deserializer: { HiveJsonSerDe: {} } },
    ),
    OutputFormatConfiguration: fc.constantFrom<NonNullable<ConversionInput['OutputFormatConfiguration']>[]>(
      { Serializer: { ParquetSerDe: { Compression: 'GZIP' } } },
      { Serializer: { ParquetSerDe: { WriterVersion: 'V2' } } },
    ),
    Enabled: fc.boolean(),
  },
  { requiredKeys: ['SchemaConfiguration', 'InputFormatConfiguration', 'OutputFormatConfiguration'] },
)

const processors = fc.array(
  fc.constantFrom(
    { Type: 'Lambda', Parameters: [{ ParameterName: 'BufferSizeInMBs', ParameterValue: '2' }] },
    { Type: 'Lambda', Parameters: [] },
    { Type: 'AppendDelimiterToRecord', Parameters: [{ ParameterName: 'Delimiter', ParameterValue: '\\n' }] },
    { Type: 'Decompression' },
    {
      Type: 'CloudWatchLogProcessing',
      Parameters: [{ ParameterName: 'DataMessageExtraction', ParameterValue: 'TRUE' }],
    },
  ),
  { maxLength: 3 },
)

const parameter = (ParameterName: string, ParameterValue: string) => ({ ParameterName, ParameterValue })
const lambda = fc.constantFrom(
  [],
  [parameter('RoleArn', ROLE_ARN)],
  [parameter('BufferIntervalInSeconds', '0'), parameter('BufferSizeInMBs', '0.2')],
)
/** In force. */
const enabled = fc
  .record({
    parameters: lambda,
    others: fc.shuffledSubarray([
      { Type: 'AppendDelimiterToRecord', Parameters: [parameter('Delimiter', '\\n')] },
      { Type: 'Decompression', Parameters: [] },
    ]),
    first: fc.boolean(),
  })
  .map(({ parameters, others, first }) => {
    const arn = parameter('LambdaArn', 'arn:aws:lambda:us-east-1:000000000000:function:shape')
    const calls = { Type: 'Lambda', Parameters: [...parameters, arn] }
    return { Enabled: true, Processors: first ? [calls, ...others] : [...others, calls] }
  })

const destinations: fc.Arbitrary<ExtendedS3Input> = members({
  ...place,
  CompressionFormat: fc.constant('UNCOMPRESSED'),
  ProcessingConfiguration: fc.oneof(
    members({ Enabled: fc.constant(false), Processors: processors }),
    enabled,
  ),
  S3BackupMode: fc.constant('Disabled'),
  S3BackupConfiguration: members({ ...place, CompressionFormat: fc.constantFrom('GZIP', 'ZIP') }).map(
    (backup) => ({
      ...named,
      ...backup,
    }),
  ),
  DataFormatConversionConfiguration: conversion,
  DynamicPartitioningConfiguration: members({ Enabled: fc.constant(false) }),
  FileExtension: fc.constantFrom('', '.json'),
  CustomTimeZone: fc.constantFrom('', 'UTC', 'Europe/Madrid'),
}).map((destination) => ({ ...named, ...destination }))

const extraction = {
  Type: 'MetadataExtraction',
  Parameters: [parameter('MetadataExtractionQuery', '{a}'), parameter('JsonParsingEngine', 'JQ-1.6')],
}
const partitioned: fc.Arbitrary<ExtendedS3Input> = fc
  .record({
    destination: destinations,
    processing: enabled,
    retries: fc.constantFrom({}, { RetryOptions: {} }, { RetryOptions: { DurationInSeconds: 7 } }),
    hints: fc.constantFrom({}, { SizeInMBs: 64 }, { SizeInMBs: 65, IntervalInSeconds: 60 }),
  })
  .map(({ destination, processing, retries, hints }) => ({
    ...destination,
    Prefix: '!{partitionKeyFromQuery:a}/',
    ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
    BufferingHints: hints,
    ProcessingConfiguration: { ...processing, Processors: [extraction, ...processing.Processors] },
    DynamicPartitioningConfiguration: { Enabled: true, ...retries },
  }))

function created(destination: ExtendedS3Input): DeliveryStream {
  const input = validated(createInputShape(context), createInput('orders', destination))
  return definitionFrom(input as unknown as CreateInput, { ...context, incarnation: '0123456789abcdef' })
}

function asUpdate({ S3BackupConfiguration: backup, ...destination }: ExtendedS3Input): DestinationUpdate {
  return { ...destination, ...(backup && { S3BackupUpdate: backup }) }
}

test('an update that says again what is there makes no new version', () => {
  fc.assert(
    fc.property(fc.oneof(destinations, partitioned), (destination) => {
      const stream = created(destination)
      const described = destinationInput(stream.description) as unknown as ExtendedS3Input
      for (const update of [{}, asUpdate(destination), asUpdate(described)])
        expect(updatedStream(stream, update, context)).toBe(stream)
      expect(created(described)).toEqual(stream)
    }),
    { numRuns: 300 },
  )
})

/** Decompression cannot be added to every stream. */
const updates = destinations.filter(
  ({ ProcessingConfiguration: processing }) =>
    processing?.Enabled !== true || !processing.Processors?.some(({ Type }) => Type === 'Decompression'),
)

test('an update that is made again makes no second version', () => {
  fc.assert(
    fc.property(destinations, updates, (before, destination) => {
      // A conversion that is there may want more than a new stream's default.
      const update = asUpdate({ ...destination, BufferingHints: { SizeInMBs: 64 } })
      const once = updatedStream(created(before), update, context)
      expect(updatedStream(once, update, context)).toBe(once)
    }),
    { numRuns: 300 },
  )
})

/** From the input of CreateDeliveryStream to a delivery stream, and the words for what is wrong with one. */
import { expect, test } from 'vitest'
import { ClientError, EncoderError } from '../../src/domain/errors.ts'
import { MIB } from '../../src/domain/limits.ts'
import { definitionFrom, tableProblem } from '../../src/receive/definition.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import { createInputShape, type CreateInput } from '../../src/receive/http/create-input.ts'
import type { Limits } from '../../src/receive/http/shapes.ts'
import { CONVERSION, createInput } from '../support/api-inputs.ts'

function define(input: unknown, limits: Limits = 'aws', roleOptional = false) {
  const options = { limits, roleOptional }
  return definitionFrom(validated(createInputShape(options), input) as unknown as CreateInput, {
    ...options,
    region: 'us-east-1',
    accountId: '000000000000',
    incarnation: '0123456789abcdef',
    nowMs: 1_000,
  })
}

function problem(input: unknown, limits: Limits = 'aws'): string {
  try {
    define(input, limits)
  } catch (error) {
    if (error instanceof ClientError) return `${error.type}: ${error.message}`
    throw error
  }
  return 'nothing'
}

const extended = (destination: object) => createInput('orders', destination)
const converting = (conversion: object, destination: object = {}) =>
  extended({ ...destination, DataFormatConversionConfiguration: { ...CONVERSION, ...conversion } })

test('a stream that converts has the larger defaults and names its table', () => {
  const stream = define(converting({}))
  expect(stream.hints).toEqual({ bytes: 128 * MIB, intervalMs: 300_000 })
  expect(stream.destination).toEqual({
    bucket: 'lake',
    prefix: '',
    errorOutputPrefix: '',
    compression: 'UNCOMPRESSED',
    conversion: {
      table: {
        databaseName: 'sales',
        tableName: 'orders',
        region: 'us-east-1',
        versionId: 'LATEST',
        roleArn: CONVERSION.SchemaConfiguration.RoleARN,
      },
      caseInsensitive: true,
      parquetCompression: 'SNAPPY',
    },
  })
  expect(stream.description['BufferingHints']).toEqual({ SizeInMBs: 128, IntervalInSeconds: 300 })
  expect(stream.description['DataFormatConversionConfiguration']).toEqual({
    ...CONVERSION,
    SchemaConfiguration: { ...CONVERSION.SchemaConfiguration, Region: 'us-east-1', VersionId: 'LATEST' },
    Enabled: true,
  })
})

test('a conversion that is switched off is kept, unchecked and without effect', () => {
  const stream = define(extended({ DataFormatConversionConfiguration: { Enabled: false } }))
  expect(stream.destination.conversion).toBeUndefined()
  expect(stream.hints.bytes).toBe(5 * MIB)
  expect(stream.description['DataFormatConversionConfiguration']).toEqual({ Enabled: false })
})

test('one buffering hint alone keeps the default of the other', () => {
  expect(define(extended({ BufferingHints: { SizeInMBs: 1 } })).hints).toEqual({
    bytes: MIB,
    intervalMs: 300_000,
  })
  expect(define(extended({ BufferingHints: { IntervalInSeconds: 0 } })).hints).toEqual({
    bytes: 5 * MIB,
    intervalMs: 0,
  })
})

test('relaxed limits allow small and large batches, also with conversion', () => {
  expect(
    define(converting({}, { BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 5 } }), 'relaxed').hints,
  ).toEqual({
    bytes: MIB,
    intervalMs: 5_000,
  })
  expect(
    problem(extended({ BufferingHints: { SizeInMBs: 1024, IntervalInSeconds: 86_400 } }), 'relaxed'),
  ).toBe('nothing')
})

test('options that change nothing are let through and echoed', () => {
  const { description } = define(
    extended({
      CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'g', LogStreamName: 's' },
      ProcessingConfiguration: { Enabled: false, Processors: [{ Type: 'Lambda', Parameters: [] }] },
      DynamicPartitioningConfiguration: { Enabled: false },
      S3BackupMode: 'Disabled',
      FileExtension: '',
      CustomTimeZone: 'UTC',
      Unknown: 1,
    }),
  )
  expect(description).toMatchObject({
    CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'g', LogStreamName: 's' },
    ProcessingConfiguration: { Enabled: false, Processors: [{ Type: 'Lambda', Parameters: [] }] },
    DynamicPartitioningConfiguration: { Enabled: false },
    S3BackupMode: 'Disabled',
    CustomTimeZone: 'UTC',
  })
  expect(description).not.toHaveProperty('FileExtension')
  expect(description).not.toHaveProperty('Unknown')
})

test.each([
  [{ DeliveryStreamName: 'a' }, 'Exactly one destination configuration is supported for a Firehose'],
  [
    {
      ...createInput('a'),
      S3DestinationConfiguration: {
        RoleARN: 'arn:aws:iam::000000000000:role/r',
        BucketARN: 'arn:aws:s3:::b',
      },
    },
    'Exactly one destination configuration is supported for a Firehose',
  ],
  [
    { DeliveryStreamName: 'a', SplunkDestinationConfiguration: { HECToken: 'x' } },
    'SplunkDestinationConfiguration is not supported by this version of Hydrant. Supported: ExtendedS3DestinationConfiguration and S3DestinationConfiguration',
  ],
  [
    { ...createInput('a'), DeliveryStreamType: 'KinesisStreamAsSource' },
    'KinesisSourceStreamConfig is mandatory for KinesisStreamAsSource stream type.',
  ],
  [
    extended({ CloudWatchLoggingOptions: { Enabled: true } }),
    'CloudWatch Log Group Name is required if CloudWatch Logging is enabled',
  ],
  [
    extended({ S3BackupMode: 'Enabled' }),
    'S3 backup destination configuration is required when enabling S3 backup.',
  ],
  [
    extended({ Prefix: 'a/!{timestamp:yyyy}/' }),
    'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions',
  ],
  [
    extended({ CompressionFormat: 'ZIP' }),
    'CompressionFormat ZIP is not supported by this version of Hydrant. Supported: UNCOMPRESSED, GZIP',
  ],
  [
    extended({ CustomTimeZone: 'Europe/Madrid' }),
    'CustomTimeZone Europe/Madrid is not supported by this version of Hydrant. Supported: UTC',
  ],
  [
    converting({}, { CompressionFormat: 'GZIP', BufferingHints: { SizeInMBs: 5 } }),
    "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable compression within the converted output format, set the appropriate serialization option in the output format configuration.",
  ],
  [
    converting({}, { BufferingHints: { SizeInMBs: 63 } }),
    'BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.',
  ],
  [extended({ DataFormatConversionConfiguration: {} }), 'InputFormatConfiguration must not be null'],
  [converting({ InputFormatConfiguration: { Deserializer: {} } }), 'Deserializer must not be null'],
  [converting({ OutputFormatConfiguration: {} }), 'Serializer must not be null'],
  [
    converting({ InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {}, HiveJsonSerDe: {} } } }),
    'More than one deserializer specified. Only one may be chosen.',
  ],
  [converting({ SchemaConfiguration: {} }), 'SchemaConfiguration.RoleArn must not be null or empty'],
  [
    converting({ SchemaConfiguration: { RoleARN: 'r', DatabaseName: 'd' } }),
    'SchemaConfiguration.TableName must not be null or empty',
  ],
  [
    converting({ OutputFormatConfiguration: { Serializer: { OrcSerDe: {} } } }),
    'OrcSerDe is not supported by this version of Hydrant. Supported: ParquetSerDe',
  ],
])('a definition that breaks a rule is refused in the words of the service (%#)', (input, message) => {
  expect(problem(input)).toBe(`InvalidArgumentException: ${message}`)
})

test.each([
  [
    createInput('a', { RoleARN: 'role', BucketARN: 'lake' }),
    'InvalidParameterValueException: Invalid role ARN.',
  ],
  [
    extended({ CompressionFormat: 'SNAPPY' }),
    "ValidationException: 1 validation error detected: Value at 'extendedS3DestinationConfiguration.compressionFormat' failed to satisfy constraint: Member must satisfy enum value set: [ZIP, HADOOP_SNAPPY, Snappy, GZIP, UNCOMPRESSED]",
  ],
  [
    extended({ BufferingHints: { SizeInMBs: 129, IntervalInSeconds: 901 } }),
    "ValidationException: 2 validation errors detected: Value '129' at 'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value less than or equal to 128; Value '901' at 'extendedS3DestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must have value less than or equal to 900",
  ],
  [
    extended({
      FileExtension: 'JSON',
      ProcessingConfiguration: {
        Processors: [
          {
            Type: 'Lambda',
            Parameters: [{ ParameterName: 'x', ParameterValue: 'y' }, { ParameterName: 'LambdaArn' }],
          },
        ],
      },
    }),
    "ValidationException: 3 validation errors detected: Value at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.1.member.parameterName' failed to satisfy constraint: Member must satisfy enum value set: [DataMessageExtraction, NumberOfRetries, Delimiter, RoleArn, JsonParsingEngine, SubRecordType, MetadataExtractionQuery, BufferIntervalInSeconds, LambdaArn, BufferSizeInMBs, CompressionFormat]; Value at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.2.member.parameterValue' failed to satisfy constraint: Member must not be null; Value 'JSON' at 'extendedS3DestinationConfiguration.fileExtension' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(|\\.[0-9a-z!\\-_.*'()]+)$",
  ],
  [
    extended({ BufferingHints: { SizeInMBs: 1.5 } }),
    'SerializationException: class java.math.BigDecimal can not be converted to an Integer',
  ],
])('a member that breaks its constraint is refused in the words of the service (%#)', (input, message) => {
  expect(problem(input)).toBe(message)
})

test('a table that the catalog does not have, or that cannot be converted, is told', async () => {
  const stream = define(converting({}))
  const missing = new EncoderError('Table sales.orders not found', { code: 'EntityNotFound' })
  expect(await tableProblem(stream, { resolveColumns: () => Promise.reject(missing) })).toBe(
    'Table sales.orders not found',
  )
  const columns = [{ name: 'a', type: 'binary' }]
  const supportsColumns = ([column]: readonly { type: string }[]) => `no ${column?.type}`
  expect(
    await tableProblem(stream, { resolveColumns: () => Promise.resolve(columns), supportsColumns }),
  ).toBe('no binary')
  expect(
    await tableProblem(define(extended({})), { resolveColumns: () => Promise.reject(missing) }),
  ).toBeUndefined()
})

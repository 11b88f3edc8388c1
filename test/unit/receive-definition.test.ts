/** From the input of CreateDeliveryStream to a delivery stream, and the words for what is wrong with one. */
import { expect, test } from 'vitest'
import { EncoderError } from '../../src/domain/errors.ts'
import { MIB } from '../../src/domain/limits.ts'
import { definitionFrom } from '../../src/receive/definition.ts'
import { tableProblem } from '../../src/receive/outside-checks.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import { createInputShape, type CreateInput } from '../../src/receive/http/create-input.ts'
import type { Limits } from '../../src/receive/http/shapes.ts'
import { CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { refusalOf } from '../support/refusal.ts'

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
  return refusalOf(() => define(input, limits))
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
    roleArn: ROLE_ARN,
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
  const described = {
    ...CONVERSION,
    SchemaConfiguration: { ...CONVERSION.SchemaConfiguration, Region: 'us-east-1', VersionId: 'LATEST' },
    Enabled: true,
  }
  // Members in the order of the service model too.
  expect(JSON.stringify(stream.description['DataFormatConversionConfiguration'])).toBe(
    JSON.stringify(described),
  )
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
      ProcessingConfiguration: { Enabled: false },
      DynamicPartitioningConfiguration: { Enabled: false },
      S3BackupMode: 'Disabled',
      Prefix: '',
      ErrorOutputPrefix: '',
      FileExtension: '',
      CustomTimeZone: 'UTC',
      Unknown: 1,
    }),
  )
  expect(description).toMatchObject({
    CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'g', LogStreamName: 's' },
    ProcessingConfiguration: { Enabled: false, Processors: [] },
    DynamicPartitioningConfiguration: { Enabled: false },
    S3BackupMode: 'Disabled',
    CustomTimeZone: 'UTC',
  })
  for (const name of ['Prefix', 'ErrorOutputPrefix', 'FileExtension', 'Unknown'])
    expect(description).not.toHaveProperty(name)
})

const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/orders'
const KMS = { KMSEncryptionConfig: { AWSKMSKeyARN: KEY_ARN } }

test('zone, extension, compression, key, role and backup reach delivery', () => {
  const BackupRole = `${ROLE_ARN}-backup`
  const { destination } = define(
    extended({
      CompressionFormat: 'Snappy',
      EncryptionConfiguration: KMS,
      CustomTimeZone: 'Europe/Madrid',
      FileExtension: '.jsonl',
      S3BackupMode: 'Enabled',
      S3BackupConfiguration: {
        RoleARN: BackupRole,
        BucketARN: 'arn:aws:s3:::attic',
        Prefix: 'raw/',
        ErrorOutputPrefix: 'never/',
        CompressionFormat: 'HADOOP_SNAPPY',
        EncryptionConfiguration: KMS,
      },
    }),
  )
  expect(destination).toEqual({
    bucket: 'lake',
    prefix: '',
    errorOutputPrefix: '',
    compression: 'Snappy',
    kmsKeyArn: KEY_ARN,
    roleArn: ROLE_ARN,
    timeZone: 'Europe/Madrid',
    fileExtension: '.jsonl',
    backup: {
      bucket: 'attic',
      prefix: 'raw/',
      errorOutputPrefix: 'never/',
      compression: 'HADOOP_SNAPPY',
      kmsKeyArn: KEY_ARN,
      roleArn: BackupRole,
    },
  })
})

test('a role that nobody gave is described and not assumed', () => {
  const { destination, description } = define(
    { ...createInput('a'), ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake' } },
    'aws',
    true,
  )
  expect(description['RoleARN']).toBe('arn:aws:iam::000000000000:role/hydrant')
  expect(destination).not.toHaveProperty('roleArn')
})

test('a backup is described with defaults of its own, and is without effect until it is enabled', () => {
  const { destination, description } = define(
    extended({
      CompressionFormat: 'GZIP',
      S3BackupConfiguration: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::attic' },
    }),
  )
  expect(destination).not.toHaveProperty('backup')
  expect(description).toMatchObject({
    S3BackupMode: 'Disabled',
    S3BackupDescription: {
      RoleARN: ROLE_ARN,
      BucketARN: 'arn:aws:s3:::attic',
      BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
      CompressionFormat: 'UNCOMPRESSED',
      EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
      CloudWatchLoggingOptions: { Enabled: false },
    },
  })
})

test('a bucket is what its ARN ends in, whatever stands before', () => {
  const { destination } = define(extended({ BucketARN: 'arn:aws:s3:::../attic:s3:::lake' }))
  expect(destination.bucket).toBe('lake')
})

test('processors are echoed as the service keeps them', () => {
  const lambdaArn = 'arn:aws:lambda:us-east-1:000000000000:function:f'
  const named = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([ParameterName, ParameterValue]) => ({ ParameterName, ParameterValue }))
  const { description } = define(
    extended({
      ProcessingConfiguration: {
        Enabled: false,
        Processors: [
          { Type: 'Lambda', Parameters: named({ BufferSizeInMBs: '2', LambdaArn: lambdaArn }) },
          { Type: 'AppendDelimiterToRecord', Parameters: named({ Delimiter: String.raw`\n` }) },
          { Type: 'Decompression' },
          { Type: 'CloudWatchLogProcessing', Parameters: named({ DataMessageExtraction: 'TRUE' }) },
          { Type: 'RecordDeAggregation', Parameters: named({ SubRecordType: 'JSON' }) },
        ],
      },
    }),
  )
  expect(description['ProcessingConfiguration']).toEqual({
    Enabled: false,
    Processors: [
      {
        Type: 'Lambda',
        Parameters: named({
          LambdaArn: lambdaArn,
          NumberOfRetries: '3',
          RoleArn: ROLE_ARN,
          BufferSizeInMBs: '2',
          BufferIntervalInSeconds: '60',
        }),
      },
      { Type: 'AppendDelimiterToRecord', Parameters: [] },
      { Type: 'Decompression', Parameters: named({ CompressionFormat: 'GZIP' }) },
      { Type: 'CloudWatchLogProcessing', Parameters: named({ DataMessageExtraction: 'true' }) },
      { Type: 'RecordDeAggregation', Parameters: named({ SubRecordType: 'JSON' }) },
    ],
  })
})

test('tags are kept in order of keys, the last of two with one key', () => {
  const Tags = [{ Key: 'b', Value: '1' }, { Key: 'a' }, { Key: 'b', Value: '2' }]
  expect(define({ ...createInput('a'), Tags }).tags).toEqual([{ Key: 'a' }, { Key: 'b', Value: '2' }])
})

test('a stream may be encrypted from its creation', () => {
  const input = {
    ...createInput('a'),
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
  }
  expect(define(input).encryption).toEqual({
    status: 'ENABLED',
    keyType: 'AWS_OWNED_CMK',
    changesAtMs: [],
  })
})

const backup = (changes: object) =>
  extended({
    S3BackupMode: 'Enabled',
    S3BackupConfiguration: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::attic', ...changes },
  })
const encrypted = (key: object) => ({
  ...createInput('a'),
  DeliveryStreamEncryptionConfigurationInput: key,
})
const processing = (...Processors: object[]) =>
  extended({ ProcessingConfiguration: { Enabled: true, Processors } })
const parameter = { ParameterName: 'LambdaArn', ParameterValue: 'x' }

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
    extended({ CustomTimeZone: 'Europe/Atlantis' }),
    'CustomTimeZone Europe/Atlantis is not a time zone. Give a name of the IANA time zone database, such as Europe/Madrid, or leave it out for UTC',
  ],
  [
    extended({ EncryptionConfiguration: { ...KMS, NoEncryptionConfig: 'NoEncryption' } }),
    'EncryptionConfiguration must have NoEncryptionConfig or KMSEncryptionConfig, not both',
  ],
  [
    backup({ BufferingHints: { IntervalInSeconds: 59 } }),
    'S3 backup buffering interval must be between 60 and 900 seconds.',
  ],
  [
    backup({ Prefix: 'a/!{timestamp:yyyy}/' }),
    'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions',
  ],
  [
    backup({ CloudWatchLoggingOptions: { Enabled: true } }),
    'CloudWatch Log Group Name is required if CloudWatch Logging is enabled',
  ],
  [
    encrypted({ KeyType: 'AWS_OWNED_CMK', KeyARN: KEY_ARN }),
    'KeyARN cannot be specified when KeyType is AWS_OWNED_CMK',
  ],
  [
    encrypted({ KeyType: 'CUSTOMER_MANAGED_CMK' }),
    'KeyARN must be specified when KeyType is CUSTOMER_MANAGED_CMK',
  ],
  [
    processing(),
    'A maximum of 5 and a minimum of 1 processor needs to be supplied when processing is enabled.',
  ],
  [
    processing({ Type: 'Lambda', Parameters: [parameter, parameter] }),
    'Duplicate ProcessorParameter passed to ProcessingConfiguration.',
  ],
  [processing({ Type: 'Lambda', Parameters: [parameter] }), 'Invalid lambda ARN.'],
  [
    extended({ DynamicPartitioningConfiguration: { Enabled: true } }),
    'Processing Configuration is not enabled when DataPartitioning is enabled',
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
    converting({
      SchemaConfiguration: { RoleARN: CONVERSION.SchemaConfiguration.RoleARN, DatabaseName: 'd' },
    }),
    'SchemaConfiguration.TableName must not be null or empty',
  ],
  [
    converting({ OutputFormatConfiguration: { Serializer: { OrcSerDe: {} } } }),
    'OrcSerDe is not supported by this version of Hydrant. Supported: ParquetSerDe, since there is no maintained writer of ORC for Node.js',
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
    "ValidationException: 2 validation errors detected: Value at 'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value less than or equal to 128; Value at 'extendedS3DestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must have value less than or equal to 900",
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
    "ValidationException: 3 validation errors detected: Value at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.1.member.parameterName' failed to satisfy constraint: Member must satisfy enum value set: [DataMessageExtraction, NumberOfRetries, Delimiter, RoleArn, JsonParsingEngine, SubRecordType, MetadataExtractionQuery, BufferIntervalInSeconds, LambdaArn, BufferSizeInMBs, CompressionFormat]; Value at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.2.member.parameterValue' failed to satisfy constraint: Member must not be null; Value at 'extendedS3DestinationConfiguration.fileExtension' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(|\\.[0-9a-z!\\-_.*'()]+)$",
  ],
  [
    extended({ BufferingHints: { SizeInMBs: '5' } }),
    'SerializationException: class java.lang.String can not be converted to an Integer',
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

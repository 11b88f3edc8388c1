/**
 * Shapes that several operations share: names, and the S3 destinations. Constraints are those of the service model of
 * 2015-08-04; enumerations stand in the order in which the service prints them.
 */
import { INTERVAL_IN_SECONDS, SIZE_IN_MBS } from '../../domain/limits.ts'
import type { Shape, StructureShape } from './constraints.ts'

/** `aws`: what the service allows. `relaxed`: BufferingHints from 1 MiB to 1 GiB and up to a day. */
export type Limits = 'aws' | 'relaxed'

const SIZE_IN_MBS_MAX_RELAXED = 1024
const INTERVAL_IN_SECONDS_MAX_RELAXED = 86_400

export const deliveryStreamName: Shape = { type: 'string', min: 1, max: 64, pattern: '[a-zA-Z0-9_.-]+' }
export const deliveryStreamType: Shape = {
  type: 'string',
  values: ['DirectPut', 'KinesisStreamAsSource', 'MSKAsSource', 'DatabaseAsSource'],
}
export const roleArn: Shape = {
  type: 'string',
  min: 1,
  max: 512,
  pattern: 'arn:.*:iam::\\d{12}:role/[a-zA-Z_0-9+=,.@\\-_/]+',
  role: true,
}
export const boolean: Shape = { type: 'boolean' }

const word: Shape = { type: 'string', min: 1, max: 1024, pattern: '^\\S+$' }
const words: Shape = { type: 'string', min: 1, max: 1024, pattern: '^(?!\\s*$).+' }
const prefix: Shape = { type: 'string', min: 0, max: 1024, pattern: '.*' }

export const kmsKeyArn: Shape = {
  type: 'string',
  min: 1,
  max: 512,
  pattern: 'arn:.*:kms:[a-zA-Z0-9\\-]+:\\d{12}:(key|alias)/[a-zA-Z_0-9+=,.@\\-_/]+',
}

export function structure(
  members: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): StructureShape {
  return { type: 'structure', members, required }
}

/** An enumeration whose value the service hides. */
function choice(values: readonly string[]): Shape {
  return { type: 'string', values, hidden: true }
}

const encryptionConfiguration = structure({
  NoEncryptionConfig: choice(['NoEncryption']),
  KMSEncryptionConfig: structure({ AWSKMSKeyARN: kmsKeyArn }, ['AWSKMSKeyARN']),
})

const cloudWatchLoggingOptions = structure({
  Enabled: boolean,
  LogGroupName: { type: 'string', min: 0, max: 512, pattern: '[\\.\\-_/#A-Za-z0-9]*' },
  LogStreamName: { type: 'string', min: 0, max: 512, pattern: '[^:*]*' },
})

const processorParameter = structure(
  {
    ParameterName: choice([
      'DataMessageExtraction',
      'NumberOfRetries',
      'Delimiter',
      'RoleArn',
      'JsonParsingEngine',
      'SubRecordType',
      'MetadataExtractionQuery',
      'BufferIntervalInSeconds',
      'LambdaArn',
      'BufferSizeInMBs',
      'CompressionFormat',
    ]),
    ParameterValue: { type: 'string', min: 1, max: 5120, pattern: '^(?!\\s*$).+' },
  },
  ['ParameterName', 'ParameterValue'],
)

const processor = structure(
  {
    Type: choice([
      'Decompression',
      'Lambda',
      'RecordDeAggregation',
      'MetadataExtraction',
      'AppendDelimiterToRecord',
      'CloudWatchLogProcessing',
    ]),
    Parameters: { type: 'list', of: processorParameter },
  },
  ['Type'],
)

const processingConfiguration = structure({
  Enabled: boolean,
  Processors: { type: 'list', of: processor },
})

const parquetSerDe = structure({
  BlockSizeBytes: { type: 'integer', min: 67_108_864 },
  PageSizeBytes: { type: 'integer', min: 65_536 },
  Compression: choice(['SNAPPY', 'GZIP', 'UNCOMPRESSED']),
  EnableDictionaryCompression: boolean,
  MaxPaddingBytes: { type: 'integer', min: 0 },
  WriterVersion: choice(['V1', 'V2']),
})

const orcSerDe = structure({
  StripeSizeBytes: { type: 'integer', min: 8_388_608 },
  BlockSizeBytes: { type: 'integer', min: 67_108_864 },
  RowIndexStride: { type: 'integer', min: 1000 },
  EnablePadding: boolean,
  PaddingTolerance: { type: 'double', min: 0, max: 1 },
  Compression: choice(['ZLIB', 'SNAPPY', 'NONE']),
  BloomFilterColumns: { type: 'list', of: word },
  BloomFilterFalsePositiveProbability: { type: 'double', min: 0, max: 1 },
  DictionaryKeyThreshold: { type: 'double', min: 0, max: 1 },
  FormatVersion: choice(['V0_11', 'V0_12']),
})

const dataFormatConversionConfiguration = structure({
  SchemaConfiguration: structure({
    RoleARN: word,
    CatalogId: word,
    DatabaseName: word,
    TableName: word,
    Region: word,
    VersionId: word,
  }),
  InputFormatConfiguration: structure({
    Deserializer: structure({
      OpenXJsonSerDe: structure({
        ConvertDotsInJsonKeysToUnderscores: boolean,
        CaseInsensitive: boolean,
        ColumnToJsonKeyMappings: {
          type: 'map',
          key: { type: 'string', min: 1, max: 1024, pattern: '^\\S+$' },
          of: words,
        },
      }),
      HiveJsonSerDe: structure({ TimestampFormats: { type: 'list', of: words } }),
    }),
  }),
  OutputFormatConfiguration: structure({
    Serializer: structure({ ParquetSerDe: parquetSerDe, OrcSerDe: orcSerDe }),
  }),
  Enabled: boolean,
})

/** `roleOptional`: a configuration file may leave RoleARN out. */
export interface ShapeOptions {
  readonly limits: Limits
  readonly roleOptional: boolean
}

/** S3DestinationConfiguration. */
export function s3Destination(options: ShapeOptions): StructureShape {
  const relaxed = options.limits === 'relaxed'
  const sizeMax = relaxed ? SIZE_IN_MBS_MAX_RELAXED : SIZE_IN_MBS.max
  const intervalMax = relaxed ? INTERVAL_IN_SECONDS_MAX_RELAXED : INTERVAL_IN_SECONDS.max
  return structure(
    {
      RoleARN: roleArn,
      BucketARN: { type: 'string', min: 1, max: 2048, pattern: 'arn:.*:s3:::[\\w\\.\\-]{1,255}' },
      Prefix: prefix,
      ErrorOutputPrefix: prefix,
      BufferingHints: structure({
        SizeInMBs: { type: 'integer', min: SIZE_IN_MBS.min, max: sizeMax },
        IntervalInSeconds: { type: 'integer', min: INTERVAL_IN_SECONDS.min, max: intervalMax },
      }),
      CompressionFormat: choice(['ZIP', 'HADOOP_SNAPPY', 'Snappy', 'GZIP', 'UNCOMPRESSED']),
      EncryptionConfiguration: encryptionConfiguration,
      CloudWatchLoggingOptions: cloudWatchLoggingOptions,
    },
    options.roleOptional ? ['BucketARN'] : ['RoleARN', 'BucketARN'],
  )
}

/** ExtendedS3DestinationConfiguration. */
export function extendedS3Destination(options: ShapeOptions): StructureShape {
  const plain = s3Destination(options)
  return structure(
    {
      ...plain.members,
      ProcessingConfiguration: processingConfiguration,
      S3BackupMode: choice(['Disabled', 'Enabled']),
      S3BackupConfiguration: plain,
      DataFormatConversionConfiguration: dataFormatConversionConfiguration,
      DynamicPartitioningConfiguration: structure({
        RetryOptions: structure({ DurationInSeconds: { type: 'integer', min: 0, max: 7200 } }),
        Enabled: boolean,
      }),
      FileExtension: { type: 'string', min: 0, max: 128, pattern: "^(|\\.[0-9a-z!\\-_.*'()]+)$" },
      CustomTimeZone: { type: 'string', min: 0, max: 50, pattern: '^$|[a-zA-Z/_]+' },
    },
    plain.required,
  )
}

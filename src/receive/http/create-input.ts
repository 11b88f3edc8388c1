/** The input of CreateDeliveryStream: what the API takes, and what a configuration file declares. */
import type { JsonObject, Tag } from '../../domain/delivery-stream.ts'
import type { Shape, StructureShape } from './constraints.ts'
import {
  deliveryStreamName,
  deliveryStreamType,
  extendedS3Destination,
  kmsKeyArn,
  roleArn,
  s3Destination,
  structure,
  type ShapeOptions,
} from './shapes.ts'

/** A structure that is only told apart by being there. */
const anything = structure({})

const tag = structure(
  {
    Key: { type: 'string', min: 1, max: 128, pattern: '^(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$' },
    Value: { type: 'string', min: 0, max: 256, pattern: '^[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$' },
  },
  ['Key'],
)

const kinesisStreamArn: Shape = {
  type: 'string',
  min: 1,
  max: 512,
  pattern: 'arn:.*:kinesis:[a-zA-Z0-9\\-]+:\\d{12}:stream/[a-zA-Z0-9_.-]+',
}

/** Destinations of the API that this version does not deliver to. */
const OTHER_DESTINATIONS = [
  'RedshiftDestinationConfiguration',
  'ElasticsearchDestinationConfiguration',
  'AmazonopensearchserviceDestinationConfiguration',
  'SplunkDestinationConfiguration',
  'HttpEndpointDestinationConfiguration',
  'AmazonOpenSearchServerlessDestinationConfiguration',
  'SnowflakeDestinationConfiguration',
  'IcebergDestinationConfiguration',
] as const

export const DESTINATIONS = [
  'S3DestinationConfiguration',
  'ExtendedS3DestinationConfiguration',
  ...OTHER_DESTINATIONS,
] as const

export function createInputShape(options: ShapeOptions): StructureShape {
  return structure(
    {
      DeliveryStreamName: deliveryStreamName,
      DeliveryStreamType: deliveryStreamType,
      DirectPutSourceConfiguration: structure(
        { ThroughputHintInMBs: { type: 'integer', min: 1, max: 100 } },
        ['ThroughputHintInMBs'],
      ),
      KinesisStreamSourceConfiguration: structure(
        { KinesisStreamARN: kinesisStreamArn, RoleARN: roleArn },
        options.roleOptional ? ['KinesisStreamARN'] : ['KinesisStreamARN', 'RoleARN'],
      ),
      DeliveryStreamEncryptionConfigurationInput: structure(
        {
          KeyARN: kmsKeyArn,
          KeyType: { type: 'string', values: ['AWS_OWNED_CMK', 'CUSTOMER_MANAGED_CMK'], hidden: true },
        },
        ['KeyType'],
      ),
      S3DestinationConfiguration: s3Destination(options),
      ExtendedS3DestinationConfiguration: extendedS3Destination(options),
      ...Object.fromEntries(OTHER_DESTINATIONS.map((name) => [name, anything])),
      Tags: { type: 'list', of: tag, min: 1, max: 50 },
      MSKSourceConfiguration: anything,
      DatabaseSourceConfiguration: anything,
    },
    ['DeliveryStreamName'],
  )
}

/** As read by `createInputShape`; AWS's spelling. */
export interface CreateInput extends Partial<Record<(typeof OTHER_DESTINATIONS)[number], JsonObject>> {
  readonly DeliveryStreamName: string
  readonly DeliveryStreamType?: string
  readonly DirectPutSourceConfiguration?: { readonly ThroughputHintInMBs: number }
  readonly KinesisStreamSourceConfiguration?: {
    readonly KinesisStreamARN: string
    /** Always there in a request; a configuration file may leave it out. */
    readonly RoleARN?: string
  }
  readonly MSKSourceConfiguration?: JsonObject
  readonly DatabaseSourceConfiguration?: JsonObject
  readonly DeliveryStreamEncryptionConfigurationInput?: JsonObject
  readonly S3DestinationConfiguration?: ExtendedS3Input
  readonly ExtendedS3DestinationConfiguration?: ExtendedS3Input
  readonly Tags?: readonly Tag[]
}

/** S3DestinationConfiguration has the first eight members. */
export interface ExtendedS3Input {
  /** Always there in a request; a configuration file may leave it out. */
  readonly RoleARN?: string
  readonly BucketARN: string
  readonly Prefix?: string
  readonly ErrorOutputPrefix?: string
  readonly BufferingHints?: { readonly SizeInMBs?: number; readonly IntervalInSeconds?: number }
  readonly CompressionFormat?: string
  readonly EncryptionConfiguration?: { readonly KMSEncryptionConfig?: JsonObject }
  readonly CloudWatchLoggingOptions?: {
    readonly Enabled?: boolean
    readonly LogGroupName?: string
    readonly LogStreamName?: string
  }
  readonly ProcessingConfiguration?: {
    readonly Enabled?: boolean
    readonly Processors?: readonly JsonObject[]
  }
  readonly S3BackupMode?: 'Disabled' | 'Enabled'
  readonly S3BackupConfiguration?: JsonObject
  readonly DataFormatConversionConfiguration?: ConversionInput
  readonly DynamicPartitioningConfiguration?: { readonly Enabled?: boolean }
  readonly FileExtension?: string
  readonly CustomTimeZone?: string
}

export interface ConversionInput {
  readonly Enabled?: boolean
  readonly SchemaConfiguration?: {
    readonly RoleARN?: string
    readonly CatalogId?: string
    readonly DatabaseName?: string
    readonly TableName?: string
    readonly Region?: string
    readonly VersionId?: string
  }
  readonly InputFormatConfiguration?: {
    readonly Deserializer?: {
      readonly OpenXJsonSerDe?: {
        readonly ConvertDotsInJsonKeysToUnderscores?: boolean
        readonly CaseInsensitive?: boolean
        readonly ColumnToJsonKeyMappings?: JsonObject
      }
      readonly HiveJsonSerDe?: JsonObject
    }
  }
  readonly OutputFormatConfiguration?: {
    readonly Serializer?: {
      readonly ParquetSerDe?: { readonly Compression?: 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED' }
      readonly OrcSerDe?: JsonObject
    }
  }
}

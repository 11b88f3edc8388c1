/** The input of CreateDeliveryStream: what the API takes, and what a configuration file declares. */
import type { Compression, Encryption, JsonObject, Tag } from '../../domain/delivery-stream.ts'
import type { StructureShape } from './constraints.ts'
import {
  deliveryStreamName,
  deliveryStreamType,
  encryptionConfigurationInput,
  structure,
  tags,
  type ShapeOptions,
} from './shapes.ts'
import { OTHER_DESTINATIONS, unread } from './shapes/other-destinations.ts'
import { extendedS3Destination, s3Destination } from './shapes/s3-destination.ts'
import { databaseSource, directPutSource, kinesisStreamSource, mskSource } from './shapes/sources.ts'

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
      DirectPutSourceConfiguration: directPutSource,
      KinesisStreamSourceConfiguration: kinesisStreamSource(options),
      DeliveryStreamEncryptionConfigurationInput: encryptionConfigurationInput,
      S3DestinationConfiguration: s3Destination(options),
      ExtendedS3DestinationConfiguration: extendedS3Destination(options),
      ...unread(OTHER_DESTINATIONS),
      Tags: tags,
      MSKSourceConfiguration: mskSource,
      DatabaseSourceConfiguration: databaseSource,
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
  readonly DeliveryStreamEncryptionConfigurationInput?: EncryptionInput
  readonly S3DestinationConfiguration?: ExtendedS3Input
  readonly ExtendedS3DestinationConfiguration?: ExtendedS3Input
  readonly Tags?: readonly Tag[]
}

export interface EncryptionInput {
  readonly KeyType: Encryption['keyType']
  readonly KeyARN?: string
}

/** S3DestinationConfiguration. */
export interface S3Input {
  /** Always there in a request; a configuration file may leave it out. */
  readonly RoleARN?: string
  readonly BucketARN: string
  readonly Prefix?: string
  readonly ErrorOutputPrefix?: string
  readonly BufferingHints?: { readonly SizeInMBs?: number; readonly IntervalInSeconds?: number }
  readonly CompressionFormat?: Compression
  readonly EncryptionConfiguration?: {
    readonly NoEncryptionConfig?: 'NoEncryption'
    readonly KMSEncryptionConfig?: { readonly AWSKMSKeyARN: string }
  }
  readonly CloudWatchLoggingOptions?: {
    readonly Enabled?: boolean
    readonly LogGroupName?: string
    readonly LogStreamName?: string
  }
}

/** ExtendedS3DestinationConfiguration. */
export interface ExtendedS3Input extends S3Input {
  readonly ProcessingConfiguration?: {
    readonly Enabled?: boolean
    readonly Processors?: readonly ProcessorInput[]
  }
  readonly S3BackupMode?: 'Disabled' | 'Enabled'
  readonly S3BackupConfiguration?: S3Input
  readonly DataFormatConversionConfiguration?: ConversionInput
  readonly DynamicPartitioningConfiguration?: {
    readonly RetryOptions?: { readonly DurationInSeconds?: number }
    readonly Enabled?: boolean
  }
  readonly FileExtension?: string
  readonly CustomTimeZone?: string
}

export interface ProcessorInput {
  readonly Type: string
  readonly Parameters?: readonly { readonly ParameterName: string; readonly ParameterValue: string }[]
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
        readonly ColumnToJsonKeyMappings?: Readonly<Record<string, string>>
      }
      readonly HiveJsonSerDe?: { readonly TimestampFormats?: readonly string[] }
    }
  }
  readonly OutputFormatConfiguration?: {
    readonly Serializer?: {
      /** Other members are taken and echoed; they change nothing. */
      readonly ParquetSerDe?: {
        readonly Compression?: 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED'
        readonly WriterVersion?: 'V1' | 'V2'
      }
      readonly OrcSerDe?: JsonObject
    }
  }
}

/** Delivery streams as tests declare or create them: inputs of CreateDeliveryStream. */
import type {
  CompressionFormat,
  CreateDeliveryStreamCommandInput,
  Processor,
  ProcessorType,
} from '@aws-sdk/client-firehose'

export type Declaration = CreateDeliveryStreamCommandInput

interface StreamOptions {
  readonly bucket?: string
  readonly prefix?: string
  /** Default: `errors/!{firehose:error-output-type}/`. */
  readonly errorPrefix?: string
  /** Default: 1. */
  readonly intervalSeconds?: number
  /** Default: 8. */
  readonly sizeMiB?: number
}

const ROLE = 'arn:aws:iam::000000000000:role/firehose'

function destination({ bucket = 'lake', intervalSeconds = 1, sizeMiB = 8 }: StreamOptions) {
  return {
    BucketARN: `arn:aws:s3:::${bucket}`,
    RoleARN: ROLE,
    BufferingHints: { SizeInMBs: sizeMiB, IntervalInSeconds: intervalSeconds },
  }
}

function convertingDestination(options: StreamOptions) {
  return {
    ...destination(options),
    Prefix: options.prefix ?? 'orders/!{timestamp:yyyy}/',
    ErrorOutputPrefix: options.errorPrefix ?? 'errors/!{firehose:error-output-type}/',
    DataFormatConversionConfiguration: {
      Enabled: true,
      SchemaConfiguration: { DatabaseName: 'sales', TableName: 'orders', RoleARN: ROLE },
      InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
      OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
    },
  }
}

/** Converts to Parquet with the columns of sales.orders; what it cannot convert goes to errors/. */
export function convertingStream(name: string, options: StreamOptions = {}): Declaration {
  return { DeliveryStreamName: name, ExtendedS3DestinationConfiguration: convertingDestination(options) }
}

export function processor(Type: ProcessorType, parameters: Readonly<Record<string, string>>): Processor {
  return {
    Type,
    Parameters: Object.entries(parameters).map(([name, ParameterValue]) => ({
      ParameterName: name as NonNullable<Processor['Parameters']>[number]['ParameterName'],
      ParameterValue,
    })),
  }
}

/** As `convertingStream`, in partitions by the keys of a jq program. */
export function partitionedStream(
  name: string,
  query: string,
  { processors = [], ...options }: StreamOptions & { readonly processors?: readonly Processor[] },
): Declaration {
  const extraction = { MetadataExtractionQuery: query, JsonParsingEngine: 'JQ-1.6' }
  return {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: {
      ...convertingDestination({ sizeMiB: 64, ...options }),
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [processor('MetadataExtraction', extraction), ...processors],
      },
    },
  }
}

/** Delivers the records' bytes as they are, or compressed. */
export function rawStream(
  name: string,
  options: StreamOptions & { readonly compression?: CompressionFormat } = {},
): Declaration {
  return {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: {
      ...destination(options),
      Prefix: options.prefix ?? `${name}/`,
      CompressionFormat: options.compression ?? 'UNCOMPRESSED',
    },
  }
}

/** Delivery streams as tests declare or create them: inputs of CreateDeliveryStream. */
import type { CompressionFormat, CreateDeliveryStreamCommandInput } from '@aws-sdk/client-firehose'

export type Declaration = CreateDeliveryStreamCommandInput

interface StreamOptions {
  readonly bucket?: string
  readonly prefix?: string
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

/** Converts to Parquet with the columns of sales.orders; what it cannot convert goes to errors/. */
export function convertingStream(name: string, options: StreamOptions = {}): Declaration {
  return {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: {
      ...destination(options),
      Prefix: options.prefix ?? 'orders/!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      DataFormatConversionConfiguration: {
        Enabled: true,
        SchemaConfiguration: { DatabaseName: 'sales', TableName: 'orders', RoleARN: ROLE },
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
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

/** Inputs of the API for tests. */
export const ACCOUNT_ID = '000000000000'
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT_ID}:role/firehose`
export const BUCKET_ARN = 'arn:aws:s3:::lake'

/** An input of CreateDeliveryStream. */
export function createInput(name: string, destination: object = {}): Record<string, unknown> {
  return {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: {
      RoleARN: ROLE_ARN,
      BucketARN: BUCKET_ARN,
      ...destination,
    },
  }
}

/** A DataFormatConversionConfiguration that is whole. */
export const CONVERSION = {
  SchemaConfiguration: { RoleARN: ROLE_ARN, DatabaseName: 'sales', TableName: 'orders' },
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
}

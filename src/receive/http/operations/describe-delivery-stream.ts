import type { DeliveryStream, JsonObject } from '../../../domain/delivery-stream.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { notFound } from '../records.ts'
import { deliveryStreamName, structure } from '../shapes.ts'

const shape = structure(
  {
    DeliveryStreamName: deliveryStreamName,
    Limit: { type: 'integer', min: 1, max: 10_000 },
    ExclusiveStartDestinationId: { type: 'string', min: 1, max: 100, pattern: '[a-zA-Z0-9-]+' },
  },
  ['DeliveryStreamName'],
)

/** A stream has one destination; paging changes nothing. */
export const describeDeliveryStream: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name } = validated(shape, input) as { DeliveryStreamName: string }
  const stream = await api.registry.get(name)
  if (stream === undefined) throw notFound(name, api)
  return JSON.stringify({ DeliveryStreamDescription: descriptionOf(stream) })
}

function descriptionOf(stream: DeliveryStream): JsonObject {
  return {
    DeliveryStreamName: stream.name,
    DeliveryStreamARN: stream.arn,
    DeliveryStreamStatus: stream.status,
    ...(stream.type === 'DirectPut' ? { DeliveryStreamEncryptionConfiguration: { Status: 'DISABLED' } } : {}),
    DeliveryStreamType: stream.type,
    VersionId: String(stream.version),
    CreateTimestamp: stream.createdAtMs / 1000,
    ...(stream.updatedAtMs === undefined ? {} : { LastUpdateTimestamp: stream.updatedAtMs / 1000 }),
    ...(stream.source === undefined ? {} : { Source: stream.source }),
    Destinations: [
      {
        DestinationId: 'destinationId-000000000001',
        S3DestinationDescription: plainDescription(stream.description),
        ExtendedS3DestinationDescription: stream.description,
      },
    ],
    HasMoreDestinations: false,
  }
}

/** Members of S3DestinationDescription, which mirrors the extended one. */
const PLAIN_MEMBERS = [
  'RoleARN',
  'BucketARN',
  'Prefix',
  'ErrorOutputPrefix',
  'BufferingHints',
  'CompressionFormat',
  'EncryptionConfiguration',
  'CloudWatchLoggingOptions',
]

function plainDescription(description: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(description).filter(([name]) => PLAIN_MEMBERS.includes(name)))
}

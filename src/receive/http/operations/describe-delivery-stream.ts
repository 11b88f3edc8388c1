import { statusAt, type DeliveryStream, type JsonObject } from '../../../domain/delivery-stream.ts'
import { encryptionDescription } from '../../encryption.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { deliveryStreamName, destinationId, limit, structure } from '../shapes.ts'
import { storedStream } from '../stored-stream.ts'

const shape = structure(
  {
    DeliveryStreamName: deliveryStreamName,
    Limit: limit(10_000),
    ExclusiveStartDestinationId: destinationId,
  },
  ['DeliveryStreamName'],
)

/** Of the one destination that every stream has. */
export const DESTINATION_ID = 'destinationId-000000000001'

/** A stream has one destination; paging changes nothing. */
export const describeDeliveryStream: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name } = validated(shape, input) as { DeliveryStreamName: string }
  const stream = await storedStream(name, api)
  return JSON.stringify({ DeliveryStreamDescription: descriptionOf(stream, api.clock.now()) })
}

function descriptionOf(stream: DeliveryStream, nowMs: number): JsonObject {
  const encryption = encryptionDescription(stream)
  return {
    DeliveryStreamName: stream.name,
    DeliveryStreamARN: stream.arn,
    DeliveryStreamStatus: statusAt(stream, nowMs),
    ...(encryption === undefined ? {} : { DeliveryStreamEncryptionConfiguration: encryption }),
    DeliveryStreamType: stream.type,
    VersionId: String(stream.version),
    CreateTimestamp: stream.createdAtMs / 1000,
    ...(stream.updatedAtMs === undefined ? {} : { LastUpdateTimestamp: stream.updatedAtMs / 1000 }),
    ...(stream.source === undefined ? {} : { Source: stream.source }),
    Destinations: [
      {
        DestinationId: DESTINATION_ID,
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

/**
 * From what DescribeDeliveryStream answers of a destination to what would make it: UpdateDestination merges over it, and a
 * described stream can be declared with it.
 */
import type { JsonObject } from '../domain/delivery-stream.ts'

/**
 * The ExtendedS3DestinationConfiguration that is described so. The two differ in one name; whatever the description
 * filled in is said aloud, and means the same.
 *
 * @param description ExtendedS3DestinationDescription
 */
export function destinationInput(description: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(description).map(([name, value]) => [
      name === 'S3BackupDescription' ? 'S3BackupConfiguration' : name,
      value,
    ]),
  )
}

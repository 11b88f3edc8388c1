/** What a caller makes a delivery stream use, which must be among what the caller may reach. */
import type { S3Destination } from '../../domain/delivery-stream.ts'
import { bucketArn } from '../arns.ts'
import type { Api, Call } from './api.ts'

/**
 * Asked of the whole destination, also of what an update leaves as it is.
 *
 * @throws ClientError AccessDeniedException
 */
export function reachDestination(destination: S3Destination, { caller }: Call, api: Api): void {
  for (const place of [destination, destination.backup]) {
    if (place === undefined) continue
    caller.reach(bucketArn(place.bucket, api))
    if (api.assumeRoles === true && place.roleArn !== undefined) caller.reach(place.roleArn)
  }
}

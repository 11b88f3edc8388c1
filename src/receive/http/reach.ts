/** What a caller makes a delivery stream use, which must be among what the caller may reach. */
import type { S3Destination, TableRef } from '../../domain/delivery-stream.ts'
import { bucketArn, defaultRole, tableArn } from '../arns.ts'
import type { Api, Call } from './api.ts'

/**
 * Asked of the whole destination, also of what an update leaves as it is. A transform by HTTP was named by the operator.
 *
 * @throws ClientError AccessDeniedException
 */
export function reachDestination(destination: S3Destination, { caller }: Call, api: Api): void {
  for (const place of [destination, destination.backup]) {
    if (place === undefined) continue
    caller.reach(bucketArn(place.bucket, api))
    reachRole(place.roleArn)
  }
  const target = destination.processing?.transform?.target
  if (target?.kind === 'lambda') {
    caller.reach(target.functionArn)
    reachRole(target.roleArn)
  }
  const table = destination.conversion?.table
  if (table !== undefined && api.asksGlue?.(table) === true) reachTable(table)

  function reachRole(roleArn: string | undefined): void {
    if (api.assumeRoles === true && roleArn !== undefined) caller.reach(roleArn)
  }

  function reachTable(ref: TableRef): void {
    caller.reach(tableArn(ref, api))
    if (ref.roleArn !== defaultRole(api)) reachRole(ref.roleArn)
  }
}

/** Names in AWS's form, of this account and Region. */
import type { TableRef } from '../domain/delivery-stream.ts'

export interface Account {
  readonly region: string
  readonly accountId: string
}

export function deliveryStreamArn(name: string, { region, accountId }: Account): string {
  return `arn:${partition(region)}:firehose:${region}:${accountId}:deliverystream/${name}`
}

export function bucketArn(bucket: string, { region }: Account): string {
  return `arn:${partition(region)}:s3:::${bucket}`
}

/** The bucket of an ARN. What stands before it may itself hold colons; a bucket's name never does. */
export function bucketOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(':::') + 3)
}

/** A table of Glue; its catalog is that of an account. */
export function tableArn(
  {
    region,
    catalogId,
    databaseName,
    tableName,
  }: Pick<TableRef, 'region' | 'catalogId' | 'databaseName' | 'tableName'>,
  { accountId }: Account,
): string {
  return `arn:${partition(region)}:glue:${region}:${catalogId ?? accountId}:table/${databaseName}/${tableName}`
}

/** Describe must name a role, also where a configuration file gives none; nobody assumes this one. */
export function defaultRole({ region, accountId }: Account): string {
  return `arn:${partition(region)}:iam::${accountId}:role/hydrant`
}

/** Who calls, as IAM names users. */
export function userArn(name: string, { region, accountId }: Account): string {
  return `arn:${partition(region)}:iam::${accountId}:user/${name}`
}

/** China and GovCloud have partitions of their own. */
function partition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

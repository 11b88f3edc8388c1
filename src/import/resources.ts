/** Names and ARNs of resources that a template makes, as far as they can be told before it has made them. */

import { mapOf } from './untyped.ts'

export type Template = Readonly<Record<string, unknown>>

export interface ResourceKind {
  /** Where its name is written, among its properties; empty for what AWS names. */
  readonly nameAt: readonly string[]
  /** What stands before the name in its ARN; `{region}`, `{account}` and `{partition}` are the stack's. */
  readonly arn?: string
}

export const resourceKinds: Readonly<Record<string, ResourceKind>> = {
  'AWS::S3::Bucket': { nameAt: ['BucketName'], arn: 'arn:{partition}:s3:::' },
  'AWS::Kinesis::Stream': {
    nameAt: ['Name'],
    arn: 'arn:{partition}:kinesis:{region}:{account}:stream/',
  },
  'AWS::KMS::Key': { nameAt: [], arn: 'arn:{partition}:kms:{region}:{account}:key/' },
  'AWS::IAM::Role': { nameAt: ['RoleName'], arn: 'arn:{partition}:iam::{account}:role/' },
  'AWS::Lambda::Function': {
    nameAt: ['FunctionName'],
    arn: 'arn:{partition}:lambda:{region}:{account}:function:',
  },
  'AWS::Serverless::Function': {
    nameAt: ['FunctionName'],
    arn: 'arn:{partition}:lambda:{region}:{account}:function:',
  },
  'AWS::Glue::Database': { nameAt: ['DatabaseInput', 'Name'] },
  'AWS::Glue::Table': { nameAt: ['TableInput', 'Name'] },
  'AWS::Logs::LogGroup': { nameAt: ['LogGroupName'] },
  'AWS::Logs::LogStream': { nameAt: ['LogStreamName'] },
}

export interface Resource {
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
  /** Name of the condition under which it is made. */
  readonly condition: string | undefined
}

/** Undefined for what is none. */
export function resourceOf(value: unknown): Resource | undefined {
  const { Type: type, Properties: properties, Condition: condition } = mapOf(value)
  if (typeof type !== 'string') return undefined
  return {
    type,
    properties: mapOf(properties),
    condition: typeof condition === 'string' ? condition : undefined,
  }
}

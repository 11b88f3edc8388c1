/**
 * What a transform's failures are called in error records: Firehose's codes and sentences
 * (docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html, Lambda invocation errors), which scripts
 * written for its error output look for. A transform by HTTP has the same ones.
 */
import type { RecordVerdict } from '../../domain/record-metadata.ts'

/** Sentences by code. The first group is what a call can fail with, the second what can be wrong with one record's answer. */
export const TRANSFORM_CODES = {
  'Lambda.AssumeRoleAccessDenied':
    'Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role.',
  'Lambda.InvokeAccessDenied':
    'Access was denied. Ensure that the access policy allows access to the Lambda function.',
  'Lambda.ResourceNotFound':
    'The specified Lambda function does not exist. Use a different function that does exist.',
  'Lambda.InvokeLimitExceeded':
    'The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit.',
  'Lambda.InvalidSubnetIDException':
    'The specified subnet ID in the Lambda function VPC configuration is invalid. Ensure that the subnet ID is valid.',
  'Lambda.InvalidSecurityGroupIDException':
    'The specified security group ID in the Lambda function VPC configuration is invalid. Ensure that the security group ID is valid.',
  'Lambda.SubnetIPAddressLimitReachedException':
    'AWS Lambda was not able to set up the VPC access for the Lambda function because one or more configured subnets have no available IP addresses. Increase the IP address limit.',
  'Lambda.ENILimitReachedException':
    'AWS Lambda was not able to create an Elastic Network Interface (ENI) in the VPC, specified as part of the Lambda function configuration, because the limit for network interfaces has been reached. Increase the network interface limit.',
  'Lambda.InvalidZipFileException':
    'Kinesis Data Firehose encountered InvalidZipFileException when calling the AWS Lambda service. Check the configuration of the Lambda function.',
  'Lambda.FunctionTimedOut':
    'The Lambda function invocation timed out. Increase the Timeout setting in the Lambda function.',
  'Lambda.FunctionRequestTimedOut':
    'Request did not complete before the request timeout configuration. Revisit the Lambda code to check if it is meant to run beyond the configured timeout.',
  'Lambda.FunctionError': 'The Lambda function was successfully invoked but it returned an error result.',
  'Lambda.TargetServerFailedToRespond':
    'Target server failed to respond when calling the AWS Lambda service.',
  'Lambda.InternalServerError': 'InternalServerError when calling the AWS Lambda service.',
  'Lambda.ServiceUnavailable': 'ServiceUnavailable when calling the AWS Lambda service.',
  'Lambda.InvalidSecurityToken': 'Cannot invoke Lambda function due to invalid security token.',
  'Lambda.InvocationFailure': 'Errors were encountered when calling AWS Lambda.',

  'Lambda.JsonProcessingException':
    'There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the status model required by Kinesis Data Firehose.',
  'Lambda.JsonMappingException':
    'There was an error mapping returned records from the Lambda function. Ensure that the returned records follow the status model required by Kinesis Data Firehose.',
  'Lambda.MissingRecordId':
    'One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.',
  'Lambda.DuplicatedRecordId':
    'Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record.',
  'Lambda.InvalidReturnFormat':
    'The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.',
  'Lambda.ProcessingFailedStatus': 'ProcessingFailed status set for record',
} as const

export type TransformCode = keyof typeof TRANSFORM_CODES

/** Said of a record whose result or data will not do; Firehose gives it the code of a function that failed. */
export const INVALID_OUTPUT =
  'Check your function and make sure the output is in required format. In addition to that, make sure the processed records contain valid result status of Dropped, Ok, or ProcessingFailed'

/** What becomes of one record that was sent. */
export type RecordAnswer =
  /** `data`: base64 that was checked, of `bytes` bytes. */
  | {
      readonly kind: 'ok'
      readonly data: string
      readonly bytes: number
      readonly partitionKeys?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'failed'; readonly code: TransformCode; readonly message: string }

export function failed(code: TransformCode, message: string = TRANSFORM_CODES[code]): RecordAnswer {
  return { kind: 'failed', code, message }
}

export function processingFailed(code: TransformCode, message: string, attemptsMade: number): RecordVerdict {
  return { errorType: 'processing-failed', code, message, attemptsMade }
}

/** A call that was not answered; a value, because it is expected: it is made again, and then its records fail. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  readonly code: TransformCode
  /** What the operator can do next. */
  readonly hint: string
  constructor(message: string, options: { code: TransformCode; hint: string; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = options.code
    this.hint = options.hint
  }
}

/** The answer's bytes, or why there are none. */
export type CallResult = Uint8Array | CallFailure

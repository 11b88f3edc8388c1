/**
 * Why Lambda did not answer for a function, in one table: the codes of Firehose, what to say and what an operator can do
 * (docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, errors). All are tried again, as Firehose does.
 */
import { DestinationError } from '../../domain/errors.ts'
import { isNameOf, namesOf, statusOf } from '../../runtime/sdk-errors.ts'
import { CallFailure, type TransformCode } from './codes.ts'

/** What was asked, for sentences. */
export interface FunctionTarget {
  readonly functionArn: string
  /** Absent: AWS. */
  readonly endpoint: string | undefined
}

interface Row {
  readonly code: TransformCode
  readonly names: readonly string[]
  readonly statuses?: readonly number[]
  readonly says: string
  readonly hint: (target: FunctionTarget) => string
}

const vpc = (): string => 'correct the VPC configuration of the function'
const reach = ({ endpoint = 'AWS Lambda' }: FunctionTarget): string =>
  `see that ${endpoint} is up and can be reached from here`

export const lambdaFailures: readonly Row[] = [
  {
    code: 'Lambda.ResourceNotFound',
    names: ['ResourceNotFoundException'],
    says: 'it is not there',
    hint: ({ functionArn }) =>
      `create ${functionArn}, with the version or alias it names, or correct LambdaArn`,
  },
  {
    code: 'Lambda.InvokeAccessDenied',
    names: ['AccessDenied', 'AccessDeniedException'],
    says: 'access denied',
    hint: ({ functionArn }) => `the credentials need lambda:InvokeFunction on ${functionArn}`,
  },
  {
    code: 'Lambda.InvokeLimitExceeded',
    names: ['TooManyRequestsException', 'EC2ThrottledException', 'Throttling*', 'RequestLimitExceeded'],
    statuses: [429],
    says: 'it is invoked too often',
    hint: () =>
      'raise the concurrency of the function or the account, or lower processing.transformsPerBatch',
  },
  {
    code: 'Lambda.InvalidSubnetIDException',
    names: ['InvalidSubnetIDException'],
    says: 'a subnet of its VPC is not there',
    hint: vpc,
  },
  {
    code: 'Lambda.InvalidSecurityGroupIDException',
    names: ['InvalidSecurityGroupIDException'],
    says: 'a security group of its VPC is not there',
    hint: vpc,
  },
  {
    code: 'Lambda.SubnetIPAddressLimitReachedException',
    names: ['SubnetIPAddressLimitReachedException'],
    says: 'a subnet of its VPC has no address left',
    hint: vpc,
  },
  {
    code: 'Lambda.ENILimitReachedException',
    names: ['ENILimitReachedException'],
    says: 'its VPC has no network interface left',
    hint: vpc,
  },
  {
    code: 'Lambda.InvalidZipFileException',
    names: ['InvalidZipFileException'],
    says: 'its code cannot be unpacked',
    hint: () => 'upload the code of the function again',
  },
  {
    code: 'Lambda.InvocationFailure',
    // Lambda says these with the status of a gateway.
    names: ['KMS*', 'EFS*', 'S3Files*', 'EC2*', 'ENINotReady*', 'SnapStart*', 'InvalidRuntime*'],
    says: 'it cannot be started',
    hint: () => 'see what Lambda says of the function, its keys, its file systems and its runtime',
  },
  {
    code: 'Lambda.InvalidSecurityToken',
    names: [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
      'IncompleteSignature*',
      'MissingAuthenticationToken*',
      'ExpiredToken*',
      'CredentialsProviderError',
      'TokenProviderError',
    ],
    says: 'the credentials were refused, or there are none',
    hint: () =>
      'correct objectStore.accessKeyId and secretAccessKey (left out: what the AWS SDK finds in environment, profile or role)',
  },
  {
    code: 'Lambda.FunctionError',
    names: ['AnswerTooLargeError'],
    says: 'its answer is larger than 6 MB',
    hint: () => 'let the function answer with less, or send it less at a time (BufferSizeInMBs)',
  },
  {
    code: 'Lambda.FunctionRequestTimedOut',
    names: ['ETIMEDOUT', 'ESOCKETTIMEDOUT'],
    statuses: [408, 504],
    says: 'Lambda did not answer in time',
    hint: reach,
  },
  {
    code: 'Lambda.TargetServerFailedToRespond',
    // The SDK calls a broken connection a time-out; Node's code stands before that name.
    names: [
      'ECONN*',
      'EPIPE',
      'EHOST*',
      'ENET*',
      'ENOTFOUND',
      'EAI_AGAIN',
      'UnknownEndpoint',
      'TimeoutError',
    ],
    statuses: [502],
    says: 'Lambda could not be reached, or the connection broke',
    hint: reach,
  },
  {
    code: 'Lambda.ServiceUnavailable',
    names: ['ServiceUnavailable*'],
    statuses: [503],
    says: 'Lambda is not available',
    hint: reach,
  },
  {
    code: 'Lambda.InternalServerError',
    names: ['ServiceException', 'InternalFailure', 'InternalServerError', 'InternalServiceException'],
    statuses: [500],
    says: 'Lambda had an error of its own',
    hint: reach,
  },
]

const unknown: Row = {
  code: 'Lambda.InvocationFailure',
  names: [],
  says: 'Lambda refused the call',
  hint: () => 'see what Lambda says of the function, its runtime, its file systems and its keys',
}

/** @param cause an error of the client, or of a role's session */
export function lambdaFailure(cause: unknown, target: FunctionTarget): CallFailure {
  const doing = `invoke ${target.functionArn}`
  if (cause instanceof DestinationError) {
    const { message, hint = 'correct the RoleARN, or the trust policy of the role' } = cause
    return new CallFailure(`${doing}: ${message}`, { cause, code: 'Lambda.AssumeRoleAccessDenied', hint })
  }
  const { code, says, hint } = rowOf(cause)
  const name = namesOf(cause).find((known) => known !== 'Error')
  const quoted = name === undefined ? '' : ` (${name})`
  return new CallFailure(`${doing}: ${says}${quoted}`, { cause, code, hint: hint(target) })
}

/** The credentials were a session's, and it has ended. */
export function isEndedSession(cause: unknown): boolean {
  return namesOf(cause).some((name) => name.startsWith('ExpiredToken'))
}

function rowOf(cause: unknown): Row {
  for (const name of namesOf(cause)) {
    const row = lambdaFailures.find(({ names }) => names.some((known) => isNameOf(known, name)))
    if (row !== undefined) return row
  }
  const status = statusOf(cause)
  return lambdaFailures.find(({ statuses }) => status !== undefined && statuses?.includes(status)) ?? unknown
}

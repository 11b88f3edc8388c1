/** Why a role could not be assumed, in one table. All are retried: trust is granted, ARNs are corrected, STS comes back. */
import { DestinationError } from '../domain/errors.ts'
import { namesOf } from '../runtime/sdk-errors.ts'

/** What was asked, for sentences. */
interface Asked {
  readonly roleArn: string
  readonly accountId: string
  /** Absent: AWS. */
  readonly endpoint?: string | undefined
}

interface Row {
  readonly code: string
  readonly names: readonly string[]
  readonly says: string
  readonly hint: (asked: Asked) => string
}

const keys = 'objectStore.accessKeyId and secretAccessKey (left out: what the AWS SDK finds)'

export const roleFailures = [
  {
    code: 'AssumeRoleDenied',
    names: ['AccessDenied', 'AccessDeniedException', 'NoSuchEntity'],
    says: 'access denied',
    hint: ({ roleArn, accountId }) =>
      `the process needs sts:AssumeRole on ${roleArn}, and the role's trust policy must name it (external id ${accountId}, from aws.accountId)`,
  },
  {
    code: 'AssumeRoleInvalid',
    names: ['ValidationError', 'InvalidParameterValue', 'MalformedPolicyDocument', 'PackedPolicyTooLarge'],
    says: 'STS does not take this role',
    hint: ({ roleArn }) =>
      `${roleArn} must be the role of an account; a corrected RoleARN counts for later batches, this one keeps its plan`,
  },
  {
    code: 'AssumeRoleCredentials',
    names: [
      'InvalidClientTokenId',
      'SignatureDoesNotMatch',
      'IncompleteSignature',
      'MissingAuthenticationToken',
      'UnrecognizedClientException',
      'ExpiredToken',
      'ExpiredTokenException',
      'CredentialsProviderError',
      'TokenProviderError',
    ],
    says: "the process's own credentials were refused, or there are none",
    hint: () => `correct ${keys}`,
  },
  {
    code: 'AssumeRoleRegion',
    names: ['RegionDisabledException', 'RegionDisabled'],
    says: 'STS is not enabled in this region',
    hint: () => 'enable it in the account, or set aws.stsEndpoint to the one of another region',
  },
] as const satisfies readonly Row[]

export function assumeRoleError(cause: unknown, asked: Asked): DestinationError {
  const rows: readonly Row[] = roleFailures
  const names = namesOf(cause)
  const row = rows.find((known) => known.names.some((name) => names.includes(name)))
  const { roleArn, endpoint = 'AWS STS' } = asked
  const said = cause instanceof Error ? cause.message : String(cause)
  return new DestinationError(`assume role ${roleArn}: ${row?.says ?? `no session was given (${said})`}`, {
    cause,
    code: row?.code ?? 'AssumeRole',
    retryable: true,
    hint:
      row?.hint(asked) ??
      `see that ${endpoint} is up and can be reached from here; aws.stsEndpoint may be wrong`,
  })
}

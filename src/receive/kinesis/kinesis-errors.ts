/**
 * What can go wrong between us and Kinesis, in one table: what it means to a reader, what to say, and what an operator can
 * do. Whatever is not in it counts as unavailable, so that nothing is given up for a failure that nobody has seen yet.
 */
import { isNameOf, namesOf, statusOf } from '../../runtime/sdk-errors.ts'
import { DataStreamError, type DataStreamErrorKind } from './data-stream.ts'

/** What was asked, for sentences. */
export interface KinesisTarget {
  readonly arn: string
  /** Absent: AWS. */
  readonly endpoint: string | undefined
}

interface KinesisFailure {
  readonly kind: DataStreamErrorKind
  /** Names of errors of Kinesis or the SDK, or codes of Node's sockets; `*` at the end stands for the rest of a name. */
  readonly names: readonly string[]
  /** Matched when no row's names do, because proxies answer without a name. */
  readonly statuses?: readonly number[]
  readonly says: string
  readonly hint: (target: KinesisTarget) => string
  /** The service's own words name the shard, the role or the key, and no secret. */
  readonly isQuoted?: true
}

const ACTIONS = 'kinesis:DescribeStream, kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords'
const host = ({ endpoint }: KinesisTarget): string => endpoint ?? 'Kinesis in the region of the ARN'
const reachable = (target: KinesisTarget): string =>
  `see that ${host(target)} is up and can be reached from here`
const passes = (): string => 'it passes by itself'

/** Searched from the top, first by name, then by status. */
export const kinesisFailures = [
  {
    kind: 'throttled',
    names: ['ProvisionedThroughputExceededException'],
    says: 'the shard gives no more for now',
    hint: () =>
      'a shard gives 5 reads and 2 MB a second to all its consumers together: lower kinesis.readsPerSecond, or add shards',
    isQuoted: true,
  },
  {
    kind: 'throttled',
    names: ['KMSThrottlingException'],
    says: 'KMS asks to slow down',
    hint: () => "raise the quota of KMS requests of the data stream's account",
    isQuoted: true,
  },
  {
    kind: 'throttled',
    names: ['LimitExceededException', 'Throttling*', 'TooManyRequests*', 'RequestLimitExceeded', 'SlowDown'],
    statuses: [429],
    says: 'asked to slow down',
    hint: () => 'other programs of the account may call Kinesis too often; it passes by itself',
    isQuoted: true,
  },
  {
    kind: 'expired',
    names: ['ExpiredIteratorException'],
    says: 'the iterator has expired',
    hint: () => 'iterators live five minutes; the reader asks for another',
  },
  {
    kind: 'gone',
    names: ['ResourceNotFoundException'],
    says: 'there is no such data stream or shard',
    hint: ({ arn }) =>
      `see that ${arn} is there; a shard is gone once its records are older than the retention`,
    isQuoted: true,
  },
  {
    kind: 'invalid',
    names: ['InvalidArgumentException', 'Validation*', 'DryRunOperationException'],
    says: 'an argument was refused',
    hint: () => 'a checkpoint may be of another shard, or a starting time in the future',
    isQuoted: true,
  },
  {
    kind: 'denied',
    names: ['KMS*'],
    says: "the data stream's KMS key cannot be used",
    hint: () => 'see that the key is enabled, and that the credentials have kms:Decrypt on it',
    isQuoted: true,
  },
  {
    kind: 'denied',
    names: ['ExpiredToken*', 'TokenRefreshRequired'],
    says: 'the session credentials have expired',
    hint: () => 'renew the session token, or use credentials that renew themselves (a role)',
  },
  {
    kind: 'denied',
    names: ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'],
    says: "this machine's clock is too far from that of Kinesis",
    hint: () => 'synchronize the clocks (NTP)',
  },
  {
    kind: 'denied',
    names: ['CredentialsProviderError', 'TokenProviderError', 'MissingAuthenticationToken*'],
    says: 'no credentials were found',
    hint: () =>
      'set kinesis.accessKeyId and kinesis.secretAccessKey, or give the process a role or profile of AWS',
  },
  {
    kind: 'denied',
    names: [
      'UnrecognizedClient*',
      'InvalidClientTokenId',
      'InvalidAccessKeyId',
      'InvalidSignature*',
      'SignatureDoesNotMatch',
      'IncompleteSignature*',
    ],
    says: 'the credentials were refused',
    hint: () =>
      'correct the access key and secret, the region and the clock of this machine; a proxy that changes the host or path breaks signatures too',
  },
  {
    kind: 'denied',
    names: [
      'AccessDenied*',
      'NotAuthorized*',
      'Unauthorized*',
      'Forbidden*',
      'OptInRequired',
      'SubscriptionRequired*',
    ],
    statuses: [401, 403],
    says: 'access denied',
    hint: ({ arn }) => `the credentials need ${ACTIONS} on ${arn}`,
    isQuoted: true,
  },
  {
    kind: 'unavailable',
    names: ['ResourceInUseException'],
    says: 'the data stream is being created or deleted',
    hint: passes,
    isQuoted: true,
  },
  {
    kind: 'unavailable',
    names: ['ExpiredNextTokenException'],
    says: 'the list of shards took longer than its pages live',
    hint: () => 'it is asked again from its beginning; suspect a slow network',
  },
  {
    kind: 'unavailable',
    names: ['InternalFailure*', 'InternalServer*', 'InternalError', 'ServiceUnavailable*'],
    statuses: [500, 502, 503, 504],
    says: 'Kinesis failed inside',
    hint: (target) => `it mostly passes by itself; if not, look at the health of ${host(target)}`,
  },
  {
    kind: 'unavailable',
    names: ['TimeoutError', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'RequestTimeout*'],
    statuses: [408],
    says: 'no answer in time',
    hint: reachable,
  },
  {
    kind: 'unavailable',
    names: ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_*'],
    says: 'the connection broke',
    hint: reachable,
  },
  {
    kind: 'unavailable',
    names: [
      'ENOTFOUND',
      'ECONNREFUSED',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'EAI_AGAIN',
      'EAI_FAIL',
      'EADDRNOTAVAIL',
    ],
    says: 'it cannot be reached',
    hint: (target) => `${reachable(target)}; kinesis.endpoint or the region may be wrong`,
  },
  {
    kind: 'unavailable',
    names: [
      'CERT_*',
      'ERR_TLS_*',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_*',
      'EPROTO',
      'ERR_SSL_*',
    ],
    says: 'the TLS certificate was not accepted',
    hint: () =>
      'give Node the certificate authority (NODE_EXTRA_CA_CERTS), or see that https is spoken there',
  },
  {
    kind: 'unavailable',
    names: ['EndpointError'],
    says: 'the SDK knows no address for it',
    hint: ({ arn }) => `see that ${arn} and kinesis.region are right, or set kinesis.endpoint`,
  },
  {
    kind: 'unavailable',
    names: ['UnreadableAnswer'],
    statuses: [200, 301, 302, 307, 308, 404, 405],
    says: 'the answer is none of Kinesis',
    hint: (target) => `see that ${host(target)} is a Kinesis, and that no proxy answers in its place`,
    isQuoted: true,
  },
] as const satisfies readonly KinesisFailure[]

export const unknownFailure: KinesisFailure = {
  kind: 'unavailable',
  names: [],
  says: 'failed',
  hint: (target) => `the cause has the words of ${host(target)}; it will be tried again`,
}

/** @param doing a verb with its object, such as `read shardId-000000000001` */
export function dataStreamError(cause: unknown, doing: string, target: KinesisTarget): DataStreamError {
  if (cause instanceof DataStreamError) return cause
  const { row, code } = rowOf(cause)
  const words = row.isQuoted === true ? serviceWords(cause) : ''
  return new DataStreamError(`${doing}: ${row.says}${words === '' ? ` (${code})` : ` (${code}: ${words})`}`, {
    kind: row.kind,
    code,
    cause,
    hint: row.hint(target),
  })
}

export function isNamed(cause: unknown, name: string): boolean {
  return namesOf(cause).includes(name)
}

/** kinesis-local has no other name for a sequence number that the shard does not have; to AWS it is an argument. */
export function isUnknownSequenceNumber(cause: unknown): boolean {
  return isNamed(cause, 'ResourceNotFoundException') && /SequenceNumber/.test((cause as Error).message)
}

function rowOf(cause: unknown): { readonly row: KinesisFailure; readonly code: string } {
  const rows: readonly KinesisFailure[] = kinesisFailures
  const names = namesOf(cause)
  for (const name of names) {
    const row = rows.find((one) => one.names.some((known) => isNameOf(known, name)))
    if (row !== undefined) return { row, code: name }
  }
  const status = statusOf(cause)
  const row = rows.find(({ statuses }) => status !== undefined && statuses?.includes(status))
  const generic = new Set(['Error', 'Unknown', 'UnknownError', 'AggregateError', 'SyntaxError'])
  const own = names.find((name) => !generic.has(name))
  const code = own ?? (status === undefined ? 'Unknown' : `HTTP ${status}`)
  return { row: row ?? unknownFailure, code }
}

/** One line of what the service said, empty where it said nothing. */
function serviceWords(cause: unknown): string {
  const words = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').trim() : ''
  return words === 'UnknownError' ? '' : words.slice(0, 300)
}

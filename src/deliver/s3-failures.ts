/**
 * What can go wrong between us and an object store, in one table: the code that we count it under, what to say, and what
 * an operator can do. Codes are a closed set, because they are labels of a metric; the store's own words stay in the cause.
 *
 * Nothing here is permanent. Keys expire and are renewed, buckets are created, permissions are granted, disks are emptied;
 * so every failure is retried, for as long as the buffer keeps the batch. Only `Collision` is not (s3.ts makes it).
 */

import { kmsFailures } from './s3-kms-failures.ts'

/** What was tried, for sentences. `object` names a key; without one the bucket itself was asked. */
export interface S3Target {
  readonly bucket: string
  readonly object?: string
  /** Absent: AWS. */
  readonly endpoint?: string
  /** Absent: the bucket's default encryption. */
  readonly kmsKeyArn?: string
  /** Absent: the process's own credentials. */
  readonly roleArn?: string
  /** Absent: none is sent. */
  readonly acl?: string
}

export interface S3Failure {
  /** The code that metrics count. */
  readonly code: string
  /** Matched before all names with the words of an error: S3 calls what KMS denies by the name of what it denies itself. */
  readonly saying?: RegExp
  /** Names of S3 errors, of errors of the SDK, or codes of Node's sockets. */
  readonly names?: readonly string[]
  /** Matched when no row's names do, because proxies and HEAD answer without a name. */
  readonly statuses?: readonly number[]
  readonly says: string
  readonly hint: (target: S3Target) => string
  /** It often passes within seconds: tried again at once, inside one put. */
  readonly passing?: true
}

const host = (target: S3Target): string => target.endpoint ?? 'AWS S3'
const resource = ({ bucket, object }: S3Target): string =>
  `arn:aws:s3:::${bucket}${object === undefined ? '' : '/*'}`
const who = ({ roleArn }: S3Target): string =>
  roleArn === undefined ? 'the credentials need' : `${roleArn} needs`
const permission = ({ object, acl }: S3Target): string => {
  if (object === undefined) return 's3:ListBucket'
  const put = acl === undefined ? 's3:PutObject' : 's3:PutObject and s3:PutObjectAcl'
  return `${put} (and s3:GetObject, to recognize an object put before)`
}
const unreachable = (target: S3Target): string =>
  `see that ${host(target)} is up and can be reached from here`

/** What to do about keys that were refused: those of a role's session are replaced at the next try. */
const ownKeys =
  (hint: string) =>
  (target: S3Target): string =>
    target.roleArn === undefined
      ? hint
      : `another session of ${target.roleArn} is asked for at the next try; if that is refused as well, see that ${host(target)} takes sessions of this STS (aws.stsEndpoint)`

/** Searched from the top, first by name, then by status. */
export const s3Failures = [
  ...kmsFailures,
  {
    code: 'AccessDenied',
    names: [
      'AccessDenied',
      'Forbidden',
      'AllAccessDisabled',
      'AccountProblem',
      'NotSignedUp',
      'InvalidPayer',
    ],
    statuses: [401, 403],
    says: 'access denied',
    hint: (target) =>
      `${who(target)} ${permission(target)} on ${resource(target)}; look at the bucket's policy too`,
  },
  {
    code: 'NoSuchBucket',
    names: ['NoSuchBucket', 'NotFound', 'NoSuchKey'],
    statuses: [404],
    says: 'no such bucket',
    hint: (target) =>
      `create the bucket ${target.bucket} on ${host(target)}; a corrected BucketARN counts for later batches, this one keeps its plan`,
  },
  {
    code: 'SlowDown',
    names: [
      'SlowDown',
      'ServiceUnavailable',
      'Throttling',
      'ThrottlingException',
      'TooManyRequests',
      'RequestLimitExceeded',
    ],
    statuses: [429, 503],
    says: 'the store asks to slow down',
    hint: () => 'it passes as the store scales; if not, lower delivery.concurrency or raise SizeInMBs',
    passing: true,
  },
  {
    code: 'InvalidCredentials',
    names: [
      'InvalidAccessKeyId',
      'SignatureDoesNotMatch',
      'InvalidSecurity',
      'InvalidToken',
      'UnrecognizedClientException',
    ],
    says: 'the credentials were refused',
    hint: ownKeys(
      'correct objectStore.accessKeyId and secretAccessKey; a proxy that changes the host or path breaks signatures too',
    ),
  },
  {
    code: 'ExpiredToken',
    names: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'],
    says: 'the session credentials have expired',
    hint: ownKeys('renew the session token, or use credentials that renew themselves (a role)'),
  },
  {
    code: 'NoCredentials',
    names: ['CredentialsProviderError', 'TokenProviderError', 'AuthorizationHeaderMissing'],
    says: 'no credentials were found',
    hint: () =>
      'set objectStore.accessKeyId and secretAccessKey, or give the process a role or profile of AWS',
  },
  {
    code: 'RequestTimeTooSkewed',
    names: ['RequestTimeTooSkewed', 'RequestInTheFuture'],
    says: "this machine's clock is too far from the store's",
    hint: () => 'synchronize the clocks (NTP)',
    passing: true,
  },
  {
    code: 'WrongRegion',
    names: [
      'PermanentRedirect',
      'AuthorizationHeaderMalformed',
      'TemporaryRedirect',
      'IllegalLocationConstraintException',
      'IncorrectEndpoint',
      'MovedPermanently',
      'Redirect',
    ],
    statuses: [301, 302, 307, 308],
    says: 'the bucket is in another region, or at another endpoint',
    hint: (target) => `set objectStore.region (or endpoint) to where the bucket ${target.bucket} is`,
  },
  {
    code: 'EntityTooLarge',
    names: ['EntityTooLarge', 'MaxMessageLengthExceeded'],
    statuses: [413],
    says: 'the object is too large for the store',
    hint: () => 'raise the body limit of the store or of the proxy before it, or lower SizeInMBs',
  },
  {
    code: 'KeyTooLong',
    names: ['KeyTooLongError', 'KeyTooLong', 'InvalidURI'],
    statuses: [414],
    says: 'the store does not take this key',
    hint: () => 'shorten Prefix and ErrorOutputPrefix: a key may have 1024 bytes, on some stores fewer',
  },
  {
    code: 'StorageFull',
    names: ['XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'InsufficientStorage'],
    statuses: [507],
    says: 'the store is full',
    hint: () => 'make room in the store, or raise the quota',
  },
  {
    code: 'Conflict',
    names: ['ConditionalRequestConflict', 'OperationAborted', 'Conflict'],
    statuses: [409],
    says: 'another operation on the key was under way',
    hint: () => 'it passes by itself',
    passing: true,
  },
  {
    code: 'BadDigest',
    names: [
      'BadDigest',
      'InvalidDigest',
      'XAmzContentSHA256Mismatch',
      'XAmzContentChecksumMismatch',
      'IncompleteBody',
    ],
    says: 'the bytes did not arrive as they were sent',
    hint: () => 'suspect the network or a proxy that changes bodies',
    passing: true,
  },
  {
    // We have waited long ourselves: another try at once would hold the delivery's place from other streams.
    code: 'Timeout',
    names: ['TimeoutError', 'ETIMEDOUT', 'ESOCKETTIMEDOUT'],
    says: 'no answer in time; the object may or may not be there',
    hint: unreachable,
  },
  {
    code: 'Timeout',
    names: ['RequestTimeout', 'RequestTimeoutException'],
    statuses: [408, 504],
    says: 'the store gave up waiting; the object may or may not be there',
    hint: unreachable,
    passing: true,
  },
  {
    code: 'ConnectionLost',
    names: ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_*'],
    says: 'the connection broke; the object may or may not be there',
    hint: unreachable,
    passing: true,
  },
  {
    code: 'Unreachable',
    names: [
      'ENOTFOUND',
      'ECONNREFUSED',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'EAI_AGAIN',
      'EAI_FAIL',
      'EADDRNOTAVAIL',
    ],
    says: 'the store cannot be reached',
    hint: (target) => `${unreachable(target)}; objectStore.endpoint may be wrong`,
  },
  {
    code: 'Certificate',
    names: [
      'CERT_*',
      'ERR_TLS_*',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_*',
      'EPROTO',
      'ERR_SSL_*',
    ],
    says: "the store's TLS certificate was not accepted",
    hint: () =>
      'give Node the certificate authority (NODE_EXTRA_CA_CERTS), or see that https is spoken there',
  },
  {
    code: 'InvalidBucketName',
    names: ['InvalidBucketName', 'InvalidBucketNameException'],
    says: 'the bucket name is not valid',
    hint: () =>
      'custom endpoints mostly need objectStore.forcePathStyle: true; a corrected BucketARN counts for later batches, this one keeps its plan',
  },
  {
    code: 'NotImplemented',
    names: ['NotImplemented', 'XNotImplemented'],
    statuses: [501],
    says: 'the store does not know this request',
    hint: () => 'see docs/object-stores.md for what a store must do',
  },
  {
    code: 'InternalError',
    names: ['InternalError', 'InternalServerError'],
    statuses: [500, 502],
    says: 'the store failed inside',
    hint: (target) => `look at the health of ${host(target)}`,
    passing: true,
  },
  {
    code: 'BadRequest',
    names: ['InvalidRequest', 'InvalidArgument', 'MalformedXML', 'MethodNotAllowed', 'MissingContentLength'],
    statuses: [400, 405, 411],
    says: 'the store refused the request',
    hint: (target) => `see docs/object-stores.md for what ${host(target)} must do`,
  },
] as const satisfies readonly S3Failure[]

export type S3FailureCode = (typeof s3Failures)[number]['code'] | 'Aborted' | 'Collision' | 'Unknown'

export const unknownFailure: S3Failure = {
  code: 'Unknown',
  says: 'failed',
  hint: (target) => `the cause has the words of ${host(target)}; it will be tried again`,
}

/** Every failure of an object store that we know, as it comes: retried for ever, counted by a code, with a next step. */
import { describe, expect, test } from 'vitest'
import { classifyS3Error } from '../../src/deliver/s3-errors.ts'
import { s3Failures, type S3FailureCode } from '../../src/deliver/s3-failures.ts'

const target = { bucket: 'lake', object: 'orders/1.parquet', endpoint: 'http://store:9000' }

/** An error as the SDK makes it of an answer. */
function answered(status: number, name: string): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } })
}

/** As S3 words what it, or KMS on its behalf, does not allow. */
function notAllowed(message: string): Error {
  return Object.assign(new Error(message), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } })
}

/** An error of a socket as the SDK passes it on. */
function broken(code: string, name = 'Error'): Error {
  return Object.assign(new Error(code), { name, code })
}

function classify(cause: unknown) {
  return classifyS3Error(cause, 'put s3://lake/orders/1.parquet', target)
}

const rows: readonly (readonly [S3FailureCode, Error])[] = [
  ['AccessDenied', answered(403, 'AccessDenied')],
  ['AccessDenied', answered(403, 'UnknownError')],
  ['AccessDenied', answered(401, 'UnknownError')],
  ['NoSuchBucket', answered(404, 'NoSuchBucket')],
  ['NoSuchBucket', answered(404, 'NotFound')],
  ['SlowDown', answered(503, 'SlowDown')],
  ['SlowDown', answered(503, 'UnknownError')],
  ['SlowDown', answered(429, 'TooManyRequests')],
  ['InvalidCredentials', answered(403, 'InvalidAccessKeyId')],
  ['InvalidCredentials', answered(403, 'SignatureDoesNotMatch')],
  ['ExpiredToken', answered(400, 'ExpiredToken')],
  ['NoCredentials', broken('', 'CredentialsProviderError')],
  ['RequestTimeTooSkewed', answered(403, 'RequestTimeTooSkewed')],
  ['WrongRegion', answered(301, 'PermanentRedirect')],
  ['WrongRegion', answered(400, 'AuthorizationHeaderMalformed')],
  ['WrongRegion', answered(301, 'UnknownError')],
  ['KMS', answered(400, 'KMS.DisabledException')],
  ['KMS', answered(400, 'KMS.NotFoundException')],
  ['KMS', answered(400, 'KMS.KMSInvalidStateException')],
  ['KMS', answered(400, 'KMS.InvalidKeyUsageException')],
  ['KMS', answered(400, 'KMS.ThrottlingException')],
  ['KMS', answered(400, 'KMS.SomethingNew')],
  [
    'KMS',
    notAllowed(
      'User: arn:aws:iam::1:user/x is not authorized to perform: kms:GenerateDataKey on resource: k',
    ),
  ],
  ['EntityTooLarge', answered(400, 'EntityTooLarge')],
  ['EntityTooLarge', answered(413, 'UnknownError')],
  ['KeyTooLong', answered(400, 'KeyTooLongError')],
  ['StorageFull', answered(507, 'XMinioStorageFull')],
  ['Conflict', answered(409, 'ConditionalRequestConflict')],
  ['Conflict', answered(409, 'OperationAborted')],
  ['BadDigest', answered(400, 'BadDigest')],
  ['BadDigest', answered(400, 'XAmzContentSHA256Mismatch')],
  ['Timeout', broken('ETIMEDOUT', 'TimeoutError')],
  ['Timeout', answered(400, 'RequestTimeout')],
  ['Timeout', answered(504, 'UnknownError')],
  [
    'Timeout',
    Object.assign(new Error('aborted', { cause: new DOMException('late', 'TimeoutError') }), {
      name: 'AbortError',
    }),
  ],
  ['ConnectionLost', broken('ECONNRESET', 'TimeoutError')],
  ['ConnectionLost', broken('EPIPE', 'TimeoutError')],
  ['ConnectionLost', broken('HPE_INVALID_CONSTANT')],
  ['Unreachable', broken('ENOTFOUND')],
  ['Unreachable', broken('ECONNREFUSED')],
  ['Unreachable', Object.assign(new AggregateError([broken('ECONNREFUSED')]), { code: undefined })],
  ['Unreachable', broken('EAI_AGAIN')],
  ['Certificate', broken('SELF_SIGNED_CERT_IN_CHAIN')],
  ['Certificate', broken('CERT_HAS_EXPIRED')],
  ['Certificate', broken('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
  ['InvalidBucketName', answered(400, 'InvalidBucketName')],
  ['NotImplemented', answered(501, 'NotImplemented')],
  ['NotImplemented', answered(501, 'UnknownError')],
  ['InternalError', answered(500, 'InternalError')],
  ['InternalError', answered(500, 'UnknownError')],
  ['InternalError', answered(502, 'UnknownError')],
  ['BadRequest', answered(400, 'InvalidRequest')],
  ['BadRequest', answered(405, 'MethodNotAllowed')],
  ['BadRequest', answered(400, 'SomethingNew')],
  ['Unknown', new TypeError('x is not a function')],
  ['Unknown', answered(418, 'Teapot')],
]

describe('a failure is classified', () => {
  test.each(rows.map(([code, cause]) => ({ code, name: cause.name, cause })))(
    '$code of $name',
    ({ code, cause }) => {
      const { error } = classify(cause)
      expect(error).toMatchObject({ code, retryable: true, cause })
      expect(error.message).toMatch(/^put s3:\/\/lake\/orders\/1\.parquet: [^A-Z]/)
      expect(error.hint).toMatch(/\w{3}/)
    },
  )

  test('every row of the table has a case here', () => {
    const tested = new Set<string>(rows.map(([code]) => code))
    expect(s3Failures.map(({ code }) => code).filter((code) => !tested.has(code))).toEqual([])
  })

  test('every name and status stands in one row', () => {
    const names = s3Failures.flatMap((row) => [...row.names])
    const statuses = s3Failures.flatMap((row) => ('statuses' in row ? [...row.statuses] : []))
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(statuses).size).toBe(statuses.length)
  })
})

test('an answer that the SDK could not read is known by its status', () => {
  const cause = Object.assign(new SyntaxError('not XML'), { $response: { statusCode: 503 } })
  expect(classify(cause).error).toMatchObject({ code: 'SlowDown' })
})

test('what the store called the failure stays in the message', () => {
  expect(classify(answered(403, 'SignatureDoesNotMatch')).error.message).toContain('(SignatureDoesNotMatch)')
  expect(classify(answered(403, 'UnknownError')).error.message).toContain('(HTTP 403)')
  expect(classify(answered(403, 'AccessDenied')).error.message).toBe(
    'put s3://lake/orders/1.parquet: access denied',
  )
})

test('access denied names the permission and the resource', () => {
  const denied = answered(403, 'AccessDenied')
  expect(classify(denied).error.hint).toMatch(/s3:PutObject.* on arn:aws:s3:::lake\/\*/)
  const bucket = classifyS3Error(denied, 'reach bucket lake', { bucket: 'lake' })
  expect(bucket.error.hint).toMatch(/s3:ListBucket on arn:aws:s3:::lake;/)
})

test('a key that cannot be used is named, with who needs what', () => {
  const kmsKeyArn = 'arn:aws:kms:eu-central-1:1:key/2'
  const said = (cause: Error, place: object = { kmsKeyArn }) => {
    const { message, hint } = classifyS3Error(cause, 'put x', { ...target, ...place }).error
    return `${message}; ${hint}`
  }
  const noKey = notAllowed('User: u is not authorized to perform: kms:GenerateDataKey on resource: r')
  expect(said(noKey)).toBe(
    `put x: the use of the KMS key was denied (AccessDenied); let the credentials use kms:GenerateDataKey and kms:Decrypt on ${kmsKeyArn}, in a policy of theirs and in the key's own`,
  )
  expect(said(noKey, { roleArn: 'arn:aws:iam::1:role/r' })).toContain(
    "let arn:aws:iam::1:role/r use kms:GenerateDataKey and kms:Decrypt on the bucket's KMS key",
  )
  expect(said(answered(400, 'KMS.DisabledException'))).toContain(
    `disabled (KMS.DisabledException); enable ${kmsKeyArn}`,
  )
  expect(said(answered(400, 'KMS.NotFoundException'))).toMatch(
    /in the region of the bucket lake; a corrected AWSKMSKeyARN counts for later batches/,
  )
  expect(classify(answered(400, 'KMS.ThrottlingException')).passing).toBe(true)
  expect(classify(noKey).passing).toBe(false)
})

test('with an ACL, access denied names the permission that it needs', () => {
  const acl = 'bucket-owner-full-control'
  const { hint } = classifyS3Error(notAllowed('Access Denied'), 'put x', { ...target, acl }).error
  expect(hint).toContain('s3:PutObject and s3:PutObjectAcl')
})

test('only what often passes in seconds is tried again at once', () => {
  expect(classify(answered(503, 'SlowDown')).passing).toBe(true)
  expect(classify(broken('ECONNRESET')).passing).toBe(true)
  expect(classify(answered(403, 'AccessDenied')).passing).toBe(false)
  expect(classify(answered(404, 'NoSuchBucket')).passing).toBe(false)
})

test('something thrown that is no error is a failure too', () => {
  expect(classify('odd').error).toMatchObject({ code: 'Unknown', retryable: true })
})

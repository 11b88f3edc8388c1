/** Every failure of Kinesis that we know, as it comes: what it means to a reader, with a next step for the operator. */
import * as kinesis from '@aws-sdk/client-kinesis'
import { describe, expect, test } from 'vitest'
import { DataStreamError, type DataStreamErrorKind } from '../../src/receive/kinesis/data-stream.ts'
import { UnreadableAnswer } from '../../src/receive/kinesis/get-records.ts'
import {
  dataStreamError,
  isUnknownSequenceNumber,
  kinesisFailures,
} from '../../src/receive/kinesis/kinesis-errors.ts'

const arn = 'arn:aws:kinesis:eu-central-1:123456789012:stream/orders'
const target = { arn, endpoint: undefined }

/** An error as the SDK makes it of an answer. */
function answered(name: string, status = 400, text = name): Error {
  return Object.assign(new Error(text), { name, $metadata: { httpStatusCode: status } })
}

/** An error of a socket as the SDK passes it on. */
function broken(code: string, name = 'Error'): Error {
  return Object.assign(new Error(code), { name, code })
}

function translate(cause: unknown): DataStreamError {
  return dataStreamError(cause, 'read shardId-000000000001', target)
}

const rows: readonly (readonly [DataStreamErrorKind, Error])[] = [
  ['throttled', answered('ProvisionedThroughputExceededException')],
  ['throttled', answered('KMSThrottlingException')],
  ['throttled', answered('LimitExceededException')],
  ['throttled', answered('ThrottlingException')],
  ['throttled', answered('UnknownError', 429)],
  ['expired', answered('ExpiredIteratorException')],
  ['gone', answered('ResourceNotFoundException')],
  ['invalid', answered('InvalidArgumentException')],
  ['invalid', answered('ValidationException')],
  ['invalid', answered('DryRunOperationException')],
  ['denied', answered('KMSAccessDeniedException')],
  ['denied', answered('KMSDisabledException')],
  ['denied', answered('KMSInvalidStateException')],
  ['denied', answered('KMSNotFoundException')],
  ['denied', answered('KMSOptInRequired')],
  ['denied', answered('ExpiredTokenException')],
  ['denied', answered('RequestExpired')],
  ['denied', broken('', 'CredentialsProviderError')],
  ['denied', answered('MissingAuthenticationTokenException', 403)],
  ['denied', answered('UnrecognizedClientException')],
  ['denied', answered('InvalidSignatureException')],
  ['denied', answered('IncompleteSignatureException')],
  ['denied', answered('AccessDeniedException')],
  ['denied', answered('UnknownError', 403)],
  ['denied', answered('UnknownError', 401)],
  ['unavailable', answered('ResourceInUseException')],
  ['unavailable', answered('ExpiredNextTokenException')],
  ['unavailable', answered('InternalFailureException', 500)],
  ['unavailable', answered('InternalFailure', 500)],
  ['unavailable', answered('ServiceUnavailable', 503)],
  ['unavailable', answered('UnknownError', 500)],
  ['unavailable', answered('UnknownError', 502)],
  ['unavailable', answered('UnknownError', 504)],
  ['unavailable', broken('ETIMEDOUT', 'TimeoutError')],
  ['unavailable', broken('', 'TimeoutError')],
  ['unavailable', answered('UnknownError', 408)],
  ['unavailable', broken('ECONNRESET', 'TimeoutError')],
  ['unavailable', broken('EPIPE', 'TimeoutError')],
  ['unavailable', broken('HPE_INVALID_CONSTANT')],
  ['unavailable', broken('ECONNREFUSED')],
  ['unavailable', broken('ENOTFOUND')],
  ['unavailable', Object.assign(new AggregateError([broken('ECONNREFUSED')]), { code: undefined })],
  ['unavailable', broken('SELF_SIGNED_CERT_IN_CHAIN')],
  ['unavailable', broken('CERT_HAS_EXPIRED')],
  ['unavailable', answered('EndpointError')],
  ['unavailable', new UnreadableAnswer('it has no list of records')],
  ['unavailable', answered('SyntaxError', 200)],
  ['unavailable', answered('UnknownError', 404)],
  ['unavailable', answered('UnknownError', 302)],
  ['unavailable', new TypeError('x is not a function')],
  ['unavailable', answered('SomethingNew')],
]

describe('a failure is translated', () => {
  test.each(rows.map(([kind, cause]) => ({ kind, name: cause.name, cause })))(
    '$kind of $name',
    ({ kind, cause }) => {
      const error = translate(cause)
      expect(error).toBeInstanceOf(DataStreamError)
      expect(error).toMatchObject({ kind, cause })
      expect(error.code).toMatch(/\w{3}/)
      expect(error.message).toMatch(
        /^read shardId-000000000001: (the SDK|[^A-Z]*(Kinesis|KMS|TLS)?)[^A-Z]* \(.*\)$/,
      )
      expect(error.hint).toMatch(/\w{3}/)
    },
  )

  test('every row of the table has a case here', () => {
    const said = new Set(rows.map(([, cause]) => saidOf(translate(cause))))
    expect(kinesisFailures.map(({ says }) => says).filter((says) => !said.has(says))).toEqual([])
  })

  test('every name and status stands in one row', () => {
    const names = kinesisFailures.flatMap((row) => [...row.names])
    const statuses = kinesisFailures.flatMap((row) => ('statuses' in row ? [...row.statuses] : []))
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(statuses).size).toBe(statuses.length)
  })

  test('every exception that the SDK knows is in the table', () => {
    const known = Object.keys(kinesis).filter((name) => /Exception$|^KMS/.test(name))
    expect(known.length).toBeGreaterThan(14)
    const unknown = known.filter((name) => saidOf(translate(answered(name))) === 'failed')
    expect(unknown).toEqual(['KinesisServiceException'])
  })
})

/** What the row of an error says: the message without what was done and the code. */
function saidOf({ message }: DataStreamError): string {
  return message.replace(/^read shardId-000000000001: /, '').replace(/ \(.*\)$/, '')
}

test('the words of the service are in the message on one line, cut where they are long', () => {
  const words = 'StartingSequenceNumber 495 used in GetShardIterator\n  did not come from this stream'
  expect(translate(answered('InvalidArgumentException', 400, words)).message).toBe(
    'read shardId-000000000001: an argument was refused (InvalidArgumentException: ' +
      'StartingSequenceNumber 495 used in GetShardIterator did not come from this stream)',
  )
  const long = translate(answered('AccessDeniedException', 400, 'x'.repeat(10_000)))
  expect(long.message.length).toBeLessThan(400)
})

test('words that may hold a signature or a token stay out of the message', () => {
  const words = 'The Canonical String should have been x-amz-security-token:SECRET'
  for (const name of ['InvalidSignatureException', 'ExpiredTokenException', 'UnrecognizedClientException'])
    expect(translate(answered(name, 400, words)).message).not.toContain('SECRET')
})

test('an answer without a name is coded by its status', () => {
  expect(translate(answered('Unknown', 503, 'UnknownError'))).toMatchObject({
    code: 'HTTP 503',
    message: 'read shardId-000000000001: Kinesis failed inside (HTTP 503)',
  })
})

test('the code of a broken connection is that of the socket', () => {
  expect(translate(broken('ECONNRESET', 'TimeoutError')).code).toBe('ECONNRESET')
  expect(translate(new Error('fetch failed', { cause: broken('ENOTFOUND') })).code).toBe('ENOTFOUND')
})

test('access denied names the actions and the data stream', () => {
  expect(translate(answered('AccessDeniedException')).hint).toMatch(/kinesis:GetRecords.* on arn:aws:kinesis/)
})

test('hints name the endpoint where there is one', () => {
  const local = { arn, endpoint: 'http://127.0.0.1:4568' }
  expect(dataStreamError(broken('ECONNREFUSED'), 'read x', local).hint).toContain('http://127.0.0.1:4568')
})

test('an error that was translated stays as it is, and what is no error is a failure', () => {
  const own = translate(answered('ExpiredIteratorException'))
  expect(translate(own)).toBe(own)
  expect(translate('odd')).toMatchObject({ kind: 'unavailable', code: 'Unknown' })
})

test('a sequence number that a shard does not have is told from a shard that is not there', () => {
  const record = 'Unable to find record with provided SequenceNumber SequenceNumber(49999) in stream None'
  const shard = 'Could not find shardId shardId-000000000099 in stream s'
  expect(isUnknownSequenceNumber(answered('ResourceNotFoundException', 400, record))).toBe(true)
  expect(isUnknownSequenceNumber(answered('ResourceNotFoundException', 400, shard))).toBe(false)
})

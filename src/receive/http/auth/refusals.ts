/** What callers are told whose proof fails: the service's exceptions and sentences. None says what would have been right. */
import { hash } from 'node:crypto'
import { ClientError } from '../../../domain/errors.ts'

export function missingToken(): ClientError {
  return new ClientError('MissingAuthenticationTokenException', 'Missing Authentication Token')
}

export function incomplete(message: string): ClientError {
  return new ClientError('IncompleteSignatureException', message)
}

export function invalidSignature(message: string): ClientError {
  return new ClientError('InvalidSignatureException', message)
}

export function mismatch(): ClientError {
  return invalidSignature(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  )
}

export function unsigned(header: string): ClientError {
  return invalidSignature(`${header} must be a 'SignedHeader' in the AWS Authorization.`)
}

export function unknownClient(): ClientError {
  return new ClientError(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  )
}

export function expiredToken(): ClientError {
  return new ClientError('ExpiredTokenException', 'The security token included in the request is expired')
}

/** Names a header that must not be repeated. */
export function digestOf(header: string): string {
  return hash('sha256', Buffer.from(header, 'latin1'), 'base64')
}

/** Recomputes the signature (SigV4) of a request that a server received, with the secret that it should have been made with. */
import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface ReceivedRequest {
  readonly method: string
  /** As it stood in the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Needed where no header holds its digest. */
  readonly body?: string
}

export interface SignedBy {
  readonly accessKeyId: string
  readonly signature: string
  /** What the signature had to be. */
  expected(secretAccessKey: string): string
}

/** @throws when the request is not signed in its Authorization header */
export function signedBy({ method, url, headers, body = '' }: ReceivedRequest): SignedBy {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  const [, accessKeyId = '', scope = '', signedHeaders = '', signature = ''] = parts ?? []
  if (parts === null) throw new Error(`not signed: ${headers.authorization}`)
  const [path = '', query = ''] = url.split('?')
  const canonical = [
    method,
    path,
    query.split('&').toSorted().join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedHeaders,
    headers['x-amz-content-sha256'] ?? sha256(body),
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  return {
    accessKeyId,
    signature,
    expected(secretAccessKey) {
      const key = scope.split('/').reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`))
      return hmac(key, toSign).toString('hex')
    },
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

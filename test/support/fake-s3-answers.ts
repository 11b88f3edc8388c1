/** The answers of the fake object store, in S3's XML. */
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { S3Refusal } from './fake-s3-body.ts'

export interface Target {
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
}
export interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array | { path: string }
}

export function listing(bucket: string, all: readonly string[], query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const max = Number(query.get('max-keys') ?? 1000)
  const matching = all.filter((key) => key.startsWith(prefix) && key > after)
  const page = matching.slice(0, max)
  const more = matching.length > page.length
  const written = (key: string): string =>
    query.get('encoding-type') === 'url' ? encodeURIComponent(key) : escaped(key)
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${bucket}</Name><Prefix>${written(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${max}</MaxKeys><IsTruncated>${more}</IsTruncated>${
    more ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>` : ''
  }${page.map((key) => `<Contents><Key>${written(key)}</Key></Contents>`).join('')}</ListBucketResult>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"'\r\n]/g, (character) => `&#${character.charCodeAt(0)};`)
}

export function refusal(error: unknown, target: Target): Answer {
  if (!(error instanceof S3Refusal)) throw error
  return errorAnswer(error.status, error.code, error.message, target)
}

export function errorAnswer(status: number, code: string, message: string, { bucket, key }: Target): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${escaped(message)}</Message><Resource>${escaped(`/${bucket}/${key}`)}</Resource><RequestId>fake</RequestId></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers = {}, body = '' }: Answer,
): void {
  const file = typeof body === 'object' && 'path' in body ? body.path : undefined
  const bytes =
    typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : Buffer.alloc(0)
  const length = file === undefined ? { 'content-length': String(bytes.length) } : {}
  response.writeHead(status, { 'x-amz-request-id': 'fake', ...length, ...headers })
  if (request.method === 'HEAD') response.end()
  else if (file === undefined) response.end(bytes)
  else createReadStream(file).pipe(response)
}

/** The API with credentials, and requests that AWS's own signer signed, to send as they are or spoilt. */
import { createHash, createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { createAuthenticate, type Authenticate } from '../../src/receive/http/auth/authenticate.ts'
import { createKeyring, type Credential, type Keyring } from '../../src/receive/http/auth/keyring.ts'
import { ACCOUNT_ID } from './api-inputs.ts'

export const REGION = 'us-east-1'

export const everything: Credential = {
  accessKeyId: 'AKIDEVERYTHING',
  secretAccessKey: 'secret+of/everything',
  allow: ['firehose:*'],
  resources: ['*', 'arn:aws:s3:::*'],
}

export interface Asking {
  readonly credentials?: readonly Credential[]
  readonly declared?: ReadonlySet<string>
  readonly allowUnsignedPayload?: boolean
  readonly now?: () => number
}

/** What asks for these credentials, and the ring to change them. */
export function asking(changes: Asking = {}): { authenticate: Authenticate; keyring: Keyring } {
  const declared = changes.declared ?? new Set<string>()
  const keyring = createKeyring({ region: REGION, accountId: ACCOUNT_ID }, () => declared)
  keyring.replace(changes.credentials ?? [everything])
  const authenticate = createAuthenticate({
    keyring,
    region: REGION,
    service: 'firehose',
    now: changes.now ?? Date.now,
    allowUnsignedPayload: changes.allowUnsignedPayload ?? false,
  })
  return { authenticate, keyring }
}

/** The signer wants hashes in this shape. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {
    throw new Error('not needed')
  }
}

function bytesOf(secret: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof secret === 'string') return Buffer.from(secret)
  return ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret)
}

export interface Signing {
  readonly port: number
  readonly operation: string
  /** A text is sent as it is, anything else as JSON. */
  readonly body: unknown
  readonly credential?: Pick<Credential, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: string
  readonly query?: Record<string, string | string[]>
  readonly method?: string
  readonly region?: string
  readonly service?: string
  readonly date?: Date
  /** Leaves out X-Amz-Content-Sha256, as boto3 does. */
  readonly announcesNoHash?: boolean
}

export interface SignedRequest {
  readonly port: number
  readonly method: string
  readonly target: string
  headers: Record<string, string>
  readonly body: Buffer
}

export async function signedRequest(signing: Signing): Promise<SignedRequest> {
  const { port, operation, credential = everything, query, method = 'POST', path = '/' } = signing
  const body =
    typeof signing.body === 'string' || Buffer.isBuffer(signing.body)
      ? Buffer.from(signing.body)
      : Buffer.from(JSON.stringify(signing.body))
  const signer = new SignatureV4({
    service: signing.service ?? 'firehose',
    region: signing.region ?? REGION,
    credentials: {
      accessKeyId: credential.accessKeyId,
      secretAccessKey: credential.secretAccessKey,
      ...(credential.sessionToken === undefined ? {} : { sessionToken: credential.sessionToken }),
    },
    sha256: Sha256,
    applyChecksum: signing.announcesNoHash !== true,
  })
  const { headers } = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: '127.0.0.1',
      port,
      path,
      query: query ?? {},
      headers: {
        host: `127.0.0.1:${port}`,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Firehose_20150804.${operation}`,
        ...signing.headers,
      },
      body,
    },
    { signingDate: signing.date ?? new Date() },
  )
  return { port, method, target: `${path}${queryString(query)}`, headers, body }
}

function queryString(query: Signing['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`),
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Header by header as it is told; nothing is added but the length. */
export function send({ port, method, target, headers, body }: SignedRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method,
        path: target,
        headers: { ...headers, 'content-length': String(body.length) },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** The request as bytes, for a socket. */
export function onWire({ method, target, headers, body }: SignedRequest, version = 'HTTP/1.1'): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${target} ${version}\r\n${lines.join('')}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

/** The API's server over a memory store, or a real service named by FIREHOSE_ENDPOINT, and clients for both. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { FirehoseClient } from '@aws-sdk/client-firehose'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { createAccept } from '../../src/receive/accept.ts'
import { createApiServer, type ApiServer, type ApiServerOptions } from '../../src/receive/http/server.ts'
import { createStreamDirectory } from '../../src/receive/stream-directory.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { ACCOUNT_ID } from './api-inputs.ts'
import { MemoryStore } from './memory-store.ts'

export interface ServedApi extends Pick<ApiServer, 'certify' | 'stop'> {
  readonly url: string
  readonly port: number
  readonly store: MemoryStore
  readonly metrics: Metrics
}

export async function serveApi(
  changes: Partial<ApiServerOptions> = {},
  store: MemoryStore = new MemoryStore(),
): Promise<ServedApi> {
  const log = createLog('silent')
  const metrics = new Metrics()
  const front = createAccept({
    buffer: store.buffer,
    dispatch: async () => undefined,
    clock: systemClock,
    metrics,
    log,
    epoch: randomBytes(8).toString('hex'),
  })
  const server = createApiServer({
    host: '127.0.0.1',
    port: 0,
    maxInFlightBytes: 64 * 1024 * 1024,
    accept: front.accept,
    directory: createStreamDirectory({ registry: store.registry, clock: systemClock }),
    registry: store.registry,
    region: 'us-east-1',
    accountId: ACCOUNT_ID,
    limits: 'aws',
    allowBeyondLoopback: false,
    clock: systemClock,
    metrics,
    log,
    ...changes,
  })
  const { port } = await server.start()
  return {
    url: `${changes.certified === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    store,
    metrics,
    certify: (certified) => server.certify(certified),
    stop: () => server.stop(),
  }
}

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export function firehoseClient(endpoint: string, keys?: Keys): FirehoseClient {
  return new FirehoseClient({
    endpoint,
    region: process.env['AWS_REGION'] ?? 'us-east-1',
    maxAttempts: 1,
    ...(process.env['FIREHOSE_ENDPOINT'] === undefined ? { credentials: signingKeys(keys) } : {}),
  })
}

function signingKeys({ accessKeyId, secretAccessKey, sessionToken }: Keys = TEST_KEYS) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

const TEST_KEYS: Keys = { accessKeyId: 'test', secretAccessKey: 'test' }

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** One operation by hand; a string body is sent as it is. */
export async function call(url: string, operation: string, body: unknown): Promise<RawAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'x-amz-target': `Firehose_20150804.${operation}`,
      'content-type': 'application/x-amz-json-1.1',
    },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Bytes over a socket, and everything that comes back until it closes. */
export function speak(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', (piece: Buffer) => (text += piece.toString()))
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** What goes over the wire to an object store, read from the socket: one put, of known length, framed by nothing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { createS3Destination, type S3Options } from '../../src/deliver/s3.ts'
import type { ObjectBody, ObjectToPut } from '../../src/domain/ports.ts'

const signal = new AbortController().signal
const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, 'abcdefg')
/** Of `bytes`, by another program. */
const CRC32 = 'hjBTeQ=='
let folder: string
let capture: Capture | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-wire-'))
  await writeFile(join(folder, 'staged'), bytes)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await capture?.close()
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const bodies: Record<string, () => ObjectBody> = {
  bytes: () => ({ bytes }),
  'a staged file': () => ({ path: join(folder, 'staged'), length: bytes.length }),
}

for (const [kind, body] of Object.entries(bodies)) {
  for (const checksum of ['none', 'crc32'] as const) {
    test(`a put of ${kind} with checksum ${checksum} is one plain request`, async () => {
      capture = await startCapture()
      const sent = await putThrough(capture, { checksum }, body())
      expect(sent.line).toBe('PUT /lake/orders/a%3D1/x.parquet?x-id=PutObject HTTP/1.1')
      expect(sent.headers['content-length']).toBe(String(bytes.length))
      expect(sent.headers['transfer-encoding']).toBeUndefined()
      expect(sent.headers['content-encoding']).toBeUndefined()
      expect(sent.headers['x-amz-trailer']).toBeUndefined()
      expect(sent.headers['expect']).toBeUndefined()
      expect(sent.headers['x-amz-content-sha256']).not.toMatch(/^STREAMING/)
      expect(sent.headers['x-amz-checksum-crc32']).toBe(checksum === 'crc32' ? CRC32 : undefined)
      expect(sent.headers['if-none-match']).toBe('*')
      expect(sent.headers['content-type']).toBe('application/octet-stream')
      expect(sent.headers['x-amz-meta-hydrant-batch']).toBe('1-00')
      expect(sent.headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 /)
      expect(sent.body.equals(bytes)).toBe(true)
      expect(sent.rest).toBe(0)
    })
  }
}

test('to AWS the checksum is a header, and a large body waits to be asked for', async () => {
  capture = await startCapture()
  // Without an endpoint of ours it is AWS; the SDK lets its own be moved.
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${capture.port}`)
  for (const body of Object.values(bodies)) {
    const sent = await putThrough(capture, { endpoint: undefined, region: 'us-east-1' }, body())
    expect(sent.headers).toMatchObject({
      'content-length': String(bytes.length),
      'x-amz-checksum-crc32': CRC32,
      expect: '100-continue',
      'if-none-match': '*',
    })
    expect(sent.headers['transfer-encoding']).toBeUndefined()
    expect(sent.headers['content-encoding']).toBeUndefined()
    expect(sent.headers['x-amz-trailer']).toBeUndefined()
    expect(sent.body.equals(bytes)).toBe(true)
    expect(sent.rest).toBe(0)
  }
})

test('a content encoding is the one that the object has', async () => {
  capture = await startCapture()
  const sent = await putThrough(capture, {}, { bytes: Buffer.from('x') }, { contentEncoding: 'gzip' })
  expect(sent.headers['content-encoding']).toBe('gzip')
})

test('a key of KMS and an ACL are headers of the put; without them there are none', async () => {
  capture = await startCapture()
  const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const acl = 'bucket-owner-full-control'
  const sent = await putThrough(capture, { acl }, { bytes: Buffer.from('x') }, { kmsKeyArn })
  expect(sent.headers).toMatchObject({
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyArn,
    'x-amz-acl': acl,
  })
  // S3 takes no header of this sort that is not signed.
  for (const header of ['x-amz-server-side-encryption-aws-kms-key-id', 'x-amz-acl'])
    expect(sent.headers['authorization']).toContain(header)
  const plain = await putThrough(capture, {}, { bytes: Buffer.from('x') })
  expect(Object.keys(plain.headers).filter((name) => /encryption|acl/.test(name))).toEqual([])
})

test('keys go out as they are, dots and double slashes too', async () => {
  capture = await startCapture()
  const sent = await putThrough(capture, {}, { bytes: Buffer.from('x') }, { key: '/a//b/../c d%25+é' })
  expect(sent.line).toBe('PUT /lake//a//b/../c%20d%2525%2B%C3%A9?x-id=PutObject HTTP/1.1')
})

async function putThrough(
  { port, received }: Capture,
  options: Partial<Omit<S3Options, 'endpoint'>> & { endpoint?: undefined },
  body: ObjectBody,
  change: Partial<Pick<ObjectToPut, 'key' | 'contentEncoding' | 'kmsKeyArn'>> = {},
): Promise<SentRequest> {
  const { endpoint: _, ...others } = options
  const s3 = createS3Destination({
    ...('endpoint' in options ? {} : { endpoint: `http://127.0.0.1:${port}` }),
    accessKeyId: 'test',
    secretAccessKey: 'test',
    log: createLog('silent'),
    ...others,
  })
  try {
    const key = 'orders/a=1/x.parquet'
    const contentType = 'application/octet-stream'
    const metadata = { 'hydrant-batch': '1-00' }
    await s3.put({ bucket: 'lake', key, body, contentType, metadata, ...change }, signal)
  } finally {
    s3.close()
  }
  return parseRequest(received())
}

interface Capture {
  readonly port: number
  readonly received: () => Buffer
  readonly close: () => Promise<void>
}

/** Takes everything, and answers 200 once the promised length has come. */
async function startCapture(): Promise<Capture> {
  let received = Buffer.alloc(0)
  const server: Server = createServer((socket) => {
    let chunks: Buffer[] = []
    let length = 0
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      if (/expect: 100-continue/i.test(chunk.toString('latin1', 0, 4096)))
        socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      length += chunk.length
      const head = chunks[0]?.indexOf('\r\n\r\n') ?? -1
      const promised = /content-length: (\d+)/i.exec(chunks[0]?.toString('latin1', 0, head) ?? '')?.[1]
      if (head === -1 || promised === undefined || length < head + 4 + Number(promised)) return
      received = Buffer.concat(chunks)
      chunks = []
      socket.write('HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    received: () => received,
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

interface SentRequest {
  readonly line: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Bytes after the promised length. */
  readonly rest: number
}

function parseRequest(raw: Buffer): SentRequest {
  const end = raw.indexOf('\r\n\r\n')
  const [line = '', ...fields] = raw.toString('latin1', 0, end).split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  )
  const length = Number(headers['content-length'])
  const after = raw.subarray(end + 4)
  return { line, headers, body: after.subarray(0, length), rest: after.length - length }
}

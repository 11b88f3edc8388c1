/** Signature Version 4 on the wire: the official client and its signer are let in, whoever else hears AWS's words for it. */
import { gzipSync } from 'node:zlib'
import { ListDeliveryStreamsCommand, PutRecordBatchCommand, PutRecordCommand } from '@aws-sdk/client-firehose'
import { afterEach, describe, expect, test } from 'vitest'
import { createInput } from '../support/api-inputs.ts'
import { base64, firehoseClient, serveApi, speak, type ServedApi } from '../support/api-server.ts'
import { eventually } from '../support/eventually.ts'
import {
  asking,
  everything,
  onWire,
  send,
  signedRequest,
  type Asking,
  type SignedRequest,
  type Signing,
} from '../support/signed-requests.ts'

const served: ServedApi[] = []

afterEach(async () => {
  await Promise.all(served.splice(0).map((api) => api.stop()))
})

const creator = { ...everything, accessKeyId: 'CREATOR', secretAccessKey: 'of streams' }

/** The API with a delivery stream `orders`. */
async function serve(changes: Asking = {}): Promise<ServedApi> {
  const { credentials = [everything], now = Date.now } = changes
  const { authenticate } = asking({ ...changes, credentials: [...credentials, creator] })
  const api = await serveApi({ authenticate })
  served.push(api)
  const creation = await signedRequest({
    port: api.port,
    operation: 'CreateDeliveryStream',
    body: createInput('orders'),
    credential: creator,
    date: new Date(now()),
  })
  expect(await send(creation)).toMatchObject({ status: 200 })
  return api
}

const PUT = { DeliveryStreamName: 'orders', Record: { Data: base64('hello') } }

const put = (api: ServedApi, changes: Partial<Signing> = {}): Promise<SignedRequest> =>
  signedRequest({ port: api.port, operation: 'PutRecord', body: PUT, ...changes })

async function refusal(request: SignedRequest): Promise<[type: string, message: string]> {
  const { status, text } = await send(request)
  expect(status).toBe(400)
  const { __type: type = '', message = '' } = JSON.parse(text) as Record<string, string>
  return [type, message]
}

function changed(request: SignedRequest, headers: Record<string, string | undefined>): SignedRequest {
  const merged = Object.entries({ ...request.headers, ...headers })
  return {
    ...request,
    headers: Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  }
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

describe('who signs is let in', () => {
  test('the official client puts records, one and many', async () => {
    const api = await serve()
    const client = firehoseClient(api.url, everything)
    const record = (text: string) => ({ Data: Buffer.from(text) })
    await client.send(new PutRecordCommand({ DeliveryStreamName: 'orders', Record: record('héllo') }))
    const Records = Array.from({ length: 500 }, (_, index) => record(`{"n":${index}}`))
    const { FailedPutCount } = await client.send(
      new PutRecordBatchCommand({ DeliveryStreamName: 'orders', Records }),
    )
    expect(FailedPutCount).toBe(0)
    expect(api.store.records).toHaveLength(501)
    expect(await client.send(new ListDeliveryStreamsCommand({}))).toMatchObject({
      DeliveryStreamNames: ['orders'],
    })
  })

  test('the official client hears what is wrong with its secret', async () => {
    const api = await serve()
    const client = firehoseClient(api.url, { ...everything, secretAccessKey: 'wrong' })
    await expect(client.send(new ListDeliveryStreamsCommand({}))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      message: MISMATCH,
    })
  })

  test.each<[string, Partial<Signing>]>([
    ['spaces in a header', { headers: { 'x-amz-meta': '  a   b\t c ' } }],
    ['an empty header', { headers: { 'x-amz-meta': '' } }],
    ['a query string', { query: { b: ['2', '1'], a: 'x y', 'ü/?&=': "~*()'!+%" } }],
    ['no announced hash', { announcesNoHash: true }],
    ['a Host without a port', { headers: { host: 'firehose.us-east-1.amazonaws.com' } }],
    ['gzip', { body: gzipSync(JSON.stringify(PUT)), headers: { 'content-encoding': 'gzip' } }],
    [
      'gzip and no announced hash',
      {
        body: gzipSync(JSON.stringify(PUT)),
        headers: { 'content-encoding': 'gzip' },
        announcesNoHash: true,
      },
    ],
  ])('a request with %s', async (_, changes) => {
    const api = await serve()
    expect(await send(await put(api, changes))).toMatchObject({ status: 200 })
    expect(api.store.records).toEqual(['hello'])
  })

  test('a header in UTF-8 is signed as its bytes', async () => {
    const api = await serve()
    const request = await put(api, { headers: { 'x-amz-meta': 'à é — ж' } })
    expect(await speak(api.port, onWire(request))).toMatch(/^HTTP\/1.1 200 /)
  })

  test('headers that come twice are signed as one, in their order', async () => {
    const api = await serve()
    const request = await put(api, { headers: { 'x-amz-meta': 'b,a' } })
    const { 'x-amz-meta': _, ...headers } = request.headers
    const bytes = onWire({ ...request, headers }).toString('latin1')
    const twice = (first: string, second: string): string =>
      bytes.replace('\r\n', `\r\nX-Amz-Meta: ${first}\r\nX-AMZ-META: ${second}\r\n`)
    expect(await speak(api.port, twice('b', 'a'))).toMatch(/^HTTP\/1.1 200 /)
    expect(await speak(api.port, twice('a', 'b'))).toMatch(/^HTTP\/1.1 400 /)
  })

  test('HTTP/1.0, headers in another order, and a request line with the whole URL', async () => {
    const api = await serve()
    const request = await put(api)
    const reversed = Object.fromEntries(Object.entries(request.headers).toReversed())
    const bytes = onWire({ ...request, headers: reversed }, 'HTTP/1.0')
    expect(await speak(api.port, bytes)).toMatch(/^HTTP\/1.\d 200 /)
    const absolute = onWire({ ...request, target: `http://127.0.0.1:${api.port}/` })
    expect(await speak(api.port, absolute)).toMatch(/^HTTP\/1.1 200 /)
  })

  test('a session token that the credential has', async () => {
    const temporary = { ...everything, sessionToken: 'IQoJb3JpZ2lu/a+b==' }
    const api = await serve({ credentials: [temporary] })
    expect(await send(await put(api, { credential: temporary }))).toMatchObject({ status: 200 })
    for (const sessionToken of ['another', undefined]) {
      const { sessionToken: _, ...bare } = temporary
      const credential = sessionToken === undefined ? bare : { ...bare, sessionToken }
      expect(await refusal(await put(api, { credential }))).toEqual([
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      ])
    }
  })
})

describe('who does not sign', () => {
  test('is told that the token is missing', async () => {
    const api = await serve()
    const request = await put(api)
    const missing = ['MissingAuthenticationTokenException', 'Missing Authentication Token']
    expect(await refusal(changed(request, { authorization: undefined }))).toEqual(missing)
    expect(await refusal(changed(request, { authorization: 'Bearer abc' }))).toEqual(missing)
    const presigned = { ...request, target: '/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00' }
    expect(await refusal(changed(presigned, { authorization: undefined }))).toEqual(missing)
    expect(await refusal(presigned)).toEqual([
      'InvalidSignatureException',
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    ])
  })

  test.each<[string, RegExp]>([
    [
      'AWS4-HMAC-SHA256',
      /^Authorization header requires 'Credential' parameter\. Authorization header requires 'Signature' parameter\. Authorization header requires 'SignedHeaders' parameter\. \(Hashed with SHA-256 and encoded with Base64\) Authorization=[\w+/=]{44}$/,
    ],
    ['AWS4-HMAC-SHA256 Credential', /^Invalid key=value pair \(missing equal-sign\) in Authorization header/],
    ['AWS4-HMAC-SHA256 Signature=a, Signature=b', /^Invalid key=value pair \(repeated key\)/],
    [
      'AWS4-HMAC-SHA1 Credential=a/b/c/d/e, SignedHeaders=host;x-amz-date;x-amz-target;x-amz-content-sha256, Signature=a',
      /^Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1' \(only AWS4-HMAC-SHA256 for now\)\. $/,
    ],
    [
      'AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host;x-amz-date;x-amz-target;x-amz-content-sha256, Signature=a',
      /^Credential must have exactly 5 slash-delimited elements, e\.g\. keyid\/date\/region\/service\/term, got 'a\/b\/c\/d'$/,
    ],
    // Each time a long header was named it would have to be hashed.
    [
      `AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host;x-amz-date;x-amz-target;x-amz-content-sha256${';a;A'.repeat(1000)}, Signature=a`,
      /^Authorization header must name each 'SignedHeader' once\.$/,
    ],
  ])('%s is incomplete', async (authorization, sentence) => {
    const api = await serve()
    const [type, message] = await refusal(changed(await put(api), { authorization }))
    expect(type).toBe('IncompleteSignatureException')
    expect(message).toMatch(sentence)
  })

  test('a signature without a date, or with one that is none, is incomplete', async () => {
    const api = await serve()
    const request = await put(api)
    expect(await refusal(changed(request, { 'x-amz-date': undefined }))).toEqual([
      'IncompleteSignatureException',
      expect.stringMatching(
        /^Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\. /,
      ),
    ])
    for (const date of ['yesterday', '20260230T000000Z', '20261102T091500'])
      expect(await refusal(changed(request, { 'x-amz-date': date }))).toEqual([
        'IncompleteSignatureException',
        `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`,
      ])
  })
})

describe('who signs wrongly', () => {
  test('an unknown key is told so before its body is asked for', async () => {
    const api = await serve()
    const stranger = { ...everything, accessKeyId: 'AKIDSTRANGER' }
    const request = await put(api, { credential: stranger, announcesNoHash: true })
    expect(await refusal(request)).toEqual([
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    ])
    const unsent = changed({ ...request, body: Buffer.alloc(0) }, { expect: '100-continue' })
    const bytes = onWire(unsent).toString().replace('Content-Length: 0', 'Content-Length: 8000000')
    const answer = await speak(api.port, bytes.replace('Connection: close\r\n', ''))
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*"UnrecognizedClientException"/s)
    expect(answer).not.toContain('100 Continue')
  })

  test('a body is asked for where the headers are good', async () => {
    const api = await serve()
    const request = changed(await put(api), { expect: '100-continue' })
    expect(await speak(api.port, onWire(request))).toMatch(
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/,
    )
  })

  test('where the hash of a body is announced, the signature is checked before it is asked for', async () => {
    const api = await serve()
    const forger = { ...everything, secretAccessKey: 'guessed' }
    const request = changed(await put(api, { credential: forger }), { expect: '100-continue' })
    const answer = await speak(api.port, onWire({ ...request, body: Buffer.alloc(0) }))
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*"InvalidSignatureException"/s)
    expect(answer).not.toContain('100 Continue')
  })

  test.each<[string, Partial<Signing>, string]>([
    ['region', { region: 'eu-west-1' }, "Credential should be scoped to a valid region, not 'eu-west-1'. "],
    ['service', { service: 'kinesis' }, "Credential should be scoped to correct service: 'firehose'. "],
  ])('another %s is told', async (_, changes, message) => {
    const api = await serve()
    expect(await refusal(await put(api, changes))).toEqual(['InvalidSignatureException', message])
  })

  test('another day in the scope, or another end of it, is told', async () => {
    const api = await serve()
    const request = await put(api)
    const [, day = ''] = /\/(\d{8})\//.exec(request.headers['authorization'] ?? '') ?? []
    const authorization = request.headers['authorization']
      ?.replace(`/${day}/`, '/20200101/')
      .replace('aws4_request', 'aws5_request')
    expect(await refusal(changed(request, { authorization }))).toEqual([
      'InvalidSignatureException',
      `Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != '${day}', from '${request.headers['x-amz-date']}'. `,
    ])
  })

  test('a clock that is five minutes off is taken, one that is more is told ours', async () => {
    const now = Date.UTC(2026, 10, 2, 0, 2, 0, 750)
    const api = await serve({ now: () => now })
    const at = (offsetSeconds: number) => put(api, { date: new Date(now + offsetSeconds * 1000) })
    for (const offset of [-300, 0, 299]) expect(await send(await at(offset))).toMatchObject({ status: 200 })
    expect(await refusal(await at(-301))).toEqual([
      'InvalidSignatureException',
      'Signature expired: 20261101T235659Z is now earlier than 20261101T235700Z (20261102T000200Z - 5 min.)',
    ])
    expect(await refusal(await at(301))).toEqual([
      'InvalidSignatureException',
      'Signature not yet current: 20261102T000701Z is still later than 20261102T000700Z (20261102T000200Z + 5 min.)',
    ])
  })

  test('a credential that has ended is told so', async () => {
    const ended = { ...everything, expiration: '2026-01-01T00:00:00Z' }
    const api = await serve({ credentials: [ended] })
    expect(await refusal(await put(api))).toEqual([
      'ExpiredTokenException',
      'The security token included in the request is expired',
    ])
  })

  test.each(['host', 'x-amz-date', 'x-amz-target', 'x-amz-content-sha256'])(
    '%s that is not signed is told',
    async (name) => {
      const api = await serve()
      const request = await put(api)
      const authorization = request.headers['authorization']?.replace(
        /SignedHeaders=([^,]+)/,
        (_, list: string) =>
          `SignedHeaders=${list
            .split(';')
            .filter((each) => each !== name)
            .join(';')}`,
      )
      const [type, message] = await refusal(changed(request, { authorization }))
      expect(type).toBe('InvalidSignatureException')
      expect(message.toLowerCase()).toMatch(
        new RegExp(`^'${name}'( or ':authority')? must be a 'signedheader' in the aws authorization\\.$`),
      )
    },
  )

  test.each<[string, (request: SignedRequest) => SignedRequest]>([
    [
      'body',
      (request) => ({ ...request, body: Buffer.from(request.body.toString().replace('orders', 'ordersx')) }),
    ],
    [
      'operation',
      (request) => changed(request, { 'x-amz-target': 'Firehose_20150804.DeleteDeliveryStream' }),
    ],
    ['query', (request) => ({ ...request, target: '/?a=b' })],
    ['host', (request) => changed(request, { host: 'elsewhere' })],
    ['signed header', (request) => changed(request, { 'content-type': 'text/plain' })],
    [
      'signature',
      (request) => changed(request, { authorization: request.headers['authorization']?.replace(/.$/, 'g') }),
    ],
    [
      'length of the signature',
      (request) => changed(request, { authorization: request.headers['authorization']?.slice(0, -2) }),
    ],
    [
      'case of the signature',
      (request) =>
        changed(request, {
          authorization: request.headers['authorization']?.replace(/[0-9a-f]{64}$/, (hex) =>
            hex.toUpperCase(),
          ),
        }),
    ],
  ])('another %s than the signed one is a mismatch, and nothing is put', async (_, spoil) => {
    const api = await serve()
    for (const announcesNoHash of [false, true]) {
      const request = spoil(await put(api, { announcesNoHash }))
      expect(await refusal(request)).toEqual(['InvalidSignatureException', MISMATCH])
    }
    expect(api.store.records).toEqual([])
  })

  test('a gzip body is hashed as it came: the inflated one is not what was signed', async () => {
    const api = await serve()
    const request = await put(api)
    const zipped = { ...request, body: gzipSync(request.body) }
    expect(await refusal(changed(zipped, { 'content-encoding': 'gzip' }))).toEqual([
      'InvalidSignatureException',
      MISMATCH,
    ])
  })

  test('a compressed body with something after it is no gzip', async () => {
    const api = await serve()
    const body = Buffer.concat([gzipSync(JSON.stringify(PUT)), Buffer.alloc(1_000_000, 0x41)])
    const [type] = await refusal(await put(api, { body, headers: { 'content-encoding': 'gzip' } }))
    expect(type).toBe('SerializationException')
  })

  test('no answer holds the signature that would have been right', async () => {
    const api = await serve()
    const request = await put(api)
    const right = /[0-9a-f]{64}$/.exec(request.headers['authorization'] ?? '')?.[0] ?? ''
    const wrong = changed(request, {
      authorization: request.headers['authorization']?.replace(right, 'f'.repeat(64)),
    })
    const { text, headers } = await send(wrong)
    expect(right).toHaveLength(64)
    expect(text + JSON.stringify(headers)).not.toContain(right)
  })
})

describe('a body that is left out of the signature', () => {
  const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }

  test('is refused unless it was allowed', async () => {
    const api = await serve()
    const [type, message] = await refusal(await put(api, { headers }))
    expect(type).toBe('InvalidSignatureException')
    expect(message).toContain('must not be UNSIGNED-PAYLOAD')
    const lenient = await serve({ allowUnsignedPayload: true })
    expect(await send(await put(lenient, { headers }))).toMatchObject({ status: 200 })
  })

  test.each(['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'E3B0'])(
    'as %s is refused in any case',
    async (hash) => {
      const api = await serve({ allowUnsignedPayload: true })
      const [type] = await refusal(await put(api, { headers: { 'x-amz-content-sha256': hash } }))
      expect(type).toBe('InvalidSignatureException')
    },
  )
})

test('credentials that are replaced are good for the next request, those before no more', async () => {
  const { authenticate, keyring } = asking()
  const api = await serveApi({ authenticate })
  served.push(api)
  const list = (credential: typeof everything) =>
    signedRequest({ port: api.port, operation: 'ListDeliveryStreams', body: {}, credential }).then(send)
  const rotated = { ...everything, secretAccessKey: 'rotated' }
  expect(await list(everything)).toMatchObject({ status: 200 })
  keyring.replace([rotated])
  expect(await list(rotated)).toMatchObject({ status: 200 })
  expect(await list(everything)).toMatchObject({ status: 400 })
})

test('an unknown caller that announces 8 MiB holds nothing of the budget', async () => {
  const api = await serve()
  const request = await put(api, { body: 'x'.repeat(8 * 1024 * 1024), headers: { 'x-amz-meta': 'big' } })
  const wrong = changed(request, { authorization: request.headers['authorization']?.replace('AKID', 'ALID') })
  expect(await refusal(wrong)).toEqual([
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  ])
  await eventually(async () => {
    await api.metrics.exposition()
    expect(await api.metrics.value('hydrant_in_flight_bytes')).toBe(0)
  })
})

test('every answer names its request, as the service does', async () => {
  const api = await serve()
  const good = await send(await put(api))
  const bad = await send(changed(await put(api), { authorization: undefined }))
  for (const { headers, text } of [good, bad]) {
    expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(headers['x-amz-id-2']).toMatch(/^[A-Za-z0-9+/]{96}$/)
    expect(headers['content-type']).toBe('application/x-amz-json-1.1')
    expect(headers['content-length']).toBe(String(text.length))
    expect(Date.parse(String(headers['date']))).toBeGreaterThan(0)
  }
  expect(good.headers['x-amz-id-2']).not.toBe(bad.headers['x-amz-id-2'])
})

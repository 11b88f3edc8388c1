/** Bytes that are made to hurt: whatever comes, the answer is an error of AWS or the connection ends, and the next caller is served. */
import { connect, type Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { createInput } from '../support/api-inputs.ts'
import { base64, call, serveApi, speak, type ServedApi } from '../support/api-server.ts'
import { eventually } from '../support/eventually.ts'
import { asking, everything, onWire, send, signedRequest } from '../support/signed-requests.ts'

const MIB = 1024 * 1024
const served: ServedApi[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(served.splice(0).map((api) => api.stop()))
})

async function serve(...changes: Parameters<typeof serveApi>): Promise<ServedApi> {
  const api = await serveApi(...changes)
  served.push(api)
  if (changes[0]?.authenticate === undefined)
    await call(api.url, 'CreateDeliveryStream', createInput('orders'))
  return api
}

const put = (text: string): string =>
  JSON.stringify({ DeliveryStreamName: 'orders', Record: { Data: base64(text) } })

function request(body: string, changes: { line?: string; headers?: readonly string[] } = {}): string {
  const headers = changes.headers ?? ['Host: x']
  return [
    changes.line ?? 'POST / HTTP/1.1',
    ...headers,
    'X-Amz-Target: Firehose_20150804.PutRecord',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

const closing = ['Host: x', 'Connection: close']

async function inFlight(api: ServedApi): Promise<number> {
  await api.metrics.exposition()
  return api.metrics.value('hydrant_in_flight_bytes')
}

describe('requests that are odd and right', () => {
  test.each<[string, Parameters<typeof request>[1]]>([
    ['the whole URL on its request line', { line: 'POST http://x/ HTTP/1.1', headers: closing }],
    ['HTTP/1.0 and no Host', { line: 'POST / HTTP/1.0', headers: [] }],
    ['an expectation that nobody knows', { headers: [...closing, 'Expect: the-best'] }],
    ['headers that nobody knows', { headers: [...closing, 'X-Whatever: 1', 'Cookie: a=b'] }],
    ['a query string', { line: 'POST /?a=b HTTP/1.1', headers: closing }],
  ])('one with %s is taken', async (_, changes) => {
    const api = await serve()
    expect(await speak(api.port, request(put('odd'), changes))).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(api.store.records).toEqual(['odd'])
  })

  test('requests that come in one piece are answered in their order', async () => {
    const api = await serve()
    const texts = Array.from({ length: 50 }, (_, index) => `r${index}`)
    const pieces = texts.map((text, index) =>
      request(index === 20 ? '{' : put(text), index === 49 ? { headers: closing } : {}),
    )
    const answers = (await speak(api.port, pieces.join(''))).match(/HTTP\/1.1 \d+/g)
    expect(answers).toEqual(texts.map((_, index) => `HTTP/1.1 ${index === 20 ? 400 : 200}`))
    expect(api.store.records).toEqual(texts.filter((_, index) => index !== 20))
  })

  test('of a member that comes twice the last counts', async () => {
    const api = await serve()
    const { text } = await call(api.url, 'PutRecord', `{"DeliveryStreamName":"nowhere",${put('x').slice(1)}`)
    expect(JSON.parse(text)).toHaveProperty('RecordId')
  })
})

describe('requests that are none', () => {
  test.each<[string, string, number]>([
    ['no Host', request(put('x'), { headers: ['Connection: close'] }), 400],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a flood of headers', `POST / HTTP/1.1\r\n${'X-Flood: aaaaaaaaaaaaaaaa\r\n'.repeat(2000)}\r\n`, 431],
    ['a header without end', `POST / HTTP/1.1\r\nX-Long: ${'a'.repeat(100_000)}`, 431],
    ['a request line without end', `POST /${'a'.repeat(100_000)}`, 431],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    [
      'a chunk that is no number',
      'POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Firehose_20150804.PutRecord\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
    ],
    ['a TLS handshake', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', 400],
  ])('%s is answered %#', async (_, bytes, status) => {
    const api = await serve()
    const answer = await speak(api.port, bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^\r]+\r\n`))
    expect(answer).toMatch(/x-amzn-RequestId: [0-9a-f-]{36}\r\n/i)
    const body = JSON.parse(answer.slice(answer.lastIndexOf('\r\n\r\n') + 4)) as object
    expect(body).toMatchObject({ __type: expect.stringMatching(/Exception$/), message: expect.any(String) })
    expect(await speak(api.port, request(put('next'), { headers: closing }))).toMatch(/^HTTP\/1.1 200 /)
  })

  test.each(['GET / HTTP/1.1', 'POST /other HTTP/1.1'])(
    '%s that waits to be asked for a body is answered and cut off: what comes next may be no body',
    async (line) => {
      const api = await serve()
      const bytes = request(put('x'), { line, headers: ['Host: x', 'Expect: 100-continue'] })
      const answer = await speak(api.port, bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4))
      expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*Connection: close\r\n/s)
    },
  )

  test('headers that come drop by drop are cut off', async () => {
    const api = await serve({ bodyTimeoutMs: 200 })
    expect(await speak(api.port, 'POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ')).toMatch(/^HTTP\/1.1 408 /)
  })

  test('a refused body that goes on drop by drop is cut off', async () => {
    const api = await serve()
    const socket = connect(api.port, '127.0.0.1')
    sockets.push(socket)
    let answer = ''
    socket.on('data', (piece: Buffer) => (answer += piece.toString()))
    socket.on('error', () => undefined)
    socket.write(
      'POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Firehose_20150804.Nothing\r\nContent-Length: 8000000\r\n\r\n',
    )
    const drops = setInterval(() => socket.write('x'), 50)
    try {
      await eventually(() => expect(answer).toMatch(/^HTTP\/1.1 400 /))
      await eventually(() => expect(socket.closed).toBe(true))
    } finally {
      clearInterval(drops)
    }
  })
})

describe('JSON that is made to hurt', () => {
  const many = (count: number, each: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => each(index)).join(',')
  const deep = (open: string, close: string, depth: number): string =>
    `{"DeliveryStreamName":"orders","Records":${open.repeat(depth)}1${close.repeat(depth)}}`

  test.each<[string, () => string]>([
    ['8 MiB of open brackets', () => '['.repeat(8 * MIB)],
    ['4 million lists in each other', () => `${'['.repeat(4 * MIB - 1)}${']'.repeat(4 * MIB - 1)}`],
    ['lists nested where records are', () => deep('[', ']', 4_000_000)],
    ['maps nested where records are', () => deep('{"Data":', '}', 900_000)],
    ['half a million names', () => `{${many(500_000, (index) => `"k${index}":0`)}}`],
    ['half a million numbers as names', () => `{${many(500_000, (index) => `"${index * 7919}":0`)}}`],
    ['one name 800,000 times', () => `{${many(800_000, () => '"aa":0')}}`],
    ['8 million digits', () => `{"DeliveryStreamName":${'1'.repeat(8 * MIB - 30)}}`],
    ['an exponent of 8 million digits', () => `{"DeliveryStreamName":1e${'9'.repeat(8 * MIB - 30)}}`],
    [
      '600,000 records',
      () => `{"DeliveryStreamName":"orders","Records":[${many(600_000, () => '{"Data":""}')}]}`,
    ],
    [
      'a million nulls as records',
      () => `{"DeliveryStreamName":"orders","Records":[${many(1_000_000, () => 'null')}]}`,
    ],
    ['a name of 8 MiB', () => `{"DeliveryStreamName":"${'a'.repeat(8 * MIB - 60)}","Records":[{"Data":""}]}`],
    ['a million lone surrogates', () => `{"DeliveryStreamName":"${String.raw`\ud800`.repeat(1_000_000)}"}`],
    [
      '__proto__ and constructor',
      () => '{"__proto__":{"DeliveryStreamName":"orders","Records":[{"Data":""}]},"constructor":{}}',
    ],
    ['spaces', () => ' '.repeat(8 * MIB)],
  ])('%s is answered within a second', async (_, body) => {
    const api = await serve()
    const bytes = body()
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const { status, text } = await call(api.url, 'PutRecordBatch', bytes)
    delay.disable()
    expect(status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ __type: expect.stringMatching(/Exception$/) })
    expect(delay.max / 1e6).toBeLessThan(1000)
    expect(api.store.records).toEqual([])
  })
})

describe('many slow senders', () => {
  /** Opens connections that each announce 8 MiB and have sent the begin of it. */
  async function openSlow(api: ServedApi, count: number, head: string): Promise<void> {
    const opened = Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve) => {
          const socket = connect(api.port, '127.0.0.1', () => socket.write(`${head}{"De`, () => resolve()))
          socket.on('error', () => resolve())
          sockets.push(socket)
        }),
    )
    await Promise.all(opened)
  }

  test('500 that announce 8 MiB each, signed or not, hold what they sent, and others are served', async () => {
    const { authenticate } = asking()
    const api = await serve({ authenticate, maxInFlightBytes: 16 * MIB })
    const create = { operation: 'CreateDeliveryStream', body: createInput('orders') }
    expect(await send(await signedRequest({ port: api.port, ...create }))).toMatchObject({ status: 200 })
    const slow = await signedRequest({
      port: api.port,
      operation: 'PutRecord',
      body: '',
      announcesNoHash: true,
    })
    const head = onWire(slow)
      .toString('latin1')
      .replace('Content-Length: 0', `Content-Length: ${8 * MIB}`)
    const before = process.memoryUsage().arrayBuffers
    await openSlow(api, 500, head)
    await eventually(async () => expect(await inFlight(api)).toBe(500 * 1024))
    for (let round = 0; round < 4; round += 1) for (const socket of sockets) socket.write('x'.repeat(500))
    await eventually(async () => expect(await inFlight(api)).toBeGreaterThan(500 * 2000))
    expect(await inFlight(api)).toBeLessThan(500 * 5000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB)
    const record = { DeliveryStreamName: 'orders', Record: { Data: base64('quick') } }
    const quick = await signedRequest({ port: api.port, operation: 'PutRecord', body: record })
    expect(await send(quick)).toMatchObject({ status: 200 })
    for (const socket of sockets.splice(0)) socket.destroy()
    await eventually(async () => expect(await inFlight(api)).toBe(0))
  })

  test('strangers hold nothing', async () => {
    const api = await serve({ authenticate: asking().authenticate })
    const stranger = { ...everything, accessKeyId: 'AKIDSTRANGER' }
    const slow = await signedRequest({
      port: api.port,
      operation: 'PutRecord',
      body: '',
      credential: stranger,
    })
    const head = onWire(slow)
      .toString('latin1')
      .replace('Content-Length: 0', `Content-Length: ${8 * MIB}`)
    await openSlow(api, 100, head)
    await eventually(async () =>
      expect(
        await api.metrics.value('hydrant_requests_total', { result: 'UnrecognizedClientException' }),
      ).toBe(100),
    )
    expect(await inFlight(api)).toBe(0)
  })

  test('what inflating costs is counted', async () => {
    const api = await serve({ maxInFlightBytes: 2 * MIB })
    const body = gzipSync(put('x'))
    const head = `POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Firehose_20150804.PutRecord\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`
    for (let index = 0; index < 40; index += 1)
      sockets.push(connect(api.port, '127.0.0.1').on('error', () => undefined))
    for (const socket of sockets) socket.write(head)
    await eventually(async () => expect(await inFlight(api)).toBeGreaterThan(1.9 * MIB))
    expect(await inFlight(api)).toBeLessThanOrEqual(2 * MIB)
    for (const socket of sockets.splice(0)) socket.destroy()
    await eventually(async () => expect(await inFlight(api)).toBe(0))
  })
})

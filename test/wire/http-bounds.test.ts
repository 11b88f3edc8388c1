/** What the server does with requests that are too large, too slow, broken off, or no requests at all (G5, G6). */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { base64, call, serveApi, speak, type ServedApi } from '../support/api-server.ts'
import { createInput } from '../support/api-inputs.ts'
import { eventually } from '../support/eventually.ts'

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
  await call(api.url, 'CreateDeliveryStream', createInput('orders'))
  return api
}

async function inFlight(api: ServedApi): Promise<number> {
  await api.metrics.exposition()
  return api.metrics.value('hydrant_in_flight_bytes')
}

function head(length: number | undefined, extra = ''): string {
  const framing = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  return `POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Firehose_20150804.PutRecord\r\n${framing}\r\n${extra}\r\n`
}

function open(api: ServedApi, bytes: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(api.port, '127.0.0.1', () => socket.write(bytes, () => resolve(socket)))
    socket.on('error', reject)
    sockets.push(socket)
  })
}

const record = (text: string): string =>
  JSON.stringify({ DeliveryStreamName: 'orders', Record: { Data: base64(text) } })

test('a body over 8 MiB is answered 413 when all of it was sent, and nothing stays in memory', async () => {
  const api = await serve()
  const answer = await call(api.url, 'PutRecord', 'x'.repeat(8 * MIB + 1))
  expect(answer.status).toBe(413)
  expect(JSON.parse(answer.text)).toMatchObject({ __type: 'RequestEntityTooLarge' })
  expect(answer.headers.get('connection')).toBe('close')
  await eventually(async () => expect(await inFlight(api)).toBe(0))
})

test('a chunked body is taken, and refused once it passes 8 MiB', async () => {
  const api = await serve()
  const body = record('hello')
  const taken = await speak(
    api.port,
    `${head(undefined, 'Connection: close\r\n')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  )
  expect(taken).toMatch(/^HTTP\/1.1 200 /)
  const piece = 'x'.repeat(MIB)
  const chunk = `${MIB.toString(16)}\r\n${piece}\r\n`
  const refused = await speak(api.port, `${head(undefined)}${chunk.repeat(9)}0\r\n\r\n`)
  expect(refused).toMatch(/^HTTP\/1.1 413 /)
})

test('a body beyond the budget is refused before it is read, and the connection goes on', async () => {
  const api = await serve({ maxInFlightBytes: 1000 })
  const big = await call(api.url, 'PutRecord', record('x'.repeat(2000)))
  expect(big.status).toBe(503)
  expect(JSON.parse(big.text)).toEqual({ __type: 'ServiceUnavailableException', message: 'Slow down.' })
  expect((await call(api.url, 'PutRecord', record('x'))).status).toBe(200)
  expect(await inFlight(api)).toBe(0)
})

test('clients that announce much and send little hold little, and what they hold comes back', async () => {
  const api = await serve({ maxInFlightBytes: 16 * MIB })
  for (let index = 0; index < 200; index += 1) await open(api, `${head(8 * MIB)}{"De`)
  await eventually(async () => expect(await inFlight(api)).toBeGreaterThan(0))
  expect(await inFlight(api)).toBeLessThanOrEqual(200 * 1024)
  expect((await call(api.url, 'PutRecord', record('x'))).status).toBe(200)
  for (const socket of sockets.splice(0)) socket.destroy()
  await eventually(async () => expect(await inFlight(api)).toBe(0))
  expect(await api.metrics.value('hydrant_requests_total', { result: 'Aborted' })).toBe(200)
})

test('a body in single bytes is read whole', async () => {
  const api = await serve()
  const body = record('drop by drop')
  const socket = await open(api, head(body.length, 'Connection: close\r\n'))
  socket.setNoDelay(true)
  for (const character of body) await new Promise((resolve) => socket.write(character, resolve))
  await eventually(() => expect(api.store.records).toEqual(['drop by drop']))
})

test('a body that does not come in time is cut off', async () => {
  const api = await serve({ bodyTimeoutMs: 200 })
  const answer = await speak(api.port, `${head(1000)}{"De`)
  expect(answer).toMatch(/^HTTP\/1.1 408 /)
  await eventually(async () => expect(await inFlight(api)).toBe(0))
})

test('gzip is inflated within the same bounds', async () => {
  const api = await serve()
  const send = (body: Uint8Array) =>
    fetch(api.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'Firehose_20150804.PutRecord', 'content-encoding': 'gzip' },
      body,
    })
  expect((await send(gzipSync(record('small')))).status).toBe(200)
  expect(api.store.records).toEqual(['small'])
  const bomb = await send(gzipSync(Buffer.alloc(64 * MIB, 0x20)))
  expect(bomb.status).toBe(413)
  const broken = await send(randomBytes(100))
  expect(broken.status).toBe(400)
  expect(await broken.json()).toMatchObject({ __type: 'SerializationException' })
  await eventually(async () => expect(await inFlight(api)).toBe(0))
})

test('an encoding that is not known is refused', async () => {
  const api = await serve()
  const answer = await fetch(api.url, {
    method: 'POST',
    headers: { 'x-amz-target': 'Firehose_20150804.PutRecord', 'content-encoding': 'br' },
    body: 'x',
  })
  expect(answer.status).toBe(400)
})

test.each([
  ['GET', '/', 'Firehose_20150804.PutRecord'],
  ['POST', '/other', 'Firehose_20150804.PutRecord'],
  ['POST', '/%zz', 'Firehose_20150804.PutRecord'],
  ['POST', '/', undefined],
  ['POST', '/', 'Kinesis_20131202.PutRecord'],
  ['POST', '/', 'Firehose_20150804.UpdateSource'],
  ['POST', '/', 'Firehose_20150804.constructor'],
])('%s %s with target %s is an unknown operation', async (method, path, target) => {
  const api = await serve()
  const answer = await fetch(`${api.url}${path}`, {
    method,
    headers: target === undefined ? {} : { 'x-amz-target': target },
    ...(method === 'POST' ? { body: '{}' } : {}),
  })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.1')
  expect(await answer.json()).toMatchObject({ __type: 'UnknownOperationException' })
})

test.each([
  'nonsense\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
])('bytes %j that are not HTTP are answered and cut off', async (bytes) => {
  const api = await serve()
  expect(await speak(api.port, bytes)).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*\r\n\r\n\{"__type"/s)
})

test('a body that is not UTF-8 is refused', async () => {
  const api = await serve()
  const answer = await call(api.url, 'PutRecord', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d))
  expect(JSON.parse(answer.text)).toEqual({
    __type: 'SerializationException',
    message: 'The body is not UTF-8',
  })
})

test('a defect is answered without a word about itself', async () => {
  const api = await serve({
    accept: () => Promise.reject(new Error('secret of /srv/hydrant')),
  })
  const answer = await call(api.url, 'PutRecord', record('x'))
  expect(answer.status).toBe(500)
  expect(JSON.parse(answer.text)).toEqual({
    __type: 'InternalFailure',
    message: 'The request failed because of an internal error.',
  })
})

test('stop finishes the request in flight and closes connections that are kept alive', async () => {
  const api = await serve()
  let letGo = (): void => undefined
  api.store.gate = new Promise((resolve) => (letGo = resolve))
  const idle = await open(api, '')
  const put = call(api.url, 'PutRecord', record('last'))
  await eventually(async () => expect(await inFlight(api)).toBeGreaterThan(0))
  const stopped = api.stop()
  letGo()
  const answer = await put
  expect(answer.status).toBe(200)
  expect(answer.headers.get('connection')).toBe('close')
  await stopped
  await eventually(() => expect(idle.destroyed || idle.readableEnded || idle.closed).toBe(true))
  await expect(fetch(api.url)).rejects.toThrow()
})

test('a host that is not loopback is refused unless it was allowed', async () => {
  await expect(serveApi({ host: '0.0.0.0' })).rejects.toThrow('listen on 0.0.0.0: refused')
  const api = await serveApi({ host: '0.0.0.0', allowBeyondLoopback: true })
  await api.stop()
})

test('a host may stand in brackets, as in a URL', async () => {
  const api = await serveApi({ host: '[127.0.0.1]' })
  await api.stop()
  await expect(serveApi({ host: '[::]' })).rejects.toThrow('listen on ::: refused')
})

test('a port that is taken is told', async () => {
  const api = await serve()
  await expect(serveApi({ port: api.port })).rejects.toMatchObject({
    message: expect.stringContaining(`listen on 127.0.0.1:${api.port}`),
    hint: expect.stringContaining('--port'),
  })
})

test('an address of another machine is told', async () => {
  const host = '192.0.2.1'
  await expect(serveApi({ host, allowBeyondLoopback: true })).rejects.toMatchObject({
    message: expect.stringContaining(host),
    hint: expect.stringContaining('set server.host to an address of this machine'),
  })
})

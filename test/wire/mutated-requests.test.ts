/**
 * Whatever is sent, the process goes on: each answer is well formed and tells nothing of the inside, comes within a second,
 * and what is refused changes nothing. The seed is in the name; SEED repeats a run, REQUESTS makes it longer.
 */
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { createInput } from '../support/api-inputs.ts'
import { call, serveApi, type ServedApi } from '../support/api-server.ts'
import { hostileBytes, hostileRequest, type HostileRequest } from './hostile-requests.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const requests = Number(process.env['REQUESTS'] ?? 20_000)
const ANSWER_MAX_MS = 1000

let api: ServedApi
let orders: DeliveryStream
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

beforeAll(async () => {
  api = await serveApi({ bodyTimeoutMs: 10_000 })
  await call(api.url, 'CreateDeliveryStream', createInput('orders'))
  const [created] = api.store.streams.values()
  if (created === undefined) throw new Error('the stream of this suite was not created')
  orders = created
})
afterAll(async () => {
  agent.destroy()
  await api.stop()
})
afterEach(async () => {
  expect((await call(api.url, 'ListDeliveryStreams', {})).status).toBe(200)
  expect(await api.metrics.value('hydrant_requests_total', { result: 'InternalFailure' })).toBe(0)
  await api.metrics.exposition()
  expect(await api.metrics.value('hydrant_in_flight_bytes')).toBe(0)
  expect(Reflect.get(Object.prototype, 'polluted')).toBeUndefined()
})

/** Every request meets the same streams. */
function reset(): void {
  api.store.streams.clear()
  api.store.streams.set('orders', orders)
  api.store.appends.length = 0
}

function state(): unknown {
  return { streams: [...api.store.streams.values()], appends: api.store.appends.length }
}

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly ms: number
}

function send({ headers, body }: HostileRequest): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const sent = httpRequest(
      { agent, port: api.port, method: 'POST', headers: { ...headers, 'content-length': body.length } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            ms: performance.now() - started,
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The machine may be busy with something else: an answer is late only if it is late again. */
async function answerInTime(sent: HostileRequest): Promise<Answered> {
  for (let attempt = 1; ; attempt += 1) {
    reset()
    const answer = await send(sent)
    if (answer.ms < ANSWER_MAX_MS) return answer
    expect(attempt, `answered after ${answer.ms} ms`).toBeLessThan(3)
  }
}

function expectRefusal(status: number, text: string): void {
  expect([400, 408, 413, 431]).toContain(status)
  const told = JSON.parse(text) as { readonly message: string }
  expect(told).toEqual({
    __type: expect.stringMatching(/^(?:[A-Z][a-z]+)+Exception$|^RequestEntityTooLarge$/),
    message: expect.any(String),
  })
  expect(told.message).not.toMatch(
    /\bat \S+ \(|node:internal|node_modules|\.[jt]s:\d|\[object (?:Object|Array)/,
  )
}

test(`what is refused is refused in the form of the service and changes nothing (${requests} requests, SEED=${seed})`, async () => {
  const seen = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(hostileRequest, async (sent) => {
      const { status, headers, text } = await answerInTime(sent)
      seen.set(status, (seen.get(status) ?? 0) + 1)
      expect(headers['content-type']).toBe('application/x-amz-json-1.1')
      expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
      if (status === 200) {
        expect(JSON.parse(text)).not.toHaveProperty('__type')
        return
      }
      expectRefusal(status, text)
      expect(state()).toEqual({ streams: [orders], appends: 0 })
    }),
    { numRuns: requests, seed },
  )
  // Both outcomes are met, or the requests are not what they should be.
  expect(seen.get(200)).toBeGreaterThan(requests / 100)
  expect(seen.get(400)).toBeGreaterThan(requests / 2)
}, 600_000)

/** All that comes back for these bytes until the connection ends. */
function speak(bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: api.port, host: '127.0.0.1' })
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (piece: string) => (text += piece))
    socket.on('close', () => resolve(text))
    socket.on('error', (error) => {
      // A server may cut off who goes on talking.
      if (!['ECONNRESET', 'EPIPE'].includes(String(Reflect.get(error, 'code')))) reject(error)
    })
    socket.end(bytes)
  })
}

/** The answers of one connection, each whole. */
function answersIn(text: string): { status: number; body: string }[] {
  const answers: { status: number; body: string }[] = []
  let rest = text
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const [, status = ''] = /^HTTP\/1\.1 (\d{3}) /.exec(rest) ?? []
    expect(end, rest).toBeGreaterThan(0)
    if (status === '100') {
      rest = rest.slice(end + 4)
      continue
    }
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(rest.slice(0, end + 2))?.[1])
    const body = rest.slice(end + 4, end + 4 + length)
    expect(body.length, rest).toBe(length)
    answers.push({ status: Number(status), body: Buffer.from(body, 'latin1').toString() })
    rest = rest.slice(end + 4 + length)
  }
  return answers
}

test(`bytes that are half HTTP are answered or cut off (SEED=${seed})`, async () => {
  let answered = 0
  await fc.assert(
    fc.asyncProperty(hostileBytes, async (bytes) => {
      reset()
      const started = performance.now()
      const answers = answersIn(await speak(bytes))
      expect(performance.now() - started).toBeLessThan(5000)
      answered += answers.length
      for (const { status, body } of answers) if (status !== 200) expectRefusal(status, body)
      if (answers.every(({ status }) => status !== 200))
        expect(state()).toEqual({ streams: [orders], appends: 0 })
    }),
    { numRuns: Math.ceil(requests / 10), seed },
  )
  expect(answered).toBeGreaterThan(requests / 20)
}, 600_000)

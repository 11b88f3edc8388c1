/** Transforms by HTTP: the contract of Lambda over POST, what is no answer, and addresses that records must not go to. */
import type { LookupAddress } from 'node:dns'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Metrics } from '../../src/account/metrics.ts'
import type { Transform } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { KIB, MIB } from '../../src/domain/limits.ts'
import type { Resolve } from '../../src/process/transform/guarded-lookup.ts'
import { createTransform } from '../../src/process/transform/transform.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { mapping, type FirehoseEvent } from '../support/fake-lambda.ts'
import { startHttpTransform, type HttpTransform } from '../support/http-transform.ts'
import { keepingLog, type LogLine } from '../support/log-lines.ts'
import {
  apiFrame,
  batch,
  deliveryStream,
  plan,
  recordsOf,
  streamed,
  transformBy,
  type Derived,
} from '../support/transform-batch.ts'

let clock: FakeClock
let lines: LogLine[]
let closers: (() => Promise<void> | void)[]

beforeEach(() => {
  clock = new FakeClock()
  closers = []
})
afterEach(async () => {
  for (const close of closers.toReversed()) await close()
})

interface Run {
  readonly url: string
  readonly allowedUrls?: readonly string[]
  readonly resolve?: Resolve
  readonly transform?: Partial<Transform>
  readonly signal?: AbortSignal
  /** Default: 5. */
  readonly callsPerBatch?: number
  /** In place of frames. */
  readonly source?: AsyncIterable<Frame>
}

function run(frames: readonly Frame[], change: Run): AsyncIterable<Frame> {
  const { url, allowedUrls = ['http://127.0.0.1'], resolve, transform, signal, callsPerBatch = 5 } = change
  const kept = keepingLog()
  lines = kept.lines
  const stage = createTransform({
    registry: { get: () => Promise.resolve(deliveryStream) },
    lambda: {},
    http: { allowedUrls, ...(resolve === undefined ? {} : { resolve }) },
    callsPerBatch,
    clock,
    metrics: new Metrics(),
    log: kept.log,
  })
  closers.push(() => stage.close())
  return stage.transform({
    batch,
    plan,
    transform: transformBy({ target: { kind: 'http', url }, retries: 0, ...transform }),
    frames: change.source ?? streamed(frames),
    signal: signal ?? new AbortController().signal,
  })
}

async function serve(...given: Parameters<typeof startHttpTransform>): Promise<HttpTransform> {
  const server = await startHttpTransform(...given)
  closers.push(() => server.close())
  return server
}

const mapped = (change: (text: string) => string) => (body: string, response: ServerResponse) => {
  response.end(JSON.stringify(mapping(change)(JSON.parse(body) as FirehoseEvent)))
}

const codesOf = (derived: readonly Derived[]) => derived.map(({ metadata }) => metadata.verdict?.code)

test('records are posted as the event of a Lambda function, and its answer is read', async () => {
  const server = await serve(mapped((text) => text.toUpperCase()))
  const url = `${server.url}/orders?key=v`
  const derived = await recordsOf(run([apiFrame(['a', 'b'])], { url, allowedUrls: [server.url] }))
  expect(derived.map(({ text }) => text)).toEqual(['A', 'B'])
  const [asked] = server.asked
  expect(asked).toMatchObject({
    method: 'POST',
    path: '/orders?key=v',
    headers: { 'content-type': 'application/json', 'content-length': String(asked?.body.length) },
  })
  expect(Object.keys(JSON.parse(asked?.body ?? '') as object)).toEqual([
    'invocationId',
    'deliveryStreamArn',
    'region',
    'records',
  ])
})

test('connections are used again', async () => {
  const server = await serve(mapped((text) => text))
  const frames = Array.from({ length: 6 }, (_, index) => apiFrame(['x'], clock.now() + index * 100_000))
  await recordsOf(run(frames, { url: server.url, allowedUrls: [server.url] }))
  expect(server.asked).toHaveLength(6)
  expect(server.open).toBeLessThanOrEqual(5)
})

describe('a connection that is closed when it is used again', () => {
  const frames = () => [apiFrame(['a']), apiFrame(['b'], clock.now() + 100_000)]
  /** Answers the first request of each connection, and ends the connection at the second. */
  const once = (end: (socket: Socket) => void) => {
    const used = new WeakSet<Socket>()
    return (body: string, response: ServerResponse, { socket }: IncomingMessage): void => {
      if (used.has(socket)) return end(socket)
      used.add(socket)
      mapped((text) => text.toUpperCase())(body, response)
    }
  }
  const to = ({ url }: HttpTransform) => ({ url, allowedUrls: [url] })
  const retried = () => lines.filter(({ message }) => /retried|failed/.test(message))

  test.each([
    ['closed', (socket: Socket) => void socket.destroy()],
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
  ])('%s: the call is sent once more by a new one, and no try is lost', async (_, end) => {
    const server = await serve(once(end))
    const derived = await recordsOf(run(frames(), { ...to(server), callsPerBatch: 1 }))
    expect(derived.map(({ text }) => text)).toEqual(['A', 'B'])
    expect(server.asked.map(({ body }) => body === server.asked[1]?.body)).toEqual([false, true, true])
    expect(retried()).toEqual([])
  })

  test('by a server that closes what is idle, a moment before each call', async () => {
    const server = await serve(mapped((text) => text.toUpperCase()))
    const closing = async function* (): AsyncGenerator<Frame> {
      for (let index = 0; index < 8; index += 1) {
        yield apiFrame([`r${index}`], clock.now() + index * 100_000)
        server.closeIdle()
      }
    }
    const derived = await recordsOf(run([], { ...to(server), callsPerBatch: 1, source: closing() }))
    expect(derived.map(({ text }) => text)).toEqual(Array.from({ length: 8 }, (_, index) => `R${index}`))
    expect(retried()).toEqual([])
  })

  test('in the middle of an answer, or a new one: it counts as a try', async () => {
    const inAnswer = await serve(once((socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-')))
    const derived = await recordsOf(run(frames(), { ...to(inAnswer), callsPerBatch: 1 }))
    expect(codesOf(derived)).toEqual([undefined, 'Lambda.TargetServerFailedToRespond'])
    expect(inAnswer.asked).toHaveLength(2)
    const always = await serve((_body, response) => void response.destroy())
    expect(codesOf(await recordsOf(run(frames(), { ...to(always), callsPerBatch: 1 })))).toEqual([
      'Lambda.TargetServerFailedToRespond',
      'Lambda.TargetServerFailedToRespond',
    ])
    expect(always.asked).toHaveLength(2)
  })
})

describe('what is no answer', () => {
  test.each([
    [301, 'Lambda.InvocationFailure'],
    [307, 'Lambda.InvocationFailure'],
    [400, 'Lambda.InvocationFailure'],
    [401, 'Lambda.InvokeAccessDenied'],
    [403, 'Lambda.InvokeAccessDenied'],
    [404, 'Lambda.ResourceNotFound'],
    [413, 'Lambda.InvocationFailure'],
    [429, 'Lambda.InvokeLimitExceeded'],
    [500, 'Lambda.FunctionError'],
    [502, 'Lambda.TargetServerFailedToRespond'],
    [503, 'Lambda.ServiceUnavailable'],
    [504, 'Lambda.FunctionRequestTimedOut'],
  ])('status %i: %s', async (status, code) => {
    const server = await serve((_body, response) => {
      response.writeHead(status, { location: '/elsewhere' })
      response.end('CANARY')
    })
    const derived = await recordsOf(
      run([apiFrame(['a'])], { url: `${server.url}/t?key=SECRET`, allowedUrls: [server.url] }),
    )
    expect(codesOf(derived)).toEqual([code])
    expect(server.asked).toHaveLength(1)
    expect(lines.map(({ message }) => message)).toEqual(['transform call failed'])
    const told = lines.map(({ fields }) => [fields, String(fields['err']), (fields['err'] as Error).stack])
    expect(JSON.stringify(told)).not.toMatch(/CANARY|SECRET/)
  })

  test('a status of failure is tried again, and an answer then counts', async () => {
    let tries = 0
    const server = await serve((body, response) => {
      if ((tries += 1) < 3) response.writeHead(503).end()
      else mapped((text) => text)(body, response)
    })
    const derived = recordsOf(
      run([apiFrame(['a'])], { url: server.url, allowedUrls: [server.url], transform: { retries: 3 } }),
    )
    await eventually(async () => {
      await clock.advance(1_000)
      expect(tries).toBe(3)
    })
    expect(codesOf(await derived)).toEqual([undefined])
  })

  test('a body without end is read no further than an answer may go', async () => {
    const server = await serve((_body, response) => {
      const write = (): void => {
        while (response.write(Buffer.alloc(64 * KIB, '1')));
        response.once('drain', write)
      }
      write()
    })
    const derived = await recordsOf(run([apiFrame(['a'])], { url: server.url, allowedUrls: [server.url] }))
    expect(codesOf(derived)).toEqual(['Lambda.FunctionError'])
    await eventually(() => expect(server.open).toBe(0))
  })

  test('a connection that breaks in the middle of the answer', async () => {
    const server = await serve((_body, response, request) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write('{"records":', () => request.socket.destroy())
    })
    const derived = await recordsOf(run([apiFrame(['a'])], { url: server.url, allowedUrls: [server.url] }))
    expect(codesOf(derived)).toEqual(['Lambda.TargetServerFailedToRespond'])
  })

  test('nobody there, and a name that is not known', async () => {
    const free = await startHttpTransform(() => undefined)
    await free.close()
    const nobody = await recordsOf(run([apiFrame(['a'])], { url: free.url, allowedUrls: [free.url] }))
    expect(codesOf(nobody)).toEqual(['Lambda.TargetServerFailedToRespond'])
    const unknown = await recordsOf(run([apiFrame(['a'])], { url: 'http://transform.invalid/' }))
    expect(codesOf(unknown)).toEqual(['Lambda.TargetServerFailedToRespond'])
  })

  test('a call that takes too long', async () => {
    const server = await serve((_body, response) => void response.writeHead(200).write('{'))
    const derived = recordsOf(run([apiFrame(['a'])], { url: server.url, allowedUrls: [server.url] }))
    await eventually(() => expect(server.asked).toHaveLength(1))
    await clock.advance(300_000)
    expect(codesOf(await derived)).toEqual(['Lambda.FunctionRequestTimedOut'])
    await eventually(() => expect(server.open).toBe(0))
  })

  test('an abort ends the call', async () => {
    const abort = new AbortController()
    const server = await serve(() => undefined)
    const derived = recordsOf(
      run([apiFrame(['a'])], { url: server.url, allowedUrls: [server.url], signal: abort.signal }),
    )
    const told = expect(derived).rejects.toThrow('enough')
    await eventually(() => expect(server.asked).toHaveLength(1))
    abort.abort(new Error('enough'))
    await told
    await eventually(() => expect(server.open).toBe(0))
  })
})

describe('addresses', () => {
  const resolving = (...answers: (readonly string[])[]): Resolve => {
    return (_host, _options, done) => {
      const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
      done(
        null,
        addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
  }

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0'])(
    'nothing is sent to %s that is not allowed',
    async (host) => {
      const server = await serve(
        mapped((text) => text),
        host.startsWith('[::1') ? '::1' : '127.0.0.1',
      )
      const derived = await recordsOf(
        run([apiFrame(['a'])], { url: `http://${host}:${server.port}/`, allowedUrls: [] }),
      )
      expect(codesOf(derived)).toEqual(['Lambda.InvokeAccessDenied'])
      expect(server.open + server.asked.length).toBe(0)
      expect(lines[0]?.fields['err']).toMatchObject({
        hint: 'add the beginning of the URL to processing.allowedUrls if records may go there',
      })
    },
  )

  test('a name that resolves to such an address is refused, also where another of its addresses is public', async () => {
    const server = await serve(mapped((text) => text))
    for (const addresses of [['127.0.0.1'], ['192.0.2.1', '127.0.0.1'], ['::ffff:127.0.0.1']]) {
      const resolve = resolving(addresses)
      const url = `http://transform.example:${server.port}/`
      const derived = await recordsOf(run([apiFrame(['a'])], { url, resolve, allowedUrls: [] }))
      expect(codesOf(derived)).toEqual(['Lambda.InvokeAccessDenied'])
    }
    const derived = await recordsOf(
      run([apiFrame(['a'])], { url: `http://localhost:${server.port}/`, allowedUrls: [] }),
    )
    expect(codesOf(derived)).toEqual(['Lambda.InvokeAccessDenied'])
    expect(server.open + server.asked.length).toBe(0)
  })

  test('a name is checked when it is connected to, each time: resolving otherwise later is no way in', async () => {
    const server = await serve(mapped((text) => text))
    const url = `http://transform.example:${server.port}/`
    const resolve = resolving(['203.0.113.1'], ['127.0.0.1'])
    const abort = new AbortController()
    const derived = recordsOf(
      run([apiFrame(['a'])], {
        url,
        resolve,
        allowedUrls: [],
        transform: { retries: 1 },
        signal: abort.signal,
      }),
    )
    // The first address does not answer; its call is given up, and the second try looks the name up again.
    await clock.advance(0)
    let isDone = false
    void derived.then(() => (isDone = true))
    await eventually(async () => {
      await clock.advance(300_000)
      expect(isDone).toBe(true)
    })
    expect(codesOf(await derived)).toEqual(['Lambda.InvokeAccessDenied'])
    expect(server.open + server.asked.length).toBe(0)
  })

  test('an allowed URL opens its own path and what is below, at its host and port', async () => {
    const server = await serve(mapped((text) => text))
    const allowedUrls = [`${server.url}/open/`]
    const at = async (path: string) =>
      codesOf(await recordsOf(run([apiFrame(['a'])], { url: server.url + path, allowedUrls })))[0]
    expect(await at('/open/')).toBeUndefined()
    expect(await at('/open/deep/er?x=1')).toBeUndefined()
    for (const path of ['/', '/opener', '/open/../other', '/%6fpen', '/other'])
      expect(await at(path), path).toBe('Lambda.InvokeAccessDenied')
    const other = await serve(mapped((text) => text))
    const derived = await recordsOf(run([apiFrame(['a'])], { url: `${other.url}/open/`, allowedUrls }))
    expect(codesOf(derived)).toEqual(['Lambda.InvokeAccessDenied'])
    expect(server.asked).toHaveLength(2)
  })

  test('a connection of an allowed URL does not serve one that is not', async () => {
    const server = await serve(mapped((text) => text))
    const url = `http://transform.example:${server.port}`
    const kept = keepingLog()
    const stage = createTransform({
      registry: { get: () => Promise.resolve(deliveryStream) },
      lambda: {},
      http: { allowedUrls: [`http://localhost:${server.port}/open`], resolve: resolving(['127.0.0.1']) },
      callsPerBatch: 1,
      clock,
      metrics: new Metrics(),
      log: kept.log,
    })
    closers.push(() => stage.close())
    const codes: (string | undefined)[] = []
    for (const called of [
      `http://localhost:${server.port}/open`,
      `http://localhost:${server.port}/other`,
      `${url}/open`,
    ]) {
      const transform = transformBy({ target: { kind: 'http', url: called }, retries: 0 })
      const frames = streamed([apiFrame(['a'])])
      const signal = new AbortController().signal
      codes.push(...codesOf(await recordsOf(stage.transform({ batch, plan, transform, frames, signal }))))
    }
    expect(codes).toEqual([undefined, 'Lambda.InvokeAccessDenied', 'Lambda.InvokeAccessDenied'])
  })
})

test('an answer of twice the size is taken up to 6 MB', async () => {
  const server = await serve(mapped((text) => text + text))
  const record = Buffer.alloc(MIB / 2, 'x')
  const frames = [apiFrame([record, record, record, record])]
  const derived = await recordsOf(
    run(frames, { url: server.url, allowedUrls: [server.url], transform: { bufferBytes: 2 * MIB } }),
  )
  expect(codesOf(derived)).toEqual([undefined, undefined, undefined, undefined])
  expect(derived.every(({ text }) => text.length === MIB)).toBe(true)
})

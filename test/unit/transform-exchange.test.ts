/** The records of a batch exchanged for what a transform makes of them: order, places, tries, memory, the way out. */
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { Transform } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { MIB } from '../../src/domain/limits.ts'
import { CALL_MAX_MS, type Invoke } from '../../src/process/transform/attempts.ts'
import { CallFailure } from '../../src/process/transform/codes.ts'
import { DERIVED_FRAME_BYTES } from '../../src/process/transform/derived-frames.ts'
import { exchange, type ExchangeOptions } from '../../src/process/transform/exchange.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { mapping, type FirehoseEvent, type LambdaFunction } from '../support/fake-lambda.ts'
import { keepingLog } from '../support/log-lines.ts'
import {
  apiFrame,
  batch,
  deliveryStream,
  describedFrame,
  FUNCTION_ARN,
  plan,
  recordsOf,
  streamed,
  transformBy,
} from '../support/transform-batch.ts'

let clock: FakeClock
let metrics: Metrics
let sent: FirehoseEvent[]

beforeEach(() => {
  clock = new FakeClock()
  metrics = new Metrics()
  sent = []
})

interface Run {
  readonly invoke?: Invoke
  readonly transform?: Partial<Transform>
  readonly options?: Partial<ExchangeOptions>
  readonly signal?: AbortSignal
}

function run(frames: readonly Frame[] | AsyncIterable<Frame>, change: Run = {}): AsyncGenerator<Frame> {
  const input = {
    batch,
    plan,
    transform: transformBy(change.transform),
    frames: Symbol.asyncIterator in frames ? frames : streamed(frames),
    signal: change.signal ?? new AbortController().signal,
  }
  return exchange(input, change.invoke ?? calling(mapping((text) => text.toUpperCase())), {
    registry: { get: () => Promise.resolve(deliveryStream) },
    callsPerBatch: 5,
    clock,
    metrics,
    log: createLog('silent'),
    ...change.options,
  })
}

function calling(answer: LambdaFunction): Invoke {
  return async (event) => {
    const read = JSON.parse(Buffer.from(event).toString()) as FirehoseEvent
    sent.push(read)
    return Buffer.from(JSON.stringify(await answer(read)))
  }
}

const down = (code: CallFailure['code'] = 'Lambda.ServiceUnavailable'): CallFailure =>
  new CallFailure('invoke f: it is down', { code, hint: 'see that it is up' })

test('what the transform made of each record takes its place', async () => {
  const records = await recordsOf(run([apiFrame(['a', 'b']), apiFrame(['c'])]))
  expect(records.map(({ text, metadata: { origin } }) => [text, origin])).toEqual([
    ['A', 0],
    ['B', 1],
    ['C', 2],
  ])
})

test('arrival, Kinesis metadata, origin and shard of a record stay with it, and partition keys are added', async () => {
  const known = { arrivalMs: 1_000, sequenceNumber: '4965', subSequenceNumber: 2, partitionKey: 'k' }
  const frames = [
    describedFrame([{ record: 'a', metadata: { ...known, origin: 9 } }], 'shardId-1'),
    describedFrame([{ record: 'b', metadata: known }], 'shardId-2'),
  ]
  const answer: LambdaFunction = (event) => {
    const { records } = mapping((text) => text)(event) as { records: object[] }
    return { records: records.map((record) => ({ ...record, metadata: { partitionKeys: { day: 'mo' } } })) }
  }
  const derived = await recordsOf(run(frames, { invoke: calling(answer) }))
  const partitionKeys = { day: 'mo' }
  expect(derived).toEqual([
    { text: 'a', shardId: 'shardId-1', metadata: { ...known, origin: 9, partitionKeys } },
    { text: 'b', shardId: 'shardId-2', metadata: { ...known, origin: 1, partitionKeys } },
  ])
})

test('records with a verdict or dropped before pass untouched, with their origin, and are not sent', async () => {
  const verdict = { errorType: 'decompression-failed', code: 'C', message: 'M', attemptsMade: 1 } as const
  const frame = describedFrame([
    { record: 'bad', metadata: { verdict } },
    { record: 'good' },
    { record: 'gone', metadata: { isDropped: true, origin: 1 } },
  ])
  const derived = await recordsOf(run([frame]))
  expect(sent.flatMap(({ records }) => records)).toHaveLength(1)
  expect(derived.map(({ text }) => text)).toEqual(['bad', 'GOOD', 'gone'])
  expect(derived[0]?.metadata).toMatchObject({ verdict, origin: 0 })
  expect(derived[2]?.metadata).toMatchObject({ isDropped: true, origin: 1 })
})

test('a batch without records that can be sent makes no call', async () => {
  expect(await recordsOf(run([]))).toEqual([])
  const frame = describedFrame([{ record: 'gone', metadata: { isDropped: true } }])
  expect(await recordsOf(run([frame]))).toHaveLength(1)
  expect(sent).toEqual([])
})

test('a dropped record keeps its place without bytes; a failed one has its verdict and its own bytes', async () => {
  const answer: LambdaFunction = ({ records: [first, second] }) => ({
    records: [
      { recordId: first?.recordId, result: 'Dropped', data: 'eA==' },
      { recordId: second?.recordId, result: 'ProcessingFailed', data: 'eA==' },
    ],
  })
  const derived = await recordsOf(run([apiFrame(['one', 'two'])], { invoke: calling(answer) }))
  expect(derived[0]).toMatchObject({ text: '', metadata: { isDropped: true, origin: 0 } })
  expect(derived[1]).toMatchObject({
    text: 'two',
    metadata: {
      origin: 1,
      verdict: {
        errorType: 'processing-failed',
        code: 'Lambda.ProcessingFailedStatus',
        message: 'ProcessingFailed status set for record',
        attemptsMade: 1,
      },
    },
  })
  expect(await metrics.value('hydrant_transformed_records_total', { result: 'dropped' })).toBe(1)
  expect(await metrics.value('hydrant_transformed_records_total', { result: 'failed' })).toBe(1)
})

describe('tries', () => {
  test('a call that is not answered is made again after a while, as often as asked, with the same records', async () => {
    const { log, lines } = keepingLog()
    let tries = 0
    const ok = calling(mapping((text) => text))
    const invoke: Invoke = (event, signal) =>
      (tries += 1) <= 3 ? Promise.resolve(down()) : ok(event, signal)
    const derived = recordsOf(run([apiFrame(['a'])], { invoke, options: { log } }))
    await clock.advance(0)
    expect(tries).toBe(1)
    await clock.advance(60_000)
    expect((await derived)[0]?.metadata.verdict).toBeUndefined()
    expect(tries).toBe(4)
    expect(lines.map(({ message }) => message)).toEqual(Array(3).fill('transform call will be retried'))
    expect(lines[0]?.fields).toMatchObject({ attempt: 1, records: 1, code: 'Lambda.ServiceUnavailable' })
    expect(await metrics.value('hydrant_transform_calls_total', { result: 'ok' })).toBe(1)
    expect(
      await metrics.value('hydrant_transform_calls_total', { result: 'Lambda.ServiceUnavailable' }),
    ).toBe(3)
  })

  test.each([0, 3])(
    'after %i retries all records of the call fail with the reason of the last',
    async (retries) => {
      const { log, lines } = keepingLog()
      const ids: string[] = []
      const invoke: Invoke = (event) => {
        const { invocationId } = JSON.parse(Buffer.from(event).toString()) as FirehoseEvent
        ids.push(invocationId)
        return Promise.resolve(
          down(ids.length <= retries ? 'Lambda.ServiceUnavailable' : 'Lambda.FunctionError'),
        )
      }
      const derived = recordsOf(
        run([apiFrame(['a', 'b'])], { invoke, transform: { retries }, options: { log } }),
      )
      await clock.advance(3_600_000)
      const verdict = {
        errorType: 'processing-failed',
        code: 'Lambda.FunctionError',
        message: 'The Lambda function was successfully invoked but it returned an error result.',
        attemptsMade: retries + 1,
      }
      expect((await derived).map(({ text, metadata }) => [text, metadata.verdict])).toEqual([
        ['a', verdict],
        ['b', verdict],
      ])
      expect(new Set(ids).size).toBe(retries + 1)
      expect(lines.at(-1)).toMatchObject({ level: 'warn', message: 'transform call failed' })
    },
  )

  test('a failed call costs its own records only', async () => {
    const invoke: Invoke = (event, signal) =>
      event.toString().includes(Buffer.from('b').toString('base64'))
        ? Promise.resolve(down())
        : calling(mapping((text) => text))(event, signal)
    const frames = ['a', 'b', 'c'].map((text, index) => apiFrame([text], clock.now() + index * 100_000))
    const derived = await recordsOf(run(frames, { invoke, transform: { retries: 0 } }))
    expect(derived.map(({ metadata: { verdict } }) => verdict?.code)).toEqual([
      undefined,
      'Lambda.ServiceUnavailable',
      undefined,
    ])
  })

  test('a bad answer is not asked again, and is logged without a word of it', async () => {
    const { log, lines } = keepingLog()
    let tries = 0
    const invoke: Invoke = () => {
      tries += 1
      return Promise.resolve(Buffer.from('CANARY rubbish'))
    }
    const derived = await recordsOf(run([apiFrame(['a', 'b'])], { invoke, options: { log } }))
    expect(tries).toBe(1)
    expect(derived.map(({ metadata: { verdict } }) => [verdict?.code, verdict?.attemptsMade])).toEqual([
      ['Lambda.JsonProcessingException', 1],
      ['Lambda.JsonProcessingException', 1],
    ])
    expect(lines).toMatchObject([
      {
        message: 'transform broke its contract',
        fields: { errors: { 'Lambda.JsonProcessingException': 2 } },
      },
    ])
    expect(JSON.stringify(lines)).not.toContain('CANARY')
    expect(JSON.stringify(derived)).not.toContain('CANARY')
  })

  test('bad answers of many calls are two lines: of the first at once, of all at the end', async () => {
    const { log, lines } = keepingLog()
    const invoke: Invoke = () => Promise.resolve(Buffer.from('rubbish'))
    const frames = Array.from({ length: 20 }, (_, index) => apiFrame(['a', 'b'], index * 100_000))
    await recordsOf(run(frames, { invoke, options: { log } }))
    const told = { deliveryStream: 'orders', batchId: batch.batchId, target: FUNCTION_ARN }
    expect(lines).toMatchObject([
      {
        message: 'transform broke its contract',
        fields: { ...told, records: 2, attempt: 1, errors: { 'Lambda.JsonProcessingException': 2 } },
      },
      {
        message: 'transform broke its contract in several calls',
        fields: { ...told, calls: 20, records: 40, errors: { 'Lambda.JsonProcessingException': 40 } },
      },
    ])
  })

  test('a call that is not answered within five minutes is given up and counts as a try', async () => {
    const given: AbortSignal[] = []
    const invoke: Invoke = (_event, signal) => {
      given.push(signal)
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    }
    const derived = recordsOf(run([apiFrame(['a'])], { invoke, transform: { retries: 1 } }))
    await clock.advance(CALL_MAX_MS - 1)
    expect(given.map(({ aborted }) => aborted)).toEqual([false])
    await clock.advance(2 * CALL_MAX_MS)
    expect((await derived)[0]?.metadata.verdict).toMatchObject({
      code: 'Lambda.FunctionRequestTimedOut',
      attemptsMade: 2,
    })
    expect(given.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(clock.sleeping).toBe(0)
  })

  test('a defect is no failure of the transform: the batch is not told to have failed', async () => {
    const invoke: Invoke = () => Promise.reject(new TypeError('not a function'))
    await expect(recordsOf(run([apiFrame(['a'])], { invoke }))).rejects.toThrow('not a function')
  })
})

describe('calls under way', () => {
  const apart = (count: number): Frame[] =>
    Array.from({ length: count }, (_, index) => apiFrame([String(index)], clock.now() + index * 100_000))

  test('as many as asked are under way at a time, and their records come in order whoever ends first', async () => {
    let [running, most] = [0, 0]
    const waiting: { event: FirehoseEvent; end: () => void }[] = []
    const answer = mapping((text) => text)
    const invoke = calling(async (event) => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => waiting.push({ event, end: resolve }))
      running -= 1
      return answer(event)
    })
    const derived = recordsOf(run(apart(10), { invoke, options: { callsPerBatch: 3 } }))
    for (let ended = 0; ended < 10; ended += 1) {
      await eventually(() => expect(waiting.length).toBeGreaterThan(0))
      waiting.pop()?.end()
    }
    expect((await derived).map(({ text }) => text)).toEqual('0123456789'.split(''))
    expect(most).toBe(3)
  })

  test('no more frames are asked for than the calls under way hold', async () => {
    let asked = 0
    const frames = (async function* () {
      for (const frame of apart(100)) {
        asked += 1
        yield await Promise.resolve(frame)
      }
    })()
    const derived = run(frames, { options: { callsPerBatch: 4 }, transform: { bufferBytes: 1 } })
    await derived.return(undefined)
    expect(asked).toBe(0)
    const never = run(frames, { options: { callsPerBatch: 4 }, invoke: () => new Promise(() => undefined) })
    void never.next()
    await clock.advance(0)
    expect(asked).toBe(5)
  })

  test('an abort ends all calls, in the middle of them or of a wait, and tells its reason', async () => {
    for (const invoke of [
      ((_event, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('cut'))),
        )) satisfies Invoke,
      (() => Promise.resolve(down())) satisfies Invoke,
    ]) {
      const abort = new AbortController()
      const derived = recordsOf(run(apart(5), { invoke, signal: abort.signal, transform: { retries: 300 } }))
      const told = expect(derived).rejects.toThrow('the attempt took too long')
      await clock.advance(0)
      abort.abort(new Error('the attempt took too long'))
      await told
      expect(clock.sleeping).toBe(0)
    }
  })

  test('who reads no further ends the calls under way', async () => {
    const big = 'x'.repeat(MIB)
    const frames = Array.from({ length: 6 }, (_, index) => apiFrame([big], clock.now() + index * 100_000))
    let [ended, calls] = [0, 0]
    const ok = calling(mapping((text) => text))
    const invoke: Invoke = (event, signal) => {
      calls += 1
      if (calls <= 2) return ok(event, signal)
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          ended += 1
          reject(new Error('cut'))
        }),
      )
    }
    const derived = run(frames, { invoke })
    expect((await derived.next()).value?.records).toBe(1)
    await derived.return(undefined)
    expect(ended).toBe(calls - 2)
    expect(ended).toBeGreaterThan(0)
  })
})

test('a delivery stream that is gone is no reason for a verdict', async () => {
  for (const known of [undefined, { ...deliveryStream, incarnation: 'ffffffffffffffff' }]) {
    const registry = { get: () => Promise.resolve(known) }
    await expect(recordsOf(run([apiFrame(['a'])], { options: { registry } }))).rejects.toThrow('is gone')
  }
})

test('a transform that doubles sizes makes frames of bounded size', async () => {
  const record = 'x'.repeat(300 * 1024)
  const frames = Array.from({ length: 4 }, () => apiFrame([record, record, record]))
  const double = calling(mapping((text) => text + text))
  let records = 0
  for await (const frame of run(frames, { invoke: double })) {
    records += frame.records
    expect(frame.recordBytes).toBeLessThanOrEqual(DERIVED_FRAME_BYTES)
    expect([...frame.recordViews()].every(({ length }) => length === 2 * record.length)).toBe(true)
  }
  expect(records).toBe(12)
})

test('for any answers whatever each record has exactly one record out, in order', async () => {
  const shape = fc.constantFrom(
    'Ok',
    'Dropped',
    'ProcessingFailed',
    'half',
    'twice',
    'rubbish',
    'null',
    'odd',
    'down',
  )
  const answerFor = (how: string, { records }: FirehoseEvent): unknown => {
    const ok = records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data }))
    switch (how) {
      case 'half':
        return { records: ok.filter((_, index) => index % 2 === 0).toReversed() }
      case 'twice':
        return { records: [...ok, ...ok.slice(1)] }
      case 'rubbish':
        return 'rubbish'
      case 'null':
        return null
      case 'odd':
        return { records: ok.map((entry) => ({ ...entry, result: 'Odd' })) }
      default:
        return { records: ok.map((entry) => ({ ...entry, result: how })) }
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(shape, { minLength: 1, maxLength: 5 }),
      fc.array(fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 4 }),
      async (shapes, chunks, bufferBytes, callsPerBatch) => {
        let calls = 0
        const invoke: Invoke = (event) => {
          const how = shapes[(calls += 1) % shapes.length] ?? 'Ok'
          if (how === 'down') return Promise.resolve(down())
          const answer = answerFor(how, JSON.parse(Buffer.from(event).toString()) as FirehoseEvent)
          return Promise.resolve(Buffer.from(JSON.stringify(answer)))
        }
        const derived = await recordsOf(
          run(
            chunks.map((records) => apiFrame(records)),
            { invoke, transform: { bufferBytes, retries: 0 }, options: { callsPerBatch } },
          ),
        )
        const texts = chunks.flat()
        expect(derived.map(({ metadata: { origin } }) => origin)).toEqual(texts.map((_, ordinal) => ordinal))
        for (const [ordinal, { text, metadata }] of derived.entries()) {
          expect(text).toBe(metadata.isDropped === true ? '' : Buffer.from(texts[ordinal] ?? '').toString())
          expect(metadata.verdict === undefined || metadata.isDropped !== true).toBe(true)
        }
      },
    ),
    { numRuns: 200 },
  )
})

/**
 * A transform that does not answer, beside streams that have nothing to do with it: the real delivery with both queues, two
 * places and two batches a stream, and functions behind a real server.
 */
import type { ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { openRawEncoder } from '../../src/convert/raw.ts'
import { BullmqQueue } from '../../src/deliver/bullmq-queue.ts'
import { createDelivery } from '../../src/deliver/delivery.ts'
import { createDispatch } from '../../src/deliver/dispatch.ts'
import { fairTurns } from '../../src/deliver/fair-turns.ts'
import { LocalQueue } from '../../src/deliver/local-queue.ts'
import type { DeliveryQueue } from '../../src/deliver/queue.ts'
import { transformTurns } from '../../src/deliver/transform-turns.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import type { Processors, Store } from '../../src/domain/ports.ts'
import { createProcessors } from '../../src/process/processors.ts'
import { createTransform } from '../../src/process/transform/transform.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { appendIds, expectAppended, expectBalanced, frameOf, streamOf } from '../conformance/store/fixture.ts'
import { bufferPath, openAt } from '../conformance/store/lmdb-folder.ts'
import { eventually } from '../support/eventually.ts'
import { mapping, type FirehoseEvent } from '../support/fake-lambda.ts'
import { startHttpTransform } from '../support/http-transform.ts'
import { freshPrefix, openTestStore, redisOfFile } from '../support/redis-store.ts'
import { transformBy } from '../support/transform-batch.ts'

const CONCURRENCY = 2
const PER_STREAM = 2
const log = createLog('silent')
const file = redisOfFile()

interface Stored {
  readonly store: Store
  readonly queue: DeliveryQueue
}

async function embedded(): Promise<Stored> {
  const store = await openAt(bufferPath())
  return { store, queue: new LocalQueue({ concurrency: CONCURRENCY, clock: systemClock, log }) }
}

async function redis(): Promise<Stored> {
  const url = `redis://127.0.0.1:${file.redis.port}`
  const keyPrefix = freshPrefix()
  const store = await openTestStore({ url, keyPrefix, maxBytes: 2 ** 30 })
  return {
    store,
    queue: new BullmqQueue({ url, keyPrefix, concurrency: CONCURRENCY, clock: systemClock, log }),
  }
}

/** Functions: those of /down… refuse each batch once and do not answer it again before they are revived. */
async function functions() {
  const refused = new Set<string>()
  const hanging: (() => void)[] = []
  let isRevived = false
  const server = await startHttpTransform((body, response, { url = '' }) => {
    const event = JSON.parse(body) as FirehoseEvent
    const answer = (): ServerResponse =>
      response.end(JSON.stringify(mapping((text) => text.toUpperCase())(event)))
    const first = event.records[0]?.recordId ?? ''
    if (!url.startsWith('/down') || isRevived) answer()
    else if (refused.has(first)) hanging.push(answer)
    else {
      refused.add(first)
      response.writeHead(503).end()
    }
  })
  onTestFinished(() => server.close())
  return {
    url: server.url,
    /** Calls that were tried again and wait for an answer. */
    waiting: () => hanging.length,
    revive: () => {
      isRevived = true
      for (const answer of hanging.splice(0)) answer()
    },
  }
}

let streams = 0

/** A stream with a batch for each record. */
async function batches(
  { store, dispatch }: Pick<Installation, 'store' | 'dispatch'>,
  name: string,
  url?: string,
): Promise<DeliveryStream> {
  const base = streamOf({ name, incarnation: (streams += 1).toString(16).padStart(16, '0'), bytes: 1 })
  const transform = transformBy({ target: { kind: 'http', url: url ?? '' }, retries: 300 })
  const destination = { ...base.destination, prefix: `${name}/`, errorOutputPrefix: `errors/${name}/` }
  const stream: DeliveryStream = {
    ...base,
    destination: url === undefined ? destination : { ...destination, processing: { transform } },
  }
  await store.registry.create(stream)
  const nextId = appendIds()
  for (let index = 0; index < 4; index += 1)
    await expectAppended(store, stream, [frameOf([`${name} ${index}`])], nextId())
  await dispatch(stream)
  return stream
}

interface Installation extends Stored {
  readonly dispatch: (stream: DeliveryStream) => Promise<void>
  readonly metrics: Metrics
  /** What landed, by stream. */
  readonly landed: ReadonlyMap<string, readonly string[]>
  /** The minute after which a transform is slow passes. */
  passMinute(): void
}

async function install({ store, queue }: Stored, transformUrl: string): Promise<Installation> {
  const stagingPath = bufferPath('staging')
  const encoder = await openRawEncoder({ stagingPath })
  const metrics = new Metrics()
  const landed = new Map<string, string[]>()
  const dispatch = createDispatch({ buffer: store.buffer, queue, perStream: PER_STREAM })
  const { processors, close } = openProcessors(store, metrics, transformUrl)
  const deliver = createDelivery({
    store,
    dispatch,
    clock: systemClock,
    resolveColumns: () => Promise.resolve([]),
    engine: { engine: 'duckdb', version: '1', checkColumns: () => {} },
    planLimits: { maxPartitions: 5000, queryLimits: { queryMaxMs: 5000, queryOutputMaxBytes: 1 << 24 } },
    encoderFor: () => Promise.resolve(encoder),
    processors,
    destination: {
      check: () => Promise.resolve(),
      put: ({ key, body }) => {
        const bytes = Buffer.from(body.bytes ?? [])
        const [name = ''] = key.split('/')
        landed.set(name, [...(landed.get(name) ?? []), bytes.toString()])
        return Promise.resolve(bytes.length)
      },
    },
    stagingPath,
    metrics,
    log,
    crash: () => undefined,
    attemptMaxMs: 60_000,
  })
  let aheadMs = 0
  const clock = { monotonicMs: () => systemClock.monotonicMs() + aheadMs }
  await queue.start(transformTurns(fairTurns(deliver), { concurrency: CONCURRENCY, clock, metrics }))
  onTestFinished(async () => {
    await queue.stop(0)
    await close()
    await encoder.close()
  })
  return { store, queue, dispatch, metrics, landed, passMinute: () => (aheadMs += 60_001) }
}

function openProcessors(
  store: Store,
  metrics: Metrics,
  url: string,
): { readonly processors: Processors; readonly close: () => Promise<void> } {
  const transform = createTransform({
    registry: store.registry,
    lambda: {},
    http: { allowedUrls: [url] },
    callsPerBatch: 5,
    clock: systemClock,
    metrics,
    log,
  })
  const partition = { partition: () => Promise.reject(new Error('no stream has partitions')) }
  const processors = createProcessors({
    buffer: store.buffer,
    transform,
    partition,
    clock: systemClock,
    metrics,
    log,
  })
  return { processors, close: () => transform.close() }
}

describe.each([
  ['embedded', embedded],
  ['redis', redis],
] as const)('%s', (_name, open) => {
  const delivered = (installation: Installation, stream: DeliveryStream): Promise<void> =>
    eventually(async () => {
      expect(await expectBalanced(installation.store, stream)).toMatchObject({ pending: 0, delivered: 4 })
    })

  test('batches of others land while a transform is down, and its own land in their first attempts', async () => {
    const { url, waiting, revive } = await functions()
    const installation = await install(await open(), url)
    const down = await batches(installation, 'down', `${url}/down`)
    await eventually(() => expect(waiting()).toBe(PER_STREAM))
    expect(await installation.metrics.value('hydrant_lent_places')).toBe(PER_STREAM)
    const plain = await batches(installation, 'plain')
    const well = await batches(installation, 'well', `${url}/well`)
    await delivered(installation, plain)
    await delivered(installation, well)
    expect(installation.landed.get('well')?.toSorted()[0]).toBe('WELL 0')
    expect(await expectBalanced(installation.store, down)).toMatchObject({ pending: 4 })
    expect(waiting()).toBe(PER_STREAM)
    revive()
    await delivered(installation, down)
    expect(
      await installation.metrics.value('hydrant_attempts_total', {
        delivery_stream: 'down',
        result: 'retry',
      }),
    ).toBe(0)
    expect(await installation.metrics.value('hydrant_lent_places')).toBe(0)
  })

  test('with every turn taken by transforms that are down, plain streams land at once, others after a minute', async () => {
    const { url, waiting, revive } = await functions()
    const installation = await install(await open(), url)
    const down = [
      await batches(installation, 'down 1', `${url}/down/1`),
      await batches(installation, 'down 2', `${url}/down/2`),
    ]
    await eventually(() => expect(waiting()).toBe(3))
    const plain = await batches(installation, 'plain')
    await delivered(installation, plain)
    const well = await batches(installation, 'well', `${url}/well`)
    await eventually(async () => {
      const ofWell = { delivery_stream: 'well', result: 'retry' }
      expect(await installation.metrics.value('hydrant_attempts_total', ofWell)).toBeGreaterThan(0)
    })
    expect(installation.landed.get('well')).toBeUndefined()
    installation.passMinute()
    await delivered(installation, well)
    revive()
    for (const stream of down) await delivered(installation, stream)
    for (const stream of [...down, plain, well])
      expect(new Set(installation.landed.get(stream.name)).size).toBe(4)
  })

  test('a stop ends batches whose transforms do not answer, and waits for none of them', async () => {
    const { url, waiting } = await functions()
    const installation = await install(await open(), url)
    const down = await batches(installation, 'down', `${url}/down`)
    await eventually(() => expect(waiting()).toBe(PER_STREAM))
    await installation.queue.stop(0)
    expect(await expectBalanced(installation.store, down)).toMatchObject({ pending: 4 })
    expect(await installation.metrics.value('hydrant_lent_places')).toBe(0)
  })
})

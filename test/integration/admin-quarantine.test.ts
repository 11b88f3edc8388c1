/** The operators' way out of quarantine, over HTTP. */
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { Health } from '../../src/account/health.ts'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { OperatorPorts } from '../../src/admin/store-route.ts'
import { createAdminServer, type AdminServer } from '../../src/admin/server.ts'
import { openRawEncoder } from '../../src/convert/raw.ts'
import { createDelivery } from '../../src/deliver/delivery.ts'
import { createDispatch } from '../../src/deliver/dispatch.ts'
import { LocalQueue } from '../../src/deliver/local-queue.ts'
import type { BatchRef } from '../../src/domain/batch.ts'
import type { StreamRef } from '../../src/domain/delivery-stream.ts'
import { BufferUnavailableError, DestinationError } from '../../src/domain/errors.ts'
import type { Totals } from '../../src/domain/outcome.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { LmdbStore } from '../../src/store/lmdb/store.ts'
import {
  appendIds,
  at,
  describeBatch,
  expectAppended,
  expectBalanced,
  frameOf,
  planOf,
  streamOf,
} from '../conformance/store/fixture.ts'
import { bufferPath, openAt } from '../conformance/store/lmdb-folder.ts'
import { eventually } from '../support/eventually.ts'
import { noProcessors } from '../support/no-processors.ts'

const CANARY = 'canary-record-4711'
const log = createLog('silent')

const running: AdminServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function openAdmin(ports?: OperatorPorts): Promise<string> {
  const server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics: new Metrics(),
    health: new Health(),
    log,
  })
  const { host, port } = await server.start()
  running.push(server)
  if (ports !== undefined) server.openStore(ports)
  return `http://${host}:${port}`
}

async function ask(url: string, method = 'GET'): Promise<[number, unknown]> {
  const response = await fetch(url, { method })
  return [response.status, await response.json()]
}

const stream = streamOf({ bytes: 1 })

/** A store with a batch for each of `records`, in order. */
async function storeWith(...records: readonly string[]): Promise<[LmdbStore, readonly BatchRef[]]> {
  const store = await openAt(bufferPath())
  await store.registry.create(stream)
  await expectAppended(
    store,
    stream,
    records.map((record) => frameOf([record])),
    appendIds()(),
  )
  return [store, await store.buffer.sealed(stream, records.length)]
}

function recordDispatches(): {
  readonly dispatched: StreamRef[]
  readonly dispatch: OperatorPorts['dispatch']
} {
  const dispatched: StreamRef[] = []
  return { dispatched, dispatch: (ref) => Promise.resolve(void dispatched.push(ref)) }
}

test('quarantined batches are listed with their reason and the request that releases them, without a record', async () => {
  const [store, batches] = await storeWith(CANARY, 'other', CANARY)
  await store.registry.create(streamOf({ name: 'healthy', incarnation: '00000000000000c3' }))
  const [first, third] = [at(batches, 0), at(batches, 2)]
  await store.buffer.beginAttempt(first)
  await store.buffer.pin(first, planOf())
  await store.buffer.quarantine(first, 'its key holds another object')
  await store.buffer.quarantine(third, 'a frame is damaged')
  const url = await openAdmin({ store, dispatch: recordDispatches().dispatch })
  const described = await describeBatch(store, first)
  const [status, body] = await ask(`${url}/quarantine`)
  expect(status).toBe(200)
  expect(body).toEqual({
    quarantined: [
      {
        deliveryStream: 'orders',
        incarnation: stream.incarnation,
        batchId: first.batchId,
        records: 1,
        bytes: CANARY.length,
        oldestArrivalAt: new Date(described.oldestArrivalMs).toISOString(),
        sealedAt: new Date(described.sealedAtMs).toISOString(),
        attempts: 1,
        reason: 'its key holds another object',
        release: `POST /quarantine/orders/${first.batchId}/release`,
      },
      expect.objectContaining({ batchId: third.batchId, attempts: 0, reason: 'a frame is damaged' }),
    ],
    more: false,
  })
  expect(JSON.stringify(body)).not.toContain(CANARY)
})

test('no more than a hundred batches of a delivery stream are listed, and the answer says that there are more', async () => {
  const [store, batches] = await storeWith(...Array.from({ length: 101 }, (_, index) => `record ${index}`))
  const url = await openAdmin({ store, dispatch: recordDispatches().dispatch })
  for (const batch of batches.slice(1)) await store.buffer.quarantine(batch, 'reason')
  expect(await ask(`${url}/quarantine`)).toEqual([200, expect.objectContaining({ more: false })])
  await store.buffer.quarantine(at(batches, 0), 'reason')
  const [, body] = await ask(`${url}/quarantine`)
  expect(body).toMatchObject({ more: true })
  expect(body).toHaveProperty('quarantined.99')
  expect(body).not.toHaveProperty('quarantined.100')
})

test('a released batch is dispatched, once; a second release says that there is none', async () => {
  const [store, batches] = await storeWith(CANARY)
  const batch = at(batches, 0)
  await store.buffer.quarantine(batch, 'reason')
  const { dispatched, dispatch } = recordDispatches()
  const url = await openAdmin({ store, dispatch })
  const path = `${url}/quarantine/orders/${batch.batchId}/release`
  const { incarnation } = stream
  expect(await ask(path, 'POST')).toEqual([
    200,
    { released: { deliveryStream: 'orders', incarnation, batchId: batch.batchId } },
  ])
  expect(dispatched).toMatchObject([{ name: 'orders', incarnation }])
  expect(await store.buffer.sealed(stream, 5)).toEqual([batch])
  expect(await ask(`${url}/quarantine`)).toEqual([200, { quarantined: [], more: false }])
  const [status, body] = await ask(path, 'POST')
  expect(status).toBe(404)
  expect(body).toEqual({ error: expect.stringContaining(`no quarantined batch ${batch.batchId}`) })
  expect(dispatched).toHaveLength(1)
})

test.each([
  ['another delivery stream', 'returns/1-00ff00ff00ff00ff', 404, 'there is no delivery stream returns'],
  ['a batch that never was', 'orders/9-00ff00ff00ff00ff', 404, 'GET /quarantine lists'],
  ['something that is no batch id', 'orders/..%2F..%2Fetc', 404, 'GET /quarantine lists'],
  ['a broken escape', 'orders/%zz', 400, 'no escape'],
])('release of %s is refused with a sentence', async (_, path, status, sentence) => {
  const [store] = await storeWith('a')
  const { dispatched, dispatch } = recordDispatches()
  const url = await openAdmin({ store, dispatch })
  expect(await ask(`${url}/quarantine/${path}/release`, 'POST')).toEqual([
    status,
    { error: expect.stringContaining(sentence) },
  ])
  expect(dispatched).toEqual([])
})

test('a release is asked for by POST alone', async () => {
  const [store, batches] = await storeWith('a')
  const batch = at(batches, 0)
  await store.buffer.quarantine(batch, 'reason')
  const url = await openAdmin({ store, dispatch: recordDispatches().dispatch })
  const [status, body] = await ask(`${url}/quarantine/orders/${batch.batchId}/release`)
  expect(status).toBe(404)
  expect(body).toEqual({ error: expect.stringContaining('POST /quarantine/') })
  expect((await describeBatch(store, batch)).state).toBe('quarantined')
})

test('while the store is being opened, and while it does not answer, the operator is told to ask again', async () => {
  const closed = await openAdmin()
  for (const [method, path] of [
    ['GET', '/quarantine'],
    ['POST', '/quarantine/orders/1-00ff00ff00ff00ff/release'],
  ] as const) {
    expect(await ask(`${closed}${path}`, method)).toEqual([
      503,
      { error: expect.stringContaining('starting') },
    ])
  }
  expect((await fetch(`${closed}/healthz`)).status).toBe(200)
  const silent = (): Promise<never> =>
    Promise.reject(new BufferUnavailableError('ask redis: connection refused'))
  const url = await openAdmin({
    store: {
      buffer: { quarantined: silent, release: silent },
      registry: { get: silent, list: silent },
      journal: { find: silent },
      shards: { list: silent },
    },
    dispatch: silent,
  })
  expect(await ask(`${url}/quarantine`)).toEqual([
    503,
    { error: expect.stringContaining('connection refused') },
  ])
})

test('a batch stays released when its job could not be added: the sweep finds it', async () => {
  const [store, batches] = await storeWith('a')
  await store.buffer.quarantine(at(batches, 0), 'reason')
  const dispatch = (): Promise<never> => Promise.reject(new BufferUnavailableError('add job: no answer'))
  const url = await openAdmin({ store, dispatch })
  const [status] = await ask(`${url}/quarantine/orders/${at(batches, 0).batchId}/release`, 'POST')
  expect(status).toBe(200)
  expect(await store.buffer.sealed(stream, 5)).toHaveLength(1)
})

test('G1, G3: a batch whose key held another object is delivered after that was moved away and it was released', async () => {
  const [store, batches] = await storeWith(CANARY, 'second')
  const batch = at(batches, 0)
  const staging = bufferPath('staging')
  const puts: string[] = []
  let taken = true
  const raw = await openRawEncoder({ stagingPath: staging })
  const queue = new LocalQueue({ concurrency: 1, clock: systemClock, log })
  const dispatch = createDispatch({ buffer: store.buffer, queue, perStream: 2 })
  const deliver = createDelivery({
    store,
    dispatch,
    clock: systemClock,
    resolveColumns: () => Promise.resolve([]),
    engine: { engine: 'duckdb', version: '1', checkColumns: () => {} },
    planLimits: { maxPartitions: 5000, queryLimits: { queryMaxMs: 5000, queryOutputMaxBytes: 1 << 24 } },
    encoderFor: () => Promise.resolve(raw),
    processors: noProcessors,
    destination: {
      check: () => Promise.resolve(),
      put: ({ key, body, metadata }) => {
        const first = metadata['hydrant-batch'] === `${stream.incarnation}/${batch.batchId}`
        if (first && taken) {
          const message = `put ${key}: its key holds another object`
          return Promise.reject(new DestinationError(message, { code: 'Collision', retryable: false }))
        }
        puts.push(key)
        return Promise.resolve(body.bytes === undefined ? body.length : body.bytes.length)
      },
    },
    stagingPath: staging,
    metrics: new Metrics(),
    log,
    crash: () => undefined,
    attemptMaxMs: 60_000,
  })
  await queue.start(deliver)
  onTestFinished(async () => {
    await queue.stop(1_000)
    await raw.close()
  })
  /** Waits for the ledger, dispatching as the sweep does. */
  const settled = (totals: Partial<Totals>, attempts?: number): Promise<void> =>
    eventually(async () => {
      await dispatch(stream)
      expect(await expectBalanced(store, stream)).toMatchObject(totals)
      if (attempts !== undefined) expect(await describeBatch(store, batch)).toMatchObject({ attempts })
    })
  const url = await openAdmin({ store, dispatch })
  const release = `${url}/quarantine/orders/${batch.batchId}/release`

  await settled({ quarantinedBatches: 1, delivered: 1 }, 1)
  expect(await ask(`${url}/quarantine`)).toMatchObject([
    200,
    { quarantined: [{ batchId: batch.batchId, reason: expect.stringContaining('holds another object') }] },
  ])
  expect((await ask(release, 'POST'))[0]).toBe(200)
  await settled({ quarantinedBatches: 1, delivered: 1 }, 2)

  taken = false
  expect((await ask(release, 'POST'))[0]).toBe(200)
  await settled({ quarantinedBatches: 0, delivered: 2, pending: 0 })
  expect(new Set(puts).size).toBe(2)
})

/** GET /shards over HTTP: what operators see of the shards in a store. */
import { afterEach, expect, test } from 'vitest'
import { Health } from '../../src/account/health.ts'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { createAdminServer, type AdminServer } from '../../src/admin/server.ts'
import type { OperatorPorts } from '../../src/admin/store-route.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import type { NewShard } from '../../src/domain/shard.ts'
import { frameOf, streamOf } from '../conformance/store/fixture.ts'
import { bufferPath, openAt } from '../conformance/store/lmdb-folder.ts'
import {
  acquired,
  expectTaken,
  follows,
  keyOf,
  LEASE_MS,
  newShard,
  sequenceNumber,
} from '../conformance/store/shard-fixture.ts'
import { FakeClock } from '../support/fake-clock.ts'

const CANARY = 'canary-record-0815'
const DATA_STREAM = 'arn:aws:kinesis:eu-west-1:000000000000:stream/orders'
const HASH_RANGE = ['0', '340282366920938463463374607431768211455']

const running: AdminServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function openAdmin(store?: OperatorPorts['store']): Promise<string> {
  const server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics: new Metrics(),
    health: new Health(),
    log: createLog('silent'),
  })
  const { host, port } = await server.start()
  running.push(server)
  if (store !== undefined) server.openStore({ store, dispatch: () => Promise.resolve() })
  return `http://${host}:${port}/shards`
}

async function ask(url: string): Promise<[number, unknown]> {
  const response = await fetch(url)
  return [response.status, await response.json()]
}

function fromKinesis(name: string, incarnation: string): DeliveryStream {
  const kinesis = { streamArn: DATA_STREAM, start: 'TRIM_HORIZON', outOfRangeRecords: 'keep' } as const
  return { ...streamOf({ name, incarnation }), type: 'KinesisStreamAsSource', kinesis }
}

const stream = fromKinesis('orders', '00000000000000a1')

test('every shard is told with who reads it, how far it is read, and whom it waits for', async () => {
  const clock = new FakeClock()
  const store = await openAt(bufferPath(), { clock, holder: 'host-a-1' })
  await store.registry.create(stream)
  await store.registry.create(fromKinesis('unlisted', '00000000000000b2'))
  await store.registry.create(streamOf({ name: 'by-api', incarnation: '00000000000000c3' }))
  await store.shards.register(stream, [
    newShard(1),
    newShard(2),
    newShard(4, { checkpoint: 'AT_TIMESTAMP:5' }),
  ])
  const first = await acquired(store.shards, stream, keyOf(1))
  const merged = newShard(3, { parents: [keyOf(1), keyOf(2)] })
  await store.shards.end(first.lease, 'TRIM_HORIZON', [merged])
  const second = await acquired(store.shards, stream, keyOf(2))
  await expectTaken(store, [frameOf([CANARY])], follows(second.lease, 'TRIM_HORIZON', 7))
  const held = [{ key: keyOf(2), counter: second.lease.counter, behindMs: 1200 }]
  await store.shards.renew(stream, held, LEASE_MS)
  await clock.advance(4000)

  const [status, body] = await ask(await openAdmin(store))
  expect(status).toBe(200)
  const common = { parents: [], children: [], hashRange: HASH_RANGE, leaseMs: 0, checkpointAgeMs: 4000 }
  expect(body).toEqual({
    deliveryStreams: [
      {
        deliveryStream: 'orders',
        incarnation: stream.incarnation,
        dataStream: DATA_STREAM,
        shards: [
          {
            ...common,
            shardId: 'shardId-000000000001',
            key: keyOf(1),
            status: 'ended',
            children: [keyOf(3)],
            leaseCounter: first.lease.counter,
            checkpoint: 'SHARD_END',
          },
          {
            ...common,
            shardId: 'shardId-000000000002',
            key: keyOf(2),
            status: 'leased',
            holder: 'host-a-1',
            leaseCounter: second.lease.counter,
            leaseMs: LEASE_MS - 4000,
            checkpoint: sequenceNumber(7),
            behindMs: 1200,
          },
          {
            ...common,
            shardId: 'shardId-000000000003',
            key: keyOf(3),
            status: 'waiting',
            parents: [keyOf(1), keyOf(2)],
            leaseCounter: expect.any(Number),
            checkpoint: 'TRIM_HORIZON',
          },
          {
            ...common,
            shardId: 'shardId-000000000004',
            key: keyOf(4),
            status: 'free',
            leaseCounter: expect.any(Number),
            checkpoint: 'AT_TIMESTAMP:5',
          },
        ],
      },
      expect.objectContaining({ deliveryStream: 'unlisted', dataStream: DATA_STREAM, shards: [] }),
    ],
  })
  expect(JSON.stringify(body)).not.toContain(CANARY)
})

test('once both parents have ended, or are known no more, their child is free', async () => {
  const store = await openAt(bufferPath())
  await store.registry.create(stream)
  await store.shards.register(stream, [newShard(1), newShard(3, { parents: [keyOf(1), keyOf(2)] })])
  const url = await openAdmin(store)
  const statuses = async (): Promise<unknown> => {
    const [, body] = await ask(url)
    const { deliveryStreams } = body as { deliveryStreams: { shards: { status: string }[] }[] }
    return deliveryStreams.flatMap(({ shards }) => shards.map(({ status }) => status))
  }
  expect(await statuses()).toEqual(['free', 'waiting'])
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  expect(await statuses()).toEqual(['leased', 'waiting'])
  await store.shards.end(lease, 'TRIM_HORIZON', [])
  expect(await statuses()).toEqual(['ended', 'free'])
})

test('the fields of a shard are always in the same order', async () => {
  const store = await openAt(bufferPath())
  await store.registry.create(stream)
  await store.shards.register(stream, [newShard(1)])
  await acquired(store.shards, stream, keyOf(1))
  const text = await (await fetch(await openAdmin(store))).text()
  expect([...text.matchAll(/"(\w+)":/g)].map(([, name]) => name)).toEqual([
    'deliveryStreams',
    'deliveryStream',
    'incarnation',
    'dataStream',
    'shards',
    'shardId',
    'key',
    'status',
    'parents',
    'children',
    'hashRange',
    'holder',
    'leaseCounter',
    'leaseMs',
    'checkpoint',
    'checkpointAgeMs',
  ])
})

test('a thousand shards are answered whole', async () => {
  const store = await openAt(bufferPath())
  await store.registry.create(stream)
  const shards = Array.from({ length: 1000 }, (_, number): NewShard => newShard(number))
  await store.shards.register(stream, shards)
  const [status, body] = await ask(await openAdmin(store))
  expect(status).toBe(200)
  expect(body).toHaveProperty('deliveryStreams.0.shards.999.key', keyOf(999))
})

test('while the store is being opened, and while it does not answer, the operator is told to ask again', async () => {
  expect(await ask(await openAdmin())).toEqual([503, { error: expect.stringContaining('starting') }])
  const silent = (): Promise<never> =>
    Promise.reject(new BufferUnavailableError('ask redis: connection refused'))
  const url = await openAdmin({
    buffer: { quarantined: silent, release: silent },
    registry: { get: silent, list: () => Promise.resolve([stream]) },
    journal: { find: silent },
    shards: { list: silent },
  })
  expect(await ask(url)).toEqual([503, { error: expect.stringContaining('connection refused') }])
})

/** G7: shards on a Redis that was rolled back, lost half a write, is full, or became a replica: records and checkpoint agree. */
import { Redis } from 'ioredis'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MIB } from '../../src/domain/limits.ts'
import type { Store } from '../../src/domain/ports.ts'
import { SHARD_END, TRIM_HORIZON } from '../../src/domain/shard.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../support/redis-server.ts'
import { openTestStore, sealedRecords } from '../support/redis-store.ts'
import { at, deliver, expectBalanced, frameOf, noiseFrame, streamOf } from '../conformance/store/fixture.ts'
import {
  acquired,
  expectTaken,
  follows,
  keyOf,
  LEASE_MS,
  listed,
  newShard,
  sequenceNumber,
} from '../conformance/store/shard-fixture.ts'

const stream = streamOf({ bytes: 1 })

interface World {
  readonly redis: RedisServer
  readonly clock: FakeClock
  /** The process `first`. */
  readonly store: Store
  /** The process `second`. */
  readonly other: Store
}

/** A Redis of its own whose every answer is on its disk, `stream`, and its shard 1. */
async function openWorld(options: RedisServerOptions = {}): Promise<World> {
  const redis = await startRedisServer({ appendfsync: 'always', ...options })
  onTestFinished(() => redis.stop())
  const clock = new FakeClock()
  const shared = { url: redis.url, keyPrefix: 'hydrant', maxBytes: 1e9, now: clock.now }
  const store = await openTestStore({ ...shared, holder: 'first' })
  const other = await openTestStore({ ...shared, holder: 'second' })
  await store.registry.create(stream)
  await store.shards.register(stream, [newShard(1)])
  return { redis, clock, store, other }
}

/** Waits until the stores are connected again. */
async function serving(...stores: readonly Store[]): Promise<void> {
  for (const store of stores) {
    // The journal is read on the connection for reading.
    const check = (): Promise<string> =>
      Promise.all([store.check(), store.journal.entries(stream, 1)]).then(
        () => 'serving',
        (error: Error) => error.message,
      )
    await expect.poll(check, { timeout: 10_000 }).toBe('serving')
  }
}

/** Keeps what Redis has on its disk; the answer brings that back. */
function dump({ redis, store, other }: World): () => Promise<void> {
  const kept = join(redis.folder, 'kept')
  const data = join(redis.folder, 'appendonlydir')
  cpSync(data, kept, { recursive: true })
  return async () => {
    await redis.kill()
    rmSync(data, { recursive: true })
    cpSync(kept, data, { recursive: true })
    await redis.restart()
    await serving(store, other)
  }
}

test('a Redis that was rolled back has records and checkpoint of one moment, and its reader goes on from there', async () => {
  const world = await openWorld()
  const { store } = world
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  await expectTaken(store, [frameOf(['1'])], follows(lease, TRIM_HORIZON, 1))
  const rollBack = dump(world)
  await expectTaken(store, [frameOf(['2'])], follows(lease, sequenceNumber(1), 2))
  await expectTaken(store, [frameOf(['3'])], follows(lease, sequenceNumber(2), 3))
  await rollBack()
  const gap = { kind: 'gap', checkpoint: sequenceNumber(1) }
  const next = follows(lease, sequenceNumber(3), 4)
  expect(await store.buffer.appendFromShard([frameOf(['4'])], next)).toEqual(gap)
  expect(await store.shards.end(lease, sequenceNumber(3), [newShard(2)])).toEqual(gap)
  expect(await sealedRecords(store, stream)).toEqual(['1'])
  const again = [frameOf(['2']), frameOf(['3']), frameOf(['4'])]
  await expectTaken(store, again, follows(lease, gap.checkpoint, 4))
  expect(await sealedRecords(store, stream)).toEqual(['1', '2', '3', '4'])
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 4 })
})

test('a lease of a time that was rolled back fences nothing and is no right, under whatever counter', async () => {
  const world = await openWorld()
  const { store, other, clock } = world
  const rollBack = dump(world)
  const lost = await acquired(store.shards, stream, keyOf(1))
  await expectTaken(store, [frameOf(['1'])], follows(lost.lease, TRIM_HORIZON, 1))
  await rollBack()
  const late = follows(lost.lease, sequenceNumber(1), 2)
  expect(await store.buffer.appendFromShard([frameOf(['2'])], late)).toEqual({ kind: 'fenced' })
  const taken = await acquired(other.shards, stream, keyOf(1))
  expect(taken).toMatchObject({ lease: { counter: lost.lease.counter }, checkpoint: TRIM_HORIZON })
  // Counted again within the same millisecond, the lease is another's all the same.
  expect(await store.buffer.appendFromShard([frameOf(['2'])], late)).toEqual({ kind: 'fenced' })
  expect(await store.shards.end(lost.lease, sequenceNumber(1), [])).toEqual({ kind: 'fenced' })
  expect(await store.shards.renew(stream, [lost.lease], LEASE_MS)).toEqual([])
  await store.shards.release(lost.lease)
  expect(await listed(store.shards, stream)).toMatchObject({ holder: 'second', leaseMs: LEASE_MS })
  // Its own again, under a number that was never given: what it believes to have read is not there, and it is told so.
  await clock.advance(LEASE_MS)
  await rollBack()
  const again = await acquired(store.shards, stream, keyOf(1))
  expect(again.lease.counter).toBeGreaterThan(lost.lease.counter)
  expect(await store.buffer.appendFromShard([frameOf(['2'])], late)).toEqual({ kind: 'fenced' })
  const gap = { kind: 'gap', checkpoint: TRIM_HORIZON }
  const further = follows(again.lease, sequenceNumber(1), 2)
  expect(await store.buffer.appendFromShard([frameOf(['2'])], further)).toEqual(gap)
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 0 })
})

test('a shard whose end was rolled back is read again from where its records go on', async () => {
  const world = await openWorld()
  const { store, other, clock } = world
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  await expectTaken(store, [frameOf(['1'])], follows(lease, TRIM_HORIZON, 1))
  const rollBack = dump(world)
  await expectTaken(store, [frameOf(['2'])], follows(lease, sequenceNumber(1), 2))
  const child = newShard(2, { parents: [keyOf(1)] })
  expect(await store.shards.end(lease, sequenceNumber(2), [child])).toEqual({ kind: 'ended' })
  const born = await acquired(store.shards, stream, keyOf(2))
  await expectTaken(store, [frameOf(['3'])], follows(born.lease, TRIM_HORIZON, 3))
  await rollBack()
  expect(await store.shards.list(stream)).toMatchObject([{ checkpoint: sequenceNumber(1), children: [] }])
  const ahead = follows(born.lease, sequenceNumber(3), 4)
  expect(await store.buffer.appendFromShard([frameOf(['4'])], ahead)).toEqual({ kind: 'fenced' })
  await clock.advance(LEASE_MS)
  const taken = await acquired(other.shards, stream, keyOf(1))
  await expectTaken(other, [frameOf(['2'])], follows(taken.lease, sequenceNumber(1), 2))
  expect(await other.shards.end(taken.lease, sequenceNumber(2), [child])).toEqual({ kind: 'ended' })
  const { lease: second } = await acquired(other.shards, stream, keyOf(2))
  await expectTaken(other, [frameOf(['3'])], follows(second, TRIM_HORIZON, 3))
  expect(await sealedRecords(other, stream)).toEqual(['1', '2', '3'])
})

test('an append of which Redis wrote a part to its disk is there as a whole or not at all', async () => {
  const world = await openWorld()
  const { redis, store } = world
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  await expectTaken(store, [frameOf(['1'])], follows(lease, TRIM_HORIZON, 1))
  const second = [frameOf(['2']), frameOf(['3'])]
  await expectTaken(store, second, follows(lease, sequenceNumber(1), 3))
  await redis.kill()
  const folder = join(redis.folder, 'appendonlydir')
  const file = join(
    folder,
    at(
      readdirSync(folder).filter((name) => name.endsWith('.incr.aof')),
      0,
    ),
  )
  const written = readFileSync(file)
  const begin = written.lastIndexOf('MULTI\r\n')
  expect(written.subarray(begin).toString('latin1')).toContain(sequenceNumber(3))
  for (const share of [0, 0.3, 0.6, 0.95, 1]) {
    const kept = begin + 7 + Math.floor(share * (written.length - begin - 7))
    writeFileSync(file, written.subarray(0, kept))
    await redis.restart()
    await serving(store)
    const whole = kept === written.length
    expect(await sealedRecords(store, stream)).toEqual(whole ? ['1', '2', '3'] : ['1'])
    expect((await listed(store.shards, stream)).checkpoint).toBe(sequenceNumber(whole ? 3 : 1))
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: whole ? 3 : 1 })
    await redis.kill()
  }
})

test('at the memory limit a shard keeps its place while leases, ends and deliveries go on, and then it goes on', async () => {
  const { redis, store, other, clock } = await openWorld({ maxmemory: 64 * MIB })
  const admin = new Redis(redis.socketPath)
  onTestFinished(() => admin.disconnect())
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  const first = follows(lease, TRIM_HORIZON, 1)
  await expectTaken(store, [noiseFrame(MIB)], first)
  await admin.config('SET', 'maxmemory', '1mb')
  await expect(admin.set('other', 'x')).rejects.toThrow('OOM')
  const next = follows(lease, sequenceNumber(1), 2)
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await store.buffer.appendFromShard([noiseFrame(1000)], next)).toEqual({ kind: 'throttled' })
    const taken = await store.buffer.appendFromShard([noiseFrame(MIB)], first)
    expect(taken).toEqual({ kind: 'gap', checkpoint: sequenceNumber(1) })
  }
  expect(await other.shards.attend(LEASE_MS)).toEqual(['second'])
  expect(await store.shards.register(stream, [newShard(2)])).toBe(true)
  const second = await acquired(other.shards, stream, keyOf(2))
  const child = newShard(3, { parents: [keyOf(2)] })
  expect(await other.shards.end(second.lease, TRIM_HORIZON, [child])).toEqual({ kind: 'ended' })
  await clock.advance(6000)
  expect(await store.shards.renew(stream, [lease], LEASE_MS)).toEqual([keyOf(1)])
  expect(await store.shards.list(stream)).toMatchObject([
    { checkpoint: sequenceNumber(1), leaseMs: LEASE_MS },
    { checkpoint: SHARD_END, children: [keyOf(3)] },
    { checkpoint: TRIM_HORIZON },
  ])
  await other.shards.release((await acquired(other.shards, stream, keyOf(3))).lease)
  expect((await listed(store.shards, stream, keyOf(3))).leaseMs).toBe(0)
  await store.shards.forget(stream, [keyOf(2)])
  await other.shards.leave()
  await deliver(store, at(await store.buffer.sealed(stream, 1), 0))
  await admin.config('SET', 'maxmemory', String(64 * MIB))
  await expect
    .poll(() => store.buffer.appendFromShard([noiseFrame(1000)], next), { timeout: 5000 })
    .toMatchObject({ kind: 'appended' })
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 2, delivered: 1, pending: 1 })
  await store.shards.release(lease)
  expect((await acquired(other.shards, stream, keyOf(1))).checkpoint).toBe(sequenceNumber(2))
})

test('a Redis that became a replica does not say that shards, leases or the stream are gone', async () => {
  const { redis, store } = await openWorld()
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  const primary = await startRedisServer()
  onTestFinished(() => primary.stop())
  const admin = new Redis(redis.socketPath)
  onTestFinished(() => admin.disconnect())
  await admin.replicaof('127.0.0.1', primary.port)
  await expect.poll(() => admin.info('replication'), { timeout: 20_000 }).toContain('master_link_status:up')
  expect(await admin.dbsize()).toBe(0)
  // It reconnects after each, in the hope of another primary; a call made meanwhile is told so.
  const refused = async (step: () => Promise<unknown>): Promise<void> => {
    const told = (): Promise<string> =>
      step().then(
        () => 'answered',
        (error: Error) => `${error.name}: ${error.message}`,
      )
    await expect.poll(told).toMatch(/^BufferUnavailableError: .*this redis is a replica/)
  }
  await refused(() => store.buffer.appendFromShard([frameOf(['1'])], follows(lease, TRIM_HORIZON, 1)))
  await refused(() => store.shards.list(stream))
  await refused(() => store.shards.renew(stream, [lease], LEASE_MS))
  await refused(() => store.shards.end(lease, TRIM_HORIZON, []))
  await refused(() => store.shards.acquire(stream, keyOf(1), LEASE_MS))
  await refused(() => store.shards.register(stream, [newShard(1)]))
  await refused(() => store.shards.release(lease))
  await refused(() => store.shards.forget(stream, [keyOf(1)]))
  await refused(() => store.shards.attend(LEASE_MS))
})

test('an append that too few replicas received is not acknowledged, and asked for again it is a gap', async () => {
  const { redis, store, clock } = await openWorld()
  const demanding = await openTestStore({
    url: redis.url,
    keyPrefix: 'hydrant',
    maxBytes: 1e9,
    now: clock.now,
    holder: 'demanding',
    waitReplicas: 1,
    commandTimeoutMs: 400,
  })
  const { lease } = await acquired(demanding.shards, stream, keyOf(1))
  const position = follows(lease, TRIM_HORIZON, 1)
  await expect(demanding.buffer.appendFromShard([frameOf(['1'])], position)).rejects.toMatchObject({
    name: 'BufferUnavailableError',
    message: expect.stringMatching(/0 of 1 replicas/) as string,
  })
  const again = await demanding.buffer.appendFromShard([frameOf(['1'])], position)
  expect(again).toEqual({ kind: 'gap', checkpoint: sequenceNumber(1) })
  expect(await sealedRecords(store, stream)).toEqual(['1'])
})

/** G6: Redis near and at its memory limit: appends are throttled, and everything that frees memory goes on. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { MIB } from '../../src/domain/limits.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { openTestStore } from '../support/redis-store.ts'
import {
  appendIds,
  deliver,
  expectAppended,
  expectBalanced,
  frameOf,
  noiseFrame,
  planOf,
  streamOf,
} from '../conformance/store/fixture.ts'
import { each } from '../conformance/store/frames-by-hand.ts'

async function startLimited(maxmemory: number): Promise<{ redis: RedisServer; admin: Redis }> {
  const redis = await startRedisServer({ maxmemory })
  const admin = new Redis(redis.socketPath)
  onTestFinished(async () => {
    admin.disconnect()
    await redis.stop()
  })
  return { redis, admin }
}

test('at the memory limit an append is throttled, all that drains goes on, and then there is room again', async () => {
  const { redis, admin } = await startLimited(64 * MIB)
  const store = await openTestStore({ url: redis.url })
  const stream = streamOf({ bytes: MIB, intervalMs: 0 })
  await store.registry.create(stream)
  const nextId = appendIds()
  for (let turn = 1; turn <= 3; turn += 1)
    await expectAppended(store, stream, [noiseFrame(MIB, turn)], nextId())
  await expectAppended(store, stream, [frameOf(['open'])], nextId())
  await admin.config('SET', 'maxmemory', '1mb')
  await expect(admin.set('other', 'x')).rejects.toThrow('OOM')
  expect(await store.buffer.append(stream, [noiseFrame(1000)], nextId())).toEqual({ kind: 'throttled' })
  expect(await store.buffer.append(stream, [noiseFrame(1000)], nextId())).toEqual({ kind: 'throttled' })
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 4, pending: 4 })
  const lease = await store.leases.acquire('sealer', 1000)
  expect(lease).toBeDefined()
  await expect.poll(() => store.buffer.sealDue(stream), { timeout: 3000 }).toMatchObject({ kind: 'sealed' })
  const batches = await store.buffer.sealed(stream, 10)
  expect(batches).toHaveLength(4)
  for (const batch of batches.slice(0, 3)) await deliver(store, batch)
  for (const batch of batches.slice(3)) {
    await store.buffer.quarantine(batch, 'released')
    expect(await store.buffer.release(batch)).toBe(true)
    await store.buffer.quarantine(batch, 'reason')
  }
  expect(await expectBalanced(store, stream)).toMatchObject({
    delivered: 3,
    pending: 1,
    quarantinedBatches: 1,
  })
  await admin.config('SET', 'maxmemory', String(64 * MIB))
  await expect
    .poll(() => store.buffer.append(stream, [noiseFrame(1000)], nextId()), { timeout: 5000 })
    .toMatchObject({ kind: 'appended' })
  await admin.config('SET', 'maxmemory', '1mb')
  expect(await store.registry.remove(stream)).toMatchObject({
    accepted: 5,
    delivered: 3,
    dropped: 2,
    pending: 0,
  })
})

test('at the memory limit a derivation goes on: its batch is not delivered, and frees nothing, without it', async () => {
  const { redis, admin } = await startLimited(64 * MIB)
  const store = await openTestStore({ url: redis.url })
  const stream = streamOf({ bytes: 3 })
  await store.registry.create(stream)
  await expectAppended(store, stream, [frameOf(['a', 'b', 'c'])], appendIds()())
  const [batch] = await store.buffer.sealed(stream, 1)
  if (batch === undefined) throw new Error('nothing was sealed')
  await store.buffer.pin(batch, planOf())
  await admin.config('SET', 'maxmemory', '1mb')
  await expect(admin.set('other', 'x')).rejects.toThrow('OOM')
  const made = [1, 2, 3].map((seed) => noiseFrame(3 * MIB, seed))
  const failing = (async function* () {
    yield* each(made)
    throw new Error('the function is gone')
  })()
  await expect(store.buffer.derive(batch, failing, new AbortController().signal)).rejects.toThrow('gone')
  await store.buffer.derive(batch, each(made), new AbortController().signal)
  await deliver(store, batch)
  const names = await admin.keys('*')
  expect(names.filter((name) => /:(derived|derived-sizes|frames|sizes|batch):/.test(name))).toEqual([])
})

test('appends are throttled while others fill Redis beyond four fifths of its limit, well before it refuses', async () => {
  const { redis, admin } = await startLimited(64 * MIB)
  const store = await openTestStore({ url: redis.url })
  const stream = streamOf()
  await store.registry.create(stream)
  const nextId = appendIds()
  await expectAppended(store, stream, [noiseFrame(1000)], nextId())
  for (let piece = 0; piece < 54; piece += 1) await admin.set(`other${piece}`, Buffer.alloc(MIB - 1024))
  await expect
    .poll(() => store.buffer.append(stream, [noiseFrame(1000)], nextId()), { timeout: 5000 })
    .toEqual({ kind: 'throttled' })
  expect(await admin.set('a job', 'is still taken')).toBe('OK')
  await admin.unlink(...Array.from({ length: 54 }, (_, piece) => `other${piece}`))
  await expect
    .poll(() => store.buffer.append(stream, [noiseFrame(1000)], nextId()), { timeout: 5000 })
    .toMatchObject({ kind: 'appended' })
})

test('an append that was taken is not called throttled when its id comes again to a full Redis', async () => {
  const { redis, admin } = await startLimited(64 * MIB)
  const store = await openTestStore({ url: redis.url })
  const stream = streamOf()
  await store.registry.create(stream)
  const id = { epoch: 'e', sequence: 1 }
  const first = await store.buffer.append(stream, [noiseFrame(1000)], id)
  await admin.config('SET', 'maxmemory', '1mb')
  const other = { epoch: 'f', sequence: 1 }
  expect(await store.buffer.append(stream, [noiseFrame(1000)], other)).toEqual({ kind: 'throttled' })
  expect(await store.buffer.append(stream, [noiseFrame(1000)], id)).toEqual(first)
})

test.each([undefined, 1024 * MIB])(
  'with maxBytes %s the budget is three quarters of maxmemory',
  async (maxBytes) => {
    const { redis } = await startLimited(64 * MIB)
    const store = await openTestStore({ url: redis.url, maxBytes })
    const stream = streamOf({ bytes: 100 * MIB })
    await store.registry.create(stream)
    const nextId = appendIds()
    // Just below a size that Redis' allocator has, so that what it uses is what it holds.
    const frameBytes = MIB - 4096
    let taken = 0
    while (
      (await store.buffer.append(stream, [noiseFrame(frameBytes, taken + 1)], nextId())).kind === 'appended'
    ) {
      taken += 1
    }
    expect(taken * frameBytes).toBeLessThanOrEqual(48 * MIB)
    expect(taken * frameBytes).toBeGreaterThan(44 * MIB)
  },
)

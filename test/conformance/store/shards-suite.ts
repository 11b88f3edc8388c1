/** Shards: who reads them, what is known of them, and the lease on each. */
import { describe, expect, test } from 'vitest'
import { atTimestamp, TRIM_HORIZON } from '../../../src/domain/shard.ts'
import { openStore, openWith, streamOf, type MakeStore } from './fixture.ts'
import { shardLeaseSuite } from './shard-lease-suite.ts'
import { keyOf, leasedShard, listed, newShard, otherShards } from './shard-fixture.ts'

export function shardsSuite(make: MakeStore): void {
  describe('attendance', () => attendSuite(make))
  describe('what is known', () => registerSuite(make))
  describe('leases', () => shardLeaseSuite(make))
}

function attendSuite(make: MakeStore): void {
  test('a process that attends is answered all that do, in order', async (context) => {
    const opened = await openStore(make)
    const { shards } = opened.store
    const other = await otherShards(opened, context)
    expect(other.holder).not.toBe(shards.holder)
    expect(await shards.attend(10_000)).toEqual([shards.holder])
    expect(await shards.attend(10_000)).toEqual([shards.holder])
    const both = [shards.holder, other.holder].toSorted()
    expect(await other.attend(10_000)).toEqual(both)
    expect(await shards.attend(10_000)).toEqual(both)
  })

  test("attendance runs out by the store's clock unless it is said again", async (context) => {
    const opened = await openStore(make)
    const { shards } = opened.store
    const other = await otherShards(opened, context)
    await shards.attend(10_000)
    await other.attend(10_000)
    await opened.clock.advance(6000)
    await shards.attend(10_000)
    await opened.clock.advance(3999)
    expect(await shards.attend(10_000)).toHaveLength(2)
    await opened.clock.advance(1)
    expect(await shards.attend(10_000)).toEqual([shards.holder])
    expect(await other.attend(10_000)).toHaveLength(2)
  })

  test('a process that left is not among them, and may leave again', async (context) => {
    const opened = await openStore(make)
    const { shards } = opened.store
    const other = await otherShards(opened, context)
    await other.leave()
    await shards.attend(10_000)
    await other.attend(10_000)
    await other.leave()
    await other.leave()
    expect(await shards.attend(10_000)).toEqual([shards.holder])
  })

  test('a process that was started again attends under its own name', async () => {
    const opened = await openStore(make)
    await opened.store.shards.attend(10_000)
    await opened.reopen()
    expect(await opened.store.shards.attend(10_000)).toContain(opened.store.shards.holder)
    await opened.clock.advance(10_000)
    expect(await opened.store.shards.attend(10_000)).toEqual([opened.store.shards.holder])
  })
}

function registerSuite(make: MakeStore): void {
  test('a shard is listed as it was registered, free, under counter 0', async () => {
    const stream = streamOf()
    const { store, clock } = await openWith(make, stream)
    const parents = [keyOf(1), keyOf(2)]
    const checkpoint = atTimestamp(1_790_000_123_456)
    const shard = newShard(3, { parents, hashRange: ['7', '12'], checkpoint })
    expect(await store.shards.list(stream)).toEqual([])
    expect(await store.shards.register(stream, [shard])).toBe(true)
    await clock.advance(1500)
    const { checkpointAgeMs, ...rest } = await listed(store.shards, stream, keyOf(3))
    expect(rest).toEqual({ ...shard, children: [], counter: 0, leaseMs: 0 })
    expect(checkpointAgeMs).toBeGreaterThanOrEqual(1500)
    expect(checkpointAgeMs).toBeLessThan(2500)
  })

  test('shards are listed in order of their keys, whatever the order they came in', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    const older = keyOf(9, 1_780_000_000_000)
    await store.shards.register(stream, [newShard(12), newShard(2), { ...newShard(9), key: older }])
    await store.shards.register(stream, [newShard(5), newShard(1)])
    const keys = (await store.shards.list(stream)).map((shard) => shard.key)
    expect(keys).toEqual([older, keyOf(1), keyOf(2), keyOf(5), keyOf(12)])
  })

  test('registering adds what is not known and leaves what is', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    const again = newShard(1, { parents: [keyOf(0)], hashRange: ['1', '2'], checkpoint: atTimestamp(5) })
    expect(await store.shards.register(stream, [again, newShard(2)])).toBe(true)
    expect(await store.shards.register(stream, [again, newShard(2)])).toBe(true)
    expect(await store.shards.list(stream)).toMatchObject([
      { ...newShard(1), counter: lease.counter, holder: store.shards.holder },
      newShard(2),
    ])
  })

  test('of registrations of one shard at once exactly one stays', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    const checkpoints = Array.from({ length: 8 }, (_, index) => atTimestamp(index))
    await Promise.all(
      checkpoints.map((checkpoint) =>
        store.shards.register(stream, [newShard(1, { checkpoint }), newShard(2, { checkpoint })]),
      ),
    )
    const known = await store.shards.list(stream)
    expect(known).toHaveLength(2)
    expect(checkpoints).toContain(known[0]?.checkpoint)
    expect(known[1]?.checkpoint).toBe(known[0]?.checkpoint)
  })

  test('nothing is registered for a stream that is gone or of another incarnation', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    for (const gone of [
      { ...stream, name: 'unknown' },
      { ...stream, incarnation: '00000000000000ff' },
    ]) {
      expect(await store.shards.register(gone, [newShard(1)])).toBe(false)
      expect(await store.shards.list(gone)).toEqual([])
    }
    expect(await store.shards.list(stream)).toEqual([])
    expect(await store.shards.register(stream, [])).toBe(true)
  })

  test('two delivery streams may read one data stream, each with shards of its own', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    const second = streamOf({ name: 'second', incarnation: '00000000000000b2' })
    await store.registry.create(second)
    await store.shards.register(stream, [newShard(1), newShard(2)])
    await store.shards.register(second, [newShard(1, { checkpoint: atTimestamp(7) })])
    expect(await store.shards.acquire(second, keyOf(1), 10_000)).toMatchObject({ checkpoint: atTimestamp(7) })
    expect(await store.shards.list(second)).toHaveLength(1)
    expect(await listed(store.shards, stream)).toMatchObject({ checkpoint: TRIM_HORIZON, leaseMs: 0 })
  })

  test('a data stream may have thousands of shards', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    const shards = Array.from({ length: 3000 }, (_, index) => newShard(index, { parents: [keyOf(9999)] }))
    expect(await store.shards.register(stream, shards)).toBe(true)
    expect(await store.shards.list(stream)).toMatchObject(shards)
  })

  test('forgotten shards are not listed and not given, whoever held them', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.shards.register(stream, [newShard(2), newShard(3)])
    await store.shards.forget(stream, [keyOf(1), keyOf(3), keyOf(77)])
    await store.shards.forget(stream, [keyOf(3)])
    await store.shards.forget(stream, [])
    await store.shards.forget({ ...stream, incarnation: '00000000000000ff' }, [keyOf(2)])
    expect((await store.shards.list(stream)).map((shard) => shard.key)).toEqual([keyOf(2)])
    expect(await store.shards.acquire(stream, keyOf(1), 10_000)).toBeUndefined()
    expect(await store.shards.renew(stream, [{ key: keyOf(1), counter: lease.counter }], 10_000)).toEqual([])
  })

  test('shards go with their stream, and a stream made again has none', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.registry.remove(stream)
    expect(await store.shards.list(stream)).toEqual([])
    const again = streamOf({ incarnation: '00000000000000b2' })
    await store.registry.create(again)
    expect(await store.shards.list(again)).toEqual([])
    expect(await store.shards.acquire(stream, keyOf(1), 10_000)).toBeUndefined()
    expect(await store.shards.renew(stream, [lease], 10_000)).toEqual([])
    expect(await store.shards.register(stream, [newShard(1)])).toBe(false)
    await store.shards.release(lease)
    await store.shards.forget(stream, [keyOf(1)])
    expect(await store.shards.list(stream)).toEqual([])
  })

  test('a stream that is being deleted takes no shards, gives none to a reader and ends none', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.shards.register(stream, [newShard(2)])
    expect(await store.registry.replace({ ...stream, status: 'DELETING' })).toBe('replaced')
    expect(await store.shards.register(stream, [newShard(3)])).toBe(false)
    expect(await store.shards.acquire(stream, keyOf(1), 10_000)).toBeUndefined()
    expect(await store.shards.acquire(stream, keyOf(2), 10_000)).toBeUndefined()
    expect(await store.shards.end(lease, TRIM_HORIZON, [newShard(3)])).toEqual({ kind: 'fenced' })
    await store.shards.release(lease)
    const left = await store.shards.list(stream)
    expect(left.map(({ key, checkpoint }) => [key, checkpoint])).toEqual(
      [1, 2].map((shard) => [keyOf(shard), TRIM_HORIZON]),
    )
  })

  test('what is known of shards survives a reopen', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const shards = [newShard(1), newShard(2, { parents: [keyOf(1)], checkpoint: atTimestamp(3) })]
    await opened.store.shards.register(stream, shards)
    await opened.clock.advance(5000)
    await opened.reopen()
    const known = await opened.store.shards.list(stream)
    expect(known).toMatchObject(shards)
    expect(known[0]?.checkpointAgeMs).toBeGreaterThanOrEqual(5000)
  })
}

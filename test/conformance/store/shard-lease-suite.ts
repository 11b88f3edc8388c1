/** Leases on shards: one holder by the store's clock, under a counter that never goes back. */
import { expect, test } from 'vitest'
import { SHARD_END, TRIM_HORIZON } from '../../../src/domain/shard.ts'
import { frameOf, openWith, streamOf, type MakeStore } from './fixture.ts'
import {
  acquired,
  contendedShard,
  expectTaken,
  follows,
  keyOf,
  LEASE_MS,
  leasedShard,
  listed,
  newShard,
} from './shard-fixture.ts'

export function shardLeaseSuite(make: MakeStore): void {
  acquireSuite(make)
  counterSuite(make)
  renewSuite(make)
  releaseSuite(make)
}

function acquireSuite(make: MakeStore): void {
  test('a free shard is given with its checkpoint, and its holder is listed', async () => {
    const stream = streamOf()
    const { store, clock } = await openWith(make, stream)
    await store.shards.register(stream, [newShard(1)])
    const { lease, checkpoint } = await acquired(store.shards, stream, keyOf(1))
    expect(checkpoint).toBe(TRIM_HORIZON)
    expect(lease).toMatchObject({
      stream: { name: stream.name, incarnation: stream.incarnation },
      key: keyOf(1),
    })
    expect(lease.counter).toBeGreaterThan(0)
    await clock.advance(4000)
    expect(await listed(store.shards, stream)).toMatchObject({
      holder: store.shards.holder,
      counter: lease.counter,
      leaseMs: LEASE_MS - 4000,
    })
  })

  test('a shard that another process holds is not given, and nothing about it changes', async (context) => {
    const stream = streamOf()
    const { store, other, clock } = await contendedShard(make, stream, context)
    await clock.advance(LEASE_MS - 1)
    const before = await listed(store.shards, stream)
    expect(await other.acquire(stream, keyOf(1), LEASE_MS)).toBeUndefined()
    expect(await listed(store.shards, stream)).toEqual(before)
    expect(before).toMatchObject({ holder: store.shards.holder, leaseMs: 1 })
  })

  test('the holder that asks again keeps its counter and has its lease prolonged', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    await clock.advance(8000)
    expect(await store.shards.acquire(stream, keyOf(1), LEASE_MS)).toEqual({
      lease,
      checkpoint: TRIM_HORIZON,
    })
    expect((await listed(store.shards, stream)).leaseMs).toBe(LEASE_MS)
  })

  test("a lease that has run out is nobody's, and goes to whoever asks", async (context) => {
    const stream = streamOf()
    const { store, other, clock, lease } = await contendedShard(make, stream, context)
    await clock.advance(LEASE_MS)
    const free = await listed(store.shards, stream)
    expect(free).toMatchObject({ leaseMs: 0, counter: lease.counter })
    expect(free.holder).toBeUndefined()
    const taken = await acquired(other, stream, keyOf(1))
    expect(taken.lease.counter).toBeGreaterThan(lease.counter)
    expect(await store.shards.acquire(stream, keyOf(1), LEASE_MS)).toBeUndefined()
    expect(await listed(store.shards, stream)).toMatchObject({
      holder: other.holder,
      counter: taken.lease.counter,
    })
  })

  test('of processes that ask for the same shards at once each shard goes to exactly one', async (context) => {
    const stream = streamOf()
    const { store, other } = await contendedShard(make, stream, context)
    const keys = Array.from({ length: 20 }, (_, index) => keyOf(100 + index))
    await store.shards.register(
      stream,
      keys.map((key) => newShard(0, { key })),
    )
    const answers = await Promise.all(
      keys.map((key) =>
        Promise.all([store.shards, other].map((shards) => shards.acquire(stream, key, LEASE_MS))),
      ),
    )
    for (const pair of answers) expect(pair.filter((answer) => answer !== undefined)).toHaveLength(1)
  })

  test('there is no lease on a shard that is not known, nor in another incarnation', async () => {
    const stream = streamOf()
    const { store } = await leasedShard(make, stream)
    expect(await store.shards.acquire(stream, keyOf(2), LEASE_MS)).toBeUndefined()
    const other = { ...stream, incarnation: '00000000000000ff' }
    expect(await store.shards.acquire(other, keyOf(1), LEASE_MS)).toBeUndefined()
    expect(await store.shards.acquire({ ...stream, name: 'unknown' }, keyOf(1), LEASE_MS)).toBeUndefined()
  })

  test('a lease whose answer was lost is given again under the same counter', async (context) => {
    const stream = streamOf()
    const { store, under } = await openWith(make, stream)
    if (under.loseNextAnswer === undefined) return context.skip('no answer can be lost inside one process')
    await under.loseNextAnswer()
    expect(await store.shards.register(stream, [newShard(1)])).toBe(true)
    await under.loseNextAnswer()
    const { lease } = await acquired(store.shards, stream, keyOf(1))
    expect(await listed(store.shards, stream)).toMatchObject({ counter: lease.counter, leaseMs: LEASE_MS })
    return undefined
  })
}

function counterSuite(make: MakeStore): void {
  test('a counter grows with every new lease, also of the same holder, by release and by time', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    const counters = [lease.counter]
    await store.shards.release(lease)
    const afterRelease = await acquired(store.shards, stream, keyOf(1))
    counters.push(afterRelease.lease.counter)
    await clock.advance(LEASE_MS)
    counters.push((await acquired(store.shards, stream, keyOf(1))).lease.counter)
    expect(counters).toEqual([...new Set(counters)].toSorted((a, b) => a - b))
  })

  test('a store that was set back gives no counter a second time', async (context) => {
    const stream = streamOf()
    const opened = await leasedShard(make, stream)
    const { under, clock } = opened
    if (under.copy === undefined) return context.skip('this adapter cannot be set back')
    await opened.store.shards.release(opened.lease)
    const setBack = await under.copy()
    const given = [opened.lease.counter]
    // Twice set back to the same state, in which it has not given any of them.
    for (let turn = 0; turn < 2; turn += 1) {
      for (let lease = 0; lease < 5; lease += 1) {
        const next = await acquired(opened.store.shards, stream, keyOf(1))
        given.push(next.lease.counter)
        await opened.store.shards.release(next.lease)
      }
      await clock.advance(1000)
      opened.store = await setBack()
      expect(await listed(opened.store.shards, stream)).toMatchObject({ counter: opened.lease.counter })
    }
    const { lease } = await acquired(opened.store.shards, stream, keyOf(1))
    given.push(lease.counter)
    expect(given).toEqual([...new Set(given)].toSorted((a, b) => a - b))
    // It is a counter like any other, as the store reads it and as the caller has it.
    expect(await opened.store.shards.renew(stream, [lease], LEASE_MS)).toEqual([keyOf(1)])
    await expectTaken(opened.store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
    return undefined
  })

  test('a counter does not go back across a reopen', async () => {
    const stream = streamOf()
    const opened = await leasedShard(make, stream)
    await opened.reopen()
    expect((await listed(opened.store.shards, stream)).counter).toBe(opened.lease.counter)
    await opened.clock.advance(LEASE_MS)
    const { lease } = await acquired(opened.store.shards, stream, keyOf(1))
    expect(lease.counter).toBeGreaterThan(opened.lease.counter)
    await opened.store.shards.release(lease)
    await opened.reopen()
    expect((await listed(opened.store.shards, stream)).counter).toBe(lease.counter)
    const next = await acquired(opened.store.shards, stream, keyOf(1))
    expect(next.lease.counter).toBeGreaterThan(lease.counter)
  })
}

function renewSuite(make: MakeStore): void {
  test('leases are prolonged together, and how far behind their readers are is kept', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    await store.shards.register(stream, [newShard(2), newShard(3)])
    const second = (await acquired(store.shards, stream, keyOf(2))).lease
    await clock.advance(6000)
    const held = [
      { key: lease.key, counter: lease.counter, behindMs: 1234 },
      { key: second.key, counter: second.counter, behindMs: 0 },
    ]
    expect(await store.shards.renew(stream, held, LEASE_MS)).toEqual([keyOf(1), keyOf(2)])
    const [first, next, free] = await store.shards.list(stream)
    expect(first).toMatchObject({ leaseMs: LEASE_MS, counter: lease.counter, behindMs: 1234 })
    expect(next).toMatchObject({ leaseMs: LEASE_MS, counter: second.counter, behindMs: 0 })
    expect(free).toMatchObject({ leaseMs: 0, counter: 0 })
    expect(free?.behindMs).toBeUndefined()
    expect(await store.shards.renew(stream, [], LEASE_MS)).toEqual([])
  })

  test('of leases that are partly lost the others are prolonged', async (context) => {
    const stream = streamOf()
    const { store, other, clock, lease } = await contendedShard(make, stream, context)
    await store.shards.register(stream, [newShard(2), newShard(3)])
    await clock.advance(6000)
    const second = (await acquired(store.shards, stream, keyOf(2))).lease
    const third = (await acquired(store.shards, stream, keyOf(3))).lease
    await clock.advance(4000)
    const taken = await acquired(other, stream, keyOf(1))
    const held = [
      { key: lease.key, counter: lease.counter, behindMs: 5 },
      { key: second.key, counter: second.counter },
      { key: third.key, counter: third.counter + 1 },
      { key: keyOf(9), counter: 1 },
      { key: keyOf(1), counter: taken.lease.counter },
    ]
    expect(await store.shards.renew(stream, held, LEASE_MS)).toEqual([keyOf(2)])
    const [first, renewed, mistaken] = await store.shards.list(stream)
    expect(first).toMatchObject({ holder: other.holder, leaseMs: LEASE_MS })
    expect(first?.behindMs).toBeUndefined()
    expect(renewed).toMatchObject({ holder: store.shards.holder, leaseMs: LEASE_MS })
    expect(mistaken?.leaseMs).toBe(6000)
  })

  test('a lease that has run out is not renewed, even when nobody took it since', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    await clock.advance(LEASE_MS)
    expect(await store.shards.renew(stream, [lease], LEASE_MS)).toEqual([])
    expect(await listed(store.shards, stream)).toMatchObject({ leaseMs: 0 })
    const again = await acquired(store.shards, stream, keyOf(1))
    expect(again.lease.counter).toBeGreaterThan(lease.counter)
  })

  test('leases of another stream or incarnation are not renewed', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    const other = { ...stream, incarnation: '00000000000000ff' }
    expect(await store.shards.renew(other, [lease], LEASE_MS)).toEqual([])
    expect(await store.shards.renew({ ...stream, name: 'unknown' }, [lease], LEASE_MS)).toEqual([])
  })

  test('a process may hold a thousand shards', async () => {
    const stream = streamOf()
    const { store, clock } = await openWith(make, stream)
    const shards = Array.from({ length: 1000 }, (_, index) => newShard(index))
    await store.shards.register(stream, shards)
    const leases = await Promise.all(shards.map(({ key }) => acquired(store.shards, stream, key)))
    await clock.advance(6000)
    const held = leases.map(({ lease: { key, counter } }) => ({ key, counter, behindMs: 7 }))
    expect(await store.shards.renew(stream, held, LEASE_MS)).toEqual(shards.map(({ key }) => key))
    const known = await store.shards.list(stream)
    expect(known.filter(({ leaseMs, behindMs }) => leaseMs === LEASE_MS && behindMs === 7)).toHaveLength(1000)
  })
}

function releaseSuite(make: MakeStore): void {
  test('a released shard is free at once, and its checkpoint and counter stay', async (context) => {
    const stream = streamOf()
    const { store, other, lease } = await contendedShard(make, stream, context)
    await store.shards.release(lease)
    await store.shards.release(lease)
    const free = await listed(store.shards, stream)
    expect(free).toMatchObject({ leaseMs: 0, counter: lease.counter, checkpoint: TRIM_HORIZON })
    expect(free.holder).toBeUndefined()
    expect(free.checkpoint).not.toBe(SHARD_END)
    expect(await store.shards.renew(stream, [lease], LEASE_MS)).toEqual([])
    const taken = await acquired(other, stream, keyOf(1))
    expect(taken.lease.counter).toBeGreaterThan(lease.counter)
  })

  test('only the holder under the counter of its lease gives it up', async (context) => {
    const stream = streamOf()
    const { store, other, lease } = await contendedShard(make, stream, context)
    await other.release(lease)
    await store.shards.release({ ...lease, counter: lease.counter + 1 })
    await store.shards.release({ ...lease, key: keyOf(2) })
    await store.shards.release({ ...lease, stream: { ...stream, incarnation: '00000000000000ff' } })
    expect(await listed(store.shards, stream)).toMatchObject({ holder: store.shards.holder })
    await store.shards.release(lease)
    const again = await acquired(store.shards, stream, keyOf(1))
    await store.shards.release(lease)
    expect(await listed(store.shards, stream)).toMatchObject({
      counter: again.lease.counter,
      leaseMs: LEASE_MS,
    })
  })
}

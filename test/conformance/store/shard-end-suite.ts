/** The end of a shard: its children are registered, it is marked and its lease is freed, in one step. */
import { expect, test } from 'vitest'
import { SHARD_END, TRIM_HORIZON } from '../../../src/domain/shard.ts'
import { frameOf, streamOf, type MakeStore } from './fixture.ts'
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
  sequenceNumber,
  type LeasedShard,
} from './shard-fixture.ts'

const children = [2, 3].map((number) => newShard(number, { parents: [keyOf(1)] }))

export function shardEndSuite(make: MakeStore): void {
  endSuite(make)
  endOutOfPlaceSuite(make)
}

/** Shard 1 is the only one that is known. */
async function expectNoChild({ store, lease }: LeasedShard, checkpoint = TRIM_HORIZON): Promise<void> {
  expect(await store.shards.list(lease.stream)).toMatchObject([{ key: keyOf(1), checkpoint, children: [] }])
}

function endSuite(make: MakeStore): void {
  test('the end registers the children, marks the shard and frees its lease', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    await expectTaken(store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
    await clock.advance(2000)
    await store.shards.renew(stream, [{ ...lease, behindMs: 7 }], LEASE_MS)
    expect(await store.shards.end(lease, sequenceNumber(1), children)).toEqual({ kind: 'ended' })
    const [parent, ...born] = await store.shards.list(stream)
    expect(parent).toMatchObject({
      checkpoint: SHARD_END,
      children: [keyOf(2), keyOf(3)],
      counter: lease.counter,
      leaseMs: 0,
      checkpointAgeMs: 0,
    })
    expect(parent?.holder).toBeUndefined()
    expect(parent?.behindMs).toBeUndefined()
    expect(born).toMatchObject(children.map((child) => ({ ...child, counter: 0, leaseMs: 0, children: [] })))
    expect((await acquired(store.shards, stream, keyOf(2))).checkpoint).toBe(TRIM_HORIZON)
  })

  test('a shard without children ends too', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, lease } = leased
    expect(await store.shards.end(lease, TRIM_HORIZON, [])).toEqual({ kind: 'ended' })
    await expectNoChild(leased, SHARD_END)
  })

  test('an ended shard is not given, not renewed and not appended to', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.shards.end(lease, TRIM_HORIZON, children)
    expect(await store.shards.acquire(stream, keyOf(1), LEASE_MS)).toBeUndefined()
    expect(await store.shards.renew(stream, [lease], LEASE_MS)).toEqual([])
    await store.shards.release(lease)
    for (const after of [TRIM_HORIZON, SHARD_END]) {
      const position = follows(lease, after, 1)
      expect(await store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'fenced' })
    }
    expect((await listed(store.shards, stream)).checkpoint).toBe(SHARD_END)
  })

  test('a child that is known already stays where it is', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.shards.register(stream, [newShard(2, { parents: [keyOf(1)] })])
    const child = await acquired(store.shards, stream, keyOf(2))
    await expectTaken(store, [frameOf(['a'])], follows(child.lease, TRIM_HORIZON, 7))
    expect(await store.shards.end(lease, TRIM_HORIZON, children)).toEqual({ kind: 'ended' })
    expect(await listed(store.shards, stream, keyOf(2))).toMatchObject({
      checkpoint: sequenceNumber(7),
      counter: child.lease.counter,
      holder: store.shards.holder,
      leaseMs: LEASE_MS,
    })
    expect(await listed(store.shards, stream, keyOf(3))).toMatchObject({ checkpoint: TRIM_HORIZON })
  })

  test('both parents of a merge end with the same child, which is registered once', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.shards.register(stream, [newShard(2)])
    const second = (await acquired(store.shards, stream, keyOf(2))).lease
    const child = newShard(3, { parents: [keyOf(1), keyOf(2)] })
    const answers = await Promise.all(
      [lease, second].map((held) => store.shards.end(held, TRIM_HORIZON, [child])),
    )
    expect(answers).toEqual([{ kind: 'ended' }, { kind: 'ended' }])
    expect(await store.shards.list(stream)).toMatchObject([
      { checkpoint: SHARD_END, children: [keyOf(3)] },
      { checkpoint: SHARD_END, children: [keyOf(3)] },
      child,
    ])
  })

  test('an end sent twice is taken once, and the second is answered the end', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await store.shards.end(lease, TRIM_HORIZON, children)
    const child = await acquired(store.shards, stream, keyOf(2))
    const ended = { kind: 'gap', checkpoint: SHARD_END }
    expect(await store.shards.end(lease, TRIM_HORIZON, children)).toEqual(ended)
    expect(await listed(store.shards, stream, keyOf(2))).toMatchObject({ counter: child.lease.counter })
    expect(await store.shards.list(stream)).toHaveLength(3)
  })

  test('an end whose answer was lost is taken once', async (context) => {
    const stream = streamOf()
    const { store, under, lease } = await leasedShard(make, stream)
    if (under.loseNextAnswer === undefined) return context.skip('no answer can be lost inside one process')
    await under.loseNextAnswer()
    const answer = await store.shards.end(lease, TRIM_HORIZON, children)
    expect(answer).toEqual({ kind: 'gap', checkpoint: SHARD_END })
    expect(await store.shards.list(stream)).toHaveLength(3)
    return undefined
  })

  test('the end survives a reopen', async () => {
    const stream = streamOf()
    const opened = await leasedShard(make, stream)
    await opened.store.shards.end(opened.lease, TRIM_HORIZON, children)
    await opened.reopen()
    expect(await opened.store.shards.list(stream)).toMatchObject([
      { checkpoint: SHARD_END, children: [keyOf(2), keyOf(3)] },
      ...children,
    ])
    expect(await opened.store.shards.acquire(stream, keyOf(1), LEASE_MS)).toBeUndefined()
  })
}

function endOutOfPlaceSuite(make: MakeStore): void {
  test('an end under another counter, of an unknown shard or in another incarnation is fenced', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, lease } = leased
    const stream = { ...lease.stream, incarnation: '00000000000000ff' }
    for (const wrong of [
      { ...lease, counter: lease.counter + 1 },
      { ...lease, counter: lease.counter - 1 },
      { ...lease, key: keyOf(9) },
      { ...lease, stream },
    ]) {
      expect(await store.shards.end(wrong, TRIM_HORIZON, children)).toEqual({ kind: 'fenced' })
    }
    await expectNoChild(leased)
    expect(await store.shards.list(stream)).toEqual([])
  })

  test('an end under a lease that has run out is fenced, even when nobody took it since', async () => {
    const leased = await leasedShard(make, streamOf())
    await leased.clock.advance(LEASE_MS)
    expect(await leased.store.shards.end(leased.lease, TRIM_HORIZON, children)).toEqual({ kind: 'fenced' })
    await expectNoChild(leased)
  })

  test('an end by a process that does not hold the lease is fenced, though the counter is right', async (context) => {
    const leased = await contendedShard(make, streamOf(), context)
    expect(await leased.other.end(leased.lease, TRIM_HORIZON, children)).toEqual({ kind: 'fenced' })
    await leased.clock.advance(LEASE_MS)
    await acquired(leased.other, leased.lease.stream, keyOf(1))
    expect(await leased.store.shards.end(leased.lease, TRIM_HORIZON, children)).toEqual({ kind: 'fenced' })
    await expectNoChild(leased)
  })

  test('an end that does not follow the checkpoint is answered the checkpoint', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, lease } = leased
    await expectTaken(store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 4))
    expect(await store.shards.end(lease, TRIM_HORIZON, children)).toEqual({
      kind: 'gap',
      checkpoint: sequenceNumber(4),
    })
    await expectNoChild(leased, sequenceNumber(4))
    expect(await store.shards.end(lease, sequenceNumber(4), children)).toEqual({ kind: 'ended' })
  })
}

/** Appends from a shard: records and checkpoint move in one step, and only for the holder of the lease. */
import { describe, expect, test } from 'vitest'
import { TRIM_HORIZON } from '../../../src/domain/shard.ts'
import { appendIds, expectAppended, expectBalanced, frameOf, streamOf, type MakeStore } from './fixture.ts'
import { shardBatchSuite } from './shard-batch-suite.ts'
import { shardEndSuite } from './shard-end-suite.ts'
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

/** All that is appended from a shard and how it ends. */
export function shardAppendSuite(make: MakeStore): void {
  describe('place', () => shardPlaceSuite(make))
  describe('batches', () => shardBatchSuite(make))
  describe('end', () => shardEndSuite(make))
}

/** What an append needs of the lease and the checkpoint. Asks nothing of batches, so a store without them passes it too. */
export function shardPlaceSuite(make: MakeStore): void {
  checkpointSuite(make)
  fenceSuite(make)
  gapSuite(make)
  goneSuite(make)
}

async function expectNothingTaken({ store, lease }: LeasedShard, checkpoint = TRIM_HORIZON): Promise<void> {
  expect(await expectBalanced(store, lease.stream)).toMatchObject({ accepted: 0, pending: 0 })
  expect((await listed(store.shards, lease.stream)).checkpoint).toBe(checkpoint)
}

function checkpointSuite(make: MakeStore): void {
  test('an append from a shard takes its records and moves the checkpoint', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    await clock.advance(2000)
    const frames = [frameOf(['a', 'b']), frameOf(['c'])]
    const first = await expectTaken(store, frames, follows(lease, TRIM_HORIZON, 3))
    expect(first.sealed).toBe(0)
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 3, pending: 3, acceptedBytes: 3 })
    expect(await listed(store.shards, stream)).toMatchObject({
      checkpoint: sequenceNumber(3),
      checkpointAgeMs: 0,
      counter: lease.counter,
      leaseMs: LEASE_MS - 2000,
      hashRange: newShard(1).hashRange,
    })
    const second = await expectTaken(store, [frameOf(['d'])], follows(lease, sequenceNumber(3), 4))
    expect(second.firstSequence).toBe(first.firstSequence + 2)
    await clock.advance(700)
    expect(await listed(store.shards, stream)).toMatchObject({
      checkpoint: sequenceNumber(4),
      checkpointAgeMs: 700,
    })
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 4 })
  })

  test('the next holder goes on from the checkpoint', async (context) => {
    const stream = streamOf()
    const { store, other, lease } = await contendedShard(make, stream, context)
    await expectTaken(store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 8))
    await store.shards.release(lease)
    expect((await acquired(other, stream, keyOf(1))).checkpoint).toBe(sequenceNumber(8))
  })

  test('checkpoint and records survive a reopen together', async () => {
    const stream = streamOf()
    const opened = await leasedShard(make, stream)
    await expectTaken(opened.store, [frameOf(['a'])], follows(opened.lease, TRIM_HORIZON, 1))
    await opened.reopen()
    await opened.clock.advance(LEASE_MS)
    const { lease, checkpoint } = await acquired(opened.store.shards, stream, keyOf(1))
    expect(checkpoint).toBe(sequenceNumber(1))
    await expectTaken(opened.store, [frameOf(['b'])], follows(lease, checkpoint, 2))
    expect(await expectBalanced(opened.store, stream)).toMatchObject({ accepted: 2, pending: 2 })
  })

  test('shards of one stream are appended from at the same time, each with its own checkpoint', async () => {
    const stream = streamOf()
    const { store } = await leasedShard(make, stream)
    const shards = Array.from({ length: 10 }, (_, index) => newShard(index + 10))
    await store.shards.register(stream, shards)
    const sequences = await Promise.all(
      shards.map(async ({ key }, index) => {
        const { lease, checkpoint } = await acquired(store.shards, stream, key)
        return expectTaken(store, [frameOf([`r${index}`])], follows(lease, checkpoint, index))
      }),
    )
    expect(new Set(sequences.map((answer) => answer.firstSequence)).size).toBe(10)
    const known = await store.shards.list(stream)
    expect(known.slice(1).map((shard) => shard.checkpoint)).toEqual(
      shards.map((_, index) => sequenceNumber(index)),
    )
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 10 })
  })

  test('an append without frames, or one that moves nothing, is an error', async () => {
    const stream = streamOf()
    const leased = await leasedShard(make, stream)
    const { store, lease } = leased
    await expect(store.buffer.appendFromShard([], follows(lease, TRIM_HORIZON, 1))).rejects.toThrow(keyOf(1))
    const still = { lease, after: TRIM_HORIZON, last: TRIM_HORIZON }
    await expect(store.buffer.appendFromShard([frameOf(['a'])], still)).rejects.toThrow(keyOf(1))
    await expectNothingTaken(leased)
  })
}

function fenceSuite(make: MakeStore): void {
  test('an append under another counter is fenced', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, lease } = leased
    for (const counter of [lease.counter - 1, lease.counter + 1]) {
      const position = follows({ ...lease, counter }, TRIM_HORIZON, 1)
      expect(await store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'fenced' })
    }
    await expectNothingTaken(leased)
  })

  test('an append under the lease of another process is fenced, though the counter is right', async (context) => {
    const stream = streamOf()
    const leased = await contendedShard(make, stream, context)
    const { store, other } = leased
    await store.shards.release(leased.lease)
    const { lease } = await acquired(other, stream, keyOf(1))
    const position = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'fenced' })
    await expectNothingTaken(leased)
  })

  test('an append under a lease that has run out is fenced, even when nobody took it since', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, clock, lease } = leased
    await clock.advance(LEASE_MS)
    const position = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'fenced' })
    await expectNothingTaken(leased)
  })

  test('a lease holds until its time has passed, and longer when it is renewed', async () => {
    const stream = streamOf()
    const { store, clock, lease } = await leasedShard(make, stream)
    await clock.advance(LEASE_MS - 1)
    await expectTaken(store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
    expect(await store.shards.renew(stream, [lease], LEASE_MS)).toEqual([keyOf(1)])
    await clock.advance(LEASE_MS - 1)
    await expectTaken(store, [frameOf(['b'])], follows(lease, sequenceNumber(1), 2))
    await clock.advance(1)
    const late = follows(lease, sequenceNumber(2), 3)
    expect(await store.buffer.appendFromShard([frameOf(['c'])], late)).toEqual({ kind: 'fenced' })
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 2 })
  })

  test('a process that wakes up after its shard went to another appends nothing', async (context) => {
    const stream = streamOf()
    const leased = await contendedShard(make, stream, context)
    await leased.clock.advance(LEASE_MS)
    await acquired(leased.other, stream, keyOf(1))
    const position = follows(leased.lease, TRIM_HORIZON, 1)
    expect(await leased.store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'fenced' })
    await expectNothingTaken(leased)
  })

  test('an append after the shard was given up is fenced', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, lease } = leased
    await store.shards.release(lease)
    const position = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'fenced' })
    await expectNothingTaken(leased)
  })

  test('an append from a shard that is not known or was forgotten is fenced', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    const unknown = follows({ ...lease, key: keyOf(2) }, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], unknown)).toEqual({ kind: 'fenced' })
    await store.shards.forget(stream, [keyOf(1)])
    const forgotten = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], forgotten)).toEqual({ kind: 'fenced' })
    expect(await store.shards.list(stream)).toEqual([])
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 0 })
  })
}

function gapSuite(make: MakeStore): void {
  test('an append that does not follow the checkpoint is answered the checkpoint', async () => {
    const leased = await leasedShard(make, streamOf())
    const { store, lease } = leased
    for (const after of [sequenceNumber(1), 'AT_TIMESTAMP:5', '']) {
      expect(await store.buffer.appendFromShard([frameOf(['a'])], follows(lease, after, 2))).toEqual({
        kind: 'gap',
        checkpoint: TRIM_HORIZON,
      })
    }
    await expectNothingTaken(leased)
    await expectTaken(store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
  })

  test('an append sent twice is taken once, and the second is answered where the first went', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    const position = follows(lease, TRIM_HORIZON, 5)
    await expectTaken(store, [frameOf(['a'])], position)
    const answer = await store.buffer.appendFromShard([frameOf(['a'])], position)
    expect(answer).toEqual({ kind: 'gap', checkpoint: sequenceNumber(5) })
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 1 })
  })

  test('of appends from one place at once exactly one is taken', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    const position = follows(lease, TRIM_HORIZON, 5)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => store.buffer.appendFromShard([frameOf(['a'])], position)),
    )
    expect(answers.filter((answer) => answer.kind === 'appended')).toHaveLength(1)
    const gap = { kind: 'gap', checkpoint: sequenceNumber(5) }
    expect(answers.filter((answer) => answer.kind !== 'appended')).toEqual(
      Array.from({ length: 5 }, () => gap),
    )
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 1 })
  })

  test('an append whose answer was lost is taken once', async (context) => {
    const stream = streamOf({ bytes: 2 })
    const { store, under, lease } = await leasedShard(make, stream)
    if (under.loseNextAnswer === undefined) return context.skip('no answer can be lost inside one process')
    let checkpoint = TRIM_HORIZON
    for (let turn = 1; turn <= 5; turn += 1) {
      await under.loseNextAnswer()
      const position = follows(lease, checkpoint, turn)
      const answer = await store.buffer.appendFromShard([frameOf(['a'])], position)
      expect(answer).toEqual({ kind: 'gap', checkpoint: position.last })
      checkpoint = position.last
      expect(await expectBalanced(store, stream)).toMatchObject({ accepted: turn })
    }
    return undefined
  })
}

function goneSuite(make: MakeStore): void {
  test('an append to a stream that is being deleted is refused, and the checkpoint stays', async () => {
    const stream = streamOf()
    const leased = await leasedShard(make, stream)
    const { store, lease } = leased
    expect(await store.registry.replace({ ...stream, status: 'DELETING' })).toBe('replaced')
    const position = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'refused' })
    await expectNothingTaken(leased)
  })

  test('an append to another incarnation, or after the stream was removed, is refused', async () => {
    const stream = streamOf()
    const leased = await leasedShard(make, stream)
    const { store, lease } = leased
    const other = { name: stream.name, incarnation: '00000000000000ff' }
    const elsewhere = follows({ ...lease, stream: other }, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], elsewhere)).toEqual({ kind: 'refused' })
    await expectNothingTaken(leased)
    await store.registry.remove(stream)
    await store.registry.create(streamOf({ incarnation: '00000000000000b2' }))
    const late = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard([frameOf(['a'])], late)).toEqual({ kind: 'refused' })
    expect(await store.buffer.totals(stream)).toBeUndefined()
    expect(await store.shards.list(stream)).toEqual([])
  })

  test('ordinary appends move no checkpoint', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream)
    await expectAppended(store, stream, [frameOf(['a'])], appendIds()())
    expect((await listed(store.shards, stream)).checkpoint).toBe(TRIM_HORIZON)
    await expectTaken(store, [frameOf(['b'])], follows(lease, TRIM_HORIZON, 1))
  })
}

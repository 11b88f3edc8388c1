/** Records of a shard in batches: the same sizes, sequences, seals and budget as of any other append. */
import { expect, test } from 'vitest'
import { BATCH_RECORDS_SEALED } from '../../../src/domain/batch.ts'
import { FrameBuilder } from '../../../src/domain/frame.ts'
import { TRIM_HORIZON, type Checkpoint } from '../../../src/domain/shard.ts'
import {
  appendIds,
  at,
  deliver,
  describeBatch,
  expectAppended,
  expectBalanced,
  frameOf,
  noiseFrame,
  readTexts,
  sealedBatch,
  streamOf,
  type MakeStore,
} from './fixture.ts'
import { expectTaken, follows, leasedShard, listed, sequenceNumber } from './shard-fixture.ts'

export function shardBatchSuite(make: MakeStore): void {
  sealSuite(make)
  budgetSuite(make)
}

function sealSuite(make: MakeStore): void {
  test('frames of one append may span batches, and those that became full are counted', async () => {
    const stream = streamOf({ bytes: 10 })
    const { store, lease } = await leasedShard(make, stream)
    const frames = ['12345', '67890', '1234567890', '123'].map((record) => frameOf([record]))
    const answer = await expectTaken(store, frames, follows(lease, TRIM_HORIZON, 4))
    expect(answer.sealed).toBe(2)
    const [first, second] = await store.buffer.sealed(stream, 10)
    const full = await describeBatch(
      store,
      at(
        [first, second].flatMap((batch) => batch ?? []),
        0,
      ),
    )
    expect(full).toMatchObject({
      trigger: 'size',
      records: 2,
      firstAppend: answer.firstSequence,
      lastAppend: answer.firstSequence + 1,
    })
    expect(await readTexts(store, full)).toEqual(['12345', '67890'])
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 4, pending: 4, sealedBatches: 2 })
    const next = await expectTaken(store, [frameOf(['4567890'])], follows(lease, sequenceNumber(4), 5))
    expect(next).toMatchObject({ sealed: 1, firstSequence: answer.firstSequence + 4 })
  })

  test('an append that sealed its batch and is sent again is still taken once', async () => {
    const stream = streamOf({ bytes: 10 })
    const { store, lease } = await leasedShard(make, stream)
    const position = follows(lease, TRIM_HORIZON, 2)
    expect((await expectTaken(store, [noiseFrame(10), noiseFrame(3)], position)).sealed).toBe(1)
    expect(await store.buffer.appendFromShard([noiseFrame(10), noiseFrame(3)], position)).toEqual({
      kind: 'gap',
      checkpoint: sequenceNumber(2),
    })
    expect(await store.buffer.sealed(stream, 10)).toHaveLength(1)
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 2, sealedBatches: 1 })
  })

  test('append sequences and records go on in order with ordinary appends between', async () => {
    const stream = streamOf()
    const opened = await leasedShard(make, stream)
    const { store, lease } = opened
    const nextId = appendIds()
    const first = await expectTaken(store, [frameOf(['a']), frameOf(['b'])], follows(lease, TRIM_HORIZON, 2))
    const second = await expectAppended(store, stream, [frameOf(['c'])], nextId())
    const third = await expectTaken(store, [frameOf(['d'])], follows(lease, sequenceNumber(2), 3))
    expect([second.firstSequence, third.firstSequence]).toEqual([
      first.firstSequence + 2,
      first.firstSequence + 3,
    ])
    const batch = await sealedBatch(opened, stream, [frameOf(['e'])], nextId)
    expect(await readTexts(store, batch)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(batch).toMatchObject({ records: 5, frames: 5, firstAppend: first.firstSequence })
  })

  test('an open batch of a shard is sealed by its interval and delivered like any other', async () => {
    const stream = streamOf({ intervalMs: 5000 })
    const { store, clock, lease } = await leasedShard(make, stream)
    await expectTaken(store, [frameOf(['a', 'b'], 4000)], follows(lease, TRIM_HORIZON, 2))
    expect((await store.buffer.sealDue(stream)).kind).toBe('waiting')
    await clock.advance(5000)
    expect(await store.buffer.due()).toEqual([{ name: stream.name, incarnation: stream.incarnation }])
    const sealed = await store.buffer.sealDue(stream)
    if (sealed.kind !== 'sealed') throw new Error(sealed.kind)
    expect(await describeBatch(store, sealed.batch)).toMatchObject({ oldestArrivalMs: 4000, records: 2 })
    await deliver(store, sealed.batch)
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 2, delivered: 2, pending: 0 })
    expect((await listed(store.shards, stream)).checkpoint).toBe(sequenceNumber(2))
  })

  test('G5: a batch of tiny records of a shard is sealed by their number', async () => {
    const stream = streamOf({ bytes: 128 * 1024 * 1024 })
    const { store, lease } = await leasedShard(make, stream)
    const records = BATCH_RECORDS_SEALED / 4
    const builder = new FrameBuilder(records, 0)
    for (let record = 0; record < records; record += 1) builder.addBytes(new Uint8Array(0))
    const frame = builder.finish(1_790_000_000_000)
    const frames = [frame, frame]
    const first = await expectTaken(store, frames, follows(lease, TRIM_HORIZON, 1))
    const second = await expectTaken(store, frames, follows(lease, sequenceNumber(1), 2))
    expect([first.sealed, second.sealed]).toEqual([0, 1])
    const batch = await describeBatch(store, at(await store.buffer.sealed(stream, 10), 0))
    expect(batch).toMatchObject({ trigger: 'size', records: BATCH_RECORDS_SEALED, bytes: 0 })
  })
}

function budgetSuite(make: MakeStore): void {
  test('the byte budget throttles, nothing moves then, and the same append is taken after a discard', async () => {
    const stream = streamOf({ bytes: 10_000 })
    const { store, lease } = await leasedShard(make, stream, { maxBytes: 100_000, perStreamShare: 1 })
    let taken = 0
    let checkpoint: Checkpoint = TRIM_HORIZON
    for (;;) {
      const position = follows(lease, checkpoint, taken + 1)
      const answer = await store.buffer.appendFromShard([noiseFrame(10_000, taken + 1)], position)
      if (answer.kind === 'throttled') break
      expect(answer.kind).toBe('appended')
      checkpoint = position.last
      taken += 1
      if (taken > 10) throw new Error('the budget does not hold')
    }
    expect(taken).toBeGreaterThanOrEqual(5)
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: taken, pending: taken })
    expect((await listed(store.shards, stream)).checkpoint).toBe(checkpoint)
    await deliver(store, at(await store.buffer.sealed(stream, 1), 0))
    await expectTaken(store, [noiseFrame(10_000, taken + 1)], follows(lease, checkpoint, taken + 1))
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: taken + 1, delivered: 1 })
  })

  test('an append that was taken and is sent again when the budget is used up is answered the gap', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream, { maxBytes: 100_000, perStreamShare: 1 })
    const position = follows(lease, TRIM_HORIZON, 1)
    await expectTaken(store, [noiseFrame(60_000)], position)
    const answer = await store.buffer.appendFromShard([noiseFrame(60_000)], position)
    expect(answer).toEqual({ kind: 'gap', checkpoint: sequenceNumber(1) })
  })

  test('a stream is throttled at its share, and frames that do not fit together are refused together', async () => {
    const stream = streamOf()
    const { store, lease } = await leasedShard(make, stream, { maxBytes: 100_000, perStreamShare: 0.5 })
    const frames = Array.from({ length: 6 }, (_, index) => noiseFrame(10_000, index + 1))
    const position = follows(lease, TRIM_HORIZON, 1)
    expect(await store.buffer.appendFromShard(frames, position)).toEqual({ kind: 'throttled' })
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 0, pending: 0 })
    expect((await listed(store.shards, stream)).checkpoint).toBe(TRIM_HORIZON)
    await expectTaken(store, frames.slice(0, 3), position)
  })
}

/** A sealed batch: attempts, plan, discard. The ledger balances after every step. */
import { expect, test } from 'vitest'
import {
  appendIds,
  at,
  deliver,
  describeBatch,
  expectAppended,
  expectBalanced,
  frameOf,
  oneBatch,
  openWith,
  outcomeOf,
  planOf,
  readTexts,
  sealedBatch,
  streamOf,
  type MakeStore,
} from './fixture.ts'

export function batchSuite(make: MakeStore): void {
  attemptSuite(make)
  pinSuite(make)
  discardSuite(make)
  reopenSuite(make)
}

function attemptSuite(make: MakeStore): void {
  test('attempts are counted before they start', async () => {
    const { store, batch } = await oneBatch(make)
    const first = await store.buffer.beginAttempt(batch)
    expect(first).toMatchObject({
      kind: 'begun',
      batch: { batchId: batch.batchId, attempts: 1, deaths: 0, records: 3 },
    })
    await store.buffer.endAttempt(batch)
    const second = await store.buffer.beginAttempt(batch)
    expect(second).toMatchObject({ kind: 'begun', batch: { attempts: 2, deaths: 0 } })
    expect(await describeBatch(store, batch)).toMatchObject({ attempts: 2, deaths: 0 })
  })

  test('an attempt that never ended counts as a death when the next one begins', async () => {
    const opened = await oneBatch(make)
    await opened.store.buffer.beginAttempt(opened.batch)
    await opened.reopen()
    expect(await opened.store.buffer.beginAttempt(opened.batch)).toMatchObject({
      batch: { attempts: 2, deaths: 1 },
    })
    expect(await opened.store.buffer.beginAttempt(opened.batch)).toMatchObject({
      batch: { attempts: 3, deaths: 2 },
    })
    await opened.store.buffer.endAttempt(opened.batch)
    expect(await opened.store.buffer.beginAttempt(opened.batch)).toMatchObject({
      batch: { attempts: 4, deaths: 2 },
    })
  })

  test('there is nothing to attempt once a batch is gone or quarantined', async () => {
    const { store, batch } = await oneBatch(make)
    await deliver(store, batch)
    expect(await store.buffer.beginAttempt(batch)).toEqual({ kind: 'finished' })
    await store.buffer.endAttempt(batch)
    expect(await store.buffer.describe(batch)).toBeUndefined()
    const other = await oneBatch(make)
    await other.store.buffer.quarantine(other.batch, 'reason')
    expect(await other.store.buffer.beginAttempt(other.batch)).toEqual({ kind: 'finished' })
  })
}

function pinSuite(make: MakeStore): void {
  test('the first plan is pinned, and everybody reads that one', async () => {
    const { store, batch } = await oneBatch(make)
    expect(await store.buffer.pin(batch, planOf(1, 'first'))).toEqual({
      kind: 'pinned',
      plan: planOf(1, 'first'),
    })
    expect(await store.buffer.pin(batch, planOf(1, 'second'))).toEqual({
      kind: 'pinned',
      plan: planOf(1, 'first'),
    })
    expect(await describeBatch(store, batch)).toMatchObject({ state: 'planned', plan: planOf(1, 'first') })
    expect(await store.buffer.sealed(batch.stream, 5)).toHaveLength(1)
  })

  test('of many plans at once exactly one is pinned', async () => {
    const { store, batch } = await oneBatch(make)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => store.buffer.pin(batch, planOf(1, `bucket${index}`))),
    )
    const buckets = answers.map((answer) =>
      answer.kind === 'pinned' ? answer.plan.destination.bucket : answer.kind,
    )
    expect(new Set(buckets).size).toBe(1)
  })

  test('a plan of another version than the stream has now is stale', async () => {
    const opened = await oneBatch(make)
    const { store, batch } = opened
    expect(await store.registry.replace(streamOf({ version: 2 }))).toBe('replaced')
    expect(await store.buffer.pin(batch, planOf(1))).toEqual({ kind: 'stale' })
    expect(await describeBatch(store, batch)).toMatchObject({ state: 'sealed' })
    expect(await store.buffer.pin(batch, planOf(2))).toEqual({ kind: 'pinned', plan: planOf(2) })
  })

  test('a pinned plan outlives a change of the destination', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.pin(batch, planOf(1))
    await store.registry.replace(streamOf({ version: 2 }))
    expect(await store.buffer.pin(batch, planOf(2))).toEqual({ kind: 'pinned', plan: planOf(1) })
  })

  test('there is nothing to pin once a batch is gone or quarantined', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.quarantine(batch, 'reason')
    expect(await store.buffer.pin(batch, planOf())).toEqual({ kind: 'finished' })
    await store.registry.remove(batch.stream)
    expect(await store.buffer.pin(batch, planOf())).toEqual({ kind: 'finished' })
  })
}

function discardSuite(make: MakeStore): void {
  test('discard books the outcome, removes the batch and is done once', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.beginAttempt(batch)
    await store.buffer.pin(batch, planOf())
    expect(await store.buffer.discard(batch, outcomeOf(batch, 1, 1))).toBe(true)
    expect(await store.buffer.discard(batch, outcomeOf(batch, 1, 1))).toBe(false)
    expect(await store.buffer.describe(batch)).toBeUndefined()
    expect(await store.buffer.sealed(batch.stream, 5)).toEqual([])
    expect(await expectBalanced(store, batch.stream)).toEqual({
      accepted: 3,
      delivered: 1,
      failed: 1,
      dropped: 1,
      pending: 0,
      rows: 2,
      acceptedBytes: 3,
      pendingBytes: 0,
      sealedBatches: 0,
      quarantinedBatches: 0,
      oldestPendingAgeMs: undefined,
    })
    expect(await store.journal.entries(batch.stream, 10)).toHaveLength(1)
  })

  test('of many discards at once exactly one books', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.pin(batch, planOf())
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => store.buffer.discard(batch, outcomeOf(batch))),
    )
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await expectBalanced(store, batch.stream)).toMatchObject({ delivered: 3, pending: 0 })
  })

  test('an outcome that does not account for each record is refused', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.pin(batch, planOf())
    await expect(store.buffer.discard(batch, { ...outcomeOf(batch), delivered: 2 })).rejects.toThrow(
      batch.batchId,
    )
    expect(await expectBalanced(store, batch.stream)).toMatchObject({ pending: 3, delivered: 0 })
    expect(await readTexts(store, batch)).toHaveLength(3)
  })

  test('a batch without a plan cannot be discarded', async () => {
    const { store, batch } = await oneBatch(make)
    await expect(store.buffer.discard(batch, outcomeOf(batch))).rejects.toThrow(batch.batchId)
    expect(await expectBalanced(store, batch.stream)).toMatchObject({ pending: 3 })
  })

  test('batches may be discarded in any order', async () => {
    const stream = streamOf({ bytes: 1 })
    const { store } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a']), frameOf(['b']), frameOf(['c'])], appendIds()())
    const batches = await store.buffer.sealed(stream, 5)
    await deliver(store, at(batches, 1))
    await expectBalanced(store, stream)
    await deliver(store, at(batches, 2))
    await expectBalanced(store, stream)
    expect(await store.buffer.sealed(stream, 5)).toEqual([batches[0]])
    expect(await readTexts(store, at(batches, 0))).toEqual(['a'])
  })
}

function reopenSuite(make: MakeStore): void {
  test('a reopened store has everything it acknowledged', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const nextId = appendIds()
    const batch = await sealedBatch(opened, stream, [frameOf(['a', 'b'])], nextId)
    await opened.store.buffer.beginAttempt(batch)
    await opened.store.buffer.pin(batch, planOf())
    await expectAppended(opened.store, stream, [frameOf(['open'])], nextId())
    const before = await describeBatch(opened.store, batch)
    const totals = await expectBalanced(opened.store, stream)
    await opened.reopen()
    expect(await opened.store.registry.get(stream.name)).toEqual(stream)
    expect(await describeBatch(opened.store, batch)).toEqual(before)
    expect(await expectBalanced(opened.store, stream)).toMatchObject({
      ...totals,
      oldestPendingAgeMs: expect.any(Number),
    })
    expect(await readTexts(opened.store, batch)).toEqual(['a', 'b'])
    const next = await sealedBatch(opened, stream, [frameOf(['more'])], nextId)
    expect(await readTexts(opened.store, next)).toEqual(['open', 'more'])
    expect(next.firstAppend).toBe(batch.lastAppend + 1)
  })
}

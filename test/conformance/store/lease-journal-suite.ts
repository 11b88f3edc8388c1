/** Leases, and the journal of what became of each batch. */
import { expect, test, type TestContext } from 'vitest'
import type { Leases } from '../../../src/domain/ports.ts'
import {
  appendIds,
  deliver,
  expectAppended,
  frameOf,
  openStore,
  openWith,
  outcomeOf,
  planOf,
  readTexts,
  sealedBatch,
  streamOf,
  type MakeStore,
  type Opened,
} from './fixture.ts'

export function leaseAndJournalSuite(make: MakeStore): void {
  leaseSuite(make)
  journalSuite(make)
}

async function twoHolders(make: MakeStore, context: TestContext): Promise<Opened & { other: Leases }> {
  const opened = await openStore(make)
  if (opened.under.otherLeases === undefined) return context.skip('this adapter offers no second holder')
  return Object.assign(opened, { other: await opened.under.otherLeases() })
}

function leaseSuite(make: MakeStore): void {
  test('a lease has one holder, who renews it under the same counter', async (context) => {
    const { store, other, clock } = await twoHolders(make, context)
    const lease = await store.leases.acquire('sealer', 10_000)
    if (lease === undefined) throw new Error('the lease was not given')
    expect(await other.acquire('sealer', 10_000)).toBeUndefined()
    await clock.advance(8000)
    expect(await store.leases.acquire('sealer', 10_000)).toEqual(lease)
    await clock.advance(8000)
    expect(await other.acquire('sealer', 10_000)).toBeUndefined()
    expect((await other.acquire('sweep', 10_000))?.name).toBe('sweep')
  })

  test('an expired lease goes to whoever asks, under a greater counter', async (context) => {
    const { store, other, clock } = await twoHolders(make, context)
    const lease = await store.leases.acquire('sealer', 10_000)
    await clock.advance(10_001)
    const taken = await other.acquire('sealer', 10_000)
    expect(taken?.counter).toBeGreaterThan(lease?.counter ?? Infinity)
    expect(await store.leases.acquire('sealer', 10_000)).toBeUndefined()
  })

  test('a released lease is free at once, and an old holder cannot release it for the new one', async (context) => {
    const { store, other } = await twoHolders(make, context)
    const lease = await store.leases.acquire('sealer', 10_000)
    if (lease === undefined) throw new Error('the lease was not given')
    await store.leases.release(lease)
    const taken = await other.acquire('sealer', 10_000)
    expect(taken?.counter).toBeGreaterThan(lease.counter)
    await store.leases.release(lease)
    expect(await store.leases.acquire('sealer', 10_000)).toBeUndefined()
  })

  test('counters of a lease never go back, not even across a reopen', async () => {
    const opened = await openStore(make)
    const first = await opened.store.leases.acquire('sealer', 1000)
    if (first === undefined) throw new Error('the lease was not given')
    await opened.store.leases.release(first)
    await opened.reopen()
    await opened.clock.advance(2000)
    const second = await opened.store.leases.acquire('sealer', 1000)
    expect(second?.counter).toBeGreaterThanOrEqual(first.counter)
  })
}

function journalSuite(make: MakeStore): void {
  test('a discarded batch leaves an entry with its appends, times and outcome', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const batch = await sealedBatch(opened, stream, [frameOf(['a', 'b']), frameOf(['c'])])
    await deliver(opened.store, batch, 1)
    const [entry] = await opened.store.journal.entries(stream, 5)
    expect(entry).toMatchObject({
      stream: { name: stream.name, incarnation: stream.incarnation },
      batchId: batch.batchId,
      firstAppend: batch.firstAppend,
      lastAppend: batch.lastAppend,
      records: 3,
      bytes: 3,
      oldestArrivalMs: batch.oldestArrivalMs,
      sealedAtMs: batch.sealedAtMs,
      outcome: { delivered: 2, failed: 1, objects: [{ key: `orders/${batch.batchId}` }] },
    })
    expect(entry?.discardedAtMs).toBeGreaterThanOrEqual(batch.sealedAtMs)
  })

  test('an entry holds the objects of ten thousand partitions whole', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const batch = await sealedBatch(opened, stream, [frameOf(['a', 'b', 'c'])])
    await opened.store.buffer.beginAttempt(batch)
    await opened.store.buffer.pin(batch, planOf())
    const objects = Array.from({ length: 10_000 }, (_, index) => ({
      bucket: 'lake',
      key: `orders/customer=ключ ${index}/`.padEnd(200, 'k'),
      bytes: index,
      rows: 1,
      kind: 'data' as const,
    }))
    const outcome = { ...outcomeOf(batch), objects }
    expect(await opened.store.buffer.discard(batch, outcome)).toBe(true)
    await opened.reopen()
    const entry = await opened.store.journal.find(stream, batch.firstAppend)
    expect(entry?.outcome).toEqual(outcome)
  })

  test('an append leads to the batch that held it, and entries come newest first', async () => {
    const stream = streamOf({ bytes: 2 })
    const opened = await openWith(make, stream)
    const frames = Array.from({ length: 9 }, (_, index) => frameOf([String(index)]))
    const { firstSequence } = await expectAppended(opened.store, stream, frames, appendIds()())
    const batches = await opened.store.buffer.sealed(stream, 10)
    for (const batch of batches) await deliver(opened.store, batch)
    await opened.reopen()
    for (let index = 0; index < 8; index += 1) {
      const entry = await opened.store.journal.find(stream, firstSequence + index)
      expect(entry?.batchId).toBe(batches[Math.floor(index / 2)]?.batchId)
    }
    expect(await opened.store.journal.find(stream, firstSequence + 8)).toBeUndefined()
    expect(await opened.store.journal.find(stream, firstSequence - 1)).toBeUndefined()
    expect(
      await opened.store.journal.find({ ...stream, incarnation: '00000000000000ff' }, firstSequence),
    ).toBeUndefined()
    const newest = await opened.store.journal.entries(stream, 3)
    expect(newest.map((entry) => entry.batchId)).toEqual(
      [batches[3], batches[2], batches[1]].map((batch) => batch?.batchId),
    )
  })

  test('an append in a batch that is not yet discarded is not in the journal, though later ones are', async () => {
    const stream = streamOf({ bytes: 1 })
    const opened = await openWith(make, stream)
    const { firstSequence } = await expectAppended(
      opened.store,
      stream,
      [frameOf(['a']), frameOf(['b']), frameOf(['c'])],
      appendIds()(),
    )
    const [first, second, third] = await opened.store.buffer.sealed(stream, 5)
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('nothing was sealed')
    await deliver(opened.store, first)
    await deliver(opened.store, third)
    expect(await opened.store.journal.find(stream, firstSequence + 1)).toBeUndefined()
    expect((await opened.store.journal.find(stream, firstSequence + 2))?.batchId).toBe(third.batchId)
    expect(await readTexts(opened.store, second)).toEqual(['b'])
  })

  test('the journal forgets after its time', async () => {
    const stream = streamOf({ intervalMs: 60_000 })
    const opened = await openWith(make, stream)
    const nextId = appendIds()
    const old = await sealedBatch(opened, stream, [frameOf(['old'])], nextId)
    await deliver(opened.store, old)
    await opened.clock.advance(8 * 24 * 3_600_000)
    const young = await sealedBatch(opened, stream, [frameOf(['young'])], nextId)
    await deliver(opened.store, young)
    expect(await opened.store.journal.find(stream, old.firstAppend)).toBeUndefined()
    expect((await opened.store.journal.entries(stream, 5)).map((entry) => entry.batchId)).toEqual([
      young.batchId,
    ])
  })
}

/** Delivery streams by name and by incarnation, leases, and the journal. */
import { expect, test, type TestContext } from 'vitest'
import type { Leases } from '../../../src/domain/ports.ts'
import {
  appendIds,
  deliver,
  expectAppended,
  expectBalanced,
  frameOf,
  noiseFrame,
  openStore,
  openWith,
  planOf,
  readTexts,
  sealedBatch,
  streamOf,
  type MakeStore,
  type Opened,
} from './fixture.ts'

export function registrySuite(make: MakeStore): void {
  definitionSuite(make)
  removeSuite(make)
  leaseSuite(make)
  journalSuite(make)
}

function definitionSuite(make: MakeStore): void {
  test('a stream is created once under its name and read back as it was written', async () => {
    const { store } = await openStore(make)
    const stream = streamOf()
    expect(await store.registry.get('orders')).toBeUndefined()
    expect(await store.registry.create(stream)).toBe('created')
    expect(await store.registry.create({ ...stream, incarnation: '00000000000000ff' })).toBe('exists')
    expect(await store.registry.get('orders')).toEqual(stream)
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 0, pending: 0 })
  })

  test('of many creations at once exactly one wins', async () => {
    const { store } = await openStore(make)
    const incarnations = Array.from({ length: 10 }, (_, index) => `000000000000000${index}`)
    const answers = await Promise.all(
      incarnations.map((incarnation) => store.registry.create(streamOf({ incarnation }))),
    )
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1)
    expect((await store.registry.get('orders'))?.incarnation).toBe(incarnations[answers.indexOf('created')])
  })

  test('streams are listed in order of their names', async () => {
    const { store } = await openStore(make)
    expect(await store.registry.list()).toEqual([])
    const names = ['zebra', 'apple', 'mango-2', 'mango', 'Apple', 'a.b', 'a_b', '9']
    for (const [index, name] of names.entries()) {
      await store.registry.create(streamOf({ name, incarnation: `00000000000000${10 + index}` }))
    }
    expect((await store.registry.list()).map((stream) => stream.name)).toEqual(names.toSorted())
  })

  test('a definition is replaced only from the version that was read, in the same incarnation', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    const second = { ...stream, version: 2, updatedAtMs: 5 }
    expect(await store.registry.replace(second, 1)).toBe('replaced')
    expect(await store.registry.get('orders')).toEqual(second)
    expect(await store.registry.replace({ ...stream, version: 3 }, 1)).toBe('conflict')
    expect(await store.registry.replace({ ...second, version: 3, incarnation: '00000000000000ff' }, 2)).toBe(
      'gone',
    )
    expect(await store.registry.replace(streamOf({ name: 'unknown' }), 1)).toBe('gone')
    expect(await store.registry.get('orders')).toEqual(second)
  })

  test('of many replacements of one version exactly one wins', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.registry.replace({ ...stream, version: 2, updatedAtMs: index }, 1),
      ),
    )
    expect(answers.filter((answer) => answer === 'replaced')).toHaveLength(1)
  })
}

function removeSuite(make: MakeStore): void {
  test('removing a stream drops what is pending, open, sealed and quarantined, and answers the final totals', async () => {
    const stream = streamOf({ bytes: 10 })
    const { store } = await openWith(make, stream)
    await expectAppended(
      store,
      stream,
      [noiseFrame(10, 1), noiseFrame(10, 2), noiseFrame(10, 3), noiseFrame(4, 4)],
      appendIds()(),
    )
    const [first, second] = await store.buffer.sealed(stream, 5)
    if (first === undefined || second === undefined) throw new Error('nothing was sealed')
    await deliver(store, first)
    await store.buffer.quarantine(second, 'reason')
    expect(await store.registry.remove(stream)).toMatchObject({
      accepted: 4,
      delivered: 1,
      failed: 0,
      dropped: 3,
      pending: 0,
      pendingBytes: 0,
      sealedBatches: 0,
      quarantinedBatches: 0,
    })
    expect(await store.registry.remove(stream)).toBeUndefined()
    expect(await store.registry.get(stream.name)).toBeUndefined()
    expect(await store.registry.list()).toEqual([])
    expect(await store.buffer.totals(stream)).toBeUndefined()
    expect(await store.buffer.describe(second)).toBeUndefined()
    expect(await store.buffer.sealed(stream, 5)).toEqual([])
    expect(await store.buffer.due()).toEqual([])
    expect(
      await store.buffer.discard(second, {
        delivered: 1,
        failed: 0,
        dropped: 0,
        rows: 1,
        errors: {},
        objects: [],
      }),
    ).toBe(false)
  })

  test('removing another incarnation removes nothing', async () => {
    const stream = streamOf()
    const { store } = await openWith(make, stream)
    expect(await store.registry.remove({ name: 'orders', incarnation: '00000000000000ff' })).toBeUndefined()
    expect(await store.registry.get('orders')).toEqual(stream)
  })

  test('a removal that a crash stopped is gone on with', async () => {
    const stream = streamOf({ bytes: 10 })
    const opened = await openWith(make, stream)
    await expectAppended(opened.store, stream, [noiseFrame(10, 1), noiseFrame(3, 2)], appendIds()())
    const [pinned] = await opened.store.buffer.sealed(stream, 1)
    if (pinned === undefined) throw new Error('nothing was sealed')
    await opened.store.buffer.pin(pinned, planOf())
    expect(await opened.store.registry.replace({ ...stream, status: 'DELETING' }, 1)).toBe('replaced')
    await opened.reopen()
    expect(await opened.store.buffer.append(stream, [frameOf(['late'])], appendIds()())).toEqual({
      kind: 'refused',
    })
    expect(await opened.store.registry.remove(stream)).toMatchObject({ accepted: 2, dropped: 2, pending: 0 })
  })

  test('removals at the same time drop once', async () => {
    const stream = streamOf({ bytes: 10 })
    const { store } = await openWith(make, stream)
    const frames = Array.from({ length: 30 }, (_, index) => noiseFrame(10, index + 1))
    await expectAppended(store, stream, frames, appendIds()())
    const answers = await Promise.all([store.registry.remove(stream), store.registry.remove(stream)])
    const totals = answers.filter((answer) => answer !== undefined)
    expect(totals.length).toBeGreaterThanOrEqual(1)
    for (const answer of totals) expect(answer).toMatchObject({ accepted: 30, dropped: 30, pending: 0 })
  })

  test('a stream made again under its name is another one: old batches are not seen, budget is free', async () => {
    const old = streamOf({ bytes: 10 })
    const { store } = await openWith(make, old, { maxBytes: 100_000, perStreamShare: 1 })
    await expectAppended(store, old, [noiseFrame(60_000, 1)], appendIds()())
    const [oldBatch] = await store.buffer.sealed(old, 1)
    if (oldBatch === undefined) throw new Error('nothing was sealed')
    await store.registry.remove(old)
    const again = streamOf({ bytes: 10, incarnation: '00000000000000b2' })
    expect(await store.registry.create(again)).toBe('created')
    expect(await store.buffer.append(old, [frameOf(['a'])], appendIds()())).toEqual({ kind: 'refused' })
    await expectAppended(store, again, [noiseFrame(60_000, 2)], appendIds()())
    const [newBatch] = await store.buffer.sealed(again, 5)
    expect(newBatch?.batchId).not.toBe(oldBatch.batchId)
    expect(await store.buffer.sealed(old, 5)).toEqual([])
    expect(await store.buffer.describe(oldBatch)).toBeUndefined()
    expect(await store.buffer.beginAttempt(oldBatch)).toEqual({ kind: 'finished' })
    expect(await expectBalanced(store, again)).toMatchObject({ accepted: 1, pending: 1 })
  })
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

/** A batch set aside, and its way back. The ledger balances after every step. */
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
  streamOf,
  type MakeStore,
} from './fixture.ts'

export function quarantineSuite(make: MakeStore): void {
  asideSuite(make)
  releaseSuite(make)
}

function asideSuite(make: MakeStore): void {
  test('a quarantined batch is kept and readable, out of the way, pending', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.pin(batch, planOf())
    await store.buffer.quarantine(batch, 'its key holds other data')
    await store.buffer.quarantine(batch, 'said again')
    expect(await store.buffer.sealed(batch.stream, 5)).toEqual([])
    expect(await describeBatch(store, batch)).toMatchObject({
      state: 'quarantined',
      quarantineReason: 'its key holds other data',
    })
    expect(await readTexts(store, batch)).toEqual(['a', 'b', 'c'])
    expect(await expectBalanced(store, batch.stream)).toMatchObject({
      pending: 3,
      sealedBatches: 0,
      quarantinedBatches: 1,
    })
    await expect(store.buffer.discard(batch, outcomeOf(batch))).rejects.toThrow(batch.batchId)
    expect(await expectBalanced(store, batch.stream)).toMatchObject({ pending: 3, quarantinedBatches: 1 })
  })

  test('quarantine of a batch that is gone changes nothing', async () => {
    const { store, batch } = await oneBatch(make)
    await deliver(store, batch)
    await store.buffer.quarantine(batch, 'too late')
    expect(await expectBalanced(store, batch.stream)).toMatchObject({ delivered: 3, quarantinedBatches: 0 })
  })

  test('quarantined batches are listed in order, the oldest first, each as it is described', async () => {
    const stream = streamOf({ bytes: 1 })
    const { store } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a']), frameOf(['b']), frameOf(['c'])], appendIds()())
    const batches = await store.buffer.sealed(stream, 5)
    expect(await store.buffer.quarantined(stream, 5)).toEqual([])
    await store.buffer.quarantine(at(batches, 2), 'second')
    await store.buffer.quarantine(at(batches, 0), 'first')
    const listed = await store.buffer.quarantined(stream, 5)
    expect(listed.map((batch) => batch.quarantineReason)).toEqual(['first', 'second'])
    expect(listed[0]).toEqual(await describeBatch(store, at(batches, 0)))
    expect(await store.buffer.quarantined(stream, 1)).toEqual(listed.slice(0, 1))
    expect(await store.buffer.quarantined(stream, 0)).toEqual([])
    expect(await store.buffer.quarantined({ ...stream, incarnation: '00000000000000b2' }, 5)).toEqual([])
  })
}

function releaseSuite(make: MakeStore): void {
  test('a released batch that has a plan is planned again: attempts stay, deaths are forgotten', async () => {
    const opened = await oneBatch(make)
    const { store, batch } = opened
    for (let attempt = 0; attempt < 3; attempt += 1) await store.buffer.beginAttempt(batch)
    await store.buffer.pin(batch, planOf(1, 'first'))
    const before = await describeBatch(store, batch)
    expect(before).toMatchObject({ attempts: 3, deaths: 2, state: 'planned' })
    await store.buffer.quarantine(batch, 'its child process died')
    expect(await store.buffer.release(batch)).toBe(true)
    expect(await describeBatch(store, batch)).toEqual({ ...before, deaths: 0 })
    await opened.reopen()
    expect(await describeBatch(opened.store, batch)).toEqual({ ...before, deaths: 0 })
    expect(await opened.store.buffer.beginAttempt(batch)).toMatchObject({
      kind: 'begun',
      batch: { attempts: 4, deaths: 0 },
    })
    expect(await opened.store.buffer.pin(batch, planOf(1, 'second'))).toEqual({
      kind: 'pinned',
      plan: planOf(1, 'first'),
    })
    expect(await opened.store.buffer.discard(batch, outcomeOf(before))).toBe(true)
    expect(await expectBalanced(opened.store, batch.stream)).toMatchObject({
      delivered: 3,
      pending: 0,
      sealedBatches: 0,
      quarantinedBatches: 0,
    })
  })

  test('a released batch without a plan is sealed again, in its place in the order', async () => {
    const stream = streamOf({ bytes: 1 })
    const { store } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a']), frameOf(['b'])], appendIds()())
    const batches = await store.buffer.sealed(stream, 5)
    await store.buffer.quarantine(at(batches, 0), 'a frame is damaged')
    expect(await store.buffer.sealed(stream, 5)).toEqual([batches[1]])
    expect(await store.buffer.release(at(batches, 0))).toBe(true)
    expect(await store.buffer.sealed(stream, 5)).toEqual(batches)
    expect(await store.buffer.quarantined(stream, 5)).toEqual([])
    const released = await describeBatch(store, at(batches, 0))
    expect(released.state).toBe('sealed')
    expect(released).not.toHaveProperty('quarantineReason')
    expect(await expectBalanced(store, stream)).toMatchObject({
      pending: 2,
      sealedBatches: 2,
      quarantinedBatches: 0,
    })
    await deliver(store, released)
    await expectBalanced(store, stream)
  })

  test('of many releases at once exactly one says that it released', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.quarantine(batch, 'reason')
    const answers = await Promise.all(Array.from({ length: 10 }, () => store.buffer.release(batch)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await expectBalanced(store, batch.stream)).toMatchObject({
      sealedBatches: 1,
      quarantinedBatches: 0,
    })
  })

  test('release changes nothing of a batch that is not quarantined, or gone', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.beginAttempt(batch)
    await store.buffer.beginAttempt(batch)
    const before = await describeBatch(store, batch)
    expect(await store.buffer.release(batch)).toBe(false)
    expect(await describeBatch(store, batch)).toEqual(before)
    await deliver(store, batch)
    expect(await store.buffer.release(batch)).toBe(false)
    expect(await store.buffer.describe(batch)).toBeUndefined()
    expect(await expectBalanced(store, batch.stream)).toMatchObject({ delivered: 3, sealedBatches: 0 })
  })

  test('a released batch may be quarantined again, with the new reason', async () => {
    const { store, batch } = await oneBatch(make)
    await store.buffer.quarantine(batch, 'first')
    await store.buffer.release(batch)
    await store.buffer.quarantine(batch, 'second')
    expect(await store.buffer.quarantined(batch.stream, 5)).toMatchObject([{ quarantineReason: 'second' }])
    expect(await store.buffer.sealed(batch.stream, 5)).toEqual([])
    expect(await expectBalanced(store, batch.stream)).toMatchObject({
      sealedBatches: 0,
      quarantinedBatches: 1,
    })
    expect(await store.buffer.release(batch)).toBe(true)
  })
}

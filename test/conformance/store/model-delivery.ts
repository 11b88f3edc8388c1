/** What a worker may do to one batch of the model, on its way out. */
import { expect } from 'vitest'
import type { BatchRef } from '../../../src/domain/batch.ts'
import type { Store } from '../../../src/domain/ports.ts'
import { frameOf, outcomeOf, planOf, readTexts } from './fixture.ts'
import { each, FramesByHand } from './frames-by-hand.ts'

export interface ModelBatch {
  readonly records: string[]
  ref: BatchRef | undefined
  state: 'open' | 'sealed' | 'planned' | 'quarantined'
  planned: boolean
  attempts: number
  deaths: number
  attemptOpen: boolean
  /** Records of its whole derivation. */
  derived?: string[]
}

export type DeliveryStep =
  | 'attempt'
  | 'end'
  | 'pin'
  | 'discard'
  | 'quarantine'
  | 'release'
  | 'read'
  | 'derive'
  /** A derivation whose frames fail. */
  | 'deriveCut'
  /** A derivation that never goes on. */
  | 'deriveLeft'

/** Answers true when the batch was discarded. */
export async function deliverStep(store: Store, kind: DeliveryStep, batch: ModelBatch): Promise<boolean> {
  const { buffer } = store
  const ref = batch.ref
  if (ref === undefined) throw new Error('a sealed batch was never listed')
  if (kind === 'discard') return discard(store, batch, ref)
  if (kind === 'read') await read(store, batch, ref)
  else if (kind === 'derive' || kind === 'deriveCut' || kind === 'deriveLeft')
    await derive(store, batch, ref, kind)
  else if (kind === 'attempt') await attempt(store, batch, ref)
  else if (kind === 'end') {
    await buffer.endAttempt(ref)
    batch.attemptOpen = false
  } else if (kind === 'pin') {
    const answer = await buffer.pin(ref, planOf())
    expect(answer.kind).toBe(batch.state === 'quarantined' ? 'finished' : 'pinned')
    if (batch.state === 'sealed') {
      batch.state = 'planned'
      batch.planned = true
    }
  } else if (kind === 'quarantine') {
    await buffer.quarantine(ref, 'reason')
    batch.state = 'quarantined'
    batch.attemptOpen = false
  } else await release(store, batch, ref)
  return false
}

async function read(store: Store, batch: ModelBatch, ref: BatchRef): Promise<void> {
  expect(await readTexts(store, ref)).toEqual(batch.records)
  const derived: string[] = []
  const reading = async (): Promise<void> => {
    for await (const frame of store.buffer.readDerived(ref, new AbortController().signal))
      for (const record of frame.recordViews()) derived.push(record.toString())
  }
  if (batch.derived === undefined) await expect(reading()).rejects.toThrow('there are none')
  else {
    await reading()
    expect(derived).toEqual(batch.derived)
  }
}

async function derive(
  store: Store,
  batch: ModelBatch,
  ref: BatchRef,
  kind: 'derive' | 'deriveCut' | 'deriveLeft',
): Promise<void> {
  const { signal } = new AbortController()
  const made = batch.records.map((record) => `made of ${record} in attempt ${batch.attempts}`)
  // Two steps: more frames than one takes, the first of them of nothing.
  const frames = [
    ...Array.from({ length: 512 }, () => frameOf([])),
    ...made.map((record) => frameOf([record])),
  ]
  const byHand = new FramesByHand()
  const deriving = store.buffer.derive(ref, kind === 'derive' ? each(frames) : byHand, signal)
  if (batch.derived !== undefined) return expect(deriving).resolves.toBeUndefined()
  if (batch.state !== 'planned') return expect(deriving).rejects.toThrow(ref.batchId)
  deriving.catch(() => undefined)
  if (kind === 'derive') {
    await deriving
    batch.derived = made
    return
  }
  await byHand.give(...frames)
  if (kind === 'deriveLeft') return
  await byHand.fail(new Error('cut'))
  await expect(deriving).rejects.toThrow('cut')
}

async function release(store: Store, batch: ModelBatch, ref: BatchRef): Promise<void> {
  const quarantined = batch.state === 'quarantined'
  expect(await store.buffer.release(ref)).toBe(quarantined)
  if (!quarantined) return
  batch.state = batch.planned ? 'planned' : 'sealed'
  batch.deaths = 0
}

async function attempt(store: Store, batch: ModelBatch, ref: BatchRef): Promise<void> {
  const answer = await store.buffer.beginAttempt(ref)
  if (batch.state === 'quarantined') {
    expect(answer).toEqual({ kind: 'finished' })
    return
  }
  batch.attempts += 1
  if (batch.attemptOpen) batch.deaths += 1
  batch.attemptOpen = true
  const { attempts, deaths } = batch
  expect(answer).toMatchObject({
    kind: 'begun',
    batch: { attempts, deaths, records: batch.records.length },
  })
}

async function discard(store: Store, batch: ModelBatch, ref: BatchRef): Promise<boolean> {
  const described = await store.buffer.describe(ref)
  if (described === undefined) throw new Error(`describe ${ref.batchId}: gone`)
  expect(described).toMatchObject({ state: batch.state, records: batch.records.length })
  expect(described.isDerived).toBe(batch.derived === undefined ? undefined : true)
  const discarding = store.buffer.discard(ref, outcomeOf(described))
  if (batch.state !== 'planned') {
    await expect(discarding).rejects.toThrow(ref.batchId)
    return false
  }
  expect(await discarding).toBe(true)
  expect(await store.buffer.discard(ref, outcomeOf(described))).toBe(false)
  return true
}

/** What a worker may do to one batch of the model, on its way out. */
import { expect } from 'vitest'
import type { BatchRef } from '../../../src/domain/batch.ts'
import type { Store } from '../../../src/domain/ports.ts'
import { outcomeOf, planOf, readTexts } from './fixture.ts'

export interface ModelBatch {
  readonly records: string[]
  ref: BatchRef | undefined
  state: 'open' | 'sealed' | 'planned' | 'quarantined'
  planned: boolean
  attempts: number
  deaths: number
  attemptOpen: boolean
}

export type DeliveryStep = 'attempt' | 'end' | 'pin' | 'discard' | 'quarantine' | 'release' | 'read'

/** Answers true when the batch was discarded. */
export async function deliverStep(store: Store, kind: DeliveryStep, batch: ModelBatch): Promise<boolean> {
  const { buffer } = store
  const ref = batch.ref
  if (ref === undefined) throw new Error('a sealed batch was never listed')
  if (kind === 'discard') return discard(store, batch, ref)
  if (kind === 'read') expect(await readTexts(store, ref)).toEqual(batch.records)
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
  const discarding = store.buffer.discard(ref, outcomeOf(described))
  if (batch.state !== 'planned') {
    await expect(discarding).rejects.toThrow(ref.batchId)
    return false
  }
  expect(await discarding).toBe(true)
  expect(await store.buffer.discard(ref, outcomeOf(described))).toBe(false)
  return true
}

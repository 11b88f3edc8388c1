/**
 * Random sequences of everything a process may do to one delivery stream, against a small model in memory. After each step
 * the ledger balances and equals the model's.
 */
import { array, assert, asyncProperty } from 'fast-check'
import { expect, test } from 'vitest'
import type { BatchRef } from '../../../src/domain/batch.ts'
import type { Appended } from '../../../src/domain/ports.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  expectBalanced,
  frameOf,
  outcomeOf,
  planOf,
  readTexts,
  streamOf,
  type MakeStore,
  type StoreUnderTest,
} from './fixture.ts'
import { INTERVAL_MS, step, type Step } from './model-step.ts'

const SIZE_BYTES = 40

interface ModelBatch {
  readonly records: string[]
  ref: BatchRef | undefined
  state: 'open' | 'sealed' | 'planned' | 'quarantined'
  planned: boolean
  attempts: number
  deaths: number
  attemptOpen: boolean
}

export function modelSuite(make: MakeStore): void {
  test('any sequence of steps keeps every record and balances the ledger', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const clock = new FakeClock()
        const under = await make({ clock })
        try {
          const run = new ModelRun(under, clock)
          await run.start()
          for (const next of steps) {
            await run.take(next)
            await run.expectEqual()
          }
          await run.drain()
        } finally {
          await under.close()
        }
      }),
      { numRuns: 50 },
    )
  })
}

class ModelRun {
  readonly stream = streamOf({ bytes: SIZE_BYTES, intervalMs: INTERVAL_MS })
  readonly #under: StoreUnderTest
  readonly #clock: FakeClock
  #store
  #batches: ModelBatch[] = []
  #openedAtMs = 0
  #appends = 0
  #records = 0
  #delivered = 0
  #last: { frames: string[]; answer: Appended } | undefined

  constructor(under: StoreUnderTest, clock: FakeClock) {
    this.#under = under
    this.#clock = clock
    this.#store = under.store
  }

  async start(): Promise<void> {
    expect(await this.#store.registry.create(this.stream)).toBe('created')
  }

  async take(next: Step): Promise<void> {
    switch (next.kind) {
      case 'append':
        return this.#append(next.frames)
      case 'repeat':
        return this.#repeat()
      case 'advance':
        return this.#clock.advance(next.ms)
      case 'seal':
        return this.#seal()
      case 'reopen':
        this.#store = await this.#under.reopen()
        return undefined
      case 'attempt':
      case 'end':
      case 'pin':
      case 'discard':
      case 'quarantine':
      case 'release':
      case 'read': {
        const candidates = this.#batches.filter((batch) => batch.state !== 'open')
        const batch = candidates[next.pick % Math.max(1, candidates.length)]
        return batch === undefined ? undefined : this.#deliver(next.kind, batch)
      }
    }
  }

  get #open(): ModelBatch | undefined {
    return this.#batches.find((batch) => batch.state === 'open')
  }

  async #append(lengths: readonly number[]): Promise<void> {
    const frames = lengths.map((length) => `${(this.#records += 1)}:`.padEnd(length, '.'))
    let sealed = 0
    for (const record of frames) {
      let open = this.#open
      if (open === undefined) {
        open = {
          records: [],
          ref: undefined,
          state: 'open',
          planned: false,
          attempts: 0,
          deaths: 0,
          attemptOpen: false,
        }
        this.#openedAtMs = this.#clock.now()
        this.#batches.push(open)
      }
      open.records.push(record)
      if (open.records.join('').length >= SIZE_BYTES) {
        open.state = 'sealed'
        sealed += 1
      }
    }
    this.#appends += 1
    const id = { epoch: 'model', sequence: this.#appends }
    const answer = await this.#store.buffer.append(
      this.stream,
      frames.map((record) => frameOf([record])),
      id,
    )
    expect(answer).toMatchObject({ kind: 'appended', sealed })
    this.#last = { frames, answer }
    await this.#learnRefs()
  }

  async #repeat(): Promise<void> {
    if (this.#last === undefined) return
    const id = { epoch: 'model', sequence: this.#appends }
    const frames = this.#last.frames.map((record) => frameOf([record]))
    expect(await this.#store.buffer.append(this.stream, frames, id)).toEqual(this.#last.answer)
  }

  async #seal(): Promise<void> {
    const answer = await this.#store.buffer.sealDue(this.stream)
    const open = this.#open
    if (open === undefined) expect(answer).toEqual({ kind: 'empty' })
    else if (this.#clock.now() - this.#openedAtMs < INTERVAL_MS) expect(answer.kind).toBe('waiting')
    else {
      if (answer.kind !== 'sealed') throw new Error(`seal: ${answer.kind}`)
      open.state = 'sealed'
      open.ref = answer.batch
    }
  }

  /** The store lists sealed batches in the model's order. */
  async #learnRefs(): Promise<void> {
    const refs = await this.#store.buffer.sealed(this.stream, 1000)
    const listed = this.#batches.filter((batch) => batch.state === 'sealed' || batch.state === 'planned')
    expect(refs).toHaveLength(listed.length)
    for (const [index, batch] of listed.entries()) {
      batch.ref ??= refs[index]
      expect(refs[index]).toEqual(batch.ref)
    }
    const aside = this.#batches.filter((batch) => batch.state === 'quarantined')
    const quarantined = await this.#store.buffer.quarantined(this.stream, 1000)
    expect(quarantined.map((batch) => batch.batchId)).toEqual(aside.map((batch) => batch.ref?.batchId))
  }

  async #deliver(
    kind: 'attempt' | 'end' | 'pin' | 'discard' | 'quarantine' | 'release' | 'read',
    batch: ModelBatch,
  ): Promise<void> {
    const { buffer } = this.#store
    const ref = batch.ref
    if (ref === undefined) throw new Error('a sealed batch was never listed')
    if (kind === 'read') expect(await readTexts(this.#store, ref)).toEqual(batch.records)
    else if (kind === 'attempt') await this.#attempt(batch, ref)
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
    } else if (kind === 'release') await this.#release(batch, ref)
    else await this.#discard(batch, ref)
  }

  async #release(batch: ModelBatch, ref: BatchRef): Promise<void> {
    const quarantined = batch.state === 'quarantined'
    expect(await this.#store.buffer.release(ref)).toBe(quarantined)
    if (!quarantined) return
    batch.state = batch.planned ? 'planned' : 'sealed'
    batch.deaths = 0
  }

  async #attempt(batch: ModelBatch, ref: BatchRef): Promise<void> {
    const answer = await this.#store.buffer.beginAttempt(ref)
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

  async #discard(batch: ModelBatch, ref: BatchRef): Promise<void> {
    const described = await this.#store.buffer.describe(ref)
    if (described === undefined) throw new Error(`describe ${ref.batchId}: gone`)
    expect(described).toMatchObject({ state: batch.state, records: batch.records.length })
    const discard = this.#store.buffer.discard(ref, outcomeOf(described))
    if (batch.state !== 'planned') {
      await expect(discard).rejects.toThrow(ref.batchId)
      return
    }
    expect(await discard).toBe(true)
    this.#delivered += batch.records.length
    this.#batches = this.#batches.filter((other) => other !== batch)
    expect(await this.#store.buffer.discard(ref, outcomeOf(described))).toBe(false)
  }

  async expectEqual(): Promise<void> {
    const totals = await expectBalanced(this.#store, this.stream)
    const count = (...states: string[]): number =>
      this.#batches.filter((batch) => states.includes(batch.state)).length
    expect(totals).toMatchObject({
      accepted: this.#records,
      delivered: this.#delivered,
      failed: 0,
      dropped: 0,
      pendingBytes: this.#batches.flatMap((batch) => batch.records).join('').length,
      sealedBatches: count('sealed', 'planned'),
      quarantinedBatches: count('quarantined'),
    })
    await this.#learnRefs()
  }

  /** Everything that is left is still there, byte by byte. */
  async drain(): Promise<void> {
    await this.#clock.advance(INTERVAL_MS)
    await this.#seal()
    await this.expectEqual()
    for (const batch of this.#batches) {
      if (batch.ref === undefined) throw new Error('a sealed batch was never listed')
      expect(await readTexts(this.#store, batch.ref)).toEqual(batch.records)
    }
  }
}

/**
 * Random sequences of everything a process may do to one delivery stream and the shard that feeds it, against a small model in memory. After each step
 * the ledger balances and equals the model's.
 */
import { array, assert, asyncProperty } from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame } from '../../../src/domain/frame.ts'
import { MIB } from '../../../src/domain/limits.ts'
import type { Appended } from '../../../src/domain/ports.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  expectBalanced,
  frameOf,
  noiseFrame,
  readTexts,
  streamOf,
  type MakeStore,
  type StoreUnderTest,
} from './fixture.ts'
import { deliverStep, type DeliveryStep, type ModelBatch } from './model-delivery.ts'
import { ModelShard } from './model-shard.ts'
import { INTERVAL_MS, step, type ShardPlace, type Step } from './model-step.ts'

const SIZE_BYTES = 40
/** More than all steps of a run hold. */
const BUDGET_BYTES = 16 * MIB

export function modelSuite(make: MakeStore): void {
  test('any sequence of steps keeps every record and balances the ledger', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const clock = new FakeClock()
        const under = await make({ clock, maxBytes: BUDGET_BYTES, perStreamShare: 1 })
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

function framesOf(records: readonly string[]): Frame[] {
  return records.map((record) => frameOf([record]))
}

class ModelRun {
  readonly stream = streamOf({ bytes: SIZE_BYTES, intervalMs: INTERVAL_MS })
  readonly #under: StoreUnderTest
  readonly #clock: FakeClock
  readonly #shard: ModelShard
  #store
  #batches: ModelBatch[] = []
  #openedAtMs = 0
  #appends = 0
  #drawn = 0
  #records = 0
  #delivered = 0
  #last: { records: string[]; answer: Appended } | undefined

  constructor(under: StoreUnderTest, clock: FakeClock) {
    this.#under = under
    this.#clock = clock
    this.#shard = new ModelShard(this.stream, clock)
    this.#store = under.store
  }

  async start(): Promise<void> {
    expect(await this.#store.registry.create(this.stream)).toBe('created')
    await this.#shard.start(this.#store)
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
        this.#shard.forgetLease()
        return undefined
      case 'shardAppend':
        return this.#appendFromShard(next.frames, next.place)
      case 'shardAcquire':
        return this.#shard.acquire(this.#store)
      case 'shardEnd':
        return this.#shard.end(this.#store, next.place)
      case 'attempt':
      case 'end':
      case 'pin':
      case 'discard':
      case 'quarantine':
      case 'release':
      case 'read':
      case 'derive':
      case 'deriveCut':
      case 'deriveLeft': {
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
    const records = this.#draw(lengths)
    this.#appends += 1
    const id = { epoch: 'model', sequence: this.#appends }
    const answer = await this.#store.buffer.append(this.stream, framesOf(records), id)
    expect(answer).toMatchObject({ kind: 'appended', sealed: this.#take(records) })
    this.#last = { records, answer }
    await this.#learnRefs()
  }

  async #appendFromShard(lengths: readonly number[], place: ShardPlace): Promise<void> {
    const records = this.#draw(lengths)
    const answer = await this.#shard.append(this.#store, framesOf(records), place)
    if (answer.kind !== 'appended') return
    expect(answer.sealed).toBe(this.#take(records))
    await this.#learnRefs()
  }

  /** Records that are told apart. */
  #draw(lengths: readonly number[]): string[] {
    return lengths.map((length) => `${(this.#drawn += 1)}:`.padEnd(length, '.'))
  }

  /** Puts records where the store must have put them; answers how many batches that sealed. */
  #take(records: readonly string[]): number {
    let sealed = 0
    for (const record of records) {
      this.#records += 1
      const open = this.#open ?? this.#openBatch()
      open.records.push(record)
      if (open.records.join('').length < SIZE_BYTES) continue
      open.state = 'sealed'
      sealed += 1
    }
    return sealed
  }

  #openBatch(): ModelBatch {
    const counts = { planned: false, attempts: 0, deaths: 0, attemptOpen: false }
    const opened: ModelBatch = { records: [], ref: undefined, state: 'open', ...counts }
    this.#openedAtMs = this.#clock.now()
    this.#batches.push(opened)
    return opened
  }

  async #repeat(): Promise<void> {
    if (this.#last === undefined) return
    const id = { epoch: 'model', sequence: this.#appends }
    const frames = framesOf(this.#last.records)
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

  async #deliver(kind: DeliveryStep, batch: ModelBatch): Promise<void> {
    if (!(await deliverStep(this.#store, kind, batch))) return
    this.#delivered += batch.records.length
    this.#batches = this.#batches.filter((other) => other !== batch)
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
    await this.#shard.expectEqual(this.#store)
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
    await this.#deliverRest()
  }

  /** Then nothing is held: frames, derived ones too, are gone, and the budget has room for one that takes all of it. */
  async #deliverRest(): Promise<void> {
    for (const batch of this.#batches) {
      if (batch.state === 'quarantined') await this.#deliver('release', batch)
      if (batch.state === 'sealed') await this.#deliver('pin', batch)
      await this.#deliver('discard', batch)
    }
    await this.expectEqual()
    if (this.#under.storedFrames !== undefined) expect(await this.#under.storedFrames()).toBe(0)
    const id = { epoch: 'model', sequence: this.#appends + 1 }
    const whole = noiseFrame(BUDGET_BYTES - 100)
    expect(await this.#store.buffer.append(this.stream, [whole], id)).toMatchObject({ kind: 'appended' })
  }
}

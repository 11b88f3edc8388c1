/** What a transform made of a batch, in LMDB. Its bytes are among those that the store holds for the batch. */
import { batchSequence, type BatchRef } from '../../domain/batch.ts'
import type { Frame } from '../../domain/frame.ts'
import { keepDerived, type DerivationStep, type NotTaken } from '../derivation.ts'
import type { LmdbDatabase } from './database.ts'
import { findBatch, putBatch, type FoundBatch } from './found-batch.ts'
import type { StoredDerivation } from './layout.ts'
import type { Purge } from './purge.ts'

export class LmdbDerivations {
  readonly #db: LmdbDatabase
  readonly #purge: Purge

  constructor(db: LmdbDatabase, purge: Purge) {
    this.#db = db
    this.#purge = purge
  }

  derive(batch: BatchRef, frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<void> {
    const doing = `derive batch ${batch.batchId}`
    return keepDerived<number>(doing, frames, signal, {
      begin: () => this.#db.write(doing, () => this.#begin(batch)),
      take: async (number, step) => {
        const answer = await this.#db.write(doing, () => this.#take(batch, number, step))
        this.#purge.start()
        return answer
      },
      abandon: async (number) => {
        await this.#db.write(doing, () => this.#abandon(batch, number))
        this.#purge.start()
      },
    })
  }

  /** Removes what is not whole from a batch and its stream, which the caller writes. Only inside a `write`. */
  leave({ stream }: BatchRef, { state, batch }: FoundBatch): void {
    const left = batch.derivation
    if (left === undefined || left.isWhole === true) return
    batch.storedBytes -= left.storedBytes
    delete batch.derivation
    this.#purge.takeOutDerived([stream.incarnation, batchSequence(batch.batchId), left.number], state, left)
  }

  #begin(batch: BatchRef): { kind: 'begun'; id: number } | { kind: NotTaken } {
    const found = this.#find(batch)
    if (typeof found === 'string') return { kind: found }
    const number = (found.batch.derivations ?? 0) + 1
    putBatch(this.#db, batch, { ...found.batch, derivations: number })
    return { kind: 'begun', id: number }
  }

  #take(batch: BatchRef, number: number, { before, packed, isLast }: DerivationStep): 'taken' | NotTaken {
    const found = this.#find(batch)
    if (typeof found === 'string') return found
    const { state, batch: stored } = found
    const running = stored.derivation?.number ?? 0
    if (running > number || (running < number && before > 0)) return 'overtaken'
    if (running < number) this.leave(batch, found)
    const derivation: StoredDerivation = stored.derivation ?? { number, frames: 0, storedBytes: 0 }
    if (derivation.frames !== before) return 'overtaken'
    const bytes = packed.reduce((sum, frame) => sum + frame.length, 0)
    const { incarnation } = batch.stream
    const sequence = batchSequence(batch.batchId)
    for (const [index, frame] of packed.entries())
      void this.#db.derived.put([incarnation, sequence, number, before + index], frame)
    derivation.frames += packed.length
    derivation.storedBytes += bytes
    if (isLast) derivation.isWhole = true
    putBatch(this.#db, batch, { ...stored, storedBytes: stored.storedBytes + bytes, derivation })
    void this.#db.states.put(incarnation, { ...state, storedBytes: state.storedBytes + bytes })
    const { totals } = this.#db
    this.#db.putTotals({ ...totals, storedBytes: totals.storedBytes + bytes })
    return isLast ? 'kept' : 'taken'
  }

  #abandon(batch: BatchRef, number: number): void {
    const found = findBatch(this.#db, batch)
    if (found?.batch.derivation?.number !== number) return
    this.leave(batch, found)
    putBatch(this.#db, batch, found.batch)
    void this.#db.states.put(batch.stream.incarnation, found.state)
  }

  /** A batch of which a derivation may be taken, or why none may. */
  #find(batch: BatchRef): FoundBatch | NotTaken {
    const found = findBatch(this.#db, batch)
    if (found === undefined || this.#db.streams.get(batch.stream.name)?.status === 'DELETING') return 'gone'
    if (found.batch.derivation?.isWhole === true) return 'kept'
    if (found.batch.state === 'quarantined') return 'quarantined'
    return found.batch.plan === undefined ? 'unplanned' : found
  }
}

/**
 * Frames of batches and derivations that are gone. Their bytes leave the budget at once; the frames themselves are removed in the
 * background, a slice a transaction, because a batch may have a million small ones. What a crash leaves is gone on with.
 */
import { batchSequence } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { LmdbDatabase, PurgeKey } from './database.ts'
import type { OpenBatch, StoredDerivation, StreamState } from './layout.ts'

const SLICE_FRAMES = 512

export class Purge {
  readonly #db: LmdbDatabase
  #running: Promise<void> | undefined
  #stopped = false
  #failure: unknown

  constructor(db: LmdbDatabase) {
    this.#db = db
  }

  /** Takes a batch out of `state` and the budget and leaves its frames to be removed. Only inside a `write`. */
  takeOut(stream: StreamRef, state: StreamState, batch: OpenBatch): void {
    state.pending -= batch.records
    state.pendingBytes -= batch.bytes
    this.#takeOut([stream.incarnation, batchSequence(batch.batchId)], state, batch.storedBytes)
  }

  /** The same of a derivation; its batch stays. Only inside a `write`. */
  takeOutDerived(key: PurgeKey, state: StreamState, { storedBytes }: StoredDerivation): void {
    this.#takeOut(key, state, storedBytes)
  }

  #takeOut(key: PurgeKey, state: StreamState, bytes: number): void {
    state.storedBytes -= bytes
    const totals = this.#db.totals
    this.#db.putTotals({ ...totals, storedBytes: totals.storedBytes - bytes })
    void this.#db.purges.put(key, 1)
  }

  /** The error that stopped the last run, if it was one. The next discard starts another. */
  get failure(): unknown {
    return this.#failure
  }

  start(): void {
    if (this.#stopped || this.#running !== undefined) return
    this.#running = this.#run().then(
      () => {
        this.#running = undefined
        this.#failure = undefined
      },
      (error: unknown) => {
        this.#running = undefined
        this.#failure = error
      },
    )
  }

  /** Resolves when nothing is left to remove, or after a failure. */
  async finished(): Promise<void> {
    await this.#running
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const [next] = this.#db.purges.getKeys({ limit: 1 })
      if (next === undefined) return
      if (await this.#removeSlice(next)) continue
      await this.#db.write(`remove frames of ${next[0]}`, () => void this.#db.purges.remove(next))
    }
  }

  /** False when nothing was left to remove. */
  async #removeSlice([incarnation, sequence, derivation]: PurgeKey): Promise<boolean> {
    const { frames, derived } = this.#db
    const what = `remove frames of ${incarnation}`
    const [first, last] = derivation === undefined ? [0, Number.MAX_VALUE] : [derivation, derivation]
    if (derivation === undefined) {
      const start: [string, number, number] = [incarnation, sequence, 0]
      const end: typeof start = [incarnation, sequence, Number.MAX_VALUE]
      const keys = [...frames.getKeys({ start, end, limit: SLICE_FRAMES })]
      if (keys.length > 0) return this.#db.removeFrames(what, frames, keys)
    }
    const start: [string, number, number, number] = [incarnation, sequence, first, 0]
    const end: typeof start = [incarnation, sequence, last, Number.MAX_VALUE]
    const keys = [...derived.getKeys({ start, end, limit: SLICE_FRAMES })]
    return keys.length > 0 && this.#db.removeFrames(what, derived, keys)
  }
}

/**
 * Frames of batches that are gone. Their bytes leave the budget with the batch; the frames themselves are removed in the
 * background, a slice a transaction, because a batch may have a million small ones. What a crash leaves is gone on with.
 */
import { batchSequence } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { LmdbDatabase } from './database.ts'
import type { OpenBatch, StreamState } from './layout.ts'

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
    state.storedBytes -= batch.storedBytes
    const totals = this.#db.totals
    this.#db.putTotals({ ...totals, storedBytes: totals.storedBytes - batch.storedBytes })
    void this.#db.purges.put([stream.incarnation, batchSequence(batch.batchId)], 1)
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
      const [incarnation, sequence] = next
      const start: [string, number, number] = [incarnation, sequence, 0]
      const end: [string, number, number] = [incarnation, sequence, Number.MAX_VALUE]
      const keys = [...this.#db.frames.getKeys({ start, end, limit: SLICE_FRAMES })]
      if (keys.length > 0) await this.#db.removeFrames(`remove frames of ${incarnation}`, keys)
      else await this.#db.write(`remove frames of ${incarnation}`, () => void this.#db.purges.remove(next))
    }
  }
}

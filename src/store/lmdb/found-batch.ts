/** A sealed batch of a stream that is there. */
import { batchSequence, type BatchRef } from '../../domain/batch.ts'
import type { LmdbDatabase } from './database.ts'
import type { StoredBatch, StreamState } from './layout.ts'

/** As it was read: whoever changes it writes it. */
export interface FoundBatch {
  readonly state: StreamState
  readonly batch: StoredBatch
}

export function findBatch(db: LmdbDatabase, { stream, batchId }: BatchRef): FoundBatch | undefined {
  const batch = db.batches.get([stream.incarnation, batchSequence(batchId)])
  const state = db.states.get(stream.incarnation)
  return batch?.batchId === batchId && state?.name === stream.name ? { state, batch } : undefined
}

/** Only inside a `write`. */
export function putBatch(db: LmdbDatabase, { stream }: BatchRef, batch: StoredBatch): void {
  void db.batches.put([stream.incarnation, batchSequence(batch.batchId)], batch)
}

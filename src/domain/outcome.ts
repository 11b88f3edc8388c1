/**
 * What became of a batch, in source records (G3): a record is failed if any part of it is in the error prefix, delivered
 * if all its rows landed, dropped if it yields nothing. Rows are counted beside.
 */
import type { StreamRef } from './delivery-stream.ts'

export interface Outcome {
  readonly delivered: number
  readonly failed: number
  readonly dropped: number
  readonly rows: number
  /**
   * Failed records by error code; their sum is `failed`. Of a source record that was made into several, the code of the
   * first that failed: how many lines there are is said by the objects of errors.
   */
  readonly errors: Readonly<Record<string, number>>
  readonly objects: readonly DeliveredObject[]
  /** Objects that a journal entry has no room for; absent: none. */
  readonly objectsLeftOut?: number
}

export interface DeliveredObject {
  readonly bucket: string
  readonly key: string
  readonly bytes: number
  /** Rows in a data object, error lines in an error object, records in an object of the backup. */
  readonly rows: number
  /** `backup`: the records as they came (S3BackupMode), each of them besides what became of it. */
  readonly kind: 'data' | 'error' | 'backup'
}

/** Kept for a while after a batch is gone, so that every record id leads to its objects. */
export interface JournalEntry {
  readonly stream: StreamRef
  readonly batchId: string
  readonly firstAppend: number
  readonly lastAppend: number
  readonly records: number
  readonly bytes: number
  readonly oldestArrivalMs: number
  readonly sealedAtMs: number
  readonly discardedAtMs: number
  readonly outcome: Outcome
}

/** The ledger of one incarnation. Always: accepted = delivered + failed + dropped + pending. */
export interface Totals {
  readonly accepted: number
  readonly delivered: number
  readonly failed: number
  readonly dropped: number
  /** Records in the open, sealed and quarantined batches, counted on their own, not derived from the others. */
  readonly pending: number
  readonly rows: number
  readonly acceptedBytes: number
  readonly pendingBytes: number
  readonly sealedBatches: number
  readonly quarantinedBatches: number
  /** Age of the oldest pending batch by the store's own clock, since its first record; undefined when nothing is pending. */
  readonly oldestPendingAgeMs: number | undefined
}

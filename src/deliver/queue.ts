/**
 * What hands sealed batches to delivery. A job is a pointer; the buffer is the truth. Two queues serve this port: BullMQ
 * for many processes, a local one for one.
 */
import type { BatchRef } from '../domain/batch.ts'

export type DeliveryResult =
  /** The batch is gone, by this delivery or another, or is set aside. */
  { readonly kind: 'finished' } | { readonly kind: 'retry'; readonly afterMs: number }

/** Delivers one batch. Never rejects for reasons of the batch or its destination. */
export type Deliver = (batch: BatchRef, signal: AbortSignal) => Promise<DeliveryResult>

export interface DeliveryQueue {
  /** Adds a job unless the batch has one. */
  add(batch: BatchRef): Promise<void>
  /** Begins to run jobs in this process. */
  start(deliver: Deliver): Promise<void>
  /** Takes no more jobs; lets running ones end for `limitMs`, then aborts them and waits for their end. */
  stop(limitMs: number): Promise<void>
}

/** Names a batch's job. Holds no ':' and is not all digits, as BullMQ asks. */
export function jobId({ stream, batchId }: BatchRef): string {
  return `${stream.name}.${stream.incarnation}.${batchId}`
}

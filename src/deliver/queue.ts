/**
 * What hands sealed batches to delivery. A job is a pointer; the buffer is the truth. Two queues serve this port: BullMQ
 * for many processes, a local one for one.
 */
import type { BatchRef } from '../domain/batch.ts'

export type DeliveryResult =
  /** The batch is gone, by this delivery or another, or is set aside. */
  { readonly kind: 'finished' } | { readonly kind: 'retry'; readonly afterMs: number }

/**
 * Runs what waits for somebody else's program, while the attempt's place is lent to another batch. Resolves with what it
 * gave once the attempt has a place again; rejects as it rejected, at once, or when `signal` aborts: then the attempt has
 * none any more, and ends.
 */
export type Lend = <T>(run: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) => Promise<T>

/** Lends nothing. */
export const keepPlace: Lend = (run, signal) => run(signal)

/** Delivers one batch. Never rejects for reasons of the batch or its destination. @param lend default: the place is kept */
export type Deliver = (batch: BatchRef, signal: AbortSignal, lend?: Lend) => Promise<DeliveryResult>

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

/**
 * What follows a failed attempt. Retries never end: what is not delivered is kept, and an operator is told. Only two things
 * set a batch aside: its key holds other data, or it killed a process that had nothing else to do than to process or convert it.
 */
import { DestinationError, EncoderError, FrameError } from '../domain/errors.ts'
import { backoffMs } from '../runtime/backoff.ts'
import { CHILD_DIED } from '../runtime/child-task.ts'

export type Verdict =
  | { readonly kind: 'retry'; readonly afterMs: number }
  | { readonly kind: 'quarantine'; readonly reason: string }

/** Attempts of one batch grow apart up to a minute. */
const RETRY = { firstMs: 500, capMs: 60_000 }
/** A batch that a newer version wrote waits for a newer process. */
const NEWER_RETRY_MS = 30_000
/** After this many deaths a batch is processed and converted alone, in processes of its own. */
export const DEATHS_BEFORE_CAREFUL = 2

/** @param attempt counts from 1 @param random in [0, 1) */
export function verdictOn(error: unknown, attempt: number, random: number): Verdict {
  if (error instanceof DestinationError && !error.retryable)
    return { kind: 'quarantine', reason: error.message }
  if (error instanceof EncoderError && error.code === CHILD_DIED)
    return { kind: 'quarantine', reason: error.message }
  if (error instanceof FrameError) {
    return error.newer
      ? { kind: 'retry', afterMs: NEWER_RETRY_MS }
      : { kind: 'quarantine', reason: error.message }
  }
  return { kind: 'retry', afterMs: backoffMs(RETRY, attempt, random) }
}

/** How long something may take: a signal that comes when the time is over, by the monotonic clock, or with another signal. */
import type { Clock } from '../domain/ports.ts'

export interface Deadline {
  readonly signal: AbortSignal
  /** Lets go of the clock: the time does not matter any more. */
  end(): void
}

/** @param late the reason of the signal when the time is over */
export function startDeadline(
  clock: Pick<Clock, 'sleep'>,
  afterMs: number,
  { signal, late }: { readonly signal: AbortSignal; readonly late: () => Error },
): Deadline {
  const over = new AbortController()
  const ended = new AbortController()
  void clock.sleep(afterMs, ended.signal).then(() => {
    if (!ended.signal.aborted) over.abort(late())
  })
  return { signal: AbortSignal.any([signal, over.signal]), end: () => ended.abort() }
}

/** How long something may take: a signal that comes when the time is over, by the monotonic clock, or with another signal. */
import type { Clock } from '../domain/ports.ts'

export interface Deadline {
  readonly signal: AbortSignal
  /** The time does not count while this runs, which has time limits of its own; it starts again behind it. */
  untimed<T>(run: () => Promise<T>): Promise<T>
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
  let ended = started()
  return {
    signal: AbortSignal.any([signal, over.signal]),
    async untimed(run) {
      ended.abort()
      try {
        return await run()
      } finally {
        ended = started()
      }
    },
    end: () => ended.abort(),
  }

  function started(): AbortController {
    const stopped = new AbortController()
    void clock.sleep(afterMs, stopped.signal).then(() => {
      if (!stopped.signal.aborted) over.abort(late())
    })
    return stopped
  }
}

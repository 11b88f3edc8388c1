/** Work that a process repeats until it stops. */
import type { Clock } from './clock.ts'

export interface Loop {
  /** Resolves when the round in progress has ended. */
  stop(): Promise<void>
}

export interface LoopOptions {
  readonly everyMs: number
  readonly clock: Pick<Clock, 'sleep'>
  readonly round: (signal: AbortSignal) => Promise<void>
  /** A round that failed; the next one follows as usual. */
  readonly onError: (error: unknown) => void
}

export function startLoop({ everyMs, clock, round, onError }: LoopOptions): Loop {
  const stopping = new AbortController()
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await round(stopping.signal)
      } catch (error) {
        if (!stopping.signal.aborted) onError(error)
      }
      await clock.sleep(everyMs, stopping.signal)
    }
  }
  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

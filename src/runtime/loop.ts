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
  /** A round failed after one that did not; the next one follows as usual, and its failure is not told again. */
  readonly onError: (error: unknown) => void
  /** A round did not fail after one that did. */
  readonly onRecovery?: () => void
}

export function startLoop({ everyMs, clock, round, onError, onRecovery }: LoopOptions): Loop {
  const stopping = new AbortController()
  const run = async (): Promise<void> => {
    let failing = false
    while (!stopping.signal.aborted) {
      try {
        await round(stopping.signal)
        if (failing) onRecovery?.()
        failing = false
      } catch (error) {
        if (!failing && !stopping.signal.aborted) onError(error)
        failing = true
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

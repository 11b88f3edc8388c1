/** Work that is done again and again, each time after a while of its own, or sooner when there is reason to. */
import type { Clock } from '../../domain/ports.ts'

/** Between the end of one round and the beginning of the next, however often it is asked for. */
const REST_MS = 50

export interface RoundsOptions {
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>
  /** Answers when the next round is to begin, in ms after the beginning of this one. */
  readonly round: (signal: AbortSignal) => Promise<number>
  /** The same for a round that failed; `failures` in a row, from 1. */
  readonly onFailure: (error: unknown, failures: number) => number
  /** A round did not fail after one that did. */
  readonly onRecovery?: () => void
}

export interface Rounds {
  /** The next round begins now, or when the one in progress has ended. */
  soon(): void
  /** Resolves when the round in progress has ended. */
  stop(): Promise<void>
}

export function startRounds({ clock, round, onFailure, onRecovery }: RoundsOptions): Rounds {
  const stopping = new AbortController()
  let isWanted = false
  let waiting = new AbortController()

  async function rest(untilMs: number): Promise<void> {
    await clock.sleep(REST_MS, stopping.signal)
    waiting = new AbortController()
    if (isWanted || stopping.signal.aborted) return
    await clock.sleep(Math.max(0, untilMs - clock.monotonicMs()), waiting.signal)
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      isWanted = false
      const beganMs = clock.monotonicMs()
      let nextMs: number
      try {
        nextMs = await round(stopping.signal)
        if (failures > 0) onRecovery?.()
        failures = 0
      } catch (error) {
        if (stopping.signal.aborted) return
        failures += 1
        nextMs = onFailure(error, failures)
      }
      await rest(beganMs + nextMs)
    }
  }

  const running = run()
  return {
    soon() {
      isWanted = true
      waiting.abort()
    },
    async stop() {
      stopping.abort()
      waiting.abort()
      await running
    },
  }
}

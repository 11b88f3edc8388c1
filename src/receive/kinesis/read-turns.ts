/**
 * What the shard readers of a process share: a bounded number of turns to read, so that the records held in memory are
 * bounded however many shards there are. A turn lasts from GetRecords until the records are in the buffer; nobody keeps
 * one while waiting for anything else.
 */
import { createTroubles, type Troubles } from './troubles.ts'

export interface ReadTurns {
  /**
   * Resolves when it is this reader's turn, in the order of asking; with undefined once the signal aborts. While the
   * last read of a group has failed, its turns come one at a time, so that a data stream that hangs, or a full buffer of
   * one delivery stream, does not hold them all.
   *
   * @param group readers that succeed and fail together: those of one delivery stream
   */
  take(group: string, signal: AbortSignal): Promise<ReadTurn | undefined>
  /** Which of them are in trouble. */
  readonly troubles: Troubles
}

export interface ReadTurn {
  /** Gives the turn back, once. */
  end(outcome: ReadOutcome): void
}

/** `unused`: nothing was read. */
export type ReadOutcome = 'done' | 'failed' | 'unused'

interface Waiting {
  readonly group: string
  readonly grant: () => void
}

/** @param most turns at a time */
export function createReadTurns(most: number): ReadTurns {
  const waiting = new Set<Waiting>()
  /** Turns now held, by group. */
  const held = new Map<string, number>()
  const failing = new Set<string>()
  let taken = 0

  function mayHave(group: string): boolean {
    return !failing.has(group) || (held.get(group) ?? 0) === 0
  }

  function grantNext(): void {
    for (const next of waiting) {
      if (taken >= most) return
      if (!mayHave(next.group)) continue
      waiting.delete(next)
      taken += 1
      held.set(next.group, (held.get(next.group) ?? 0) + 1)
      next.grant()
    }
  }

  function turnOf(group: string): ReadTurn {
    return {
      end(outcome) {
        taken -= 1
        const left = (held.get(group) ?? 1) - 1
        if (left === 0) held.delete(group)
        else held.set(group, left)
        if (outcome === 'failed') failing.add(group)
        else if (outcome === 'done') failing.delete(group)
        grantNext()
      },
    }
  }

  return {
    troubles: createTroubles(),
    take: (group, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve(undefined)
          return
        }
        const aborted = (): void => {
          waiting.delete(next)
          resolve(undefined)
        }
        const grant = (): void => {
          signal.removeEventListener('abort', aborted)
          resolve(turnOf(group))
        }
        const next = { group, grant }
        waiting.add(next)
        signal.addEventListener('abort', aborted, { once: true })
        grantNext()
      }),
  }
}

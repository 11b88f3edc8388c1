/**
 * Keeps a stream with a failing destination from holding every place of a process: after a failed attempt its batches are
 * tried one at a time, until one lands. A bucket that hangs costs a minute an attempt, and two of its batches at once would
 * leave no place for anybody else.
 */
import type { Deliver } from './queue.ts'

/** A batch that may not run now is asked for again after this. */
const YIELD_MS = 1_000

export function fairTurns(deliver: Deliver): Deliver {
  const running = new Map<string, number>()
  /** Incarnations whose last attempt failed. */
  const failing = new Set<string>()

  return async (batch, signal, lend) => {
    const { incarnation } = batch.stream
    const others = running.get(incarnation) ?? 0
    if (failing.has(incarnation) && others > 0) return { kind: 'retry', afterMs: YIELD_MS }
    running.set(incarnation, others + 1)
    try {
      const result = await deliver(batch, signal, lend)
      if (result.kind === 'retry') failing.add(incarnation)
      else failing.delete(incarnation)
      return result
    } finally {
      const left = (running.get(incarnation) ?? 1) - 1
      if (left === 0) running.delete(incarnation)
      else running.set(incarnation, left)
    }
  }
}

/**
 * Keeps transforms that are down from holding up everybody else. An attempt calls its transform with its place lent and in
 * a turn of its own, of which there are fewer than batches may be open: one at least is left for batches that call none. An
 * attempt that finds no turn is ended, and its stream's batches are not begun again before there is one.
 */
import type { Metrics } from '../account/metrics.ts'
import type { Clock } from '../domain/ports.ts'
import { openAtMost } from './places.ts'
import { jobId, keepPlace, type Deliver } from './queue.ts'
import { Turns } from './turns.ts'

/** A batch that finds no turn is asked for again after this. */
const YIELD_MS = 1_000
const ANSWERED_MAX = 1_000

export interface TransformTurnsOptions {
  /** Places of the process. */
  readonly concurrency: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly metrics: Metrics
}

export function transformTurns(
  deliver: Deliver,
  { concurrency, clock, metrics }: TransformTurnsOptions,
): Deliver {
  const turns = new Turns({
    turns: openAtMost(concurrency) - 1,
    clock,
    changed: (taken) => metrics.set('hydrant_lent_places', {}, taken),
  })
  /** Incarnations that called a transform, or wanted to, until a batch needs none. */
  const calling = new Set<string>()
  /** Batches that need no turn any more, as what they were answered is kept; the latest, since others may finish them. */
  const answered = new Set<string>()

  return async (batch, signal, lend = keepPlace) => {
    const { incarnation } = batch.stream
    const id = jobId(batch)
    const mayCall = calling.has(incarnation) && !answered.has(id)
    if (mayCall && !turns.isFree(incarnation)) return { kind: 'retry', afterMs: YIELD_MS }
    let hasCalled = answered.has(id)
    const result = await deliver(batch, signal, async (run, ofAttempt) => {
      hasCalled = true
      calling.add(incarnation)
      const made = await lend(
        (ofPlace) => turns.take(incarnation, (givenUp) => run(AbortSignal.any([ofPlace, givenUp]))),
        ofAttempt,
      )
      answered.add(id)
      if (answered.size > ANSWERED_MAX) answered.delete(answered.values().next().value ?? '')
      return made
    })
    if (result.kind !== 'finished') return result
    answered.delete(id)
    if (!hasCalled) calling.delete(incarnation)
    return result
  }
}

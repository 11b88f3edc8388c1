/**
 * Keeps transforms that are down from holding up everybody else. An attempt calls its transform with its place lent and in
 * a turn of its own, of which there are fewer than batches may be open: one at least is left for batches that call none. An
 * attempt that finds no turn is ended, and its stream's batches are not begun again before there is one.
 */
import type { Metrics } from '../account/metrics.ts'
import type { Clock } from '../domain/ports.ts'
import { openAtMost } from './places.ts'
import { keepPlace, type Deliver } from './queue.ts'
import { Turns } from './turns.ts'

/** A batch that finds no turn is asked for again after this. */
const YIELD_MS = 1_000

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

  return async (batch, signal, lend = keepPlace) => {
    const { incarnation } = batch.stream
    if (calling.has(incarnation) && !turns.isFree(incarnation)) return { kind: 'retry', afterMs: YIELD_MS }
    let hasCalled = false
    const result = await deliver(batch, signal, (run, ofAttempt) => {
      hasCalled = true
      calling.add(incarnation)
      return lend(
        (ofPlace) => turns.take(incarnation, (givenUp) => run(AbortSignal.any([ofPlace, givenUp]))),
        ofAttempt,
      )
    })
    if (!hasCalled && result.kind === 'finished') calling.delete(incarnation)
    return result
  }
}

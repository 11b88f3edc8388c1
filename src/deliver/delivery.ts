/**
 * A delivery: one attempt to land a sealed batch.
 *
 *   count the attempt -> pin the plan -> encode -> put the objects -> put the error objects -> discard the batch
 *
 * Everything after the pin is a pure function of batch and plan, so that a crash anywhere between the first put and the
 * discard makes the next attempt write the same objects. Each step is followed by a named crash point.
 */
import type { BatchRef, SealedBatch } from '../domain/batch.ts'
import { DestinationError } from '../domain/errors.ts'
import type { Plan } from '../domain/plan.ts'
import type { Clock, Dispatch, Encoder, ResolveColumns, Store } from '../domain/ports.ts'
import { DecidedRecords } from './decided-records.ts'
import { land, type LandingOptions } from './landing.ts'
import { makePlan, planDigest, type PlannedEngine } from './plan.ts'
import type { Deliver, DeliveryResult } from './queue.ts'
import { DEATHS_BEFORE_CAREFUL, verdictOn } from './retry.ts'
import { SourceDigest } from './source-digest.ts'

export interface DeliveryOptions extends LandingOptions {
  readonly store: Pick<Store, 'buffer' | 'registry'>
  readonly resolveColumns: ResolveColumns
  /** What new plans are made with. */
  readonly engine: PlannedEngine
  /** Opens what a pinned plan asks for; careful: in a process of its own. */
  readonly encoderFor: (plan: Plan, careful: boolean) => Promise<Encoder>
  readonly dispatch: Dispatch
  readonly clock: Clock
  readonly attemptMaxMs: number
}

export function createDelivery(options: DeliveryOptions): Deliver {
  return async (ref, signal) => {
    const { store, metrics, clock, dispatch, crash } = options
    const startedMs = clock.monotonicMs()
    let batch: SealedBatch | undefined
    let result: DeliveryResult
    try {
      const attempt = await store.buffer.beginAttempt(ref)
      if (attempt.kind === 'finished') return { kind: 'finished' }
      batch = attempt.batch
      crash('after-begin')
      await attemptDelivery(options, batch, signal)
      metrics.count('hydrant_attempts_total', { delivery_stream: ref.stream.name, result: 'delivered' })
      result = { kind: 'finished' }
    } catch (error) {
      result = await settleFailure(options, ref, batch, error, signal)
    }
    metrics.observe('hydrant_attempt_seconds', {}, (clock.monotonicMs() - startedMs) / 1000)
    if (result.kind === 'finished') await dispatch(ref.stream)
    return result
  }
}

/** Runs one attempt under its deadline. Resolves when the batch is discarded, by this attempt or another. */
async function attemptDelivery(
  options: DeliveryOptions,
  batch: SealedBatch,
  jobSignal: AbortSignal,
): Promise<void> {
  const { clock, attemptMaxMs, store, encoderFor, crash } = options
  const deadline = new AbortController()
  const ended = new AbortController()
  void clock.sleep(attemptMaxMs, ended.signal).then(() => {
    if (!ended.signal.aborted) deadline.abort(new Error(`attempt took longer than ${attemptMaxMs} ms`))
  })
  const signal = AbortSignal.any([jobSignal, deadline.signal])
  try {
    const plan = await pinPlan(options, batch)
    if (plan === undefined) return
    crash('after-pin')
    const careful = batch.deaths >= DEATHS_BEFORE_CAREFUL
    const encoder = await encoderFor(plan, careful)
    const digest = new SourceDigest()
    const decidedRecords = new DecidedRecords()
    const frames = () => digest.over(store.buffer.read(batch, signal))
    const undecided = () => decidedRecords.without(frames())
    const encoded = await encoder.encode({ batch, plan, frames: undecided, careful, signal })
    try {
      crash('after-encode')
      const context = {
        batch,
        plan,
        planDigest: planDigest(plan),
        sourceDigest: digest.value,
        decided: decidedRecords.found,
        frames,
        signal,
      }
      await land(options, context, encoded)
    } finally {
      await encoded.dispose()
    }
  } finally {
    ended.abort()
  }
}

/** The pinned plan, or undefined when the batch or its delivery stream is gone. */
async function pinPlan(options: DeliveryOptions, batch: SealedBatch): Promise<Plan | undefined> {
  const { store, resolveColumns, engine } = options
  if (batch.plan !== undefined) return batch.plan
  for (;;) {
    const stream = await store.registry.get(batch.stream.name)
    if (stream?.incarnation !== batch.stream.incarnation) return undefined
    const pinned = await store.buffer.pin(batch, await makePlan(stream, resolveColumns, engine))
    if (pinned.kind === 'finished') return undefined
    if (pinned.kind === 'pinned') return pinned.plan
  }
}

/** Decides what follows a failed attempt, tells the buffer and the operator. */
async function settleFailure(
  options: DeliveryOptions,
  ref: BatchRef,
  batch: SealedBatch | undefined,
  error: unknown,
  jobSignal: AbortSignal,
): Promise<DeliveryResult> {
  const { store, metrics, log } = options
  const attempt = batch?.attempts ?? 1
  const fields = { deliveryStream: ref.stream.name, batchId: ref.batchId, attempt }
  const count = (result: string): void =>
    metrics.count('hydrant_attempts_total', { delivery_stream: ref.stream.name, result })
  if (error instanceof DestinationError) {
    metrics.count('hydrant_destination_errors_total', { delivery_stream: ref.stream.name, code: error.code })
  }
  const verdict = verdictOn(error, attempt, Math.random())
  try {
    if (verdict.kind === 'quarantine') {
      await store.buffer.quarantine(ref, verdict.reason)
      count('quarantined')
      log.error({ ...fields, err: error, hint: wayOut(ref) }, 'batch quarantined')
      return { kind: 'finished' }
    }
    if (batch !== undefined) await store.buffer.endAttempt(ref)
  } catch (err) {
    log.warn({ ...fields, err }, 'end of the attempt was not recorded')
  }
  count('retry')
  const afterMs = verdict.kind === 'retry' ? verdict.afterMs : 1_000
  if (jobSignal.aborted)
    log.info(fields, 'delivery aborted: the process is stopping, or its job was given to another')
  else log.warn({ ...fields, retryInMs: afterMs, err: error }, 'delivery will be retried')
  return { kind: 'retry', afterMs }
}

function wayOut({ stream, batchId }: BatchRef): string {
  const release = `curl -X POST http://<admin host:port>/quarantine/${stream.name}/${batchId}/release`
  return `the batch is kept; remove the cause, then ask any process: ${release} (docs/operations.md, quarantined batches)`
}

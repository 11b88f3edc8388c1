/**
 * A delivery: one attempt to land a sealed batch.
 *
 *   count the attempt -> pin the plan -> back the records up -> process them -> encode -> put the objects
 *     -> put the error objects -> discard the batch
 *
 * Everything after the pin is a pure function of batch and plan (and of what a transform answered, which is kept before
 * anything is made of it), so that a crash anywhere between the first put and the discard makes the next attempt write the
 * same objects. Each step is followed by a named crash point.
 */
import type { Metrics } from '../account/metrics.ts'
import type { BatchRef, SealedBatch } from '../domain/batch.ts'
import { DestinationError } from '../domain/errors.ts'
import type { Plan } from '../domain/plan.ts'
import type { Clock, Dispatch, PlannedEngine, ResolveColumns, Store } from '../domain/ports.ts'
import type { DeliveryAttempt } from './attempt.ts'
import { backUp } from './backup.ts'
import { startDeadline } from './deadline.ts'
import { journaled, tellDelivered } from './delivered.ts'
import { land, type Landed, type LandingOptions } from './landing.ts'
import { makePlan, planDigest, type PlanLimits } from './plan.ts'
import { keepPlace, type Deliver, type DeliveryResult, type Lend } from './queue.ts'
import { DEATHS_BEFORE_CAREFUL, verdictOn } from './retry.ts'
import { SourceDigest } from './source-digest.ts'

export interface DeliveryOptions extends LandingOptions {
  readonly store: Pick<Store, 'buffer' | 'registry'>
  readonly resolveColumns: ResolveColumns
  /** What new plans are made with. */
  readonly engine: PlannedEngine
  readonly planLimits: PlanLimits
  readonly dispatch: Dispatch
  readonly clock: Clock
  readonly metrics: Metrics
  readonly attemptMaxMs: number
}

export function createDelivery(options: DeliveryOptions): Deliver {
  return async (ref, signal, lend = keepPlace) => {
    const { store, metrics, clock, dispatch, crash } = options
    const startedMs = clock.monotonicMs()
    let batch: SealedBatch | undefined
    let result: DeliveryResult
    try {
      const attempt = await store.buffer.beginAttempt(ref)
      if (attempt.kind === 'finished') return { kind: 'finished' }
      batch = attempt.batch
      crash('after-begin')
      await attemptDelivery(options, batch, signal, lend)
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
  lend: Lend,
): Promise<void> {
  const { clock, attemptMaxMs, store, crash } = options
  const deadline = startDeadline(clock, attemptMaxMs, {
    signal: jobSignal,
    late: () => new Error(`attempt took longer than ${attemptMaxMs} ms`),
  })
  const { signal } = deadline
  try {
    const plan = await pinPlan(options, batch)
    if (plan === undefined) return
    crash('after-pin')
    const digest = new SourceDigest()
    const attempt: DeliveryAttempt = {
      batch,
      plan,
      planDigest: planDigest(plan),
      frames: () => digest.over(store.buffer.read(batch, signal)),
      digest,
      careful: isCareful(options, batch),
      signal,
      untimed: (run) => deadline.untimed(run),
      // Neither the calls nor the wait for a place behind them count.
      lend: (run) => deadline.untimed(() => lend(run, signal)),
    }
    await endBatch(options, batch, await landBoth(options, attempt))
  } finally {
    deadline.end()
  }
}

/** The batch was being delivered when processes died: it may be the cause, and a batch beside it. */
function isCareful({ log }: DeliveryOptions, { stream, batchId, deaths }: SealedBatch): boolean {
  if (deaths < DEATHS_BEFORE_CAREFUL) return false
  const fields = { deliveryStream: stream.name, batchId, deaths }
  log.warn(fields, 'batch is delivered carefully, since processes died that delivered it')
  return true
}

/** The backup, then the data, whatever became of the backup. Fails if either did not land. */
async function landBoth(options: DeliveryOptions, attempt: DeliveryAttempt): Promise<Landed> {
  const { objects, failure } = await backUp(options, attempt)
  let landed: Landed
  try {
    landed = await land(options, attempt)
  } catch (error) {
    if (failure !== undefined) tellFailure(options, attempt.batch, failure)
    throw error
  }
  if (failure !== undefined) throw failure
  const { outcome } = landed
  return { ...landed, outcome: { ...outcome, objects: [...objects, ...outcome.objects] } }
}

/** Two failures end an attempt as one; the other is counted and told here. */
function tellFailure({ metrics, log }: DeliveryOptions, batch: SealedBatch, failure: DestinationError): void {
  const { name } = batch.stream
  metrics.count('hydrant_destination_errors_total', { delivery_stream: name, code: failure.code })
  log.warn({ deliveryStream: name, batchId: batch.batchId, err: failure }, 'backup failed as well')
}

/** Discards the batch with what became of it, and tells of it, unless another attempt has. */
async function endBatch(options: DeliveryOptions, batch: SealedBatch, landed: Landed): Promise<void> {
  const { store, crash } = options
  crash('before-discard')
  const discarded = await store.buffer.discard(batch, journaled(landed.outcome))
  crash('after-discard')
  if (discarded) tellDelivered(options, batch, landed)
}

/** The pinned plan, or undefined when the batch or its delivery stream is gone. */
async function pinPlan(options: DeliveryOptions, batch: SealedBatch): Promise<Plan | undefined> {
  const { store, resolveColumns, engine, planLimits } = options
  if (batch.plan !== undefined) return batch.plan
  for (;;) {
    const stream = await store.registry.get(batch.stream.name)
    if (stream?.incarnation !== batch.stream.incarnation) return undefined
    const pinned = await store.buffer.pin(batch, await makePlan(stream, resolveColumns, engine, planLimits))
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

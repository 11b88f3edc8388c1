/**
 * The records of a batch exchanged for what a transform makes of them: sent out in calls, several under way at a time, and
 * what comes back takes their places in their order. Held in memory are the records, requests and answers of the calls under
 * way, and one frame.
 */
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { SealedBatch } from '../../domain/batch.ts'
import type { TransformTarget } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import type { Clock, Registry } from '../../domain/ports.ts'
import type { TransformInput } from '../stages.ts'
import { attempt, type Answered, type AttemptsOptions, type Invoke } from './attempts.ts'
import { Breaches } from './breaches.ts'
import { callsOf, type Call, type Place } from './calls.ts'
import { processingFailed, type RecordAnswer } from './codes.ts'
import { DerivedFrames, type DerivedRecord } from './derived-frames.ts'
import { bytesOf, type EventSource } from './event.ts'

export interface ExchangeOptions {
  /** Tells the ARNs that events name. */
  readonly registry: Pick<Registry, 'get'>
  /** Calls under way at a time for one batch (processing.transformsPerBatch). */
  readonly callsPerBatch: number
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
}

interface DoneCall extends Answered {
  readonly places: readonly Place[]
}

export async function* exchange(
  input: TransformInput,
  invoke: Invoke,
  options: ExchangeOptions,
): AsyncGenerator<Frame> {
  const { batch, transform } = input
  const source = await sourceOf(batch, options.registry)
  const stop = new AbortController()
  const signal = AbortSignal.any([input.signal, stop.signal])
  const told = {
    target: shown(transform.target),
    deliveryStream: batch.stream.name,
    batchId: batch.batchId,
  }
  const breaches = new Breaches({ ...told, log: options.log })
  const attempts: AttemptsOptions = { ...options, ...told, invoke, retries: transform.retries, breaches }
  const underWay: Promise<DoneCall>[] = []
  const derived = new DerivedFrames()
  const landed = async function* (): AsyncGenerator<Frame> {
    const done = await underWay.shift()
    if (done === undefined) return
    for (const record of derivedOf(done, batch.stream.name, options.metrics)) {
      const frame = derived.add(record)
      if (frame !== undefined) yield frame
    }
  }
  try {
    for await (const call of callsOf({ batch, frames: input.frames, limits: transform, source })) {
      signal.throwIfAborted()
      underWay.push(made(call, attempts, signal))
      if (underWay.length >= options.callsPerBatch) yield* landed()
    }
    while (underWay.length > 0) yield* landed()
    const last = derived.finish()
    if (last !== undefined) yield last
  } finally {
    stop.abort()
    await Promise.allSettled(underWay)
    breaches.finish()
  }
}

/** Its failure is told to whoever waits for it; until then it is nobody's. */
function made(call: Call, attempts: AttemptsOptions, signal: AbortSignal): Promise<DoneCall> {
  const { places } = call
  const done =
    call.recordIds.length === 0
      ? Promise.resolve({ places, answers: [], attemptsMade: 0 })
      : attempt(call, attempts, signal).then((answered) => ({ places, ...answered }))
  // It rejects to whoever waits for it, which may be after an earlier call of the batch has failed.
  done.catch(() => undefined)
  return done
}

function* derivedOf(
  { places, answers, attemptsMade }: DoneCall,
  deliveryStream: string,
  metrics: Metrics,
): Generator<DerivedRecord> {
  let next = 0
  const counts = { ok: 0, dropped: 0, failed: 0 }
  let okBytes = 0
  for (const place of places) {
    if (place.recordId === undefined) {
      yield { content: bytesOf(place), metadata: place.metadata, shardId: place.shardId }
      continue
    }
    const answer = answers[next]
    if (answer === undefined) throw new Error('read answers of a transform: a record has none')
    next += 1
    counts[answer.kind] += 1
    if (answer.kind === 'ok') okBytes += place.length
    yield derivedRecord(place, answer, attemptsMade)
  }
  for (const result of ['ok', 'dropped', 'failed'] as const)
    if (counts[result] > 0)
      metrics.count(
        'hydrant_transformed_records_total',
        { delivery_stream: deliveryStream, result },
        counts[result],
      )
  metrics.count('hydrant_transformed_bytes_total', { delivery_stream: deliveryStream }, okBytes)
}

const NOTHING = Buffer.alloc(0)

function derivedRecord(place: Place, answer: RecordAnswer, attemptsMade: number): DerivedRecord {
  const { metadata, shardId } = place
  switch (answer.kind) {
    case 'ok': {
      const { data: base64, bytes, partitionKeys } = answer
      return {
        shardId,
        content: { base64, bytes },
        metadata: partitionKeys === undefined ? metadata : { ...metadata, partitionKeys },
      }
    }
    case 'dropped':
      return { shardId, content: NOTHING, metadata: { ...metadata, isDropped: true } }
    case 'failed': {
      const verdict = processingFailed(answer.code, answer.message, attemptsMade)
      return { shardId, content: bytesOf(place), metadata: { ...metadata, verdict } }
    }
    default:
      return unreachable(answer)
  }
}

/** `arn:aws:firehose:<region>:<account>:deliverystream/<name>` */
async function sourceOf({ stream }: SealedBatch, registry: Pick<Registry, 'get'>): Promise<EventSource> {
  const known = await registry.get(stream.name)
  if (known === undefined || known.incarnation !== stream.incarnation)
    throw new Error(`transform records of ${stream.name}: the delivery stream is gone`)
  const { arn, kinesis } = known
  return {
    deliveryStreamArn: arn,
    ...(kinesis === undefined ? {} : { sourceKinesisStreamArn: kinesis.streamArn }),
    region: arn.split(':')[3] ?? '',
  }
}

/** For logs and hints: without the query of a URL, which may hold a secret. */
function shown(target: TransformTarget): string {
  if (target.kind === 'lambda') return target.functionArn
  const { origin, pathname } = new URL(target.url)
  return `${origin}${pathname}`
}

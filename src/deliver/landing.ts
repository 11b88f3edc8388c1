/**
 * The landing of an encoded batch: its objects are put, then its error object, then the batch is discarded. Keys and
 * metadata are pure functions of batch and plan.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import { batchSequence, type SealedBatch } from '../domain/batch.ts'
import type { DeliveredObject, Outcome } from '../domain/outcome.ts'
import type { Plan } from '../domain/plan.ts'
import type { Destination, Encoded, EncodedObject, ObjectBody, Store } from '../domain/ports.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import { collectErrorLines } from './error-object.ts'
import { errorLine } from './error-record.ts'
import { errorObjectKey, objectKey } from './object-key.ts'

export interface LandingOptions {
  readonly store: Pick<Store, 'buffer'>
  readonly destination: Destination
  /** A folder of this process for error lines that do not fit in memory. */
  readonly stagingPath: string
  readonly metrics: Metrics
  readonly log: Log
  readonly crash: CrashHook
}

const CONTENT_TYPE = 'application/octet-stream'
const ERROR_TYPE = 'format-conversion-failed'

/** What one attempt knows once its batch is encoded. */
export interface AttemptContext {
  readonly batch: SealedBatch
  readonly plan: Plan
  readonly planDigest: string
  readonly sourceDigest: string
  readonly signal: AbortSignal
}

/** Puts everything that the batch yields, then ends it. */
export async function land(
  options: LandingOptions,
  context: AttemptContext,
  encoded: Encoded,
): Promise<void> {
  const { store, crash, log } = options
  const { batch } = context
  const objects: DeliveredObject[] = []
  for (const object of encoded.objects) {
    objects.push(await putData(options, context, object))
    crash('after-put')
  }
  const failed = Object.values(encoded.errors).reduce((sum, count) => sum + count, 0)
  if (failed > 0) objects.push(await putErrors(options, context, encoded, failed))
  const outcome: Outcome = {
    delivered: batch.records - failed - encoded.dropped,
    failed,
    dropped: encoded.dropped,
    rows: encoded.rows,
    errors: encoded.errors,
    objects,
  }
  crash('before-discard')
  const discarded = await store.buffer.discard(batch, outcome)
  crash('after-discard')
  if (!discarded) return
  countOutcome(options.metrics, batch.stream.name, outcome)
  log.info(
    {
      deliveryStream: batch.stream.name,
      batchId: batch.batchId,
      attempt: batch.attempts,
      records: batch.records,
      bytes: batch.bytes,
      rows: outcome.rows,
      failed,
      dropped: outcome.dropped,
      objects: objects.map(({ bucket, key, bytes }) => ({ bucket, key, bytes })),
    },
    'batch delivered',
  )
}

async function putData(
  options: LandingOptions,
  context: AttemptContext,
  object: EncodedObject,
): Promise<DeliveredObject> {
  const { batch, plan, sourceDigest } = context
  const { destination } = plan
  const key = objectKey({
    prefix: destination.prefix,
    stream: batch.stream.name,
    version: plan.version,
    oldestArrivalMs: batch.oldestArrivalMs,
    identity: { batchId: batch.batchId, sourceDigest, partition: '', part: object.part },
    extension: object.extension,
  })
  const encoding = object.contentEncoding === undefined ? {} : { contentEncoding: object.contentEncoding }
  const bytes = await put(options, context, {
    key,
    body: object.body,
    part: String(object.part),
    ...encoding,
  })
  return { bucket: destination.bucket, key, bytes, rows: object.rows, kind: 'data' }
}

async function putErrors(
  options: LandingOptions,
  context: AttemptContext,
  encoded: Encoded,
  failed: number,
): Promise<DeliveredObject> {
  const { batch, plan, sourceDigest } = context
  const { destination } = plan
  const path = join(
    options.stagingPath,
    `errors-${batch.stream.incarnation}-${batch.batchId}-${batch.attempts}.ndjson`,
  )
  const lines = async function* (): AsyncGenerator<string> {
    for await (const record of encoded.failures()) yield errorLine(record, batch, plan)
  }
  try {
    const collected = await collectErrorLines(lines(), path)
    options.crash('after-error-file')
    if (collected?.count !== failed) {
      throw new Error(
        `write error lines of ${batch.batchId}: ${collected?.count ?? 0} lines for ${failed} failed records`,
      )
    }
    const key = errorObjectKey({
      prefix: destination.prefix,
      errorOutputPrefix: destination.errorOutputPrefix,
      errorType: ERROR_TYPE,
      stream: batch.stream.name,
      version: plan.version,
      oldestArrivalMs: batch.oldestArrivalMs,
      identity: { batchId: batch.batchId, sourceDigest, partition: '', part: 0 },
    })
    const bytes = await put(options, context, { key, body: collected.body, part: ERROR_TYPE })
    options.crash('after-error-put')
    return { bucket: destination.bucket, key, bytes, rows: collected.count, kind: 'error' }
  } finally {
    await rm(path, { force: true })
  }
}

async function put(
  { destination }: LandingOptions,
  { batch, plan, planDigest: digestOfPlan, sourceDigest, signal }: AttemptContext,
  object: { key: string; body: ObjectBody; part: string; contentEncoding?: string },
): Promise<number> {
  signal.throwIfAborted()
  const { part, ...rest } = object
  return destination.put(
    {
      bucket: plan.destination.bucket,
      contentType: CONTENT_TYPE,
      metadata: {
        'hydrant-batch': `${batch.stream.incarnation}/${batch.batchId}`,
        'hydrant-sequence': String(batchSequence(batch.batchId)),
        'hydrant-source': sourceDigest,
        'hydrant-plan': digestOfPlan,
        'hydrant-part': part,
      },
      ...rest,
    },
    signal,
  )
}

function countOutcome(metrics: Metrics, deliveryStream: string, outcome: Outcome): void {
  const stream = { delivery_stream: deliveryStream }
  metrics.count('hydrant_delivered_records_total', stream, outcome.delivered)
  metrics.count('hydrant_dropped_records_total', stream, outcome.dropped)
  metrics.count('hydrant_rows_total', stream, outcome.rows)
  for (const [code, amount] of Object.entries(outcome.errors)) {
    metrics.count('hydrant_failed_records_total', { ...stream, code }, amount)
  }
  for (const { kind, bytes } of outcome.objects) {
    metrics.count('hydrant_objects_total', { ...stream, kind })
    metrics.count('hydrant_object_bytes_total', { ...stream, kind }, bytes)
  }
}

/**
 * The landing of an encoded batch: its objects are put, then an error object for each type of error, then the batch is discarded. Keys and
 * metadata are pure functions of batch and plan.
 */
import { join } from 'node:path'
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import { batchSequence, type SealedBatch } from '../domain/batch.ts'
import type { DeliveredObject, Outcome } from '../domain/outcome.ts'
import type { Frame } from '../domain/frame.ts'
import type { Plan } from '../domain/plan.ts'
import type { Destination, Encoded, EncodedObject, ObjectBody, Store } from '../domain/ports.ts'
import type { ErrorType } from '../domain/record-metadata.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import type { Decided } from './decided-records.ts'
import { ErrorLines } from './error-object.ts'
import { errorLine } from './error-record.ts'
import { failedRecords } from './failed-records.ts'
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

/** What one attempt knows once its batch is encoded. */
export interface AttemptContext {
  readonly batch: SealedBatch
  readonly plan: Plan
  readonly planDigest: string
  readonly sourceDigest: string
  /** What was taken out of the frames on their way to the encoder. */
  readonly decided: Decided
  /** Reads the whole batch again. */
  readonly frames: () => AsyncIterable<Frame>
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
  const expected = failedByType(context.decided, encoded)
  const failed = sumOf(expected)
  if (failed > 0) objects.push(...(await putErrors(options, context, encoded, expected)))
  const outcome: Outcome = {
    delivered: batch.records - failed - encoded.dropped,
    failed,
    dropped: encoded.dropped,
    rows: encoded.rows,
    errors: errorsByCode(context.decided, encoded),
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

/** In the order in which their objects are put. */
function failedByType({ records }: Decided, { errors }: Encoded): Record<ErrorType, number> {
  return {
    'processing-failed': records['processing-failed'],
    'format-conversion-failed': records['format-conversion-failed'] + sumOf(errors),
  }
}

function errorsByCode(decided: Decided, encoded: Encoded): Record<string, number> {
  const errors = { ...decided.errors }
  for (const [code, count] of Object.entries(encoded.errors)) errors[code] = (errors[code] ?? 0) + count
  return errors
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** An error object for each type that has lines, in the order of `expected`. */
async function putErrors(
  options: LandingOptions,
  context: AttemptContext,
  encoded: Encoded,
  expected: Readonly<Record<ErrorType, number>>,
): Promise<DeliveredObject[]> {
  const { batch, plan, frames, decided } = context
  const { incarnation } = batch.stream
  const staged = join(options.stagingPath, `errors-${incarnation}-${batch.batchId}-${batch.attempts}`)
  const lines: Record<ErrorType, ErrorLines> = {
    'processing-failed': new ErrorLines(`${staged}-processing.ndjson`),
    'format-conversion-failed': new ErrorLines(`${staged}-conversion.ndjson`),
  }
  try {
    for await (const record of failedRecords({ frames, decided, failures: encoded.failures() })) {
      await lines[record.errorType].add(errorLine(record, batch, plan))
    }
    options.crash('after-error-file')
    const objects: DeliveredObject[] = []
    for (const [errorType, count] of Object.entries(expected) as [ErrorType, number][]) {
      const written = lines[errorType]
      if (written.count !== count) {
        throw new Error(
          `write error lines of ${batch.batchId}: ${written.count} lines for ${count} ${errorType} records`,
        )
      }
      if (count > 0) objects.push(await putErrorObject(options, context, errorType, written))
    }
    return objects
  } finally {
    for (const written of Object.values(lines)) await written.remove()
  }
}

async function putErrorObject(
  options: LandingOptions,
  context: AttemptContext,
  errorType: ErrorType,
  lines: ErrorLines,
): Promise<DeliveredObject> {
  const { batch, plan, sourceDigest } = context
  const { destination } = plan
  const key = errorObjectKey({
    prefix: destination.prefix,
    errorOutputPrefix: destination.errorOutputPrefix,
    errorType,
    stream: batch.stream.name,
    version: plan.version,
    oldestArrivalMs: batch.oldestArrivalMs,
    identity: { batchId: batch.batchId, sourceDigest, partition: '', part: 0 },
  })
  const bytes = await put(options, context, { key, body: await lines.finish(), part: errorType })
  options.crash('after-error-put')
  return { bucket: destination.bucket, key, bytes, rows: lines.count, kind: 'error' }
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

/**
 * The landing of a batch: it is encoded, its objects are put, then an error object for each type of error. Keys and
 * metadata are pure functions of batch and plan.
 */
import { join } from 'node:path'
import type { DeliveredObject, Outcome } from '../domain/outcome.ts'
import type { Plan } from '../domain/plan.ts'
import type { Destination, Encoded, EncodedObject, Encoder } from '../domain/ports.ts'
import { ERROR_TYPES, type ErrorType } from '../domain/record-metadata.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import { putObject, type DeliveryAttempt } from './attempt.ts'
import { DecidedRecords, type Decided } from './decided-records.ts'
import { ErrorLines } from './error-object.ts'
import { errorLine } from './error-record.ts'
import { failedRecords } from './failed-records.ts'
import { errorObjectKey, objectKey } from './object-key.ts'

export interface LandingOptions {
  readonly destination: Destination
  /** Opens what a pinned plan asks for; careful: in a process of its own. */
  readonly encoderFor: (plan: Plan, careful: boolean) => Promise<Encoder>
  /** A folder of this process for error lines that do not fit in memory. */
  readonly stagingPath: string
  readonly crash: CrashHook
}

/** What one attempt knows once its batch is encoded. */
interface EncodedAttempt extends DeliveryAttempt {
  readonly encoded: Encoded
  /** What was taken out of the frames on their way to the encoder. */
  readonly decided: Decided
}

/** Puts everything that the batch yields, and answers what became of it. */
export async function land(options: LandingOptions, attempt: DeliveryAttempt): Promise<Outcome> {
  const { batch, plan, careful, frames, signal } = attempt
  const encoder = await options.encoderFor(plan, careful)
  const decided = new DecidedRecords()
  const undecided = () => decided.without(frames())
  const encoded = await encoder.encode({ batch, plan, frames: undecided, careful, signal })
  try {
    options.crash('after-encode')
    return await landEncoded(options, { ...attempt, encoded, decided: decided.found })
  } finally {
    await encoded.dispose()
  }
}

async function landEncoded(options: LandingOptions, attempt: EncodedAttempt): Promise<Outcome> {
  const { batch, encoded, decided } = attempt
  const objects: DeliveredObject[] = []
  for (const object of encoded.objects) {
    objects.push(await putData(options, attempt, object))
    options.crash('after-put')
  }
  const expected = failedByType(decided, encoded)
  const failed = sumOf(expected)
  if (failed > 0) objects.push(...(await putErrors(options, attempt, expected)))
  return {
    delivered: batch.records - failed - encoded.dropped,
    failed,
    dropped: encoded.dropped,
    rows: encoded.rows,
    errors: errorsByCode(decided, encoded),
    objects,
  }
}

async function putData(
  { destination: objects }: LandingOptions,
  attempt: EncodedAttempt,
  { part, rows, body, extension, contentEncoding }: EncodedObject,
): Promise<DeliveredObject> {
  const { batch, plan, digest } = attempt
  const { destination } = plan
  const key = objectKey({
    ...timesOf(plan),
    prefix: destination.prefix,
    stream: batch.stream.name,
    version: plan.version,
    oldestArrivalMs: batch.oldestArrivalMs,
    identity: { batchId: batch.batchId, sourceDigest: digest.value, partition: '', part },
    extension: destination.fileExtension ?? extension,
  })
  const encoding = contentEncoding === undefined ? {} : { contentEncoding }
  const object = { key, body, part: String(part), ...encoding }
  const bytes = await putObject(objects, attempt, destination, object)
  return { bucket: destination.bucket, key, bytes, rows, kind: 'data' }
}

function timesOf({ destination: { timeZone } }: Plan): { readonly timeZone?: string } {
  return timeZone === undefined ? {} : { timeZone }
}

/** In the order in which their objects are put. */
function failedByType({ records }: Decided, { errors }: Encoded): Record<ErrorType, number> {
  return {
    ...records,
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
  attempt: EncodedAttempt,
  expected: Readonly<Record<ErrorType, number>>,
): Promise<DeliveredObject[]> {
  const { batch, plan, frames, decided, encoded } = attempt
  const { incarnation } = batch.stream
  const staged = join(options.stagingPath, `errors-${incarnation}-${batch.batchId}-${batch.attempts}`)
  const lines = Object.fromEntries(
    ERROR_TYPES.map((type) => [type, new ErrorLines(`${staged}-${type}.ndjson`)]),
  ) as Record<ErrorType, ErrorLines>
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
      if (count > 0) objects.push(await putErrorObject(options, attempt, errorType, written))
    }
    return objects
  } finally {
    for (const written of Object.values(lines)) await written.remove()
  }
}

/** As it is: neither CompressionFormat nor FileExtension is for errors. */
async function putErrorObject(
  options: LandingOptions,
  attempt: EncodedAttempt,
  errorType: ErrorType,
  lines: ErrorLines,
): Promise<DeliveredObject> {
  const { batch, plan, digest } = attempt
  const { destination } = plan
  const key = errorObjectKey({
    ...timesOf(plan),
    prefix: destination.prefix,
    errorOutputPrefix: destination.errorOutputPrefix,
    errorType,
    stream: batch.stream.name,
    version: plan.version,
    oldestArrivalMs: batch.oldestArrivalMs,
    identity: { batchId: batch.batchId, sourceDigest: digest.value, partition: '', part: 0 },
  })
  const object = { key, body: await lines.finish(), part: errorType }
  const bytes = await putObject(options.destination, attempt, destination, object)
  options.crash('after-error-put')
  return { bucket: destination.bucket, key, bytes, rows: lines.count, kind: 'error' }
}

/** What of a batch goes to the error prefix: an object for each type of error, its lines in the order of the batch. */
import { join } from 'node:path'
import type { DeliveredObject } from '../domain/outcome.ts'
import type { Destination, Encoded } from '../domain/ports.ts'
import { ERROR_TYPES, type ErrorType } from '../domain/record-metadata.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import { putObject, type DeliveryAttempt } from './attempt.ts'
import { timesOf } from './data-objects.ts'
import type { Decided } from './decided-records.ts'
import { deliveredRaw } from './delivered-raw.ts'
import { ErrorLines } from './error-object.ts'
import { errorLine } from './error-record.ts'
import { failedRecords, type LocatedFailure } from './failed-records.ts'
import { errorObjectKey } from './object-key.ts'
import type { RecordsToEncode } from './processed-records.ts'
import { FailedSources, type FailedSourceCounts } from './source-accounts.ts'

export interface ErrorOutputOptions {
  readonly destination: Destination
  /** A folder of this process for error lines that do not fit in memory. */
  readonly stagingPath: string
  readonly crash: CrashHook
  /** Told of each record that failed, in the order of the batch. */
  readonly onFailure?: (failure: LocatedFailure) => void
}

/** An attempt of which it is known what failed. */
export interface FailedAttempt extends DeliveryAttempt {
  readonly records: RecordsToEncode
  readonly decided: Decided
  readonly encoded: Encoded
}

export interface ErrorOutput extends FailedSourceCounts {
  readonly objects: readonly DeliveredObject[]
}

/** Nothing is read, staged or put when nothing failed. */
export async function putErrors(options: ErrorOutputOptions, attempt: FailedAttempt): Promise<ErrorOutput> {
  const expected = failedByType(attempt)
  if (sumOf(expected) === 0) return { objects: [], ...new FailedSources().finish() }
  const { batch } = attempt
  const staged = join(
    options.stagingPath,
    `errors-${batch.stream.incarnation}-${batch.batchId}-${batch.attempts}`,
  )
  const lines = byType((type) => new ErrorLines(`${staged}-${type}.ndjson`))
  try {
    const sources = await writeLines(options, attempt, expected, lines)
    options.crash('after-error-file')
    const objects: DeliveredObject[] = []
    for (const type of ERROR_TYPES) {
      if (lines[type].count > 0) objects.push(await putErrorObject(options, attempt, type, lines[type]))
    }
    return { objects, ...sources }
  } finally {
    for (const type of ERROR_TYPES) await lines[type].remove()
  }
}

/** Records that failed, by type. */
function failedByType({
  decided: { records },
  encoded: { errors },
}: FailedAttempt): Record<ErrorType, number> {
  const refused = sumOf(errors)
  return { ...records, 'format-conversion-failed': records['format-conversion-failed'] + refused }
}

function byType<T>(make: (type: ErrorType) => T): Record<ErrorType, T> {
  return Object.fromEntries(ERROR_TYPES.map((type) => [type, make(type)])) as Record<ErrorType, T>
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** Fails unless each record that is known to have failed was found, and no other. */
async function writeLines(
  { onFailure }: ErrorOutputOptions,
  { batch, plan, records, decided, encoded }: FailedAttempt,
  expected: Readonly<Record<ErrorType, number>>,
  lines: Readonly<Record<ErrorType, ErrorLines>>,
): Promise<FailedSourceCounts> {
  const { frames, partitions, earlier } = records
  const found = byType(() => 0)
  const sources = new FailedSources()
  const counted = async function* (): AsyncGenerator<LocatedFailure> {
    for await (const failure of failedRecords({
      frames,
      decided,
      partitions,
      failures: encoded.failures(),
    })) {
      found[failure.errorType] += 1
      sources.add(failure)
      onFailure?.(failure)
      yield failure
    }
  }
  for await (const failure of deliveredRaw(counted(), earlier)) {
    await lines[failure.errorType].add(errorLine(failure, batch, plan))
  }
  for (const type of ERROR_TYPES) {
    if (found[type] === expected[type]) continue
    throw new Error(
      `write error lines of ${batch.batchId}: ${found[type]} lines for ${expected[type]} ${type} records`,
    )
  }
  return sources.finish()
}

/** As it is: neither CompressionFormat nor FileExtension is for errors. */
async function putErrorObject(
  options: ErrorOutputOptions,
  attempt: DeliveryAttempt,
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

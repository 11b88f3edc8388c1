/**
 * What of a batch goes to the error prefix: an object for each type of error, its lines in the order of the batch. Of so many
 * lines that S3 would not take them in one put they are several.
 */
import { join } from 'node:path'
import { MIB } from '../domain/limits.ts'
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

/** S3 takes 5 GiB in one put. A line, of a record of 32 MiB at the most, is not cut. */
const OBJECT_BYTES = 4 * 1024 * MIB

export interface ErrorOutputOptions {
  readonly destination: Destination
  /** A folder of this process for error lines that do not fit in memory. */
  readonly stagingPath: string
  readonly crash: CrashHook
  /** Told of each record that failed, in the order of the batch. */
  readonly onFailure?: (failure: LocatedFailure) => void
  /** Bytes at which an object of error lines is followed by another. Default: 4 GiB. */
  readonly errorObjectBytes?: number
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
  const written = new WrittenLines(staged, options.errorObjectBytes ?? OBJECT_BYTES)
  try {
    const sources = await writeLines(options, attempt, expected, written)
    options.crash('after-error-file')
    const objects: DeliveredObject[] = []
    for (const type of ERROR_TYPES) {
      for (const [part, lines] of written.of(type).entries())
        objects.push(await putErrorObject(options, attempt, { type, part, lines }))
    }
    return { objects, ...sources }
  } finally {
    await written.remove()
  }
}

/** The lines of one object to be. */
interface ErrorPart {
  readonly type: ErrorType
  /** Counts from 0 within its type. */
  readonly part: number
  readonly lines: ErrorLines
}

/** Cut where they have reached a number of bytes, which nothing but the lines themselves decides. */
class WrittenLines {
  readonly #path: string
  readonly #objectBytes: number
  readonly #parts: Readonly<Record<ErrorType, ErrorLines[]>> = byType(() => [])

  /** @param path that the paths of staged lines begin with */
  constructor(path: string, objectBytes: number) {
    this.#path = path
    this.#objectBytes = objectBytes
  }

  async add(type: ErrorType, line: string): Promise<void> {
    const parts = this.#parts[type]
    let lines = parts.at(-1)
    if (lines === undefined || lines.bytes >= this.#objectBytes) {
      lines = new ErrorLines(`${this.#path}-${type}-${parts.length}.ndjson`)
      parts.push(lines)
    }
    await lines.add(line)
  }

  of(type: ErrorType): readonly ErrorLines[] {
    return this.#parts[type]
  }

  /** All that can be, before it rejects for the others. */
  async remove(): Promise<void> {
    const all = ERROR_TYPES.flatMap((type) => this.#parts[type])
    const removed = await Promise.allSettled(all.map((lines) => lines.remove()))
    const failures = removed.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Error] : [],
    )
    if (failures.length > 0)
      throw new AggregateError(
        failures,
        `remove error lines: ${failures.map(({ message }) => message).join('; ')}`,
      )
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
  { batch, plan, piece, records, decided, encoded }: FailedAttempt,
  expected: Readonly<Record<ErrorType, number>>,
  written: WrittenLines,
): Promise<FailedSourceCounts> {
  const { frames, partitions, earlier } = records
  const before = piece?.start.records ?? 0
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
    const ordinal = before + failure.ordinal
    await written.add(failure.errorType, errorLine({ ...failure, ordinal }, batch, plan))
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
  { type: errorType, part, lines }: ErrorPart,
): Promise<DeliveredObject> {
  const { batch, plan, digest, piece } = attempt
  const { destination } = plan
  const key = errorObjectKey({
    ...timesOf(plan),
    prefix: destination.prefix,
    errorOutputPrefix: destination.errorOutputPrefix,
    errorType,
    stream: batch.stream.name,
    version: plan.version,
    oldestArrivalMs: batch.oldestArrivalMs,
    identity: {
      batchId: batch.batchId,
      sourceDigest: digest.value,
      partition: '',
      part,
      ...(piece && { piece: piece.index }),
    },
  })
  const object = { key, body: await lines.finish(), part: part === 0 ? errorType : `${errorType}-${part}` }
  const bytes = await putObject(options.destination, attempt, destination, object)
  options.crash('after-error-put')
  return { bucket: destination.bucket, key, bytes, rows: lines.count, kind: 'error' }
}

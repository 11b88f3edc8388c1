/**
 * The landing of a batch: it is processed and encoded, its objects are put, then an error object for each type of error. Keys
 * and metadata are pure functions of batch and plan, and of what the transform once answered.
 */
import type { Frame } from '../domain/frame.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Plan } from '../domain/plan.ts'
import type { Encoder, PieceStart } from '../domain/ports.ts'
import type { DeliveryAttempt } from './attempt.ts'
import { putDataObjects, type DataObjectsOptions } from './data-objects.ts'
import { DecidedRecords } from './decided-records.ts'
import { putErrors, type ErrorOutput, type ErrorOutputOptions, type FailedAttempt } from './error-output.ts'
import { isOverLimit, objectsOfUndecided, partitionsIn } from './partition-objects.ts'
import { processRecords, type ProcessingOptions, type RecordsToEncode } from './processed-records.ts'

export interface LandingOptions extends ProcessingOptions, DataObjectsOptions, ErrorOutputOptions {
  /** Opens what a pinned plan asks for; careful: in a process of its own. */
  readonly encoderFor: (plan: Plan, careful: boolean) => Promise<Encoder>
}

export interface Landed {
  readonly outcome: Outcome
  /** Of the batch, or of the piece of it that has most; there with dynamic partitioning. */
  readonly partitions?: number
  /** The batch had more partitions than its plan allows. */
  readonly isOverPartitions?: boolean
}

/**
 * Puts everything that the batch yields, and answers what became of it. A batch that processors make very much of is landed
 * piece by piece; each has the time of an attempt.
 */
export async function land(options: LandingOptions, attempt: DeliveryAttempt): Promise<Landed> {
  let { landed, next } = await landPiece(options, attempt)
  for (let index = 1; next !== undefined; index += 1) {
    await attempt.untimed?.(() => Promise.resolve())
    const following = await landPiece(options, { ...attempt, piece: { index, start: next } })
    landed = together(landed, following.landed)
    next = following.next
  }
  return landed
}

interface LandedPiece {
  readonly landed: Landed
  readonly next: PieceStart | undefined
}

async function landPiece(options: LandingOptions, attempt: DeliveryAttempt): Promise<LandedPiece> {
  const records = await processRecords(options, attempt)
  try {
    options.crash('after-process')
    const outcome = await landRecords(options, attempt, records)
    const { partitions } = records
    const next = records.next()
    if (partitions === undefined) return { landed: { outcome }, next }
    const isOverPartitions = isOverLimit(partitions)
    return { landed: { outcome, partitions: partitionsIn(partitions), isOverPartitions }, next }
  } finally {
    await records.dispose()
  }
}

async function landRecords(
  options: LandingOptions,
  attempt: DeliveryAttempt,
  records: RecordsToEncode,
): Promise<Outcome> {
  const { batch, plan, careful, signal } = attempt
  const encoder = await options.encoderFor(plan, careful)
  const decided = new DecidedRecords(records)
  const frames = () => decided.without(records.frames())
  const objectOf = records.partitions && objectsOfUndecided(records.partitions)
  const input = { batch, plan, frames, careful, signal, ...(objectOf && { objectOf }) }
  const encoded = await encoder.encode(input)
  try {
    options.crash('after-encode')
    await identify(attempt)
    return await landEncoded(options, {
      ...attempt,
      records,
      encoded,
      decided: decided.found,
      ...(records.derived && { derived: records.derived }),
    })
  } finally {
    await encoded.dispose()
  }
}

/** Reads the batch if nothing had to: what a transform answered in an earlier attempt is read in its place. */
async function identify({ digest, frames, signal }: DeliveryAttempt): Promise<void> {
  if (!digest.isKnown) await readThrough(frames(), signal)
}

/** Answers the records in them. */
async function readThrough(frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<number> {
  let records = 0
  for await (const frame of frames) {
    signal.throwIfAborted()
    records += frame.records
  }
  return records
}

async function landEncoded(options: LandingOptions, attempt: FailedAttempt): Promise<Outcome> {
  const { encoded, records } = attempt
  assertCounts(attempt)
  const objects = await putDataObjects(options, attempt, encoded.objects, records.partitions)
  const errors = await putErrors(options, attempt)
  return outcomeOf(attempt, [...objects, ...errors.objects], errors, await yieldingSources(attempt))
}

/** A processor that lost a record, or invented one, lands nothing. */
function assertCounts({ batch, records, decided }: FailedAttempt): void {
  if (!records.hasParts && decided.total !== batch.records)
    throw new Error(`land batch ${batch.batchId}: ${decided.total} records were made of ${batch.records}`)
  const partitioned = records.partitions?.objectOf.length ?? decided.total
  if (partitioned !== decided.total)
    throw new Error(
      `land batch ${batch.batchId}: ${partitioned} of ${decided.total} records were partitioned`,
    )
}

/**
 * Source records of which nothing failed before the encoder, and something is in an object or was refused by the encoder. What
 * an encoder drops is all that an object would have held; it refuses nothing then.
 */
async function yieldingSources({ records, decided, encoded, signal }: FailedAttempt): Promise<number> {
  if (encoded.dropped === 0) return decided.yielding
  if (!records.hasParts) return decided.yielding - encoded.dropped
  const made = new Set(encoded.objects.map(({ part }) => part))
  const again = new DecidedRecords({ ...records, isEmpty: (object) => !made.has(object) })
  await readThrough(again.without(records.frames()), signal)
  return again.found.yielding
}

function outcomeOf(
  { batch, encoded, records, piece }: FailedAttempt,
  objects: Outcome['objects'],
  { failed, refused, errors }: ErrorOutput,
  yielding: number,
): Outcome {
  const received = (records.next()?.records ?? batch.records) - (piece?.start.records ?? 0)
  const delivered = yielding - refused
  const dropped = received - failed - delivered
  if (delivered < 0 || dropped < 0)
    throw new Error(
      `count records of ${batch.batchId}: ${delivered} delivered and ${failed} failed of ${received}`,
    )
  return { delivered, failed, dropped, rows: encoded.rows, errors, objects }
}

/** Of pieces that follow one another. Their partitions may be the same ones. */
function together(before: Landed, after: Landed): Landed {
  const outcome = joined(before.outcome, after.outcome)
  if (before.partitions === undefined || after.partitions === undefined) return { outcome }
  return {
    outcome,
    partitions: Math.max(before.partitions, after.partitions),
    isOverPartitions: before.isOverPartitions === true || after.isOverPartitions === true,
  }
}

function joined(before: Outcome, after: Outcome): Outcome {
  const errors = { ...before.errors }
  for (const [code, count] of Object.entries(after.errors)) errors[code] = (errors[code] ?? 0) + count
  return {
    delivered: before.delivered + after.delivered,
    failed: before.failed + after.failed,
    dropped: before.dropped + after.dropped,
    rows: before.rows + after.rows,
    errors,
    objects: [...before.objects, ...after.objects],
  }
}

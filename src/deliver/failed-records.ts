/**
 * Every failed record of a batch, in the order of the batch: those that the encoder refused and those whose verdict was
 * given before. An encoder counts only the records that it saw and knows nothing of where they came from, so a batch with
 * metadata is read once more, in step with what failed.
 */
import type { Frame } from '../domain/frame.ts'
import type { FailedRecord } from '../domain/ports.ts'
import type { ErrorType, RecordMetadata, RecordVerdict } from '../domain/record-metadata.ts'
import { recordsWithMetadata, type Decided } from './decided-records.ts'

/** A failed record with its place in the batch. */
export interface LocatedFailure extends FailedRecord {
  readonly errorType: ErrorType
  /** Where Kinesis had it; absent for a record that came by the API. */
  readonly source?: RecordSource
}

export interface RecordSource {
  readonly sequenceNumber: string
  /** Place in a KPL aggregate, from 0; absent for a record that came alone. */
  readonly subSequenceNumber?: number
}

export interface FailedRecordsInput {
  /** Reads the whole batch, records with a verdict among the others. */
  readonly frames: () => AsyncIterable<Frame>
  readonly decided: Decided
  /** What the encoder refused, in order. */
  readonly failures: AsyncIterable<FailedRecord>
}

/** Nothing is read again for a batch that came by the API. One frame and two records are in memory at a time. */
export function failedRecords({
  frames,
  decided,
  failures,
}: FailedRecordsInput): AsyncIterable<LocatedFailure> {
  if (!decided.hasMetadata) return asTheyAre(failures)
  const verdicts = Object.values(decided.records).reduce((sum, count) => sum + count, 0)
  return located(frames, verdicts, failures)
}

async function* asTheyAre(failures: AsyncIterable<FailedRecord>): AsyncGenerator<LocatedFailure> {
  for await (const failure of failures) yield { ...failure, errorType: 'format-conversion-failed' }
}

async function* located(
  frames: () => AsyncIterable<Frame>,
  verdicts: number,
  failures: AsyncIterable<FailedRecord>,
): AsyncGenerator<LocatedFailure> {
  const refusals = failures[Symbol.asyncIterator]()
  let verdictsLeft = verdicts
  /** Of the frame at hand: records of the batch before it, and how many of them the encoder saw. */
  let [ordinal, seen] = [0, 0]
  try {
    let refused = await nextOf(refusals)
    for await (const frame of frames()) {
      if (refused === undefined && verdictsLeft === 0) return
      const isClean = refused === undefined || refused.ordinal >= seen + frame.records
      if (isClean && !frame.isDecided) {
        ordinal += frame.records
        seen += frame.records
        continue
      }
      for (const { record, metadata } of recordsOf(frame)) {
        if (metadata?.verdict !== undefined) {
          yield byVerdict(ordinal, record, metadata, metadata.verdict)
          verdictsLeft -= 1
        } else {
          if (refused?.ordinal === seen) {
            yield byEncoder(ordinal, refused, metadata)
            refused = await nextOf(refusals)
          }
          seen += 1
        }
        ordinal += 1
      }
    }
    if (refused !== undefined)
      throw new Error(`place failed record ${refused.ordinal}: the encoder saw ${seen} records, or passed it`)
  } finally {
    await refusals.return?.()
  }
}

async function nextOf<T>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const { done, value } = await iterator.next()
  return done === true ? undefined : value
}

function* recordsOf(
  frame: Frame,
): Generator<{ readonly record: Buffer; readonly metadata?: RecordMetadata }> {
  if (frame.header.metadataBytes > 0) yield* recordsWithMetadata(frame)
  else for (const record of frame.recordViews()) yield { record }
}

function byVerdict(
  ordinal: number,
  rawData: Buffer,
  metadata: RecordMetadata,
  verdict: RecordVerdict,
): LocatedFailure {
  return { ordinal, rawData, arrivalMs: metadata.arrivalMs, ...verdict, source: metadata }
}

function byEncoder(
  ordinal: number,
  failure: FailedRecord,
  metadata: RecordMetadata | undefined,
): LocatedFailure {
  const errorType = 'format-conversion-failed'
  if (metadata === undefined) return { ...failure, ordinal, errorType }
  return { ...failure, ordinal, errorType, arrivalMs: metadata.arrivalMs, source: metadata }
}

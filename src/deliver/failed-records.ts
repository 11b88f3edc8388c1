/**
 * Every record of a batch that failed, in the order of the batch: those that the encoder refused and those whose verdict was
 * given before, by partitioning too. An encoder counts only the records that it saw and knows nothing of where they came from,
 * so a batch of which more is known is read once more, in step with what failed.
 */
import type { Frame } from '../domain/frame.ts'
import type { FailedRecord, Partitions } from '../domain/ports.ts'
import type { ErrorType, RecordVerdict } from '../domain/record-metadata.ts'
import { recordsOf, type Decided, type RecordOfFrame } from './decided-records.ts'
import { isAnyRefused, partitionVerdict } from './partition-objects.ts'

/** A failed record with its place in the batch. `ordinal` is that of its source record. */
export interface LocatedFailure extends FailedRecord {
  readonly errorType: ErrorType
  readonly decidedBy: 'encoder' | 'verdict'
  /** Its own ordinal, among the records that the sources were made into. */
  readonly place: number
  /** Calls that were made for it; absent: one. */
  readonly attemptsMade?: number
  /** Where Kinesis had it; absent for a record that came by the API. */
  readonly source?: RecordSource
}

export interface RecordSource {
  readonly sequenceNumber: string
  /** Place in a KPL aggregate, from 0; absent for a record that came alone. */
  readonly subSequenceNumber?: number
}

export interface FailedRecordsInput {
  /** Reads the whole batch, the decided records among the others. */
  readonly frames: () => AsyncIterable<Frame>
  readonly decided: Decided
  readonly partitions?: Partitions | undefined
  /** What the encoder refused, in order. */
  readonly failures: AsyncIterable<FailedRecord>
}

/** Nothing is read again for a batch that came by the API and went to the encoder whole. One frame and two records are in memory at a time. */
export function failedRecords(input: FailedRecordsInput): AsyncIterable<LocatedFailure> {
  const verdicts = Object.values(input.decided.records).reduce((sum, count) => sum + count, 0)
  if (!input.decided.hasMetadata && verdicts === 0) return asTheyAre(input.failures)
  return located(input, verdicts)
}

async function* asTheyAre(failures: AsyncIterable<FailedRecord>): AsyncGenerator<LocatedFailure> {
  for await (const failure of failures)
    yield {
      ...failure,
      errorType: 'format-conversion-failed',
      decidedBy: 'encoder',
      place: failure.ordinal,
    }
}

async function* located(
  { frames, partitions, failures }: FailedRecordsInput,
  verdicts: number,
): AsyncGenerator<LocatedFailure> {
  const refusals = failures[Symbol.asyncIterator]()
  let verdictsLeft = verdicts
  /** Records of the batch before the one at hand, and how many of them the encoder saw. */
  let [place, seen] = [0, 0]
  try {
    let refused = await nextOf(refusals)
    for await (const frame of frames()) {
      if (refused === undefined && verdictsLeft === 0) return
      const isClean = refused === undefined || refused.ordinal >= seen + frame.records
      if (isClean && !frame.isDecided && !isAnyRefused(partitions, place, frame.records)) {
        place += frame.records
        seen += frame.records
        continue
      }
      for (const entry of recordsOf(frame)) {
        const isDropped = entry.metadata?.isDropped === true
        const verdict =
          entry.metadata?.verdict ?? (isDropped ? undefined : partitionVerdict(partitions, place))
        if (verdict !== undefined) {
          yield byVerdict(place, entry, frame, verdict)
          verdictsLeft -= 1
        } else if (!isDropped) {
          if (refused?.ordinal === seen) {
            yield byEncoder(place, entry, refused)
            refused = await nextOf(refusals)
          }
          seen += 1
        }
        place += 1
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

function byVerdict(
  place: number,
  { record, metadata }: RecordOfFrame,
  { arrivalMs }: Frame,
  verdict: RecordVerdict,
): LocatedFailure {
  return {
    ...verdict,
    ...placeOf(place, metadata),
    decidedBy: 'verdict',
    rawData: record,
    arrivalMs: metadata?.arrivalMs ?? arrivalMs,
  }
}

function byEncoder(place: number, { metadata }: RecordOfFrame, failure: FailedRecord): LocatedFailure {
  return {
    ...failure,
    ...placeOf(place, metadata),
    decidedBy: 'encoder',
    errorType: 'format-conversion-failed',
    arrivalMs: metadata?.arrivalMs ?? failure.arrivalMs,
  }
}

function placeOf(
  place: number,
  metadata: RecordOfFrame['metadata'],
): Pick<LocatedFailure, 'place' | 'ordinal' | 'source'> {
  const ordinal = metadata?.origin ?? place
  // What came by the API has none, whatever processors noted of it.
  if (metadata === undefined || metadata.sequenceNumber === '') return { place, ordinal }
  return { place, ordinal, source: metadata }
}

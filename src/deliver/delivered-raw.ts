/**
 * Which bytes an error record holds. As a rule those of the record where it failed: what was sent to the transform, what the
 * encoder was given. Two are of an earlier stage (docs.aws.amazon.com/firehose/latest/dev/data-transformation.html):
 *
 * - partition keys that were not found: the record as it was before the transform;
 * - a stream that decompresses, whatever fails after that: the compressed record as it was received. It stands for all that
 *   was in it, so it is there once for each type of error, with the first failure in it.
 */
import type { Frame } from '../domain/frame.ts'
import type { ErrorType } from '../domain/record-metadata.ts'
import type { LocatedFailure } from './failed-records.ts'
import { RecordCursor } from './record-cursor.ts'

export interface EarlierRecords {
  /** Source records; there when the stream decompresses. */
  readonly compressed?: (() => AsyncIterable<Frame>) | undefined
  /** Records place by place before the transform; there when the stream has one. */
  readonly untransformed?: (() => AsyncIterable<Frame>) | undefined
}

/** What was sent to the error prefix as it came cannot have been decompressed. */
const NOT_DECOMPRESSED: ErrorType = 'decompression-failed'
const OF_PARTITIONING: readonly ErrorType[] = ['metadata-extraction-failed', 'partitioning-failed']

/** The failures in order, with the bytes that are written. A record is read only when it is needed. */
export async function* deliveredRaw(
  failures: AsyncIterable<LocatedFailure>,
  { compressed, untransformed }: EarlierRecords,
): AsyncGenerator<LocatedFailure> {
  const sources = compressed && new RecordCursor(compressed())
  const before = untransformed && new RecordCursor(untransformed())
  const lastOf = new Map<ErrorType, number>()
  try {
    for await (const failure of failures) {
      const { errorType, ordinal, place } = failure
      if (sources !== undefined && errorType !== NOT_DECOMPRESSED) {
        if (lastOf.get(errorType) === ordinal) continue
        lastOf.set(errorType, ordinal)
        yield { ...failure, rawData: await sources.at(ordinal) }
      } else if (before !== undefined && OF_PARTITIONING.includes(errorType)) {
        yield { ...failure, rawData: await before.at(place) }
      } else yield failure
    }
  } finally {
    await sources?.close()
    await before?.close()
  }
}

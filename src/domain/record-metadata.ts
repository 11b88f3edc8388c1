/**
 * What is known of each record of a frame beside its bytes: where it came from, what it was made of, what a transform said
 * of it, and a verdict if one was given before conversion (a record beyond Firehose's limit, an aggregate that cannot be
 * read, a record that a processor refused). metadata-section is how it travels.
 */
/** `error-output-type` of a record that goes to the error prefix, in the order of the stages that decide it. */
export const ERROR_TYPES = [
  'decompression-failed',
  'processing-failed',
  'metadata-extraction-failed',
  'partitioning-failed',
  'format-conversion-failed',
] as const
export type ErrorType = (typeof ERROR_TYPES)[number]

/** Decided before conversion; the record goes to the error prefix as it is. */
export interface RecordVerdict {
  readonly errorType: ErrorType
  readonly code: string
  readonly message: string
  /** Calls that were made for it; absent: one. */
  readonly attemptsMade?: number
}

/** Values of partition keys by name. */
export type PartitionKeys = Readonly<Record<string, string>>

export interface RecordMetadata {
  /** ApproximateArrivalTimestamp, epoch ms; of a record that came by the API, when its frame came. */
  readonly arrivalMs: number
  /** Of Kinesis; empty for a record that came by the API. */
  readonly sequenceNumber: string
  /** Place in a KPL aggregate, from 0; absent for a record that came alone. */
  readonly subSequenceNumber?: number
  /** Of Kinesis. */
  readonly partitionKey: string
  readonly verdict?: RecordVerdict
  /** Ordinal, within its batch, of the source record that it was made from; absent: that of its own place. */
  readonly origin?: number
  /** The transform answered Dropped: it yields nothing and is no failure. */
  readonly isDropped?: true
  /** What the transform answered, for !{partitionKeyFromLambda:…}. */
  readonly partitionKeys?: PartitionKeys
}

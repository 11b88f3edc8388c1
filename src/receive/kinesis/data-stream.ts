/**
 * A Kinesis data stream as its readers see it. `kinesis-client.ts` is the real one; tests bring a simulated one.
 *
 * Every call is a single attempt: whoever calls decides when to call again. All reject with DataStreamError, or with the
 * signal's reason once it aborts.
 */
import type { Checkpoint } from '../../domain/shard.ts'

export interface DataStream {
  readonly arn: string
  /** When this stream was created, epoch ms: tells a re-created stream from the one before. DescribeStream. */
  createdAt(signal: AbortSignal): Promise<number>
  /**
   * Every shard that is listed, page by page: open ones and closed ones within the retention; with `openAt` those that
   * were open then (TRIM_HORIZON or a time). ListShards.
   */
  listShards(openAt: Checkpoint | undefined, signal: AbortSignal): Promise<readonly ListedShard[]>
  /** An iterator behind `checkpoint`, which is not SHARD_END. GetShardIterator. */
  iterator(shardId: string, checkpoint: Checkpoint, signal: AbortSignal): Promise<string>
  /** GetRecords, at most 10,000 records and 10 MiB; fewer with `most`, from 1. */
  read(iterator: string, signal: AbortSignal, most?: number): Promise<ReadAnswer>
}

export interface ListedShard {
  readonly shardId: string
  /** Shard ids: none, one, or two after a merge. Those of trimmed shards too. */
  readonly parents: readonly string[]
  /** First and last hash key, decimal. */
  readonly hashRange: readonly [first: string, last: string]
  readonly isClosed: boolean
}

/** A record as Kinesis has it: perhaps a KPL aggregate. */
export interface SourceRecord {
  readonly data: Uint8Array
  readonly partitionKey: string
  readonly sequenceNumber: string
  /** ApproximateArrivalTimestamp, epoch ms; not in order. */
  readonly arrivalMs: number
}

export interface ReadAnswer {
  readonly records: readonly SourceRecord[]
  /** Undefined: the shard is closed, and with these records it has been read to its end. */
  readonly nextIterator: string | undefined
  /** How far behind the tip of the shard this read was. */
  readonly behindMs: number
  /** At the end of the shard: those it was split or merged into, where the service names them. */
  readonly children: readonly ListedShard[]
  /** Of the records' data and partition keys, which is what the limits of Kinesis count. */
  readonly bytes: number
}

export type DataStreamErrorKind =
  /** Too many calls or bytes: ask later. */
  | 'throttled'
  /** The iterator is older than five minutes: ask for another. */
  | 'expired'
  /** The shard or the stream is not there. */
  | 'gone'
  /** An argument is refused: a checkpoint that the shard does not have, or a time that has not come. */
  | 'invalid'
  /** Credentials, a role or a KMS key do not allow it. */
  | 'denied'
  /** No answer, or a failure of the service. */
  | 'unavailable'

export class DataStreamError extends Error {
  override readonly name = 'DataStreamError'
  readonly kind: DataStreamErrorKind
  /** AWS's, such as `ProvisionedThroughputExceededException`, or the system's, such as `ECONNREFUSED`. */
  readonly code: string
  /** What the operator can do next. */
  readonly hint: string | undefined
  constructor(
    message: string,
    options: { kind: DataStreamErrorKind; code: string; cause?: unknown; hint?: string },
  ) {
    super(message, { cause: options.cause })
    this.kind = options.kind
    this.code = options.code
    this.hint = options.hint
  }
}

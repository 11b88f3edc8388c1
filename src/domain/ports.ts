/**
 * The ports: the only way that stages meet. They are joined in `app.ts`.
 *
 * Every promise that may wait takes an AbortSignal or is bounded by its adapter's time-outs. A store call whose outcome is
 * unknown rejects with BufferUnavailableError; nothing else about it may be assumed.
 */
import type { SealedBatch } from './batch.ts'
import type { Column, FormatConversion, StreamRef, TableRef } from './delivery-stream.ts'
import type { Frame } from './frame.ts'
import type { ConvertingEngine, Plan } from './plan.ts'
import type { PartitionKeys, RecordVerdict } from './record-metadata.ts'
import type { Checkpoint, ShardPosition } from './shard.ts'

export type * from './store-ports.ts'

/** `now`: the wall clock, epoch ms; it names objects. `monotonicMs`: for ages and deadlines. */
export interface Clock {
  now(): number
  monotonicMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/**
 * Takes responsibility for a frame. Resolves only when it is durable (`accepted`) or refused as a whole. Hidden behind
 * it: group commit, append ids, back-pressure, accounting. Rejects with BufferUnavailableError when the outcome is unknown.
 */
export type Accept = (stream: StreamRef, frame: Frame) => Promise<Accepted>
export type Accepted =
  | { readonly kind: 'accepted'; readonly appendSequence: number }
  | { readonly kind: 'throttled' }
  /** This incarnation is not there, or not ACTIVE. */
  | { readonly kind: 'refused' }

/** The same for records read from a shard: frames are taken all or none, and the shard's checkpoint moves with them. */
export type AcceptFromShard = (
  frames: readonly Frame[],
  position: ShardPosition,
) => Promise<Accepted | OutOfPlace>

/** A shard's reader is not where the store has the shard. Nothing was taken. */
export type OutOfPlace =
  /** The lease is another's, or has run out: stop reading. */
  | { readonly kind: 'fenced' }
  /** The shard's checkpoint is not the one that the records follow: go on from it. */
  | { readonly kind: 'gap'; readonly checkpoint: Checkpoint }

/** Sees to it that the stream's oldest sealed batches have jobs. Idempotent; a sweep heals what is lost. */
export type Dispatch = (stream: StreamRef) => Promise<void>

/** The engine that converts the batches that this process plans. */
export interface PlannedEngine {
  readonly engine: ConvertingEngine
  readonly version: string
  /** @throws EncoderError that says what of these columns it cannot convert to, or nobody can */
  checkColumns(columns: readonly Column[], conversion: FormatConversion): void
}

/** Columns of a catalog's table, in order. Rejects with EncoderError `EntityNotFound` when there is no such table. */
export type ResolveColumns = (table: TableRef) => Promise<readonly Column[]>

export type ObjectBody =
  | { readonly bytes: Uint8Array; readonly path?: never }
  | { readonly path: string; readonly length: number; readonly bytes?: never }

/**
 * Where a piece of a batch begins. Processors may make many times of a batch what it was, so they take as much of it at a
 * time as is bounded in memory and on disk: as a rule all, else pieces one after another, each of whole frames.
 */
export interface PieceStart {
  /** Of the batch before it: frames, records, and the records that these were made into. */
  readonly frames: number
  readonly records: number
  readonly made: number
  /** Bytes that decompression made of them beyond what it may make of any record. */
  readonly excessBytes: number
}

export interface ProcessInput {
  readonly batch: SealedBatch
  readonly plan: Plan
  /** Absent: the start of the batch. */
  readonly piece?: PieceStart
  /** Reads the batch, as it was received, from the start of the piece; may be called again. */
  readonly frames: () => AsyncIterable<Frame>
  /** Set for a batch that killed processes: what reads its records does so in a process of its own. */
  readonly careful?: boolean
  readonly signal: AbortSignal
  /** Runs what takes as long as somebody else's program takes, and has limits of its own; that of an attempt does not count meanwhile. */
  readonly untimed?: <T>(run: () => Promise<T>) => Promise<T>
  /**
   * The same, for what is done elsewhere and takes neither a core nor much memory of this process, which works on another
   * batch meanwhile. It ends when the signal that it is given aborts: that of the attempt, or because others wait for it.
   */
  readonly lend?: <T>(run: (signal: AbortSignal) => Promise<T>) => Promise<T>
}

/**
 * What processors and partitioning make of a batch, or of a piece of it. Its records are in the order of the batch; each has
 * an ordinal among them, which counts from 0, and its metadata say what it was made from where that is not the source record
 * of its place; source records count from the start of the piece.
 */
export interface Processed {
  /** Records for the encoder, and between them those that have a verdict or were dropped. May be called again. */
  frames(): AsyncIterable<Frame>
  /** The same records, place by place, as they were before the transform; `frames` where there is none. */
  untransformed(): AsyncIterable<Frame>
  /** There with dynamic partitioning. */
  readonly partitions?: Partitions
  /** Where the next piece begins, if there is one, once `frames` was read to its end. Absent: all of the batch was taken. */
  readonly next?: () => PieceStart | undefined
  /** Removes what was staged. */
  dispose(): Promise<void>
}

/** The objects of a batch, and which of its records each holds. */
export interface Partitions {
  /** In order of their first records. */
  readonly objects: readonly PartitionObject[]
  /**
   * By ordinal: the index of the record's object; from PARTITION_VERDICT on that plus the index of its verdict. Of a
   * record that failed or was dropped before: NOT_PARTITIONED.
   */
  readonly objectOf: Uint32Array
  readonly verdicts: readonly RecordVerdict[]
}

export const PARTITION_VERDICT = 0x8000_0000
export const NOT_PARTITIONED = 0xffff_ffff

export interface PartitionObject {
  /** Values of the keys in the Prefix. */
  readonly queryKeys: PartitionKeys
  readonly lambdaKeys: PartitionKeys
  /** Counts from 0 within its partition. */
  readonly part: number
  /** Of its oldest record, epoch ms; names the object. */
  readonly oldestArrivalMs: number
}

/** Runs the processors of a plan, and decides which object a record goes to. Deterministic once a transform's answers are kept. */
export interface Processors {
  process(input: ProcessInput): Promise<Processed>
}

export interface EncodeInput {
  readonly batch: SealedBatch
  readonly plan: Plan
  /** Reads the batch from its start, without records that failed or were dropped; may be called again. */
  readonly frames: () => AsyncIterable<Frame>
  /** With dynamic partitioning: the object of each record, by ordinal of the records in `frames`. */
  readonly objectOf?: Uint32Array
  /** Set for a batch that killed a process: in a process of its own, by the slow path, in slices. */
  readonly careful: boolean
  readonly signal: AbortSignal
}

/** One object to be. Never empty. */
export interface EncodedObject {
  /** 0; with dynamic partitioning the index of the object, ascending from one to the next. */
  readonly part: number
  readonly rows: number
  readonly body: ObjectBody
  /** With its dot, or empty. */
  readonly extension: string
  readonly contentEncoding?: string
}

/** A record with an error, as it came. */
export interface FailedRecord {
  /** Counts from 0 within a batch. */
  readonly ordinal: number
  readonly arrivalMs: number
  readonly code: string
  readonly message: string
  readonly rawData: Uint8Array
}

export interface Encoded {
  readonly objects: readonly EncodedObject[]
  readonly rows: number
  /** Failed records by code; their sum is the number of failed records. */
  readonly errors: Readonly<Record<string, number>>
  /** Records that yield nothing. */
  readonly dropped: number
  /** The failed records in order, a few in memory at a time. */
  failures(): AsyncIterable<FailedRecord>
  /** Removes staged files. */
  dispose(): Promise<void>
}

/**
 * Turns a batch into objects. Deterministic: the same frames and plan give the same rows and verdicts in the same order,
 * in every process. Memory is bounded by configuration. Rejects with EncoderError when it cannot run now.
 */
export interface Encoder {
  encode(input: EncodeInput): Promise<Encoded>
}

export interface ObjectToPut {
  readonly bucket: string
  readonly key: string
  readonly body: ObjectBody
  readonly contentType: string
  readonly contentEncoding?: string
  /** Encrypt with this key (SSE-KMS); absent: the bucket's default. */
  readonly kmsKeyArn?: string
  /** Put under this role where roles are assumed; absent: the process's own credentials. */
  readonly roleArn?: string
  /** Identifies the content; an object under the same key with equal metadata is this object. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Where objects land. Success means durable and visible. Putting the same object again is harmless. Fails with DestinationError. */
export interface Destination {
  /** Answers the bytes stored. */
  put(object: ObjectToPut, signal: AbortSignal): Promise<number>
  /** Rejects with a sentence and a hint when the bucket cannot be reached. @param roleArn as in ObjectToPut */
  check(bucket: string, signal: AbortSignal, roleArn?: string): Promise<void>
}

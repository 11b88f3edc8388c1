/**
 * The stages within processing: the local processors, the transform, which leaves the process, and the partitioning.
 * processors.ts joins them.
 *
 * To each, a record's ordinal counts the records of the frames that they are given, and `origin` in its metadata is the
 * ordinal of its source record; where that is absent it is the record's own place. A record that has a verdict or was
 * dropped is among them and passes untouched.
 */
import type { Partitioning, Transform } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import type { Partitions, ProcessInput } from '../domain/ports.ts'
import type { PieceOptions } from './local.ts'
import type { Piece } from './piece.ts'

/** Reads records from their start; may be called again. */
export type Frames = () => AsyncIterable<Frame>

/** What comes before the transform, made of a piece of a batch; a function of the frames and the plan alone. */
export type LocalPiece = Pick<Piece, 'frames' | 'rest' | 'isKnown' | 'next' | 'places'> & {
  /** Removes what was staged. */
  dispose?(): Promise<void>
}

/** Undefined where nothing makes others of the records. Nothing is done before they are read. */
export type OpenPiece = (input: ProcessInput, options: PieceOptions) => LocalPiece | undefined

export interface TransformInput extends Pick<ProcessInput, 'batch' | 'plan' | 'signal'> {
  readonly transform: Transform
  /** Read once, in order; frames that were not asked for are not in memory. */
  readonly frames: AsyncIterable<Frame>
}

/** Sends records out, and answers what came back. Rejects when it cannot tell what becomes of a record. */
export interface TransformStage {
  /**
   * For every record of the input, in order, exactly one: what the transform made of it, with the partition keys it named;
   * or the record as it was, with a verdict (processing-failed and the attempts made); or a dropped one. Each has an
   * `origin`, also those that only passed. Need not answer twice alike: what it gives is kept before anything is made of it.
   */
  transform(input: TransformInput): AsyncIterable<Frame>
}

export interface PartitionInput extends Pick<ProcessInput, 'batch' | 'plan' | 'signal' | 'untimed'> {
  readonly partitioning: Partitioning
  /** The records after the transform, without the delimiter that may be appended to them. */
  readonly frames: Frames
}

export type DisposablePartitions = Partitions & {
  /** Removes what was staged. */
  dispose(): Promise<void>
}

/** Decides which object each record goes to: a function of the frames and the plan alone. */
export interface PartitionStage {
  partition(input: PartitionInput): Promise<DisposablePartitions>
}

/** Those that read what is in a record. */
export interface Stages {
  readonly piece: OpenPiece
  readonly partition: PartitionStage
}

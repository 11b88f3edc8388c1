/** An attempt at a batch under its pinned plan, and its puts: each object carries the metadata that identifies it (G2). */
import { batchSequence, type SealedBatch } from '../domain/batch.ts'
import type { S3Place } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import type { Plan } from '../domain/plan.ts'
import type { Destination, ObjectBody, PieceStart, ProcessInput } from '../domain/ports.ts'
import type { DerivedDigest, SourceDigest } from './source-digest.ts'

const CONTENT_TYPE = 'application/octet-stream'

export interface DeliveryAttempt {
  readonly batch: SealedBatch
  readonly plan: Plan
  readonly planDigest: string
  /** Reads the whole batch, as it was received. Every reading passes the digest. */
  readonly frames: () => AsyncIterable<Frame>
  readonly digest: SourceDigest
  /** Of what the transform made of it; there with one, once its records are processed. */
  readonly derived?: DerivedDigest
  /** The batch has killed processes: what reads its records does so in one of its own. */
  readonly careful: boolean
  readonly signal: AbortSignal
  /** Absent: the first one, as a rule all of the batch. */
  readonly piece?: BatchPiece
  /** Runs what has time limits of its own: that of the attempt does not count meanwhile. */
  readonly untimed?: NonNullable<ProcessInput['untimed']>
  /** The same, for what is done elsewhere: another batch has the place of the attempt meanwhile. */
  readonly lend?: NonNullable<ProcessInput['lend']>
}

/** What of a batch is processed and landed at a time. */
export interface BatchPiece {
  /** Counts from 0. */
  readonly index: number
  readonly start: PieceStart
}

export interface ObjectOfBatch {
  readonly key: string
  readonly body: ObjectBody
  /** Tells the objects of a batch apart, or of one of its pieces. */
  readonly part: string
  readonly contentEncoding?: string
}

/** Answers the bytes stored. */
export async function putObject(
  destination: Destination,
  { batch, planDigest, digest, derived, piece, signal }: DeliveryAttempt,
  { bucket, kmsKeyArn, roleArn }: S3Place,
  { part, ...object }: ObjectOfBatch,
): Promise<number> {
  signal.throwIfAborted()
  return destination.put(
    {
      bucket,
      contentType: CONTENT_TYPE,
      metadata: {
        'hydrant-batch': `${batch.stream.incarnation}/${batch.batchId}`,
        'hydrant-sequence': String(batchSequence(batch.batchId)),
        'hydrant-source': digest.value,
        ...(derived && { 'hydrant-derived': derived.value }),
        'hydrant-plan': planDigest,
        'hydrant-part': piece === undefined ? part : `${piece.index}/${part}`,
      },
      ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
      ...(roleArn === undefined ? {} : { roleArn }),
      ...object,
    },
    signal,
  )
}

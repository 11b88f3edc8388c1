/**
 * The records of a batch on their way to the encoder: as they were received, or as processors and partitioning made them.
 * A plan that asks for neither costs nothing here.
 */
import type { Log } from '../account/log.ts'
import type { Frame } from '../domain/frame.ts'
import { PROCESSORS_VERSION, type Plan } from '../domain/plan.ts'
import type { Partitions, PieceStart, Processors } from '../domain/ports.ts'
import type { DeliveryAttempt } from './attempt.ts'
import type { EarlierRecords } from './delivered-raw.ts'
import { DerivedDigest } from './source-digest.ts'

export interface ProcessingOptions {
  readonly processors: Processors
  readonly log: Log
}

export interface RecordsToEncode {
  /** The records of the piece, the decided ones among them; may be called again. */
  readonly frames: () => AsyncIterable<Frame>
  readonly partitions?: Partitions | undefined
  /** A source record may have been made into several, or into none. */
  readonly hasParts: boolean
  /** What error records may hold in place of a record as it failed. */
  readonly earlier: EarlierRecords
  /** There with a transform. Every reading passes it. */
  readonly derived?: DerivedDigest
  /** Where the next piece of the batch begins, if there is one, once the records were read to their end. */
  readonly next: () => PieceStart | undefined
  readonly dispose: () => Promise<void>
}

export async function processRecords(
  { processors, log }: ProcessingOptions,
  { batch, plan, frames: ofBatch, piece, careful, signal, untimed, lend }: DeliveryAttempt,
): Promise<RecordsToEncode> {
  const { processing, partitioning } = plan.destination
  if (processing === undefined && partitioning === undefined)
    return { frames: ofBatch, hasParts: false, earlier: {}, next: nothing, dispose: () => Promise.resolve() }
  if (piece === undefined) warnOfVersion(log, batch.batchId, plan)
  const frames = piece === undefined ? ofBatch : () => framesFrom(ofBatch(), piece.start.frames)
  const processed = await processors.process({
    batch,
    plan,
    frames,
    careful,
    signal,
    ...(piece && { piece: piece.start }),
    ...(untimed && { untimed }),
    ...(lend && { lend }),
  })
  const { partitions } = processed
  const derived = processing?.transform && new DerivedDigest()
  const made = (): AsyncIterable<Frame> => processed.frames()
  return {
    frames: derived === undefined ? made : () => derived.over(made()),
    partitions,
    hasParts: processing?.decompression !== undefined || processing?.deaggregation !== undefined,
    earlier: {
      compressed: processing?.decompression && frames,
      untransformed: processing?.transform && (() => processed.untransformed()),
    },
    ...(derived && { derived }),
    next: () => processed.next?.(),
    dispose: () => processed.dispose(),
  }
}

const nothing = (): undefined => undefined

/** Without the first ones. */
async function* framesFrom(frames: AsyncIterable<Frame>, first: number): AsyncGenerator<Frame> {
  let index = 0
  for await (const frame of frames) {
    if (index >= first) yield frame
    index += 1
  }
}

/** What another version pinned is carried out by this one, as with engines. */
function warnOfVersion(log: Log, batchId: string, { processorsVersion }: Plan): void {
  if (processorsVersion === PROCESSORS_VERSION) return
  log.warn({ batchId, processorsVersion, ours: PROCESSORS_VERSION }, 'plan of another version was taken')
}

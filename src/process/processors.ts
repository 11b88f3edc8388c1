/**
 * The stage between buffer and conversion, in Firehose's fixed order whatever the order in the request: Decompression with
 * CloudWatchLogProcessing, RecordDeAggregation, the transform, the partition keys, AppendDelimiterToRecord.
 *
 * Everything but the transform is a function of batch and plan, and is made again whenever it is read, so that nothing of a
 * batch is held. What the transform answers is kept in the buffer before anything is made of it (`derive`), and read from
 * there by this attempt and every later one: a function that answers otherwise the next time changes nothing any more. That
 * is all of a batch at once; of what else is made of it no more is given at a time than a piece (piece.ts).
 */
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import type { Transform } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import type { Buffer, Clock, Processed, ProcessInput, Processors } from '../domain/ports.ts'
import { neverCrash, type CrashHook } from '../runtime/crash-point.ts'
import { appendDelimiter } from './append-delimiter.ts'
import { derivedPiece } from './derived-piece.ts'
import { localPiece } from './local.ts'
import { PIECE_LIMITS, type PieceLimits } from './piece.ts'
import type { Frames, LocalPiece, PartitionStage, Stages, TransformStage } from './stages.ts'
import type { Tally } from './tally.ts'

export interface ProcessorsOptions {
  readonly buffer: Pick<Buffer, 'derive' | 'readDerived'>
  readonly transform: TransformStage
  readonly partition: PartitionStage
  /** For a batch that killed processes; absent: it is processed like another. */
  readonly careful?: Stages
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly crash?: CrashHook
  /** Of what is processed at a time. Default: PIECE_LIMITS. */
  readonly pieceLimits?: PieceLimits
}

export function createProcessors(options: ProcessorsOptions): Processors {
  return { process: (input) => process(options, input) }
}

async function process(options: ProcessorsOptions, input: ProcessInput): Promise<Processed> {
  const { processing, partitioning } = input.plan.destination
  if (processing === undefined && partitioning === undefined) return asReceived(input)
  const stages = (input.careful === true ? options.careful : undefined) ?? stagesHere(options)
  const limits = options.pieceLimits ?? PIECE_LIMITS
  const piece = stages.piece(input, { limits, count: countOnce(options.metrics, input) })
  try {
    return await processPiece(options, input, stages.partition, piece)
  } catch (error) {
    await piece?.dispose?.()
    throw error
  }
}

function asReceived({ frames }: ProcessInput): Processed {
  return { frames, untransformed: frames, dispose: () => Promise.resolve() }
}

/** In this process, which a crash point may end. */
function stagesHere({ partition, crash }: ProcessorsOptions): Stages {
  const partitioned: PartitionStage = {
    async partition(input) {
      const partitions = await partition.partition(input)
      crash?.('after-partition')
      return partitions
    },
  }
  return { piece: localPiece, partition: partitioned }
}

/** The first time that it is read to its end, with a transform when that is asked. */
function countOnce(metrics: Metrics, { batch, plan, piece: start }: ProcessInput): (tally: Tally) => void {
  const isTransformed = plan.destination.processing?.transform !== undefined
  let isCounted = isTransformed && (batch.isDerived === true || start !== undefined)
  return (tally) => {
    if (!isCounted) tally.count(metrics, batch.stream.name)
    isCounted = true
  }
}

async function processPiece(
  options: ProcessorsOptions,
  input: ProcessInput,
  stage: PartitionStage,
  piece: LocalPiece | undefined,
): Promise<Processed> {
  const { processing, partitioning, conversion } = input.plan.destination
  const untransformed: Frames = piece === undefined ? input.frames : () => piece.frames()
  const transform = processing?.transform
  const made = transform === undefined ? untransformed : await keptPiece(options, input, transform, piece)
  const partitions = partitioning && (await stage.partition({ ...input, partitioning, frames: made }))
  const isDelimited = processing?.appendDelimiter === true && conversion === undefined
  return {
    frames: isDelimited ? () => appendDelimiter(made(), partitions, input.signal) : made,
    untransformed,
    ...(partitions && { partitions }),
    ...(piece && { next: () => piece.next() }),
    async dispose() {
      await piece?.dispose?.()
      await partitions?.dispose()
    },
  }
}

/** What the transform made of the piece; of all of the batch, once it is asked. */
async function keptPiece(
  options: ProcessorsOptions,
  input: ProcessInput,
  transform: Transform,
  piece: LocalPiece | undefined,
): Promise<Frames> {
  const { batch, signal, piece: start } = input
  if (start === undefined)
    await keepTransformed(options, input, transform, piece === undefined ? input.frames : () => piece.rest())
  const derived: Frames = () => options.buffer.readDerived(batch, signal)
  if (piece === undefined) return derived
  // Where it ends is seen in what was sent alone.
  if (!piece.isKnown) await readThrough(piece.frames())
  if (start === undefined && piece.next() === undefined) return derived
  const places = { ...piece.places, firstSource: start?.records ?? 0 }
  return () => derivedPiece(derived(), places)
}

async function readThrough(frames: AsyncGenerator<Frame>): Promise<void> {
  while ((await frames.next()).done !== true) continue
}

async function keepTransformed(
  { buffer, transform: stage, log, clock, crash = neverCrash }: ProcessorsOptions,
  { batch, plan, signal: ofAttempt, lend = (run) => run(ofAttempt) }: ProcessInput,
  transform: Transform,
  frames: Frames,
): Promise<void> {
  if (batch.isDerived === true) return
  const startedMs = clock.monotonicMs()
  const given = { records: 0 }
  const answered = { records: 0 }
  const transformed = async function* (signal: AbortSignal): AsyncGenerator<Frame> {
    yield* counting(
      stage.transform({ batch, plan, transform, frames: counting(frames(), given), signal }),
      answered,
    )
    // Thrown before the end: a derivation that lacks a record is not kept.
    if (answered.records !== given.records) {
      throw new Error(
        `transform batch ${batch.batchId}: ${answered.records} records came back of ${given.records}`,
      )
    }
    crash('after-transform')
  }
  // Each call has a time limit; together they may take longer than an attempt, and what was answered must not be asked again.
  await lend((signal) => buffer.derive(batch, transformed(signal), signal))
  crash('after-derive')
  // None where another attempt was first, whose answers are kept.
  if (answered.records === 0) return
  log.info(
    {
      deliveryStream: batch.stream.name,
      batchId: batch.batchId,
      records: answered.records,
      tookMs: Math.round(clock.monotonicMs() - startedMs),
    },
    'batch transformed',
  )
}

async function* counting(frames: AsyncIterable<Frame>, count: { records: number }): AsyncGenerator<Frame> {
  for await (const frame of frames) {
    count.records += frame.records
    yield frame
  }
}

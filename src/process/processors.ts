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
import type { Processing, Transform } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import type { Buffer, Clock, Processed, ProcessInput, Processors } from '../domain/ports.ts'
import { neverCrash, type CrashHook } from '../runtime/crash-point.ts'
import { appendDelimiter } from './append-delimiter.ts'
import { deaggregate } from './deaggregate.ts'
import { decompress } from './decompress.ts'
import { derivedPiece } from './derived-piece.ts'
import { Piece, PIECE_LIMITS, type Make, type PieceLimits } from './piece.ts'
import type { PartitionStage, TransformStage } from './stages.ts'
import { Tally } from './tally.ts'

export interface ProcessorsOptions {
  readonly buffer: Pick<Buffer, 'derive' | 'readDerived'>
  readonly transform: TransformStage
  readonly partition: PartitionStage
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly crash?: CrashHook
  /** Of what is processed at a time. Default: PIECE_LIMITS. */
  readonly pieceLimits?: PieceLimits
}

type Frames = () => AsyncIterable<Frame>

export function createProcessors(options: ProcessorsOptions): Processors {
  return { process: (input) => process(options, input) }
}

async function process(options: ProcessorsOptions, input: ProcessInput): Promise<Processed> {
  const { plan, signal } = input
  const { processing, partitioning, conversion } = plan.destination
  if (processing === undefined && partitioning === undefined) return asReceived(input)
  const piece = pieceOf(options, input, processing)
  const untransformed: Frames = piece === undefined ? input.frames : () => piece.frames()
  const transform = processing?.transform
  const made = transform === undefined ? untransformed : await keptPiece(options, input, transform, piece)
  const partitions =
    partitioning && (await options.partition.partition({ ...input, partitioning, frames: made }))
  if (partitions !== undefined) options.crash?.('after-partition')
  const isDelimited = processing?.appendDelimiter === true && conversion === undefined
  return {
    frames: isDelimited ? () => appendDelimiter(made(), partitions, signal) : made,
    untransformed,
    ...(partitions && { partitions }),
    ...(piece && { next: () => piece.next() }),
    dispose: async () => partitions?.dispose(),
  }
}

function asReceived({ frames }: ProcessInput): Processed {
  return { frames, untransformed: frames, dispose: () => Promise.resolve() }
}

/**
 * What comes before the transform, where that makes others of the records. Counted the first time that it is read to its
 * end, with a transform when that is asked.
 */
function pieceOf(
  { metrics, pieceLimits = PIECE_LIMITS }: ProcessorsOptions,
  { batch, frames, piece: start, signal }: ProcessInput,
  processing: Processing | undefined,
): Piece | undefined {
  const { decompression, cloudWatchLogs, deaggregation, transform } = processing ?? {}
  if (decompression === undefined && deaggregation === undefined) return undefined
  let isCounted = transform !== undefined && (batch.isDerived === true || start !== undefined)
  const make: Make = async function* (received, inflation) {
    const tally = new Tally()
    let made = received
    if (decompression !== undefined) {
      const messagesOnly = cloudWatchLogs?.messagesOnly === true
      made = decompress(made, { messagesOnly, inflation, tally, signal })
    }
    if (deaggregation !== undefined) made = deaggregate(made, deaggregation, { tally, signal })
    yield* made
    if (isCounted) return
    isCounted = true
    tally.count(metrics, batch.stream.name)
  }
  return new Piece(start, frames, make, pieceLimits)
}

/** What the transform made of the piece; of all of the batch, once it is asked. */
async function keptPiece(
  options: ProcessorsOptions,
  input: ProcessInput,
  transform: Transform,
  piece: Piece | undefined,
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

/** Answers the records in them. */
async function readThrough(frames: AsyncIterable<Frame>): Promise<number> {
  const read = { records: 0 }
  const last = counting(frames, read)
  while ((await last.next()).done !== true) continue
  return read.records
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

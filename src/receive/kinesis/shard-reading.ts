/** The steps of a shard reader that bring records: a new iterator, and a read whose records go into the buffer. */
import { BufferUnavailableError, unreachable } from '../../domain/errors.ts'
import { DataStreamError, type ListedShard, type ReadAnswer } from './data-stream.ts'
import { afterAppend, afterLastRead, afterRead } from './pace.ts'
import type { ReadOutcome } from './read-turns.ts'
import type { ReaderEnd } from './shard-reader.ts'
import type { ShardRun, Step } from './shard-run.ts'
import { framesOf, recordsAfter, type Framed } from './user-records.ts'

/** An iterator lives five minutes; an older one than this is not used. */
const ITERATOR_MS = 240_000

/**
 * Asks for an iterator, then whether the data stream still is the one that this shard belongs to: one made anew under the
 * same name may have a shard of the same id. Asked in this order, the answer is about the iterator.
 */
export async function locate(run: ShardRun, from: string): Promise<Step | ReaderEnd> {
  const { dataStream, clock, crash, isSameDataStream } = run.options
  const sinceMs = clock.monotonicMs()
  const iterator = await dataStream.iterator(run.shardId, from, run.signal)
  crash('after-shard-iterator')
  if (!(await isSameDataStream(run.signal))) return 'data-stream-replaced'
  return { kind: 'read', iterator, sinceMs }
}

/** Reads once and appends what it brought, within one turn. */
export async function read(
  run: ShardRun,
  { iterator, sinceMs }: Extract<Step, { kind: 'read' }>,
): Promise<Step | ReaderEnd> {
  const { turns, clock } = run.options
  const turn = await turns.take(run.group, run.signal)
  if (turn === undefined) return 'stopped'
  let outcome: ReadOutcome = 'unused'
  try {
    if (clock.monotonicMs() - sinceMs > ITERATOR_MS) return run.rewind('expired')
    outcome = 'done'
    const piece = await readFrames(run, iterator)
    const taken = await append(run, piece)
    if (taken === 'full') {
      outcome = 'failed'
      run.wasTooMuch(piece.records)
      run.pause('buffer-full')
      return run.rewind('buffer-full')
    }
    return taken
  } catch (error) {
    if (isOutage(error)) outcome = 'failed'
    throw error
  } finally {
    turn.end(outcome)
  }
}

/** Failures that the other shards of the delivery stream are likely to have too. */
function isOutage(error: unknown): boolean {
  if (error instanceof DataStreamError) return error.kind === 'unavailable' || error.kind === 'denied'
  return error instanceof BufferUnavailableError
}

/** What is kept of an answer while its frames are appended; its records are not. */
interface Piece extends Framed {
  /** Records that Kinesis answered. */
  readonly records: number
  readonly nextIterator: string | undefined
  readonly sinceMs: number
  readonly children: readonly ListedShard[]
}

async function readFrames(run: ShardRun, iterator: string): Promise<Piece> {
  const { clock, metrics, crash, pace, shard, outOfRangeRecords } = run.options
  const startedMs = clock.monotonicMs()
  const answer = await getRecords(run, iterator)
  crash('after-shard-read')
  const { records, nextIterator, behindMs, children, bytes } = answer
  run.behindMs = behindMs
  run.pace = afterRead(run.pace, { startedMs, endedMs: clock.monotonicMs(), bytes, behindMs }, pace)
  run.wasRead()
  metrics.count('hydrant_kinesis_records_total', run.labels, records.length)
  metrics.count('hydrant_kinesis_bytes_total', run.labels, bytes)
  const { shardId } = run
  const framing = { shardId, hashRange: shard.hashRange, outOfRangeRecords }
  const framed = framesOf(recordsAfter(records, run.stored), framing)
  return { ...framed, records: records.length, nextIterator, sinceMs: startedMs, children }
}

async function getRecords(run: ShardRun, iterator: string): Promise<ReadAnswer> {
  const { dataStream, metrics } = run.options
  try {
    const answer = await dataStream.read(iterator, run.signal, run.most)
    metrics.count('hydrant_kinesis_reads_total', { ...run.labels, result: 'ok' })
    return answer
  } catch (error) {
    if (error instanceof DataStreamError)
      metrics.count('hydrant_kinesis_reads_total', { ...run.labels, result: error.kind })
    throw error
  }
}

/** All frames of a read go into one append, which moves the checkpoint behind their last record. */
async function append(run: ShardRun, piece: Piece): Promise<Step | ReaderEnd | 'full'> {
  const { accept, acquired, crash } = run.options
  const { frames, last } = piece
  if (last === undefined || frames.length === 0) {
    countOutOfRange(run, piece)
    return following(run, piece)
  }
  const answer = await accept(frames, { lease: acquired.lease, after: run.stored, last })
  crash('after-shard-append')
  switch (answer.kind) {
    case 'accepted':
      return wasTaken(run, piece, last)
    case 'throttled':
      return 'full'
    case 'refused':
      return 'stream-gone'
    case 'fenced':
      return 'fenced'
    case 'gap':
      // The answer to this very append was lost, and the command was sent again on the way to the store.
      return answer.checkpoint === last ? wasTaken(run, piece, last) : run.goOnFrom(answer.checkpoint)
    default:
      return unreachable(answer)
  }
}

function wasTaken(run: ShardRun, piece: Piece, last: string): Step {
  run.stored = last
  run.pace = afterAppend(run.pace)
  run.wasTaken()
  run.options.metrics.count('hydrant_kinesis_checkpoints_total', run.labels)
  countOutOfRange(run, piece)
  return following(run, piece)
}

function following(run: ShardRun, { nextIterator, sinceMs, children }: Piece): Step {
  if (nextIterator !== undefined) return { kind: 'read', iterator: nextIterator, sinceMs }
  run.pace = afterLastRead(run.pace, run.options.clock.monotonicMs())
  return { kind: 'end', named: children }
}

function countOutOfRange(run: ShardRun, { outOfRange }: Framed): void {
  if (outOfRange === 0) return
  const kept = String(run.options.outOfRangeRecords === 'keep')
  run.options.metrics.count('hydrant_kinesis_out_of_range_records_total', { ...run.labels, kept }, outOfRange)
}

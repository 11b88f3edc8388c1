/**
 * A shard reader: takes one shard's records, in order, into its delivery stream's buffer until its lease is lost, the shard
 * has ended, or it is asked to stop.
 *
 *   locate (an iterator behind the stored checkpoint) -> read (records to frames, one append with the checkpoint) -> read …
 *   -> end (children registered, SHARD_END written)
 *
 * Nothing that Kinesis or the store answer ends it for any other reason: it waits and asks again, for ever, and keeps its
 * place. The checkpoint moves with the records only, so whatever happens in between it can begin anew from there. Each await
 * is followed by a named crash point.
 */
import { BufferUnavailableError, unreachable } from '../../domain/errors.ts'
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { AcceptFromShard, AcquiredShard, Clock, Shards } from '../../domain/ports.ts'
import type { NewShard, ShardState } from '../../domain/shard.ts'
import type { CrashHook } from '../../runtime/crash-point.ts'
import { DataStreamError, type DataStream, type ListedShard } from './data-stream.ts'
import { afterThrottle, type PaceOptions } from './pace.ts'
import type { ReadTurns } from './read-turns.ts'
import { endShard, findOut } from './shard-ending.ts'
import { locate, read } from './shard-reading.ts'
import { ShardRun, type Step } from './shard-run.ts'

export interface ShardReaderOptions {
  readonly dataStream: DataStream
  readonly shard: Pick<ShardState, 'key' | 'hashRange'>
  /** What becomes of user records of a KPL aggregate whose hash key is outside the shard's range. */
  readonly outOfRangeRecords: 'keep' | 'drop'
  /** The lease and the checkpoint that came with it. */
  readonly acquired: AcquiredShard
  readonly accept: AcceptFromShard
  readonly shards: Pick<Shards, 'end'>
  /**
   * Whether the data stream still is the one that the shard's key names. Rejects with DataStreamError, `gone` when there is
   * none. Asked after each new iterator, so the readers of a data stream should share a call; but one begun before it was
   * asked says nothing.
   */
  readonly isSameDataStream: (signal: AbortSignal) => Promise<boolean>
  /** The shards to register at this one's end. `named`: those that GetRecords named; when it named none they are listed. */
  readonly childrenOf: (named: readonly ListedShard[], signal: AbortSignal) => Promise<readonly NewShard[]>
  readonly turns: ReadTurns
  readonly pace: PaceOptions
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  readonly crash: CrashHook
  /** In [0, 1). */
  readonly random: () => number
}

export interface ShardReader {
  /** The shard's. */
  readonly key: string
  /** How far its last read was behind the tip of the shard; undefined before the first. */
  readonly behindMs: number | undefined
  /** Why it ended. Never rejects; after a defect it never settles, and the defect ends the process. */
  readonly ended: Promise<ReaderEnd>
  /** Resolves once it has ended; an append in flight is waited for, calls of Kinesis are aborted. */
  stop(): Promise<void>
}

export type ReaderEnd =
  | 'stopped'
  /** The shard was read to its end, its children are registered, the lease is free. */
  | 'shard-end'
  /** The lease is another's now. */
  | 'fenced'
  /** The delivery stream is gone. */
  | 'stream-gone'
  /** The data stream was deleted and made again: this shard is no more. */
  | 'data-stream-replaced'

/** Starts to read at once. A defect ends the process: nothing waits for the promise that it rejects. */
export function startShardReader(options: ShardReaderOptions): ShardReader {
  const stopping = new AbortController()
  const run = new ShardRun(options, stopping.signal)
  const reading = readShard(run)
  return {
    key: options.shard.key,
    get behindMs() {
      return run.behindMs
    },
    ended: new Promise((resolve) => void reading.then(resolve)),
    async stop() {
      stopping.abort()
      await reading
    },
  }
}

async function readShard(run: ShardRun): Promise<ReaderEnd> {
  let step = run.locate()
  for (;;) {
    await rest(run)
    if (run.signal.aborted) return leave(run, 'stopped')
    const next = await take(run, step)
    if (typeof next === 'string') return leave(run, next)
    step = next
  }
}

function leave(run: ShardRun, end: ReaderEnd): ReaderEnd {
  run.leave()
  return end
}

async function rest({ options, pace, signal }: ShardRun): Promise<void> {
  const waitMs = pace.nextMs - options.clock.monotonicMs()
  if (waitMs > 0) await options.clock.sleep(waitMs, signal)
}

/** Takes a step; answers the one that follows, which is the same again when there was no answer, or why this is the end. */
async function take(run: ShardRun, step: Step): Promise<Step | ReaderEnd> {
  try {
    switch (step.kind) {
      case 'locate':
        return await locate(run, step.from)
      case 'read':
        return await read(run, step)
      case 'doubt':
        return await findOut(run, step)
      case 'end':
        return await endShard(run, step)
      default:
        return unreachable(step)
    }
  } catch (error) {
    if (run.signal.aborted && (isExpected(error) || error === run.signal.reason)) return 'stopped'
    if (error instanceof DataStreamError) return afterError(run, step, error)
    if (!(error instanceof BufferUnavailableError)) throw error
    run.pause('buffer-unavailable', error)
    return step.kind === 'read' ? run.rewind('buffer-unavailable') : step
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof DataStreamError || error instanceof BufferUnavailableError
}

function afterError(run: ShardRun, step: Step, error: DataStreamError): Step {
  const { clock, random } = run.options
  switch (error.kind) {
    case 'throttled':
      run.pace = afterThrottle(run.pace, clock.monotonicMs(), random())
      return step
    case 'expired':
      return expired(run, step, error)
    case 'gone':
    case 'invalid':
      if (step.kind === 'locate') return { kind: 'doubt', error, from: step.from }
      if (step.kind === 'read') return { kind: 'doubt', error, from: undefined }
      run.fail(error, error.kind === 'gone' ? dataStreamGone(run) : undefined)
      return step
    case 'denied':
    case 'unavailable':
      run.fail(error)
      return step
    default:
      return unreachable(error.kind)
  }
}

/** Normal after a pause, so nobody is told, and the next iterator is asked for at once; one that is born so is a failure. */
function expired(run: ShardRun, step: Step, error: DataStreamError): Step {
  run.expirations += 1
  if (step.kind !== 'read' || run.expirations > 1) run.fail(error)
  return step.kind === 'read' ? run.rewind('expired') : step
}

function dataStreamGone({ options }: ShardRun): string {
  return `create ${options.dataStream.arn} again, or delete the delivery stream; until then its shards keep their place`
}

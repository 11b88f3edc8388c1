/**
 * A shard reader: takes one shard's records, in order, into its delivery stream's buffer until its lease is lost, the shard
 * has ended, or it is asked to stop.
 */
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { AcceptFromShard, AcquiredShard, Clock, Shards } from '../../domain/ports.ts'
import type { NewShard, ShardState } from '../../domain/shard.ts'
import type { CrashHook } from '../../runtime/crash-point.ts'
import type { DataStream, ListedShard } from './data-stream.ts'
import type { PaceOptions } from './pace.ts'
import type { ReadTurns } from './read-turns.ts'

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

export function startShardReader(_options: ShardReaderOptions): ShardReader {
  throw new Error('start shard reader: not written yet')
}

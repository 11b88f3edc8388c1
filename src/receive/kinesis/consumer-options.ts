/** What a consumer is made of. */
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { KinesisSource } from '../../domain/delivery-stream.ts'
import type { AcceptFromShard, Clock, Leases, Registry, Shards } from '../../domain/ports.ts'
import type { CrashHook } from '../../runtime/crash-point.ts'
import type { DataStream } from './data-stream.ts'
import type { PaceOptions } from './pace.ts'
import type { ReadTurns } from './read-turns.ts'
import type { startShardReader } from './shard-reader.ts'

export interface ConsumerOptions {
  readonly registry: Pick<Registry, 'list'>
  readonly shards: Shards
  readonly leases: Leases
  readonly accept: AcceptFromShard
  /** Called once for each delivery stream that is fed by a data stream. */
  readonly openDataStream: (source: KinesisSource) => DataStream
  /** How long a lease lasts that is not renewed: a dead process's shards are read on after this. */
  readonly leaseMs: number
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  readonly crash: CrashHook
  /** In [0, 1). */
  readonly random: () => number
  /** Shared by all readers of the process. */
  readonly turns: ReadTurns
  readonly pace: PaceOptions
  readonly startReader?: typeof startShardReader
}

/**
 * The shards that this process holds, each with its lease and its reader.
 *
 *   reading --(surplus, stop)--> leaving; its lease is released once the reader has stopped
 *   reading --(not renewed)----> leaving; its lease is lost
 *   reading --(its reader ends by itself)--> gone
 *
 * A lease is lost when the store says so, or when this process has not renewed it for so long that it may have run out.
 * That is judged by its own monotonic clock, without asking the store: after a pause of the process it leaves all that it
 * held, and takes shards up again under new counters. This saves work and time only. What keeps a reader that lost its
 * lease from appending is the store, which checks the counter with each append.
 */
import type { AcquiredShard } from '../../domain/ports.ts'
import { shardIdOf, type ShardLease, type ShardState } from '../../domain/shard.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import type { FedStream } from './fed-stream.ts'
import { startShardReader, type ReaderEnd, type ShardReader } from './shard-reader.ts'

/** How long before its end a lease that was not renewed counts as lost, as a part of its time. */
const MARGIN = 1 / 10

export interface HeldShards {
  /** `left`: its reader is stopping, or has just stopped and the shard is for others to take. */
  stateOf(fed: FedStream, key: string): 'reading' | 'left' | 'not held'
  /** Begins to read. @param askedAtMs when the lease was asked for, by the monotonic clock */
  start(fed: FedStream, shard: ShardState, acquired: AcquiredShard, askedAtMs: number): void
  /** Prolongs all leases, and leaves the shards whose leases are lost. Rejects when the store could not be asked. */
  renew(): Promise<void>
  /** Leaves the shards whose leases may have run out. */
  leaveOverdue(): void
  /** Leaves a shard in good order. */
  giveUp(fed: FedStream, key: string): void
  /** The same for all, of one delivery stream or of every one. Resolves when their leases are free. */
  giveUpAll(fed?: FedStream): Promise<void>
  lags(): readonly Lag[]
}

/** How far the reader of a shard was behind its tip. */
export interface Lag {
  readonly deliveryStream: string
  readonly shardId: string
  readonly behindMs: number
}

interface HeldShard {
  readonly fed: FedStream
  readonly lease: ShardLease
  readonly reader: ShardReader
  /** When the last renewal that succeeded began, by the monotonic clock. */
  renewedAtMs: number
  /** Set once its reader has been told to stop. */
  leaving?: 'released' | 'lost'
}

type Move = 'acquired' | 'released' | 'lost' | 'ended'

const moveOf: Readonly<Record<Exclude<ReaderEnd, 'stopped'>, Move>> = {
  'shard-end': 'ended',
  fenced: 'lost',
  'stream-gone': 'released',
  'data-stream-replaced': 'released',
}

/** @param onShardEnd a shard has ended, so that its children may be ready */
export function createHeldShards(options: ConsumerOptions, onShardEnd: () => void): HeldShards {
  const { shards, leaseMs, clock } = options
  const held = new Map<string, HeldShard>()
  const going = new Map<HeldShard, Promise<void>>()
  /** Until when a shard that was left is left to others, by the monotonic clock. */
  const restUntilMs = new Map<string, number>()
  const tell = createTelling(options)

  function leave(shard: HeldShard, why: 'released' | 'lost'): void {
    if (shard.leaving !== undefined) return
    shard.leaving = why
    void shard.reader.stop()
  }

  async function follow(shard: HeldShard): Promise<void> {
    const { fed, lease } = shard
    const end = await shard.reader.ended
    const move = end === 'stopped' ? (shard.leaving ?? 'released') : moveOf[end]
    // Where this does not reach the store the lease runs out by itself.
    if (move !== 'ended') await Promise.allSettled([shards.release(lease)])
    const name = nameOf(fed, lease.key)
    held.delete(name)
    going.delete(shard)
    const restMs = end === 'stopped' ? leaseMs / 3 : leaseMs
    if (move === 'released') restUntilMs.set(name, clock.monotonicMs() + restMs)
    tell(fed, lease, move)
    if (end === 'shard-end') onShardEnd()
    if (end === 'data-stream-replaced') fed.sync.soon()
  }

  async function renewStream(fed: FedStream, those: readonly HeldShard[]): Promise<void> {
    const askedAtMs = clock.monotonicMs()
    const asked = those.map(({ lease: { key, counter }, reader: { behindMs } }) => ({
      key,
      counter,
      ...(behindMs === undefined ? {} : { behindMs }),
    }))
    const kept = new Set(await shards.renew(fed.stream, asked, leaseMs))
    for (const shard of those) {
      if (kept.has(shard.lease.key)) shard.renewedAtMs = askedAtMs
      else leave(shard, 'lost')
    }
  }

  return {
    stateOf(fed, key) {
      const shard = held.get(nameOf(fed, key))
      if (shard !== undefined) return shard.leaving === undefined ? 'reading' : 'left'
      return (restUntilMs.get(nameOf(fed, key)) ?? -Infinity) > clock.monotonicMs() ? 'left' : 'not held'
    },
    start(fed, { key, hashRange }, acquired, askedAtMs) {
      const reader = (options.startReader ?? startShardReader)({
        ...options,
        dataStream: fed.dataStream,
        shard: { key, hashRange },
        outOfRangeRecords: fed.source.outOfRangeRecords,
        acquired,
        isSameDataStream: (signal) => fed.creation.isSame(key, signal),
        childrenOf: (named, signal) => fed.childrenOf(key, named, signal),
      })
      const shard = { fed, lease: acquired.lease, reader, renewedAtMs: askedAtMs }
      held.set(nameOf(fed, key), shard)
      tell(fed, acquired.lease, 'acquired')
      going.set(shard, follow(shard))
    },
    async renew() {
      for (const [name, untilMs] of restUntilMs) if (untilMs <= clock.monotonicMs()) restUntilMs.delete(name)
      const renewed = [...held.values()].filter(({ leaving }) => leaving !== 'lost')
      const feds = new Set(renewed.map(({ fed }) => fed))
      const ofStream = (fed: FedStream): HeldShard[] => renewed.filter((shard) => shard.fed === fed)
      await Promise.all([...feds].map((fed) => renewStream(fed, ofStream(fed))))
    },
    leaveOverdue() {
      const longAgoMs = clock.monotonicMs() - leaseMs * (1 - MARGIN)
      for (const shard of held.values()) if (shard.renewedAtMs < longAgoMs) leave(shard, 'lost')
    },
    giveUp(fed, key) {
      const shard = held.get(nameOf(fed, key))
      if (shard !== undefined) leave(shard, 'released')
    },
    async giveUpAll(fed) {
      const those = [...held.values()].filter((shard) => fed === undefined || shard.fed === fed)
      for (const shard of those) leave(shard, 'released')
      await Promise.all(those.flatMap((shard) => going.get(shard) ?? []))
    },
    lags: () =>
      [...held.values()].flatMap(({ fed, lease, reader: { behindMs } }) =>
        behindMs === undefined
          ? []
          : [{ deliveryStream: fed.stream.name, shardId: shardIdOf(lease.key), behindMs }],
      ),
  }
}

function nameOf(fed: FedStream, key: string): string {
  return `${fed.stream.incarnation} ${key}`
}

/** Counts and logs a move of a lease. The end of a shard is told by its reader. */
function createTelling({ metrics, log }: ConsumerOptions) {
  return ({ stream }: FedStream, { key, counter }: ShardLease, move: Move): void => {
    metrics.count('hydrant_kinesis_lease_moves_total', { delivery_stream: stream.name, move })
    const fields = { deliveryStream: stream.name, shardId: shardIdOf(key), counter }
    if (move === 'lost') log.warn(fields, 'lease of a shard was lost')
    else if (move !== 'ended') log.info(fields, `lease of a shard was ${move}`)
  }
}

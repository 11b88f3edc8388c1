/**
 * The shards that this process holds, each with its lease and its reader.
 *
 *   reading --(surplus, stop)--> leaving; its lease is released once the reader has stopped
 *   reading --(not renewed)----> leaving; its lease is lost
 *   reading --(set back)-------> leaving; the store has forgotten a part of it
 *   reading --(its reader ends by itself)--> gone
 *
 * A lease is lost when the store says so, or when this process has not renewed it for so long that it may have run out.
 * That is judged by its own monotonic clock, without asking the store: after a pause of the process it leaves all that it
 * held, and takes shards up again under new counters. This saves work and time only. What keeps a reader that lost its
 * lease from appending is the store, which checks the counter with each append.
 */
import type { AcceptFromShard, AcquiredShard } from '../../domain/ports.ts'
import {
  compareSequenceNumbers,
  isSequenceNumber,
  SHARD_END,
  shardIdOf,
  type Checkpoint,
  type ShardLease,
  type ShardState,
} from '../../domain/shard.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import type { FedStream } from './fed-stream.ts'
import { readyShards } from './lineage.ts'
import { startShardReader, type ReaderEnd, type ShardReader } from './shard-reader.ts'

/** How long before its end a lease that was not renewed counts as lost, as a part of its time. */
const MARGIN = 1 / 10

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
  readonly place: Place
  /** When the last renewal that succeeded began, by the monotonic clock. */
  renewedAtMs: number
  /** The store did not prolong its lease. */
  isLost?: boolean
  /** Set once its reader has been told to stop. */
  leaving?: 'released' | 'lost'
  /** Resolves when its lease is free, or another's. */
  gone?: Promise<void>
}

/** The last checkpoint that the store is known to have had. */
interface Place {
  checkpoint: Checkpoint
}

type Move = 'acquired' | 'released' | 'lost' | 'ended'

const moveOf: Readonly<Record<Exclude<ReaderEnd, 'stopped'>, Move>> = {
  'shard-end': 'ended',
  fenced: 'lost',
  'stream-gone': 'released',
  'data-stream-replaced': 'released',
}

export class HeldShards {
  readonly #options: ConsumerOptions
  readonly #onShardEnd: () => void
  readonly #held = new Map<string, HeldShard>()
  /** Until when a shard that was left is left to others, by the monotonic clock. */
  readonly #restUntilMs = new Map<string, number>()

  /** @param onShardEnd a shard has ended, so that its children may be ready */
  constructor(options: ConsumerOptions, onShardEnd: () => void) {
    this.#options = options
    this.#onShardEnd = onShardEnd
  }

  /** `left`: its reader is stopping, or has just stopped and the shard is for others to take. */
  stateOf(fed: FedStream, key: string): 'reading' | 'left' | 'not held' {
    const shard = this.#held.get(nameOf(fed, key))
    if (shard !== undefined) return shard.leaving === undefined ? 'reading' : 'left'
    const untilMs = this.#restUntilMs.get(nameOf(fed, key)) ?? -Infinity
    return untilMs > this.#options.clock.monotonicMs() ? 'left' : 'not held'
  }

  /** Begins to read. @param askedAtMs when the lease was asked for, by the monotonic clock */
  start(fed: FedStream, { key, hashRange }: ShardState, acquired: AcquiredShard, askedAtMs: number): void {
    const place = { checkpoint: acquired.checkpoint }
    const reader = (this.#options.startReader ?? startShardReader)({
      ...this.#options,
      accept: placing(this.#options.accept, place),
      dataStream: fed.dataStream,
      shard: { key, hashRange },
      outOfRangeRecords: fed.source.outOfRangeRecords,
      acquired,
      isSameDataStream: (signal) => fed.creation.isSame(key, signal),
      childrenOf: (named, signal) => fed.childrenOf(key, named, signal),
    })
    const shard: HeldShard = { fed, lease: acquired.lease, reader, place, renewedAtMs: askedAtMs }
    this.#held.set(nameOf(fed, key), shard)
    this.#tell(shard, 'acquired')
    shard.gone = this.#follow(shard)
  }

  /** Prolongs all leases. `leaveLost` leaves the shards whose leases were not. Rejects when the store could not be asked. */
  async renew(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs()
    for (const [name, untilMs] of this.#restUntilMs) if (untilMs <= nowMs) this.#restUntilMs.delete(name)
    const byStream = new Map<FedStream, HeldShard[]>()
    for (const shard of this.#held.values()) {
      if (shard.leaving === 'lost') continue
      const those = byStream.get(shard.fed)
      if (those === undefined) byStream.set(shard.fed, [shard])
      else those.push(shard)
    }
    await Promise.all([...byStream].map(([fed, those]) => this.#renewStream(fed, those)))
  }

  leaveLost(): void {
    for (const shard of this.#held.values()) if (shard.isLost === true) leave(shard, 'lost')
  }

  /** Leaves the shards whose leases may have run out. */
  leaveOverdue(): void {
    const { clock, leaseMs } = this.#options
    const longAgoMs = clock.monotonicMs() - leaseMs * (1 - MARGIN)
    for (const shard of this.#held.values()) if (shard.renewedAtMs < longAgoMs) leave(shard, 'lost')
  }

  /**
   * To be called before the shards of a delivery stream are listed, and what it answers with the list. A store that was
   * set back to an earlier state may have a shard at an earlier place than its reader, or its parents not at their end any
   * more; such shards are left, and begun anew. A reader notices with its next append, but may have nothing to append.
   */
  expectPlaces(fed: FedStream): (states: readonly ShardState[]) => void {
    const expected = [...this.#held.values()]
      .filter((shard) => shard.fed === fed)
      .map((shard) => ({ shard, place: shard.place.checkpoint }))
    return (states) => {
      const stored = new Map(states.map((state) => [state.key, state]))
      const ready = new Set(readyShards(states))
      for (const { shard, place } of expected) {
        const state = stored.get(shard.lease.key)
        // One that is not known any more is not renewed; one that has ended is the reader's to tell.
        if (state === undefined || state.checkpoint === SHARD_END || shard.leaving !== undefined) continue
        if (!ready.has(state)) leave(shard, 'released')
        else if (isBefore(state.checkpoint, place)) this.#leaveSetBack(shard, place, state.checkpoint)
      }
    }
  }

  /** Leaves a shard in good order. */
  giveUp(fed: FedStream, key: string): void {
    const shard = this.#held.get(nameOf(fed, key))
    if (shard !== undefined) leave(shard, 'released')
  }

  /** The same for all, of one delivery stream or of every one. Resolves when their leases are free. */
  async giveUpAll(fed?: FedStream): Promise<void> {
    const those = [...this.#held.values()].filter((shard) => fed === undefined || shard.fed === fed)
    for (const shard of those) leave(shard, 'released')
    await Promise.all(those.flatMap(({ gone }) => gone ?? []))
  }

  lags(): Lag[] {
    return [...this.#held.values()].flatMap(({ fed, lease, reader: { behindMs } }) => {
      if (behindMs === undefined) return []
      return [{ deliveryStream: fed.stream.name, shardId: shardIdOf(lease.key), behindMs }]
    })
  }

  async #renewStream(fed: FedStream, those: readonly HeldShard[]): Promise<void> {
    const { clock, shards, leaseMs } = this.#options
    const askedAtMs = clock.monotonicMs()
    const asked = those.map(({ lease: { key, counter }, reader: { behindMs } }) => ({
      key,
      counter,
      ...(behindMs === undefined ? {} : { behindMs }),
    }))
    const kept = new Set(await shards.renew(fed.stream, asked, leaseMs))
    for (const shard of those) {
      if (kept.has(shard.lease.key)) shard.renewedAtMs = askedAtMs
      else shard.isLost = true
    }
  }

  #leaveSetBack(shard: HeldShard, expected: Checkpoint, checkpoint: Checkpoint): void {
    const { fed, lease } = shard
    const fields = { deliveryStream: fed.stream.name, shardId: shardIdOf(lease.key), expected, checkpoint }
    const hint = 'the store lost records that it had acknowledged; they are read again from the data stream'
    this.#options.log.warn({ ...fields, hint }, 'shard was set back in the store')
    leave(shard, 'lost')
  }

  async #follow(shard: HeldShard): Promise<void> {
    const { shards, clock, leaseMs } = this.#options
    const { fed, lease, reader } = shard
    const end = await reader.ended
    const move = end === 'stopped' ? (shard.leaving ?? 'released') : moveOf[end]
    // Where this does not reach the store the lease runs out by itself.
    if (move !== 'ended') await Promise.allSettled([shards.release(lease)])
    const name = nameOf(fed, lease.key)
    this.#held.delete(name)
    const restMs = end === 'stopped' ? leaseMs / 3 : leaseMs
    if (move === 'released') this.#restUntilMs.set(name, clock.monotonicMs() + restMs)
    this.#tell(shard, move)
    if (end === 'shard-end') this.#onShardEnd()
    if (end === 'data-stream-replaced') fed.sync.soon()
  }

  /** Counts and logs what became of a lease. The end of a shard is told by its reader. */
  #tell({ fed, lease: { key, counter } }: HeldShard, move: Move): void {
    const { metrics, log } = this.#options
    const { name } = fed.stream
    metrics.count('hydrant_kinesis_lease_moves_total', { delivery_stream: name, move })
    const fields = { deliveryStream: name, shardId: shardIdOf(key), counter }
    if (move === 'lost') log.warn(fields, 'lease of a shard was lost')
    else if (move !== 'ended') log.info(fields, `lease of a shard was ${move}`)
  }
}

function leave(shard: HeldShard, why: 'released' | 'lost'): void {
  if (shard.leaving !== undefined) return
  shard.leaving = why
  void shard.reader.stop()
}

/** Keeps the place of a shard as the answers of the store tell it. */
function placing(accept: AcceptFromShard, place: Place): AcceptFromShard {
  return async (frames, position) => {
    const answer = await accept(frames, position)
    if (answer.kind === 'accepted') place.checkpoint = position.last
    else if (answer.kind === 'gap') place.checkpoint = answer.checkpoint
    return answer
  }
}

function isBefore(checkpoint: Checkpoint, expected: Checkpoint): boolean {
  if (!isSequenceNumber(expected)) return false
  return !isSequenceNumber(checkpoint) || compareSequenceNumbers(checkpoint, expected) < 0
}

function nameOf(fed: FedStream, key: string): string {
  return `${fed.stream.incarnation} ${key}`
}

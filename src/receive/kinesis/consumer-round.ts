/**
 * One round of a consumer: renew, look, take and give up. It talks to the store only.
 *
 * What the store has is looked at again after leases were acquired, and only then are readers started: between the first
 * look and the lease the store may have been set back to an earlier state, in which a parent is still being read.
 */
import type { DeliveryStream } from '../../domain/delivery-stream.ts'
import type { AcquiredShard } from '../../domain/ports.ts'
import { SHARD_END, type ShardState } from '../../domain/shard.ts'
import { assign, type AssignableShard } from './assignment.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import { openFedStream, type FedStream } from './fed-stream.ts'
import type { HeldShards } from './held-shards.ts'
import { readyShards } from './lineage.ts'

/** How long a process counts as one that reads, as a part of a lease. */
const ATTENDING = 9 / 10

/** A shard that may be read, as assignment sees it. */
interface Candidate extends AssignableShard {
  readonly fed: FedStream
  /** This process holds its lease and does not read it: the answer to its acquire was lost. */
  readonly isUnread: boolean
  /** When it is free, unless another process renews it. */
  readonly freeInMs: number
}

export interface ConsumerRound {
  /**
   * Answers in how many ms a lease of another process runs out unless it is renewed. Rejects when the store could not be
   * asked. Starts nothing once the signal aborts.
   */
  readonly round: (signal: AbortSignal) => Promise<number>
  /** Closes the delivery streams that rounds have opened. */
  readonly closeAll: () => Promise<void>
}

/** @param soon a round is due before its time */
export function createRound(options: ConsumerOptions, held: HeldShards, soon: () => void): ConsumerRound {
  const { registry, shards } = options
  /** By incarnation. */
  const fedStreams = new Map<string, FedStream>()
  const takeUp = createTakeUp(options, held)

  /** Opens the delivery streams that are new, and leaves those that are gone. */
  function follow(definitions: readonly DeliveryStream[]): void {
    const gone = new Map(fedStreams)
    for (const definition of definitions) {
      const { incarnation, kinesis, status } = definition
      if (status !== 'ACTIVE' || kinesis === undefined) continue
      gone.delete(incarnation)
      const fed = fedStreams.get(incarnation)
      if (fed === undefined) fedStreams.set(incarnation, openFedStream(options, definition, kinesis, soon))
      else fed.source = kinesis
    }
    for (const [incarnation, fed] of gone) {
      fedStreams.delete(incarnation)
      void Promise.allSettled([held.giveUpAll(fed), fed.close()])
    }
  }

  /** The shards that may be read. Those that this process reads although they may not be read any more are left. */
  function look(fed: FedStream, states: readonly ShardState[]): Candidate[] {
    const ready = new Set(readyShards(states))
    const stale = states.filter((state) => !ready.has(state) && state.checkpoint !== SHARD_END)
    for (const { key } of stale) held.giveUp(fed, key)
    return [...ready].map(({ key, holder, leaseMs }) => {
      const state = held.stateOf(fed, key)
      const isFreeOrMine = holder === undefined || holder === shards.holder
      return {
        fed,
        stream: fed.stream.incarnation,
        key,
        holder: state === 'reading' ? shards.holder : holder,
        isLeft: state === 'left' && isFreeOrMine,
        isUnread: state === 'not held' && holder === shards.holder,
        freeInMs: isFreeOrMine ? Infinity : leaseMs,
      }
    })
  }

  return {
    async round(signal) {
      const [definitions] = await Promise.all([registry.list(), held.renew()])
      if (signal.aborted) return Infinity
      follow(definitions)
      const looks = [...fedStreams.values()].map(async (fed) => look(fed, await shards.list(fed.stream)))
      const candidates = (await Promise.all(looks)).flat()
      // After the look, so that a process that cannot look is soon not counted among those that read; and for less than
      // a lease, so that a dead process no longer counts when its leases have run out.
      const holders = await shards.attend(options.leaseMs * ATTENDING)
      if (signal.aborted) return Infinity
      const { take, giveUp } = assign(holders, shards.holder, candidates)
      for (const { fed, key } of giveUp) held.giveUp(fed, key)
      await takeUp([...candidates.filter(({ isUnread }) => isUnread), ...take], signal)
      return Math.min(...candidates.map(({ freeInMs }) => freeInMs))
    },
    async closeAll() {
      await Promise.all([...fedStreams.values()].map((fed) => fed.close()))
    },
  }
}

interface Acquired {
  readonly fed: FedStream
  readonly acquired: AcquiredShard
}

/** Acquires leases and has the shards read that, looked at again, may be read. */
function createTakeUp(
  { shards, leaseMs, clock, crash }: ConsumerOptions,
  held: HeldShards,
): (wanted: readonly Candidate[], signal: AbortSignal) => Promise<void> {
  async function acquire({ fed, key }: Candidate): Promise<Acquired[]> {
    const acquired = await shards.acquire(fed.stream, key, leaseMs)
    if (acquired === undefined) return []
    crash('after-shard-acquire')
    return [{ fed, acquired }]
  }

  async function start(
    fed: FedStream,
    those: readonly AcquiredShard[],
    askedAtMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const ready = new Map(readyShards(await shards.list(fed.stream)).map((state) => [state.key, state]))
    for (const acquired of those) {
      const state = ready.get(acquired.lease.key)
      if (state === undefined || signal.aborted) await shards.release(acquired.lease)
      else held.start(fed, state, acquired, askedAtMs)
    }
  }

  return async (wanted, signal) => {
    if (wanted.length === 0) return
    const askedAtMs = clock.monotonicMs()
    const answers = await Promise.allSettled(wanted.map(acquire))
    const acquired = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const started = [...new Set(acquired.map(({ fed }) => fed))].map((fed) => {
      const those = acquired.filter((one) => one.fed === fed).map((one) => one.acquired)
      return start(fed, those, askedAtMs, signal)
    })
    await Promise.all(started)
    // The lease may be held all the same: the next round finds it.
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  }
}

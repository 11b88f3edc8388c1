/**
 * One round of a consumer: renew, look, take and give up. It talks to the store only.
 *
 * What the store has is looked at again after leases were acquired, and only then are readers started: between the first
 * look and the lease the store may have been set back to an earlier state, in which a parent is still being read.
 */
import type { DeliveryStream } from '../../domain/delivery-stream.ts'
import type { AcquiredShard } from '../../domain/ports.ts'
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

export class ConsumerRound {
  readonly #options: ConsumerOptions
  readonly #held: HeldShards
  readonly #soon: () => void
  /** By incarnation. */
  readonly #fedStreams = new Map<string, FedStream>()

  /** @param soon a round is due before its time */
  constructor(options: ConsumerOptions, held: HeldShards, soon: () => void) {
    this.#options = options
    this.#held = held
    this.#soon = soon
  }

  /**
   * Answers in how many ms a lease of another process runs out unless it is renewed. Rejects when the store could not be
   * asked. Starts nothing once the signal aborts.
   */
  async run(signal: AbortSignal): Promise<number> {
    const { shards, leaseMs } = this.#options
    await this.#renew(signal)
    if (signal.aborted) return Infinity
    const looks = await Promise.all([...this.#fedStreams.values()].map((fed) => this.#look(fed)))
    const candidates = looks.flat()
    // After the look, so that a process that cannot look is soon not counted among those that read; and for less than a
    // lease, so that a dead process no longer counts when its leases have run out.
    const holders = await shards.attend(leaseMs * ATTENDING)
    if (signal.aborted) return Infinity
    const { take, giveUp } = assign(holders, shards.holder, candidates)
    for (const { fed, key } of giveUp) this.#held.giveUp(fed, key)
    await this.#takeUp([...candidates.filter(({ isUnread }) => isUnread), ...take], signal)
    return Math.min(...candidates.map(({ freeInMs }) => freeInMs))
  }

  /**
   * Prolongs the leases and lists the delivery streams, beside each other, so that an answer that is lost delays neither.
   * The leases of a delivery stream that was deleted went with it, so those that are lost are judged after the list: of
   * one that is gone they are given up. It is asked for last, so that it is not older than what the leases tell.
   */
  async #renew(signal: AbortSignal): Promise<void> {
    const [renewed, listed] = await Promise.allSettled([this.#held.renew(), this.#options.registry.list()])
    if (listed.status === 'fulfilled' && !signal.aborted) this.#follow(listed.value)
    this.#held.leaveLost()
    for (const answer of [renewed, listed]) if (answer.status === 'rejected') throw answer.reason
  }

  /** Closes the delivery streams that rounds have opened. */
  async close(): Promise<void> {
    await Promise.all([...this.#fedStreams.values()].map((fed) => fed.close()))
  }

  /** Opens the delivery streams that are new, and leaves those that are gone. */
  #follow(definitions: readonly DeliveryStream[]): void {
    const gone = new Map(this.#fedStreams)
    for (const definition of definitions) {
      const { incarnation, kinesis, status } = definition
      if (status !== 'ACTIVE' || kinesis === undefined) continue
      gone.delete(incarnation)
      const fed = this.#fedStreams.get(incarnation)
      if (fed !== undefined) fed.source = kinesis
      else this.#fedStreams.set(incarnation, openFedStream(this.#options, definition, kinesis, this.#soon))
    }
    for (const [incarnation, fed] of gone) {
      this.#fedStreams.delete(incarnation)
      void Promise.allSettled([this.#held.giveUpAll(fed), fed.close()])
    }
  }

  /** The shards that may be read, and whose they are. */
  async #look(fed: FedStream): Promise<Candidate[]> {
    const { shards } = this.#options
    const me = shards.holder
    const check = this.#held.expectPlaces(fed)
    const states = await shards.list(fed.stream)
    check(states)
    return readyShards(states).map(({ key, holder, leaseMs }) => {
      const state = this.#held.stateOf(fed, key)
      const isFreeOrMine = holder === undefined || holder === me
      return {
        fed,
        stream: fed.stream.incarnation,
        key,
        holder: state === 'reading' ? me : holder,
        isLeft: state === 'left' && isFreeOrMine,
        isUnread: state === 'not held' && holder === me,
        freeInMs: isFreeOrMine ? Infinity : leaseMs,
      }
    })
  }

  /** Acquires leases, and has the shards read that, looked at again, may be read. */
  async #takeUp(wanted: readonly Candidate[], signal: AbortSignal): Promise<void> {
    if (wanted.length === 0) return
    const askedAtMs = this.#options.clock.monotonicMs()
    const answers = await Promise.allSettled(wanted.map((candidate) => this.#acquire(candidate)))
    const acquired = new Map<FedStream, AcquiredShard[]>()
    for (const answer of answers) {
      if (answer.status === 'rejected' || answer.value === undefined) continue
      const { fed, lease } = answer.value
      acquired.set(fed, [...(acquired.get(fed) ?? []), lease])
    }
    await Promise.all([...acquired].map(([fed, those]) => this.#start(fed, those, askedAtMs, signal)))
    // Its lease may be held all the same: the next round finds it.
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  }

  async #acquire({ fed, key }: Candidate): Promise<{ fed: FedStream; lease: AcquiredShard } | undefined> {
    const { shards, leaseMs, crash } = this.#options
    const lease = await shards.acquire(fed.stream, key, leaseMs)
    if (lease === undefined) return undefined
    crash('after-shard-acquire')
    return { fed, lease }
  }

  async #start(
    fed: FedStream,
    those: readonly AcquiredShard[],
    askedAtMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { shards } = this.#options
    const ready = new Map(readyShards(await shards.list(fed.stream)).map((state) => [state.key, state]))
    for (const acquired of those) {
      const state = ready.get(acquired.lease.key)
      if (state === undefined || signal.aborted) await shards.release(acquired.lease)
      else this.#held.start(fed, state, acquired, askedAtMs)
    }
  }
}

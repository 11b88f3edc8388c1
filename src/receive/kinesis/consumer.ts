/**
 * The consumer: has the shards of all data streams read that feed delivery streams, each by one process at a time.
 *
 * Every process with this role runs one, and none is special. A few times within the life of a lease it makes a round: it
 * renews the leases it holds, looks at all shards, and takes or gives up some so that every process has its share
 * (assignment.ts). A round only talks to the store, so a data stream that is slow or away delays no renewal: reading
 * (shard-reader.ts) and listing (shard-sync.ts) run beside the rounds.
 *
 * Nobody takes a lease that another holds. The leases of a process that died run out. One that was paused finds its
 * appends refused, leaves all that it held and begins anew.
 */
import { startLoop } from '../../runtime/loop.ts'
import { ConsumerRound } from './consumer-round.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import { HeldShards } from './held-shards.ts'
import { startRounds } from './rounds.ts'

/** Rounds within the life of a lease: one may fail, and the next still renews in time. */
const ROUNDS_PER_LEASE = 3
/** After a lease has run out it is surely free. */
const LATE_MS = 20
/** Looks for leases that may have run out, within the life of one. */
const LOOKS_PER_LEASE = 20

export interface Consumer {
  /**
   * Gives up all shards in good order, what is being appended becomes durable, and says that this process reads no more.
   * Resolves after the life of a lease at the latest, whatever hangs; the leases run out by then.
   */
  stop(): Promise<void>
}

export function startConsumer(options: ConsumerOptions): Consumer {
  const { shards, leaseMs, clock, metrics, log } = options
  const everyMs = leaseMs / ROUNDS_PER_LEASE
  const soon = (): void => rounds.soon()
  const held = new HeldShards(options, soon)
  const round = new ConsumerRound(options, held, soon)
  const rounds = startRounds({
    clock,
    round: async (signal) => {
      const beganMs = clock.monotonicMs()
      const freeInMs = await round.run(signal)
      // A lease that runs out before is one of a process that is gone: its shard need not wait longer.
      return Math.min(everyMs, clock.monotonicMs() - beganMs + freeInMs + LATE_MS)
    },
    onFailure: (err, failures) => {
      if (failures === 1) log.warn({ err }, 'shards could not be attended to')
      return everyMs / ROUNDS_PER_LEASE
    },
    onRecovery: () => log.info('shards are attended to again'),
  })
  const watch = startLoop({
    everyMs: leaseMs / LOOKS_PER_LEASE,
    clock,
    round: async () => held.leaveOverdue(),
    onError: (err) => log.error({ err }, 'leases could not be watched'),
  })
  metrics.onCollect(async () => {
    metrics.reset('hydrant_kinesis_millis_behind_latest')
    for (const { deliveryStream, shardId, behindMs } of held.lags())
      metrics.set(
        'hydrant_kinesis_millis_behind_latest',
        { delivery_stream: deliveryStream, shard: shardId },
        behindMs,
      )
  })

  async function wind(): Promise<void> {
    await Promise.allSettled([rounds.stop(), watch.stop(), held.giveUpAll(), round.close()])
    // Where this does not reach the store, it forgets this process by itself.
    await Promise.allSettled([shards.leave()])
  }

  return {
    async stop() {
      const ended = new AbortController()
      try {
        await Promise.race([wind(), clock.sleep(leaseMs, ended.signal)])
      } finally {
        ended.abort()
      }
    },
  }
}

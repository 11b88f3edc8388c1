/**
 * Keeps the shards that the store knows of one delivery stream in step with those of its data stream, by a sync every
 * minute (shard-registration.ts).
 *
 * In between, the end of a shard registers its children, so a sync that is late costs nothing. A lease keeps the processes
 * from listing all at once, and only saves work: whatever a sync registers is known already, or its records are due, and
 * what it forgets is over. So two at once are harmless, and so is one that was paused for a day before its last step.
 */
import { BufferUnavailableError } from '../../domain/errors.ts'
import type { Lease, Leases } from '../../domain/ports.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import { DataStreamError } from './data-stream.ts'
import { startRounds } from './rounds.ts'
import { ShardRegistration, type ShardRegistrationOptions } from './shard-registration.ts'

const SYNC_EVERY_MS = 60_000
/** After a listing that left a part of the key space uncovered. */
const SYNC_AGAIN_MS = 5_000
const RETRY = { firstMs: 1_000, capMs: 20_000 }

export interface ShardSyncOptions extends ShardRegistrationOptions {
  readonly leases: Leases
  readonly leaseMs: number
  /** In [0, 1). */
  readonly random: () => number
}

export interface ShardSync {
  /** Now, whoever holds the lease: there is reason to think that the data stream has changed. */
  soon(): void
  stop(): Promise<void>
}

export function startShardSync(options: ShardSyncOptions): ShardSync {
  const { stream, leases, leaseMs, log } = options
  const name = `shard-sync:${stream.incarnation}`
  const registration = new ShardRegistration(options)
  let lease: Lease | undefined
  let isUrgent = false
  /** Why it failed since it last did not. */
  const told = new Set<string>()

  async function round(signal: AbortSignal): Promise<number> {
    lease = await leases.acquire(name, leaseMs)
    if (lease === undefined && !isUrgent) return leaseMs
    isUrgent = false
    let isWhole: boolean
    try {
      isWhole = await registration.sync(signal)
    } catch (error) {
      isUrgent = lease === undefined
      // Another process may have better luck with Kinesis.
      if (lease !== undefined) await Promise.allSettled([leases.release(lease)])
      throw error
    }
    if (told.size > 0)
      log.info({ deliveryStream: stream.name }, 'shards of the data stream were listed again')
    told.clear()
    // Kept until the next sync is due, here or, if this process is gone by then, elsewhere.
    const nextMs = isWhole ? SYNC_EVERY_MS : SYNC_AGAIN_MS
    lease = await leases.acquire(name, nextMs)
    return nextMs
  }

  const rounds = startRounds({
    clock: options.clock,
    round,
    onFailure: (error, failures) => {
      failed(options, error, told)
      return backoffMs(RETRY, failures, options.random())
    },
  })
  return {
    soon() {
      isUrgent = true
      rounds.soon()
    },
    async stop() {
      await rounds.stop()
      if (lease !== undefined) await leases.release(lease)
    },
  }
}

/** Counted each time; each reason is told once until it works again. */
function failed({ stream, source, metrics, log }: ShardSyncOptions, err: unknown, told: Set<string>): void {
  metrics.count('hydrant_kinesis_syncs_total', { delivery_stream: stream.name, result: 'failed' })
  const reason = err instanceof DataStreamError ? err.kind : 'store'
  if (told.has(reason)) return
  told.add(reason)
  const isKnown = err instanceof DataStreamError || err instanceof BufferUnavailableError
  // The log tells the hint of an error with it.
  const hint = isKnown && err.hint !== undefined ? {} : { hint: HINT }
  const fields = { deliveryStream: stream.name, dataStream: source.streamArn, err, ...hint }
  log.warn(fields, 'shards of the data stream were not listed')
}

const HINT =
  'records wait in the data stream meanwhile, for as long as it keeps them; see that it exists, that the endpoint is right, and that the credentials may call kinesis:DescribeStream and kinesis:ListShards'

/**
 * Keeps the shards that the store knows of one delivery stream in step with those of its data stream. It registers the
 * shards to begin with; later it looks for what was missed, forgets what is over, and notices when the data stream was
 * deleted and made again under its name. All decisions are in lineage.ts.
 *
 * In between, the end of a shard registers its children, so a sync that is late costs nothing. A lease keeps the processes
 * from listing all at once, and only saves work: whatever a sync registers is known already, or its records are due, and
 * what it forgets is over. So two at once are harmless, and so is one that was paused for a day before its last step.
 */
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { KinesisSource, StreamRef } from '../../domain/delivery-stream.ts'
import { BufferUnavailableError } from '../../domain/errors.ts'
import type { Clock, Lease, Leases, Shards } from '../../domain/ports.ts'
import { shardIdOf, TRIM_HORIZON, type NewShard, type ShardState } from '../../domain/shard.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Creation } from './creation.ts'
import { DataStreamError, type DataStream, type ListedShard } from './data-stream.ts'
import { hasHole } from './hash-range.ts'
import { creationOf, forgettableShards, missingShards, newestCreation, startShards } from './lineage.ts'
import { startRounds } from './rounds.ts'

const SYNC_EVERY_MS = 60_000
/** After a listing that left a part of the key space uncovered. */
const SYNC_AGAIN_MS = 5_000
const RETRY = { firstMs: 1_000, capMs: 20_000 }
/** Such a listing is asked for again at the start: a reshard may be under way. */
const LISTINGS_MAX = 3
const LIST_AGAIN_MS = 1_000
/** A log line names no more shards than these. */
const NAMED_SHARDS_MAX = 20

export interface ShardSyncOptions {
  readonly stream: StreamRef
  readonly source: KinesisSource
  readonly dataStream: DataStream
  readonly creation: Creation
  readonly shards: Pick<Shards, 'list' | 'register' | 'forget'>
  readonly leases: Leases
  readonly leaseMs: number
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  /** In [0, 1). */
  readonly random: () => number
  /** Shards were registered or forgotten. */
  readonly onChange: () => void
}

export interface ShardSync {
  /** Now, whoever holds the lease: there is reason to think that the data stream has changed. */
  soon(): void
  stop(): Promise<void>
}

export function startShardSync(options: ShardSyncOptions): ShardSync {
  const { stream, leases, leaseMs, log } = options
  const name = `shard-sync:${stream.incarnation}`
  const sync = createSync(options)
  let lease: Lease | undefined
  let isUrgent = false

  async function round(signal: AbortSignal): Promise<number> {
    const wasUrgent = isUrgent
    isUrgent = false
    lease = await leases.acquire(name, leaseMs)
    if (lease === undefined && !wasUrgent) return leaseMs
    let isWhole: boolean
    try {
      isWhole = await sync(signal)
    } catch (error) {
      // Another process may have better luck with Kinesis.
      if (lease !== undefined) await Promise.allSettled([leases.release(lease)])
      throw error
    }
    // Kept until the next sync is due, here or, if this process is gone by then, elsewhere.
    const nextMs = isWhole ? SYNC_EVERY_MS : SYNC_AGAIN_MS
    lease = await leases.acquire(name, nextMs)
    return nextMs
  }

  const rounds = startRounds({
    clock: options.clock,
    round,
    onFailure: (error, failures) => failed(options, error, failures),
    onRecovery: () =>
      log.info({ deliveryStream: stream.name }, 'shards of the data stream were listed again'),
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

/** Told once until it works again. Answers when to try again. */
function failed(
  { stream, source, metrics, log, random }: ShardSyncOptions,
  err: unknown,
  failures: number,
): number {
  metrics.count('hydrant_kinesis_syncs_total', { delivery_stream: stream.name, result: 'failed' })
  const isTold = err instanceof DataStreamError || err instanceof BufferUnavailableError
  const hint = (isTold ? err.hint : undefined) ?? HINT
  if (failures === 1) {
    log.warn(
      { deliveryStream: stream.name, dataStream: source.streamArn, err, hint },
      'shards of the data stream were not listed',
    )
  }
  return backoffMs(RETRY, failures, random())
}

const HINT =
  'records wait in the data stream meanwhile, for as long as it keeps them; see that it exists, that the endpoint is right, and that the credentials may call kinesis:DescribeStream and kinesis:ListShards'

/** Answers whether all hash keys were covered. Rejects with DataStreamError or BufferUnavailableError. */
type Sync = (signal: AbortSignal) => Promise<boolean>

function createSync(options: ShardSyncOptions): Sync {
  const { stream, source, dataStream, creation, shards, clock, metrics, log } = options
  let hadHole = false

  function covers(listed: readonly ListedShard[]): boolean {
    const hole = hasHole(listed.map(({ hashRange }) => hashRange))
    const labels = { delivery_stream: stream.name, result: hole ? 'hole' : 'ok' }
    metrics.count('hydrant_kinesis_syncs_total', labels)
    if (hole && !hadHole) {
      log.warn(
        {
          deliveryStream: stream.name,
          shards: listed.length,
          hint: 'a reshard may be under way; it is listed again',
        },
        'shards listed left a part of the hash keys uncovered',
      )
    }
    hadHole = hole
    return !hole
  }

  /** The shards that were open at the start; if they are not told, all that are listed, which are more than enough. */
  async function listStart(signal: AbortSignal): Promise<readonly ListedShard[]> {
    for (let listings = 1; listings <= LISTINGS_MAX; listings += 1) {
      if (listings > 1) await clock.sleep(LIST_AGAIN_MS, signal)
      const listed = await listOpenAt(dataStream, source.start, signal)
      if (listed === undefined) break
      if (covers(listed)) return listed
    }
    const listed = await dataStream.listShards(undefined, signal)
    covers(listed)
    return listed
  }

  async function register(added: readonly NewShard[], what: string): Promise<boolean> {
    if (added.length === 0) return true
    if (!(await shards.register(stream, added))) return false
    const named = added.slice(0, NAMED_SHARDS_MAX).map(({ key }) => shardIdOf(key))
    log.info({ deliveryStream: stream.name, shards: added.length, named, from: added[0]?.checkpoint }, what)
    options.onChange()
    return true
  }

  async function forget(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    await shards.forget(stream, keys)
    log.info({ deliveryStream: stream.name, shards: keys.length }, 'shards that are over were forgotten')
    options.onChange()
  }

  async function begin(createdAtMs: number, signal: AbortSignal): Promise<boolean> {
    const listed = await listStart(signal)
    await confirm(createdAtMs, listed, signal)
    await register(startShards(listed, createdAtMs, source.start), 'shards to begin with were registered')
    return !hadHole
  }

  async function beginAnew(
    states: readonly ShardState[],
    createdAtMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const listed = await dataStream.listShards(undefined, signal)
    await confirm(createdAtMs, listed, signal)
    const isWhole = covers(listed)
    log.warn(
      {
        deliveryStream: stream.name,
        dataStream: source.streamArn,
        createdAt: new Date(createdAtMs).toISOString(),
      },
      'data stream was found deleted and made again',
    )
    const isThere = await register(
      startShards(listed, createdAtMs, TRIM_HORIZON),
      'shards of the new data stream were registered',
    )
    if (isThere) await forget(states.map(({ key }) => key))
    return isWhole
  }

  async function audit(
    states: readonly ShardState[],
    createdAtMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const listed = await dataStream.listShards(undefined, signal)
    await confirm(createdAtMs, listed, signal)
    const isWhole = covers(listed.filter(({ isClosed }) => !isClosed))
    await register(missingShards(listed, states, createdAtMs), 'missed shards were registered')
    const old = states.filter(({ key }) => creationOf(key) < createdAtMs).map(({ key }) => key)
    await forget([...old, ...(isWhole ? forgettableShards(listed, states, createdAtMs) : [])])
    return isWhole
  }

  /** That the listing is of the data stream that was created then. Shard ids alone do not tell. */
  async function confirm(
    createdAtMs: number,
    listed: readonly ListedShard[],
    signal: AbortSignal,
  ): Promise<void> {
    if (listed.length > 0 && (await creation.createdAt(signal)) === createdAtMs) return
    const message = `list shards of ${source.streamArn}: ${listed.length === 0 ? 'there are none' : 'the data stream was made again meanwhile'}`
    throw new DataStreamError(message, { kind: 'unavailable', code: 'Changing', hint: 'it is listed again' })
  }

  return async (signal) => {
    // What is known is read first: a shard that has ended by then and is not listed afterwards was trimmed, and not yet to
    // come.
    const states = await shards.list(stream)
    const createdAtMs = await creation.createdAt(signal)
    const newest = newestCreation(states)
    if (newest === undefined) return begin(createdAtMs, signal)
    return newest < createdAtMs ? beginAnew(states, createdAtMs, signal) : audit(states, createdAtMs, signal)
  }
}

/** Undefined when the server does not tell: it knows no filter, or the time has not come by its clock. */
async function listOpenAt(
  dataStream: DataStream,
  start: string,
  signal: AbortSignal,
): Promise<readonly ListedShard[] | undefined> {
  try {
    return await dataStream.listShards(start, signal)
  } catch (error) {
    if (error instanceof DataStreamError && error.kind === 'invalid') return undefined
    throw error
  }
}

/**
 * The store adapter on Redis (7.0 or newer): any number of processes append, any number deliver. Redis holds the truth;
 * each step that moves records is one Lua script of ./lua.
 */
import type { Log } from '../../account/log.ts'
import type { Store } from '../../domain/ports.ts'
import { RedisBuffer } from './buffer.ts'
import { Connection } from './connection.ts'
import { RedisJournal } from './journal.ts'
import { Keys } from './keys.ts'
import { RedisLeases } from './leases.ts'
import { MemoryGuard } from './memory.ts'
import { RedisRegistry } from './registry.ts'
import { checkServing, inspect } from './requirements.ts'
import { ServerClock } from './server-clock.ts'
import { RedisShards } from './shards.ts'

export interface RedisStoreOptions {
  /** `redis://user:password@host:port/db`, `rediss://` for TLS, or the path of a Unix socket. */
  readonly url: string
  readonly keyPrefix: string
  /** Bytes of frames that all streams may hold; at most, and by default, 75 % of maxmemory. Needed where maxmemory is 0. */
  readonly maxBytes: number | undefined
  /** Share of that which one stream may hold, 0 to 1. */
  readonly perStreamShare: number
  /** Accepts a Redis without an append-only file. */
  readonly allowVolatile: boolean
  /** Names this process in leases, also those of shards; no two processes may share it. */
  readonly holder: string
  readonly log: Log
  /** The store's time, whole epoch ms; by default the server's TIME, carried on by the local monotonic clock. */
  readonly now?: () => number
  /** Refuses a Redis that does not sync each append to its disk. */
  readonly requireAppendFsync?: 'always'
  /** Acknowledges an append once this many replicas have received it. */
  readonly waitReplicas?: number
  /** After this the outcome of a call is unknown. 5000 by default. */
  readonly commandTimeoutMs?: number
}

const COMMAND_TIMEOUT_MS = 5000

/** Rejects with StartError when Redis cannot be reached or will not do. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const { url, log, commandTimeoutMs: timeoutMs = COMMAND_TIMEOUT_MS } = options
  const ingest = await Connection.open({ url, name: `${options.keyPrefix}-ingest`, timeoutMs, log })
  try {
    const fitness = await inspect(ingest, options, log)
    const keys = new Keys(options.keyPrefix)
    const now = options.now ?? (await ServerClock.start(ingest, keys.clock, log)).now
    const bulk = await Connection.open({ url, name: `${options.keyPrefix}-bulk`, timeoutMs, log })
    return {
      buffer: new RedisBuffer({
        ingest,
        bulk,
        keys,
        memory: new MemoryGuard(ingest, log),
        now,
        holder: options.holder,
        maxBytes: fitness.maxBytes,
        perStreamShare: options.perStreamShare,
        waitReplicas: options.waitReplicas ?? 0,
        waitMs: Math.floor(timeoutMs / 2),
      }),
      registry: new RedisRegistry(ingest, keys, now),
      leases: new RedisLeases(ingest, keys, options.holder, now),
      shards: new RedisShards(ingest, keys, options.holder, now),
      journal: new RedisJournal(bulk, keys, now),
      promise: fitness.promise,
      check: () => checkServing(ingest),
      close: async () => {
        await Promise.all([ingest.close(), bulk.close()])
      },
    }
  } catch (error) {
    await ingest.close()
    throw error
  }
}

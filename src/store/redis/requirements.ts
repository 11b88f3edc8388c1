/**
 * What a Redis must be like before records are entrusted to it, and what an acknowledgement means with it. Reads INFO,
 * which managed services leave open, and CONFIG where it may.
 */
import { StartError } from '../../domain/errors.ts'
import type { Log } from '../../account/log.ts'
import type { Connection } from './connection.ts'
import { startError } from './failure.ts'
import { infoFields, infoNumber, type Info } from './info.ts'

export interface Requirements {
  /** Bytes of frames that all streams may hold; undefined: a share of maxmemory. */
  readonly maxBytes: number | undefined
  readonly allowVolatile: boolean
  readonly requireAppendFsync?: 'always' | undefined
  readonly waitReplicas?: number | undefined
}

export interface Fitness {
  readonly maxBytes: number
  readonly promise: string
}

/** Script flags (`#!lua`) came with it. */
const OLDEST_VERSION = 7
/** The rest is for what else is in this Redis, for buffers of its clients, and for what allocation wastes. */
const BUDGET_SHARE_OF_MAXMEMORY = 0.75

/** Rejects with StartError when this Redis will not do. */
export async function inspect(connection: Connection, required: Requirements, log: Log): Promise<Fitness> {
  const redis = `redis at ${connection.address}`
  const info = await readInfo(connection, redis)
  checkServer(info, redis)
  checkEviction(info, redis)
  const appendFsync = await readConfig(connection, 'appendfsync')
  const noFsyncOnRewrite = await readConfig(connection, 'no-appendfsync-on-rewrite')
  const persistent = info.get('aof_enabled') === '1'
  if (!persistent && !required.allowVolatile) {
    throw new StartError(
      `use ${redis}: it keeps no append-only file, so a restart would lose acknowledged records`,
      {
        hint: 'set appendonly yes in redis.conf (CONFIG SET appendonly yes), or buffer.allowVolatile: true to accept the loss',
      },
    )
  }
  checkFsync(required, { persistent, appendFsync, noFsyncOnRewrite, redis })
  const replicas = required.waitReplicas ?? 0
  if (replicas > infoNumber(info, 'connected_slaves')) {
    const fields = { waitReplicas: replicas, connectedReplicas: infoNumber(info, 'connected_slaves') }
    log.warn(fields, 'too few replicas connected: appends fail until they are')
  }
  return {
    maxBytes: budget(info, required.maxBytes, redis, log),
    promise: promiseOf(redis, persistent, appendFsync, replicas),
  }
}

/** Rejects with a sentence when this Redis cannot take writes now. */
export async function checkServing(connection: Connection): Promise<void> {
  const doing = `check redis at ${connection.address}`
  const info = infoFields(await connection.call(doing, (client) => client.info()))
  if (info.get('role') === 'slave')
    throw new Error(`${doing}: it is a replica now; point buffer.url at the primary`)
  if (info.get('aof_enabled') === '1' && info.get('aof_last_write_status') === 'err') {
    throw new Error(`${doing}: it cannot write its append-only file; free its disk`)
  }
}

async function readInfo(connection: Connection, redis: string): Promise<Info> {
  try {
    return infoFields(await connection.call(`inspect ${redis}`, (client) => client.info()))
  } catch (error) {
    throw startError(error instanceof Error ? (error.cause ?? error) : error, `inspect ${redis}`)
  }
}

/** Undefined where CONFIG is forbidden, as on most managed services. */
async function readConfig(connection: Connection, name: string): Promise<string | undefined> {
  const answer = await connection.call('read redis configuration', async (client) => {
    try {
      return await client.config('GET', name)
    } catch (error) {
      // NOPERM, or "ERR unknown command 'CONFIG'" where it is renamed away; what breaks the connection is told by the next call.
      return error instanceof Error && /NOPERM|unknown command/i.test(error.message)
        ? []
        : Promise.reject(error)
    }
  })
  const value: unknown = Array.isArray(answer) ? answer[1] : undefined
  return typeof value === 'string' ? value : undefined
}

function checkServer(info: Info, redis: string): void {
  const version = info.get('redis_version') ?? '0'
  if (Number.parseInt(version, 10) < OLDEST_VERSION) {
    throw new StartError(`use ${redis}: version ${version} is older than ${OLDEST_VERSION}.0`, {
      hint: 'use Redis 7.0 or newer, or Valkey 7.2 or newer',
    })
  }
  if (info.get('role') === 'slave') {
    throw new StartError(`use ${redis}: it is a replica`, { hint: 'point buffer.url at the primary' })
  }
  if (info.get('cluster_enabled') === '1') {
    throw new StartError(`use ${redis}: it runs in cluster mode, which is not supported yet`, {
      hint: 'use a Redis with cluster-enabled no; a primary with replicas will do',
    })
  }
}

function checkEviction(info: Info, redis: string): void {
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction') return
  throw new StartError(`use ${redis}: maxmemory-policy ${policy} would evict acknowledged records`, {
    hint: 'set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, or the parameter group of the service)',
  })
}

interface Fsync {
  readonly persistent: boolean
  readonly appendFsync: string | undefined
  readonly noFsyncOnRewrite: string | undefined
  readonly redis: string
}

function checkFsync(
  required: Requirements,
  { persistent, appendFsync, noFsyncOnRewrite, redis }: Fsync,
): void {
  if (required.requireAppendFsync === undefined) return
  if (!persistent || appendFsync !== 'always') {
    const found = persistent
      ? `appendfsync is ${appendFsync ?? 'not readable'}`
      : 'there is no append-only file'
    throw new StartError(`use ${redis}: appendfsync always is required, but ${found}`, {
      hint: 'set appendonly yes and appendfsync always, and let this user run CONFIG GET',
    })
  }
  if (noFsyncOnRewrite === 'yes') {
    throw new StartError(
      `use ${redis}: no-appendfsync-on-rewrite yes suspends appendfsync always during a rewrite`,
      {
        hint: 'set no-appendfsync-on-rewrite no',
      },
    )
  }
}

function budget(info: Info, maxBytes: number | undefined, redis: string, log: Log): number {
  const maxmemory = infoNumber(info, 'maxmemory')
  if (maxmemory === 0) {
    if (maxBytes !== undefined) return maxBytes
    throw new StartError(
      `use ${redis}: it has no maxmemory, so there is nothing to take the buffer's limit from`,
      {
        hint: 'set buffer.maxBytes, or maxmemory in redis.conf',
      },
    )
  }
  const most = Math.floor(maxmemory * BUDGET_SHARE_OF_MAXMEMORY)
  if (maxBytes === undefined || maxBytes === most) return most
  if (maxBytes > most) {
    // Taking less than was asked for breaks no promise; Redis at its limit would stop everything.
    log.warn(
      { maxBytes, limitBytes: most, maxmemoryBytes: maxmemory },
      'buffer.maxBytes lowered to 75 % of maxmemory',
    )
    return most
  }
  return maxBytes
}

function promiseOf(
  redis: string,
  persistent: boolean,
  appendFsync: string | undefined,
  replicas: number,
): string {
  const received =
    replicas === 0 ? '' : `, and ${replicas} replica${replicas === 1 ? ' has' : 's have'} received it`
  return `${redis}: an acknowledged record ${meaning(persistent, appendFsync)}${received}`
}

const fsyncMeanings: ReadonlyMap<string, string> = new Map([
  ['always', 'is on the disk of its host (appendfsync always)'],
  [
    'everysec',
    'survives the death of every Hydrant process; a crash of Redis or of its host may cost the last second or two (appendfsync everysec)',
  ],
  [
    'no',
    'survives the end of Redis; power loss of its host costs what was not yet written back (appendfsync no)',
  ],
])

function meaning(persistent: boolean, appendFsync: string | undefined): string {
  if (!persistent) return 'is in memory only and is lost when Redis ends (no append-only file)'
  const fsync = appendFsync === undefined ? undefined : fsyncMeanings.get(appendFsync)
  return (
    fsync ??
    'is in the append-only file; how often that is synced to disk could not be read (CONFIG is forbidden)'
  )
}

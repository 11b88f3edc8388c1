/**
 * GET /shards: the shards that feed each delivery stream with a Kinesis source, who reads them, and how far they are in the
 * buffer. Any process answers for all. It shows no record.
 */
import { Router } from 'express'
import type { Log } from '../account/log.ts'
import { SHARD_END, shardIdOf, type ShardState } from '../domain/shard.ts'
import { storeRoute, type OperatorPorts, type PortsNow } from './store-route.ts'

export interface ShardsAnswer {
  /** Those with a Kinesis source, in order of names. */
  readonly deliveryStreams: readonly StreamShards[]
}

interface StreamShards {
  readonly deliveryStream: string
  readonly incarnation: string
  /** ARN of the data stream. */
  readonly dataStream: string
  /** In order of keys; empty until the data stream was listed for the first time. */
  readonly shards: readonly ShardEntry[]
}

/**
 * `waiting`: a shard that it was split or merged from is not read to its end. `free`: a process will take it. `leased`: its
 * holder reads it. `ended`: all of it is in the buffer, or was already.
 */
export type ShardStatus = 'waiting' | 'free' | 'leased' | 'ended'

/** Times are whole milliseconds by the store's clock. */
export interface ShardEntry {
  readonly shardId: string
  /** Tells it from the shard of that id in a data stream of the same name that was deleted before. */
  readonly key: string
  readonly status: ShardStatus
  /** Keys; they need not be known any more. */
  readonly parents: readonly string[]
  readonly children: readonly string[]
  readonly hashRange: readonly [first: string, last: string]
  /** Absent when nobody holds it. */
  readonly holder?: string | undefined
  readonly leaseCounter: number
  readonly leaseMs: number
  readonly checkpoint: string
  readonly checkpointAgeMs: number
  /** How far its reader was behind the tip; absent until one has read. */
  readonly behindMs?: number | undefined
}

export function shardRoutes(portsNow: PortsNow, log: Log): Router {
  const routes = Router()
  const serve = storeRoute(portsNow, log)
  routes.get('/shards', (_request, response) =>
    serve(async (ports) => void response.json(await list(ports)))(response),
  )
  return routes
}

async function list({ store }: OperatorPorts): Promise<ShardsAnswer> {
  const deliveryStreams: StreamShards[] = []
  for (const stream of await store.registry.list()) {
    if (stream.kinesis === undefined) continue
    deliveryStreams.push({
      deliveryStream: stream.name,
      incarnation: stream.incarnation,
      dataStream: stream.kinesis.streamArn,
      shards: entriesOf(await store.shards.list(stream)),
    })
  }
  return { deliveryStreams }
}

function entriesOf(shards: readonly ShardState[]): ShardEntry[] {
  const unfinished = new Set(
    shards.filter(({ checkpoint }) => checkpoint !== SHARD_END).map(({ key }) => key),
  )
  return shards.map((shard) => ({
    shardId: shardIdOf(shard.key),
    key: shard.key,
    status: statusOf(shard, unfinished),
    parents: shard.parents,
    children: shard.children,
    hashRange: shard.hashRange,
    holder: shard.holder,
    leaseCounter: shard.counter,
    leaseMs: Math.round(shard.leaseMs),
    checkpoint: shard.checkpoint,
    checkpointAgeMs: Math.round(shard.checkpointAgeMs),
    behindMs: shard.behindMs,
  }))
}

/** @param unfinished keys of the shards that are not read to their end */
function statusOf({ checkpoint, holder, parents }: ShardState, unfinished: ReadonlySet<string>): ShardStatus {
  if (checkpoint === SHARD_END) return 'ended'
  if (holder !== undefined) return 'leased'
  return parents.some((parent) => unfinished.has(parent)) ? 'waiting' : 'free'
}

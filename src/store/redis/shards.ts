/**
 * The shards that feed delivery streams: a small hash each, under the hash tag of their stream, and who reads them. A
 * shard's checkpoint also moves with its records, in append-from-shard.lua.
 */
import type { StreamRef } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import type { AcquiredShard, Ended, RenewedShard, Shards } from '../../domain/ports.ts'
import type { Checkpoint, NewShard, ShardLease, ShardState } from '../../domain/shard.ts'
import type { Argument, Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { scripts } from './scripts.ts'

/** A shard as shards-list.lua answers it. */
type ListedShard = readonly [
  key: string,
  parents: string,
  range: string,
  checkpoint: string,
  children: string,
  counter: number,
  holder: string,
  leaseMs: number,
  checkpointAgeMs: number,
  behindMs: string,
]

export class RedisShards implements Shards {
  readonly holder: string
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #now: () => number

  constructor(connection: Connection, keys: Keys, holder: string, now: () => number) {
    this.#connection = connection
    this.#keys = keys
    this.holder = holder
    this.#now = now
  }

  async attend(ttlMs: number): Promise<readonly string[]> {
    const argv = [this.#now(), this.holder, ttlMs]
    const doing = 'attend to shards'
    const holders = await this.#connection.script(doing, scripts.shardsAttend, [this.#keys.attendance], argv)
    return (holders as readonly string[]).toSorted()
  }

  async leave(): Promise<void> {
    const { attendance } = this.#keys
    await this.#connection.call('leave shards', (client) => client.zrem(attendance, this.holder))
  }

  async register(stream: StreamRef, shards: readonly NewShard[]): Promise<boolean> {
    const { base, stream: hash } = this.#keys.stream(stream)
    const argv = [this.#now(), base, ...shards.flatMap(shardArguments)]
    const doing = `register shards of ${stream.name}`
    return (await this.#connection.script(doing, scripts.shardsRegister, [hash], argv)) === 1
  }

  async list(stream: StreamRef): Promise<readonly ShardState[]> {
    const { base, stream: hash, shards } = this.#keys.stream(stream)
    const doing = `list shards of ${stream.name}`
    const argv = [this.#now(), base]
    const listed = await this.#connection.script(doing, scripts.shardsList, [hash, shards], argv)
    return (listed as readonly ListedShard[]).map(parseShard)
  }

  async acquire(stream: StreamRef, key: string, ttlMs: number): Promise<AcquiredShard | undefined> {
    const answer = await this.#connection.script(
      `acquire shard ${key} of ${stream.name}`,
      scripts.shardsAcquire,
      [this.#keys.stream(stream).stream, this.#keys.shard(stream, key)],
      [this.#now(), this.holder, ttlMs],
    )
    if ((answer as readonly unknown[]).length === 0) return undefined
    const [counter, checkpoint] = answer as readonly [number, string]
    const { name, incarnation } = stream
    return { lease: { stream: { name, incarnation }, key, counter }, checkpoint }
  }

  async renew(stream: StreamRef, held: readonly RenewedShard[], ttlMs: number): Promise<readonly string[]> {
    if (held.length === 0) return []
    const { base, stream: hash } = this.#keys.stream(stream)
    const each = held.flatMap(({ key, counter, behindMs }) => [key, counter, behindMs ?? ''])
    const argv = [this.#now(), base, this.holder, ttlMs, ...each]
    const doing = `renew shards of ${stream.name}`
    return (await this.#connection.script(doing, scripts.shardsRenew, [hash], argv)) as readonly string[]
  }

  async release({ stream, key, counter }: ShardLease): Promise<void> {
    const keys = [this.#keys.shard(stream, key)]
    const doing = `release shard ${key} of ${stream.name}`
    await this.#connection.script(doing, scripts.shardsRelease, keys, [this.holder, counter])
  }

  async end(lease: ShardLease, after: Checkpoint, children: readonly NewShard[]): Promise<Ended> {
    const { stream, key, counter } = lease
    const { base, stream: hash } = this.#keys.stream(stream)
    const childKeys = JSON.stringify(children.map((child) => child.key))
    const answer = await this.#connection.script(
      `end shard ${key} of ${stream.name}`,
      scripts.shardsEnd,
      [hash, this.#keys.shard(stream, key)],
      [this.#now(), base, this.holder, counter, after, childKeys, ...children.flatMap(shardArguments)],
    )
    const [kind, checkpoint] = answer as readonly ['gap', string] | readonly ['ended' | 'fenced', undefined]
    switch (kind) {
      case 'gap':
        return { kind, checkpoint }
      case 'ended':
      case 'fenced':
        return { kind }
      default:
        return unreachable(kind)
    }
  }

  async forget(stream: StreamRef, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const { base, shards } = this.#keys.stream(stream)
    const doing = `forget shards of ${stream.name}`
    await this.#connection.script(doing, scripts.shardsForget, [shards], [base, ...keys])
  }
}

function shardArguments({ key, parents, hashRange, checkpoint }: NewShard): Argument[] {
  return [key, JSON.stringify(parents), JSON.stringify(hashRange), checkpoint]
}

function parseShard(shard: ListedShard): ShardState {
  const [key, parents, range, checkpoint, children, counter, holder, leaseMs, checkpointAgeMs, behindMs] =
    shard
  return {
    key,
    parents: JSON.parse(parents) as readonly string[],
    hashRange: JSON.parse(range) as readonly [string, string],
    checkpoint,
    children: JSON.parse(children) as readonly string[],
    counter,
    ...(holder === '' ? {} : { holder }),
    leaseMs,
    checkpointAgeMs,
    ...(behindMs === '' ? {} : { behindMs: Number(behindMs) }),
  }
}

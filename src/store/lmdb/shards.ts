/**
 * Shards, their leases and checkpoints in LMDB: one small record for each. One process owns the folder, so a lease of an
 * earlier holder is void from the start, only its counter lives on; and who reads shards is known in memory. A counter is
 * never below the time at which it was given, so that a folder restored from a copy gives none a second time.
 */
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { AcquiredShard, Ended, RenewedShard, Shards } from '../../domain/ports.ts'
import {
  SHARD_END,
  type Checkpoint,
  type NewShard,
  type ShardLease,
  type ShardState,
} from '../../domain/shard.ts'
import type { LmdbDatabase } from './database.ts'
import { newStoredShard, shardStateOf, type StoredShard } from './layout.ts'
import type { StoreTime } from './time.ts'

/** True while `holder` has the shard's lease under this counter. */
export function isHeld(
  shard: StoredShard | undefined,
  holder: string,
  counter: number,
  nowMs: number,
): shard is StoredShard {
  return shard?.holder === holder && shard.counter === counter && shard.expiresAtMs > nowMs
}

/** All of one incarnation, in order of keys. */
export function shardsOf(db: LmdbDatabase, incarnation: string): { key: string; shard: StoredShard }[] {
  const range = db.shards.getRange({ start: [incarnation, ''], end: [incarnation, '\uffff'] })
  return Array.from(range, ({ key, value }) => ({ key: key[1], shard: value }))
}

function isThere(db: LmdbDatabase, { name, incarnation }: StreamRef): boolean {
  return db.streams.get(name)?.incarnation === incarnation
}

/** It is there and is not being deleted: nothing of one that is goes to a reader any more. */
function stays(db: LmdbDatabase, stream: StreamRef): boolean {
  return isThere(db, stream) && db.streams.get(stream.name)?.status !== 'DELETING'
}

function knownShard(db: LmdbDatabase, stream: StreamRef, key: string): StoredShard | undefined {
  return isThere(db, stream) ? db.shards.get([stream.incarnation, key]) : undefined
}

export class LmdbShards implements Shards {
  readonly holder: string
  readonly #db: LmdbDatabase
  readonly #time: StoreTime
  /** Until when each holder reads shards. */
  readonly #attending: Map<string, number>

  constructor(
    db: LmdbDatabase,
    time: StoreTime,
    holder: string,
    attending: Map<string, number> = new Map<string, number>(),
  ) {
    this.#db = db
    this.#time = time
    this.holder = holder
    this.#attending = attending
  }

  /** The same shards as another holder sees them. */
  of(holder: string): LmdbShards {
    return new LmdbShards(this.#db, this.#time, holder, this.#attending)
  }

  async attend(ttlMs: number): Promise<readonly string[]> {
    this.#db.assertOpen('attend to shards')
    const nowMs = this.#time.now()
    this.#attending.set(this.holder, nowMs + ttlMs)
    for (const [holder, untilMs] of this.#attending) if (untilMs <= nowMs) this.#attending.delete(holder)
    return [...this.#attending.keys()].toSorted()
  }

  async leave(): Promise<void> {
    this.#attending.delete(this.holder)
  }

  async register(stream: StreamRef, shards: readonly NewShard[]): Promise<boolean> {
    return this.#db.write(`register shards of ${stream.name}`, () => {
      if (!stays(this.#db, stream)) return false
      this.#add(stream, shards)
      return true
    })
  }

  /** Only inside a `write`. */
  #add({ incarnation }: StreamRef, shards: readonly NewShard[]): void {
    const nowMs = this.#time.now()
    for (const shard of shards) {
      if (this.#db.shards.get([incarnation, shard.key]) === undefined)
        this.#put(incarnation, shard.key, newStoredShard(shard, nowMs))
    }
  }

  #put(incarnation: string, key: string, shard: StoredShard): void {
    void this.#db.shards.put([incarnation, key], shard)
  }

  async list(stream: StreamRef): Promise<readonly ShardState[]> {
    this.#db.assertOpen(`list shards of ${stream.name}`)
    if (!isThere(this.#db, stream)) return []
    const nowMs = this.#time.now()
    return shardsOf(this.#db, stream.incarnation).map(({ key, shard }) => shardStateOf(key, shard, nowMs))
  }

  async acquire(stream: StreamRef, key: string, ttlMs: number): Promise<AcquiredShard | undefined> {
    return this.#db.write(`acquire ${key} of ${stream.name}`, () => {
      const shard = knownShard(this.#db, stream, key)
      if (shard === undefined || shard.checkpoint === SHARD_END || !stays(this.#db, stream)) return undefined
      const nowMs = this.#time.now()
      const held = shard.expiresAtMs > nowMs
      if (held && shard.holder !== this.holder) return undefined
      const counter = held ? shard.counter : Math.max(shard.counter + 1, nowMs)
      const { name, incarnation } = stream
      this.#put(incarnation, key, { ...shard, holder: this.holder, counter, expiresAtMs: nowMs + ttlMs })
      return { lease: { stream: { name, incarnation }, key, counter }, checkpoint: shard.checkpoint }
    })
  }

  async renew(stream: StreamRef, held: readonly RenewedShard[], ttlMs: number): Promise<readonly string[]> {
    return this.#db.write(`renew shards of ${stream.name}`, () => {
      const renewed: string[] = []
      if (!isThere(this.#db, stream)) return renewed
      const nowMs = this.#time.now()
      for (const { key, counter, behindMs } of held) {
        const shard = this.#db.shards.get([stream.incarnation, key])
        if (!isHeld(shard, this.holder, counter, nowMs)) continue
        const behind = behindMs === undefined ? {} : { behindMs }
        this.#put(stream.incarnation, key, { ...shard, ...behind, expiresAtMs: nowMs + ttlMs })
        renewed.push(key)
      }
      return renewed
    })
  }

  async release({ stream, key, counter }: ShardLease): Promise<void> {
    await this.#db.write(`release ${key} of ${stream.name}`, () => {
      const shard = knownShard(this.#db, stream, key)
      if (isHeld(shard, this.holder, counter, this.#time.now()))
        this.#put(stream.incarnation, key, { ...shard, expiresAtMs: 0 })
    })
  }

  async end(lease: ShardLease, after: Checkpoint, children: readonly NewShard[]): Promise<Ended> {
    const { stream, key, counter } = lease
    return this.#db.write(`end ${key} of ${stream.name}`, () => {
      if (!stays(this.#db, stream)) return { kind: 'fenced' }
      const shard = knownShard(this.#db, stream, key)
      // The end that was taken has freed the lease, so this comes before the fence.
      if (shard?.checkpoint === SHARD_END) return { kind: 'gap', checkpoint: SHARD_END }
      const nowMs = this.#time.now()
      if (!isHeld(shard, this.holder, counter, nowMs)) return { kind: 'fenced' }
      if (shard.checkpoint !== after) return { kind: 'gap', checkpoint: shard.checkpoint }
      this.#add(stream, children)
      const { behindMs: _, ...left } = shard
      this.#put(stream.incarnation, key, {
        ...left,
        checkpoint: SHARD_END,
        checkpointAtMs: nowMs,
        children: children.map((child) => child.key),
        expiresAtMs: 0,
      })
      return { kind: 'ended' }
    })
  }

  async forget(stream: StreamRef, keys: readonly string[]): Promise<void> {
    await this.#db.write(`forget shards of ${stream.name}`, () => {
      if (!isThere(this.#db, stream)) return
      for (const key of keys) void this.#db.shards.remove([stream.incarnation, key])
    })
  }

  /** Frees what earlier owners of the folder held when they ended. */
  async expireAll(): Promise<void> {
    await this.#db.write('free shards', () => {
      const held = [...this.#db.shards.getRange({})].filter(({ value }) => value.expiresAtMs > 0)
      for (const { key, value } of held) void this.#db.shards.put(key, { ...value, expiresAtMs: 0 })
    })
  }
}

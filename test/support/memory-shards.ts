/**
 * Shards of many processes in memory, for simulations: every step is taken at once and in the order of the calls, time is the
 * clock that a test moves by hand, and nothing is drawn at random. It keeps what was appended from each shard and under
 * which counter, and can be set back to an earlier state as a whole, as a store that was restored from a copy.
 *
 * It passes the part of the store conformance suite that is about shards. It has no batches and promises nothing.
 */
import type { DeliveryStream, StreamRef } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type {
  AcquiredShard,
  Appended,
  Buffer as BufferPort,
  Clock,
  Ended,
  Lease,
  Leases,
  OutOfPlace,
  RenewedShard,
  Shards,
} from '../../src/domain/ports.ts'
import {
  SHARD_END,
  type Checkpoint,
  type NewShard,
  type ShardLease,
  type ShardPosition,
  type ShardState,
} from '../../src/domain/shard.ts'

/** One append that was taken. `position.lease` says by which counter. */
export interface ShardAppend {
  readonly holder: string
  readonly position: ShardPosition
  readonly frames: readonly Frame[]
  readonly firstSequence: number
  readonly atMs: number
}

export interface ShardCall {
  readonly holder: string
  readonly verb: keyof Shards | 'appendFromShard' | 'acquireLease' | 'releaseLease'
  /** Shard, where there is one. */
  readonly key?: string
}

/** Carries a call out by calling `step`, which takes effect at once: before it, after it, twice, or not at all. */
export type Carry = <T>(call: ShardCall, step: () => T) => Promise<T>

/** The store as one process has it. */
export interface MemoryProcess {
  readonly shards: Shards
  readonly leases: Leases
  readonly appendFromShard: BufferPort['appendFromShard']
}

/** A shard that was registered; replaced whole when it changes, so that a snapshot may share it. */
interface StoredShard extends NewShard {
  readonly incarnation: string
  readonly children: readonly string[]
  readonly counter: number
  readonly holder: string
  readonly expiresAtMs: number
  readonly checkpointAtMs: number
  readonly behindMs?: number
}

interface StoredLease {
  readonly holder: string
  readonly counter: number
  readonly expiresAtMs: number
}

interface State {
  readonly shards: Map<string, StoredShard>
  readonly leases: Map<string, StoredLease>
  readonly attending: Map<string, number>
  readonly appends: ShardAppend[]
}

/** All that was stored at one moment. */
export type Snapshot = Readonly<State>

export class MemoryShards {
  /** A simulation puts pauses, lost answers and repeats here. */
  carry: Carry = async (_call, step) => step()
  /** Bytes of frames that still fit; what does not is throttled. */
  roomBytes = Number.POSITIVE_INFINITY
  /** New leases whose counter was not above all that their shard ever had, rolled back or not; empty when all is well. */
  readonly repeated: string[] = []
  /** The greatest counter that each shard ever had. It is never rolled back. */
  readonly #given = new Map<string, number>()
  readonly #now: () => number
  readonly #streams: ReadonlyMap<string, DeliveryStream>
  #state: State = { shards: new Map(), leases: new Map(), attending: new Map(), appends: [] }

  /** @param streams by name: the delivery streams there are, as MemoryStore has them */
  constructor(clock: Pick<Clock, 'now'>, streams: ReadonlyMap<string, DeliveryStream>) {
    this.#now = () => clock.now()
    this.#streams = streams
  }

  /** What was appended, in order, from all shards or from one. */
  appends(key?: string): readonly ShardAppend[] {
    const { appends } = this.#state
    return key === undefined ? appends : appends.filter(({ position }) => position.lease.key === key)
  }

  snapshot(): Snapshot {
    return copyOf(this.#state)
  }

  /** Leases, counters, checkpoints and what was appended go back together. */
  rollBack(snapshot: Snapshot): void {
    this.#state = copyOf(snapshot)
  }

  as(holder: string): MemoryProcess {
    const carry = <T>(verb: ShardCall['verb'], step: () => T, key?: string): Promise<T> =>
      this.carry({ holder, verb, ...(key === undefined ? {} : { key }) }, step)
    return {
      shards: {
        holder,
        attend: (ttlMs) => carry('attend', () => this.#attend(holder, ttlMs)),
        leave: () => carry('leave', () => void this.#state.attending.delete(holder)),
        register: (stream, shards) => carry('register', () => this.#register(stream, shards)),
        list: (stream) => carry('list', () => this.#list(stream)),
        acquire: (stream, key, ttlMs) =>
          carry('acquire', () => this.#acquire(holder, stream, key, ttlMs), key),
        renew: (stream, held, ttlMs) => carry('renew', () => this.#renew(holder, stream, held, ttlMs)),
        release: (lease) => carry('release', () => this.#release(holder, lease), lease.key),
        end: (lease, after, children) =>
          carry('end', () => this.#end(holder, lease, after, children), lease.key),
        forget: (stream, keys) => carry('forget', () => this.#forget(stream, keys)),
      },
      leases: {
        acquire: (name, ttlMs) => carry('acquireLease', () => this.#acquireLease(holder, name, ttlMs)),
        release: (lease) => carry('releaseLease', () => this.#releaseLease(holder, lease)),
      },
      appendFromShard: (frames, position) =>
        carry('appendFromShard', () => this.#append(holder, frames, position), position.lease.key),
    }
  }

  #append(holder: string, frames: readonly Frame[], position: ShardPosition): Appended | OutOfPlace {
    const { lease, after, last } = position
    if (frames.length === 0 || after === last) {
      throw new Error(
        `append from ${lease.key}: ${frames.length} frames from ${after} to ${last} move nothing`,
      )
    }
    const { name, incarnation } = lease.stream
    const definition = this.#streams.get(name)
    if (definition?.incarnation !== incarnation || definition.status !== 'ACTIVE') return { kind: 'refused' }
    const shard = this.#held(holder, lease)
    if (shard === undefined) return { kind: 'fenced' }
    if (shard.checkpoint !== after) return { kind: 'gap', checkpoint: shard.checkpoint }
    const bytes = frames.reduce((sum, frame) => sum + frame.buffer.length, 0)
    if (bytes > this.roomBytes) return { kind: 'throttled' }
    this.roomBytes -= bytes
    const before = this.#state.appends.at(-1)
    const firstSequence = before === undefined ? 1 : before.firstSequence + before.frames.length
    this.#put({ ...shard, checkpoint: last, checkpointAtMs: this.#now() })
    this.#state.appends.push({ holder, position, frames, firstSequence, atMs: this.#now() })
    return { kind: 'appended', firstSequence, sealed: 0 }
  }

  #attend(holder: string, ttlMs: number): readonly string[] {
    const { attending } = this.#state
    attending.set(holder, this.#now() + ttlMs)
    for (const [other, untilMs] of attending) if (untilMs <= this.#now()) attending.delete(other)
    return [...attending.keys()].toSorted()
  }

  #register(stream: StreamRef, shards: readonly NewShard[]): boolean {
    if (!this.#stays(stream)) return false
    const { incarnation } = stream
    const fresh = { incarnation, children: [], counter: 0, holder: '', expiresAtMs: 0 }
    for (const shard of shards) {
      if (this.#find(stream, shard.key) === undefined)
        this.#put({ ...shard, ...fresh, checkpointAtMs: this.#now() })
    }
    return true
  }

  #list(stream: StreamRef): readonly ShardState[] {
    if (!this.#isThere(stream)) return []
    return [...this.#state.shards.values()]
      .filter((shard) => shard.incarnation === stream.incarnation)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map((stored) => {
        const { incarnation: _, holder, expiresAtMs, checkpointAtMs, ...shard } = stored
        const leaseMs = Math.max(0, expiresAtMs - this.#now())
        const checkpointAgeMs = this.#now() - checkpointAtMs
        return { ...shard, ...(leaseMs > 0 ? { holder } : {}), leaseMs, checkpointAgeMs }
      })
  }

  #acquire(holder: string, stream: StreamRef, key: string, ttlMs: number): AcquiredShard | undefined {
    const shard = this.#find(stream, key)
    if (shard === undefined || shard.checkpoint === SHARD_END || !this.#stays(stream)) return undefined
    const isFree = shard.expiresAtMs <= this.#now()
    if (!isFree && shard.holder !== holder) return undefined
    const counter = isFree ? Math.max(shard.counter + 1, Math.floor(this.#now())) : shard.counter
    if (isFree) this.#noteGiven(`${stream.incarnation} ${key}`, counter)
    this.#put({ ...shard, holder, counter, expiresAtMs: this.#now() + ttlMs })
    const { name, incarnation } = stream
    return { lease: { stream: { name, incarnation }, key, counter }, checkpoint: shard.checkpoint }
  }

  #noteGiven(shard: string, counter: number): void {
    const before = this.#given.get(shard) ?? 0
    if (counter <= before) this.repeated.push(`${shard}: ${counter} was given after ${before}`)
    this.#given.set(shard, Math.max(counter, before))
  }

  #renew(holder: string, stream: StreamRef, held: readonly RenewedShard[], ttlMs: number): readonly string[] {
    const renewed: string[] = []
    for (const { key, counter, behindMs } of held) {
      const shard = this.#held(holder, { stream, key, counter })
      if (shard === undefined) continue
      const behind = behindMs === undefined ? {} : { behindMs }
      this.#put({ ...shard, ...behind, expiresAtMs: this.#now() + ttlMs })
      renewed.push(key)
    }
    return renewed
  }

  #release(holder: string, lease: ShardLease): void {
    const shard = this.#held(holder, lease)
    if (shard !== undefined) this.#put({ ...shard, expiresAtMs: 0 })
  }

  #end(holder: string, lease: ShardLease, after: Checkpoint, children: readonly NewShard[]): Ended {
    if (!this.#stays(lease.stream)) return { kind: 'fenced' }
    if (this.#find(lease.stream, lease.key)?.checkpoint === SHARD_END)
      return { kind: 'gap', checkpoint: SHARD_END }
    const shard = this.#held(holder, lease)
    if (shard === undefined) return { kind: 'fenced' }
    if (shard.checkpoint !== after) return { kind: 'gap', checkpoint: shard.checkpoint }
    this.#register(lease.stream, children)
    const keys = children.map((child) => child.key)
    const ended = { checkpoint: SHARD_END, checkpointAtMs: this.#now(), expiresAtMs: 0, children: keys }
    const { behindMs: _, ...left } = shard
    this.#put({ ...left, ...ended })
    return { kind: 'ended' }
  }

  #forget(stream: StreamRef, keys: readonly string[]): void {
    for (const key of keys) this.#state.shards.delete(`${stream.incarnation} ${key}`)
  }

  #acquireLease(holder: string, name: string, ttlMs: number): Lease | undefined {
    const known = this.#state.leases.get(name) ?? { holder, counter: 0, expiresAtMs: 0 }
    const isFree = known.expiresAtMs <= this.#now()
    if (!isFree && known.holder !== holder) return undefined
    const counter = isFree ? known.counter + 1 : known.counter
    this.#state.leases.set(name, { holder, counter, expiresAtMs: this.#now() + ttlMs })
    return { name, counter }
  }

  #releaseLease(holder: string, { name, counter }: Lease): void {
    const known = this.#state.leases.get(name)
    if (known?.holder === holder && known.counter === counter)
      this.#state.leases.set(name, { ...known, expiresAtMs: 0 })
  }

  #isThere({ name, incarnation }: StreamRef): boolean {
    return this.#streams.get(name)?.incarnation === incarnation
  }

  #stays(stream: StreamRef): boolean {
    return this.#isThere(stream) && this.#streams.get(stream.name)?.status !== 'DELETING'
  }

  #find(stream: StreamRef, key: string): StoredShard | undefined {
    return this.#isThere(stream) ? this.#state.shards.get(`${stream.incarnation} ${key}`) : undefined
  }

  /** The shard if `holder` has its lease now, under this counter. */
  #held(holder: string, { stream, key, counter }: ShardLease): StoredShard | undefined {
    const shard = this.#find(stream, key)
    const isHeld = shard?.holder === holder && shard.counter === counter && shard.expiresAtMs > this.#now()
    return isHeld ? shard : undefined
  }

  #put(shard: StoredShard): void {
    this.#state.shards.set(`${shard.incarnation} ${shard.key}`, shard)
  }
}

function copyOf({ shards, leases, attending, appends }: State): State {
  return {
    shards: new Map(shards),
    leases: new Map(leases),
    attending: new Map(attending),
    appends: [...appends],
  }
}

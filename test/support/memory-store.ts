/** A buffer and a registry in memory, with the faults that tests of the front door need. Keeps nothing, promises nothing. */
import type { DeliveryStream, StreamRef } from '../../src/domain/delivery-stream.ts'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type {
  AppendId,
  Appended,
  Buffer as BufferPort,
  OutOfPlace,
  Registry,
} from '../../src/domain/ports.ts'
import type { ShardPosition } from '../../src/domain/shard.ts'

export interface AppendCall {
  readonly stream: StreamRef
  readonly frames: readonly Frame[]
  readonly id: AppendId
}

export interface ShardAppendCall {
  readonly frames: readonly Frame[]
  readonly position: ShardPosition
}

/** Leases and checkpoints of shards are in MemoryShards; here a test says whether an append from one is in its place. */
export class MemoryStore {
  readonly streams = new Map<string, DeliveryStream>()
  readonly appends: AppendCall[] = []
  readonly shardAppends: ShardAppendCall[] = []
  /** The answer to the next appends from shards, which are not taken then. */
  outOfPlace: OutOfPlace | undefined
  /** The store does not answer. */
  unreachable = false
  /** Bytes of frames that still fit; what does not is throttled. */
  roomBytes = Number.POSITIVE_INFINITY
  /** Batches that each append says it sealed. */
  sealsEachAppend = 0
  /** Set: appends wait for it. */
  gate: Promise<void> | undefined
  lookups = 0
  #sequence = 0

  /** Of all appends but those from shards. */
  get frames(): readonly Frame[] {
    return this.appends.flatMap((append) => append.frames)
  }

  /** Every record as text, in order. */
  get records(): readonly string[] {
    return this.frames.flatMap((frame) => [...frame.recordViews()].map((view) => view.toString()))
  }

  readonly buffer: BufferPort = {
    append: async (stream, frames, id): Promise<Appended> => {
      await this.gate
      const answer = this.#take(stream, frames)
      if (answer.kind === 'appended') this.appends.push({ stream, frames, id })
      return answer
    },
    appendFromShard: async (frames, position): Promise<Appended | OutOfPlace> => {
      await this.gate
      if (this.outOfPlace !== undefined) return this.outOfPlace
      const answer = this.#take(position.lease.stream, frames)
      if (answer.kind === 'appended') this.shardAppends.push({ frames, position })
      return answer
    },
    sealDue: unused,
    due: unused,
    sealed: unused,
    describe: unused,
    read: unused,
    derive: unused,
    readDerived: unused,
    beginAttempt: unused,
    endAttempt: unused,
    pin: unused,
    discard: unused,
    quarantine: unused,
    quarantined: unused,
    release: unused,
    totals: unused,
  }

  readonly registry: Registry = {
    create: async (stream) => {
      this.#answer()
      if (this.streams.has(stream.name)) return 'exists'
      this.streams.set(stream.name, stream)
      return 'created'
    },
    get: async (name) => {
      this.lookups += 1
      this.#answer()
      return this.streams.get(name)
    },
    list: async () => {
      this.#answer()
      return [...this.streams.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
    },
    replace: async (stream) => {
      this.#answer()
      const known = this.streams.get(stream.name)
      if (known?.incarnation !== stream.incarnation || known.status === 'DELETING') return 'gone'
      if (known.revision !== stream.revision) return 'conflict'
      this.streams.set(stream.name, { ...stream, revision: stream.revision + 1 })
      return 'replaced'
    },
    remove: async (stream) => {
      const known = this.streams.get(stream.name)
      if (known?.incarnation !== stream.incarnation) return undefined
      this.streams.set(stream.name, { ...known, status: 'DELETING' })
      await this.gate
      this.#answer()
      this.streams.delete(stream.name)
      return undefined
    },
  }

  #take(stream: StreamRef, frames: readonly Frame[]): Appended {
    this.#answer()
    const known = this.streams.get(stream.name)
    if (known?.incarnation !== stream.incarnation || known.status !== 'ACTIVE') return { kind: 'refused' }
    const bytes = frames.reduce((sum, frame) => sum + frame.buffer.length, 0)
    if (bytes > this.roomBytes) return { kind: 'throttled' }
    this.roomBytes -= bytes
    const firstSequence = this.#sequence + 1
    this.#sequence += frames.length
    return { kind: 'appended', firstSequence, sealed: this.sealsEachAppend }
  }

  #answer(): void {
    if (this.unreachable)
      throw new BufferUnavailableError('ask memory store: it was made unreachable', { hint: 'let it answer' })
  }
}

function unused(): never {
  throw new Error('the front door does not use this part of the buffer')
}

/** A shard of the model, read by one process: its checkpoint, and its lease as far as the process knows it. */
import { expect } from 'vitest'
import type { StreamRef } from '../../../src/domain/delivery-stream.ts'
import type { Frame } from '../../../src/domain/frame.ts'
import type { Appended, OutOfPlace, Store } from '../../../src/domain/ports.ts'
import {
  SHARD_END,
  TRIM_HORIZON,
  type Checkpoint,
  type ShardLease,
  type ShardPosition,
} from '../../../src/domain/shard.ts'
import type { FakeClock } from '../../support/fake-clock.ts'
import type { ShardPlace } from './model-step.ts'
import { acquired, follows, keyOf, listed, newShard, sequenceNumber } from './shard-fixture.ts'

/** Shorter than the longest time that passes at once, so that leases run out. */
const MODEL_LEASE_MS = 3000

export class ModelShard {
  readonly #stream: StreamRef
  readonly #clock: FakeClock
  #number = 1
  #checkpoint: Checkpoint = TRIM_HORIZON
  #count = 0
  #last: ShardPosition | undefined
  #lease: ShardLease | undefined
  #expiresAtMs = 0
  #counter = 0

  constructor(stream: StreamRef, clock: FakeClock) {
    this.#stream = stream
    this.#clock = clock
  }

  async start(store: Store): Promise<void> {
    expect(await store.shards.register(this.#stream, [newShard(this.#number)])).toBe(true)
  }

  get #key(): string {
    return keyOf(this.#number)
  }

  get #isHeld(): boolean {
    return this.#lease !== undefined && this.#clock.now() < this.#expiresAtMs
  }

  /** Another process: it has no lease, whether the store still knows the old one or not. */
  forgetLease(): void {
    this.#lease = undefined
  }

  async acquire(store: Store): Promise<void> {
    const { lease, checkpoint } = await acquired(store.shards, this.#stream, this.#key, MODEL_LEASE_MS)
    expect(checkpoint).toBe(this.#checkpoint)
    if (this.#isHeld) expect(lease).toEqual(this.#lease)
    else if (this.#lease !== undefined) expect(lease.counter).toBeGreaterThan(this.#counter)
    else expect(lease.counter).toBeGreaterThanOrEqual(this.#counter)
    this.#lease = lease
    this.#counter = lease.counter
    this.#expiresAtMs = this.#clock.now() + MODEL_LEASE_MS
  }

  async append(store: Store, frames: readonly Frame[], place: ShardPlace): Promise<Appended | OutOfPlace> {
    const position = await this.#position(store, place)
    const answer = await store.buffer.appendFromShard(frames, position)
    const outOfPlace = this.#outOfPlace(position)
    if (outOfPlace !== undefined) {
      expect(answer).toEqual(outOfPlace)
      return answer
    }
    expect(answer.kind).toBe('appended')
    this.#checkpoint = position.last
    this.#last = position
    return answer
  }

  /** After the end the model goes on with the child. */
  async end(store: Store, place: ShardPlace): Promise<void> {
    const { lease, after } = await this.#position(store, place)
    const child = newShard(this.#number + 1, { parents: [this.#key] })
    const answer = await store.shards.end(lease, after, [child])
    const outOfPlace = this.#outOfPlace({ lease, after, last: SHARD_END })
    expect(answer).toEqual(outOfPlace ?? { kind: 'ended' })
    if (outOfPlace !== undefined) return
    expect(await store.shards.end(lease, after, [child])).toEqual({ kind: 'gap', checkpoint: SHARD_END })
    this.#number += 1
    this.#checkpoint = TRIM_HORIZON
    this.#last = undefined
    this.#lease = undefined
    this.#counter = 0
  }

  async #position(store: Store, place: ShardPlace): Promise<ShardPosition> {
    if (place !== 'stale') await this.acquire(store)
    this.#count += 1
    const lease = this.#lease ?? { stream: this.#stream, key: this.#key, counter: 0 }
    const right = follows(lease, this.#checkpoint, this.#count)
    if (place === 'fenced') return { ...right, lease: { ...lease, counter: lease.counter + 1000 } }
    if (place === 'ahead') return follows(lease, sequenceNumber(this.#count), this.#count + 1)
    if (place === 'again' && this.#last !== undefined) return { ...this.#last, lease }
    return right
  }

  /** What the store must answer instead of taking what stands there. */
  #outOfPlace({ lease, after }: ShardPosition): OutOfPlace | undefined {
    if (!this.#isHeld || lease.counter !== this.#counter) return { kind: 'fenced' }
    return after === this.#checkpoint ? undefined : { kind: 'gap', checkpoint: this.#checkpoint }
  }

  async expectEqual(store: Store): Promise<void> {
    const state = await listed(store.shards, this.#stream, this.#key)
    expect(state).toMatchObject({ checkpoint: this.#checkpoint, counter: this.#counter, children: [] })
    if (this.#lease !== undefined) expect(state.leaseMs > 0).toBe(this.#isHeld)
  }
}

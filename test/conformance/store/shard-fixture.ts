/** What the tests of shards are built from: shards, leases on them, and a store with two processes that read them. */
import { expect, type TestContext } from 'vitest'
import type { DeliveryStream, StreamRef } from '../../../src/domain/delivery-stream.ts'
import type { Frame } from '../../../src/domain/frame.ts'
import type { AcquiredShard, Appended, Shards, Store } from '../../../src/domain/ports.ts'
import {
  shardKey,
  TRIM_HORIZON,
  type Checkpoint,
  type NewShard,
  type ShardLease,
  type ShardPosition,
  type ShardState,
} from '../../../src/domain/shard.ts'
import { openWith, type MakeStore, type Opened, type StoreOptions } from './fixture.ts'

export const LEASE_MS = 10_000
const DATA_STREAM_CREATED_AT_MS = 1_790_000_000_000

/** The key of shard `number` of the data stream. */
export function keyOf(number: number, createdAtMs = DATA_STREAM_CREATED_AT_MS): string {
  return shardKey(createdAtMs, `shardId-${String(number).padStart(12, '0')}`)
}

export function newShard(number: number, options: Partial<NewShard> = {}): NewShard {
  return {
    key: keyOf(number),
    parents: [],
    hashRange: ['0', '340282366920938463463374607431768211455'],
    checkpoint: TRIM_HORIZON,
    ...options,
  }
}

/** A sequence number as Kinesis gives them, 56 digits; they grow with `count`. */
export function sequenceNumber(count: number): string {
  return `4963${String(count).padStart(52, '0')}`
}

/** Shard 1 of a delivery stream, leased by the process of `store`. */
export interface LeasedShard extends Opened {
  readonly lease: ShardLease
}

export async function leasedShard(
  make: MakeStore,
  stream: DeliveryStream,
  options: Omit<StoreOptions, 'clock'> = {},
): Promise<LeasedShard> {
  const opened = await openWith(make, stream, options)
  expect(await opened.store.shards.register(stream, [newShard(1)])).toBe(true)
  const { lease } = await acquired(opened.store.shards, stream, keyOf(1))
  return Object.assign(opened, { lease })
}

/** The same with another process that reads shards. Skips where an adapter offers none. */
export async function contendedShard(
  make: MakeStore,
  stream: DeliveryStream,
  context: TestContext,
): Promise<LeasedShard & { other: Shards }> {
  const leased = await leasedShard(make, stream)
  return Object.assign(leased, { other: await otherShards(leased, context) })
}

export async function otherShards({ under }: Opened, context: TestContext): Promise<Shards> {
  if (under.otherShards === undefined) return context.skip('this adapter offers no second holder')
  return under.otherShards()
}

export async function acquired(
  shards: Shards,
  stream: StreamRef,
  key: string,
  ttlMs = LEASE_MS,
): Promise<AcquiredShard> {
  const answer = await shards.acquire(stream, key, ttlMs)
  if (answer === undefined) throw new Error(`acquire ${key}: it was not given`)
  return answer
}

/** A position that follows `after`: its last record is number `last`. */
export function follows(lease: ShardLease, after: Checkpoint, last: number): ShardPosition {
  return { lease, after, last: sequenceNumber(last) }
}

export async function expectTaken(
  store: Store,
  frames: readonly Frame[],
  position: ShardPosition,
): Promise<Extract<Appended, { kind: 'appended' }>> {
  const answer = await store.buffer.appendFromShard(frames, position)
  if (answer.kind !== 'appended') throw new Error(`append from ${position.lease.key}: ${answer.kind}`)
  return answer
}

/** A shard as the store lists it. */
export async function listed(shards: Shards, stream: StreamRef, key = keyOf(1)): Promise<ShardState> {
  const found = (await shards.list(stream)).find((shard) => shard.key === key)
  if (found === undefined) throw new Error(`list shards of ${stream.name}: ${key} is not among them`)
  return found
}

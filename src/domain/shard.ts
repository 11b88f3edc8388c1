/**
 * A shard of a data stream that feeds a delivery stream, as the store keeps it.
 *
 * Its checkpoint says what of it is in the buffer, and moves in the same atomic step as the records: to the sequence
 * number of the last one, and at last to SHARD_END. Who may move it is told by a lease, fenced by a counter: a reader that
 * was paused and wakes up after its lease went to another changes nothing.
 */
import type { StreamRef } from './delivery-stream.ts'

/**
 * `TRIM_HORIZON` (from the shard's beginning), `AT_TIMESTAMP:<epoch ms>` (from the first record not older), a sequence
 * number (all up to it are in the buffer), or `SHARD_END`. A store only asks whether two are the same text.
 */
export type Checkpoint = string

export const TRIM_HORIZON = 'TRIM_HORIZON'
export const SHARD_END = 'SHARD_END'

export function atTimestamp(epochMs: number): Checkpoint {
  return `AT_TIMESTAMP:${epochMs}`
}

/** Epoch ms of an `AT_TIMESTAMP` checkpoint, undefined for any other. */
export function timestampOf(checkpoint: Checkpoint): number | undefined {
  const text = /^AT_TIMESTAMP:(\d+)$/.exec(checkpoint)?.[1]
  return text === undefined ? undefined : Number(text)
}

export function isSequenceNumber(checkpoint: Checkpoint): boolean {
  return /^\d+$/.test(checkpoint)
}

/** Negative, 0 or positive as `a` comes before, is, or comes after `b`. They have some 56 digits, so they are never numbers. */
export function compareSequenceNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}

export interface NewShard {
  /**
   * `<creation of the data stream, epoch ms>/<shard id>`: a data stream that was deleted and made again under its name
   * begins its shard ids anew.
   */
  readonly key: string
  /** Keys of the shards it was split or merged from: none, one or two. They need not be known to the store. */
  readonly parents: readonly string[]
  /** First and last hash key, decimal. */
  readonly hashRange: readonly [first: string, last: string]
  readonly checkpoint: Checkpoint
}

export interface ShardState extends NewShard {
  /** Keys of the shards that it was split or merged into; empty until SHARD_END. */
  readonly children: readonly string[]
  /** Grows with every change of holder, never goes back. */
  readonly counter: number
  /** Who holds its lease now; absent when it is free or the lease has run out. */
  readonly holder?: string
  /** How long the lease still runs, by the store's clock; 0 when nobody holds it. */
  readonly leaseMs: number
  /** Since the checkpoint last moved, by the store's clock. */
  readonly checkpointAgeMs: number
  /** How far its reader was behind the tip when it last renewed the lease. */
  readonly behindMs?: number
}

/** The right to move a shard's checkpoint. */
export interface ShardLease {
  readonly stream: StreamRef
  readonly key: string
  readonly counter: number
}

/** Where an append stands in its shard: its records follow the checkpoint `after`, and `last` is the one after it. */
export interface ShardPosition {
  readonly lease: ShardLease
  readonly after: Checkpoint
  readonly last: Checkpoint
}

export function shardKey(createdAtMs: number, shardId: string): string {
  return `${createdAtMs}/${shardId}`
}

export function shardIdOf(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

/**
 * The ports of a store: buffer, registry, leases, shards and journal, in one adapter, because atomic steps span them.
 *
 * A store call whose outcome is unknown rejects with BufferUnavailableError; nothing else about it may be assumed.
 */
import type { BatchRef, SealedBatch } from './batch.ts'
import type { DeliveryStream, StreamRef } from './delivery-stream.ts'
import type { Frame } from './frame.ts'
import type { JournalEntry, Outcome, Totals } from './outcome.ts'
import type { Plan } from './plan.ts'
import type { OutOfPlace } from './ports.ts'
import type { Checkpoint, NewShard, ShardLease, ShardPosition, ShardState } from './shard.ts'

/** Names one append of one process, so that a command sent twice is taken once. `epoch` is the process's, `sequence` grows. */
export interface AppendId {
  readonly epoch: string
  readonly sequence: number
}

export type Appended =
  /** Frames got the append sequences `firstSequence`, `firstSequence + 1`, …; `sealed` batches became ready to deliver. */
  | { readonly kind: 'appended'; readonly firstSequence: number; readonly sealed: number }
  /** The byte budget, or the stream's share of it, does not hold these frames. Nothing was taken. */
  | { readonly kind: 'throttled' }
  | { readonly kind: 'refused' }

export type Sealed =
  | { readonly kind: 'sealed'; readonly batch: BatchRef }
  /** An open batch is not due for another `dueInMs`. */
  | { readonly kind: 'waiting'; readonly dueInMs: number }
  | { readonly kind: 'empty' }

export type Attempt =
  | { readonly kind: 'begun'; readonly batch: SealedBatch }
  /** Discarded, dropped or quarantined: there is nothing to deliver. */
  | { readonly kind: 'finished' }

export type Pinned =
  | { readonly kind: 'pinned'; readonly plan: Plan }
  /** The destination is at another version than the plan was made from: make another. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'finished' }

/**
 * The durable buffer. A sealed batch never changes. `append` (same append id), `sealDue`, `pin`, `discard`,
 * `quarantine` and `release` are idempotent, because a client library may send a command twice. Each moves the ledger in the same
 * atomic step, so that `totals` always balance.
 */
export interface Buffer {
  /**
   * Appends whole frames in order, all or none. A batch that reaches the stream's size is sealed in the same step, and the
   * next frame opens another. Resolves when durable. The answer to a repeated id is the first answer.
   */
  append(stream: StreamRef, frames: readonly Frame[], id: AppendId): Promise<Appended>
  /**
   * The same for records of a shard, and its checkpoint moves from `after` to `last` in the same atomic step, while the
   * lease is held and the checkpoint is `after`. Sent twice, the second is answered `gap` with `last`, which tells that the
   * first was taken.
   */
  appendFromShard(frames: readonly Frame[], position: ShardPosition): Promise<Appended | OutOfPlace>
  /** Seals the open batch if it is older than the stream's interval (0: if nothing of the stream is sealed, or after 1 s). */
  sealDue(stream: StreamRef): Promise<Sealed>
  /** Streams whose open batch is due, by hints that may be lost: ask `sealDue` of every stream now and then. */
  due(): Promise<readonly StreamRef[]>
  /** The oldest sealed batches that are to be delivered (not the quarantined ones), in order. */
  sealed(stream: StreamRef, limit: number): Promise<readonly BatchRef[]>
  describe(batch: BatchRef): Promise<SealedBatch | undefined>
  /** The frames in append order, a few at a time. Throws FrameError for a frame that fails its checksum or is too new. */
  read(batch: BatchRef, signal: AbortSignal): AsyncIterable<Frame>
  /**
   * Keeps what a transform made of a batch whose plan is pinned: all frames or none, and once. Answers when a whole derivation is kept, this
   * one or another that was first. Its bytes count like those of appends and are never refused for their number.
   * Rejects when a later call has taken this one's place, or the batch is gone.
   */
  derive(batch: BatchRef, frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<void>
  /** Like `read`, of the frames that `derive` kept. Throws when there are none. */
  readDerived(batch: BatchRef, signal: AbortSignal): AsyncIterable<Frame>
  /** Counts an attempt before it starts. An earlier attempt that was begun and never ended counts as a death. */
  beginAttempt(batch: BatchRef): Promise<Attempt>
  /** An attempt ended without delivering, in good order. */
  endAttempt(batch: BatchRef): Promise<void>
  /** First writer wins; answers the pinned plan. */
  pin(batch: BatchRef, plan: Plan): Promise<Pinned>
  /** Ends a batch: removes its frames, books the outcome, writes the journal. False when it was gone already. */
  discard(batch: BatchRef, outcome: Outcome): Promise<boolean>
  quarantine(batch: BatchRef, reason: string): Promise<void>
  /** The oldest quarantined batches, in order. */
  quarantined(stream: StreamRef, limit: number): Promise<readonly SealedBatch[]>
  /**
   * Puts a quarantined batch back among those that are to be delivered. Its attempts and its plan stay; its deaths start
   * again at 0, so that it gets the ordinary path. False when it is gone or not quarantined.
   */
  release(batch: BatchRef): Promise<boolean>
  totals(stream: StreamRef): Promise<Totals | undefined>
}

/** Delivery streams by name. Definitions are small; callers cache them (a wrong incarnation is refused by `append`). */
export interface Registry {
  create(stream: DeliveryStream): Promise<'created' | 'exists'>
  get(name: string): Promise<DeliveryStream | undefined>
  /** In order of names. */
  list(): Promise<readonly DeliveryStream[]>
  /** Writes a changed definition if the stored one still has its incarnation and revision; the revision goes up by one. */
  replace(stream: DeliveryStream): Promise<'replaced' | 'conflict' | 'gone'>
  /**
   * Marks the stream DELETING, drops what is pending (booked as dropped), removes it. May be called again after a crash
   * to go on. Answers the final totals, or undefined when it was gone.
   */
  remove(stream: StreamRef): Promise<Totals | undefined>
}

export interface Lease {
  readonly name: string
  /** Fencing number: grows with every change of holder. */
  readonly counter: number
}

/** Exclusive roles by time. An expired lease may be taken by anybody; what must not be done twice is fenced by `counter`. */
export interface Leases {
  /** The lease, newly taken or renewed, or undefined while another process holds it. */
  acquire(name: string, ttlMs: number): Promise<Lease | undefined>
  /** Gives it up at once if it is still held by this process. */
  release(lease: Lease): Promise<void>
}

export interface Journal {
  /** Newest first. */
  entries(stream: StreamRef, limit: number): Promise<readonly JournalEntry[]>
  /** The entry of the batch that held this append. */
  find(stream: StreamRef, appendSequence: number): Promise<JournalEntry | undefined>
}

/**
 * The shards that feed the delivery streams, their leases and checkpoints (domain/shard.ts), and the processes that read
 * them. All that can be sent twice is idempotent. Times are the store's; every change of a shard is refused unless its
 * lease is held by this process, has not run out, and has the counter that the caller knows. Shards go with their stream.
 */
export interface Shards {
  /** This process as a holder of leases. */
  readonly holder: string
  /** Says that this process reads shards, for another `ttlMs`. Answers all that do, in order, this one among them. */
  attend(ttlMs: number): Promise<readonly string[]>
  /** This process reads no more, at once. */
  leave(): Promise<void>
  /** Adds those that are not known, all in one step; a known one stays as it is. False when the stream is gone. */
  register(stream: StreamRef, shards: readonly NewShard[]): Promise<boolean>
  /** In order of keys; empty when the stream is gone. */
  list(stream: StreamRef): Promise<readonly ShardState[]>
  /** A lease on a shard that nobody holds and that has not ended, under a counter never used before; or the one held. */
  acquire(stream: StreamRef, key: string, ttlMs: number): Promise<AcquiredShard | undefined>
  /** Prolongs leases of one stream; answers the keys of those that are still held. `behindMs` is kept for `list`. */
  renew(stream: StreamRef, held: readonly RenewedShard[], ttlMs: number): Promise<readonly string[]>
  /** Gives it up at once if it is still held. */
  release(lease: ShardLease): Promise<void>
  /** Registers the children, then moves the checkpoint from `after` to SHARD_END and frees the lease, all in one step. */
  end(lease: ShardLease, after: Checkpoint, children: readonly NewShard[]): Promise<Ended>
  /** Removes shards that are never read again, whoever holds them. */
  forget(stream: StreamRef, keys: readonly string[]): Promise<void>
}

export interface AcquiredShard {
  readonly lease: ShardLease
  readonly checkpoint: Checkpoint
}

export interface RenewedShard {
  readonly key: string
  readonly counter: number
  readonly behindMs?: number
}

/** `end` sent twice: the second is answered `gap` with SHARD_END. */
export type Ended = { readonly kind: 'ended' } | OutOfPlace

/** A store adapter: atomic steps span these ports, so one adapter serves all of them. */
export interface Store {
  readonly buffer: Buffer
  readonly registry: Registry
  readonly leases: Leases
  readonly shards: Shards
  readonly journal: Journal
  /** What an acknowledgement means with this store, in one line for the operator. */
  readonly promise: string
  /** Rejects with a sentence when the store cannot serve now. */
  check(): Promise<void>
  close(): Promise<void>
}

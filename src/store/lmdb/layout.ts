/**
 * What the LMDB file holds. One file, these databases:
 *
 *     streams       name                                  -> DeliveryStream
 *     states        incarnation                           -> StreamState: counters, ledger, open batch
 *     epochs        [incarnation, epoch]                  -> EpochState: the last append of a process
 *     batches       [incarnation, batch sequence]         -> StoredBatch: sealed ones
 *     frames        [incarnation, batch sequence, append] -> packed frame
 *     derived       [incarnation, batch sequence, number of the derivation, index] -> packed frame: what a transform made of it
 *     purges        [incarnation, batch sequence]         -> 1: frames that no batch needs any more, the derived ones too
 *                   [incarnation, batch sequence, number] -> 1: those of a derivation that another has taken the place of
 *     journal       [incarnation, last append]            -> JournalEntry
 *     journalTimes  [discarded at, incarnation, last append] -> bytes of the entry, so that the oldest is found
 *     leases        name                                  -> StoredLease
 *     shards        [incarnation, shard key]              -> StoredShard
 *     whole         'totals' | 'owner'                    -> StoreTotals | Owner
 *
 * Frames of one append follow each other, those of one batch are a range. Keys of an incarnation stay together, so a
 * stream made again under its name never meets the batches of the old one.
 */
import type { SealedBatch, Trigger } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { Totals } from '../../domain/outcome.ts'
import type { Plan } from '../../domain/plan.ts'
import type { Appended } from '../../domain/ports.ts'
import type { NewShard, ShardState } from '../../domain/shard.ts'

/** The batch that takes appends. Nothing of it is a SealedBatch yet but these counts. */
export interface OpenBatch {
  readonly batchId: string
  records: number
  bytes: number
  storedBytes: number
  frames: number
  readonly firstAppend: number
  lastAppend: number
  oldestArrivalMs: number
  readonly openedAtMs: number
}

export interface StoredBatch extends OpenBatch {
  state: 'sealed' | 'planned' | 'quarantined'
  readonly trigger: Trigger
  readonly sealedAtMs: number
  attempts: number
  deaths: number
  /** An attempt was begun and has not ended. */
  attemptOpen: boolean
  plan?: Plan
  /** Derivations begun so far; absent: none. */
  derivations?: number
  derivation?: StoredDerivation
  quarantineReason?: string
}

/** The latest derivation of which frames were taken. Its bytes are among the batch's `storedBytes`. */
export interface StoredDerivation {
  readonly number: number
  frames: number
  storedBytes: number
  /** The batch is derived; otherwise frames may follow, or its process is dead. */
  isWhole?: true
}

/** One incarnation: the ledger, what is pending, and the next numbers. */
export interface StreamState {
  readonly name: string
  nextAppend: number
  nextBatch: number
  accepted: number
  delivered: number
  failed: number
  dropped: number
  pending: number
  rows: number
  acceptedBytes: number
  pendingBytes: number
  storedBytes: number
  sealedBatches: number
  quarantinedBatches: number
  open?: OpenBatch
}

export interface EpochState {
  readonly sequence: number
  readonly answer: Extract<Appended, { kind: 'appended' }>
  readonly usedAtMs: number
}

export interface StoredLease {
  readonly holder: string
  readonly counter: number
  /** 0 once it is released. */
  readonly expiresAtMs: number
}

/** Written again with each append from the shard, so it stays small. */
export interface StoredShard extends Omit<NewShard, 'key'> {
  readonly children: readonly string[]
  readonly counter: number
  /** Absent while nobody has the lease or had it last. */
  readonly holder?: string
  /** 0 once the lease is released. */
  readonly expiresAtMs: number
  readonly checkpointAtMs: number
  readonly behindMs?: number
}

/** Over all streams. */
export interface StoreTotals {
  /** Packed frames of all batches: what the byte budget counts. */
  storedBytes: number
  journalBytes: number
  /** The latest time that was written down; the store's time goes on from here. */
  nowMs: number
}

export function newStreamState(name: string): StreamState {
  return {
    name,
    nextAppend: 1,
    nextBatch: 1,
    accepted: 0,
    delivered: 0,
    failed: 0,
    dropped: 0,
    pending: 0,
    rows: 0,
    acceptedBytes: 0,
    pendingBytes: 0,
    storedBytes: 0,
    sealedBatches: 0,
    quarantinedBatches: 0,
  }
}

/** @param oldestOpenedAtMs when the oldest pending batch was opened */
export function totalsOf(state: StreamState, oldestOpenedAtMs: number | undefined, nowMs: number): Totals {
  return {
    accepted: state.accepted,
    delivered: state.delivered,
    failed: state.failed,
    dropped: state.dropped,
    pending: state.pending,
    rows: state.rows,
    acceptedBytes: state.acceptedBytes,
    pendingBytes: state.pendingBytes,
    sealedBatches: state.sealedBatches,
    quarantinedBatches: state.quarantinedBatches,
    oldestPendingAgeMs: oldestOpenedAtMs === undefined ? undefined : nowMs - oldestOpenedAtMs,
  }
}

export function sealedBatchOf(stream: StreamRef, stored: StoredBatch): SealedBatch {
  const { attemptOpen: _, derivations: _derivations, derivation, ...batch } = stored
  const derived = derivation?.isWhole === true ? { isDerived: true as const } : {}
  return { stream: { name: stream.name, incarnation: stream.incarnation }, ...batch, ...derived }
}

export function newStoredShard(registered: NewShard, registeredAtMs: number): StoredShard {
  const { key: _, ...shard } = registered
  return { ...shard, children: [], counter: 0, expiresAtMs: 0, checkpointAtMs: registeredAtMs }
}

export function shardStateOf(key: string, stored: StoredShard, nowMs: number): ShardState {
  const { holder, expiresAtMs, checkpointAtMs, ...shard } = stored
  const leaseMs = Math.max(0, expiresAtMs - nowMs)
  return {
    key,
    ...shard,
    ...(holder === undefined || leaseMs === 0 ? {} : { holder }),
    leaseMs,
    checkpointAgeMs: Math.max(0, nowMs - checkpointAtMs),
  }
}

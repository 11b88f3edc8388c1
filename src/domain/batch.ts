/**
 * A batch: the records that are delivered together.
 *
 * An open batch takes appends. Sealing closes it for ever, by size (in the append that reaches SizeInMBs) or by interval
 * (by the sealer). A sealed batch is delivered in attempts; before the first put of the first attempt its plan is pinned.
 * A batch whose conversion keeps killing its process, or whose key is taken by other data, is quarantined: kept, alarmed,
 * out of everybody's way, until an operator releases it. Discard ends it, and books its outcome in the same atomic step.
 */
import type { StreamRef } from './delivery-stream.ts'
import type { Plan } from './plan.ts'

export type Trigger = 'size' | 'interval'

export type BatchState = 'open' | 'sealed' | 'planned' | 'quarantined' | 'discarded'
export type BatchEvent = 'append' | 'seal' | 'attempt' | 'pin' | 'quarantine' | 'release' | 'discard' | 'drop'

/**
 * What each event does in each state. Total, so a new state does not compile until every cell is decided. One cell says
 * less than happens: a quarantined batch that has a plan is released to `planned` (see `releasedState`).
 */
export const transitions: Record<BatchState, Record<BatchEvent, BatchState | 'refused'>> = {
  open: {
    append: 'open',
    seal: 'sealed',
    attempt: 'refused',
    pin: 'refused',
    quarantine: 'refused',
    release: 'refused',
    discard: 'refused',
    drop: 'discarded',
  },
  sealed: {
    append: 'refused',
    seal: 'sealed',
    attempt: 'sealed',
    pin: 'planned',
    quarantine: 'quarantined',
    release: 'sealed',
    discard: 'refused',
    drop: 'discarded',
  },
  planned: {
    append: 'refused',
    seal: 'planned',
    attempt: 'planned',
    pin: 'planned',
    quarantine: 'quarantined',
    release: 'planned',
    discard: 'discarded',
    drop: 'discarded',
  },
  quarantined: {
    append: 'refused',
    seal: 'quarantined',
    attempt: 'refused',
    pin: 'quarantined',
    quarantine: 'quarantined',
    release: 'sealed',
    discard: 'refused',
    drop: 'discarded',
  },
  discarded: {
    append: 'refused',
    seal: 'refused',
    attempt: 'refused',
    pin: 'refused',
    quarantine: 'refused',
    release: 'refused',
    discard: 'discarded',
    drop: 'discarded',
  },
}

/** Where a quarantined batch goes when it is released: back to where it was. Its plan, once pinned, stays. */
export function releasedState(plan: Plan | undefined): 'sealed' | 'planned' {
  return plan === undefined ? 'sealed' : 'planned'
}

/**
 * A batch of so many records is sealed by size whatever its bytes: what is known of a record while its batch is delivered
 * takes memory, some twelve bytes of it. As many as a gigabyte of small orders, so that of those it is the bytes that seal.
 */
export const BATCH_RECORDS_SEALED = 8_000_000

export interface BatchRef {
  readonly stream: StreamRef
  /** `<sequence>-<16 hexadecimal digits>`: the random part keeps a store that lost its tail from naming new data by an old id. */
  readonly batchId: string
}

/** A sealed batch as its store knows it. Times of age are the store's; `oldestArrivalMs` is the wall clock's and names objects. */
export interface SealedBatch extends BatchRef {
  readonly state: 'sealed' | 'planned' | 'quarantined'
  readonly trigger: Trigger
  readonly records: number
  /** Raw bytes of the records. */
  readonly bytes: number
  /** Bytes that the store holds for it. */
  readonly storedBytes: number
  readonly frames: number
  readonly firstAppend: number
  readonly lastAppend: number
  readonly oldestArrivalMs: number
  readonly openedAtMs: number
  readonly sealedAtMs: number
  /** Attempts begun so far. */
  readonly attempts: number
  /** Attempts that ended with the death of their process; since its release, if it was quarantined. */
  readonly deaths: number
  readonly plan?: Plan
  /** What its transform made of it is kept: `Buffer.readDerived`. */
  readonly isDerived?: true
  readonly quarantineReason?: string
}

export function newBatchId(sequence: number, random: string): string {
  return `${sequence}-${random}`
}

export function batchSequence(batchId: string): number {
  return Number.parseInt(batchId, 10)
}

/** The durable buffer in LMDB. Each verb is one transaction, in which the ledger moves with the batch. */
import {
  batchSequence,
  type BatchEvent,
  type BatchRef,
  releasedState,
  type SealedBatch,
  transitions,
} from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { Frame } from '../../domain/frame.ts'
import type { Outcome, Totals } from '../../domain/outcome.ts'
import type { Plan } from '../../domain/plan.ts'
import type {
  AppendId,
  Appended,
  Attempt,
  Buffer as BufferPort,
  OutOfPlace,
  Pinned,
  Sealed,
} from '../../domain/ports.ts'
import type { ShardPosition } from '../../domain/shard.ts'
import { packFrame } from '../frame-codec.ts'
import { appendFrames, appendShardFrames, packedFrame, sealOpenBatch, type Admission } from './append.ts'
import type { LmdbDatabase } from './database.ts'
import { LmdbDerivations } from './derivation.ts'
import { findBatch, putBatch } from './found-batch.ts'
import { readDerivedFrames, readFrames } from './frame-reader.ts'
import type { LmdbJournal } from './journal.ts'
import { sealedBatchOf, totalsOf, type StoredBatch, type StreamState } from './layout.ts'
import type { Purge } from './purge.ts'
import type { StoreTime } from './time.ts'

/** With interval 0, a batch waits for the one before it no longer than this. */
const INTERVAL_ZERO_WAIT_MS = 1000

export class LmdbBuffer implements BufferPort {
  readonly #db: LmdbDatabase
  readonly #time: StoreTime
  readonly #journal: LmdbJournal
  readonly #purge: Purge
  readonly #derivations: LmdbDerivations
  readonly #admission: Admission
  readonly #holder: string

  /** @param holder of the shard leases under which this process appends */
  constructor(
    db: LmdbDatabase,
    time: StoreTime,
    journal: LmdbJournal,
    purge: Purge,
    admission: Admission,
    holder: string,
  ) {
    this.#db = db
    this.#time = time
    this.#journal = journal
    this.#purge = purge
    this.#derivations = new LmdbDerivations(db, purge)
    this.#admission = admission
    this.#holder = holder
  }

  async append(stream: StreamRef, frames: readonly Frame[], id: AppendId): Promise<Appended> {
    const what = `append to ${stream.name}`
    if (frames.length === 0) throw new Error(`${what}: there are no frames`)
    const packed = frames.map((frame) => packedFrame(frame, packFrame(frame)))
    return this.#db.write(what, () =>
      appendFrames(this.#db, stream, packed, id, this.#admission, this.#time.now()),
    )
  }

  async appendFromShard(frames: readonly Frame[], position: ShardPosition): Promise<Appended | OutOfPlace> {
    const { lease, after, last } = position
    const what = `append to ${lease.stream.name} from ${lease.key}`
    if (frames.length === 0) throw new Error(`${what}: there are no frames`)
    // Sent twice, it would be taken twice.
    if (after === last) throw new Error(`${what}: it does not move the checkpoint ${last}`)
    const packed = frames.map((frame) => packedFrame(frame, packFrame(frame)))
    return this.#db.write(what, () =>
      appendShardFrames(this.#db, packed, position, this.#holder, this.#admission, this.#time.now()),
    )
  }

  async sealDue(stream: StreamRef): Promise<Sealed> {
    const what = `seal ${stream.name}`
    this.#db.assertOpen(what)
    const seen = this.#dueBatch(stream)
    if (seen.kind !== 'due') return seen
    return this.#db.write(what, () => {
      const due = this.#dueBatch(stream)
      if (due.kind !== 'due') return due
      sealOpenBatch(this.#db, stream.incarnation, due.state, due.open, 'interval', due.nowMs)
      void this.#db.states.put(stream.incarnation, due.state)
      this.#db.putTotals({ ...this.#db.totals, nowMs: due.nowMs })
      return { kind: 'sealed', batch: refOf(stream, due.open.batchId) }
    })
  }

  async due(): Promise<readonly StreamRef[]> {
    this.#db.assertOpen('list due streams')
    const due: StreamRef[] = []
    for (const { key, value } of this.#db.states.getRange({})) {
      const stream = { name: value.name, incarnation: key }
      if (value.open !== undefined && this.#dueBatch(stream).kind === 'due') due.push(stream)
    }
    return due
  }

  /** The open batch if it is due now. A stream that is being removed seals nothing more. */
  #dueBatch(
    stream: StreamRef,
  ):
    | Exclude<Sealed, { kind: 'sealed' }>
    | { kind: 'due'; state: StreamState; open: NonNullable<StreamState['open']>; nowMs: number } {
    const definition = this.#db.streams.get(stream.name)
    const state = this.#db.states.get(stream.incarnation)
    const open = state?.open
    if (definition?.incarnation !== stream.incarnation || state === undefined || open === undefined)
      return { kind: 'empty' }
    const { intervalMs } = definition.hints
    const waitMs = intervalMs > 0 ? intervalMs : state.sealedBatches === 0 ? 0 : INTERVAL_ZERO_WAIT_MS
    const nowMs = this.#time.now()
    const dueInMs = open.openedAtMs + waitMs - nowMs
    return dueInMs > 0 ? { kind: 'waiting', dueInMs } : { kind: 'due', state, open, nowMs }
  }

  async sealed(stream: StreamRef, limit: number): Promise<readonly BatchRef[]> {
    this.#db.assertOpen(`list batches of ${stream.name}`)
    const batches: BatchRef[] = []
    for (const batch of this.#batchesOf(stream)) {
      if (batches.length >= limit) break
      if (batch.state !== 'quarantined') batches.push(refOf(stream, batch.batchId))
    }
    return batches
  }

  *#batchesOf(stream: StreamRef): Generator<StoredBatch> {
    if (this.#db.states.get(stream.incarnation)?.name !== stream.name) return
    const start = [stream.incarnation, 0]
    for (const { value } of this.#db.batches.getRange({
      start,
      end: [stream.incarnation, Number.MAX_VALUE],
    })) {
      yield value
    }
  }

  async describe(batch: BatchRef): Promise<SealedBatch | undefined> {
    this.#db.assertOpen(`describe batch ${batch.batchId}`)
    const found = findBatch(this.#db, batch)
    return found === undefined ? undefined : sealedBatchOf(batch.stream, found.batch)
  }

  read(batch: BatchRef, signal: AbortSignal): AsyncIterable<Frame> {
    return readFrames(this.#db, batch, signal)
  }

  derive(batch: BatchRef, frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<void> {
    return this.#derivations.derive(batch, frames, signal)
  }

  readDerived(batch: BatchRef, signal: AbortSignal): AsyncIterable<Frame> {
    return readDerivedFrames(this.#db, batch, signal)
  }

  async beginAttempt(batch: BatchRef): Promise<Attempt> {
    return this.#db.write(`begin attempt of batch ${batch.batchId}`, () => {
      const found = findBatch(this.#db, batch)
      if (found === undefined || next(found.batch, 'attempt') === 'refused') return { kind: 'finished' }
      const attempted = found.batch
      if (attempted.attemptOpen) attempted.deaths += 1
      attempted.attempts += 1
      attempted.attemptOpen = true
      putBatch(this.#db, batch, attempted)
      return { kind: 'begun', batch: sealedBatchOf(batch.stream, attempted) }
    })
  }

  async endAttempt(batch: BatchRef): Promise<void> {
    await this.#db.write(`end attempt of batch ${batch.batchId}`, () => {
      const found = findBatch(this.#db, batch)
      if (found?.batch.attemptOpen === true) putBatch(this.#db, batch, { ...found.batch, attemptOpen: false })
    })
  }

  async pin(batch: BatchRef, plan: Plan): Promise<Pinned> {
    return this.#db.write(`pin plan of batch ${batch.batchId}`, () => {
      const found = findBatch(this.#db, batch)
      if (found === undefined || next(found.batch, 'pin') === 'quarantined') return { kind: 'finished' }
      if (found.batch.plan !== undefined) return { kind: 'pinned', plan: found.batch.plan }
      if (this.#db.streams.get(batch.stream.name)?.version !== plan.version) return { kind: 'stale' }
      putBatch(this.#db, batch, { ...found.batch, state: 'planned', plan })
      return { kind: 'pinned', plan }
    })
  }

  async discard(batch: BatchRef, outcome: Outcome): Promise<boolean> {
    const what = `discard batch ${batch.batchId}`
    const discarded = await this.#db.write(what, () => {
      const found = findBatch(this.#db, batch)
      if (found === undefined) return false
      if (next(found.batch, 'discard') === 'refused') throw new Error(`${what}: it is ${found.batch.state}`)
      const { delivered, failed, dropped, rows } = outcome
      if (delivered + failed + dropped !== found.batch.records) {
        throw new Error(
          `${what}: ${delivered} delivered, ${failed} failed and ${dropped} dropped are not its ${found.batch.records} records`,
        )
      }
      const { state } = found
      state.delivered += delivered
      state.failed += failed
      state.dropped += dropped
      state.rows += rows
      state.sealedBatches -= 1
      this.#purge.takeOut(batch.stream, state, found.batch)
      void this.#db.batches.remove([batch.stream.incarnation, batchSequence(batch.batchId)])
      void this.#db.states.put(batch.stream.incarnation, state)
      this.#journal.write(batch.stream, found.batch, outcome, this.#time.now())
      return true
    })
    if (discarded) this.#purge.start()
    return discarded
  }

  async quarantine(batch: BatchRef, reason: string): Promise<void> {
    await this.#db.write(`quarantine batch ${batch.batchId}`, () => {
      const found = findBatch(this.#db, batch)
      if (found === undefined || found.batch.state === 'quarantined') return
      this.#derivations.leave(batch, found)
      putBatch(this.#db, batch, {
        ...found.batch,
        state: 'quarantined',
        quarantineReason: reason,
        attemptOpen: false,
      })
      const { state } = found
      state.sealedBatches -= 1
      state.quarantinedBatches += 1
      void this.#db.states.put(batch.stream.incarnation, state)
    })
    this.#purge.start()
  }

  async quarantined(stream: StreamRef, limit: number): Promise<readonly SealedBatch[]> {
    this.#db.assertOpen(`list quarantined batches of ${stream.name}`)
    const batches: SealedBatch[] = []
    for (const batch of this.#batchesOf(stream)) {
      if (batches.length >= limit) break
      if (batch.state === 'quarantined') batches.push(sealedBatchOf(stream, batch))
    }
    return batches
  }

  async release(batch: BatchRef): Promise<boolean> {
    return this.#db.write(`release batch ${batch.batchId}`, () => {
      const found = findBatch(this.#db, batch)
      if (found?.batch.state !== 'quarantined') return false
      const { quarantineReason: _, ...kept } = found.batch
      putBatch(this.#db, batch, { ...kept, state: releasedState(kept.plan), deaths: 0 })
      const { state } = found
      state.sealedBatches += 1
      state.quarantinedBatches -= 1
      void this.#db.states.put(batch.stream.incarnation, state)
      return true
    })
  }

  async totals(stream: StreamRef): Promise<Totals | undefined> {
    this.#db.assertOpen(`count ${stream.name}`)
    const state = this.#db.states.get(stream.incarnation)
    if (state?.name !== stream.name) return undefined
    const [oldest] = this.#batchesOf(stream)
    return totalsOf(state, (oldest ?? state.open)?.openedAtMs, this.#time.now())
  }
}

function next(batch: StoredBatch, event: BatchEvent): string {
  return transitions[batch.state][event]
}

function refOf(stream: StreamRef, batchId: string): BatchRef {
  return { stream: { name: stream.name, incarnation: stream.incarnation }, batchId }
}

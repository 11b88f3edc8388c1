/** One append as a transaction: idempotence or a shard's checkpoint, admission, frames into the open batch, seals by size. */
import { randomBytes } from 'node:crypto'
import { BATCH_RECORDS_SEALED, newBatchId, batchSequence, type Trigger } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { Frame } from '../../domain/frame.ts'
import type { AppendId, Appended, OutOfPlace } from '../../domain/ports.ts'
import type { ShardPosition } from '../../domain/shard.ts'
import type { LmdbDatabase } from './database.ts'
import type { OpenBatch, StoredBatch, StreamState } from './layout.ts'
import { isHeld } from './shards.ts'

/** A process that has appended nothing for this long sends nothing again. */
const EPOCH_KEPT_MS = 24 * 3_600_000

export interface PackedFrame {
  readonly stored: Buffer
  readonly records: number
  readonly bytes: number
  readonly arrivalMs: number
}

export interface Admission {
  readonly maxBytes: number
  /** Of `maxBytes`, for one stream. */
  readonly streamBytesMax: number
}

export function packedFrame(frame: Frame, stored: Buffer): PackedFrame {
  return { stored, records: frame.records, bytes: frame.recordBytes, arrivalMs: frame.arrivalMs }
}

/** What takes the frames: a delivery stream that is ACTIVE. */
interface Taker {
  readonly incarnation: string
  readonly state: StreamState
  /** Size at which its batches are sealed. */
  readonly sizeBytes: number
}

/** Only inside a `write`. Throws when `id` is older than the last one of its epoch. */
export function appendFrames(
  db: LmdbDatabase,
  stream: StreamRef,
  frames: readonly PackedFrame[],
  id: AppendId,
  admission: Admission,
  nowMs: number,
): Appended {
  const { incarnation } = stream
  const taker = takerOf(db, stream)
  if (taker === undefined) return { kind: 'refused' }
  const epoch = db.epochs.get([incarnation, id.epoch])
  if (epoch === undefined) forgetEpochs(db, incarnation, nowMs - EPOCH_KEPT_MS)
  else if (id.sequence === epoch.sequence) return epoch.answer
  else if (id.sequence < epoch.sequence) {
    throw new Error(
      `append to ${stream.name}: sequence ${id.sequence} of epoch ${id.epoch} is older than its last one, ${epoch.sequence}`,
    )
  }
  const answer = takeFrames(db, taker, frames, admission, nowMs)
  if (answer.kind === 'appended') {
    void db.epochs.put([incarnation, id.epoch], { sequence: id.sequence, answer, usedAtMs: nowMs })
  }
  return answer
}

/** Only inside a `write`. The shard's checkpoint takes the place of an append id. */
export function appendShardFrames(
  db: LmdbDatabase,
  frames: readonly PackedFrame[],
  { lease, after, last }: ShardPosition,
  holder: string,
  admission: Admission,
  nowMs: number,
): Appended | OutOfPlace {
  const taker = takerOf(db, lease.stream)
  if (taker === undefined) return { kind: 'refused' }
  const shard = db.shards.get([taker.incarnation, lease.key])
  if (!isHeld(shard, holder, lease.counter, nowMs)) return { kind: 'fenced' }
  if (shard.checkpoint !== after) return { kind: 'gap', checkpoint: shard.checkpoint }
  const answer = takeFrames(db, taker, frames, admission, nowMs)
  if (answer.kind === 'appended') {
    const moved = { ...shard, checkpoint: last, checkpointAtMs: nowMs }
    void db.shards.put([taker.incarnation, lease.key], moved)
  }
  return answer
}

function takerOf(db: LmdbDatabase, { name, incarnation }: StreamRef): Taker | undefined {
  const definition = db.streams.get(name)
  const state = db.states.get(incarnation)
  return definition?.incarnation !== incarnation || definition.status !== 'ACTIVE' || state === undefined
    ? undefined
    : { incarnation, state, sizeBytes: definition.hints.bytes }
}

/** Takes all of the frames if the budget holds them. */
function takeFrames(
  db: LmdbDatabase,
  { incarnation, state, sizeBytes }: Taker,
  frames: readonly PackedFrame[],
  admission: Admission,
  nowMs: number,
): Exclude<Appended, { kind: 'refused' }> {
  const totals = db.totals
  const addedBytes = frames.reduce((sum, frame) => sum + frame.stored.length, 0)
  if (
    totals.storedBytes + addedBytes > admission.maxBytes ||
    state.storedBytes + addedBytes > admission.streamBytesMax
  ) {
    return { kind: 'throttled' }
  }
  const firstSequence = state.nextAppend
  let sealed = 0
  for (const frame of frames) sealed += putFrame(db, incarnation, state, frame, sizeBytes, nowMs)
  void db.states.put(incarnation, state)
  db.putTotals({ ...totals, storedBytes: totals.storedBytes + addedBytes, nowMs })
  return { kind: 'appended', firstSequence, sealed }
}

/** Answers how many batches it sealed: 0 or 1. */
function putFrame(
  db: LmdbDatabase,
  incarnation: string,
  state: StreamState,
  frame: PackedFrame,
  sizeBytes: number,
  nowMs: number,
): number {
  const append = state.nextAppend
  state.nextAppend += 1
  const open = state.open ?? openBatch(state, append, frame.arrivalMs, nowMs)
  open.records += frame.records
  open.bytes += frame.bytes
  open.storedBytes += frame.stored.length
  open.frames += 1
  open.lastAppend = append
  open.oldestArrivalMs = Math.min(open.oldestArrivalMs, frame.arrivalMs)
  state.open = open
  state.accepted += frame.records
  state.pending += frame.records
  state.acceptedBytes += frame.bytes
  state.pendingBytes += frame.bytes
  state.storedBytes += frame.stored.length
  void db.frames.put([incarnation, batchSequence(open.batchId), append], frame.stored)
  if (open.bytes < sizeBytes && open.records < BATCH_RECORDS_SEALED) return 0
  sealOpenBatch(db, incarnation, state, open, 'size', nowMs)
  return 1
}

function openBatch(
  state: StreamState,
  firstAppend: number,
  oldestArrivalMs: number,
  openedAtMs: number,
): OpenBatch {
  const batchId = newBatchId(state.nextBatch, randomBytes(8).toString('hex'))
  state.nextBatch += 1
  return {
    batchId,
    records: 0,
    bytes: 0,
    storedBytes: 0,
    frames: 0,
    firstAppend,
    lastAppend: firstAppend,
    oldestArrivalMs,
    openedAtMs,
  }
}

/** Changes `state`, which the caller writes. Only inside a `write`. */
export function sealOpenBatch(
  db: LmdbDatabase,
  incarnation: string,
  state: StreamState,
  open: OpenBatch,
  trigger: Trigger,
  sealedAtMs: number,
): void {
  const batch: StoredBatch = {
    ...open,
    state: 'sealed',
    trigger,
    sealedAtMs,
    attempts: 0,
    deaths: 0,
    attemptOpen: false,
  }
  void db.batches.put([incarnation, batchSequence(open.batchId)], batch)
  state.sealedBatches += 1
  delete state.open
}

function forgetEpochs(db: LmdbDatabase, incarnation: string, usedBeforeMs: number): void {
  const known = [...db.epochs.getRange({ start: [incarnation, ''], end: [incarnation, '\uffff'] })]
  for (const { key, value } of known) if (value.usedAtMs < usedBeforeMs) void db.epochs.remove(key)
}

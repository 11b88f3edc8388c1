/**
 * Which records go into one call of a transform: the next ones, until the call would hold more than its bytes, more records
 * or a larger request than any call may have, or records that arrived too far apart. A function of the batch and the
 * transform's settings alone. Records that only pass (they have a verdict or were dropped) keep their places between the others.
 */
import type { BatchRef } from '../../domain/batch.ts'
import type { Frame } from '../../domain/frame.ts'
import type { Transform } from '../../domain/delivery-stream.ts'
import { MIB } from '../../domain/limits.ts'
import type { RecordMetadata } from '../../domain/record-metadata.ts'
import { processingFailed } from './codes.ts'
import { EventWriter, type EventSource, type RecordBytes } from './event.ts'
import { RecordIds } from './record-ids.ts'

/** Most records in one call. AWS names no number; this is the one of its HTTP endpoints, and keeps an answer quick to read. */
export const CALL_RECORDS_MAX = 10_000
/** Most bytes that pass with one call. */
const PASSING_BYTES_MAX = 4 * MIB
/** Records that arrived within a second go together also where the interval is 0: nobody waits for the second. */
const INTERVAL_MIN_MS = 1_000

/** A record with its place in a call. */
export interface Place extends RecordBytes {
  /** With an origin. */
  readonly metadata: RecordMetadata
  readonly shardId: string
  /** Undefined: it only passes. */
  readonly recordId: string | undefined
}

type SentPlace = Place & { readonly recordId: string }

export type CallLimits = Pick<Transform, 'bufferBytes' | 'bufferIntervalMs'>

export class Call {
  readonly places: Place[] = []
  readonly #limits: CallLimits
  readonly #event: EventWriter
  readonly #recordIds: string[] = []
  #bytes = 0
  #passingBytes = 0
  #firstArrivalMs = 0

  constructor(limits: CallLimits, source: EventSource) {
    this.#limits = limits
    this.#event = new EventWriter(source)
  }

  /** Of the records that are sent, in order; empty: there is nothing to send. */
  get recordIds(): readonly string[] {
    return this.#recordIds
  }

  /** Of the records that are sent. */
  get bytes(): number {
    return this.#bytes
  }

  get isFull(): boolean {
    return this.places.length >= CALL_RECORDS_MAX || this.#passingBytes > PASSING_BYTES_MAX
  }

  pass(place: Place): void {
    this.places.push(place)
    this.#passingBytes += place.length
  }

  /** False when the record belongs into another call; then nothing was added. */
  send(place: SentPlace): boolean {
    const { length, metadata, recordId } = place
    if (this.#recordIds.length > 0) {
      const { bufferBytes, bufferIntervalMs } = this.#limits
      if (this.#bytes + length > bufferBytes) return false
      const apartMs = metadata.arrivalMs - this.#firstArrivalMs
      if (apartMs > Math.max(bufferIntervalMs, INTERVAL_MIN_MS)) return false
    }
    if (!this.#event.add(place)) return false
    if (this.#recordIds.length === 0) this.#firstArrivalMs = metadata.arrivalMs
    this.#recordIds.push(recordId)
    this.#bytes += length
    this.places.push(place)
    return true
  }

  /** The event, good until the next is asked for. */
  event(invocationId: string): Buffer {
    return this.#event.finish(invocationId)
  }
}

export interface CallsInput {
  readonly batch: BatchRef
  readonly frames: AsyncIterable<Frame>
  readonly limits: CallLimits
  readonly source: EventSource
}

/** Every record is in one call, in order. */
export async function* callsOf({ batch, frames, limits, source }: CallsInput): AsyncGenerator<Call> {
  const ids = new RecordIds(batch)
  let call = new Call(limits, source)
  let ordinal = 0
  for await (const frame of frames) {
    for (const place of placesOf(frame, ordinal, ids)) {
      if (call.isFull) {
        yield call
        call = new Call(limits, source)
      }
      if (!isSent(place)) {
        call.pass(place)
        continue
      }
      if (call.send(place)) continue
      if (call.places.length > 0) yield call
      call = new Call(limits, source)
      if (!call.send(place)) call.pass(refused(place))
    }
    ordinal += frame.records
  }
  if (call.places.length > 0) yield call
}

function isSent(place: Place): place is SentPlace {
  return place.recordId !== undefined
}

/** @param first ordinal of the frame's first record */
function* placesOf(frame: Frame, first: number, ids: RecordIds): Generator<Place> {
  const { metadata: section, arrivalMs, payload } = frame
  const known = section?.[Symbol.iterator]()
  const shardId = section?.shardId ?? ''
  let start = 0
  for (let index = 0; index < frame.records; index += 1) {
    const length = frame.length(index)
    const metadata = withOrigin(known?.next().value, first + index, arrivalMs)
    const recordId = ids.next(metadata.origin)
    const isUndecided = metadata.verdict === undefined && metadata.isDropped !== true
    yield { payload, start, length, metadata, shardId, recordId: isUndecided ? recordId : undefined }
    start += length + 1
  }
}

type WithOrigin = RecordMetadata & { readonly origin: number }

function withOrigin(metadata: RecordMetadata | undefined, place: number, arrivalMs: number): WithOrigin {
  return metadata === undefined
    ? { arrivalMs, sequenceNumber: '', partitionKey: '', origin: place }
    : { ...metadata, origin: metadata.origin ?? place }
}

/** No call was made for it. */
function refused(place: Place): Place {
  const message = `The record is too large to be sent: ${place.length} bytes do not fit into a request of 6 MB as base64.`
  const verdict = processingFailed('Lambda.InvocationFailure', message, 0)
  return { ...place, recordId: undefined, metadata: { ...place.metadata, verdict } }
}

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
import { EventWriter, type EventSource } from './event.ts'
import { RecordIds } from './record-ids.ts'

/** Most records in one call. AWS names no number; this is the one of its HTTP endpoints, and keeps an answer quick to read. */
export const CALL_RECORDS_MAX = 10_000
/** Most bytes that pass with one call. */
const PASSING_BYTES_MAX = 4 * MIB
/** Records that arrived within a second go together also where the interval is 0: nobody waits for the second. */
const INTERVAL_MIN_MS = 1_000

/** A record with its place in a call. */
export interface Place {
  /** A view into the frame that it came in. */
  readonly record: Buffer
  /** With an origin. */
  readonly metadata: RecordMetadata
  readonly shardId: string
  /** Absent: it only passes. */
  readonly recordId?: string
}

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
    this.#passingBytes += place.record.length
  }

  /** False when the record belongs into another call; then nothing was added. */
  send(place: Place & { readonly recordId: string }): boolean {
    const { record, metadata, recordId } = place
    if (this.#recordIds.length > 0) {
      const { bufferBytes, bufferIntervalMs } = this.#limits
      if (this.#bytes + record.length > bufferBytes) return false
      const apartMs = metadata.arrivalMs - this.#firstArrivalMs
      if (apartMs > Math.max(bufferIntervalMs, INTERVAL_MIN_MS)) return false
    }
    if (!this.#event.add(place)) return false
    if (this.#recordIds.length === 0) this.#firstArrivalMs = metadata.arrivalMs
    this.#recordIds.push(recordId)
    this.#bytes += record.length
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
    for (const place of placesOf(frame, ordinal)) {
      if (call.isFull) {
        yield call
        call = new Call(limits, source)
      }
      const recordId = ids.next(place.metadata.origin)
      if (place.metadata.verdict !== undefined || place.metadata.isDropped === true) {
        call.pass(place)
        continue
      }
      const sent = { ...place, recordId }
      if (call.send(sent)) continue
      if (call.places.length > 0) yield call
      call = new Call(limits, source)
      if (!call.send(sent)) call.pass(refused(place))
    }
    ordinal += frame.records
  }
  if (call.places.length > 0) yield call
}

interface PlaceWithOrigin extends Place {
  readonly metadata: RecordMetadata & { readonly origin: number }
}

/** @param first ordinal of the frame's first record */
function* placesOf(frame: Frame, first: number): Generator<PlaceWithOrigin> {
  const { metadata: section, arrivalMs } = frame
  const known = section?.[Symbol.iterator]()
  const shardId = section?.shardId ?? ''
  let ordinal = first
  for (const record of frame.recordViews()) {
    const metadata: RecordMetadata = known?.next().value ?? {
      arrivalMs,
      sequenceNumber: '',
      partitionKey: '',
    }
    yield { record, shardId, metadata: { ...metadata, origin: metadata.origin ?? ordinal } }
    ordinal += 1
  }
}

/** No call was made for it. */
function refused(place: Place): Place {
  const message = `The record is too large to be sent: ${place.record.length} bytes do not fit into a request of 6 MB as base64.`
  const verdict = processingFailed('Lambda.InvocationFailure', message, 0)
  return { ...place, metadata: { ...place.metadata, verdict } }
}

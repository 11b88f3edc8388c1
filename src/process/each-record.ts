/**
 * What all local processors do alike: each record of a batch becomes none, one or several, or gets a verdict. The order
 * stays, every record made says which source record it comes from, one that was decided before passes untouched, and one
 * that yields nothing keeps a place. One frame and what its records become are in memory, up to the bounds of FramePacker.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FrameError } from '../domain/errors.ts'
import type { Frame } from '../domain/frame.ts'
import { MIB } from '../domain/limits.ts'
import type { RecordMetadata, RecordVerdict } from '../domain/record-metadata.ts'
import { FramePacker } from './frame-packer.ts'

/** The record stays as it is. */
export const SAME = Symbol('same')

/** What takes a record's place. Of a record with a verdict its bytes stay. */
export type Made = typeof SAME | RecordVerdict | readonly Uint8Array[]

/** Pure. @param place ordinal of the record among those that come in */
export type MakeOfRecord = (record: Buffer, place: number) => Made | Promise<Made>

/** Bytes that are worked through before other work of the process gets its turn. */
const TURN_BYTES = MIB
const NOTHING = new Uint8Array(0)

export async function* eachRecord(
  frames: AsyncIterable<Frame>,
  make: MakeOfRecord,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const places: Places = { in: 0, out: 0, bytes: 0 }
  let turnEnd = TURN_BYTES
  for await (const frame of frames) {
    signal.throwIfAborted()
    const rework = new Rework(frame, places)
    for (const { record, metadata } of recordsOf(frame)) {
      if (metadata !== undefined && isDecided(metadata)) rework.take(record, metadata, SAME)
      else {
        const making = make(record, places.in)
        rework.take(record, metadata, making instanceof Promise ? await making : making)
      }
      for (const full of rework.full()) yield full
      if (places.bytes < turnEnd) continue
      turnEnd = places.bytes + TURN_BYTES
      await nextTurn()
      signal.throwIfAborted()
    }
    yield rework.rest()
  }
}

/** How far a reading is. */
interface Places {
  in: number
  out: number
  /** That were read and that were made. */
  bytes: number
}

interface Entry {
  readonly record: Buffer
  /** Absent: its frame came by the API. */
  readonly metadata: RecordMetadata | undefined
}

function* recordsOf(frame: Frame): Generator<Entry> {
  const entries = frame.metadata?.[Symbol.iterator]()
  for (const record of frame.recordViews()) {
    const entry = entries?.next()
    if (entry?.done === true) throw new FrameError('read frame: a record has no metadata')
    yield { record, metadata: entry?.value }
  }
}

function isDecided({ verdict, isDropped }: RecordMetadata): boolean {
  return verdict !== undefined || isDropped === true
}

/** One frame on its way through: the same frame while nothing in it changes, else packed again. */
class Rework {
  readonly #frame: Frame
  readonly #places: Places
  readonly #packer: FramePacker
  /** Records at the beginning of the frame that are as they were; absent once one is not. */
  #untouched: Entry[] | undefined = []
  #filled: Frame[] = []

  constructor(frame: Frame, places: Places) {
    this.#frame = frame
    this.#places = places
    this.#packer = new FramePacker(frame)
    // A record that does not say its origin means its place, which is another one here.
    if (places.in !== places.out) this.#untouched = undefined
  }

  take(record: Buffer, metadata: RecordMetadata | undefined, made: Made): void {
    const place = this.#places.in
    this.#places.in += 1
    this.#places.bytes += record.length
    if (this.#untouched !== undefined) {
      if (made === SAME) {
        this.#untouched.push({ record, metadata })
        this.#places.out += 1
        return
      }
      for (const entry of this.#untouched) this.#add(entry.record, entry.metadata)
      this.#untouched = undefined
    }
    if (made === SAME) this.#place(record, this.#placed(metadata, place))
    else if ('errorType' in made) this.#place(record, this.#decided(metadata, place, { verdict: made }))
    else if (made.length === 0) this.#place(NOTHING, this.#decided(metadata, place, { isDropped: true }))
    else {
      // All parts are told alike: the first of several may be in its source's place, the others are not.
      const isElsewhere = made.length > 1 || place !== this.#places.out
      const placed = this.#placed(metadata, place, isElsewhere)
      for (const bytes of made) this.#place(bytes, placed)
    }
  }

  /** What is known of a record, with its origin where that is not its place. */
  #placed(
    known: RecordMetadata | undefined,
    place: number,
    isElsewhere = place !== this.#places.out,
  ): RecordMetadata | undefined {
    return isElsewhere && known?.origin === undefined
      ? { ...(known ?? this.#packer.plain), origin: place }
      : known
  }

  #decided(
    known: RecordMetadata | undefined,
    place: number,
    decision: Pick<RecordMetadata, 'verdict' | 'isDropped'>,
  ): RecordMetadata {
    return { ...(this.#placed(known, place) ?? this.#packer.plain), ...decision }
  }

  #place(bytes: Uint8Array, metadata: RecordMetadata | undefined): void {
    this.#places.out += 1
    this.#add(bytes, metadata)
  }

  #add(bytes: Uint8Array, metadata: RecordMetadata | undefined): void {
    this.#places.bytes += bytes.length
    if (this.#packer.isFullFor(bytes.length)) this.#filled.push(this.#packer.finish())
    this.#packer.add(bytes, metadata)
  }

  /** Frames that are full, once each. */
  full(): readonly Frame[] {
    if (this.#filled.length === 0) return this.#filled
    const filled = this.#filled
    this.#filled = []
    return filled
  }

  /** The frame of what is left, which is at least one record. */
  rest(): Frame {
    return this.#untouched === undefined ? this.#packer.finish() : this.#frame
  }
}

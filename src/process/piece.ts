/**
 * How much of a batch is processed at a time. Decompression and de-aggregation make more of a batch than was received, a
 * thousand times as much at the worst, and what is known of a record takes memory, what is made of it room on disk. So a batch
 * of which very much is made is processed, and landed, in pieces: whole frames of it, up to the one that reaches a number of
 * records or of bytes. Where pieces end is a function of the batch and the plan.
 */
import type { Frame } from '../domain/frame.ts'
import { MIB } from '../domain/limits.ts'
import type { PieceStart } from '../domain/ports.ts'
import { Inflation } from './inflate.ts'

export interface PieceLimits {
  /** Of what is made. */
  readonly records: number
  readonly bytes: number
}

/**
 * Fewer records than a batch may have that nothing is made of, since the frame that reaches them may add a quarter of a million,
 * and pieces follow one another before all memory is given back. Bytes of an object that S3 takes in one put.
 */
export const PIECE_LIMITS: PieceLimits = { records: 6_000_000, bytes: 2048 * MIB }

const BATCH_START: PieceStart = { frames: 0, records: 0, made: 0, excessBytes: 0 }

/** What is made of frames, those of one frame before the next is asked for. */
export type Make = (frames: AsyncIterable<Frame>, inflation: Inflation) => AsyncIterable<Frame>

export class Piece {
  readonly #start: PieceStart
  readonly #source: () => AsyncIterable<Frame>
  readonly #make: Make
  readonly #limits: PieceLimits
  #last: Reading | undefined

  /** @param source reads the batch from where the piece begins */
  constructor(
    start: PieceStart | undefined,
    source: () => AsyncIterable<Frame>,
    make: Make,
    limits: PieceLimits,
  ) {
    this.#start = start ?? BATCH_START
    this.#source = source
    this.#make = make
    this.#limits = limits
  }

  /** What is made of it. May be called again. */
  async *frames(): AsyncGenerator<Frame> {
    const reading = new Reading(this.#start, this.#limits)
    yield* reading.over(this.#source(), this.#make)
    this.#last = reading
  }

  /** What is made of all of the batch from here on. */
  async *rest(): AsyncGenerator<Frame> {
    const reading = new Reading(this.#start, { records: Infinity, bytes: Infinity })
    yield* reading.over(this.#source(), this.#make)
    if (!reading.isOver(this.#limits)) this.#last = reading
  }

  /** It is known where it ends: it was read to its end, or the rest was, which is no more. */
  get isKnown(): boolean {
    return this.#last !== undefined
  }

  /** Where the next one begins, if this is not the last one. */
  next(): PieceStart | undefined {
    if (this.#last === undefined) throw new Error('find the end of a piece: it was not read to its end')
    return this.#last.next
  }

  /** Records that are made before it, and up to its end. */
  get places(): { readonly from: number; readonly to: number } {
    return { from: this.#start.made, to: this.next()?.made ?? Infinity }
  }
}

/** One reading of a piece, from its start. */
class Reading {
  next: PieceStart | undefined
  readonly #start: PieceStart
  readonly #limits: PieceLimits
  readonly #inflation: Inflation
  #frames = 0
  #records = 0
  #made = 0
  #madeBytes = 0

  constructor(start: PieceStart, limits: PieceLimits) {
    this.#start = start
    this.#limits = limits
    this.#inflation = new Inflation(start.excessBytes)
  }

  async *over(source: AsyncIterable<Frame>, make: Make): AsyncGenerator<Frame> {
    for await (const frame of make(this.#taking(source), this.#inflation)) {
      this.#made += frame.records
      this.#madeBytes += frame.recordBytes
      yield frame
    }
  }

  /** Asked for another frame only when all that is made of those before is counted. */
  async *#taking(source: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    for await (const frame of source) {
      if (this.isOver(this.#limits)) {
        this.next = {
          frames: this.#start.frames + this.#frames,
          records: this.#start.records + this.#records,
          made: this.#start.made + this.#made,
          excessBytes: this.#inflation.excessBytes,
        }
        return
      }
      this.#frames += 1
      this.#records += frame.records
      yield frame
    }
  }

  isOver({ records, bytes }: PieceLimits): boolean {
    return this.#made >= records || this.#madeBytes >= bytes
  }
}

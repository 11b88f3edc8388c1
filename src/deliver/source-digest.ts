/** Identify what a batch holds, and what its transform made of it. */
import { createHash } from 'node:crypto'
import { FRAME_HEADER_BYTES, type Frame } from '../domain/frame.ts'

/** A hash over frames as they are read. They may be read more than once; each whole reading must give the same. */
class FramesDigest {
  readonly #of: (frame: Frame) => Uint8Array
  #last: string | undefined

  /** @param of the bytes that stand for a frame */
  constructor(of: (frame: Frame) => Uint8Array) {
    this.#of = of
  }

  /** Passes the frames on. */
  async *over(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    const hash = createHash('sha256')
    for await (const frame of frames) {
      hash.update(this.#of(frame))
      yield frame
    }
    const digest = hash.digest('hex')
    if (this.#last !== undefined && this.#last !== digest) {
      throw new Error(`digest batch: two readings differ, ${this.#last} and ${digest}`)
    }
    this.#last = digest
  }

  /** The frames were read to their end. */
  get isKnown(): boolean {
    return this.#last !== undefined
  }

  /** Hexadecimal; defined once the frames were read to their end. */
  get value(): string {
    if (this.#last === undefined) throw new Error('digest batch: its frames were not read to their end')
    return this.#last
  }
}

/** SHA-256 over the headers of a batch's frames, each of which carries its body's checksum. */
export class SourceDigest extends FramesDigest {
  constructor() {
    super(({ buffer }) => buffer.subarray(0, FRAME_HEADER_BYTES))
  }
}

/** SHA-256 over all that a transform's answers, as they were kept, were made into: these frames were never stored. */
export class DerivedDigest extends FramesDigest {
  constructor() {
    super(({ buffer }) => buffer.subarray(FRAME_HEADER_BYTES))
  }
}

/** Small frames that follow one another, made one, so that whoever converts them has enough to do with each. */
import { FRAME_HEADER_BYTES, Frame, writeFrameHeader } from '../domain/frame.ts'

const FRAME_BYTES = 128 * 1024
/** A larger frame is not joined with others. */
const SMALL_BYTES = FRAME_BYTES / 2

/** Has no metadata section: what is known of the records is in the frames that it was made of. */
export class JoinedFrame extends Frame {
  readonly parts: readonly Frame[]

  constructor(buffer: Buffer, parts: readonly Frame[]) {
    super(buffer)
    this.parts = parts
  }
}

/** Joins one sequence of frames after the other. Its buffers are used again and again, for all of them. */
export class FrameJoiner {
  /** Copies of small frames, and what they are joined in. */
  #gathered: Buffer | undefined
  #joined: Buffer | undefined
  #parts: Frame[] = []
  #end = 0

  /** A frame that is given or taken is valid until the next one is asked for. */
  async *join(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    this.#parts = []
    this.#end = 0
    for await (const frame of frames) {
      const isSmall = frame.buffer.length < SMALL_BYTES
      if (!isSmall || this.#end + frame.buffer.length > FRAME_BYTES) yield* this.#take()
      if (isSmall) this.#gather(frame)
      else yield frame
    }
    yield* this.#take()
  }

  #gather({ buffer }: Frame): void {
    this.#gathered ??= Buffer.allocUnsafeSlow(FRAME_BYTES)
    const start = this.#end
    this.#end += buffer.copy(this.#gathered, start)
    this.#parts.push(new Frame(this.#gathered.subarray(start, this.#end)))
  }

  *#take(): Generator<Frame> {
    const parts = this.#parts
    const [first] = parts
    this.#parts = []
    this.#end = 0
    if (first === undefined) return
    if (parts.length === 1) yield first
    // The parts, with their headers, were no shorter.
    else yield joined(parts, first.arrivalMs, (this.#joined ??= Buffer.allocUnsafeSlow(FRAME_BYTES)))
  }
}

function joined(parts: readonly Frame[], arrivalMs: number, into: Buffer): Frame {
  const records = parts.reduce((sum, frame) => sum + frame.records, 0)
  const recordBytes = parts.reduce((sum, frame) => sum + frame.recordBytes, 0)
  const buffer = into.subarray(0, FRAME_HEADER_BYTES + 5 * records + recordBytes)
  let lengthsEnd = FRAME_HEADER_BYTES
  let payloadEnd = FRAME_HEADER_BYTES + 4 * records
  let flags = 0
  for (const frame of parts) {
    lengthsEnd += frame.lengths.copy(buffer, lengthsEnd)
    payloadEnd += frame.payload.copy(buffer, payloadEnd)
    flags |= frame.header.flags
  }
  writeFrameHeader(buffer, { flags, records, arrivalMs, recordBytes, metadataBytes: 0 })
  return new JoinedFrame(buffer, parts)
}

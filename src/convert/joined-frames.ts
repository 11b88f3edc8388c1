/** Small frames that follow one another, made one, so that whoever converts them has enough to do with each. */
import { FRAME_HEADER_BYTES, Frame, writeFrameHeader } from '../domain/frame.ts'

const FRAME_BYTES = 128 * 1024

/** Has no metadata section: what is known of the records is in the frames that it was made of. */
export class JoinedFrame extends Frame {
  readonly parts: readonly Frame[]

  constructor(buffer: Buffer, parts: readonly Frame[]) {
    super(buffer)
    this.parts = parts
  }
}

export async function* joinedFrames(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
  let parts: Frame[] = []
  let bytes = 0
  for await (const frame of frames) {
    if (parts.length > 0 && bytes + frame.buffer.length > FRAME_BYTES) {
      yield joined(parts)
      parts = []
      bytes = 0
    }
    parts.push(frame)
    bytes += frame.buffer.length
  }
  if (parts.length > 0) yield joined(parts)
}

function joined(parts: readonly Frame[]): Frame {
  const [first] = parts
  if (first !== undefined && parts.length === 1) return first
  const records = parts.reduce((sum, frame) => sum + frame.records, 0)
  const recordBytes = parts.reduce((sum, frame) => sum + frame.recordBytes, 0)
  const buffer = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 5 * records + recordBytes)
  let lengthsEnd = FRAME_HEADER_BYTES
  let payloadEnd = FRAME_HEADER_BYTES + 4 * records
  let flags = 0
  for (const frame of parts) {
    lengthsEnd += frame.lengths.copy(buffer, lengthsEnd)
    payloadEnd += frame.payload.copy(buffer, payloadEnd)
    flags |= frame.header.flags
  }
  const arrivalMs = first?.arrivalMs ?? 0
  writeFrameHeader(buffer, { flags, records, arrivalMs, recordBytes, metadataBytes: 0 })
  return new JoinedFrame(buffer, parts)
}

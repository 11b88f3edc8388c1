/** Small frames that follow one another, made one, so that whoever converts them has enough to do with each. */
import { FRAME_HEADER_BYTES, Frame, writeFrameHeader } from '../domain/frame.ts'

const FRAME_BYTES = 128 * 1024

/** Frames with metadata stay as they are: theirs may be of different shards. */
export async function* joinedFrames(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
  let first: Frame | undefined
  let others: Frame[] = []
  let bytes = 0
  for await (const frame of frames) {
    bytes += frame.recordBytes
    if (first !== undefined && bytes <= FRAME_BYTES && !hasMetadata(first) && !hasMetadata(frame)) {
      others.push(frame)
      continue
    }
    if (first !== undefined) yield joined(first, others)
    first = frame
    others = []
    bytes = frame.recordBytes
  }
  if (first !== undefined) yield joined(first, others)
}

const hasMetadata = (frame: Frame): boolean => frame.header.metadataBytes > 0

function joined(first: Frame, others: readonly Frame[]): Frame {
  if (others.length === 0) return first
  const frames = [first, ...others]
  const records = frames.reduce((sum, frame) => sum + frame.records, 0)
  const recordBytes = frames.reduce((sum, frame) => sum + frame.recordBytes, 0)
  const buffer = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 5 * records + recordBytes)
  let lengthsEnd = FRAME_HEADER_BYTES
  let payloadEnd = FRAME_HEADER_BYTES + 4 * records
  let flags = 0
  for (const frame of frames) {
    lengthsEnd += frame.lengths.copy(buffer, lengthsEnd)
    payloadEnd += frame.payload.copy(buffer, payloadEnd)
    flags |= frame.header.flags
  }
  writeFrameHeader(buffer, { flags, records, arrivalMs: first.arrivalMs, recordBytes, metadataBytes: 0 })
  return new Frame(buffer)
}

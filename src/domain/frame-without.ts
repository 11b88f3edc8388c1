/** A frame without some of its records. It is one without metadata and is not odd; what is between them is copied at once. */
import { FRAME_HEADER_BYTES, Frame, writeFrameHeader } from './frame.ts'

/** @param left ordinals of records within the frame, ascending, not all of them */
export function frameWithout(frame: Frame, left: readonly number[]): Frame {
  const { payload, lengths, arrivalMs } = frame
  const records = frame.records - left.length
  const buffer = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 4 * records + payload.length)
  let lengthsEnd = FRAME_HEADER_BYTES
  let payloadEnd = FRAME_HEADER_BYTES + 4 * records
  let first = 0
  let start = 0
  for (const index of [...left, frame.records]) {
    let end = start
    for (let at = first; at < index; at += 1) end += frame.length(at) + 1
    lengthsEnd += lengths.copy(buffer, lengthsEnd, 4 * first, 4 * index)
    payloadEnd += payload.copy(buffer, payloadEnd, start, end)
    first = index + 1
    start = index < frame.records ? end + frame.length(index) + 1 : end
  }
  const recordBytes = payloadEnd - FRAME_HEADER_BYTES - 5 * records
  writeFrameHeader(buffer.subarray(0, payloadEnd), {
    flags: 0,
    records,
    arrivalMs,
    recordBytes,
    metadataBytes: 0,
  })
  return new Frame(buffer.subarray(0, payloadEnd))
}

/** The part of what a transform made of a batch that belongs to a piece of it: a run of its records, whatever its frames are. */
import type { Frame } from '../domain/frame.ts'
import type { RecordMetadata } from '../domain/record-metadata.ts'
import { FramePacker } from './frame-packer.ts'

export interface DerivedPiece {
  /** Places of its first record, and after its last one. */
  readonly from: number
  readonly to: number
  /** Source records of the batch before it: origins count from the piece's first one. */
  readonly firstSource: number
}

export async function* derivedPiece(
  frames: AsyncIterable<Frame>,
  { from, to, firstSource }: DerivedPiece,
): AsyncGenerator<Frame> {
  let first = 0
  for await (const frame of frames) {
    if (first >= to) return
    const end = first + frame.records
    const isInside = first >= from && end <= to
    if (isInside && firstSource === 0) yield frame
    else if (end > from)
      yield* repacked(frame, Math.max(0, from - first), Math.min(end, to) - first, firstSource)
    first = end
  }
}

function* repacked(frame: Frame, start: number, end: number, firstSource: number): Generator<Frame> {
  const packer = new FramePacker(frame)
  const entries: Iterator<RecordMetadata> | undefined = frame.metadata?.[Symbol.iterator]()
  let index = 0
  for (const record of frame.recordViews()) {
    const known: RecordMetadata | undefined = entries?.next().value
    if (index >= start && index < end) {
      if (packer.isFullFor(record.length)) yield packer.finish()
      packer.add(record, known && { ...known, origin: originOf(known) - firstSource })
    }
    index += 1
  }
  yield packer.finish()
}

/** What a transform was given has one. */
function originOf({ origin }: RecordMetadata): number {
  if (origin === undefined) throw new Error('read a piece of a derivation: a record has no origin')
  return origin
}

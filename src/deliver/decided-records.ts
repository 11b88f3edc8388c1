/**
 * Records whose verdict was given before conversion: too large, or an aggregate that cannot be read. Their bytes are in the
 * frames, so that nothing about them can be lost, but no encoder sees them: they are taken out on the way to it, and the
 * landing writes them to the error prefix (failed-records).
 */
import { FrameError } from '../domain/errors.ts'
import { FrameBuilder, type Frame } from '../domain/frame.ts'
import { MetadataBuilder } from '../domain/metadata-builder.ts'
import type { FrameMetadata } from '../domain/metadata-section.ts'
import { ERROR_TYPES, type ErrorType, type RecordMetadata } from '../domain/record-metadata.ts'

/** What a whole reading of a batch told of its records beside their bytes. */
export interface Decided {
  /** Records with a verdict, by error type. */
  readonly records: Readonly<Record<ErrorType, number>>
  /** The same records by code. */
  readonly errors: Readonly<Record<string, number>>
  /** A frame says where its records came from. */
  readonly hasMetadata: boolean
}

export class DecidedRecords {
  #found: Decided | undefined

  /**
   * Passes on the frames without the records that have a verdict: one that has none untouched, one that holds nothing else
   * not at all. An encoder may read more than once, and need not read to the end each time.
   */
  async *without(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    const records = noErrors()
    const errors: Record<string, number> = {}
    let hasMetadata = false
    for await (const frame of frames) {
      hasMetadata ||= frame.header.metadataBytes > 0
      if (!frame.isDecided) {
        yield frame
        continue
      }
      const undecided: RecordWithMetadata[] = []
      for (const entry of recordsWithMetadata(frame)) {
        const { verdict } = entry.metadata
        if (verdict === undefined) {
          undecided.push(entry)
          continue
        }
        records[known(verdict.errorType)] += 1
        errors[verdict.code] = (errors[verdict.code] ?? 0) + 1
      }
      if (undecided.length > 0) yield frameOf(undecided, metadataOf(frame).shardId, frame.arrivalMs)
    }
    this.#found = { records, errors, hasMetadata }
  }

  /** Defined once the frames were read to their end. */
  get found(): Decided {
    if (this.#found === undefined)
      throw new Error('count decided records: the frames were not read to their end')
    return this.#found
  }
}

function noErrors(): Record<ErrorType, number> {
  return Object.fromEntries(ERROR_TYPES.map((type) => [type, 0])) as Record<ErrorType, number>
}

function known(errorType: string): ErrorType {
  if ((ERROR_TYPES as readonly string[]).includes(errorType)) return errorType as ErrorType
  throw new FrameError(
    `read frame: error type ${errorType} is not known here; a newer Hydrant must deliver it`,
    true,
  )
}

export interface RecordWithMetadata {
  /** A view into the frame. */
  readonly record: Buffer
  readonly metadata: RecordMetadata
}

/** The records of a frame that says where they came from, in order. */
export function* recordsWithMetadata(frame: Frame): Generator<RecordWithMetadata> {
  const entries = metadataOf(frame)[Symbol.iterator]()
  for (const record of frame.recordViews()) {
    const { done, value } = entries.next()
    if (done === true) throw new FrameError('read frame: a record has no metadata')
    yield { record, metadata: value }
  }
}

function metadataOf(frame: Frame): FrameMetadata {
  if (frame.metadata === undefined)
    throw new FrameError('read frame: it has verdicts, but no metadata to hold them')
  return frame.metadata
}

function frameOf(entries: readonly RecordWithMetadata[], shardId: string, arrivalMs: number): Frame {
  const section = new MetadataBuilder(shardId, entries.length)
  let bytes = 0
  for (const { record, metadata } of entries) {
    section.add(metadata)
    bytes += record.length
  }
  const builder = new FrameBuilder(entries.length, bytes, section.finish())
  for (const { record } of entries) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

/**
 * Records that no encoder sees: those whose verdict was given before (too large, an aggregate that cannot be read, what a
 * processor refused), those that the transform dropped, and those that partitioning refused. Their bytes are in the frames,
 * so that nothing about them can be lost; they are taken out on the way to the encoder, and the landing writes those that
 * failed to the error prefix (failed-records).
 */
import { FrameError } from '../domain/errors.ts'
import { FrameBuilder, type Frame } from '../domain/frame.ts'
import { frameWithout } from '../domain/frame-without.ts'
import { MetadataBuilder } from '../domain/metadata-builder.ts'
import type { FrameMetadata } from '../domain/metadata-section.ts'
import type { Partitions } from '../domain/ports.ts'
import { ERROR_TYPES, type ErrorType, type RecordMetadata } from '../domain/record-metadata.ts'
import { isAnyRefused, partitionVerdict } from './partition-objects.ts'
import { YieldingSources } from './source-accounts.ts'

/** What a whole reading of a batch told of its records beside their bytes. */
export interface Decided {
  /** Records that were read. */
  readonly total: number
  /** Those of them that failed, by error type. */
  readonly records: Readonly<Record<ErrorType, number>>
  /** Those that a transform dropped. */
  readonly dropped: number
  /** Source records that have a part for the encoder, and none that failed. */
  readonly yielding: number
  /** A frame says where its records came from. */
  readonly hasMetadata: boolean
}

export interface DecidedRecordsOptions {
  /** There with dynamic partitioning, for the same records. */
  readonly partitions?: Partitions | undefined
  /** A source record may have been made into several, or into none. */
  readonly hasParts?: boolean
  /** An object that holds nothing, so that its records yield nothing. Default: each holds something. */
  readonly isEmpty?: (object: number) => boolean
}

export class DecidedRecords {
  readonly #options: DecidedRecordsOptions
  #found: Decided | undefined

  constructor(options: DecidedRecordsOptions = {}) {
    this.#options = options
  }

  /**
   * Passes on the frames without the records that are decided: a frame that has none untouched, one that holds nothing else
   * not at all. An encoder may read more than once, and need not read to the end each time.
   */
  async *without(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    const { partitions, hasParts = false } = this.#options
    const reading = new Reading(this.#options)
    for await (const frame of frames) {
      const isDecided = frame.isDecided || isAnyRefused(partitions, reading.total, frame.records)
      if (!isDecided && !hasParts) {
        reading.pass(frame)
        yield frame
        continue
      }
      if (frame.header.metadataBytes === 0 && !frame.isOdd && !hasParts) {
        const left = reading.sieve(frame)
        if (left !== undefined) yield left
        continue
      }
      const undecided = reading.sort(frame)
      if (!isDecided) yield frame
      else if (undecided.length > 0) yield frameOf(undecided, frame)
    }
    this.#found = reading.finish()
  }

  /** Defined once the frames were read to their end. */
  get found(): Decided {
    if (this.#found === undefined)
      throw new Error('count decided records: the frames were not read to their end')
    return this.#found
  }
}

/** One reading of a batch, from its start. */
class Reading {
  readonly #options: DecidedRecordsOptions
  readonly #records = noErrors()
  readonly #sources = new YieldingSources()
  #total = 0
  #undecided = 0
  #dropped = 0
  #hasMetadata = false

  constructor(options: DecidedRecordsOptions) {
    this.#options = options
  }

  get total(): number {
    return this.#total
  }

  /** A frame that goes on as it is, each record a source of its own. */
  pass(frame: Frame): void {
    this.#hasMetadata ||= frame.header.metadataBytes > 0
    this.#total += frame.records
    this.#undecided += frame.records
  }

  /** Of a frame without metadata, each record a source of its own: those that are not decided, if there are any. */
  sieve(frame: Frame): Frame | undefined {
    const { partitions } = this.#options
    const refused: number[] = []
    for (let index = 0; index < frame.records; index += 1) {
      const failure = partitionVerdict(partitions, this.#total + index)
      if (failure === undefined) continue
      this.#records[known(failure.errorType)] += 1
      refused.push(index)
    }
    this.#total += frame.records
    this.#undecided += frame.records - refused.length
    return refused.length === frame.records ? undefined : frameWithout(frame, refused)
  }

  /** Answers the records that are not decided. */
  sort(frame: Frame): RecordOfFrame[] {
    const { partitions, hasParts = false, isEmpty } = this.#options
    this.#hasMetadata ||= frame.header.metadataBytes > 0
    const undecided: RecordOfFrame[] = []
    for (const entry of recordsOf(frame)) {
      const ordinal = this.#total
      this.#total += 1
      const { metadata } = entry
      const source = metadata?.origin ?? ordinal
      const verdict = metadata?.verdict
      const isDropped = metadata?.isDropped === true
      const failure = verdict ?? (isDropped ? undefined : partitionVerdict(partitions, ordinal))
      if (failure !== undefined) this.#records[known(failure.errorType)] += 1
      else if (isDropped) this.#dropped += 1
      else undecided.push(entry)
      if (!hasParts) continue
      const yieldsNothing = isDropped || isEmpty?.(partitions?.objectOf[ordinal] ?? 0) === true
      this.#sources.add(source, failure === undefined ? (yieldsNothing ? 'nothing' : 'row') : 'failed')
    }
    this.#undecided += undecided.length
    return undecided
  }

  finish(): Decided {
    return {
      total: this.#total,
      records: this.#records,
      dropped: this.#dropped,
      yielding: this.#options.hasParts === true ? this.#sources.finish() : this.#undecided,
      hasMetadata: this.#hasMetadata,
    }
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

export interface RecordOfFrame {
  /** A view into the frame. */
  readonly record: Buffer
  /** Absent when nothing is known but the arrival of its frame. */
  readonly metadata?: RecordMetadata
}

/** The records of a frame in order. */
export function* recordsOf(frame: Frame): Generator<RecordOfFrame> {
  if (frame.header.metadataBytes > 0) yield* recordsWithMetadata(frame)
  else for (const record of frame.recordViews()) yield { record }
}

/** The records of a frame that says where they came from, in order. */
export function* recordsWithMetadata(frame: Frame): Generator<Required<RecordOfFrame>> {
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

/** A frame of some of the records of another, with what that one says of them. */
function frameOf(entries: readonly RecordOfFrame[], { metadata, arrivalMs }: Frame): Frame {
  const section = metadata && new MetadataBuilder(metadata.shardId, entries.length)
  let bytes = 0
  for (const entry of entries) {
    if (entry.metadata !== undefined) section?.add(entry.metadata)
    bytes += entry.record.length
  }
  const builder = new FrameBuilder(entries.length, bytes, section?.finish())
  for (const { record } of entries) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

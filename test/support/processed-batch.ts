/**
 * A batch as processors and partitioning would make it, by a plan of the test's: what each source record becomes is said, and
 * what must come of it is worked out here on its own.
 */
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import { MetadataBuilder } from '../../src/domain/metadata-builder.ts'
import {
  NOT_PARTITIONED,
  PARTITION_VERDICT,
  type EncodeInput,
  type Encoded,
  type Encoder,
  type FailedRecord,
  type PartitionObject,
  type Partitions,
  type Processors,
} from '../../src/domain/ports.ts'
import type { RecordMetadata, RecordVerdict } from '../../src/domain/record-metadata.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { ARRIVAL_MS } from './one-delivery.ts'

/** What becomes of a part: a row, refused by the encoder, failed at a transform, dropped by it, or without keys. */
export type Fate = 'row' | 'refused' | 'failed' | 'dropped' | 'unkeyed'

export interface PlannedPart {
  readonly fate: Fate
  /** Its partition, when it gets so far. */
  readonly partition: number
}

export interface Part extends PlannedPart {
  /** Ordinals of its source record, and among all parts. */
  readonly source: number
  readonly place: number
  /** Bytes as the encoder is given them, and before the transform. */
  readonly text: string
  readonly before: string
}

export interface ProcessedBatch {
  /** As the batch was received, and the records in order. */
  readonly frames: readonly Frame[]
  readonly sources: readonly string[]
  readonly parts: readonly Part[]
  readonly processors: Processors
  readonly partitions: Partitions | undefined
  /** Staged things that were not removed. */
  readonly undisposed: () => number
}

export interface BatchShape {
  /** Parts of each source record. */
  readonly sources: readonly (readonly PlannedPart[])[]
  /** Records in each frame, over and over. */
  readonly frameSizes: readonly number[]
  readonly partitioned: boolean
  /** Processors do not read the batch: they have kept what was made of it. */
  readonly kept: boolean
}

export const failedBefore: RecordVerdict = {
  errorType: 'processing-failed',
  code: 'Lambda.FunctionError',
  message: 'The Lambda function was successfully invoked but it returned an error result.',
  attemptsMade: 4,
}
export const unkeyed: RecordVerdict = {
  errorType: 'metadata-extraction-failed',
  code: 'DynamicPartitioning.MetadataExtractionFailed',
  message: 'partitionKeys values must not be null or empty',
}

export function processedBatch(shape: BatchShape): ProcessedBatch {
  const sources = shape.sources.map((_, index) => `source ${index}`)
  const parts: Part[] = []
  for (const [source, planned] of shape.sources.entries()) {
    for (const part of planned) {
      const place = parts.length
      parts.push({ ...part, source, place, text: `${part.fate} ${place}`, before: `before ${place}` })
    }
  }
  const received = chunked(sources, shape.frameSizes).map((texts) => frameOf(texts, ARRIVAL_MS))
  const made = chunked(parts, shape.frameSizes).map((some) => frameOfParts(some, (part) => part.text))
  // Other frames than those after the transform: nobody may count on their sizes.
  const before = chunked(parts, shape.frameSizes.toReversed()).map((some) =>
    frameOfParts(some, (part) => part.before),
  )
  const partitions = shape.partitioned ? partitionsOf(parts) : undefined
  let open = 0
  return {
    frames: received,
    sources,
    parts,
    partitions,
    undisposed: () => open,
    processors: {
      async process({ frames }) {
        if (!shape.kept) for await (const frame of frames()) if (frame.records === 0) throw new Error('empty')
        open += 1
        return {
          frames: () => inTurns(made),
          untransformed: () => inTurns(before),
          ...(partitions && { partitions }),
          dispose: () => {
            open -= 1
            return Promise.resolve()
          },
        }
      },
    },
  }
}

async function* inTurns(frames: readonly Frame[]): AsyncGenerator<Frame> {
  for (const frame of frames) {
    await Promise.resolve()
    yield frame
  }
}

function chunked<T>(all: readonly T[], sizes: readonly number[]): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start < all.length; start += chunks.at(-1)?.length ?? 0) {
    const size = sizes[chunks.length % sizes.length] ?? 1
    chunks.push(all.slice(start, start + size))
  }
  return chunks
}

/** A frame says of its records what must be said, and has no metadata when that is nothing. */
function frameOfParts(parts: readonly Part[], textOf: (part: Part) => string): Frame {
  const known = parts.map((part): RecordMetadata => ({
    arrivalMs: ARRIVAL_MS + 10 * part.source,
    sequenceNumber: '',
    partitionKey: '',
    ...(part.source === part.place ? {} : { origin: part.source }),
    ...(part.fate === 'failed' ? { verdict: failedBefore } : {}),
    ...(part.fate === 'dropped' ? { isDropped: true as const } : {}),
  }))
  const isPlain = known.every(
    ({ origin, verdict, isDropped }) => (origin ?? verdict ?? isDropped) === undefined,
  )
  const texts = parts.map((part) => Buffer.from(textOf(part)))
  if (isPlain) return frameOf(texts, ARRIVAL_MS)
  const section = new MetadataBuilder('', parts.length)
  for (const metadata of known) section.add(metadata)
  const builder = new FrameBuilder(texts.length, Buffer.concat(texts).length, section.finish())
  for (const text of texts) builder.addBytes(text)
  return builder.finish(ARRIVAL_MS)
}

function partitionsOf(parts: readonly Part[]): Partitions {
  const objects: PartitionObject[] = []
  const indexOf = new Map<number, number>()
  const objectOf = Uint32Array.from(parts, ({ fate, partition, source }) => {
    if (fate === 'failed' || fate === 'dropped') return NOT_PARTITIONED
    if (fate === 'unkeyed') return PARTITION_VERDICT
    const known = indexOf.get(partition)
    if (known !== undefined) return known
    indexOf.set(partition, objects.length)
    objects.push({
      queryKeys: { b: `b${partition % 2}`, a: `a${partition}` },
      lambdaKeys: {},
      part: 0,
      oldestArrivalMs: ARRIVAL_MS + 10 * source,
    })
    return objects.length - 1
  })
  return { objects, objectOf, verdicts: [unkeyed] }
}

/**
 * Stands for any encoder: rows are the records' text, those that say so are refused, an object without rows is left out. Like
 * a real one it looks at the first frame before it reads the batch.
 */
export const partEncoder: Encoder = {
  async encode({ frames, objectOf }: EncodeInput): Promise<Encoded> {
    for await (const frame of frames()) if (frame.records > 0) break
    const rows = new Map<number, string[]>()
    const failed: FailedRecord[] = []
    let ordinal = 0
    for await (const frame of frames()) {
      for (const rawData of frame.recordViews()) {
        const object = objectOf === undefined ? 0 : (objectOf[ordinal] ?? Number.NaN)
        const text = rawData.toString()
        if (text.startsWith('refused'))
          failed.push({ ordinal, arrivalMs: frame.arrivalMs, code: 'Bad', message: `no: ${text}`, rawData })
        else rows.set(object, [...(rows.get(object) ?? []), text])
        ordinal += 1
      }
    }
    if (objectOf !== undefined && objectOf.length !== ordinal)
      throw new Error(`encode: ${objectOf.length} objects for ${ordinal} records`)
    const objects = [...rows].toSorted(([a], [b]) => a - b)
    return {
      objects: objects.map(([part, lines]) => ({
        part,
        rows: lines.length,
        body: { bytes: Buffer.from(lines.join('\n')) },
        extension: '.txt',
      })),
      rows: objects.reduce((sum, [, lines]) => sum + lines.length, 0),
      errors: failed.length === 0 ? {} : { Bad: failed.length },
      dropped: 0,
      async *failures() {
        await Promise.resolve()
        yield* failed
      },
      dispose: () => Promise.resolve(),
    }
  },
}

/** Records of frames as a test compares them: their bytes, and what is said of each with its origin told. */
import type { Frame } from '../../src/domain/frame.ts'
import type { RecordMetadata } from '../../src/domain/record-metadata.ts'

export interface RecordIn extends Partial<RecordMetadata> {
  /** As latin1, so that every byte is a character. */
  readonly data: string
  readonly origin: number
  readonly shardId?: string
}

export async function framesOf(frames: AsyncIterable<Frame>): Promise<Frame[]> {
  const all: Frame[] = []
  for await (const frame of frames) all.push(frame)
  return all
}

/** Metadata only of frames that have them; the origin always. */
export async function recordsIn(frames: AsyncIterable<Frame>): Promise<RecordIn[]> {
  const records: RecordIn[] = []
  for await (const frame of frames) {
    const shardId = frame.metadata?.shardId
    const entries = frame.metadata?.[Symbol.iterator]()
    for (const view of frame.recordViews()) {
      const known = entries?.next().value as RecordMetadata | undefined
      records.push({
        ...known,
        ...(shardId === undefined ? {} : { shardId }),
        data: view.toString('latin1'),
        origin: known?.origin ?? records.length,
      })
    }
  }
  return records
}

/** Only bytes and origins. */
export async function shortlyIn(frames: AsyncIterable<Frame>): Promise<(readonly [string, number])[]> {
  return (await recordsIn(frames)).map(({ data, origin }) => [data, origin] as const)
}

export async function* each(frames: readonly Frame[]): AsyncGenerator<Frame> {
  for (const frame of frames) yield await Promise.resolve(frame)
}

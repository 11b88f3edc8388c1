/** A batch for tests of the transform: frames of records, and what became of them read back. */
import type { SealedBatch } from '../../src/domain/batch.ts'
import type { DeliveryStream, Transform } from '../../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import { MetadataBuilder } from '../../src/domain/metadata-builder.ts'
import type { RecordMetadata } from '../../src/domain/record-metadata.ts'
import type { Plan } from '../../src/domain/plan.ts'

export const ARRIVAL_MS = Date.UTC(2026, 10, 2, 9, 15, 0)

export const batch: SealedBatch = {
  stream: { name: 'orders', incarnation: '00112233aabbccdd' },
  batchId: '7-0011223344556677',
  state: 'planned',
  trigger: 'size',
  records: 1,
  bytes: 1,
  storedBytes: 1,
  frames: 1,
  firstAppend: 1,
  lastAppend: 1,
  oldestArrivalMs: ARRIVAL_MS,
  openedAtMs: 0,
  sealedAtMs: 1,
  attempts: 1,
  deaths: 0,
}

/** The transform reads nothing of it. */
export const plan: Plan = {
  version: 1,
  destination: { bucket: 'lake', prefix: '', errorOutputPrefix: '', compression: 'UNCOMPRESSED' },
  engine: 'raw',
  engineVersion: '1',
}

export const deliveryStream: DeliveryStream = {
  ...batch.stream,
  arn: 'arn:aws:firehose:eu-west-3:123456789012:deliverystream/orders',
  type: 'DirectPut',
  status: 'ACTIVE',
  version: 1,
  revision: 1,
  createdAtMs: 0,
  hints: { bytes: 1, intervalMs: 1 },
  destination: plan.destination,
  description: {},
  declarations: [],
}

export const FUNCTION_ARN = 'arn:aws:lambda:eu-west-3:123456789012:function:clean:live'

export function transformBy(change: Partial<Transform> = {}): Transform {
  return {
    target: { kind: 'lambda', functionArn: FUNCTION_ARN },
    retries: 3,
    bufferBytes: 1024 * 1024,
    bufferIntervalMs: 60_000,
    ...change,
  }
}

/** Records as the API brings them: nothing is known of each. */
export function apiFrame(records: readonly (string | Buffer)[], arrivalMs = ARRIVAL_MS): Frame {
  const buffers = records.map((record) => Buffer.from(record))
  const builder = new FrameBuilder(buffers.length, sumOf(buffers))
  for (const record of buffers) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

export interface Described {
  readonly record: string | Buffer
  readonly metadata?: Partial<RecordMetadata>
}

export function describedFrame(records: readonly Described[], shardId = ''): Frame {
  const section = new MetadataBuilder(shardId)
  for (const { metadata } of records)
    section.add({ arrivalMs: ARRIVAL_MS, sequenceNumber: '', partitionKey: '', ...metadata })
  const buffers = records.map(({ record }) => Buffer.from(record))
  const builder = new FrameBuilder(buffers.length, sumOf(buffers), section.finish())
  for (const record of buffers) builder.addBytes(record)
  return builder.finish(ARRIVAL_MS)
}

export async function* streamed(frames: readonly Frame[]): AsyncGenerator<Frame> {
  for (const frame of frames) yield await Promise.resolve(frame)
}

export interface Derived {
  readonly text: string
  readonly metadata: RecordMetadata
  readonly shardId: string
}

/** Every record of the frames, in order. */
export async function recordsOf(frames: AsyncIterable<Frame>): Promise<Derived[]> {
  const records: Derived[] = []
  for await (const frame of frames) {
    const metadata = [...(frame.metadata ?? [])]
    const shardId = frame.metadata?.shardId ?? ''
    let index = 0
    for (const record of frame.recordViews()) {
      const known = metadata[index]
      if (known === undefined) throw new Error('a derived record has no metadata')
      records.push({ text: record.toString(), metadata: known, shardId })
      index += 1
    }
  }
  return records
}

function sumOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0)
}

/** Frames as a reader of shards makes them: each record with its place in the data stream, and perhaps a verdict. */
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import { MetadataBuilder } from '../../src/domain/metadata-builder.ts'
import type { RecordMetadata } from '../../src/domain/record-metadata.ts'

export interface KinesisRecord extends RecordMetadata {
  readonly data: string | Uint8Array
}

export function kinesisFrame(
  records: readonly KinesisRecord[],
  shardId = 'shardId-000000000003',
  arrivalMs = Math.min(...records.map((record) => record.arrivalMs)),
): Frame {
  const metadata = new MetadataBuilder(shardId)
  for (const record of records) metadata.add(record)
  const bytes = records.map(({ data }) => Buffer.from(data))
  const builder = new FrameBuilder(bytes.length, Buffer.concat(bytes).length, metadata.finish())
  for (const record of bytes) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

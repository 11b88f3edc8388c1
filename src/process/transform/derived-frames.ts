/** Frames of what became of records, of bounded size, each of one shard, in order. */
import { FrameBuilder, type Frame } from '../../domain/frame.ts'
import { MIB } from '../../domain/limits.ts'
import { MetadataBuilder } from '../../domain/metadata-builder.ts'
import type { RecordMetadata } from '../../domain/record-metadata.ts'

/** A frame is closed before its records have more bytes than this; one larger record has a frame of its own. */
export const DERIVED_FRAME_BYTES = MIB
const DERIVED_FRAME_RECORDS = 10_000

export interface DerivedRecord {
  /** Text: checked base64 of so many bytes. */
  readonly content: Buffer | { readonly base64: string; readonly bytes: number }
  readonly metadata: RecordMetadata
  readonly shardId: string
}

export class DerivedFrames {
  #records: DerivedRecord[] = []
  #bytes = 0

  /** A frame that is complete without the record, if there is one. */
  add(record: DerivedRecord): Frame | undefined {
    const bytes = lengthOf(record)
    const isClosed =
      this.#records.length >= DERIVED_FRAME_RECORDS ||
      this.#bytes + bytes > DERIVED_FRAME_BYTES ||
      record.shardId !== this.#records.at(0)?.shardId
    const frame = isClosed ? this.finish() : undefined
    this.#records.push(record)
    this.#bytes += bytes
    return frame
  }

  /** Of what was added since, if anything was. */
  finish(): Frame | undefined {
    const records = this.#records
    const [first] = records
    if (first === undefined) return undefined
    const section = new MetadataBuilder(first.shardId, records.length)
    let oldestMs = first.metadata.arrivalMs
    for (const { metadata } of records) {
      section.add(metadata)
      oldestMs = Math.min(oldestMs, metadata.arrivalMs)
    }
    const builder = new FrameBuilder(records.length, this.#bytes, section.finish())
    for (const { content } of records) {
      if (Buffer.isBuffer(content)) builder.addBytes(content)
      else builder.addBase64(content.base64)
    }
    this.#records = []
    this.#bytes = 0
    return builder.finish(oldestMs)
  }
}

function lengthOf({ content }: DerivedRecord): number {
  return Buffer.isBuffer(content) ? content.length : content.bytes
}

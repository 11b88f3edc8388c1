/**
 * Packs records that processors made into frames of bounded size. Records of a frame without metadata make frames without
 * metadata, as long as there is nothing to say of them.
 */
import { FrameBuilder, type Frame } from '../domain/frame.ts'
import { MIB } from '../domain/limits.ts'
import { MetadataBuilder } from '../domain/metadata-builder.ts'
import type { RecordMetadata } from '../domain/record-metadata.ts'

/** As much as the largest PutRecordBatch, so that what follows meets no frame larger than those it gets from there. */
const FRAME_BYTES = 4 * MIB
const FRAME_RECORDS = 16_384

export class FramePacker {
  readonly #shardId: string
  readonly #arrivalMs: number
  #records: Uint8Array[] = []
  #bytes = 0
  #section: MetadataBuilder | undefined
  #oldestArrivalMs = Number.POSITIVE_INFINITY

  /** @param source the frame whose records are packed again: they share its shard, and its arrival where they have none of their own */
  constructor(source: Frame) {
    this.#shardId = source.metadata?.shardId ?? ''
    this.#arrivalMs = source.arrivalMs
  }

  /** True when a record of so many bytes belongs into another frame: take what `finish` gives first. */
  isFullFor(bytes: number): boolean {
    const records = this.#records.length
    return records >= FRAME_RECORDS || (records > 0 && this.#bytes + bytes > FRAME_BYTES)
  }

  /** @param bytes kept as they are until `finish` @param metadata absent: it came by the API, and there is nothing to say of it */
  add(bytes: Uint8Array, metadata?: RecordMetadata): void {
    if (metadata !== undefined && this.#section === undefined) this.#beginSection()
    this.#section?.add(metadata ?? this.plain)
    this.#oldestArrivalMs = Math.min(this.#oldestArrivalMs, metadata?.arrivalMs ?? this.#arrivalMs)
    this.#records.push(bytes)
    this.#bytes += bytes.length
  }

  /** The frame of what was added since the last one. */
  finish(): Frame {
    const records = this.#records
    const builder = new FrameBuilder(records.length, this.#bytes, this.#section?.finish())
    for (const record of records) builder.addBytes(record)
    const frame = builder.finish(this.#oldestArrivalMs)
    this.#records = []
    this.#bytes = 0
    this.#section = undefined
    this.#oldestArrivalMs = Number.POSITIVE_INFINITY
    return frame
  }

  /** Of a record of which nothing is known but its frame's arrival. */
  get plain(): RecordMetadata {
    return { arrivalMs: this.#arrivalMs, sequenceNumber: '', partitionKey: '' }
  }

  #beginSection(): void {
    this.#section = new MetadataBuilder(this.#shardId, this.#records.length + 16)
    for (let index = 0; index < this.#records.length; index += 1) this.#section.add(this.plain)
  }
}

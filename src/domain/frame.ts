/**
 * A frame: the records of one append, in one Buffer, as they travel from receive to convert.
 *
 * Layout (little endian):
 *
 *     0  u32  magic "HYF1"
 *     4  u8   format version: 1, or 2 with a metadata section, so that an older Hydrant leaves such a frame alone
 *     5  u8   flags
 *     6  u8   codec of the body (0 none; a store adapter may compress, see store/frame-codec)
 *     7  u8   reserved, 0
 *     8  u32  records
 *    12  u32  CRC-32 of all other bytes as stored (0 until a store adapter packs the frame)
 *    16  f64  arrival of the oldest record, epoch ms
 *    24  u32  record bytes: sum of the lengths, without our newlines
 *    28  u32  body bytes after decompression
 *    32  u32  metadata bytes (see metadata-section; 0 when absent)
 *    36  u32  reserved, 0
 *    40  body: u32 length of each record, metadata, payload (each record followed by a newline that is ours)
 *
 * Our newline counts towards no limit and is in no raw output: it lets conversion read a clean payload as lines without
 * copying it. A payload that cannot be read so carries `FrameFlag.odd` and takes the exact path.
 */
import { isUtf8 } from 'node:buffer'
import { FrameError } from './errors.ts'
import { FrameMetadata, holdsDecisions } from './metadata-section.ts'

export const FRAME_HEADER_BYTES = 40
const FORMAT_VERSION = 1
const FORMAT_VERSION_WITH_METADATA = 2
const MAGIC = 0x31465948 // "HYF1"
const NEWLINE = 0x0a

export const FrameFlag = {
  /** A record holds a newline, CR, NUL, U+0001, a byte order mark, or bytes that are not UTF-8, or is empty. */
  odd: 1,
  /** A record has a verdict in the metadata section, or was dropped. */
  decided: 2,
} as const

export const FrameCodec = { none: 0, snappy: 1 } as const

export interface FrameHeader {
  readonly formatVersion: number
  readonly flags: number
  readonly codec: number
  readonly records: number
  readonly crc32: number
  readonly arrivalMs: number
  readonly recordBytes: number
  readonly bodyBytes: number
  readonly metadataBytes: number
}

/** Collects the records of one call into a single allocation. */
export class FrameBuilder {
  readonly #buffer: Buffer
  readonly #count: number
  readonly #metadata: Buffer | undefined
  readonly #payloadStart: number
  #index = 0
  #end: number

  /**
   * @param payloadBytesMax upper bound of the sum of the record lengths
   * @param metadata section with an entry for each record, see record-metadata
   */
  constructor(count: number, payloadBytesMax: number, metadata?: Buffer) {
    this.#count = count
    this.#metadata = metadata
    this.#payloadStart = FRAME_HEADER_BYTES + 4 * count + (metadata?.length ?? 0)
    this.#buffer = Buffer.allocUnsafe(this.#payloadStart + payloadBytesMax + count)
    this.#end = this.#payloadStart
  }

  /** Decodes straight into the frame; returns the bytes written, which the caller compares with what the text promises. */
  addBase64(text: string): number {
    const written = this.#buffer.write(text, this.#end, 'base64')
    this.#close(written)
    return written
  }

  addBytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#end)
    this.#close(bytes.byteLength)
  }

  #close(length: number): void {
    this.#buffer.writeUInt32LE(length, FRAME_HEADER_BYTES + 4 * this.#index)
    this.#end += length
    this.#buffer[this.#end] = NEWLINE
    this.#end += 1
    this.#index += 1
  }

  /** @param arrivalMs wall clock, epoch milliseconds */
  finish(arrivalMs: number): Frame {
    if (this.#index !== this.#count)
      throw new Error(`build frame: ${this.#index} of ${this.#count} records were added`)
    const buffer = this.#buffer.subarray(0, this.#end)
    const payload = buffer.subarray(this.#payloadStart)
    const recordBytes = payload.length - this.#count
    const metadata = this.#metadata
    metadata?.copy(buffer, FRAME_HEADER_BYTES + 4 * this.#count)
    const decided = metadata !== undefined && holdsDecisions(metadata) ? FrameFlag.decided : 0
    writeFrameHeader(buffer, {
      flags: (isOdd(buffer, payload, this.#count) ? FrameFlag.odd : 0) | decided,
      records: this.#count,
      arrivalMs,
      recordBytes,
      metadataBytes: metadata?.length ?? 0,
    })
    return new Frame(buffer)
  }
}

/** The header of a frame, not compressed, whose body is or will be in its place: all of the buffer after the header. */
export function writeFrameHeader(
  buffer: Buffer,
  header: Pick<FrameHeader, 'flags' | 'records' | 'arrivalMs' | 'recordBytes' | 'metadataBytes'>,
): void {
  buffer.writeUInt32LE(MAGIC, 0)
  buffer[4] = header.metadataBytes === 0 ? FORMAT_VERSION : FORMAT_VERSION_WITH_METADATA
  buffer[5] = header.flags
  buffer[6] = FrameCodec.none
  buffer[7] = 0
  buffer.writeUInt32LE(header.records, 8)
  buffer.writeUInt32LE(0, 12)
  buffer.writeDoubleLE(header.arrivalMs, 16)
  buffer.writeUInt32LE(header.recordBytes, 24)
  buffer.writeUInt32LE(buffer.length - FRAME_HEADER_BYTES, 28)
  buffer.writeUInt32LE(header.metadataBytes, 32)
  buffer.writeUInt32LE(0, 36)
}

/** True when the payload cannot be read as one clean line a record. */
function isOdd(buffer: Buffer, payload: Buffer, count: number): boolean {
  let start = 0
  for (let index = 0; index < count; index += 1) {
    const length = buffer.readUInt32LE(FRAME_HEADER_BYTES + 4 * index)
    if (length === 0 || payload.indexOf(NEWLINE, start) !== start + length) return true
    start += length + 1
  }
  return (
    payload.includes(0x0d) ||
    payload.includes(0x00) ||
    payload.includes(0x01) ||
    payload.includes('\ufeff') ||
    !isUtf8(payload)
  )
}

/** A readable frame, its body not compressed. */
export class Frame {
  readonly buffer: Buffer
  readonly header: FrameHeader

  constructor(buffer: Buffer) {
    this.buffer = buffer
    this.header = readFrameHeader(buffer)
  }

  get records(): number {
    return this.header.records
  }

  get recordBytes(): number {
    return this.header.recordBytes
  }

  get arrivalMs(): number {
    return this.header.arrivalMs
  }

  get isOdd(): boolean {
    return (this.header.flags & FrameFlag.odd) !== 0
  }

  /** True when a record has a verdict, and goes to the error prefix as it is, or was dropped. */
  get isDecided(): boolean {
    return (this.header.flags & FrameFlag.decided) !== 0
  }

  /** Where the records came from, or undefined when nothing is known. Throws FrameError when it is too new. */
  get metadata(): FrameMetadata | undefined {
    const { metadataBytes, records } = this.header
    if (metadataBytes === 0) return undefined
    const start = FRAME_HEADER_BYTES + 4 * records
    return new FrameMetadata(this.buffer.subarray(start, start + metadataBytes), records)
  }

  /** Each record followed by our newline. */
  get payload(): Buffer {
    return this.buffer.subarray(FRAME_HEADER_BYTES + 4 * this.header.records + this.header.metadataBytes)
  }

  /** The lengths of the records, u32 little endian each. */
  get lengths(): Buffer {
    return this.buffer.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + 4 * this.header.records)
  }

  /** Length in bytes of record `index`. */
  length(index: number): number {
    return this.buffer.readUInt32LE(FRAME_HEADER_BYTES + 4 * index)
  }

  /** The records' bytes in order, as views into the frame. */
  *recordViews(): Generator<Buffer> {
    const payload = this.payload
    let start = 0
    for (let index = 0; index < this.header.records; index += 1) {
      const length = this.length(index)
      yield payload.subarray(start, start + length)
      start += length + 1
    }
  }
}

export function readFrameHeader(buffer: Buffer): FrameHeader {
  if (buffer.length < FRAME_HEADER_BYTES || buffer.readUInt32LE(0) !== MAGIC) {
    throw new FrameError('read frame: these bytes are not a frame')
  }
  const formatVersion = buffer.readUInt8(4)
  if (formatVersion !== FORMAT_VERSION && formatVersion !== FORMAT_VERSION_WITH_METADATA) {
    throw new FrameError(
      `read frame: format version ${formatVersion} is newer than ${FORMAT_VERSION_WITH_METADATA}; a newer Hydrant must deliver it`,
      true,
    )
  }
  return {
    formatVersion,
    flags: buffer.readUInt8(5),
    codec: buffer.readUInt8(6),
    records: buffer.readUInt32LE(8),
    crc32: buffer.readUInt32LE(12),
    arrivalMs: buffer.readDoubleLE(16),
    recordBytes: buffer.readUInt32LE(24),
    bodyBytes: buffer.readUInt32LE(28),
    metadataBytes: buffer.readUInt32LE(32),
  }
}

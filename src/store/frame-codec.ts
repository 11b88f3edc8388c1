/**
 * Frames as a store keeps them: the body compressed where that pays, and a CRC-32 over what is kept, so that a torn or
 * mixed-up value is caught when it is read.
 */
import { crc32 } from 'node:zlib'
import { compressSync, uncompressSync } from 'snappy'
import { FRAME_HEADER_BYTES, Frame, FrameCodec, FrameError, readFrameHeader } from '../domain/frame.ts'

/** Below this, compression costs more than the bytes it saves. */
const COMPRESS_FROM_BYTES = 1024

export function packFrame(frame: Frame): Buffer {
  const body = frame.buffer.subarray(FRAME_HEADER_BYTES)
  if (body.length >= COMPRESS_FROM_BYTES) {
    const compressed = compressSync(body)
    if (compressed.length < body.length * 0.9) {
      const header = Buffer.from(frame.buffer.subarray(0, FRAME_HEADER_BYTES))
      return seal(Buffer.concat([header, compressed]), FrameCodec.snappy)
    }
  }
  return seal(frame.buffer, FrameCodec.none)
}

function seal(stored: Buffer, codec: number): Buffer {
  stored[6] = codec
  stored.writeUInt32LE(crc32(stored.subarray(FRAME_HEADER_BYTES)), 12)
  return stored
}

/** Throws FrameError when the bytes are damaged, or written by a newer version (`newer`). */
export function unpackFrame(stored: Buffer): Frame {
  const header = readFrameHeader(stored)
  const body = stored.subarray(FRAME_HEADER_BYTES)
  const actual = crc32(body)
  if (actual !== header.crc32) {
    throw new FrameError(`read frame: checksum is ${actual}, the header says ${header.crc32}; the stored bytes are damaged`)
  }
  if (header.codec === FrameCodec.none) return new Frame(stored)
  if (header.codec !== FrameCodec.snappy) {
    throw new FrameError(`read frame: unknown codec ${header.codec}; a newer Hydrant must deliver it`, true)
  }
  const uncompressed = uncompressSync(body, { asBuffer: true })
  const buffer = Buffer.concat([stored.subarray(0, FRAME_HEADER_BYTES), uncompressed as Buffer])
  return new Frame(buffer)
}

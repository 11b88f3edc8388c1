/** Packed frames: smaller where that pays, the same when unpacked, and damage is found. */
import { FrameError } from '../../src/domain/errors.ts'
import { crc32 } from 'node:zlib'
import { array, assert, integer, property, tuple, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES, FrameBuilder, FrameCodec, type Frame } from '../../src/domain/frame.ts'
import { packFrame, unpackFrame } from '../../src/store/frame-codec.ts'

function frameOf(records: readonly Uint8Array[], arrivalMs = 7): Frame {
  const builder = new FrameBuilder(records.length, Buffer.concat(records).length)
  for (const record of records) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

function compressible(count = 500): Frame {
  return frameOf(
    Array.from({ length: count }, (_, index) =>
      Buffer.from(`{"order_id":"order-${index}","amount":${index}.25}`),
    ),
  )
}

describe('pack and unpack', () => {
  test('any frame comes back equal', () => {
    const record = uint8Array({ maxLength: 200 })
    // Repeated, so that both codecs are visited.
    const records = tuple(array(record, { minLength: 1, maxLength: 10 }), integer({ min: 1, max: 40 }))
    assert(
      property(records, ([some, times]) => {
        const all = Array.from({ length: times }, () => some).flat()
        const frame = frameOf(all)
        const { flags } = frame.header
        const unpacked = unpackFrame(Buffer.from(packFrame(frame)))
        expect([...unpacked.recordViews()]).toEqual(all.map((bytes) => Buffer.from(bytes)))
        expect(unpacked.header).toMatchObject({ flags, records: all.length, arrivalMs: 7 })
      }),
    )
  })

  test('orders are kept in less than half of their bytes', () => {
    const frame = compressible()
    const packed = packFrame(frame)
    expect(packed[6]).toBe(FrameCodec.snappy)
    expect(packed.length).toBeLessThan(frame.buffer.length / 2)
    expect(unpackFrame(packed).payload.equals(frame.payload)).toBe(true)
  })

  test('a small frame, and one that does not shrink, are kept as they are', () => {
    const small = frameOf([Buffer.from('a'.repeat(500))])
    expect(packFrame(small)[6]).toBe(FrameCodec.none)
    let state = 1
    const noise = Buffer.from(
      Array.from({ length: 5000 }, () => (state = (state * 48_271) % 2_147_483_647) & 0xff),
    )
    const packed = packFrame(frameOf([noise]))
    expect(packed[6]).toBe(FrameCodec.none)
    expect([...unpackFrame(packed).recordViews()]).toEqual([noise])
  })

  test('a frame may be packed twice', () => {
    for (const frame of [compressible(), frameOf([Buffer.from('a')])]) {
      const first = Buffer.from(packFrame(frame))
      expect(packFrame(frame).equals(first)).toBe(true)
    }
  })
})

describe('damage', () => {
  test.each([
    ['compressed', () => compressible(100)],
    ['plain', () => frameOf([Buffer.from('{"a":1}'), Buffer.from('{"b":2}')])],
  ])('any flipped bit in the body of a %s frame is found', (_, make) => {
    const packed = packFrame(make())
    assert(
      property(integer({ min: 8 * FRAME_HEADER_BYTES, max: 8 * packed.length - 1 }), (bit) => {
        const damaged = Buffer.from(packed)
        damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        expect(() => unpackFrame(damaged)).toThrow(FrameError)
      }),
    )
  })

  test.each([
    ['compressed', () => compressible(100)],
    ['plain', () => frameOf([Buffer.from('{"a":1}'), Buffer.from('{"b":2}')])],
  ])('a %s frame cut anywhere is found', (_, make) => {
    const packed = packFrame(make())
    for (let length = 0; length < packed.length; length += 1) {
      expect(() => unpackFrame(Buffer.from(packed.subarray(0, length)))).toThrow(FrameError)
    }
  })

  test.each([
    ['compressed', () => compressible(100)],
    ['plain', () => frameOf([Buffer.from('{"a":1}'), Buffer.from('{"b":2}')])],
  ])('a damaged count or length in the header of a %s frame is found', (_, make) => {
    const packed = packFrame(make())
    for (const field of [8, 24, 28, 32]) {
      const damaged = Buffer.from(packed)
      damaged.writeUInt32LE(damaged.readUInt32LE(field) + 1, field)
      expect(() => unpackFrame(damaged), `field at ${field}`).toThrow(FrameError)
    }
  })

  test('an unknown codec and a later version are left to a newer Hydrant', () => {
    const unknownCodec = packFrame(frameOf([Buffer.from('a')]))
    unknownCodec[6] = 9
    unknownCodec.writeUInt32LE(crc32(unknownCodec.subarray(16), crc32(unknownCodec.subarray(0, 12))), 12)
    const laterVersion = packFrame(frameOf([Buffer.from('a')]))
    laterVersion[4] = 3
    for (const packed of [unknownCodec, laterVersion]) {
      expect(() => unpackFrame(packed)).toThrow(
        expect.objectContaining({ name: 'FrameError', newer: true }) as Error,
      )
    }
  })
})

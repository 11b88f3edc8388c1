/** A frame holds the exact bytes of its records, and says whether they can be read as lines. */
import { FrameError } from '../../src/domain/errors.ts'
import { array, assert, oneof, property, string, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES, Frame, FrameBuilder, readFrameHeader } from '../../src/domain/frame.ts'

function frameOf(records: readonly (string | Uint8Array)[], arrivalMs = 1_790_000_000_123): Frame {
  const bytes = records.map((record) => Buffer.from(record))
  const builder = new FrameBuilder(bytes.length, Buffer.concat(bytes).length)
  for (const record of bytes) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

const anyRecord = oneof(uint8Array({ maxLength: 300 }), string({ unit: 'binary', maxLength: 100 }))

describe('round trip', () => {
  test('any records come back byte by byte, from bytes', () => {
    assert(
      property(array(anyRecord, { maxLength: 30 }), (records) => {
        const frame = new Frame(frameOf(records).buffer)
        const expected = records.map((record) => Buffer.from(record))
        expect([...frame.recordViews()]).toEqual(expected)
        expect(frame.records).toBe(records.length)
        expect(frame.recordBytes).toBe(Buffer.concat(expected).length)
        expect(expected.map((_, index) => frame.length(index))).toEqual(
          expected.map((record) => record.length),
        )
      }),
    )
  })

  test('any records come back byte by byte, from base64', () => {
    assert(
      property(array(uint8Array({ maxLength: 300 }), { maxLength: 20 }), (records) => {
        const builder = new FrameBuilder(records.length, 300 * records.length)
        for (const record of records) {
          expect(builder.addBase64(Buffer.from(record).toString('base64'))).toBe(record.length)
        }
        expect([...builder.finish(0).recordViews()]).toEqual(records.map((record) => Buffer.from(record)))
      }),
    )
  })

  test('each record of the payload is followed by a newline that counts towards nothing', () => {
    const frame = frameOf(['{"a":1}', '{"b":2}'])
    expect(frame.payload.toString()).toBe('{"a":1}\n{"b":2}\n')
    expect(frame.recordBytes).toBe(14)
  })

  test('the arrival keeps its milliseconds', () => {
    expect(new Frame(frameOf(['a'], 1_790_000_000_123).buffer).arrivalMs).toBe(1_790_000_000_123)
  })

  test('a builder that got fewer records than promised refuses to finish', () => {
    const builder = new FrameBuilder(2, 10)
    builder.addBytes(Buffer.from('a'))
    expect(() => builder.finish(0)).toThrow('1 of 2')
  })
})

describe('odd', () => {
  const clean = '{"order_id":"o-1","amount":1.5}'

  test.each([
    ['a newline', 'a\nb'],
    ['a newline at its end', 'a\n'],
    ['a carriage return', 'a\rb'],
    ['a carriage return at its end', 'a\r'],
    ['NUL', 'a\0b'],
    ['U+0001', 'a\u0001b'],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['a byte order mark inside', '{"a":"\ufeff"}'],
    ['nothing', ''],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0xff, 0x62])],
    ['half a character', Buffer.from([0xe2, 0x9c])],
    ['a surrogate in UTF-8', Buffer.from([0xed, 0xa0, 0x80])],
    ['an overlong NUL', Buffer.from([0xc0, 0x80])],
  ])('a record with %s makes its frame odd, wherever it is', (_, record) => {
    expect(frameOf([record]).isOdd).toBe(true)
    expect(frameOf([record, clean]).isOdd).toBe(true)
    expect(frameOf([clean, record]).isOdd).toBe(true)
    expect(frameOf([clean, record, clean]).isOdd).toBe(true)
  })

  test('two records that are halves of one character are odd', () => {
    const [first, second] = [Buffer.from('✓').subarray(0, 2), Buffer.from('✓').subarray(2)]
    expect(frameOf([first, second]).isOdd).toBe(true)
  })

  test.each([
    ['JSON', clean],
    ['Unicode', '{"name":"Zoë ✓ 日本語 👩‍🚀 \u2028\u2029\u0085"}'],
    ['tabs and other controls', 'a\tb\u0002\u001f\u007f'],
    ['one byte', 'a'],
    ['1,000 KiB', 'x'.repeat(1_024_000)],
  ])('%s is not odd', (_, record) => {
    expect(frameOf([record]).isOdd).toBe(false)
    expect(frameOf([clean, record, clean]).isOdd).toBe(false)
  })

  test('a frame is odd exactly when its payload does not split into its records as clean lines', () => {
    assert(
      property(array(anyRecord, { minLength: 1, maxLength: 8 }), (records) => {
        const frame = frameOf(records)
        const lines = frame.payload.toString('utf8').split('\n').slice(0, -1)
        const bytes = records.map((record) => Buffer.from(record))
        const isClean =
          lines.length === records.length &&
          lines.every(
            (line, index) => line !== '' && Buffer.from(line).equals(bytes[index] ?? Buffer.alloc(0)),
          ) &&
          !['\r', '\0', '\u0001', '\ufeff'].some((character) => frame.payload.includes(character))
        expect(frame.isOdd).toBe(!isClean)
      }),
    )
  })
})

describe('header', () => {
  test('the layout is the one that is written down', () => {
    const { buffer } = frameOf(['ab', 'c'], 5)
    expect(buffer.subarray(0, 4).toString('latin1')).toBe('HYF1')
    expect(buffer[4]).toBe(1)
    expect(buffer.readUInt32LE(8)).toBe(2)
    expect(buffer.readDoubleLE(16)).toBe(5)
    expect(buffer.readUInt32LE(24)).toBe(3)
    expect(buffer.readUInt32LE(28)).toBe(buffer.length - FRAME_HEADER_BYTES)
    expect(buffer.length).toBe(FRAME_HEADER_BYTES + 2 * 4 + 'ab\nc\n'.length)
  })

  test('bytes that are not a frame are refused, not as newer', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(39),
      Buffer.alloc(100),
      Buffer.from('x'.repeat(100)),
    ]) {
      const error = thrownBy(() => readFrameHeader(bytes))
      expect(error).toBeInstanceOf(FrameError)
      expect(error).toMatchObject({ newer: false })
    }
  })

  test('a later format version is refused as newer', () => {
    const { buffer } = frameOf(['a'])
    buffer[4] = 3
    expect(thrownBy(() => new Frame(buffer))).toMatchObject({ name: 'FrameError', newer: true })
  })
})

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

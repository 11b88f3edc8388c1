/** RecordDeAggregation: sub-records to the byte, in order, with the origin of each; what cannot be split goes on whole. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Metrics } from '../../src/account/metrics.ts'
import type { Deaggregation } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { RecordVerdict } from '../../src/domain/record-metadata.ts'
import {
  deaggregate,
  jsonObjects,
  piecesBetween,
  SUB_RECORDS_MAX,
  type Parts,
} from '../../src/process/deaggregate.ts'
import { NESTING_MAX } from '../../src/process/json-scan.ts'
import { Tally } from '../../src/process/tally.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { kinesisFrame } from '../support/kinesis-frames.ts'
import { each, framesOf, recordsIn, shortlyIn } from '../support/records-in.ts'

const never = new AbortController().signal
const JSON_OBJECTS: Deaggregation = { kind: 'json' }
const delimitedBy = (text: string): Deaggregation => ({
  kind: 'delimited',
  delimiter: Buffer.from(text).toString('base64'),
})

function split(frames: readonly Frame[], how = JSON_OBJECTS, tally = new Tally()): AsyncIterable<Frame> {
  return deaggregate(each(frames), how, { tally, signal: never })
}

function texts(parts: readonly Buffer[] | string): readonly string[] | string {
  return typeof parts === 'string' ? parts : parts.map((part) => part.toString('latin1'))
}

function objectsOf(record: Buffer): Parts {
  const reading = jsonObjects(record)
  for (;;) {
    const step = reading.next()
    if (step.done === true) return step.value
  }
}
const objectsIn = (text: string): readonly string[] | string => texts(objectsOf(Buffer.from(text)))

describe('JSON', () => {
  test.each([
    ['one after the other', '{"a":1}{"a":2}', ['{"a":1}', '{"a":2}']],
    ['on lines', '{"a":1}\n{"a":2}\r\n\t {"a":3}\n', ['{"a":1}', '{"a":2}', '{"a":3}']],
    ['white space inside stays', ' { "a" : 1 }\n{\n}', ['{ "a" : 1 }', '{\n}']],
    ['brackets in strings', '{"a":"}{"}{"[":"]]"}', ['{"a":"}{"}', '{"[":"]]"}']],
    [
      'quotes escaped',
      String.raw`{"a":"\"}"}{"b":"\\"}{"\\\"":1}`,
      [String.raw`{"a":"\"}"}`, String.raw`{"b":"\\"}`, String.raw`{"\\\"":1}`],
    ],
    [
      'escapes of half a surrogate pair',
      String.raw`{"a":"\ud800"}{"a":"\udc00"}`,
      [String.raw`{"a":"\ud800"}`, String.raw`{"a":"\udc00"}`],
    ],
    ['nested', '{"a":[{"b":{}},[]]}{"c":{}}', ['{"a":[{"b":{}},[]]}', '{"c":{}}']],
    ['names and numbers are not judged', '{a:01}{"b":tru}', ['{a:01}', '{"b":tru}']],
    ['control characters in strings', '{"a":"\n\0"}{"b":1}', ['{"a":"\n\0"}', '{"b":1}']],
    ['one alone', '{"a":1}', ['{"a":1}']],
  ])('%s', (_, record, objects) => {
    expect(objectsIn(record)).toEqual(objects)
  })

  test.each([
    ['a top-level array', '[{"a":1},{"a":2}]'],
    ['a scalar', '1'],
    ['a scalar behind an object', '{"a":1} 2'],
    ['commas between objects', '{"a":1},{"a":2}'],
    ['an object without an end', '{"a":1}{"a":2'],
    ['a string without an end', '{"a":1}{"a":"2}'],
    ['a string that ends in an escape', '{"a":"2\\'],
    ['brackets that do not pair', '{"a":[}]'],
    ['a bracket too many', '{"a":1}}'],
    ['a byte order mark', '\ufeff{"a":1}{"a":2}'],
    ['only white space', ' \n '],
    ['a vertical tab between objects', '{"a":1}\v{"a":2}'],
    ['text', 'hello'],
  ])('goes on whole: %s', async (_, record) => {
    expect(objectsIn(record)).toBe('malformed')
    expect(await shortlyIn(split([frameOf([record])]))).toEqual([[Buffer.from(record).toString('latin1'), 0]])
  })

  test('bytes that are not UTF-8 stay what they are', () => {
    const first = Buffer.from([0x7b, 0x22, 0xff, 0xc0, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d])
    const second = Buffer.from('{"b":1}')
    expect(objectsOf(Buffer.concat([first, second]))).toEqual([first, second])
  })

  test('nesting of 10,000 is split, what is nested beyond the limit goes on whole, both quickly', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(objectsIn(nested(10_000) + '{}')).toEqual([nested(10_000), '{}'])
    expect(objectsIn(nested(NESTING_MAX - 1) + '{}')).toHaveLength(2)
    expect(objectsIn(nested(NESTING_MAX) + '{}')).toBe('malformed')
    expect(objectsIn('['.repeat(1_024_000))).toBe('malformed')
    expect(objectsIn('{"":'.repeat(250_000))).toBe('malformed')
  })

  test('objects joined by any white space are split where they were joined', () => {
    const blank = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 })
    const object = fc
      .dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
      .chain((value) => fc.constantFrom(JSON.stringify(value), JSON.stringify(value, undefined, 1)))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(object, blank), { minLength: 1, maxLength: 20 }),
        blank,
        (parts, before) => {
          const record = before + parts.map(([text, after]) => text + after).join('')
          expect(objectsOf(Buffer.from(record))).toEqual(parts.map(([text]) => Buffer.from(text)))
        },
      ),
    )
  })

  test('whatever the bytes, what is split is all of the record but white space', () => {
    const byte = fc.constantFrom(...Buffer.from('{}[]":,\\ \n1a\u00e9'))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (bytes) => {
        const record = Buffer.from(bytes)
        const parts = objectsOf(record)
        if (typeof parts === 'string') return
        let at = 0
        for (const part of parts) {
          const found = record.indexOf(part, at)
          expect(record.toString('latin1', at, found).trim()).toBe('')
          at = found + part.length
        }
        expect(record.toString('latin1', at).trim()).toBe('')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('DELIMITED', () => {
  const pieces = (delimiter: string, record: string): readonly string[] | string =>
    texts(piecesBetween(Buffer.from(delimiter))(Buffer.from(record)))

  test.each([
    ['####', 'a####b####c', ['a', 'b', 'c']],
    ['####', 'a####b####', ['a', 'b']],
    ['####', 'a########b', ['a', '', 'b']],
    ['####', '####a', ['', 'a']],
    ['####', 'a############', ['a']],
    ['####', '####', []],
    ['####', 'a###b#', ['a###b#']],
    ['##', 'a###b', ['a', '#b']],
    ['##', 'x####', ['x']],
    ['\n', '{"a":\n1}', ['{"a":', '1}']],
    ['é', 'aébéc', ['a', 'b', 'c']],
  ])('by %j: %j', (delimiter, record, expected) => {
    expect(pieces(delimiter, record)).toEqual(expected.map((piece) => Buffer.from(piece).toString('latin1')))
  })

  test('a delimiter of bytes that are not UTF-8 is taken from base64 as it is', async () => {
    const how: Deaggregation = { kind: 'delimited', delimiter: Buffer.from([0xff, 0x00]).toString('base64') }
    const record = Buffer.from([0x61, 0xff, 0x00, 0xff, 0x62, 0xff, 0x00])
    expect(await shortlyIn(split([frameOf([record])], how))).toEqual([
      ['a', 0],
      ['\u00ffb', 0],
    ])
  })

  test('what is split and joined again is the record, but for delimiters at its end', () => {
    const unit = fc.constantFrom('a', '#', '\n', '\0')
    fc.assert(
      fc.property(
        fc.string({ unit, minLength: 1, maxLength: 3 }),
        fc.string({ unit, minLength: 1, maxLength: 60 }),
        (delimiter, record) => {
          const parts = pieces(delimiter, record)
          expect(parts).toBeInstanceOf(Array)
          const java = record.split(delimiter)
          while (java.at(-1) === '') java.pop()
          expect(parts).toEqual(java)
          expect(record.startsWith((parts as string[]).join(delimiter))).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('a record of a million delimiters takes no time to speak of', () => {
    expect(pieces('\n', '\n'.repeat(1_000_000))).toEqual([])
    expect(pieces('\n', 'a' + '\n'.repeat(1_000_000))).toEqual(['a'])
    expect(pieces('\n', 'a' + '\n'.repeat(1_000_000) + 'b')).toBe('too-many')
    expect(pieces('\n', '\n'.repeat(SUB_RECORDS_MAX - 1) + 'b')).toHaveLength(SUB_RECORDS_MAX)
    expect(pieces('\n', '\n'.repeat(SUB_RECORDS_MAX) + 'b')).toBe('too-many')
  })
})

describe('records', () => {
  test('500 sub-records are split, of 501 none', async () => {
    const objects = (count: number): string =>
      Array.from({ length: count }, (_, n) => `{"n":${n}}`).join('\n')
    const lines = (count: number): string => Array.from({ length: count }, (_, n) => String(n)).join('\n')
    const frames = [frameOf([objects(500), objects(501), '{"a":1}{"b":2}'])]
    const records = await shortlyIn(split(frames))
    expect(records).toHaveLength(500 + 1 + 2)
    expect(records[499]).toEqual(['{"n":499}', 0])
    expect(records.slice(500)).toEqual([
      [objects(501), 1],
      ['{"a":1}', 2],
      ['{"b":2}', 2],
    ])
    expect(await recordsIn(split([frameOf([`${lines(500)}\n`])], delimitedBy('\n')))).toHaveLength(500)
    expect(await shortlyIn(split([frameOf([lines(501)])], delimitedBy('\n')))).toEqual([[lines(501), 0]])
  })

  test('frames in which nothing is split are the same frames, as long as places are', async () => {
    const first = frameOf(['{"a":1}', '[1]', ''])
    const second = frameOf(['{"a":1}\n{"a":2}'], 7)
    const third = frameOf(['{"b":1}'], 9)
    const frames = await framesOf(split([first, second, third]))
    expect(frames[0]).toBe(first)
    expect(frames.map((frame) => frame.arrivalMs)).toEqual([first.arrivalMs, 7, 9])
    expect(await shortlyIn(each(frames))).toEqual([
      ['{"a":1}', 0],
      ['[1]', 1],
      ['', 2],
      ['{"a":1}', 3],
      ['{"a":2}', 3],
      ['{"b":1}', 4],
    ])
    expect(frames[0]?.header.metadataBytes).toBe(0)
  })

  test('a record that yields nothing keeps a place', async () => {
    const records = await recordsIn(split([frameOf(['a;b', ';;', 'c', ''])], delimitedBy(';')))
    expect(records.map(({ data, origin, isDropped }) => [data, origin, isDropped])).toEqual([
      ['a', 0, undefined],
      ['b', 0, undefined],
      ['', 1, true],
      ['c', 2, undefined],
      ['', 3, undefined],
    ])
  })

  test('a part that is alone says its source as well, where it is in another place', async () => {
    expect(await shortlyIn(split([frameOf(['{"a":1}{"a":2}', ' {"b":1}', '{"c":1}\n'])]))).toEqual([
      ['{"a":1}', 0],
      ['{"a":2}', 0],
      ['{"b":1}', 1],
      ['{"c":1}', 2],
    ])
    const delimited = [frameOf(['a;b', 'c;']), frameOf([';', 'd;', 'e'])]
    expect((await recordsIn(split(delimited, delimitedBy(';')))).map(({ origin }) => origin)).toEqual([
      0, 0, 1, 2, 3, 4,
    ])
  })

  test('sub-records keep what is known of their source, and what was decided passes untouched', async () => {
    const verdict: RecordVerdict = {
      errorType: 'processing-failed',
      code: 'C',
      message: 'M',
      attemptsMade: 4,
    }
    const known = { sequenceNumber: '49', partitionKey: 'key' }
    const frame = kinesisFrame([
      { data: '{"a":1}{"a":2}', arrivalMs: 5, ...known, subSequenceNumber: 3 },
      { data: '{"b":1}{"b":2}', arrivalMs: 6, ...known, verdict },
      { data: '{"c":1}{"c":2}', arrivalMs: 7, ...known, isDropped: true },
      { data: '{"d":1} ', arrivalMs: 8, sequenceNumber: '50', partitionKey: '', origin: 17 },
    ])
    const shardId = 'shardId-000000000003'
    expect(await recordsIn(split([frame]))).toEqual([
      { data: '{"a":1}', arrivalMs: 5, ...known, subSequenceNumber: 3, shardId, origin: 0 },
      { data: '{"a":2}', arrivalMs: 5, ...known, subSequenceNumber: 3, shardId, origin: 0 },
      { data: '{"b":1}{"b":2}', arrivalMs: 6, ...known, verdict, shardId, origin: 1 },
      { data: '{"c":1}{"c":2}', arrivalMs: 7, ...known, isDropped: true, shardId, origin: 2 },
      { data: '{"d":1}', arrivalMs: 8, sequenceNumber: '50', partitionKey: '', shardId, origin: 17 },
    ])
  })

  test('many sub-records make several frames of bounded size, and their bytes are all there', async () => {
    const lines = Array.from({ length: 500 }, (_, n) => `{"n":${n},"text":"${'x'.repeat(200)}"}`)
    const frame = frameOf(Array.from({ length: 100 }, () => lines.join('\n')))
    const frames = await framesOf(split([frame]))
    expect(frames.length).toBeGreaterThan(2)
    for (const made of frames) {
      expect(made.recordBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
      expect(made.records).toBeLessThanOrEqual(16_384)
      expect(made.isOdd).toBe(false)
    }
    const records = await shortlyIn(each(frames))
    expect(records).toHaveLength(50_000)
    records.forEach(([data, origin], index) => {
      if (data !== lines[index % 500] || origin !== Math.floor(index / 500)) throw new Error(`at ${index}`)
    })
  })

  test('frames are read when they are asked for, one at a time', async () => {
    let read = 0
    const source = async function* (): AsyncGenerator<Frame> {
      for (; read < 10; read += 1) yield await Promise.resolve(frameOf(['{}{}']))
    }
    const frames = deaggregate(source(), JSON_OBJECTS, { tally: new Tally(), signal: never })
    for await (const frame of frames) {
      expect(frame.records).toBe(2)
      if (read === 3) break
    }
    expect(read).toBe(3)
  })

  test('what was split and what went on whole is counted', async () => {
    const tally = new Tally()
    const metrics = new Metrics()
    const many = '{}'.repeat(501)
    await framesOf(split([frameOf(['{}{}', '{}', '[]', many, many, ''])], JSON_OBJECTS, tally))
    tally.count(metrics, 'orders')
    const counted = (result: string): Promise<number> =>
      metrics.value('hydrant_deaggregated_records_total', { delivery_stream: 'orders', result })
    expect([await counted('split'), await counted('malformed'), await counted('too-many')]).toEqual([2, 1, 2])
    expect(await metrics.value('hydrant_sub_records_total')).toBe(3)
  })
})

test('other work of the process gets its turn while a long record is taken apart', async () => {
  const parts = [`{"a":[${'{},'.repeat(700_000)}0]}`, '{"b":1}', `{"c":"${'x'.repeat(1_000_000)}"}`]
  let isRead = false
  let turns = 0
  const counting = (): void => {
    turns += 1
    if (!isRead) setImmediate(counting)
  }
  setImmediate(counting)
  const made = await recordsIn(split([frameOf([parts.join('\n')])]))
  isRead = true
  expect(made.map(({ data }) => data === parts.shift())).toEqual([true, true, true])
  expect(turns).toBeGreaterThan(20)
})

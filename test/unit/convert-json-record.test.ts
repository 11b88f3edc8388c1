/** The exact reader: one record to the values of its columns, or what is wrong with it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHiveType } from '../../src/convert/hive-types.ts'
import { DEPTH_MAX, KEY_LENGTH_MAX } from '../../src/convert/json-cursor.ts'
import { recordReader, recordScanner, type RecordReading } from '../../src/convert/json-record.ts'
import { mistyped, verdicts } from '../../src/convert/verdicts.ts'

const columns = [
  { name: 'a', type: parseHiveType('string') },
  { name: 'b', type: parseHiveType('bigint') },
]
const readFolding = recordReader(columns, { caseInsensitive: true })
const readExactly = recordReader(columns, { caseInsensitive: false })
const read = (record: string | Buffer): RecordReading => readFolding(Buffer.from(record))

test('members become values in the order of the columns; missing ones and null are null', () => {
  expect(read('{"b":1,"a":"x"}')).toEqual({ rows: [['x', 1n]] })
  expect(read('{"b":null}')).toEqual({ rows: [[null, null]] })
  expect(read(' \r\n\t{ } \n')).toEqual({ rows: [[null, null]] })
})

test('unknown members are read over, but must be JSON', () => {
  expect(read('{"x":[1,{"y":"\\n"}],"a":"1","z":{}}')).toEqual({ rows: [['1', null]] })
  expect(read('{"x":[1,{"y":tru}],"a":1}')).toEqual({ verdict: verdicts.malformed })
})

test('keys are lower-cased before they are matched only where keys are', () => {
  expect(read('{"A":1,"B":2}')).toEqual({ rows: [['1', 2n]] })
  expect(readExactly(Buffer.from('{"A":1,"b":2}'))).toEqual({ rows: [[null, 2n]] })
})

test('of two equal keys the first counts, also by lower-casing and when it is null', () => {
  expect(read('{"a":1,"a":2}')).toEqual({ rows: [['1', null]] })
  expect(read('{"A":1,"a":2}')).toEqual({ rows: [['1', null]] })
  expect(read('{"a":null,"a":2}')).toEqual({ rows: [[null, null]] })
})

test('keys are compared after their escapes are read', () => {
  expect(read('{"\\u0061":1}')).toEqual({ rows: [['1', null]] })
})

test('names of what every object has are nothing special', () => {
  expect(read('{"__proto__":{"a":1},"constructor":2}')).toEqual({ rows: [[null, null]] })
})

test('rows follow each other with white space or nothing between', () => {
  const two = { rows: [['1', null], ['2', null]] } // prettier-ignore
  expect(read('{"a":1}{"a":2}')).toEqual(two)
  expect(read('{"a":1}\n{"a":2}\n')).toEqual(two)
  expect(read('{"a":1} \t\r\n {"a":2}')).toEqual(two)
  expect(read('{"a":1},{"a":2}')).toEqual({ verdict: verdicts.malformed })
})

test('what is wrong with one document is wrong with the record', () => {
  expect(read('{"a":1}{"a":')).toEqual({ verdict: verdicts.malformed })
  expect(read('{"a":1}[]')).toEqual({ verdict: verdicts.array })
  expect(read('{"a":1}5')).toEqual({ verdict: verdicts.primitive })
})

test('numbers with an exponent are written out for whole-number columns and left alone for others', () => {
  const refused = (text: string): RecordReading => ({ verdict: mistyped('bigint', text) })
  expect(read('{"a":1.5e3,"b":1.5e3}')).toEqual({ rows: [['1.5e3', 1500n]] })
  expect(read('{"b":-120E-2}')).toEqual(refused('-1.20'))
  expect(read('{"b":5e-3}')).toEqual(refused('0.005'))
  expect(read('{"b":1e999999999}')).toEqual(refused('1e999999999'))
  expect(read('{"b":"1e3"}')).toEqual(refused('1e3'))
})

test('nothing and white space are empty', () => {
  for (const record of ['', ' ', '\n', '\r\n\t ', '\ufeff', '\ufeff \n']) {
    expect(read(record)).toEqual({ verdict: verdicts.empty })
  }
})

test('a byte order mark is skipped at the start of a record, and nowhere else', () => {
  expect(read('\ufeff{"a":1}')).toEqual({ rows: [['1', null]] })
  expect(read('{"a":1}\ufeff')).toEqual({ verdict: verdicts.malformed })
  expect(read('\ufeff\ufeff{"a":1}')).toEqual({ verdict: verdicts.malformed })
  expect(read('{"a":"\ufeff"}')).toEqual({ rows: [['\ufeff', null]] })
})

test('bytes that are not UTF-8 are told from malformed JSON', () => {
  for (const bytes of [
    [0xff],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
  ]) {
    expect(read(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]))).toEqual({
      verdict: verdicts.notUtf8,
    })
  }
})

test.each(['1', '-1.5e3', '"text"', 'true', 'null', ' false '])('the scalar %s is no record', (record) => {
  expect(read(record)).toEqual({ verdict: verdicts.primitive })
})

test.each(['[]', '[{"a":1}]', '[1,2]'])('the array %s is no record', (record) => {
  expect(read(record)).toEqual({ verdict: verdicts.array })
})

const malformed = [
  'hello', '{', '}', '{"a"}', '{"a":}', '{"a":1', '{"a":1,}', '{,}', '{"a":1 "b":2}', '{a:1}', "{'a':1}", '{"a":01}',
  '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":-}', '{"a":1e}', '{"a":1e+}', '{"a":0x10}', '{"a":1_0}', '{"a":NaN}',
  '{"a":Infinity}', '{"a":-Infinity}', '{"a":nul}', '{"a":nullx}', '{"a":truefalse}', '{"a":True}', '{"a":"x}',
  '{"a":"\\x"}', '{"a":"\\u12"}', '{"a":"\\u12g4"}', '{"a":"\n"}', '{"a":"\u0000"}', '{"a":"\\ud800"}', '{"a":"\\udc00"}',
  '{"a":"\\ud800\\u0061"}', '{"\\ud800":1}', '{"a":[1,]}', '{"a":[1 2]}', '{"a":[}', '{"a":[1}', '{"a":{]}', '{"a":1}}',
  '{"a":1}x', '\u0000', '{"a":1}\u0000', '\u00a0{"a":1}', '{"a":1/*c*/}', '{"a":1}//c', '{"a"::1}', '{"a":""b}', '"',
  '{"x":"\\', '{"a":"\\"}', '[1', '-', '01', '{"a":1}\f', '{"b":1}{"a":"\u001f"}',
] // prettier-ignore

test.each(malformed)('%j is malformed', (record) => {
  expect(read(record)).toEqual({ verdict: verdicts.malformed })
})

const nested = (depth: number, value: string): string => '['.repeat(depth) + value + ']'.repeat(depth)

describe.each(['a', 'unknown'])('depth and length below key %s', (key) => {
  test('so many levels are read, and one more is not', () => {
    const text = nested(DEPTH_MAX - 1, '1')
    expect(read(`{"${key}":${text}}`)).toEqual({ rows: [[key === 'a' ? text : null, null]] })
    expect(read(`{"${key}":${nested(DEPTH_MAX, '1')}}`)).toEqual({ verdict: verdicts.deep })
    expect(read(`{"${key}":${'['.repeat(500_000)}`)).toEqual({ verdict: verdicts.deep })
  })

  test('so long a key is read, and one longer is not', () => {
    const record = (length: number): string => `{"${key}":{"${'k'.repeat(length)}":1}}`
    expect(read(record(KEY_LENGTH_MAX)).rows?.length).toBe(1)
    expect(read(record(KEY_LENGTH_MAX + 1))).toEqual({ verdict: verdicts.longKey })
  })
})

test('a scanner gives half a million rows one by one', () => {
  let rows = 0
  for (const { row } of recordScanner(columns, { caseInsensitive: true })(
    Buffer.from('{}'.repeat(500_000)),
  )) {
    if (row !== undefined) rows += 1
  }
  expect(rows).toBe(500_000)
})

test('what JSON.parse takes is read, and what it refuses is not', () => {
  const jsonish = fc.oneof(
    fc.json(),
    fc.json().map((text) => text.slice(0, -1)),
    fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, noise]) => {
      const position = at % (text.length + 1)
      return text.slice(0, position) + noise + text.slice(position)
    }),
  )
  fc.assert(
    fc.property(jsonish, (value) => {
      const record = `{"a":${value}}`
      const { rows, verdict } = read(record)
      const parsed = parse(record)
      if (parsed === undefined) {
        // What JSON.parse cannot do is to read two rows, or to skip what is not an object.
        if (rows !== undefined) expect(rows.length).toBeGreaterThan(1)
        return
      }
      if (
        /\p{Surrogate}/u.test(
          JSON.stringify(parsed).replace(/\\u(d[89a-f]..)/g, (_, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          ),
        )
      )
        return
      expect(verdict).toBeUndefined()
      expect(rows?.length).toBe(1)
    }),
    { numRuns: 2_000 },
  )
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

test('compact text of a nested value means what the value means', () => {
  const valueReader = recordReader([{ name: 'a', type: parseHiveType('string') }], {
    caseInsensitive: false,
  })
  fc.assert(
    fc.property(fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())), (value) => {
      const { rows } = valueReader(Buffer.from(`{"a":${JSON.stringify(value, null, 2)}}`))
      const text = (rows?.[0]?.[0] ?? '') as string
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(text).toBe(
        JSON.stringify(value).replaceAll(/\\\\|\\u00[01][0-9a-f]/g, (escape) =>
          escape.length === 2 ? escape : `\\u${escape.slice(2).toUpperCase()}`,
        ),
      )
    }),
  )
})

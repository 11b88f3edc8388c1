/** What is read without jq is JSON, of one object, and says what it says to whoever reads all of it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyExpression } from '../../src/process/partition/key-expression.ts'
import { KeyScan } from '../../src/process/partition/key-scan.ts'
import { keyTree } from '../../src/process/partition/key-tree.ts'
import { LEFT_TO_JQ, QuickKeys, type QuickValues } from '../../src/process/partition/quick-keys.ts'
import { utcFormat } from '../../src/process/partition/utc-format.ts'
import { frameOf } from '../conformance/store/fixture.ts'

/** Of each record, in one frame: its values, or undefined where it is left to jq. */
function read(
  expressions: readonly KeyExpression[],
  records: readonly (string | Uint8Array)[],
): (QuickValues | undefined)[] {
  const all: QuickValues[] = []
  const keys = expressions.map((expression, index) => ({ key: String(index), expression }))
  const names = keys.map(({ key }) => key)
  const reading = new QuickKeys({ keys, wanted: names, numberOf: (values) => all.push(values) - 1 })
  const found: (QuickValues | undefined)[] = []
  reading.read(
    frameOf(records),
    () => true,
    (_, number) => found.push(number === LEFT_TO_JQ ? undefined : all[number]),
  )
  return found
}

const a: KeyExpression = { path: ['a'] }

describe('records that are sure', () => {
  test.each([
    ['{"a":"eu"}', 'eu'],
    ['{"b":{"a":1},"a":"eu"}', 'eu'],
    [' {\t"a" : "eu" }\r\n', 'eu'],
    ['{"a":12}', '12'],
    ['{"a":-7,"b":[]}', '-7'],
    ['{"a":0}', '0'],
    ['{"a":true}', 'true'],
    ['{"a":false}', 'false'],
    ['{"a":null}', null],
    ['{}', null],
    ['{"b":"\\"a\\":1"}', null],
    ['{"a":"é😀\\n\\u00e9\\/"}', 'é😀\né/'],
    ['{"b":-0.5e+3,"c":[1,{"a":{}}],"a":""}', ''],
    ['{"é":1,"a":"x"}', 'x'],
  ])('%s', (record, value) => {
    expect(read([a], [record])).toEqual([[value]])
  })
})

describe('records that are left to jq', () => {
  test.each([
    ['two equal keys', '{"a":1,"a":2}'],
    ['a key that may be another', '{"\\u0061":1}'],
    ['an object for a value', '{"a":{}}'],
    ['a number with a fraction', '{"a":1.10}'],
    ['minus zero', '{"a":-0}'],
    ['an integer that a double may not hold', '{"a":1234567890123456}'],
    ['half a pair of surrogates', '{"a":"\\ud800"}'],
    ['NUL', '{"a":"\\u0000"}'],
    ['an array', '[{"a":1}]'],
    ['two objects', '{"a":1}{"a":2}'],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['a trailing comma', '{"a":1,}'],
    ['a leading zero', '{"a":1,"b":01}'],
    ['a control character', '{"a":1,"b":"\u0001"}'],
    ['an escape that there is not', '{"a":1,"b":"\\x"}'],
    ['a word that there is not', '{"a":1,"b":nul}'],
    ['an object that ends in the next record', '{"a":1,'],
    ['nothing', ''],
    ['a value longer than a key may be', `{"a":"${'x'.repeat(1_025)}"}`],
  ])('%s', (_, record) => {
    expect(read([a], ['{"a":"before"}', record, '"b":2}', '{"a":"after"}'])).toEqual([
      ['before'],
      undefined,
      undefined,
      ['after'],
    ])
  })

  test('bytes that are not UTF-8', () => {
    const broken = Buffer.from('{"a":"x","b":"?"}')
    broken[broken.indexOf('?')] = 0xff
    expect(read([a], [broken, '{"a":"y"}'])).toEqual([undefined, ['y']])
  })

  test('a path through what cannot be gone into', () => {
    const within: KeyExpression = { path: ['a', 'b', 1] }
    expect(
      read(
        [within],
        ['{"a":{"b":[0,"x"]}}', '{"a":{"b":[0]}}', '{"a":null}', '{"a":1}', '{"a":{"b":{}}}', '{"a":[]}'],
      ),
    ).toEqual([['x'], [null], [null], undefined, undefined, undefined])
  })

  test('as many brackets as jq may find too deep', () => {
    const deep = (depth: number): string => `{"a":1,"b":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(read([a], [deep(119), deep(120), deep(100_000)])).toEqual([['1'], undefined, undefined])
  })
})

test('texts in place of nothing, texts of values, and moments', () => {
  const expressions: KeyExpression[] = [
    { path: ['a'], otherwise: 'none' },
    { path: ['b'], toText: true },
    { path: ['t'], strftime: '%Y/%m/%d' },
  ]
  expect(
    read(expressions, [
      '{"a":false,"t":1700000000}',
      '{"a":"false","b":false,"t":1700000001}',
      '{"a":1,"b":"x","t":1700100000}',
      '{"t":"1700000000"}',
      '{"t":-1}',
    ]),
  ).toEqual([
    ['none', 'null', '2023/11/14'],
    ['false', 'false', '2023/11/14'],
    ['1', 'x', '2023/11/16'],
    undefined,
    undefined,
  ])
})

test('moments are formatted in UTC', () => {
  const format = utcFormat('%Y-%m-%dT%H:%M:%S')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (seconds) => {
      expect(format(seconds)).toBe(new Date(1_000 * seconds).toISOString().slice(0, 19))
    }),
  )
})

const space = fc.constantFrom('', '', '', ' ', '\n', '\t ')

test('whatever is sure is an object to JSON.parse, with these values', () => {
  const expressions: KeyExpression[] = [{ path: ['a'] }, { path: ['b', 'a'] }, { path: ['c', 0] }]
  const scan = new KeyScan(keyTree(expressions))
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'é')
  const tree = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(null, true, false, 'eu', 7),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(name, tie('any'), { maxKeys: 4 }),
    ),
  }))
  const record = fc
    .tuple(
      fc.dictionary(name, tree.any, { maxKeys: 4 }),
      space,
      fc.nat(),
      fc.constantFrom('', '', ',', '"', '\\', '1', '}', '-', 'e', '.', '0', 'n', '\u0001'),
    )
    .map(([object, between, at, more]) => {
      const text = JSON.stringify(object, undefined, between)
      const place = at % (text.length + 1)
      return text.slice(0, place) + more + text.slice(place)
    })
  let sure = 0
  fc.assert(
    fc.property(record, (text) => {
      const payload = Buffer.from(`${text}\n{"a":1}\n`)
      const end = Buffer.byteLength(text)
      if (!scan.isSure(payload, 0, end)) return
      sure += 1
      expect(JSON.parse(text)).toBeTypeOf('object')
      const object = JSON.parse(text) as { a?: unknown; b?: { a?: unknown } | null; c?: unknown[] | null }
      const values = [object.a, object.b?.a, object.c?.[0]].map((value) => {
        if (value === null || value === undefined) return null
        return typeof value === 'string' ? value : JSON.stringify(value)
      })
      expect(read(expressions, [text])).toEqual([values])
    }),
    { numRuns: 3_000 },
  )
  expect(sure).toBeGreaterThan(200)
})

/** What has the layout that was learnt is one JSON object of known keys; of everything else the layout says nothing. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RecordLayout } from '../../src/domain/record-layout/layout.ts'
import { SCALAR_FORM, type LayoutRules } from '../../src/domain/record-layout/rules.ts'
import { frameOf } from '../conformance/store/fixture.ts'

/** Names of the members on the way to a value. */
type Path = readonly string[]

const anything: LayoutRules<Path> = {
  top: [],
  member: (path, key) => [...path, key],
  item: (path) => [...path, '[]'],
  isMap: () => false,
  scalars: () => SCALAR_FORM,
  takes: () => true,
  isCaptured: (path) => path.length === 1 && path[0] === 'a',
  isExample: () => true,
}

/** Of each record that follows the examples: whether it has their layout. */
function have(examples: readonly string[], records: readonly string[], rules = anything): boolean[] {
  const layout = new RecordLayout([rules], { judgedAfter: 0 })
  haveIn(layout, examples)
  return haveIn(layout, records)
}

/** Of the records of a frame. */
function haveIn(layout: RecordLayout<Path>, records: readonly string[]): boolean[] {
  const frame = frameOf(records)
  layout.open(frame, frame.payload.toString('latin1'))
  let start = 0
  return records.map((record) => {
    const end = start + Buffer.byteLength(record)
    const has = layout.has(start, end)
    start = end + 1
    return has
  })
}

describe('records of the layout', () => {
  test.each([
    ['{"a":1,"b":"x"}', '{"a":-0.5e+3,"b":null}'],
    ['{"a":1,"b":"x"}', '{"a": 1, "b": "é😀"}'],
    ['{"a":1,"b":"x"}', '{"b":"x"}'],
    ['{"a":1,"b":"x"}', '{"a":"another kind"}'],
    ['{"a":1,"b":"x"}', '{}'],
    ['{"a":{"b":1,"c":{}},"d":[{"e":1},{"f":2}]}', '{"a":{"c":{}},"d":[{"e":null,"f":true},{}]}'],
    ['{"a":[[1],[]],"b":[]}', '{"a":[[1,"x"],[[],1].length]}'.replace('[[],1].length', '[2]')],
    ['{"a":[1]}', '{"a":7}'],
    ['{"a.b":1,"(c)":2,"é":3}', '{"a.b":1,"(c)":2,"é":3}'],
  ])('%s, then %s', (example, record) => {
    expect(() => void JSON.parse(record)).not.toThrow()
    expect(have([example], [record])).toEqual([true])
  })

  test('members are learnt of several examples, each behind the one that it was seen behind', () => {
    const examples = ['{"a":1,"d":1}', '{"a":1,"b":1,"d":1}', '{"b":1,"c":1}']
    expect(have(examples, ['{"a":1,"b":2,"c":3,"d":4}', '{"a":1,"c":1}', '{"b":1,"a":1}'])).toEqual([
      true,
      true,
      false,
    ])
  })
})

describe('records of another one', () => {
  test.each([
    ['a comma too much', '{"a":1,}'],
    ['a comma before all', '{,"a":1}'],
    ['a comma that is missing', '{"a":1"b":2}'],
    ['the members in another order', '{"b":1,"a":1}'],
    ['two equal keys', '{"a":1,"a":1}'],
    ['another key', '{"a":1,"c":1}'],
    ['another spelling', '{"A":1}'],
    ['an escape in a key', '{"\\u0061":1}'],
    ['an escape in a text', '{"a":"\\n"}'],
    ['a control character', '{"a":"\u0001"}'],
    ['a newline', '{"a":"\n"}'],
    ['an object where none was seen', '{"a":{}}'],
    ['NaN', '{"a":NaN}'],
    ['a leading zero', '{"a":01}'],
    ['a point without digits', '{"a":1.}'],
    ['white space', ' {"a":1}'],
    ['two objects', '{"a":1}{"a":1}'],
    ['an object that does not end', '{"a":1'],
    ['no object', '[]'],
    ['nothing', ''],
  ])('%s', (_, record) => {
    expect(have(['{"a":1,"b":2}'], [record, '{"a":1}'])).toEqual([false, true])
  })

  test('one that is longer than any that is looked at', () => {
    const long = (bytes: number): string => `{"a":[${'1,'.repeat(bytes / 2)}1]}`
    expect(have(['{"a":[1]}'], [long(65_000), long(66_000)])).toEqual([true, false])
  })
})

test.each([
  ['no JSON', '{"a":1'],
  ['no object', '[1]'],
  ['a key that does not stand for itself', '{"a\\"":1}'],
  ['more members than are worth it', JSON.stringify(Object.fromEntries(Array.from({ length: 251 }, (_, i) => [`k${i}`, 1])))],
  ['more inside each other than is worth it', `${'{"a":'.repeat(10)}1${'}'.repeat(10)}`],
])('nothing is learnt of %s', (_, example) => {
  expect(have([example], [example])).toEqual([false])
}) // prettier-ignore

test.each([
  ['no JSON', '{"a"'],
  ['too deep', '{"a":[[[[[[[[[1]]]]]]]]]}'],
  ['of a key with an escape', '{"\\u0161":1,"b\\"":2}'],
])('an example that is %s spoils nothing', (_, odd) => {
  expect(have(['{"a":1,"b":2}', odd, '{"a":3,"b":4}', '{"a":3,"b":4}'], [odd, '{"a":1}'])).toEqual([
    false,
    true,
  ])
})

test('nothing is learnt of a key that is written with an escape of no byte', () => {
  expect(have(['{"a":1,"\\u0161":2}'], ['{"a":1,"\\u0161":2}'])).toEqual([false])
})

test('strings have escapes where those of the examples do, but for captured ones and keys', () => {
  const records = [
    '{"b":"\\u00e9 \\uD83d\\uDE00 \\"\\\\\\/\\b\\f\\n\\r\\t\\u0000"}',
    '{"b":"\\ud83d"}',
    '{"b":"\\ud83d\\u0041"}',
    '{"b":"\\uDE00"}',
    '{"b":"\\x41"}',
    '{"b":"\\u12"}',
    '{"b":"\\"}',
    '{"a":"\\n","b":"x"}',
    '{"\\u0062":"x"}',
  ]
  expect(have(['{"a":1,"b":"x\\ny"}'], records)).toEqual(records.map((_, index) => index === 0))
  expect(have(['{"a":1,"b":"x"}'], records)).not.toContain(true)
})

test('nothing is learnt of objects that have few of the keys that others have', () => {
  const sparse = Array.from({ length: 20 }, (_, at) => `{"k${at}":1}`)
  expect(have(sparse, sparse)).not.toContain(true)
  const inArray = `{"a":[${sparse.join(',')}]}`
  expect(have([inArray], [inArray])).toEqual([false])
})

test('nothing is learnt of what is no example', () => {
  const rules = { ...anything, isExample: (text: string) => !text.includes('b') }
  expect(have(['{"a":1}', '{"a":1,"b":1}'], ['{"a":1}', '{"b":1}'], rules)).toEqual([true, false])
})

const records = (key: string, count = 300): string[] => Array.from({ length: count }, () => `{"${key}":1}`)

test('it is learnt from the first records, again where half of them have another one, and given up where that does not help', () => {
  const layout = new RecordLayout([anything], { judgedAfter: 256 })
  expect(haveIn(layout, records('a'))).not.toContain(false)
  expect(haveIn(layout, records('a'))).not.toContain(false)
  expect(haveIn(layout, records('b'))).not.toContain(true)
  expect(haveIn(layout, records('b'))).not.toContain(false)
  const mixed = (round: number): string[] => Array.from({ length: 3_000 }, (_, at) => `{"k${round}-${at}":1}`)
  for (let round = 0; round < 20; round += 1) expect(haveIn(layout, mixed(round))).toContain(false)
  expect(haveIn(layout, records('b'))).not.toContain(true)
  expect(haveIn(layout, records('b'))).not.toContain(true)
})

test('of small frames some are looked at before it is learnt, and then it is known', () => {
  const layout = new RecordLayout([anything])
  const found: boolean[] = []
  for (let frame = 0; frame < 20; frame += 1) {
    expect(layout.isUndecided).toBe(frame < 12)
    found.push(...haveIn(layout, records('a', 20)))
  }
  expect(found.indexOf(true)).toBe(220)
  expect(found.lastIndexOf(false)).toBe(219)
  expect(layout.isUndecided).toBe(false)
})

test('a batch of few records has none', () => {
  const layout = new RecordLayout([anything], { records: 4_000 })
  expect(layout.isUndecided).toBe(false)
  for (let frame = 0; frame < 20; frame += 1) expect(haveIn(layout, records('a'))).not.toContain(true)
})

test('the first rules count that most records keep to, or else the last', () => {
  const integers = { ...anything, scalars: () => '[1-9]' }
  const of = (texts: readonly string[]): RecordLayout<Path> => {
    const layout = new RecordLayout([integers, anything], { judgedAfter: 0 })
    haveIn(layout, texts)
    return layout
  }
  const strict = of([...records('a', 20), ...records('b', 3), '{"a":"x"}'])
  expect(strict.way).toBe(0)
  expect(haveIn(strict, ['{"a":2}', '{"a":"x"}', '{"a":3}', '{"a":4}'])).toEqual([true, false, true, true])
  const loose = of([...records('a', 20), ...Array.from({ length: 8 }, () => '{"a":"x"}')])
  expect(loose.way).toBe(1)
  expect(haveIn(loose, ['{"a":2}', '{"a":"x"}'])).toEqual([true, true])
  expect(of([...records('a', 8), ...Array.from({ length: 20 }, () => '{"a":"\\n"}')]).way).toBe(1)
  expect(of(['[]', '[]']).way).toBe(undefined)
})

test('whatever has the layout is one object of distinct keys, and the captured text is that of its value', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'é')
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.string({ maxLength: 6 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, false, 0, -7, 'eu'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(key, tie('any'), { maxKeys: 3 }),
    ),
  }))
  const object = fc.dictionary(key, any, { maxKeys: 4 }).map((value) => JSON.stringify(value))
  const record = fc
    .tuple(
      object,
      fc.nat(),
      fc.nat(2),
      fc.constantFrom('', '', '', ',', '"', '\\', '1', '}', '{', '-', '.', '0', ' ', '\u0001'),
    ) // prettier-ignore
    .map(([text, place, removed, more]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + more + text.slice(at + (more === '' ? 0 : removed))
    })
  const examplesAndRecords = fc.tuple(
    fc.array(object, { minLength: 1, maxLength: 4 }),
    fc.array(record, { minLength: 10, maxLength: 20 }),
  )
  const keysIn = (json: string): number => [...json.matchAll(/"[^"]*":/g)].length
  let matched = 0
  const check = (layout: RecordLayout<Path>, text: string): void => {
    const frame = frameOf([text])
    layout.open(frame, frame.payload.toString('latin1'))
    const match = layout.match(0, Buffer.byteLength(text))
    if (match === undefined) return
    matched += 1
    const value = JSON.parse(text) as Record<string, unknown>
    expect(keysIn(text)).toBe(keysIn(JSON.stringify(value)))
    if (layout.captured.length === 0) return
    const written = match[1] === undefined ? undefined : Buffer.from(match[1], 'latin1').toString()
    const isScalar = value['a'] === null || typeof value['a'] !== 'object'
    expect(written && JSON.parse(written)).toEqual(isScalar ? value['a'] : undefined)
  }
  fc.assert(
    fc.property(examplesAndRecords, ([examples, texts]) => {
      const layout = new RecordLayout([anything], { judgedAfter: 0 })
      haveIn(layout, examples)
      for (const text of texts) check(layout, text)
    }),
    { numRuns: 500 },
  )
  expect(matched).toBeGreaterThan(500)
})

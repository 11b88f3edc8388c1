/** What is decided before and around DuckDB's queries, without DuckDB. */
import { array, assert, constantFrom, nat, oneof, property, stringMatching, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { BitSet } from '../../src/convert/duckdb/bit-set.ts'
import { PROVED, columnLayouts } from '../../src/convert/duckdb/column-layout.ts'
import { duckdbError } from '../../src/convert/duckdb/engine.ts'
import { exactScanner } from '../../src/convert/duckdb/exact-record.ts'
import { quotedName, quotedText } from '../../src/convert/duckdb/column-sql.ts'
import { lineTable, type LineTable } from '../../src/convert/duckdb/line-columns.ts'
import { Mark, recordJudge, type JudgeRecords } from '../../src/convert/duckdb/raw-doubt.ts'
import { rawPattern } from '../../src/convert/duckdb/raw-pattern.ts'
import { typedColumns, type TypedColumn } from '../../src/convert/hive-types.ts'
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import { RecordLayout } from '../../src/domain/record-layout/layout.ts'

const columns = typedColumns([
  { name: 'order_id', type: 'string' },
  { name: 'kind', type: 'string' },
  { name: 'amount', type: 'double' },
  { name: 'quantity', type: 'int' },
  { name: 'price', type: 'decimal(10,2)' },
])

function frameOf(records: readonly (string | Uint8Array)[]): Frame {
  const bytes = records.map((record) => Buffer.from(record as string))
  const builder = new FrameBuilder(
    bytes.length,
    bytes.reduce((sum, record) => sum + record.length, 0),
  )
  for (const record of bytes) builder.addBytes(record)
  return builder.finish(0)
}

function doubtful(
  records: readonly (string | Uint8Array)[],
  of: readonly TypedColumn[] = columns,
  caseInsensitive = true,
): readonly number[] {
  const frame = frameOf(records)
  const table = tableOf(of, frame, caseInsensitive)
  const [found, byLayout] = [Infinity, 0].map((judgedAfter) =>
    doubtfulIn(frame, recordJudge(table, { caseInsensitive }, { judgedAfter })),
  )
  expect(byLayout).toEqual(found)
  return found ?? []
}

function doubtfulIn(frame: Frame, judge: JudgeRecords): readonly number[] {
  return [...judge(frame).marks].flatMap((mark, index) => (mark === Mark.doubtful ? [index] : []))
}

function tableOf(of: readonly TypedColumn[], sample: Frame, caseInsensitive = true): LineTable {
  const table = lineTable(of, { caseInsensitive }, sample)
  if (table === undefined) throw new Error('two columns are of one key')
  return table
}

const clean = '{"order_id":"a","kind":"x","amount":1.25,"quantity":3,"price":9.99}'

test.each([
  ['a trailing comma in an object', '{"amount":1,}'],
  ['a trailing comma after white space', '{"amount":1, \t}'],
  ['a trailing comma in an array of an unknown key', '{"other":[1,2,]}'],
  ['a second document', '{"amount":1} {"amount":2}'],
  ['NaN', '{"other":NaN}'],
  ['-Infinity', '{"other": -Infinity}'],
  ['nan in an array', '{"other":[1,nan]}'],
  ['a key in other letters', '{"Amount":1}'],
  ['a key with the Kelvin sign', '{"\u212aind":"x"}'],
  ['a key with escapes', '{"\\u0061mount":1}'],
  ['a fraction for a string', '{"order_id":1.10}'],
  ['an exponent for a string', '{"order_id" : 1e5}'],
  ['minus zero for a string', '{"order_id":-0}'],
  ['minus zero for a double', '{"amount":-0}'],
  ['an object for a string', '{"order_id":{"A":1}}'],
  ['an array for a string', '{"kind": [1.50]}'],
  ['a fraction for an integer', '{"quantity":1.0000000000000000001}'],
  ['an exponent for an integer', '{"quantity":1e2}'],
  ['more digits than a double keeps for a decimal', '{"price":1.2345678901234567}'],
  ['an exponent of four digits for a decimal', '{"price": -0e0005}'],
  ['white space before the document', ' {"amount":1}'],
  ['nothing but white space', '\t '],
  ['something else than a brace first', '[1]'],
  ['nothing', ''],
  ['a newline', '{"amount":\n1}'],
  ['a carriage return', '{"amount":\r1}'],
  ['a second document behind a newline', '{"amount":1}\n{"amount":2}\n'],
  ['a byte order mark behind it', '{"amount":1}\n\ufeff'],
  ['a byte order mark', '\ufeff{"amount":1}'],
  ['NUL', '{"amount":1}\0'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
])('a record with %s goes the exact path, its neighbours do not', (_, record) => {
  expect(doubtful([clean, record, clean])).toEqual([1])
  expect(doubtful([record, clean, clean, clean, record, record, clean])).toEqual([0, 4, 5])
})

test.each([
  ['punctuation inside strings', '{"order_id":"a,b: c","kind":"[x]"}'],
  ['quotes that look like a key', '{"order_id":"\\"Amount\\":1"}'],
  ['words and times inside strings', '{"order_id":"in time, inf or nan: at 10:30:06.350, say"}'],
  ['numbers as strings', '{"order_id":"1.10","amount":"2.50","price":"3.99"}'],
  ['a whole number with a zero fraction', '{"quantity":3.0}'],
  ['an escape that is no letter of a column', '{"order_id":"\\u003cb\\u003e"}'],
  ['characters of other scripts', '{"order_id":"Grüße 😀"}'],
  ['an exponent for a decimal', '{"price":1.5e+02}'],
  ['many digits for a double', '{"amount":0.30000000000000004}'],
  ['unknown keys in any letters', '{"Other":1.5,"OTHER":{"a":1}}'],
  ['a newline behind it', '{"amount":1}\n'],
  ['white space behind it', '{"amount":1} \t\r\n\n'],
])('a record with %s stays on the quick path', (_, record) => {
  expect(doubtful([record])).toEqual([])
})

const nested = typedColumns([
  { name: 'customer', type: 'struct<id:bigint,full_name:string>' },
  { name: 'tags', type: 'array<string>' },
  { name: 'sizes', type: 'map<string,array<double>>' },
])

const cleanNested =
  '{"customer":{"id":1,"full_name":"x"},"tags":["a","1.50","10:30:06.350"],"sizes":{"a":[1,0.5]}}'

test.each([
  ['a scalar for a struct', '{"customer":5}'],
  ['an array for a struct', '{"customer":[1,"x"]}'],
  ['a scalar for an array', '{"tags":"a"}'],
  ['an array for a map', '{"sizes": [1]}'],
  ['a field in other letters', '{"customer":{"ID":1}}'],
  ['a fraction for a field of an integer', '{"customer":{"id":1.000000000000000001}}'],
  ['an object for a field of text', '{"customer":{"full_name":{}}}'],
  ['a number that is printed otherwise in an array of text', '{"tags":["a", 1.50]}'],
  ['an exponent in an array of text', '{"tags":[1e3]}'],
  ['minus zero in an array of doubles', '{"sizes":{"a":[-0]}}'],
  ['the key of plain values', '{"tags\\u0001":["a"]}'],
])('a record with %s goes the exact path', (_, record) => {
  expect(doubtful([cleanNested, record, cleanNested], nested)).toEqual([1])
})

test.each([
  ['empty arrays and objects', '{"customer":{},"tags":[],"sizes":{}}'],
  ['nulls', '{"customer":null,"tags":[null],"sizes":{"a":null}}'],
  ['whole numbers and short fractions', '{"tags":[1,-3.25],"sizes":{"a":[0,1.5]}}'],
  ['keys of maps in any letters', '{"sizes":{"Large":[1],"X-Small":[]}}'],
])('a record with %s in nested columns stays on the quick path', (_, record) => {
  expect(doubtful([record], nested)).toEqual([])
})

test('dots are underscores where they are, and each key has one quick spelling', () => {
  const rules = { caseInsensitive: true, dotsToUnderscores: true } as const
  const records = [
    '{"customer":{"full.name":"x"}}',
    '{"customer":{"full_name":"x"}}',
    '{"customer":{"full.name":"y"}}',
  ]
  const table = lineTable(nested, rules, frameOf(records))
  expect(table?.sought.map(({ spelling }) => spelling)).toContain('full.name')
  expect(table && doubtfulIn(frameOf(records), recordJudge(table, rules))).toEqual([1])
})

test('nothing that has the layout of its table is in doubt, whatever its numbers', () => {
  const digits = stringMatching(/^(0|[1-9][0-9]{0,20})$/)
  const number = tuple(
    constantFrom('', '-'),
    digits,
    constantFrom('', '', '.0', '.5', '.25', '.10', '.1234567890123456'),
    constantFrom('', '', '', 'e1', 'E+5', 'e-12345'),
  ).map((parts) => parts.join(''))
  const kinds = ['string', 'double', 'float', 'decimal(20,5)', 'int', 'bigint', 'timestamp', 'date', 'boolean'] // prettier-ignore
  const usualOf = new Map([['timestamp', '"2026-01-02 03:04:05"'], ['date', '"2026-01-02"'], ['boolean', 'false']]) // prettier-ignore
  for (const kind of kinds) {
    const own = constantFrom('null', usualOf.get(kind) ?? '7')
    const scalar = oneof(number, constantFrom('null', 'true', '"x"', '"1.10"'), own)
    const list = array(scalar, { maxLength: 3 }).map((items) => `[${items.join(',')}]`)
    const map = array(scalar, { maxLength: 3 }).map((items) => `{${items.map((item, at) => `"k${at}":${item}`).join(',')}}`) // prettier-ignore
    const types = [kind, `array<${kind}>`, `map<string,${kind}>`, `struct<f:${kind}>`]
    const table = tableOf(typedColumns(types.map((type, at) => ({ name: `c${at}`, type }))), frameOf(['{}']))
    const rules = { caseInsensitive: true }
    const pattern = rawPattern(table, rules)
    const record = tuple(scalar, list, map, scalar, scalar).map(
      ([first, items, values, field, other]) => `{"c0":${first},"c1":${items},"c2":${values},"c3":{"f":${field}},"z":${other}}`,
    ) // prettier-ignore
    const example = '{"c0":null,"c1":[null],"c2":{"k0":null,"k1":null,"k2":null},"c3":{"f":null},"z":null}'
    const examples = frameOf(Array.from({ length: 240 }, () => example))
    const ways = columnLayouts(table, rules, (text) => pattern?.test(text) === false)
    for (const [way, layoutRules] of ways.entries()) {
      const layout = new RecordLayout([layoutRules], { judgedAfter: 100_000 })
      layout.open(examples, examples.payload.toString('latin1'))
      let usual = 0
      assert(
        property(array(record, { minLength: 20, maxLength: 40 }), (records) => {
          const frame = frameOf(records)
          layout.open(frame, frame.payload.toString('latin1'))
          let start = 0
          for (const each of records) {
            if (layout.has(start, start + each.length)) {
              usual += 1
              // A number of no column may be of any form, where those of arrays and maps are looked for behind any key.
              expect(pattern?.test(each.replace(/"z":.*/, '"z":null}')), `${kind}: ${each}`).toBe(false)
            }
            start += each.length + 1
          }
        }),
        { numRuns: 60 },
      )
      expect(usual, `${kind}, ${way === PROVED ? 'proved' : 'clear'}`).toBeGreaterThan(
        way === PROVED ? 20 : 100,
      )
    }
  }
})

test('a record that may stand for far too much goes the exact path', () => {
  const wide = typedColumns([{ name: 'a', type: 'array<char(255)>' }])
  expect(
    doubtful([`{"a":[${Array.from({ length: 70_000 }, () => '""').join()}]}`, '{"a":[""]}'], wide),
  ).toEqual([0])
})

test('keys are matched as they are when the stream is case-sensitive', () => {
  expect(doubtful(['{"Amount":1}'], columns, false)).toEqual([])
})

test('a long key and deep nesting go the exact path', () => {
  expect(doubtful([`{"${'k'.repeat(262_145)}":1}`])).toEqual([0])
  expect(doubtful([`{"other":${'['.repeat(1001)}${']'.repeat(1001)}}`])).toEqual([0])
  expect(doubtful([`{"other":"${'x'.repeat(5000)}"}`])).toEqual([])
})

test('the spelling that most records of a sample use is the quick one', () => {
  const orders = typedColumns([{ name: 'orderid', type: 'string' }])
  const records = ['{"orderId":"a"}', '{"orderid":"b"}', '{"orderId":"c"}']
  expect(tableOf(orders, frameOf(records)).columns.map(({ key }) => key)).toEqual(['orderId'])
  expect(doubtful(records, orders)).toEqual([1])
})

test('a table with a name that the pattern cannot recognise goes the exact path altogether', () => {
  expect(doubtful(['{"größe":1}', '{}'], typedColumns([{ name: 'größe', type: 'int' }]))).toEqual([0, 1])
})

test('the exact path writes each value in the one form that the query takes', () => {
  const typed = typedColumns([
    { name: 's', type: 'string' },
    { name: 'l', type: 'bigint' },
    { name: 'd', type: 'double' },
    { name: 'm', type: 'decimal(5,2)' },
    { name: 't', type: 'timestamp' },
    { name: 'y', type: 'date' },
    { name: 'b', type: 'boolean' },
  ])
  const keys = typed.map(({ name }) => name)
  const [row] = exactScanner(typed, keys, { caseInsensitive: true })(
    Buffer.from(
      '{"S":1.10,"l":"9007199254740993","d":1E2,"m":-1.005,"t":1789560304.5,"y":"2026-1-2","b":"TRUE"}',
    ),
  )
  expect(row).toEqual({
    members:
      '"s":"1.10","l":9007199254740993,"d":100,"m":"-1.01","t":"2026-09-16T12:05:04.500Z","y":"2026-01-02","b":true',
  })
})

test('names and texts made of SQL are quoted', () => {
  expect(quotedName('a" FROM x; DROP TABLE y; --')).toBe('"a"" FROM x; DROP TABLE y; --"')
  expect(quotedText("a' OR 1=1")).toBe("'a'' OR 1=1'")
})

test('an error of DuckDB never quotes what it was given', () => {
  const error = duckdbError(
    new Error('Conversion Error: Could not convert string "secret" to INT32\nLINE 1: secret'),
  )
  expect(error.code).toBe('Duckdb')
  expect(JSON.stringify([error.message, error.cause])).not.toContain('secret')
})

test.each([
  ['Out of Memory Error: could not allocate block of size 256.0 KiB', 'OutOfMemory'],
  ['Out of Memory Error: failed to offload data block', 'OutOfMemory'],
  ['IO Error: Could not write file "x": No space left on device', 'DiskFull'],
])('%s is %s, with a hint', (message, code) => {
  const error = duckdbError(new Error(message))
  expect(error.code).toBe(code)
  expect(error.hint).toBeTruthy()
})

test('a bit set holds what a set holds', () => {
  assert(
    property(array(nat(300)), (values) => {
      const bits = new BitSet(1)
      for (const value of values) bits.add(value)
      const set = new Set(values)
      expect(bits.size).toBe(set.size)
      expect([...bits.each()]).toEqual([...set].toSorted((a, b) => a - b))
    }),
  )
})

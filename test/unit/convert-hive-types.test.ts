/** Column types, the text they take and the values it stands for. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { acceptedText } from '../../src/convert/accepted-text.ts'
import { isNested, parseHiveType, typedColumns, type HiveType } from '../../src/convert/hive-types.ts'
import { valueReader, type ScalarValue } from '../../src/convert/hive-values.ts'
import { recordReader } from '../../src/convert/json-record.ts'
import { mistyped } from '../../src/convert/verdicts.ts'
import { REFUSED, acceptedText as table } from '../conformance/encoder/accepted-text.ts'

const DAY_MS = 86_400_000

function shown(type: HiveType, value: ScalarValue): string {
  if (type.kind === 'date') return new Date(Number(value) * DAY_MS).toISOString().slice(0, 10)
  if (type.kind === 'decimal') {
    const digits = String(value)
      .replace('-', '')
      .padStart(type.scale + 1, '0')
    const point = digits.length - type.scale
    const sign = Number(value) < 0 ? '-' : ''
    return sign + digits.slice(0, point) + (type.scale === 0 ? '' : `.${digits.slice(point)}`)
  }
  return Object.is(value, -0) ? '-0' : String(value)
}

describe.each(Object.entries(table))('%s', (typeText, cases) => {
  const type = parseHiveType(typeText)
  const readRecord = recordReader([{ name: 'v', type }], { caseInsensitive: true })

  test.each(cases)('makes of %s the value %j', (json, value) => {
    const { rows } = readRecord(Buffer.from(`{"v":${json}}`))
    const result = rows?.[0]?.[0]
    if (value === REFUSED) expect(result).toBeUndefined()
    else
      expect(result === null || result === undefined ? result : shown(type, result as ScalarValue)).toBe(
        value,
      )
  })
})

test('types are read in any letter case, with their parameters and defaults', () => {
  expect(parseHiveType('BigInt')).toEqual({ kind: 'bigint' })
  expect(parseHiveType('integer')).toEqual({ kind: 'int' })
  expect(parseHiveType('decimal')).toEqual({ kind: 'decimal', precision: 10, scale: 0 })
  expect(parseHiveType('decimal(5)')).toEqual({ kind: 'decimal', precision: 5, scale: 0 })
  expect(parseHiveType('DECIMAL( 38 , 18 )')).toEqual({ kind: 'decimal', precision: 38, scale: 18 })
})

test('nested types are read to any depth, with white space around their words and any name of a field', () => {
  expect(parseHiveType(' Array < INT > ')).toEqual({ kind: 'array', element: { kind: 'int' } })
  expect(parseHiveType('map<varchar(5),array<char(2)>>')).toEqual({
    kind: 'map',
    key: { kind: 'varchar', length: 5 },
    value: { kind: 'array', element: { kind: 'char', length: 2 } },
  })
  expect(parseHiveType('struct< Id : decimal( 5 , 2 ) , a b : struct<x:binary> >')).toEqual({
    kind: 'struct',
    fields: [
      { name: 'id', type: { kind: 'decimal', precision: 5, scale: 2 } },
      { name: 'a b', type: { kind: 'struct', fields: [{ name: 'x', type: { kind: 'binary' } }] } },
    ],
  })
  for (const [start, inside] of [
    ['array<', 'int'],
    ['map<int,', 'binary'],
    ['struct<a:', 'binary'],
  ] as const)
    expect(isNested(parseHiveType(`${start.repeat(99)}${inside}${'>'.repeat(99)}`))).toBe(true)
})

test('timestamps at any depth keep microseconds where the conversion says so', () => {
  expect(parseHiveType('array<timestamp>', { timestampUnit: 'micros' })).toEqual({
    kind: 'array',
    element: { kind: 'timestamp', unit: 'micros' },
  })
})

test.each([
  'array',
  'array<>',
  'array<int',
  'array<int>>',
  'array<int,int>',
  'map<int>',
  'map<binary,int>',
  'map<array<int>,int>',
  'struct<>',
  'struct<a>',
  'struct<:int>',
  'struct<a:int,A:int>',
  'struct<a:int,>',
  'uniontype<int,string>',
  'varchar',
  'varchar(0)',
  'varchar(65536)',
  'char(256)',
  'int(3)',
  `${'array<'.repeat(100)}int${'>'.repeat(100)}`,
  `${'map<int,'.repeat(100)}int${'>'.repeat(100)}`,
  'decimal(39,0)',
  'decimal(5,6)',
  'decimal(0,0)',
  'toString',
  '',
])('type %j is refused with a hint that names what there is', (type) => {
  expect(() => parseHiveType(type)).toThrow(
    expect.objectContaining({
      code: 'DataFormatConversion.InvalidTypeFormat',
      hint: expect.stringContaining('array<t>, map<k,t> and struct<name:t,…>'),
    }) as Error,
  )
})

test('a table without columns, or with two of one name, is an invalid schema', () => {
  const invalid = expect.objectContaining({ code: 'DataFormatConversion.InvalidSchema' }) as Error
  expect(() => typedColumns([])).toThrow(invalid)
  const column = { name: 'a', type: 'int' }
  expect(() => typedColumns([column, column])).toThrow(invalid)
})

test('a table of more columns, fields and elements than memory may know of is an invalid schema', () => {
  const wide = (width: number): { name: string; type: string }[] =>
    Array.from({ length: 2000 }, (_, n) => ({
      name: `c${n}`,
      type: `struct<${Array.from({ length: width }, (_every, at) => `f${at}:int`).join()}>`,
    }))
  expect(typedColumns(wide(14))).toHaveLength(2000)
  expect(() => typedColumns(wide(15))).toThrow(
    'read schema: the table has 32000 columns, fields and elements, more than 30000',
  )
})

test('a message quotes the refused text, and of a long one only the beginning, whole characters', () => {
  expect(mistyped('int', 'oops')).toEqual({
    code: 'DataFormatConversion.MalformedData',
    message: 'Data does not match the schema. For input string: "oops"',
  })
  expect(mistyped('date', 'oops').message).toBe(
    'Data does not match the schema. Invalid format for one or more dates.',
  )
  expect(mistyped('int', `${'x'.repeat(199)}😀😀`).message).toMatch(/: "x{199}…"$/)
  expect(mistyped('int', 'x'.repeat(1_000_000)).message.length).toBeLessThan(300)
})

test('a bigint keeps every digit', () => {
  const read = valueReader({ kind: 'bigint' })
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      expect(read(String(value))).toBe(value)
    }),
  )
})

test('a decimal is rounded from its digits, half away from zero', () => {
  fc.assert(
    fc.property(
      fc.bigInt(-(10n ** 20n), 10n ** 20n),
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
      (unscaled, digits, scale) => {
        const sign = unscaled < 0n ? '-' : ''
        const magnitude = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(digits + 1, '0')
        const point = magnitude.length - digits
        const text = `${sign}${magnitude.slice(0, point)}.${magnitude.slice(point)}`
        const factor = 10n ** BigInt(Math.max(digits - scale, 0))
        const scaled = BigInt(magnitude) * 10n ** BigInt(Math.max(scale - digits, 0))
        const rounded = (2n * scaled + factor) / (2n * factor)
        const read = valueReader({ kind: 'decimal', precision: 38, scale })
        expect(read(text)).toBe(unscaled < 0n ? -rounded : rounded)
      },
    ),
  )
})

test('a float is the one nearest to the text, also where the nearest double lies half-way between two', () => {
  const read = valueReader({ kind: 'float' })
  const half = (float: number): number => {
    const view = new DataView(new ArrayBuffer(4))
    view.setFloat32(0, float)
    view.setInt32(0, view.getInt32(0) + 1)
    return (float + view.getFloat32(0)) / 2
  }
  fc.assert(
    fc.property(fc.float({ min: Math.fround(1e-3), max: Math.fround(1e6), noNaN: true }), (float) => {
      const middle = half(float)
      const exact = middle.toFixed(60)
      const above = Number(read(`${exact}1`))
      const below = Number(read(`-${exact}1`))
      expect(above).toBeGreaterThan(middle)
      expect(below).toBe(-above)
      expect(read(exact)).toBe(Math.fround(middle))
    }),
  )
})

test('the grammars are plain enough for RE2: no look-around, no back-references', () => {
  for (const kind of ['boolean', 'int', 'double', 'decimal', 'date', 'timestamp'] as const) {
    expect(acceptedText(kind)).toMatch(/^\^.*\$$/)
    expect(acceptedText(kind)).not.toMatch(/\(\?[=!<]|\\[1-9]/)
  }
})

test.each([
  ['no columns', []],
  ['upper-case letters', [{ name: 'Amount', type: 'double' }]],
  ['U+0001', [{ name: 'line\u0001', type: 'string' }]],
])('a schema with %s is refused', (_what, columns) => {
  expect(() => typedColumns(columns)).toThrow(/^read schema: /)
})

/** A table in parts: all of it, in order, and no part wider than it may be. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnParts } from '../../src/convert/duckdb/column-parts.ts'
import { plainWriter } from '../../src/convert/duckdb/plain-json.ts'
import {
  isNested,
  parseHiveType,
  typedColumns,
  type HiveType,
  type TypedColumn,
} from '../../src/convert/hive-types.ts'
import { recordReader } from '../../src/convert/json-record.ts'
import { hiveType } from '../conformance/encoder/generated-types.ts'

function textOf(type: HiveType): string {
  if (!isNested(type)) return type.kind
  if (type.kind === 'array') return `array<${textOf(type.element)}>`
  if (type.kind === 'map') return `map<${type.key.kind},${textOf(type.value)}>`
  return `struct<${type.fields.map((field) => `${field.name}:${textOf(field.type)}`).join()}>`
}

const partsOf = (types: Readonly<Record<string, string>>, vectorsMax: number): string[][] =>
  columnParts(typedColumns(Object.entries(types).map(([name, type]) => ({ name, type }))), vectorsMax).map(
    (part) => part.map(({ name, type }) => `${name} ${textOf(type)}`),
  )

test('as many columns are together as there is room for', () => {
  expect(partsOf({ a: 'int', b: 'int', c: 'array<int>', d: 'int' }, 10)).toEqual([
    ['a int', 'b int', 'c array<int>', 'd int'],
  ])
  expect(partsOf({ a: 'int', b: 'int', c: 'array<int>', d: 'int' }, 3)).toEqual([
    ['a int', 'b int'],
    ['c array<int>', 'd int'],
  ])
})

test('a column that is wider is in several parts, with some of its fields in each', () => {
  expect(
    partsOf({ a: 'int', s: 'struct<x:int,y:array<struct<p:int,q:int,r:int>>,z:int>', m: 'map<string,struct<u:int,v:int>>' }, 5),
  ).toEqual([
    ['a int', 's struct<x:int>'],
    ['s struct<y:array<struct<p:int,q:int>>>'],
    ['s struct<y:array<struct<r:int>>,z:int>'],
    ['m map<string,struct<u:int>>'],
    ['m map<string,struct<v:int>>'],
  ]) // prettier-ignore
})

/** Leaves by their paths, each once: the keys of a map are in all parts of its values. */
function leaves(name: string, type: HiveType): string[] {
  if (!isNested(type)) return [`${name} ${type.kind}`]
  if (type.kind === 'array') return leaves(`${name}[]`, type.element)
  if (type.kind === 'map') return [`${name}.key`, ...leaves(`${name}.value`, type.value)]
  return type.fields.flatMap((field) => leaves(`${name}.${field.name}`, field.type))
}

const leavesOf = (columns: readonly TypedColumn[]): string[] => [
  ...new Set(columns.flatMap(({ name, type }) => leaves(name, type))),
]

test('whatever the table, its values are all there, in order', () => {
  const tables = fc.array(hiveType(4, true), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(tables, fc.integer({ min: 2, max: 12 }), (types, vectorsMax) => {
      const columns = types.map((type, index) => ({ name: `c${index}`, type: parseHiveType(type) }))
      const parts = columnParts(columns, vectorsMax)
      expect(leavesOf(parts.flat())).toEqual(leavesOf(columns))
      for (const part of parts) expect(new Set(part.map(({ name }) => name)).size).toBe(part.length)
    }),
  )
})

test('a part of a value is written with its fields alone', () => {
  const type = parseHiveType('array<struct<a:int,m:map<string,struct<u:int,v:binary>>,b:string>>')
  const { rows } = recordReader([{ name: 'v', type }], { caseInsensitive: true, hive: { timestampFormats: [] } })(
    Buffer.from('{"v":[{"a":1,"m":{"k":{"u":2,"v":"x"},"n":null}},null,{"b":"y"}]}'),
  ) // prettier-ignore
  const value = rows?.[0]?.[0] ?? 0
  const written = (part: string): string => plainWriter(type, parseHiveType(part))(value)
  expect(written('array<struct<a:int>>')).toBe('[{"a":1},null,{"a":null}]')
  expect(written('array<struct<m:map<string,struct<v:binary>>>>')).toBe(
    '[{"m":{"k":{"v":"x"},"n":null}},null,{"m":null}]',
  )
  expect(written('array<struct<b:string>>')).toBe('[{"b":null},null,{"b":"y"}]')
})

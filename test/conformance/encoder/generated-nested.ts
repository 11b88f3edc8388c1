/** Random batches for tables with nested columns: values of the right shape mostly, of other shapes now and then. */
import * as fc from 'fast-check'
import {
  isNested,
  parseHiveType,
  type HiveType,
  type ScalarType,
  type StructField,
} from '../../../src/convert/hive-types.ts'
import { partsOf } from '../../../src/convert/duckdb/column-sql.ts'
import { isTextKind } from '../../../src/convert/accepted-text.ts'
import { REFUSED, acceptedText } from './accepted-text.ts'
import { mutated, stringLiteral, value as anyValue, type ColumnSpec } from './generated-records.ts'
import { deepType, hiveType, optionsFor, type GeneratedOptions } from './generated-types.ts'

export interface NestedBatch {
  readonly columns: readonly ColumnSpec[]
  readonly records: readonly Buffer[]
  readonly recordsPerFrame: number
  readonly options: GeneratedOptions
}

const DEPTH_MAX = 3

/** How far records are from the usual: calm ones are read quickly mostly, wild ones hardly ever. */
type Mood = 'calm' | 'wild'

const often = (usual: fc.Arbitrary<string>, rare: fc.Arbitrary<string>, mood: Mood): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: usual, weight: mood === 'calm' ? 400 : 40 },
    { arbitrary: fc.constant('null'), weight: mood === 'calm' ? 20 : 3 },
    { arbitrary: rare, weight: 1 },
  )

/** What producers mostly send. */
const USUAL: Readonly<Partial<Record<ScalarType['kind'], readonly string[]>>> = {
  boolean: ['true', 'false'],
  tinyint: ['0', '7', '-12', '127'],
  smallint: ['0', '7', '-1200'],
  int: ['0', '7', '-12', '2147483647'],
  bigint: ['0', '-9', '1535365805123', '9007199254740993', '9223372036854775807'],
  float: ['0', '1.5', '-0.25', '16777216', '0.1'],
  double: ['0', '1.5', '-0.0', '0.1', '0.001', '12345678.25'],
  decimal: ['0', '0.5', '"0.25"', '-0.125'],
  date: ['"2018-08-27"', '"0001-01-01"', '"9999-12-31"'],
  timestamp: [
    '"2018-08-27 10:30:05.123456"',
    '"1969-12-31 23:59:59.9"',
    '"0001-01-01 00:00:00"',
    '1535365805123',
  ],
}

function takenBy(type: ScalarType): readonly string[] {
  const name = type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : type.kind
  const cases = acceptedText[name] ?? acceptedText[type.kind] ?? []
  return cases.filter(([, made]) => made !== REFUSED).map(([json]) => json)
}

const usualText = fc.oneof(
  { arbitrary: fc.stringMatching(/^[a-z 0-9:.,-]{0,12}$/).map((text) => JSON.stringify(text)), weight: 8 },
  { arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => JSON.stringify(text)), weight: 2 },
  {
    arbitrary: fc.constantFrom('"a\\nb"', '"\\u00e9"', '"12.50"', '0', '7', '-3.5', 'true', 'false'),
    weight: 1,
  },
)

const plainText = fc.oneof(
  fc.stringMatching(/^[a-z 0-9:.,-]{0,12}$/).map((text) => JSON.stringify(text)),
  stringLiteral,
  fc.constantFrom(
    '"[x]"',
    '"{}"',
    '"1e5"',
    '"-1.50e-7"',
    '"12.50"',
    '0',
    '-0',
    '7',
    '1.5',
    '1.50',
    '1e3',
    '123456789012345678',
  ),
)

/** JSON of a value of this type. */
function valueOf(type: HiveType, mood: Mood): fc.Arbitrary<string> {
  if (isTextKind(type.kind)) return often(mood === 'calm' ? usualText : plainText, anyValue, mood)
  if (!isNested(type)) {
    const usual = mood === 'calm' ? USUAL[type.kind] : undefined
    return often(fc.constantFrom(...(usual ?? takenBy(type))), anyValue, mood)
  }
  if (depthOf(type) > DEPTH_MAX) return fc.oneof({ arbitrary: deepValue(type, mood), weight: 30 }, anyValue)
  switch (type.kind) {
    case 'array':
      return often(listOf(valueOf(type.element, mood)), fc.oneof(valueOf(type.element, mood), anyValue), mood)
    case 'map':
      return often(objectOf(keyOfType(type.key, mood), valueOf(type.value, mood)), anyValue, mood)
    case 'struct':
      return often(structValue(type.fields, mood), anyValue, mood)
    default:
      throw new Error('there is no such type')
  }
}

const depthOf = (type: HiveType): number => (isNested(type) ? 1 + Math.max(...partsOf(type).map(depthOf)) : 0)

/** One value in each of many that are inside each other. */
function deepValue(type: HiveType, mood: Mood): fc.Arbitrary<string> {
  if (!isNested(type) || depthOf(type) <= 2) return valueOf(type, mood)
  switch (type.kind) {
    case 'array':
      return deepValue(type.element, mood).map((json) => `[${json}]`)
    case 'map':
      return fc
        .tuple(keyOfType(type.key, mood), deepValue(type.value, mood))
        .map(([key, json]) => `{${key}:${json}}`)
    case 'struct':
      return fc
        .tuple(...type.fields.map((field) => deepValue(field.type, mood)))
        .map(
          (values) =>
            `{${values.map((json, at) => `${JSON.stringify(type.fields[at]?.name)}:${json}`).join()}}`,
        )
    default:
      throw new Error('there is no such type')
  }
}

const gap = fc.constantFrom('', '', '', '', ' ', '\t')

function listOf(item: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(item, { maxLength: 4 }), gap)
    .map(([items, space]) => `[${space}${items.join(`${space},${space}`)}${space}]`)
}

function objectOf(key: fc.Arbitrary<string>, item: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(fc.tuple(key, item), { maxLength: 4 }), gap)
    .map(
      ([members, space]) =>
        `{${members.map(([name, json]) => `${name}${space}:${space}${json}`).join(`${space},`)}}`,
    )
}

const mapKey = fc.oneof(
  { arbitrary: fc.constantFrom('"a"', '"b"', '"c"', '"key one"', '"k.1"', '"x_y"'), weight: 12 },
  {
    arbitrary: fc.constantFrom('"A"', '"Key"', '"É"', '"é"', '""', '"\\u0061"', '"\u212a"', '"İ"', '"1"'),
    weight: 1,
  },
)

/** The same ones seldom twice, so that a map has them once mostly. */
const calmKey = fc.oneof(
  { arbitrary: fc.stringMatching(/^[a-z_.]{1,6}$/).map((key) => JSON.stringify(key)), weight: 60 },
  { arbitrary: mapKey, weight: 1 },
)

function keyOfType(type: ScalarType, mood: Mood): fc.Arbitrary<string> {
  if (isTextKind(type.kind)) return mood === 'calm' ? calmKey : mapKey
  const texts = takenBy(type).filter((json) => json !== 'null' && !/^[{[]/.test(json))
  const keys = texts.map((json) => (json.startsWith('"') ? json : `"${json}"`))
  return fc.oneof({ arbitrary: fc.constantFrom(...keys), weight: 20 }, { arbitrary: mapKey, weight: 1 })
}

const spelled = (name: string): fc.Arbitrary<string> =>
  fc
    .constantFrom('as is', 'as is', 'as is', 'as is', 'as is', 'as is', 'upper', 'escaped', 'dotted')
    .map((form) => {
      const json = JSON.stringify(name)
      if (form === 'upper') return json.toUpperCase()
      if (form === 'dotted') return json.replace('_', '.')
      return form === 'escaped' ? json.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : json
    })

/** In any order, some missing, some twice, some unknown; or by position. */
function structValue(fields: readonly StructField[], mood: Mood): fc.Arbitrary<string> {
  const member = fc.oneof(
    ...fields.map((field) => ({
      arbitrary: fc.tuple(spelled(field.name), valueOf(field.type, mood)),
      weight: 6,
    })),
    { arbitrary: fc.tuple(fc.constantFrom('"unknown"', '"z"'), anyValue), weight: 1 },
  )
  const loose = fc.array(member, { maxLength: fields.length + 1 })
  const whole = fc
    .tuple(...fields.map(({ type }) => valueOf(type, mood)))
    .map((values) =>
      fields.map(({ name }, index) => [JSON.stringify(name), values[index] ?? 'null'] as const),
    )
  const object = fc
    .oneof({ arbitrary: whole, weight: mood === 'calm' ? 90 : 3 }, { arbitrary: loose, weight: 1 })
    .map((members) => `{${members.map(([name, json]) => `${name}:${json}`).join(',')}}`)
  const byPosition = fc
    .tuple(...fields.map(({ type }) => valueOf(type, mood)))
    .map((values) => `[${values.join(',')}]`)
  return fc.oneof(
    { arbitrary: object, weight: mood === 'calm' ? 400 : 25 },
    { arbitrary: byPosition, weight: 1 },
  )
}

const COLUMN_NAMES = ['a', 'b', 'id', 'order_id', 'k', 'c d', 'é', 'name', 'line', 'doubt', 'place']

const columnsOf = (isHive: boolean): fc.Arbitrary<readonly ColumnSpec[]> =>
  fc
    .uniqueArray(
      fc.oneof(
        { arbitrary: fc.constantFrom(...COLUMN_NAMES.filter((name) => name !== 'é')), weight: 30 },
        { arbitrary: fc.constant('é'), weight: 1 },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .chain((names) =>
      fc
        .tuple(
          ...names.map(() =>
            fc.oneof(
              { arbitrary: hiveType(DEPTH_MAX, isHive), weight: 30 },
              { arbitrary: deepType(isHive), weight: 1 },
            ),
          ),
        )
        .map((types) => names.map((name, index): ColumnSpec => [name, types[index] ?? 'string'])),
    )

const batchOf = (
  columns: readonly ColumnSpec[],
  options: GeneratedOptions,
  size: number,
  mood: Mood,
): fc.Arbitrary<NestedBatch> => {
  const fields = columns.map(([name, type]) => ({
    name: options.jsonKeys?.[name] ?? name,
    type: parseHiveType(type, options),
  }))
  const record = structValue(fields, mood)
  const asBytes = (json: fc.Arbitrary<string>): fc.Arbitrary<Buffer> => json.map((text) => Buffer.from(text))
  return fc.record({
    columns: fc.constant(columns),
    options: fc.constant(options),
    recordsPerFrame: fc.integer({ min: 1, max: size }),
    records: fc.array(
      fc.oneof(
        { arbitrary: asBytes(record), weight: mood === 'calm' ? 150 : 30 },
        { arbitrary: asBytes(record.map((json) => `${json}\n`)), weight: 1 },
        { arbitrary: asBytes(fc.tuple(record, record).map((two) => two.join(''))), weight: 1 },
        { arbitrary: mutated(record), weight: 2 },
      ),
      { minLength: 1, maxLength: size, size: 'max' },
    ),
  })
}

/** @param size records in a batch */
export function nestedBatch(size: number): fc.Arbitrary<NestedBatch> {
  return fc
    .record({
      isHive: fc.constantFrom(false, false, false, true),
      mood: fc.constantFrom<Mood>('calm', 'calm', 'wild'),
    })
    .chain(({ isHive, mood }) =>
      columnsOf(isHive).chain((columns) =>
        optionsFor(columns, isHive).chain((options) => batchOf(columns, options, size, mood)),
      ),
    )
}

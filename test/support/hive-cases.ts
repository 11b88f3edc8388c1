/** Random schemas, rules and records for the reference interpreter: values that fit mostly, nearly, or not at all. */
import * as fc from 'fast-check'
import type { ReferenceColumns, ReferenceRules, ReferenceType } from './hive-reference.ts'

export interface GeneratedCase {
  readonly columns: ReferenceColumns
  readonly rules: ReferenceRules
  readonly record: Buffer
}

const NUMERIC = [
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'decimal(5,2)',
  'decimal(38,10)',
  'decimal(10,0)',
]
const KEY_TYPES = [...NUMERIC, 'boolean', 'date', 'timestamp', 'string', 'varchar(3)', 'char(4)'] // prettier-ignore
const NAMES = ['a', 'b', 'key', 'a_b', 'k_1', 'timestamp', 'é']

const typeOf = (scalars: readonly string[], depth: number): fc.Arbitrary<ReferenceType> => {
  const scalar: fc.Arbitrary<ReferenceType> = fc.constantFrom(...scalars)
  if (depth === 0) return scalar
  const inner = typeOf(scalars, depth - 1)
  return fc.oneof(
    { arbitrary: scalar, weight: 3 },
    { arbitrary: inner.map((array): ReferenceType => ({ array })), weight: 1 },
    { arbitrary: fc.tuple(fc.constantFrom('string', ...KEY_TYPES), inner).map((map): ReferenceType => ({ map })), weight: 1 },
    { arbitrary: fieldsOf(inner).map((struct): ReferenceType => ({ struct })), weight: 1 },
  ) // prettier-ignore
}

const fieldsOf = (type: fc.Arbitrary<ReferenceType>): fc.Arbitrary<ReferenceColumns> =>
  fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), type), {
    selector: ([name]) => name,
    minLength: 1,
    maxLength: 4,
  })

const openxRules: fc.Arbitrary<ReferenceRules> = fc.record(
  {
    caseInsensitive: fc.boolean(),
    dotsToUnderscores: fc.constant(true as const),
    jsonKeys: fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom('Key', 'a.b', 'timestamp', 'mapped')),
    timestampUnit: fc.constant('micros' as const),
  },
  { requiredKeys: ['caseInsensitive'] },
)

const hiveRules: fc.Arbitrary<ReferenceRules> = fc.record(
  {
    caseInsensitive: fc.boolean(),
    timestampUnit: fc.constant('micros' as const),
    hive: fc.record({
      timestampFormats: fc.subarray(['millis', 'yyyy-MM-dd/HH:mm', 'd.M.yyyy', 'yyyy']),
    }),
  },
  { requiredKeys: ['caseInsensitive', 'hive'] },
)

const digits = fc.stringMatching(/^[0-9]{1,20}$/)
const number = fc
  .tuple(fc.constantFrom('', '-'), digits, fc.option(digits, { nil: undefined, freq: 2 }), fc.constantFrom('', '', '', 'e1', 'E-3', 'e+15', 'e30', 'e-40', 'e400'))
  .map(([sign, whole, rest, exponent]) => sign + whole.replace(/^0+(?=.)/, '') + (rest === undefined ? '' : `.${rest}`) + exponent) // prettier-ignore

/** JSON of what the types take, at their edges. */
const NUMBERS = [
  '0',
  '-0',
  '-0.0',
  '1',
  '12',
  '-7',
  '5.0',
  '1.5',
  '1e1',
  '1.5e3',
  '127',
  '128',
  '-129',
  '32768',
  '2147483648',
  '9223372036854775807',
  '-9223372036854775809',
  '16777217.0000000001',
  '3.4028235677973366e38',
  '3.4028235677973367e38',
  '1e39',
  '1.401298464324817e-46',
  '1535365805.1239',
  '1535365805123.45678',
  '999999999999.9',
  '-0.0000001',
  '999.995',
  '-0.005',
  '1e40',
  '-1e-3',
]
const TEXTS = ['', ' ', '12', '+5', '007', '-0', '1.50', '5.', '.5', '1e3', 'NaN', 'Infinity', '-Infinity', 'true', 'FALSE', 'oops', 'T', '2018-08-27', '2018-2-9', '2024-02-29', '2023-02-29', '0001-01-01', '2018-08-27T10:30:05Z', '2018-08-27T10:30:05.123456789Z', '2018-08-27 10:30:05.5', '2018-8-7 10:30:05', '2018-08-27T10:30:05+09:00', '1535365805123', '-1.5', '2018-08-27/10:30', '7.8.2018', '31.4.2018', '2018', 'Ab.c', 'é😀x', '\u0001\n"\\', 'ab', 'abcd', '1'.repeat(60), '😀'.repeat(120)] // prettier-ignore

const string = fc.oneof(
  { arbitrary: fc.constantFrom(...TEXTS), weight: 6 },
  { arbitrary: number, weight: 1 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 5 }), weight: 1 },
)
const stringJson = fc.tuple(string, fc.integer({ min: 0, max: 9 })).map(([text, form]) => {
  const json = JSON.stringify(text)
  return form === 0 ? json.replace(/[a-zA-Z0-9](?=")/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : json
})
const numberJson = fc.oneof(
  { arbitrary: fc.constantFrom(...NUMBERS), weight: 3 },
  { arbitrary: number, weight: 1 },
)
const word = fc.constantFrom('true', 'false', 'null')
const anything = fc.oneof(
  stringJson,
  numberJson,
  word,
  fc.json({ maxDepth: 2 }),
  fc.array(numberJson, { maxLength: 2 }).map((items) => `[${items.join(',')}]`),
  stringJson.map((json) => `{"A.b":${json}}`),
  fc.constantFrom('[]', '{}'),
)

/** Mostly of the kind that the type takes, so that whole records fit now and then. */
function scalarJson(type: string): fc.Arbitrary<string> {
  const fits =
    type === 'boolean'
      ? fc.constantFrom('true', 'false', '"true"', '"False"')
      : type === 'date'
        ? fc.constantFrom('"2018-08-27"', '"2024-2-29"', '"0001-01-01"', '"9999-12-31"')
        : type === 'timestamp'
          ? fc.constantFrom('"2018-08-27 10:30:05"', '"2018-8-27 10:30:05.123456789"', '1535365805', '1535365805.1239', '"2018-08-27T10:30:05.5Z"', '"2018-08-27/10:30"') // prettier-ignore
          : NUMERIC.includes(type)
            ? fc.constantFrom('0', '1', '-7', '12', '100', '1.0', '-0', '"5"', '1e1')
            : stringJson
  return fc.oneof(
    { arbitrary: fits, weight: 30 },
    { arbitrary: fc.constant('null'), weight: 3 },
    { arbitrary: fc.oneof(stringJson, numberJson), weight: 4 },
    { arbitrary: anything, weight: 1 },
  )
}

const space = fc.constantFrom('', '', '', '', ' ', '\n', '\t')
const spelt = (name: string): fc.Arbitrary<string> =>
  fc.constantFrom('', '', '', 'upper', 'dot', 'escape').map((form) => {
    if (form === 'upper') return JSON.stringify(name.toUpperCase())
    if (form === 'dot') return JSON.stringify(name.replace('_', '.'))
    const json = JSON.stringify(name)
    return form === 'escape' ? json.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : json
  })

function jsonOf(type: ReferenceType): fc.Arbitrary<string> {
  if (typeof type === 'string') return scalarJson(type)
  if ('array' in type) return mostly(listOf(jsonOf(type.array)), jsonOf(type.array))
  if ('map' in type) {
    const key = mostly(scalarJson(type.map[0]), stringJson).map((json) => (json.startsWith('"') ? json : JSON.stringify(json)))
    return mostly(objectOf(fc.array(fc.tuple(key, jsonOf(type.map[1])), { maxLength: 3 })), anything)
  } // prettier-ignore
  const byPosition = fc
    .tuple(...type.struct.map(([, field]) => jsonOf(field)))
    .map((items) => `[${items.join(',')}]`)
  return mostly(objectOf(membersOf(type.struct)), fc.oneof(byPosition, listOf(anything), anything))
}

const mostly = (usual: fc.Arbitrary<string>, rare: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: usual, weight: 20 }, { arbitrary: rare, weight: 1 })

const listOf = (item: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(space, fc.array(item, { maxLength: 3 }))
    .map(([gap, items]) => `[${gap}${items.join(`${gap},${gap}`)}]`)

const objectOf = (members: fc.Arbitrary<readonly (readonly [string, string])[]>): fc.Arbitrary<string> =>
  fc.tuple(space, members).map(([gap, list]) => `{${gap}${list.map(([key, json]) => `${key}${gap}:${gap}${json}`).join(`${gap},`)}}`) // prettier-ignore

function membersOf(fields: ReferenceColumns, keys: Readonly<Record<string, string>> = {}) {
  const known = fields.map(([name, type]) =>
    fc.tuple(spelt((Object.hasOwn(keys, name) ? keys[name] : undefined) ?? name), jsonOf(type)),
  )
  const other = fc.tuple(fc.constantFrom('"unknown"', '"mapped"', '"KEY"'), anything)
  const some = fc.array(fc.oneof(...known, other), { maxLength: 5 })
  return fc.oneof({ arbitrary: fc.tuple(...known), weight: 2 }, { arbitrary: some, weight: 1 })
}

const damaged = (json: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(json, fc.nat(), fc.uint8Array({ maxLength: 2 }), fc.nat(2))
    .map(([text, place, inserted, removed]) => {
      const bytes = Buffer.from(text)
      const at = place % (bytes.length + 1)
      return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)])
    })

export function generatedCase(serde: 'OpenX' | 'Hive'): fc.Arbitrary<GeneratedCase> {
  const rules = serde === 'OpenX' ? openxRules : hiveRules
  const scalars = serde === 'OpenX' ? KEY_TYPES : [...KEY_TYPES, 'binary']
  return fc.tuple(fieldsOf(typeOf(scalars, 3)), rules).chain(([columns, chosen]) => {
    const json = objectOf(membersOf(columns, chosen.jsonKeys))
    const record = fc.oneof(
      { arbitrary: json.map((text) => Buffer.from(text)), weight: 20 },
      { arbitrary: fc.tuple(json, space, json).map((parts) => Buffer.from(parts.join(''))), weight: 2 },
      { arbitrary: anything.map((text) => Buffer.from(text)), weight: 1 },
      { arbitrary: damaged(json), weight: 2 },
    )
    return record.map((bytes) => ({ columns, rules: chosen, record: bytes }))
  })
}

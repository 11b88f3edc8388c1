/** Random column types: scalars, and arrays, maps and structs of them inside each other. */
import * as fc from 'fast-check'
import type { HiveOptions } from '../../../src/domain/delivery-stream.ts'
import { acceptedText } from './accepted-text.ts'

const scalarType = fc.oneof(
  { arbitrary: fc.constantFrom(...Object.keys(acceptedText)), weight: 3 },
  { arbitrary: fc.constantFrom('string', 'int', 'double', 'bigint', 'timestamp', 'boolean'), weight: 2 },
)

/** Of maps; mostly text. */
const keyType = fc.oneof(
  { arbitrary: fc.constant('string'), weight: 5 },
  {
    arbitrary: fc.constantFrom('int', 'varchar(3)', 'date', 'boolean', 'decimal(10,2)', 'double'),
    weight: 1,
  },
)

/** Seldom one that something else in the table has: what is a struct in one place and an array in another is never quick. */
const fieldName = fc.oneof(
  { arbitrary: fc.stringMatching(/^[a-z]{2,4}(_[a-z])?$/), weight: 6 },
  { arbitrary: fc.constantFrom('a', 'id', 'name', 'k', 'order_id', 'x y', 'k1'), weight: 1 },
)

/** Types of columns; nested at most so deep. @param isHive bytes are read by HiveJsonSerDe alone */
export function hiveType(depth: number, isHive: boolean): fc.Arbitrary<string> {
  const scalar = isHive
    ? fc.oneof({ arbitrary: scalarType, weight: 9 }, { arbitrary: fc.constant('binary'), weight: 1 })
    : scalarType
  if (depth === 0) return scalar
  const inner = hiveType(depth - 1, isHive)
  const struct = fc
    .uniqueArray(fieldName, {
      minLength: 1,
      maxLength: 4,
    })
    .chain((names) => fc.tuple(...names.map((name) => inner.map((type) => `${name}:${type}`))))
    .map((fields) => `struct<${fields.join(',')}>`)
  return fc.oneof(
    { arbitrary: scalar, weight: 3 },
    { arbitrary: inner.map((type) => `array<${type}>`), weight: 2 },
    { arbitrary: fc.tuple(keyType, inner).map(([key, type]) => `map<${key},${type}>`), weight: 2 },
    { arbitrary: struct, weight: 2 },
  )
}

export interface GeneratedOptions {
  readonly caseInsensitive: boolean
  readonly timestampUnit?: 'micros'
  readonly dotsToUnderscores?: true
  readonly jsonKeys?: Readonly<Record<string, string>>
  readonly hive?: HiveOptions
}

const hive = fc.constantFrom<HiveOptions>(
  { timestampFormats: [] },
  { timestampFormats: ['millis'] },
  { timestampFormats: ['yyyy-MM-dd HH:mm:ss', 'millis'] },
  { timestampFormats: ['yyyy-dd-MM HH:mm:ss'] },
)

/** Options of a conversion; of columns the first may be mapped. */
export const optionsFor = (
  columns: readonly (readonly [name: string, type: string])[],
  isHive: boolean,
): fc.Arbitrary<GeneratedOptions> =>
  fc
    .record({
      caseInsensitive: fc.constantFrom(true, true, true, false),
      micros: fc.boolean(),
      dots: fc.constantFrom(false, false, false, true),
      mapped: fc.option(fc.constantFrom('timestamp', 'TheKey', 'b', 'a.b'), { nil: undefined, freq: 5 }),
      hive: isHive ? hive : fc.constant(undefined),
    })
    .map(({ caseInsensitive, micros, dots, mapped, hive: hiveOptions }) => ({
      caseInsensitive,
      ...(micros ? { timestampUnit: 'micros' as const } : {}),
      ...(hiveOptions === undefined
        ? {
            ...(dots ? { dotsToUnderscores: true as const } : {}),
            ...(mapped === undefined ? {} : { jsonKeys: { [columns[0]?.[0] ?? '']: mapped } }),
          }
        : { hive: hiveOptions }),
    }))

/** One that is far deeper than what is read quickly. */
export function deepType(isHive: boolean): fc.Arbitrary<string> {
  const starts = fc.oneof(
    fc.constant('array<'),
    keyType.map((key) => `map<${key},`),
    fieldName.map((name) => `struct<${name}:`),
  )
  return fc
    .tuple(fc.array(starts, { minLength: 9, maxLength: 40, size: 'max' }), hiveType(1, isHive))
    .map(([around, inside]) => `${around.join('')}${inside}${'>'.repeat(around.length)}`)
}

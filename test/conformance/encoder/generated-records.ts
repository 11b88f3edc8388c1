/** Random schemas and records for them: mostly right, often nearly right, sometimes nonsense. */
import * as fc from 'fast-check'
import type { MetadataColumn } from '../../../src/domain/delivery-stream.ts'
import { REFUSED, acceptedText } from './accepted-text.ts'
import type { FrameSource } from './encoding.ts'
import { METADATA_NAMES, frameSources, metadataColumns } from './generated-sources.ts'
import { optionsFor, type GeneratedOptions } from './generated-types.ts'
import { oddRecords } from './odd-records.ts'

export type ColumnSpec = readonly [name: string, type: string]

export interface GeneratedBatch {
  readonly columns: readonly ColumnSpec[]
  readonly records: readonly Buffer[]
  readonly caseInsensitive: boolean
  readonly options: GeneratedOptions
  readonly recordsPerFrame: number
  readonly metadataColumns: readonly MetadataColumn[]
  readonly sources: readonly (FrameSource | undefined)[]
  readonly careful: boolean
}

const types = Object.keys(acceptedText)
const digits = fc.stringMatching(/^[0-9]{1,22}$/)
const fraction = fc.option(fc.stringMatching(/^[0-9]{1,22}$/), { nil: '', freq: 2 })
const exponent = fc.option(
  fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'E-'), fc.integer({ min: 0, max: 45 })),
  { nil: undefined, freq: 6 },
)

/** A number as JSON allows it. */
const number = fc
  .tuple(fc.constantFrom('', '', '-'), digits, fraction, exponent)
  .map(([sign, whole, rest, power]) => {
    const integer = whole.replace(/^0+(?=.)/, '')
    return sign + integer + (rest === '' ? '' : `.${rest}`) + (power?.join('') ?? '')
  })

const EDGES = ['127', '128', '-129', '32768', '2147483647', '2147483648', '-2147483649', '9223372036854775807', '9223372036854775808',
  '999999999999', '1000000000000', '253402300799', '253402300800', '16777217', '9007199254740993', '3.4028235677973366e38', '1e39',
  '1.7976931348623158e308', '1e309', '4.9e-324', '99999999.995', '0.005', '-0', '-0.0', '0.0', '1.0', '1e0'] // prettier-ignore

const numeric = fc.oneof(
  { arbitrary: number, weight: 4 },
  { arbitrary: fc.constantFrom(...EDGES), weight: 1 },
)

const pad = (value: number, width: number): string => String(value).padStart(width, '0')
const day = fc
  .tuple(
    fc.integer({ min: 0, max: 10_001 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.boolean(),
  )
  .map(([y, m, d, short]) => (short ? `${pad(y, 4)}-${m}-${d}` : `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}`))
const recentDay = fc
  .tuple(
    fc.integer({ min: 1960, max: 2030 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 31 }),
  )
  .map(([y, m, d]) => `${y}-${pad(m, 2)}-${pad(d, 2)}`)
const time = fc
  .tuple(
    fc.integer({ min: 0, max: 24 }),
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 0, max: 60 }),
    fraction,
  )
  .map(([h, m, s, f]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${f === '' ? '' : `.${f.slice(0, 10)}`}`)
const moment = fc
  .tuple(
    fc.oneof(recentDay, recentDay, day),
    fc.constantFrom('T', ' ', 't', '  '),
    time,
    fc.constantFrom('Z', '', '', 'z', '+00:00'),
  )
  .map((parts) => parts.join(''))

const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    'true',
    'TRUE',
    'False',
    't',
    'null',
    'NaN',
    'Infinity',
    '-Infinity',
    'inf',
    'nan',
    'epoch',
    '',
    ' ',
    '\ufeff',
    '\u0000',
    '😀',
    '\\',
    '"',
    '{}',
    '1_000',
    '0x10',
  ),
)

/** The characters of a JSON string. */
const text = fc.oneof(
  { arbitrary: word, weight: 2 },
  { arbitrary: numeric, weight: 2 },
  { arbitrary: numeric.map((n) => `+${n}`), weight: 1 },
  { arbitrary: numeric.map((n) => ` ${n}`), weight: 1 },
  { arbitrary: day, weight: 1 },
  { arbitrary: recentDay, weight: 1 },
  { arbitrary: moment, weight: 2 },
)

export const stringLiteral = fc.tuple(text, fc.boolean()).map(([value, escape]) => {
  const json = JSON.stringify(value)
  return escape
    ? json.replace(/[a-z0-9](?=")/, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json
})

const known = fc.constantFrom(...Object.values(acceptedText).flatMap((cases) => cases.map(([json]) => json)))

const scalar = fc.oneof(
  { arbitrary: known, weight: 4 },
  { arbitrary: numeric, weight: 3 },
  { arbitrary: stringLiteral, weight: 3 },
  { arbitrary: fc.constantFrom('true', 'false', 'null', 'null'), weight: 1 },
)

const space = fc.constantFrom('', '', '', ' ', '\t', '\n', ' \r\n')

const nested = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value, null, 1)),
  fc.array(scalar, { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`),
  fc.tuple(stringLiteral, scalar).map(([key, value]) => `{ ${key} : ${value} }`),
)

export const value = fc.oneof({ arbitrary: scalar, weight: 8 }, { arbitrary: nested, weight: 1 })

const keyOf = (names: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.oneof(
        { arbitrary: fc.constantFrom(...names), weight: 8 },
        { arbitrary: fc.constantFrom('unknown', 'z', '', 'É'), weight: 1 },
        { arbitrary: fc.constantFrom(...METADATA_NAMES, 'm0', 'm1', 'm2', 'mm3'), weight: 1 },
      ),
      fc.constantFrom('as is', 'as is', 'as is', 'as is', 'as is', 'upper', 'escaped'),
    )
    .map(([name, form]) => {
      if (form === 'upper') return JSON.stringify(name.toUpperCase())
      const json = JSON.stringify(name)
      return form === 'escaped' ? json.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : json
    })

/** A value that a column of this type takes, mostly. */
const fitting = (type: string): fc.Arbitrary<string> => {
  const taken = (acceptedText[type] ?? acceptedText['string'] ?? [])
    .filter(([, made]) => made !== REFUSED)
    .map(([json]) => json)
  return fc.oneof({ arbitrary: fc.constantFrom(...taken), weight: 30 }, { arbitrary: value, weight: 1 })
}

const document = (columns: readonly ColumnSpec[]): fc.Arbitrary<string> => {
  const names = columns.map(([name]) => name)
  const whole = fc
    .tuple(...columns.map(([, type]) => fitting(type)))
    .map(
      (values) =>
        `{${names.map((name, index) => `${JSON.stringify(name)}:${values[index] ?? 'null'}`).join(',')}}`,
    )
  const loose = fc
    .array(fc.tuple(space, keyOf(names), space, value, space), { maxLength: names.length + 2 })
    .map((members) => `{${members.map(([a, key, b, json, c]) => `${a}${key}${b}:${json}${c}`).join(',')}}`)
  return fc.oneof({ arbitrary: whole, weight: 3 }, { arbitrary: loose, weight: 1 })
}

export const mutated = (record: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(record, fc.nat(), fc.integer({ min: 0, max: 2 }), fc.uint8Array({ maxLength: 2 }))
    .map(([original, position, removed, inserted]) => {
      const bytes = Buffer.from(original)
      const at = position % (bytes.length + 1)
      return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)])
    })

const recordOf = (columns: readonly ColumnSpec[]): fc.Arbitrary<Buffer> => {
  const one = document(columns)
  const several = fc
    .array(fc.tuple(one, space), { minLength: 2, maxLength: 3 })
    .map((parts) => parts.flat().join(''))
  const asBytes = (record: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
    record.map((json) => Buffer.from(json))
  return fc.oneof(
    { arbitrary: asBytes(one), weight: 24 },
    { arbitrary: asBytes(one.map((json) => `${json}\n`)), weight: 2 },
    { arbitrary: asBytes(several), weight: 1 },
    { arbitrary: mutated(one), weight: 4 },
    { arbitrary: fc.constantFrom(...smallOddRecords), weight: 1 },
  )
}

const smallOddRecords = oddRecords
  .map(({ record }) => Buffer.from(record))
  .filter(({ length }) => length < 1000)

const names = fc.uniqueArray(
  fc.constantFrom(
    'a',
    'b',
    'c',
    'n',
    'id',
    'order_id',
    'at',
    'é',
    'select',
    'a b',
    'm0',
    'mm',
    'line',
    'place',
  ),
  {
    minLength: 1,
    maxLength: 5,
  },
)

const schema = (isHive: boolean): fc.Arbitrary<readonly ColumnSpec[]> =>
  names.chain((columnNames) =>
    fc
      .tuple(...columnNames.map(() => fc.constantFrom(...types, ...(isHive ? ['binary'] : []))))
      .map((columnTypes) =>
        columnNames.map((name, index): ColumnSpec => [name, columnTypes[index] ?? 'string']),
      ),
  )

/** @param size records in a batch */
export function generatedBatch(size: number): fc.Arbitrary<GeneratedBatch> {
  return fc
    .constantFrom(false, false, false, true)
    .chain((isHive) =>
      schema(isHive).chain((columns) =>
        optionsFor(columns, isHive).chain((options) => batchOf(columns, options, size)),
      ),
    )
}

function batchOf(
  columns: readonly ColumnSpec[],
  options: GeneratedOptions,
  size: number,
): fc.Arbitrary<GeneratedBatch> {
  const members = columns.map(([name, type]): ColumnSpec => [options.jsonKeys?.[name] ?? name, type])
  return fc.record({
    columns: fc.constant(columns),
    records: fc.array(recordOf(members), { minLength: 1, maxLength: size, size: 'max' }),
    caseInsensitive: fc.constant(options.caseInsensitive),
    options: fc.constant(options),
    recordsPerFrame: fc.integer({ min: 1, max: size }),
    metadataColumns,
    sources: frameSources,
    careful: fc.constantFrom(false, false, false, false, true),
  })
}

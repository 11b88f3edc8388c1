/**
 * Hive's column types: what their names mean, which text each takes, and what is said of a record that does not fit.
 *
 * Both engines read a value as text (json-record says what the text of a JSON value is) and accept it if it matches the
 * type's grammar and its value lies in the type's range. A grammar knows nothing of where the text came from: the number
 * 12 and the string "12" are the same. The table in docs/firehose-compatibility.md is written from this file.
 */
import type { Column, MetadataField } from '../domain/delivery-stream.ts'
import { EncoderError } from '../domain/errors.ts'

export type IntegerKind = 'tinyint' | 'smallint' | 'int' | 'bigint'

/** A column type. `decimal` carries precision (1 to 38) and scale (0 to precision). */
export type HiveType =
  | { readonly kind: IntegerKind | 'boolean' | 'float' | 'double' | 'string' | 'date' | 'timestamp' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

export type HiveKind = HiveType['kind']

export interface TypedColumn {
  readonly name: string
  readonly type: HiveType
  /** What the column holds when it is not read from the record but says where that came from; see metadata-columns. */
  readonly field?: MetadataField
}

const SUPPORTED =
  'boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), string, date and timestamp'

const PLAIN_TYPES: Readonly<Record<string, Exclude<HiveKind, 'decimal'>>> = {
  boolean: 'boolean',
  tinyint: 'tinyint',
  smallint: 'smallint',
  int: 'int',
  integer: 'int',
  bigint: 'bigint',
  float: 'float',
  double: 'double',
  string: 'string',
  date: 'date',
  timestamp: 'timestamp',
}

/**
 * Reads a type as Hive and Glue write it, in any letter case. `decimal` alone is decimal(10,0), `decimal(p)` decimal(p,0).
 * Throws EncoderError `DataFormatConversion.InvalidTypeFormat` for a type that cannot be converted to.
 */
export function parseHiveType(text: string): HiveType {
  const word = text.trim().toLowerCase()
  const plain = Object.hasOwn(PLAIN_TYPES, word) ? PLAIN_TYPES[word] : undefined
  if (plain !== undefined) return { kind: plain }
  const decimal = /^decimal\s*(?:\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\))?$/.exec(word)
  if (decimal !== null) {
    const precision = Number(decimal[1] ?? 10)
    const scale = Number(decimal[2] ?? 0)
    if (precision >= 1 && precision <= 38 && scale <= precision) return { kind: 'decimal', precision, scale }
  }
  throw new EncoderError(`read type ${JSON.stringify(text)}: it cannot be converted to`, {
    code: 'DataFormatConversion.InvalidTypeFormat',
    hint: `use one of ${SUPPORTED} (precision 1 to 38, scale 0 to precision)`,
  })
}

/**
 * The columns of a table with their types read. Throws EncoderError for a type that is not supported
 * (`DataFormatConversion.InvalidTypeFormat`), for no columns, or for columns without a name, of one name, or with a name that
 * Glue would not keep: with upper-case letters, or U+0001 (`.InvalidSchema`).
 */
export function typedColumns(columns: readonly Column[]): readonly TypedColumn[] {
  const names = new Set<string>()
  for (const { name } of columns) {
    if (name === '') throw invalidSchema('a column has no name')
    if (name !== name.toLowerCase()) throw invalidSchema(`column ${JSON.stringify(name)} is not lower-case`)
    if (name.includes('\u0001')) throw invalidSchema(`column ${JSON.stringify(name)} holds U+0001`)
    if (names.has(name)) throw invalidSchema(`column ${JSON.stringify(name)} is there twice`)
    names.add(name)
  }
  if (columns.length === 0) throw invalidSchema('the table has no columns')
  return columns.map(({ name, type }) => ({ name, type: parseHiveType(type) }))
}

function invalidSchema(what: string): EncoderError {
  return new EncoderError(`read schema: ${what}`, {
    code: 'DataFormatConversion.InvalidSchema',
    hint: 'correct the columns of the table in the catalog',
  })
}

/** Smallest and largest value of each integer type. */
export const INTEGER_RANGE: Readonly<Record<IntegerKind, readonly [min: bigint, max: bigint]>> = {
  tinyint: [-128n, 127n],
  smallint: [-32_768n, 32_767n],
  int: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
}

export function isIntegerKind(kind: HiveKind): kind is IntegerKind {
  return Object.hasOwn(INTEGER_RANGE, kind)
}

/** Epoch milliseconds of 0001-01-01T00:00:00Z and of the last millisecond of 9999, the range of dates and timestamps. */
export const TIMESTAMP_MS_MIN = -62_135_596_800_000
export const TIMESTAMP_MS_MAX = 253_402_300_799_999
/** A number for a timestamp whose absolute value is below this counts seconds, else milliseconds. */
export const TIMESTAMP_SECONDS_BELOW = 1_000_000_000_000

const NUMBER = '[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)'
const YEAR = '(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})'
const MONTH = '(?:0?[1-9]|1[0-2])'
const DAY = '(?:0?[1-9]|[12][0-9]|3[01])'
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,9})?'

/** A whole number; a fraction may only be zeros. */
const INTEGER = '[+-]?[0-9]+(?:[.]0+)?'
/** `2018-08-27T10:30:05.123Z`: two-digit fields and a `Z`. */
const TIMESTAMP_ISO = `${YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T${TIME}Z`
/** `2018-8-27 10:30:05.123`, taken as UTC. */
const TIMESTAMP_SQL = `${YEAR}-${MONTH}-${DAY} ${TIME}`
/** Seconds or milliseconds since 1970, with a fraction or without. */
const TIMESTAMP_NUMBER = '[+-]?[0-9]+(?:[.][0-9]+)?'

const GRAMMARS: Readonly<Record<Exclude<HiveKind, 'string'>, string>> = {
  boolean: '^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$',
  tinyint: `^${INTEGER}$`,
  smallint: `^${INTEGER}$`,
  int: `^${INTEGER}$`,
  bigint: `^${INTEGER}$`,
  float: `^(?:${NUMBER}(?:[eE][+-]?[0-9]+)?|NaN|[+-]?Infinity)$`,
  double: `^(?:${NUMBER}(?:[eE][+-]?[0-9]+)?|NaN|[+-]?Infinity)$`,
  decimal: `^${NUMBER}(?:[eE][+-]?[0-9]{1,3})?$`,
  date: `^${YEAR}-${MONTH}-${DAY}$`,
  timestamp: `^(?:${TIMESTAMP_ISO}|${TIMESTAMP_SQL}|${TIMESTAMP_NUMBER})$`,
}

/**
 * The text that a type takes, as one anchored pattern that JavaScript and RE2 read alike (a string column takes all text
 * and has no pattern). The value must then lie in the type's range:
 *
 * - integers: as INTEGER_RANGE; a fraction of zeros is dropped;
 * - float, double: the nearest value, which must be finite unless the text says Infinity; too small a number becomes 0;
 * - decimal(p,s): rounded half up (away from zero) to s digits from the text itself, then of at most p digits;
 * - date, timestamp: a day of the (proleptic Gregorian) calendar in the years 1 to 9999; a timestamp is rounded down to
 *   the millisecond.
 */
export function acceptedText(kind: Exclude<HiveKind, 'string'>): string {
  return GRAMMARS[kind]
}

/** What is wrong with a record, in the words of Firehose's error output. */
export interface Verdict {
  readonly code: string
  readonly message: string
}

const malformedData = (message: string): Verdict => ({ code: 'DataFormatConversion.MalformedData', message })

export const verdicts = {
  empty: malformedData('The record was empty or contained only whitespace.'),
  notUtf8: malformedData('The data cannot be decoded as UTF-8.'),
  primitive: malformedData(
    'The input JSON contained a primitive at the top level. The top level must be an object or array.',
  ),
  array: malformedData('Data does not match the schema. The top level is an array, not an object.'),
  deep: malformedData('Data contains a highly nested JSON structure that is not supported.'),
  longKey: malformedData('Length of json key must not be greater than 262144'),
  malformed: { code: 'DataFormatConversion.ParseError', message: 'Encountered malformed JSON.' },
} as const satisfies Record<string, Verdict>

/** Characters of a refused value that a message quotes. */
const QUOTED_MAX = 200

/** The verdict on a text that a column's type refuses. */
export function mistyped(kind: HiveKind, text: string): Verdict {
  if (kind === 'date') {
    return malformedData('Data does not match the schema. Invalid format for one or more dates.')
  }
  if (kind === 'timestamp') {
    return malformedData(`Encountered invalid or unsupported timestamp format: "${quoted(text)}"`)
  }
  return malformedData(`Data does not match the schema. For input string: "${quoted(text)}"`)
}

function quoted(text: string): string {
  if (text.length <= QUOTED_MAX) return text
  const cutsPair = /[\ud800-\udbff]/.test(text.charAt(QUOTED_MAX - 1))
  return `${text.slice(0, cutsPair ? QUOTED_MAX - 1 : QUOTED_MAX)}…`
}

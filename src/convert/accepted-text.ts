/**
 * Which text each scalar type takes.
 *
 * Both engines read a value as text (json-record says what the text of a JSON value is) and accept it if it matches the
 * type's grammar and its value lies in the type's range. A grammar knows nothing of where the text came from: the number
 * 12 and the string "12" are the same.
 */
import type { HiveKind, IntegerKind, ScalarKind } from './hive-types.ts'

/** Types that take all text. */
export type TextKind = 'string' | 'varchar' | 'char' | 'binary'
export type JudgedKind = Exclude<ScalarKind, TextKind>

export function isTextKind(kind: HiveKind): kind is TextKind {
  return kind === 'string' || kind === 'varchar' || kind === 'char' || kind === 'binary'
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

const GRAMMARS: Readonly<Record<JudgedKind, string>> = {
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

/** What a timestamp takes under HiveJsonSerDe, beside its TimestampFormats. */
export const HIVE_TIMESTAMP = `^${TIMESTAMP_SQL}$`

/**
 * The text that a type takes, as one anchored pattern that JavaScript and RE2 read alike (a type of text takes all text
 * and has no pattern). The value must then lie in the type's range:
 *
 * - integers: as INTEGER_RANGE; a fraction of zeros is dropped;
 * - float, double: the nearest value, which must be finite unless the text says Infinity; too small a number becomes 0;
 * - decimal(p,s): rounded half up (away from zero) to s digits from the text itself, then of at most p digits;
 * - date, timestamp: a day of the (proleptic Gregorian) calendar in the years 1 to 9999; a timestamp is rounded down to
 *   the millisecond, or to the microsecond where it keeps those.
 */
export function acceptedText(kind: JudgedKind): string {
  return GRAMMARS[kind]
}

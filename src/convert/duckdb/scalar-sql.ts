/**
 * The SQL of one value of a record. DuckDB keeps it only when it is beyond doubt; whatever else the type's grammar takes is
 * left to the exact path. So each expression here accepts a plain subset of `acceptedText`, never more.
 *
 * Values that are not text are read as JSON: their text then still tells a number from a string, so that the kind casts
 * (`1_000`, ` 1`, `0x10`, `epoch`) meet numbers only.
 */
import type { HiveOptions } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import { isMillisFormat } from '../../domain/joda-time/pattern.ts'
import { isTextKind } from '../accepted-text.ts'
import type { ScalarType } from '../hive-types.ts'
import { columnType } from './column-sql.ts'

/**
 * Where a value stands. A `member` has a key of its own, by which the pattern on the frame's bytes has found the forms that
 * DuckDB's reader hides (raw-doubt); an `element` of an array or map has none.
 */
export type Place = 'member' | 'element'

/** The type that read_json reads a value as, before it is judged. */
export function rawScalar({ kind }: ScalarType): string {
  return isTextKind(kind) || kind === 'date' || kind === 'timestamp' ? 'VARCHAR' : 'JSON'
}

/** The characters of a JSON string that needs no unescaping. */
const unquoted = (text: string): string => `substr(${text}, 2, strlen(${text}) - 2)`

/**
 * The value, null when it is in doubt. The first branch is the common form and cheap: a cast that is proved by writing the
 * value again, or one that meets JSON numbers only; a pattern costs twice as much and is second.
 *
 * @param hive there under HiveJsonSerDe, where strings are no integers or floats
 */
export function scalarValue(
  type: ScalarType,
  raw: string,
  place: Place,
  hive: HiveOptions | undefined,
): string {
  const text = `${raw}::VARCHAR`
  const isHive = hive !== undefined
  switch (type.kind) {
    case 'string':
      return raw
    case 'varchar':
      return `left(${raw}, ${type.length})`
    case 'char':
      return `rpad(${raw}, ${type.length}, ' ')`
    case 'binary':
      return `encode(${raw})`
    case 'boolean':
      return booleanValue(text)
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return integerValue(text, columnType(type), place, isHive)
    case 'float':
    case 'double':
      return floatValue(text, columnType(type), isHive)
    case 'decimal':
      return decimalValue(text, type.precision, type.scale)
    case 'date':
      return `CASE WHEN try_cast(${raw} AS DATE)::VARCHAR = ${raw} AND strlen(${raw}) = 10 THEN try_cast(${raw} AS DATE) END`
    case 'timestamp':
      return timestampValue(raw, type.unit === 'micros', hive)
    default:
      return unreachable(type)
  }
}

/**
 * True for an element of text that may be something else in the record: an object or array, which DuckDB writes again, or a
 * number that it prints with an exponent. Other numbers that it prints otherwise than they came are found on the bytes.
 */
export function isChangedText(text: string): string {
  return (
    `CASE WHEN ascii(${text}) >= 58 AND ascii(${text}) NOT IN (91, 123) THEN false ` +
    `WHEN ascii(${text}) IN (91, 123) THEN true ` +
    `ELSE coalesce(regexp_full_match(${text}, '-?[0-9.]+e[+-]?[0-9]+'), false) END`
  )
}

function booleanValue(text: string): string {
  return `CASE ${text} WHEN 'true' THEN true WHEN 'false' THEN false WHEN '"true"' THEN true WHEN '"false"' THEN false END`
}

function integerValue(text: string, type: string, place: Place, isHive: boolean): string {
  const cast = `try_cast(${text} AS ${type})`
  // Of an element the bytes do not show whether 1.0 was 0.99999999999999999.
  const whole = place === 'member' ? ` WHEN regexp_full_match(${text}, '-?[0-9]{1,15}[.]0') THEN ${cast}` : ''
  const quoted = ` WHEN regexp_full_match(${text}, '"-?[0-9]{1,19}"') THEN try_cast(${unquoted(text)} AS ${type})`
  return `CASE WHEN ${cast}::VARCHAR = ${text} THEN ${cast}${isHive ? whole : whole + quoted} END`
}

function floatValue(text: string, type: string, isHive: boolean): string {
  const number = type === 'FLOAT' ? '-?[0-9]{1,7}([.][0-9]{1,7})?' : '-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?'
  const plain = `try_cast(${text} AS ${type})`
  const quoted = `try_cast(${unquoted(text)} AS ${type})`
  if (isHive) return `CASE WHEN isfinite(${plain}) THEN ${plain} END`
  return (
    `CASE WHEN isfinite(${plain}) THEN ${plain} ` +
    `WHEN regexp_full_match(${text}, '"${number}"') AND isfinite(${quoted}) THEN ${quoted} ` +
    `WHEN ${text} IN ('"NaN"', '"Infinity"', '"-Infinity"') THEN ${quoted} END`
  )
}

/** Numbers that need no rounding; those of many digits never come here but as strings, which keep them. */
function decimalValue(text: string, precision: number, scale: number): string {
  const fraction = scale === 0 ? '([.]0)?' : `([.][0-9]{1,${scale}})?`
  const type = `DECIMAL(${precision}, ${scale})`
  return (
    `CASE WHEN regexp_full_match(${text}, '-?[0-9]{1,38}${fraction}') THEN try_cast(${text} AS ${type}) ` +
    `WHEN regexp_full_match(${text}, '"-?[0-9]{1,38}${fraction}"') THEN try_cast(${unquoted(text)} AS ${type}) END`
  )
}

/** Last whole second of the year 9999. */
const SECONDS_MAX = 253_402_300_799

/**
 * The two written forms with two digits a field, cut to the unit, and epoch seconds or milliseconds that are whole numbers
 * after 1970.
 */
function timestampValue(text: string, isMicros: boolean, hive: HiveOptions | undefined): string {
  const type = isMicros ? 'TIMESTAMP' : 'TIMESTAMP_MS'
  const date = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
  const time = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?'
  const written = (form: string): string =>
    `CASE WHEN regexp_full_match(${text}, '${form}') AND ${text} >= '0001' ` +
    `THEN try_cast(substr(${text}, 1, ${isMicros ? 26 : 23}) AS ${type})`
  const epoch = `try_cast(${text} AS BIGINT)`
  const millis = `WHEN regexp_full_match(${text}, '[1-9][0-9]{12,13}') THEN make_timestamp_ms(${epoch})::${type}`
  if (hive !== undefined) {
    // A pattern may read the usual form as another moment.
    if (!hive.timestampFormats.every(isMillisFormat)) return `NULL::${type}`
    return `${written(`${date} ${time}`)}${hive.timestampFormats.length === 0 ? '' : ` ${millis}`} END`
  }
  return (
    `${written(`${date}(T${time}Z| ${time})`)} ` +
    `WHEN regexp_full_match(${text}, '[0-9]{1,12}') AND ${epoch} <= ${SECONDS_MAX} ` +
    `THEN make_timestamp_ms(${epoch} * 1000)::${type} ${millis} END`
  )
}

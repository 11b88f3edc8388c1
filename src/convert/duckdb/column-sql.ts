/**
 * The SQL of one column. DuckDB keeps a value only when it is beyond doubt; whatever else the column's grammar takes is left
 * to the exact path. So each expression here accepts a plain subset of `acceptedText`, never more.
 *
 * Columns that are not text are read as JSON: their text then still tells a number from a string, so that the kind casts
 * (`1_000`, ` 1`, `0x10`, `epoch`) meet numbers only.
 *
 * A metadata column holds what we wrote ourselves, in one form for each type: it is read as that and not judged.
 */
import { unreachable } from '../../domain/errors.ts'
import { isTextKind } from '../accepted-text.ts'
import type { HiveType, TypedColumn } from '../hive-types.ts'

/** The type that read_json reads a column as, before it is judged. */
export function rawType(column: TypedColumn): string {
  const { type, field } = column
  if (field !== undefined) return plainType(column)
  const isText = isTextKind(type.kind) || type.kind === 'date' || type.kind === 'timestamp'
  return isText ? 'VARCHAR' : 'JSON'
}

/** The type of a column in lines of plain values. */
export function plainType({ type, field }: TypedColumn): string {
  return field !== undefined && type.kind === 'timestamp' ? 'BIGINT' : columnType(type)
}

/** The value of a column in lines of plain values. */
export function plainValue({ type, field }: TypedColumn, raw: string): string {
  return field !== undefined && type.kind === 'timestamp' ? `make_timestamp_ms(${raw})::TIMESTAMP_MS` : raw
}

/** True when a value may be refused. */
export function isJudged({ type, field }: TypedColumn): boolean {
  return field === undefined && type.kind !== 'string'
}

/** The type of the column in the table and the Parquet file. */
export function columnType(type: HiveType): string {
  switch (type.kind) {
    case 'string':
    case 'varchar':
    case 'char':
      return 'VARCHAR'
    case 'binary':
      return 'BLOB'
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'bigint':
    case 'float':
    case 'double':
    case 'date':
      return type.kind.toUpperCase()
    case 'int':
      return 'INTEGER'
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'timestamp':
      return type.unit === 'micros' ? 'TIMESTAMP' : 'TIMESTAMP_MS'
    case 'array':
      return `${columnType(type.element)}[]`
    case 'map':
      return `MAP(${columnType(type.key)}, ${columnType(type.value)})`
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${columnType(field.type)}`).join(', ')})`
    default:
      return unreachable(type)
  }
}

/** The characters of a JSON string that needs no unescaping. */
const unquoted = (text: string): string => `substr(${text}, 2, strlen(${text}) - 2)`

/**
 * The value of a column's text, null when it is in doubt. The first branch is the common form and cheap: a cast that is
 * proved by writing the value again, or one that meets JSON numbers only; a pattern costs twice as much and is second.
 */
export function columnValue(column: TypedColumn, raw: string): string {
  return column.field === undefined ? judgedValue(column.type, raw) : plainValue(column, raw)
}

function judgedValue(type: HiveType, raw: string): string {
  const text = `${raw}::VARCHAR`
  switch (type.kind) {
    case 'string':
      return raw
    case 'varchar':
      return `CASE WHEN length(${raw}) <= ${type.length} THEN ${raw} END`
    case 'char':
      return `CASE WHEN length(${raw}) = ${type.length} THEN ${raw} END`
    case 'binary':
    case 'array':
    case 'map':
    case 'struct':
      return `NULL::${columnType(type)}`
    case 'boolean':
      return `CASE ${text} WHEN 'true' THEN true WHEN 'false' THEN false WHEN '"true"' THEN true WHEN '"false"' THEN false END`
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return integerValue(text, columnType(type))
    case 'float':
    case 'double':
      return floatValue(text, columnType(type))
    case 'decimal':
      return decimalValue(text, type.precision, type.scale)
    case 'date':
      return `CASE WHEN try_cast(${raw} AS DATE)::VARCHAR = ${raw} AND strlen(${raw}) = 10 THEN try_cast(${raw} AS DATE) END`
    case 'timestamp':
      return type.unit === 'micros' ? `NULL::${columnType(type)}` : timestampValue(raw)
    default:
      return unreachable(type)
  }
}

function integerValue(text: string, type: string): string {
  return (
    `CASE WHEN try_cast(${text} AS ${type})::VARCHAR = ${text} THEN try_cast(${text} AS ${type}) ` +
    `WHEN regexp_full_match(${text}, '-?[0-9]{1,15}[.]0') THEN try_cast(${text} AS ${type}) ` +
    `WHEN regexp_full_match(${text}, '"-?[0-9]{1,19}"') THEN try_cast(${unquoted(text)} AS ${type}) END`
  )
}

function floatValue(text: string, type: string): string {
  const number = type === 'FLOAT' ? '-?[0-9]{1,7}([.][0-9]{1,7})?' : '-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?'
  const plain = `try_cast(${text} AS ${type})`
  const quoted = `try_cast(${unquoted(text)} AS ${type})`
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
 * The two written forms with two digits a field, cut to the millisecond, and epoch seconds or milliseconds that are whole
 * numbers after 1970.
 */
function timestampValue(text: string): string {
  const date = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
  const time = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?'
  const epoch = `try_cast(${text} AS BIGINT)`
  return (
    `CASE WHEN regexp_full_match(${text}, '${date}(T${time}Z| ${time})') AND ${text} >= '0001' ` +
    `THEN try_cast(left(${text}, 23) AS TIMESTAMP_MS) ` +
    `WHEN regexp_full_match(${text}, '[0-9]{1,12}') AND ${epoch} <= ${SECONDS_MAX} ` +
    `THEN make_timestamp_ms(${epoch} * 1000)::TIMESTAMP_MS ` +
    `WHEN regexp_full_match(${text}, '[1-9][0-9]{12,13}') THEN make_timestamp_ms(${epoch})::TIMESTAMP_MS END`
  )
}

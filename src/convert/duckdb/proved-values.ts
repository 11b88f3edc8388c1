/**
 * Values that their form in the record proves: which forms these are, and as what read_json reads them then, with nothing to
 * judge. A form takes less than the type's grammar does (accepted-text), and no value whose reading DuckDB would have to
 * round or guess. Whatever else a record holds goes another way.
 *
 * The reading is strict: it fails rather than make a null of a value that it cannot read.
 */
import type { HiveOptions } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import { isMillisFormat } from '../../domain/joda-time/pattern.ts'
import { STRING_FORM } from '../../domain/record-layout/rules.ts'
import { INTEGER_RANGE, TIMESTAMP_SECONDS_BELOW } from '../accepted-text.ts'
import { isNested, type HiveType, type IntegerKind, type ScalarType } from '../hive-types.ts'
import { columnType, partsOf, quotedText, structOf, structType } from './column-sql.ts'

export interface Proved {
  readonly rawType: string
  /** @param depth of lambdas around it */
  readonly value: (raw: string, depth: number) => string
  /** Undefined: `value` gives what it is given. */
  readonly isChanged?: true
}

/** The spelling of a field's key in a record. */
export type KeyOf = (name: string) => string

const asItIs = (rawType: string): Proved => ({ rawType, value: (raw) => raw })
const changed = (rawType: string, value: Proved['value']): Proved => ({ rawType, value, isChanged: true })

/** @param isMember of the table itself: a column, and nothing in one */
export function provedReading(type: HiveType, keyOf: KeyOf, isMember = true): Proved {
  // Only a null is proved.
  if (!isProvable(type)) return changed('JSON', () => `NULL::${columnType(type)}`)
  if (!isNested(type)) return scalarReading(type, isMember)
  switch (type.kind) {
    case 'array': {
      const { rawType, value, isChanged } = provedReading(type.element, keyOf, false)
      if (isChanged === undefined) return asItIs(`${rawType}[]`)
      return changed(`${rawType}[]`, (raw, depth) => items(raw, value, depth))
    }
    case 'map': {
      const { rawType, value, isChanged } = provedReading(type.value, keyOf, false)
      const mapType = `MAP(VARCHAR, ${rawType})`
      if (isChanged === undefined) return asItIs(mapType)
      return changed(mapType, (raw, depth) => {
        const made = `map(map_keys(${raw}), ${items(`map_values(${raw})`, value, depth)})`
        return `CASE WHEN ${raw} IS NOT NULL THEN ${made} END`
      })
    }
    case 'struct': {
      const fields = type.fields.map(({ name, type: of }) => ({
        name,
        key: keyOf(name),
        proved: provedReading(of, keyOf, false),
      }))
      const rawType = structType(fields.map(({ key, proved }) => [key, proved.rawType]))
      if (fields.every(({ name, key, proved }) => name === key && proved.isChanged === undefined))
        return asItIs(rawType)
      return changed(rawType, (raw, depth) =>
        structOf(
          raw,
          fields.map(({ name, key, proved }) => [
            name,
            proved.value(`struct_extract(${raw}, ${quotedText(key)})`, depth),
          ]),
        ),
      )
    }
    default:
      return unreachable(type)
  }
}

function items(list: string, value: Proved['value'], depth: number): string {
  const item = `x${depth}`
  return `list_transform(${list}, lambda ${item}: ${value(item, depth + 1)})`
}

function scalarReading(type: ScalarType, isMember: boolean): Proved {
  switch (type.kind) {
    case 'varchar':
      return changed('VARCHAR', (raw) => `left(${raw}, ${type.length})`)
    case 'char':
      return changed('VARCHAR', (raw) => `rpad(${raw}, ${type.length}, ' ')`)
    case 'binary':
      return changed('VARCHAR', (raw) => `encode(${raw})`)
    case 'float':
    case 'decimal':
      // Read as numbers they would be doubles first.
      return changed('VARCHAR', (raw) => `CAST(${raw} AS ${columnType(type)})`)
    case 'timestamp':
      if (type.unit === 'micros' || !isMember) return asItIs(columnType(type))
      // A cast to milliseconds rounds.
      return changed('TIMESTAMP', (raw) => `date_trunc('milliseconds', ${raw})::${columnType(type)}`)
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'double':
    case 'date':
    case 'string':
      return asItIs(columnType(type))
    default:
      return unreachable(type)
  }
}

/** Of a timestamp that is a number. */
export function epochReading(type: HiveType): Proved {
  const milliseconds = (raw: string): string =>
    `CASE WHEN ${raw} < ${TIMESTAMP_SECONDS_BELOW} THEN ${raw} * 1000 ELSE ${raw} END`
  return changed('BIGINT', (raw) => `make_timestamp_ms(${milliseconds(raw)})::${columnType(type)}`)
}

/** Types inside each other that are read so. */
const DEPTH_MAX = 8

/** False of a type of which no value but null is proved by its form. */
export function isProvable(type: HiveType, depthMax = DEPTH_MAX): boolean {
  if (!isNested(type)) return true
  if (depthMax === 0 || (type.kind === 'map' && type.key.kind !== 'string')) return false
  return partsOf(type).every((part) => isProvable(part, depthMax - 1))
}

const NULL = 'null'
const quoted = (form: string): string => `"(?:${form})"`

/**
 * A pattern, without capturing groups, of the values that are proved; null is one.
 *
 * @param hive there under HiveJsonSerDe, where strings are no numbers
 * @param isMember as for `provedReading`
 */
export function provedForm(type: ScalarType, hive: HiveOptions | undefined, isMember: boolean): string {
  const orQuoted = (form: string): string => (hive === undefined ? `${form}|${quoted(form)}` : form)
  switch (type.kind) {
    case 'string':
    case 'varchar':
    case 'char':
    case 'binary':
      return `${STRING_FORM}|${NULL}|true|false|0|-?[1-9][0-9]{0,14}`
    case 'boolean':
      return `true|false|"(?:true|false)"|${NULL}`
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return `${orQuoted(INTEGERS[type.kind])}|${NULL}`
    case 'double':
      return `${orQuoted(DOUBLE)}|${NULL}`
    case 'float':
      return `${orQuoted(SHORT_NUMBER)}|${NULL}`
    case 'decimal': {
      const form = decimalForm(type.precision, type.scale)
      return `${form}|${quoted(form)}|${NULL}`
    }
    case 'date':
      return `"${DATE}"|${NULL}`
    case 'timestamp':
      return `${timestampForm(hive, isMember || type.unit === 'micros' ? 9 : 3)}|${NULL}`
    default:
      return unreachable(type)
  }
}

/** So many first digits of the largest integer of a type are looked at: the few above are not proved. */
const LEADING_DIGITS = 3

/** Integers from 1 to some number, or nearly. */
function upTo(max: bigint): string {
  const digits = String(max)
  const forms = [`[1-9][0-9]{0,${digits.length - 2}}`]
  for (let at = 0; at < LEADING_DIGITS; at += 1) {
    const left = digits.length - at - 1
    const lowest = at === 0 ? 1 : 0
    const highest = Number(digits[at]) - (left === 0 ? 0 : 1)
    if (highest >= lowest) forms.push(`${digits.slice(0, at)}[${lowest}-${highest}][0-9]{${left}}`)
  }
  return forms.join('|')
}

const INTEGERS = Object.fromEntries(
  Object.entries(INTEGER_RANGE).map(([kind, [, max]]) => [kind, `0|-?(?:${upTo(max)})`]),
) as Readonly<Record<IntegerKind, string>>

/** Minus zero is none: DuckDB reads it as an integer, and its dictionaries know one zero. */
const ZERO_POINT = '-?0(?=[.][0-9]{0,15}[1-9])|0'
const DOUBLE = `(?:${ZERO_POINT}|-?[1-9][0-9]{0,99})(?:[.][0-9]+)?(?:[eE][+-]?[0-9]{1,2})?`
/** No more than 15 characters, so that a double keeps all digits. */
const SHORT_NUMBER = `(?!-?[0-9.]{16})(?:${ZERO_POINT}|-?[1-9][0-9]*)(?:[.][0-9]+)?`

function decimalForm(precision: number, scale: number): string {
  const whole = precision - scale
  const number = whole === 0 ? '-?0' : `-?(?:0|[1-9][0-9]{0,${whole - 1}})`
  return `(?!-?[0-9.]{16})${number}${scale === 0 ? '' : `(?:[.][0-9]{1,${scale}})?`}`
}

const DAY = '(?:0[1-9]|1[0-9]|2[0-8])'
const DATE =
  `(?!0000)(?:[0-9]{4}-(?:(?:0[1-9]|1[0-2])-${DAY}|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)|` +
  '[0-9]{2}(?:0[48]|[2468][048]|[13579][26])-02-29)'
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'

function timestampForm(hive: HiveOptions | undefined, fractionDigits: number): string {
  const time = `${TIME}(?:[.][0-9]{1,${fractionDigits}})?`
  if (hive === undefined) return `"${DATE}(?:T${time}Z| ${time})"`
  // A pattern may read the usual form as another moment.
  return hive.timestampFormats.every(isMillisFormat) ? `"${DATE} ${time}"` : '(?!)'
}

/** Of timestamps that are numbers, after 1970 and of no more than 14 digits; null is one. */
export function epochForm(hive: HiveOptions | undefined): string {
  const milliseconds = '[1-9][0-9]{12,13}'
  if (hive === undefined) return `0|[1-9][0-9]{0,10}|${milliseconds}|${NULL}`
  const { timestampFormats: formats } = hive
  return formats.length > 0 && formats.every(isMillisFormat) ? `${milliseconds}|${NULL}` : NULL
}

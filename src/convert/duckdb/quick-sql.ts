/**
 * The quick reading of a column of any type: what read_json reads it as, its value, and whether it is in doubt. Made of the
 * parts of a type from the inside out.
 *
 * DuckDB's reader is silent about a value of another shape: a scalar for a struct is a struct of nulls, anything but an array
 * for an array is null, a missing key too. Behind a key the pattern on the frame's bytes has looked for such; in an array or
 * a map a null where an array or map should be, and a struct of nothing but nulls, are in doubt.
 */
import { unreachable } from '../../domain/errors.ts'
import type { HiveOptions } from '../../domain/delivery-stream.ts'
import { isTextKind } from '../accepted-text.ts'
import { isNested, type HiveType, type ScalarType, type StructField } from '../hive-types.ts'
import { columnType, partsOf, quotedText, structOf, structType } from './column-sql.ts'
import { isChangedText, rawScalar, scalarValue, type Place } from './scalar-sql.ts'

/** Expressions of `raw` may be repeated in what is made of them: a column, a field of one or the variable of a lambda. */
export interface Quick {
  readonly rawType: string
  /** Of no use where it is in doubt. @param depth of lambdas around it */
  value(raw: string, depth: number): string
  /** Never null. @param value what `value` made of `raw` */
  doubt(raw: string, value: string, depth: number): string
}

export interface QuickRules {
  /** Keys of maps are kept as they are; or lower-cased, as those of a sample are already, or are not. */
  readonly mapKeys: 'kept' | 'low' | 'lowered'
  /** There under HiveJsonSerDe. */
  readonly hive: HiveOptions | undefined
  /** The spelling of a field's key. */
  keyOf(name: string): string
}

/** Types inside each other that are read quickly. */
const QUICK_DEPTH_MAX = 8
/** Keys of a map that are compared with each other. */
const KEYS_MAX = 64

export function quickReading(type: HiveType, rules: QuickRules): Quick {
  return reading(type, 'member', rules, QUICK_DEPTH_MAX)
}

/** True when values of such a type may be read quickly. */
function isQuick(type: HiveType, depthMax: number): boolean {
  if (!isNested(type)) return true
  if (depthMax === 0 || (type.kind === 'map' && type.key.kind !== 'string')) return false
  return partsOf(type).every((part) => isQuick(part, depthMax - 1))
}

function reading(type: HiveType, place: Place, rules: QuickRules, depthMax: number): Quick {
  if (!isQuick(type, depthMax)) return neverQuick(type)
  if (!isNested(type))
    return isTextKind(type.kind) ? ofText(type, place, rules) : ofScalar(type, place, rules)
  switch (type.kind) {
    case 'array':
      return ofArray(type.element, reading(type.element, 'element', rules, depthMax - 1))
    case 'map':
      return ofMap(type.value, reading(type.value, 'element', rules, depthMax - 1), rules)
    case 'struct':
      return ofStruct(type.fields, place, rules, depthMax)
    default:
      return unreachable(type)
  }
}

/** Whatever is there is left to the exact path. */
function neverQuick(type: HiveType): Quick {
  return {
    rawType: 'JSON',
    value: () => `NULL::${columnType(type)}`,
    doubt: (raw) => `(${raw} IS NOT NULL)`,
  }
}

function ofScalar(type: ScalarType, place: Place, { hive }: QuickRules): Quick {
  return {
    rawType: rawScalar(type),
    value: (raw) => scalarValue(type, raw, place, hive),
    doubt: (raw, value) => `(${raw} IS NOT NULL AND ${value} IS NULL)`,
  }
}

function ofText(type: ScalarType, place: Place, { hive }: QuickRules): Quick {
  return {
    rawType: 'VARCHAR',
    value: (raw) => scalarValue(type, raw, place, hive),
    doubt: (raw) => (place === 'member' ? 'false' : `(${isChangedText(raw)})`),
  }
}

function ofStruct(fields: readonly StructField[], place: Place, rules: QuickRules, depthMax: number): Quick {
  const readings = fields.map(({ name, type }) => ({
    name,
    key: rules.keyOf(name),
    quick: reading(type, 'member', rules, depthMax - 1),
  }))
  const rawOf = (raw: string, key: string): string => `struct_extract(${raw}, ${quotedText(key)})`
  return {
    rawType: structType(readings.map(({ key, quick }) => [key, quick.rawType])),
    value: (raw, depth) =>
      structOf(
        raw,
        readings.map(({ name, key, quick }) => [name, quick.value(rawOf(raw, key), depth)]),
      ),
    doubt(raw, value, depth) {
      const doubts = readings
        .map(({ name, key, quick }) =>
          quick.doubt(rawOf(raw, key), `struct_extract(${value}, ${quotedText(name)})`, depth),
        )
        .filter((doubt) => doubt !== 'false')
      if (place === 'element') {
        const nulls = readings.map(({ key }) => `${rawOf(raw, key)} IS NULL`)
        doubts.push(`(${raw} IS NOT NULL AND ${nulls.join(' AND ')})`)
      }
      return doubts.length === 0 ? 'false' : `(${doubts.join(' OR ')})`
    },
  }
}

/** A list of values of which some are changed text. */
function anyChanged(list: string, item: string): string {
  return `coalesce(list_contains(list_transform(${list}, lambda ${item}: ${isChangedText(item)}), true), false)`
}

/** The values of a list, null where one is in doubt. */
function itemValues(type: HiveType, quick: Quick, list: string, depth: number): string {
  const item = `x${depth}`
  if (type.kind === 'string') return list
  const value = quick.value(item, depth + 1)
  if (!isNested(type)) return `list_transform(${list}, lambda ${item}: ${value})`
  const pair = `y${depth}`
  const pairs = `list_transform(${list}, lambda ${item}: struct_pack(r := ${item}, v := ${value}))`
  const doubt = quick.doubt(`${pair}.r`, `${pair}.v`, depth + 1)
  return `list_transform(${pairs}, lambda ${pair}: CASE WHEN NOT ${doubt} THEN ${pair}.v END)`
}

/** True when some of a list's values are in doubt. A null array or map may have been anything. */
function itemsDoubt(type: HiveType, list: string, values: string, depth: number): string {
  if (isTextKind(type.kind)) return anyChanged(list, `x${depth}`)
  const there = type.kind === 'array' || type.kind === 'map' ? 'len' : 'list_count'
  return `(${there}(${list}) IS DISTINCT FROM list_count(${values}))`
}

function ofArray(type: HiveType, quick: Quick): Quick {
  return {
    rawType: `${quick.rawType}[]`,
    value: (raw, depth) => itemValues(type, quick, raw, depth),
    doubt: (raw, value, depth) => `(${raw} IS NOT NULL AND ${itemsDoubt(type, raw, value, depth)})`,
  }
}

/** A cast makes infinity of a number that is too large. */
function anyInfinite(list: string, item: string): string {
  return `coalesce(list_contains(list_transform(${list}, lambda ${item}: isfinite(${item})), false), false)`
}

/** True for a map with keys that are not what they stay, or that may be equal once they are folded. Never null. */
function hasDoubtfulKeys(map: string, { mapKeys }: QuickRules, depth: number): string {
  const [keys, key, index] = [`map_keys(${map})`, `k${depth}`, `i${depth}`]
  const isSure = [
    ...(mapKeys === 'lowered' ? [] : [`list_position(${keys}, ${key}) = ${index}`]),
    ...(mapKeys === 'low' ? [`lower(${key}) = ${key}`] : []),
    // Outside ASCII DuckDB may have other small letters.
    ...(mapKeys === 'kept' ? [] : [`strlen(${key}) = length(${key})`]),
  ]
  const areSure = `list_transform(${keys}, lambda ${key}, ${index}: ${isSure.join(' AND ')})`
  return `CASE WHEN len(${keys}) > ${KEYS_MAX} THEN true ELSE coalesce(list_contains(${areSure}, false), false) END`
}

/**
 * Values whose cast is proved by writing them again, or meets JSON numbers only: a map of them is cast at once, because to
 * make a map of keys and values costs five times as much.
 */
const CAST: Readonly<Partial<Record<HiveType['kind'], 'proved' | 'numbers'>>> = {
  boolean: 'proved',
  tinyint: 'proved',
  smallint: 'proved',
  int: 'proved',
  bigint: 'proved',
  float: 'numbers',
  double: 'numbers',
}

function ofMap(type: HiveType, quick: Quick, rules: QuickRules): Quick {
  const cast = CAST[type.kind]
  const mapType = `MAP(VARCHAR, ${columnType(type)})`
  const castMap = (raw: string): string => `try_cast(${raw}::MAP(VARCHAR, VARCHAR) AS ${mapType})`
  const valuesOf = (raw: string, depth: number): string =>
    cast === undefined ? itemValues(type, quick, `map_values(${raw})`, depth) : `map_values(${castMap(raw)})`
  return {
    rawType: `MAP(VARCHAR, ${quick.rawType})`,
    value(raw, depth) {
      if (rules.mapKeys !== 'lowered') {
        if (type.kind === 'string') return raw
        if (cast !== undefined) return castMap(raw)
        // A map cannot be made of keys of which two are equal.
        const isSure = `${raw} IS NOT NULL AND NOT ${hasDoubtfulKeys(raw, rules, depth)}`
        return `CASE WHEN ${isSure} THEN map(map_keys(${raw}), ${valuesOf(raw, depth)}) END`
      }
      const keys = `list_transform(map_keys(${raw}), lambda k${depth}: lower(k${depth}))`
      const areDistinct = `${raw} IS NOT NULL AND len(list_distinct(${keys})) = len(${keys})`
      return `CASE WHEN ${areDistinct} THEN map(${keys}, ${valuesOf(raw, depth)}) END`
    },
    doubt(raw, value, depth) {
      const [before, after] = [`map_values(${raw})`, `map_values(${value})`]
      const doubts = [
        `${value} IS NULL`,
        hasDoubtfulKeys(raw, rules, depth),
        cast === 'proved'
          ? `${before}::VARCHAR[] IS DISTINCT FROM ${after}::VARCHAR[]`
          : itemsDoubt(type, before, after, depth),
        ...(cast === 'numbers' ? [anyInfinite(after, `x${depth}`)] : []),
      ]
      return `(${raw} IS NOT NULL AND (${doubts.join(' OR ')}))`
    },
  }
}

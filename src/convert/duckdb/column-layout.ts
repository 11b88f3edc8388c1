/**
 * The layouts of records that a table's columns are read from, in two degrees, for `RecordLayout`. In both their keys are as
 * the quick path looks for them.
 *
 * - `proved`: every value of a column is of a form that proves it (proved-values), of the shape of its type.
 * - `clear`: no value of a form that DuckDB hides or changes; it may still be one that the type does not take. What
 *   `raw-pattern` finds in such a record stands in a text or in a value of no column.
 */
import { SCALAR_FORM, STRING_FORM, type LayoutRules } from '../../domain/record-layout/rules.ts'
import { isNested, type HiveType, type ScalarKind } from '../hive-types.ts'
import { foldsData, type ConversionRules } from '../json-rules.ts'
import type { LineColumn, LineTable } from './line-columns.ts'
import { epochForm, isProvable, provedForm } from './proved-values.ts'

/** A column, or what is in one; `other`: none of the table; `null`: nothing else may stand there; `never`: nothing may. */
export type ColumnPlace =
  | 'other'
  | 'null'
  | 'never'
  /** `proved`: the form of values that are. */
  | { readonly shape: 'scalar'; readonly kind: ScalarKind; readonly proved: string }
  | { readonly shape: 'object'; readonly members: ReadonlyMap<string, ColumnPlace> }
  | { readonly shape: 'array' | 'map'; readonly item: ColumnPlace }

/** The `RecordLayout.way` of records whose values are proved. */
export const PROVED = 0

export function columnLayouts(
  table: LineTable,
  rules: ConversionRules,
  isExample: (text: string) => boolean,
): readonly LayoutRules<ColumnPlace>[] {
  const clear = clearLayout(table, rules, isExample)
  return [provedLayout(table, rules, clear), clear]
}

function placesOf(
  { columns, sought }: LineTable,
  { hive }: ConversionRules,
  isRefused: (type: HiveType) => boolean,
): ColumnPlace {
  const spellings = new Map(sought.map(({ name, spelling }) => [name, spelling]))
  const placeOf = (type: HiveType, column?: LineColumn): ColumnPlace => {
    if (isRefused(type)) return 'null'
    if (!isNested(type)) {
      const proved = column?.isEpoch === true ? epochForm(hive) : provedForm(type, hive, column !== undefined)
      return { shape: 'scalar', kind: type.kind, proved }
    }
    if (type.kind === 'array') return { shape: 'array', item: placeOf(type.element) }
    if (type.kind === 'map') return { shape: 'map', item: placeOf(type.value) }
    const fields = type.fields.map(
      ({ name, type: of }) => [spellings.get(name) ?? name, placeOf(of)] as const,
    )
    return { shape: 'object', members: new Map(fields) }
  }
  return {
    shape: 'object',
    members: new Map(columns.map((column) => [column.key, placeOf(column.type, column)])),
  }
}

function memberOf(place: ColumnPlace, key: string): ColumnPlace {
  if (typeof place === 'string' || place.shape !== 'object') return 'other'
  return place.members.get(key) ?? 'other'
}

function itemOf(place: ColumnPlace): ColumnPlace {
  return typeof place !== 'string' && (place.shape === 'array' || place.shape === 'map')
    ? place.item
    : 'other'
}

function takes(place: ColumnPlace, shape: 'object' | 'array'): boolean {
  if (typeof place === 'string') return place === 'other'
  return place.shape !== 'scalar' && (shape === 'array') === (place.shape === 'array')
}

function clearLayout(
  table: LineTable,
  rules: ConversionRules,
  isExample: (text: string) => boolean,
): LayoutRules<ColumnPlace> {
  return {
    top: placesOf(table, rules, () => false),
    member: memberOf,
    item: itemOf,
    isMap: (place) => typeof place !== 'string' && place.shape === 'map',
    scalars(place) {
      if (place === 'other') return SCALAR_FORM
      return typeof place !== 'string' && place.shape === 'scalar' ? clearForm(place.kind) : 'null'
    },
    takes,
    isCaptured: () => false,
    isExample,
  }
}

const INTEGER = '0|-?[1-9][0-9]{0,14}'
/** With or without a fraction; no minus zero of an integer. */
const NUMBER = '(?:0|-?[1-9][0-9]*|-0(?=\\.))(?:\\.[0-9]+)?'
/** No more than 15 characters, so that a double keeps all digits. */
const SHORT_NUMBER = `(?!-?[0-9.]{16})${NUMBER}`

const WORD = `${STRING_FORM}|null|true|false`

/** Numbers of some kinds; of the others integers. */
const NUMBERS: Readonly<Partial<Record<ScalarKind, string>>> = {
  double: `${NUMBER}(?:[eE][+-]?[0-9]{1,2})?`,
  decimal: SHORT_NUMBER,
  float: SHORT_NUMBER,
}

function clearForm(kind: ScalarKind): string {
  return `${WORD}|${NUMBERS[kind] ?? INTEGER}`
}

/** A map has the keys that were seen, so that there are no two of one key, nor one that would have to be folded. */
function provedLayout(
  table: LineTable,
  rules: ConversionRules,
  clear: LayoutRules<ColumnPlace>,
): LayoutRules<ColumnPlace> {
  const isKept = foldsData(rules) ? isFolded : isAscii
  return {
    ...clear,
    top: placesOf(table, rules, (type) => !isProvable(type)),
    member(place, key) {
      if (typeof place === 'string' || place.shape !== 'map') return memberOf(place, key)
      return isKept(key) ? place.item : 'never'
    },
    isMap: () => false,
    scalars(place) {
      if (place === 'other') return SCALAR_FORM
      if (place === 'never') return '(?!)'
      return typeof place !== 'string' && place.shape === 'scalar' ? place.proved : 'null'
    },
  }
}

const isAscii = (key: string): boolean => /^[ -~]*$/.test(key)
const isFolded = (key: string): boolean => isAscii(key) && key === key.toLowerCase()

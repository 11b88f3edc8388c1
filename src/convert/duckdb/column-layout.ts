/**
 * The layout of records that are beyond doubt: their keys as the quick path looks for them, and no value of a form that DuckDB
 * hides or changes. What `raw-pattern` finds in a record of such a layout stands in a text or in a value of no column.
 */
import { SCALAR_FORM, STRING_FORM, type LayoutRules } from '../../domain/record-layout/rules.ts'
import { isNested, type HiveType, type ScalarKind } from '../hive-types.ts'
import type { LineTable } from './line-columns.ts'

/** A column, or what is in one; undefined: none of the table. */
type ColumnPlace =
  | { readonly shape: 'scalar'; readonly kind: ScalarKind }
  | { readonly shape: 'object'; readonly members: ReadonlyMap<string, ColumnPlace> }
  | { readonly shape: 'array' | 'map'; readonly item: ColumnPlace }
  | undefined

export function columnLayout(
  { columns, sought }: LineTable,
  isExample: (text: string) => boolean,
): LayoutRules<ColumnPlace> {
  const spellings = new Map(sought.map(({ name, spelling }) => [name, spelling]))
  const placeOf = (type: HiveType): ColumnPlace => {
    if (!isNested(type)) return { shape: 'scalar', kind: type.kind }
    if (type.kind === 'array') return { shape: 'array', item: placeOf(type.element) }
    if (type.kind === 'map') return { shape: 'map', item: placeOf(type.value) }
    const fields = type.fields.map(
      ({ name, type: of }) => [spellings.get(name) ?? name, placeOf(of)] as const,
    )
    return { shape: 'object', members: new Map(fields) }
  }
  return {
    top: { shape: 'object', members: new Map(columns.map(({ key, type }) => [key, placeOf(type)])) },
    member: (place, key) => (place?.shape === 'object' ? place.members.get(key) : undefined),
    item: (place) => (place?.shape === 'array' || place?.shape === 'map' ? place.item : undefined),
    isMap: (place) => place?.shape === 'map',
    scalars: (place) =>
      place === undefined ? SCALAR_FORM : place.shape === 'scalar' ? scalarForms(place.kind) : 'null',
    takes: (place, shape) =>
      place === undefined || ((shape === 'array') === (place.shape === 'array') && place.shape !== 'scalar'),
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

function scalarForms(kind: ScalarKind): string {
  return `${WORD}|${NUMBERS[kind] ?? INTEGER}`
}

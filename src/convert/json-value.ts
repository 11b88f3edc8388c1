/**
 * How a JSON value becomes the value of a type, at any depth, under each of the two deserialisers; scalars are
 * json-scalar's.
 *
 * OpenXJsonSerDe makes an array of one element of what is no array, and fills the fields of a struct from an array by
 * position. HiveJsonSerDe wants arrays for arrays and objects for objects.
 *
 * Null is null of any type. The fields of a struct are matched with keys as columns are, and what no field has is passed
 * over. Of two equal keys the first counts.
 */
import { unreachable } from '../domain/errors.ts'
import { LETTER_F, LETTER_N, LETTER_T, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../domain/json-bytes.ts'
import { isTextKind } from './accepted-text.ts'
import { isNested, type HiveType, type NestedType } from './hive-types.ts'
import { valueReader, type HiveValue, type ScalarValue } from './hive-values.ts'
import type { ReadJson, Reading } from './json-reading.ts'
import type { ConversionRules } from './json-rules.ts'
import { foldsData, keyMatcher } from './json-rules.ts'
import { scalarReader } from './json-scalar.ts'
import { badMapKey, notAnObject, verdicts } from './verdicts.ts'

export function jsonReader(type: HiveType, rules: ConversionRules, reading: Reading): ReadJson {
  if (!isNested(type)) return scalarReader(type, rules.hive, reading)
  switch (type.kind) {
    case 'array':
      return arrayReader(jsonReader(type.element, rules, reading), rules, reading)
    case 'map':
      return mapReader(type, rules, reading)
    case 'struct':
      return structReader(type, rules, reading)
    default:
      return unreachable(type)
  }
}

/** What a nested value weighs beside what is in it. */
const NESTED_WEIGHT = 32
/** What an element of an array or map weighs, whatever it is: a few bytes of DuckDB's memory at each step. */
export const ELEMENT_WEIGHT = 24
/** What a field without a value weighs beside its name. */
const FIELD_WEIGHT = 8

/** What a value weighs beside what is in it: a few bytes can be any. */
export function weightOf(type: HiveType): number {
  if (type.kind === 'char') return type.length
  if (type.kind !== 'struct') return isNested(type) ? NESTED_WEIGHT : 0
  return type.fields.reduce((sum, { name }) => sum + name.length + FIELD_WEIGHT, NESTED_WEIGHT)
}

function arrayReader(readElement: ReadJson, { hive }: ConversionRules, reading: Reading): ReadJson {
  const { json } = reading
  return (depth) => {
    const next = json.next()
    if (isNull(next, reading)) return null
    reading.weigh(NESTED_WEIGHT)
    if (next === OPEN_BRACKET) {
      const elements: (HiveValue | null)[] = []
      if (!json.enter(depth)) return elements
      do {
        reading.weigh(ELEMENT_WEIGHT)
        elements.push(readElement(depth + 1))
      } while (json.hasElement())
      return elements
    }
    if (hive === undefined) return [readElement(depth)]
    json.skip(depth)
    return reading.refuse(verdicts.arrayExpected)
  }
}

type TypeOf<Kind> = Extract<NestedType, { readonly kind: Kind }>

function mapReader(type: TypeOf<'map'>, rules: ConversionRules, reading: Reading): ReadJson {
  const { json } = reading
  const readKey = valueReader(type.key, rules.hive)
  const readValue = jsonReader(type.value, rules, reading)
  // Of other keys it is the value that counts; `T` and `Z` of a time are not what was meant by lower-casing keys.
  const folds = foldsData(rules) && isTextKind(type.key.kind)
  const refuseOther = rules.hive === undefined ? refuseMapOf : refuseObject
  return (depth) => {
    const next = json.next()
    if (isNull(next, reading)) return null
    if (next !== OPEN_BRACE) return refuseOther(next, depth, reading)
    reading.weigh(NESTED_WEIGHT)
    const map = new Map<ScalarValue, HiveValue | null>()
    if (!json.enter(depth)) return map
    do {
      reading.weigh(ELEMENT_WEIGHT)
      const text = folds ? json.key().toLowerCase() : json.key()
      const key = readKey(text)
      if (key === undefined) reading.refuse(badMapKey(type.key.kind, text))
      if (key === undefined || map.has(key)) json.skip(depth + 1)
      else map.set(key, readValue(depth + 1))
    } while (json.hasMember())
    return map
  }
}

function structReader(type: TypeOf<'struct'>, rules: ConversionRules, reading: Reading): ReadJson {
  const { json } = reading
  const { fields } = type
  const matched = keyMatcher(rules)
  const readers = fields.map((field) => jsonReader(field.type, rules, reading))
  const fieldOf = new Map(fields.map(({ name }, index) => [name, index]))
  const weight = weightOf(type)
  const isHive = rules.hive !== undefined

  const readObject = (values: (HiveValue | null | undefined)[], depth: number): void => {
    do {
      const field = fieldOf.get(matched(json.key()))
      if (field === undefined || values[field] !== undefined) json.skip(depth)
      else values[field] = readers[field]?.(depth)
    } while (json.hasMember())
  }
  const readArray = (values: (HiveValue | null | undefined)[], depth: number): void => {
    let field = 0
    do {
      const read = readers[field]
      if (read === undefined) json.skip(depth)
      else values[field] = read(depth)
      field += 1
    } while (json.hasElement())
  }
  return (depth) => {
    const next = json.next()
    if (isNull(next, reading)) return null
    const isObject = next === OPEN_BRACE
    if (!isObject && isHive) return refuseObject(next, depth, reading)
    if (!isObject && next !== OPEN_BRACKET) return refuseStructOf(next, reading)
    reading.weigh(weight)
    const values: (HiveValue | null | undefined)[] = fields.map(() => undefined)
    if (json.enter(depth)) (isObject ? readObject : readArray)(values, depth + 1)
    return values.map((value) => value ?? null)
  }
}

/** Passes over null, if that comes next. */
function isNull(next: number, { json }: Reading): boolean {
  if (next !== LETTER_N) return false
  json.word(next)
  return true
}

function refuseObject(_next: number, depth: number, reading: Reading): null {
  reading.json.skip(depth)
  return reading.refuse(verdicts.objectExpected)
}

function refuseMapOf(next: number, depth: number, reading: Reading): null {
  reading.json.skip(depth)
  return reading.refuse(next === OPEN_BRACKET ? verdicts.arrayForMap : verdicts.scalarForComplex)
}

function refuseStructOf(next: number, reading: Reading): null {
  const text = next === QUOTE ? reading.json.string() : reading.json.word(next)
  return reading.refuse(notAnObject(javaClass(next, text), text))
}

const LONG_CHARACTERS_MAX = '-9223372036854775808'.length

/** As OpenX's JSON library reads a scalar. */
function javaClass(next: number, text: string): string {
  if (next === QUOTE) return 'java.lang.String'
  if (next === LETTER_T || next === LETTER_F) return 'java.lang.Boolean'
  if (/[.eE]/.test(text)) return 'java.lang.Double'
  // Of a thousand digits the number itself would take long.
  const isLong = text.length <= LONG_CHARACTERS_MAX && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
  return isLong ? 'java.lang.Long' : 'java.math.BigInteger'
}

/**
 * How a JSON value becomes the value of a scalar type, under each of the two deserialisers.
 *
 * OpenXJsonSerDe reads text: a string's characters; a number's digits as they came; `true` or `false`; for an object or
 * array compact JSON, its keys lower-cased where keys are. For integers and timestamps a number with an exponent is written
 * out (1.5E3 is 1500), because producers print whole numbers so.
 *
 * HiveJsonSerDe wants numbers for numeric types, and takes no object or array for text; for the rest it reads text as well.
 */
import type { HiveOptions } from '../domain/delivery-stream.ts'
import { LETTER_F, LETTER_N, LETTER_T, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../domain/json-bytes.ts'
import { isIntegerKind } from './accepted-text.ts'
import type { ScalarType } from './hive-types.ts'
import { valueReader } from './hive-values.ts'
import type { ReadJson, Reading } from './json-reading.ts'
import { plainNumber } from './json-text.ts'
import { mistyped, notNumeric, outOfRange, verdicts } from './verdicts.ts'

/** @param hive absent: OpenX */
export function scalarReader(type: ScalarType, hive: HiveOptions | undefined, reading: Reading): ReadJson {
  const read = hive === undefined ? openxReader(type, reading) : hiveReader(type, hive, reading)
  if (type.kind !== 'char') return read
  return (depth) => {
    reading.weigh(type.length)
    return read(depth)
  }
}

function openxReader(type: ScalarType, reading: Reading): ReadJson {
  const { json } = reading
  const read = valueReader(type)
  const wantsPlainNumber = type.kind === 'timestamp' || isIntegerKind(type.kind)
  return (depth) => {
    const next = json.next()
    let text: string
    if (next === QUOTE) text = json.string()
    else if (next === OPEN_BRACE || next === OPEN_BRACKET) text = json.compact(depth)
    else {
      text = json.word(next)
      if (next === LETTER_N) return null
      if (wantsPlainNumber) text = plainNumber(text)
    }
    const value = read(text)
    return value === undefined ? reading.refuse(mistyped(type.kind, text)) : value
  }
}

function hiveReader(type: ScalarType, hive: HiveOptions, reading: Reading): ReadJson {
  const { kind } = type
  if (isIntegerKind(kind)) return hiveNumberReader(type, hive, reading)
  if (kind === 'float' || kind === 'double') return hiveNumberReader(type, hive, reading)
  const { json } = reading
  const read = valueReader(type, hive)
  return (depth) => {
    const next = json.next()
    if (next === OPEN_BRACE || next === OPEN_BRACKET) {
      json.skip(depth)
      return reading.refuse(verdicts.incorrectFormat)
    }
    const text = next === QUOTE ? json.string() : json.word(next)
    if (next === LETTER_N) return null
    const value = read(text)
    return value === undefined ? reading.refuse(mistyped(kind, text)) : value
  }
}

/** Jackson's names of the values that are no numbers. */
const TOKENS: Readonly<Record<number, string>> = {
  [QUOTE]: 'VALUE_STRING',
  [LETTER_T]: 'VALUE_TRUE',
  [LETTER_F]: 'VALUE_FALSE',
  [OPEN_BRACE]: 'START_OBJECT',
  [OPEN_BRACKET]: 'START_ARRAY',
}

/** A whole number, whatever its size. */
const WHOLE = /^-?[0-9]+(?:[.]0+)?$/

function hiveNumberReader(type: ScalarType, hive: HiveOptions, reading: Reading): ReadJson {
  const { json } = reading
  const read = valueReader(type, hive)
  const integerKind = isIntegerKind(type.kind) ? type.kind : undefined
  return (depth) => {
    const next = json.next()
    const token = TOKENS[next]
    if (token !== undefined) {
      json.skip(depth)
      return reading.refuse(notNumeric(token))
    }
    const word = json.word(next)
    if (next === LETTER_N) return null
    const text = integerKind === undefined ? word : plainNumber(word)
    const value = read(text)
    if (value !== undefined) return value
    const isTooLarge = integerKind !== undefined && WHOLE.test(text)
    return reading.refuse(isTooLarge ? outOfRange(integerKind, text) : mistyped(type.kind, text))
  }
}

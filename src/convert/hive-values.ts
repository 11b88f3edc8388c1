/**
 * From the text of a column to its value, for the JavaScript engine. Grammar and range are accepted-text's; what is here is
 * arithmetic that loses nothing on the way: integers and decimals never pass through a double.
 */
import type { HiveOptions } from '../domain/delivery-stream.ts'
import { unreachable } from '../domain/errors.ts'
import { INTEGER_RANGE, acceptedText, isTextKind } from './accepted-text.ts'
import { decimalParts } from './decimal-text.ts'
import { readDate, timestampReader } from './hive-times.ts'
import type { IntegerKind, ScalarType } from './hive-types.ts'

/**
 * tinyint, smallint, int, float and double: number. bigint: bigint. boolean, string: themselves. varchar: at most its
 * length; char: of its length, filled with blanks. binary: the UTF-8 of the text. date: days since 1970 as number.
 * timestamp: milliseconds (or microseconds) since 1970 as bigint. decimal(p,s): unscaled (times 10^s) as bigint.
 */
export type ScalarValue = boolean | number | bigint | string | Uint8Array

/** array: its elements. struct: all of its fields in the order of the type. map: in the order of the text, no two keys alike. */
export type HiveValue =
  ScalarValue | readonly (HiveValue | null)[] | ReadonlyMap<ScalarValue, HiveValue | null>

/** The value, or undefined when the column cannot hold it. */
export type ReadValue = (text: string) => ScalarValue | undefined

/** @param hive absent: as OpenXJsonSerDe takes text */
export function valueReader(type: ScalarType, hive?: HiveOptions): ReadValue {
  if (type.kind === 'timestamp') return timestampReader(type.unit === 'micros' ? 6 : 3, hive)
  if (isTextKind(type.kind)) return readerOf(type)
  const accepted = new RegExp(acceptedText(type.kind))
  const read = readerOf(type)
  return (text) => (accepted.test(text) ? read(text) : undefined)
}

/** Reads text that the type's grammar has accepted. */
function readerOf(type: Exclude<ScalarType, { readonly kind: 'timestamp' }>): ReadValue {
  switch (type.kind) {
    case 'string':
      return (text) => text
    case 'varchar':
      return (text) => firstCharacters(text, type.length)
    case 'char':
      return (text) => padded(firstCharacters(text, type.length), type.length)
    case 'binary':
      return (text) => Buffer.from(text)
    case 'boolean':
      return (text) => text.length === 'true'.length
    case 'tinyint':
    case 'smallint':
    case 'int':
      return smallIntegerReader(type.kind)
    case 'bigint':
      return readBigint
    case 'float':
      return readFloat
    case 'double':
      return readDouble
    case 'decimal':
      return (text) => readDecimal(text, type.precision, type.scale)
    case 'date':
      return readDate
    default:
      return unreachable(type)
  }
}

/** At most so many code points. */
function firstCharacters(text: string, length: number): string {
  if (text.length <= length) return text
  let end = 0
  for (let taken = 0; taken < length && end < text.length; taken += 1) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  }
  return text.slice(0, end)
}

function padded(text: string, length: number): string {
  let characters = 0
  for (const _ of text) characters += 1
  return text + ' '.repeat(length - characters)
}

function smallIntegerReader(kind: IntegerKind): ReadValue {
  const [min, max] = INTEGER_RANGE[kind].map(Number) as [number, number]
  return (text) => {
    // A double that was rounded is far out of range; adding 0 turns -0 into 0.
    const value = Number(text) + 0
    return value >= min && value <= max ? value : undefined
  }
}

function readBigint(text: string): bigint | undefined {
  const value = longInteger(text)
  const [min, max] = INTEGER_RANGE.bigint
  return value === undefined || value < min || value > max ? undefined : value
}

/** A whole number, or undefined when it has more digits than any integer type. */
function longInteger(text: string): bigint | undefined {
  const parts = /^([+-]?)0*([0-9]*)/.exec(text)
  const digits = parts?.[2] ?? ''
  if (digits.length > 19) return undefined
  return parts?.[1] === '-' ? -BigInt(digits) : BigInt(digits)
}

function readDouble(text: string): number | undefined {
  const value = Number(text)
  return Number.isFinite(value) || !/[0-9]/.test(text) ? value : undefined
}

/** The float nearest to the text itself: rounding the nearest double once more goes wrong half-way between two floats. */
function readFloat(text: string): number | undefined {
  const double = readDouble(text)
  if (double === undefined || !Number.isFinite(double)) return double
  const nearest = Math.fround(double)
  const value = isHalfWay(double, nearest) ? floatOnTheSideOf(text, double, nearest) : nearest
  return Number.isFinite(value) ? value : undefined
}

const bits = new DataView(new ArrayBuffer(8))

/** The float next to `float` in the direction of `toward`. */
function nextFloat(float: number, toward: number): number {
  if (float === 0) return toward > 0 ? 1.401298464324817e-45 : -1.401298464324817e-45
  bits.setFloat32(0, float)
  const grows = Math.abs(toward) > Math.abs(float)
  bits.setInt32(0, bits.getInt32(0) + (grows ? 1 : -1))
  return bits.getFloat32(0)
}

const FLOAT_MAX = 3.4028234663852886e38
/** Half a step above the largest float, where rounding turns to infinity. */
const FLOAT_OVERFLOW = 3.4028235677973366e38

function isHalfWay(double: number, nearest: number): boolean {
  if (!Number.isFinite(nearest) || Math.abs(nearest) === FLOAT_MAX) return Math.abs(double) === FLOAT_OVERFLOW
  if (nearest === double) return false
  const other = nextFloat(nearest, double)
  return Math.abs(double - nearest) === Math.abs(other - double)
}

function floatOnTheSideOf(text: string, double: number, nearest: number): number {
  const side = compareTextTo(text, Math.abs(double))
  if (side === 0) return nearest
  const down = Math.abs(double) === FLOAT_OVERFLOW ? FLOAT_MAX : lowerFloat(Math.abs(double))
  const up = Math.abs(double) === FLOAT_OVERFLOW ? Infinity : nextFloat(down, Infinity)
  return Math.sign(double) * (side < 0 ? down : up)
}

/** The largest float below a positive double that is half-way between two. */
function lowerFloat(double: number): number {
  const float = Math.fround(double)
  return float < double ? float : nextFloat(float, 0)
}

/** Compares the magnitude of a decimal text with a positive double, exactly: -1, 0 or 1. */
function compareTextTo(text: string, double: number): number {
  const { digits, exponent } = decimalParts(text)
  let [left, right] = [BigInt(digits === '' ? '0' : digits), 1n]
  if (exponent >= 0) left *= 10n ** BigInt(exponent)
  else right = 10n ** BigInt(-exponent)
  bits.setFloat64(0, double)
  const raw = bits.getBigUint64(0)
  const power = Number(raw >> 52n)
  const mantissa = (raw & 0xfffffffffffffn) | (power === 0 ? 0n : 0x10000000000000n)
  const shift = Math.max(power, 1) - 1075
  if (shift >= 0) right *= mantissa << BigInt(shift)
  else {
    left <<= BigInt(-shift)
    right *= mantissa
  }
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** Rounds half up (away from zero) to `scale` digits; undefined when more than `precision` digits are left. */
function readDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const { negative, digits, exponent } = decimalParts(text)
  const shift = exponent + scale
  if (digits.length + shift > precision + 1) return digits === '' ? 0n : undefined
  let unscaled: bigint
  if (shift >= 0) unscaled = BigInt(digits.padEnd(digits.length + shift, '0') || '0')
  else {
    const kept = digits.length + shift
    const roundsUp = kept >= 0 && digits.charCodeAt(kept) >= 0x35
    unscaled = BigInt(digits.slice(0, Math.max(kept, 0)) || '0') + (roundsUp ? 1n : 0n)
  }
  if (unscaled >= 10n ** BigInt(precision)) return undefined
  return negative ? -unscaled : unscaled
}

/**
 * Each value in the one form of its type that the query reads without a doubt, see `plainType` and `plainValue` there:
 *
 * - boolean and integers as JSON has them; float and double too, minus zero as -0.0 and what is not finite as a string;
 * - decimals as strings of all their digits; dates and timestamps as strings of ISO 8601, to the millisecond or microsecond;
 * - text as a string; binary as a string of its base64, and in nested values of its bytes as DuckDB writes them: `a\\x00`;
 * - arrays as arrays; structs as objects of all their fields, in order; maps as objects, of keys that are as they would be
 *   as strings.
 */
import { unreachable } from '../../domain/errors.ts'
import type { HiveType, StructField } from '../hive-types.ts'
import type { HiveValue } from '../hive-values.ts'
import { jsonString } from '../json-text.ts'

export type WritePlain = (value: HiveValue) => string

/**
 * Writes values of a column of this type, which are as `HiveValue` says.
 *
 * @param part the type, or one that has some of its fields: no others are written
 */
export function plainWriter(type: HiveType, part: HiveType = type): WritePlain {
  return type.kind === 'binary' ? plainBase64 : partWriter(type, part)
}

function partWriter(type: HiveType, part: HiveType): WritePlain {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return String
    case 'float':
    case 'double':
      return (value) => plainFloat(value as number)
    case 'decimal':
      return (value) => `"${plainDecimal(value as bigint, type.scale)}"`
    case 'string':
    case 'varchar':
    case 'char':
      return (value) => jsonString(value as string)
    case 'binary':
      return plainBytes
    case 'date':
      return (value) => `"${new Date((value as number) * 86_400_000).toISOString().slice(0, 10)}"`
    case 'timestamp':
      return type.unit === 'micros'
        ? (value) => `"${plainMicros(value as bigint)}"`
        : (value) => `"${new Date(Number(value)).toISOString()}"`
    case 'array':
      return arrayWriter(type.element, part.kind === type.kind ? part.element : type.element)
    case 'map':
      return mapWriter(type.key, type.value, part.kind === type.kind ? part.value : type.value)
    case 'struct':
      return structWriter(type.fields, part.kind === type.kind ? part.fields : type.fields)
    default:
      return unreachable(type)
  }
}

function plainBase64(value: HiveValue): string {
  return `"${bufferOf(value as Uint8Array).toString('base64')}"`
}

/** As DuckDB writes bytes, in a JSON string. */
const BYTES = Array.from({ length: 256 }, (_, byte) => `\\\\x${byte.toString(16).padStart(2, '0')}`)

function plainBytes(value: HiveValue): string {
  const text = bufferOf(value as Uint8Array).toString('latin1')
  return `"${text.replace(/[^ !#-[\]-~]/g, (character) => BYTES[character.charCodeAt(0)] ?? '')}"`
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function plainMicros(value: bigint): string {
  const micros = Number(((value % 1000n) + 1000n) % 1000n)
  const ms = new Date(Number((value - BigInt(micros)) / 1000n)).toISOString()
  return `${ms.slice(0, -1)}${String(micros).padStart(3, '0')}Z`
}

function plainFloat(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function plainDecimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - scale)}`
}

function orNull(write: WritePlain): (value: HiveValue | null | undefined) => string {
  return (value) => (value === null || value === undefined ? 'null' : write(value))
}

function arrayWriter(type: HiveType, part: HiveType): WritePlain {
  const element = orNull(partWriter(type, part))
  return (value) => {
    let text = ''
    for (const each of value as readonly (HiveValue | null)[])
      text += (text === '' ? '' : ',') + element(each)
    return `[${text}]`
  }
}

function mapWriter(keyType: HiveType, valueType: HiveType, part: HiveType): WritePlain {
  const [key, element] = [partWriter(keyType, keyType), orNull(partWriter(valueType, part))]
  return (value) => {
    let text = ''
    for (const [k, v] of value as ReadonlyMap<HiveValue, HiveValue | null>) {
      const name = key(k)
      text += `${text === '' ? '' : ','}${name.startsWith('"') ? name : `"${name}"`}:${element(v)}`
    }
    return `{${text}}`
  }
}

function structWriter(fields: readonly StructField[], part: readonly StructField[]): WritePlain {
  const places = new Map(fields.map(({ name, type }, index) => [name, { type, index }]))
  const members = part.map(({ name, type: some }, at) => {
    const { type, index } = places.get(name) ?? { type: some, index: at }
    return {
      index,
      start: `${at === 0 ? '' : ','}${JSON.stringify(name)}:`,
      write: orNull(partWriter(type, some)),
    }
  })
  return (value) => {
    const values = value as readonly (HiveValue | null)[]
    let text = '{'
    for (const { index, start, write } of members) text += start + write(values[index])
    return `${text}}`
  }
}

/**
 * A reference of what a record becomes, written from the rules in docs/firehose-compatibility.md and nothing of src/: the
 * whole record as a tree, one rule after the other, strings for values. What a few bytes may stand for is not bounded here.
 */
import { JsonError, compactJson, jsonValues, type Json } from './lossless-json.ts'
import { escapedBytes, scalarFrom, type TimestampRules } from './hive-scalars.ts'

export type ReferenceType =
  | string
  | { readonly array: ReferenceType }
  | { readonly map: readonly [key: string, value: ReferenceType] }
  | { readonly struct: readonly (readonly [name: string, type: ReferenceType])[] }

export interface ReferenceRules {
  readonly caseInsensitive: boolean
  readonly dotsToUnderscores?: true
  readonly jsonKeys?: Readonly<Record<string, string>>
  readonly hive?: { readonly timestampFormats: readonly string[] }
  readonly timestampUnit?: 'micros'
}

export type ReferenceColumns = readonly (readonly [name: string, type: ReferenceType])[]

/** Each row as the plain forms of its columns; or the code and message of the verdict. */
export type ReferenceOutcome = readonly (readonly string[])[] | readonly [code: string, message: string]

class Misfit extends Error {
  readonly code: string
  constructor(message: string, code = 'MalformedData') {
    super(message)
    this.code = code
  }
}

export function referenceOutcome(
  columns: ReferenceColumns,
  rules: ReferenceRules,
  record: Buffer,
): ReferenceOutcome {
  try {
    return rowsOf(columns, new Rules(rules), record)
  } catch (error) {
    if (error instanceof Misfit) return [`DataFormatConversion.${error.code}`, error.message]
    if (error instanceof JsonError) return JSON_VERDICTS[error.what]
    throw error
  }
}

const JSON_VERDICTS = {
  malformed: ['DataFormatConversion.ParseError', 'Encountered malformed JSON.'],
  deep: [
    'DataFormatConversion.MalformedData',
    'Data contains a highly nested JSON structure that is not supported.',
  ],
  longKey: ['DataFormatConversion.MalformedData', 'Length of json key must not be greater than 262144'],
} as const

function rowsOf(columns: ReferenceColumns, rules: Rules, record: Buffer): string[][] {
  const bytesAgain = Buffer.from(record.toString('utf8'))
  if (!bytesAgain.equals(record)) throw new Misfit('The data cannot be decoded as UTF-8.')
  const rows: string[][] = []
  let isEmpty = true
  for (const document of jsonValues(record.toString('utf8').replace(/^\ufeff/, ''))) {
    isEmpty = false
    if (document.is === 'array')
      throw new Misfit('Data does not match the schema. The top level is an array, not an object.')
    if (document.is !== 'object')
      throw new Misfit(
        'The input JSON contained a primitive at the top level. The top level must be an object or array.',
      )
    rows.push(
      columns.map(([name, type]) => {
        const key = rules.key(rules.keyOfColumn(name))
        const member = document.members.find(([other]) => rules.key(other) === key)
        return member === undefined ? 'null' : rules.value(member[1], type)
      }),
    )
  }
  if (isEmpty) throw new Misfit('The record was empty or contained only whitespace.')
  return rows
}

class Rules {
  readonly #rules: ReferenceRules
  readonly #timestamps: TimestampRules

  constructor(rules: ReferenceRules) {
    this.#rules = rules
    const digits = rules.timestampUnit === 'micros' ? 6 : 3
    this.#timestamps = { digits, formats: rules.hive?.timestampFormats }
  }

  /** What keys of columns and fields are compared as. */
  key(key: string): string {
    const { caseInsensitive, dotsToUnderscores, hive } = this.#rules
    const dotless = hive === undefined && dotsToUnderscores ? key.split('.').join('_') : key
    return hive !== undefined || caseInsensitive ? dotless.toLowerCase() : dotless
  }

  keyOfColumn(name: string): string {
    const mapped = new Map(Object.entries(this.#rules.jsonKeys ?? {}))
    return (this.#rules.hive === undefined ? mapped.get(name) : undefined) ?? name
  }

  #dataKey(key: string): string {
    return this.#rules.hive === undefined && this.#rules.caseInsensitive ? key.toLowerCase() : key
  }

  value(json: Json, type: ReferenceType): string {
    if (json.is === 'null') return 'null'
    if (typeof type === 'string')
      return this.#rules.hive === undefined ? this.#openxScalar(json, type) : this.#hiveScalar(json, type)
    if ('array' in type) return this.#array(json, type.array)
    return 'map' in type ? this.#map(json, type.map) : this.#struct(json, type.struct)
  }

  /** Of an element, a map's value or a field: bytes have another form there. */
  #inner(json: Json, type: ReferenceType): string {
    const value = this.value(json, type)
    return type === 'binary' && value !== 'null' ? escapedBytes(value) : value
  }

  #array(json: Json, element: ReferenceType): string {
    if (json.is !== 'array' && this.#rules.hive !== undefined)
      throw new Misfit('Data does not match the schema. java.io.IOException: Start of Array expected')
    const items = json.is === 'array' ? json.items : [json]
    return `[${items.map((item) => this.#inner(item, element)).join(',')}]`
  }

  #map(json: Json, [keyType, valueType]: readonly [string, ReferenceType]): string {
    if (json.is !== 'object') throw this.#noObject(json, 'map')
    const entries = new Map<string, string>()
    for (const [name, value] of json.members) {
      const isText = /^(string|varchar|char)/.test(keyType)
      const text = isText ? this.#dataKey(name) : name
      const key = scalarFrom(keyType, text, this.#timestamps)
      if (key === undefined) throw new Misfit(refusal(keyType, text), 'InvalidRecord')
      const known = key === '-0.0' ? '0' : key
      if (!entries.has(known)) entries.set(known, this.#inner(value, valueType))
    }
    const quoted = (key: string): string => (key.startsWith('"') ? key : `"${key}"`)
    return `{${Array.from(entries, ([key, value]) => `${quoted(key)}:${value}`).join(',')}}`
  }

  #struct(json: Json, fields: readonly (readonly [string, ReferenceType])[]): string {
    const isOpenx = this.#rules.hive === undefined
    if (json.is !== 'object' && !(json.is === 'array' && isOpenx)) throw this.#noObject(json, 'struct')
    const values = new Map<string, string>()
    const members =
      json.is === 'object' ? json.members : json.items.map((item, at) => [fields[at]?.[0], item] as const)
    for (const [key, value] of members) {
      const field = fields.find(
        ([name]) =>
          key !== undefined && (json.is === 'array' ? name === key : this.key(name) === this.key(key)),
      )
      if (field !== undefined && !values.has(field[0])) values.set(field[0], this.#inner(value, field[1]))
    }
    return `{${fields.map(([name]) => `${JSON.stringify(name)}:${values.get(name) ?? 'null'}`).join(',')}}`
  }

  #noObject(json: Json, wanted: 'map' | 'struct'): Misfit {
    if (this.#rules.hive !== undefined)
      return new Misfit('Data does not match the schema. java.io.IOException: Start of Object expected')
    if (wanted === 'struct') {
      const [javaClass, text] = javaValue(json)
      return new Misfit(
        `Data does not match the schema. Data is not JSONObject  but java.${javaClass} with value ${cut(text)}`,
      )
    }
    const [list, map] = ['JSONArray', 'JSONObject'].map((name) => `org.openx.data.jsonserde.json.${name}`)
    return new Misfit(
      json.is === 'array'
        ? `Data does not match the schema. ${list} cannot be cast to ${map}`
        : 'A scalar type was found in the data but a complex type was specified on the schema.',
    )
  }

  #openxScalar(json: Json, type: string): string {
    let text = textOf(json) ?? compactJson(json, (key) => this.#dataKey(key))
    if (json.is === 'number' && /int|timestamp/.test(type)) text = writtenOut(text)
    const value = scalarFrom(type, text, this.#timestamps)
    if (value === undefined) throw new Misfit(refusal(type, text))
    return value
  }

  #hiveScalar(json: Json, type: string): string {
    const isInteger = type.endsWith('int')
    if (isInteger || type === 'float' || type === 'double') {
      const token = {
        string: 'VALUE_STRING', true: 'VALUE_TRUE', false: 'VALUE_FALSE', object: 'START_OBJECT', array: 'START_ARRAY', number: '', null: '',
      }[json.is] // prettier-ignore
      if (token !== '')
        throw new Misfit(
          `${JACKSON} Current token (${token}) not numeric, can not use numeric value accessors`,
        )
    }
    let text = textOf(json)
    if (text === undefined)
      throw new Misfit('One or more fields have incorrect format. Exception when validating field (root)')
    if (isInteger) text = writtenOut(text)
    const value = scalarFrom(type, text, this.#timestamps)
    if (value !== undefined) return value
    if (isInteger && /^-?[0-9]+([.]0+)?$/.test(text))
      throw new Misfit(`${JACKSON} Numeric value (${cut(text)}) out of range of ${JAVA[type]}`)
    throw new Misfit(refusal(type, text))
  }
}

const JACKSON = 'Data does not match the schema. org.codehaus.jackson.JsonParseException:'
const JAVA: Readonly<Record<string, string>> = {
  tinyint: 'Java byte',
  smallint: 'Java short',
  int: 'int',
  bigint: 'long (-9223372036854775808 - 9223372036854775807)',
}

function textOf(json: Json): string | undefined {
  if (json.is === 'array' || json.is === 'object') return undefined
  return 'text' in json ? json.text : json.is
}

function javaValue(json: Json): readonly [javaClass: string, text: string] {
  const text = textOf(json) ?? ''
  if (json.is === 'string') return ['lang.String', text]
  if (json.is !== 'number') return ['lang.Boolean', text]
  if (/[.eE]/.test(text)) return ['lang.Double', text]
  const value = BigInt(text)
  return [value >= -(2n ** 63n) && value < 2n ** 63n ? 'lang.Long' : 'math.BigInteger', text]
}

/** A number without its exponent, unless that takes more than forty digits on a side. */
function writtenOut(text: string): string {
  const [, sign = '', whole = '', , fraction = '', exponent] =
    /^(-?)([0-9]+)([.]([0-9]+))?[eE](.*)$/.exec(text) ?? []
  if (exponent === undefined) return text
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (digits.length > 40 || Math.abs(point) > 40) return text
  const left =
    point > 0
      ? digits
          .slice(0, point)
          .padEnd(point, '0')
          .replace(/^0+(?=[0-9])/, '')
      : '0'
  const right = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits
  return sign + left + (right === '' ? '' : `.${right}`)
}

function refusal(type: string, text: string): string {
  if (type === 'date') return 'Data does not match the schema. Invalid format for one or more dates.'
  if (type === 'timestamp') return `Encountered invalid or unsupported timestamp format: "${cut(text)}"`
  return `Data does not match the schema. For input string: "${cut(text)}"`
}

function cut(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200).replace(/[\ud800-\udbff]$/, '')}…`
}

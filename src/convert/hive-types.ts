/**
 * Hive's column types: what their names mean. Which text a scalar takes is accepted-text's, what is said of a record that
 * does not fit is verdicts'; both engines go by the same three. The table in docs/firehose-compatibility.md says it in words.
 */
import type { Column, FormatConversion, MetadataField } from '../domain/delivery-stream.ts'
import { EncoderError, unreachable } from '../domain/errors.ts'

export type IntegerKind = 'tinyint' | 'smallint' | 'int' | 'bigint'

/** A type whose value is one text. */
export type ScalarType =
  | { readonly kind: IntegerKind | 'boolean' | 'float' | 'double' | 'string' | 'binary' | 'date' }
  /** `unit`: what is kept of a second; absent: milliseconds. */
  | { readonly kind: 'timestamp'; readonly unit?: 'micros' }
  /** `length`: most characters (code points), 1 to 65,535; of `char` 1 to 255. */
  | { readonly kind: 'varchar' | 'char'; readonly length: number }
  /** Precision 1 to 38, scale 0 to precision. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

export type NestedType =
  | { readonly kind: 'array'; readonly element: HiveType }
  | { readonly kind: 'map'; readonly key: ScalarType; readonly value: HiveType }
  /** At least one field; no two of one name. */
  | { readonly kind: 'struct'; readonly fields: readonly StructField[] }

export type HiveType = ScalarType | NestedType

export interface StructField {
  /** In lower case. */
  readonly name: string
  readonly type: HiveType
}

export type ScalarKind = ScalarType['kind']
export type HiveKind = HiveType['kind']

export interface TypedColumn {
  readonly name: string
  readonly type: HiveType
  /** What the column holds when it is not read from the record but says where that came from; see metadata-columns. */
  readonly field?: MetadataField
}

/** Types inside each other. */
export const TYPE_DEPTH_MAX = 100
/** Types in a table, those inside others counted: what is known of each takes memory for as long as a batch is converted. */
export const TABLE_TYPES_MAX = 30_000

const SUPPORTED =
  'boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), string, varchar(n), char(n), binary, date, timestamp, ' +
  'array<t>, map<k,t> and struct<name:t,…>'

const PLAIN_TYPES: Readonly<Record<string, Exclude<ScalarKind, 'decimal' | 'varchar' | 'char'>>> = {
  boolean: 'boolean',
  tinyint: 'tinyint',
  smallint: 'smallint',
  int: 'int',
  integer: 'int',
  bigint: 'bigint',
  float: 'float',
  double: 'double',
  string: 'string',
  binary: 'binary',
  date: 'date',
  timestamp: 'timestamp',
}

type TypeOptions = Pick<FormatConversion, 'timestampUnit'>

/**
 * Reads a type as Hive and Glue write it, in any letter case, with white space around its words. `decimal` alone is
 * decimal(10,0), `decimal(p)` decimal(p,0). A key of a map is a scalar, but not binary. Throws EncoderError
 * `DataFormatConversion.InvalidTypeFormat` for a type that cannot be converted to.
 */
export function parseHiveType(text: string, options: TypeOptions = {}): HiveType {
  const reader = new TypeReader(text, options)
  const type = reader.type(1)
  reader.end()
  return type
}

/** Everything but the characters that end a word; a name of a struct's field may hold all others. */
const WORD = /[^<>:,()]*/y

class TypeReader {
  readonly #text: string
  readonly #options: TypeOptions
  #at = 0

  constructor(text: string, options: TypeOptions) {
    this.#text = text
    this.#options = options
  }

  type(depth: number): HiveType {
    if (depth > TYPE_DEPTH_MAX)
      throw this.refused(`it has more than ${TYPE_DEPTH_MAX} types inside each other`)
    const word = this.#word()
    switch (word) {
      case 'array':
        return { kind: 'array', element: this.#bracketed(() => this.type(depth + 1)) }
      case 'map':
        return this.#bracketed(() => this.#map(depth))
      case 'struct':
        return { kind: 'struct', fields: this.#bracketed(() => this.#fields(depth)) }
      default:
        return this.#scalar(word)
    }
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.refused()
  }

  #map(depth: number): HiveType {
    const key = this.type(depth + 1)
    if (isNested(key) || key.kind === 'binary') throw this.refused(`a key cannot be of type ${key.kind}`)
    this.#expect(',')
    return { kind: 'map', key, value: this.type(depth + 1) }
  }

  #fields(depth: number): readonly StructField[] {
    const fields: StructField[] = []
    const names = new Set<string>()
    do {
      const name = this.#word()
      if (name === '') throw this.refused('a field has no name')
      if (name.includes('\u0001')) throw this.refused('the name of a field holds U+0001')
      if (names.has(name)) throw this.refused(`field ${JSON.stringify(name)} is there twice`)
      names.add(name)
      this.#expect(':')
      fields.push({ name, type: this.type(depth + 1) })
    } while (this.#takes(','))
    return fields
  }

  #scalar(word: string): ScalarType {
    const plain = Object.hasOwn(PLAIN_TYPES, word) ? PLAIN_TYPES[word] : undefined
    if (plain === 'timestamp' && this.#options.timestampUnit === 'micros')
      return { kind: plain, unit: 'micros' }
    if (plain !== undefined) return { kind: plain }
    const [first, second, ...more] = this.#parameters()
    if (more.length > 0) throw this.refused()
    if (word === 'decimal') {
      const [precision, scale] = [first ?? 10, second ?? 0]
      if (precision >= 1 && precision <= 38 && scale <= precision) return { kind: word, precision, scale }
    }
    if ((word === 'varchar' || word === 'char') && first !== undefined && second === undefined) {
      if (first >= 1 && first <= LENGTH_MAX[word]) return { kind: word, length: first }
    }
    throw this.refused()
  }

  /** Whole numbers in parentheses, if there are any. */
  #parameters(): readonly number[] {
    if (!this.#takes('(')) return []
    const parameters: number[] = []
    do {
      const word = this.#word()
      if (!/^[0-9]{1,5}$/.test(word)) throw this.refused()
      parameters.push(Number(word))
    } while (this.#takes(','))
    this.#expect(')')
    this.#space()
    return parameters
  }

  #bracketed<T>(inside: () => T): T {
    this.#expect('<')
    const result = inside()
    this.#expect('>')
    this.#space()
    return result
  }

  #word(): string {
    WORD.lastIndex = this.#at
    const [word = ''] = WORD.exec(this.#text) ?? []
    this.#at += word.length
    return word.trim().toLowerCase()
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1
  }

  #takes(character: string): boolean {
    if (this.#text.charAt(this.#at) !== character) return false
    this.#at += 1
    return true
  }

  #expect(character: string): void {
    if (!this.#takes(character)) throw this.refused()
  }

  /** The error that the type cannot be converted to. */
  refused(why = 'it cannot be converted to'): EncoderError {
    const text = this.#text.length > QUOTED_MAX ? `${this.#text.slice(0, QUOTED_MAX)}…` : this.#text
    return new EncoderError(`read type ${JSON.stringify(text)}: ${why}`, {
      code: 'DataFormatConversion.InvalidTypeFormat',
      hint: `use one of ${SUPPORTED} (precision 1 to 38, scale 0 to precision, n up to 65535, of char up to 255)`,
    })
  }
}

const LENGTH_MAX = { varchar: 65_535, char: 255 } as const
/** Characters of a refused type that a message quotes. */
const QUOTED_MAX = 1000

export function isNested(type: HiveType): type is NestedType {
  return type.kind === 'array' || type.kind === 'map' || type.kind === 'struct'
}

/** True when the type, or one at any depth in it, is of such a kind. */
export function holdsKind(type: HiveType, kind: HiveKind): boolean {
  if (type.kind === kind) return true
  if (!isNested(type)) return false
  switch (type.kind) {
    case 'array':
      return holdsKind(type.element, kind)
    case 'map':
      return holdsKind(type.key, kind) || holdsKind(type.value, kind)
    case 'struct':
      return type.fields.some((field) => holdsKind(field.type, kind))
    default:
      return unreachable(type)
  }
}

/**
 * The columns of a table with their types read. Throws EncoderError for a type that is not supported
 * (`DataFormatConversion.InvalidTypeFormat`), for no columns, or for columns without a name, of one name, or with a name that
 * Glue would not keep: with upper-case letters, or U+0001 (`.InvalidSchema`); the same, in AWS's words, for bytes anywhere in a
 * column when the conversion is known and reads by OpenXJsonSerDe.
 */
export function typedColumns(
  columns: readonly Column[],
  conversion?: Pick<FormatConversion, 'timestampUnit' | 'hive'>,
): readonly TypedColumn[] {
  const names = new Set<string>()
  for (const { name } of columns) {
    if (name === '') throw invalidSchema('a column has no name')
    if (name !== name.toLowerCase()) throw invalidSchema(`column ${JSON.stringify(name)} is not lower-case`)
    if (name.includes('\u0001')) throw invalidSchema(`column ${JSON.stringify(name)} holds U+0001`)
    if (names.has(name)) throw invalidSchema(`column ${JSON.stringify(name)} is there twice`)
    names.add(name)
  }
  if (columns.length === 0) throw invalidSchema('the table has no columns')
  const typed = columns.map(({ name, type }) => ({ name, type: parseHiveType(type, conversion) }))
  const types = typed.reduce((sum, { type }) => sum + typesIn(type), 0)
  if (types > TABLE_TYPES_MAX)
    throw invalidSchema(`the table has ${types} columns, fields and elements, more than ${TABLE_TYPES_MAX}`)
  const bytes = typed.find(({ type }) => holdsKind(type, 'binary'))
  if (bytes !== undefined && conversion !== undefined && conversion.hive === undefined) {
    throw new EncoderError(NO_BYTES, {
      code: INVALID_SCHEMA,
      hint: `column ${JSON.stringify(bytes.name)} holds binary: make it a string, or read by HiveJsonSerDe`,
    })
  }
  return typed
}

function typesIn(type: HiveType): number {
  if (!isNested(type)) return 1
  switch (type.kind) {
    case 'array':
      return 1 + typesIn(type.element)
    case 'map':
      return 2 + typesIn(type.value)
    case 'struct':
      return type.fields.reduce((sum, field) => sum + typesIn(field.type), 1)
    default:
      return unreachable(type)
  }
}

const INVALID_SCHEMA = 'DataFormatConversion.InvalidSchema'
const NO_BYTES = 'One or more columns have types that are not supported by org.openx.data.JsonSerDe'

function invalidSchema(what: string): EncoderError {
  return new EncoderError(`read schema: ${what}`, {
    code: INVALID_SCHEMA,
    hint: 'correct the columns of the table in the catalog',
  })
}

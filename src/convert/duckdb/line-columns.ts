/**
 * The columns of a conversion as the lines for DuckDB hold them: under which key, and how their values are read from there.
 *
 * A line is a record as it came or, of a record that was read exactly, made of plain values. Most plain values are a form that
 * a record can have too, and stand under the same key. Those of nested columns and of bytes do not: they have a key that no
 * record has, which ends in U+0001.
 */
import type { Frame } from '../../domain/frame.ts'
import { isNested, type HiveType, type TypedColumn } from '../hive-types.ts'
import { foldsData, jsonKey, keyMatcher, type ConversionRules } from '../json-rules.ts'
import { partsOf, plainType, plainValue } from './column-sql.ts'
import { epochReading, provedReading, type Proved } from './proved-values.ts'
import { quickReading, type Quick, type QuickRules } from './quick-sql.ts'

export interface LineColumn extends TypedColumn {
  /** In a record as it came; of a metadata column as of plain values. */
  readonly key: string
  /** In a line of plain values; the same, or one that only such a line has. */
  readonly plainKey: string
  /** How a value is read that may be in doubt. */
  readonly quick: Quick
  /** A timestamp that most records write as a number of seconds or milliseconds: no other is proved. */
  readonly isEpoch: boolean
  /** How a value is read that its form proves, or that is plain and has no key of its own. */
  readonly proved: Proved
}

/** A key that is looked for in a record, at any depth. */
export interface SoughtKey {
  /** As keys are compared: folded, where they are. */
  readonly name: string
  /** As it is looked for on the quick path. */
  readonly spelling: string
  readonly type: HiveType
}

export interface LineTable {
  readonly columns: readonly LineColumn[]
  /** The keys of columns and of the fields of structs inside them. */
  readonly sought: readonly SoughtKey[]
}

type NamedType = Pick<SoughtKey, 'name' | 'type'>

function fieldsOf(type: HiveType): readonly NamedType[] {
  if (!isNested(type)) return []
  return [...(type.kind === 'struct' ? type.fields : []), ...partsOf(type).flatMap(fieldsOf)]
}

/** Values of a row that are judged each by itself. */
export function judgedValues(columns: readonly TypedColumn[]): number {
  const ofType = (type: HiveType): number =>
    isNested(type) ? 1 + partsOf(type).reduce((sum, part) => sum + ofType(part), 0) : 1
  return columns.reduce((sum, { type }) => sum + ofType(type), 0)
}

/**
 * The columns of a table, with the spelling of keys that most records of a sample use; undefined when two columns would be
 * of one key. What is chosen decides which records are read quickly, never what is read.
 */
export function lineTable(
  columns: readonly TypedColumn[],
  rules: ConversionRules,
  sample: Frame | undefined,
): LineTable | undefined {
  const matched = keyMatcher(rules)
  const members = columns.map(({ name, type }) => ({ name: matched(jsonKey(name, rules)), type }))
  const named: readonly NamedType[] = [...members, ...columns.flatMap(({ type }) => fieldsOf(type))]
  const learnt = learntKeys(sample, new Set(named.map(({ name }) => name)), matched)
  const keyOf = (name: string): string => learnt.spellings.get(name) ?? name
  const keys = members.map(({ name }) => keyOf(name))
  const isEpoch = columns.map(
    ({ type }, index) => type.kind === 'timestamp' && learnt.numbers.has(members[index]?.name ?? ''),
  )
  const plainKeys = columns.map(({ name, type }, index) =>
    isEpoch[index] === true || hasOwnPlainForm(type, rules) ? ownKey(name) : (keys[index] ?? ''),
  )
  if (!areDistinct(keys, plainKeys)) return undefined
  const quick: QuickRules = {
    mapKeys: foldsData(rules) ? learnt.others : 'kept',
    hive: rules.hive,
    keyOf,
  }
  return {
    columns: columns.map((column, index) => {
      const key = keys[index] ?? ''
      return {
        ...column,
        key,
        plainKey: plainKeys[index] ?? '',
        quick: quickReading(column.type, quick),
        isEpoch: isEpoch[index] === true,
        proved: isEpoch[index] === true ? epochReading(column.type) : provedReading(column.type, keyOf),
      }
    }),
    sought: named.map(({ name, type }) => ({ name, type, spelling: keyOf(name) })),
  }
}

/** True when DuckDB can have a column for each key: it tells no capitals apart. */
function areDistinct(keys: readonly string[], plainKeys: readonly string[]): boolean {
  const all = [...keys, ...plainKeys.filter((key, index) => key !== keys[index])]
  return !all.includes('') && new Set(all.map((key) => key.toLowerCase())).size === all.length
}

/** The columns of a table of whose records each is read exactly. */
export function plainColumns(columns: readonly TypedColumn[]): readonly LineColumn[] {
  return columns.map((column) => plainColumn(column, ownKey(column.name)))
}

/** Metadata columns, under keys that nothing else has. */
export function metadataLineColumns(
  columns: readonly TypedColumn[],
  keys: readonly string[],
): readonly LineColumn[] {
  return columns.map((column, index) => plainColumn(column, keys[index] ?? ''))
}

function plainColumn(column: TypedColumn, key: string): LineColumn {
  const rawType = plainType(column)
  const value = (raw: string): string => plainValue(column, raw)
  return {
    ...column,
    key,
    plainKey: key,
    quick: { rawType, value, doubt: () => 'false' },
    isEpoch: false,
    proved: { rawType, value },
  }
}

/** Plain values of such a type are nothing that a record has, or that is taken from one. */
function hasOwnPlainForm(type: HiveType, { hive }: ConversionRules): boolean {
  return isNested(type) || type.kind === 'binary' || (type.kind === 'timestamp' && hive !== undefined)
}

const ownKey = (name: string): string => `${name}\u0001`

/** Records whose keys are looked at to learn how a producer spells them. */
const SAMPLE_RECORDS = 30

interface LearntKeys {
  readonly spellings: ReadonlyMap<string, string>
  /** Names whose values are numbers mostly. */
  readonly numbers: ReadonlySet<string>
  /** What keys are like that are not sought: those of maps are among them. */
  readonly others: 'low' | 'lowered'
}

function learntKeys(
  sample: Frame | undefined,
  sought: ReadonlySet<string>,
  matched: (key: string) => string,
): LearntKeys {
  const counts = new Map<string, Map<string, number>>()
  const numbers = new Map<string, number>()
  let others: LearntKeys['others'] = 'low'
  let left = SAMPLE_RECORDS
  for (const record of sample?.recordViews() ?? []) {
    if (left-- === 0) break
    const text = record.toString('latin1')
    for (const [, key = '', digit] of text.matchAll(
      /"([\x20\x21\x23-\x5b\x5d-\x7e]+)"[ \t]*:[ \t]*([0-9]?)/g,
    )) {
      const name = matched(key)
      if (!sought.has(name)) {
        if (key !== key.toLowerCase()) others = 'lowered'
        continue
      }
      const found = counts.get(name) ?? new Map<string, number>()
      counts.set(name, found.set(key, (found.get(key) ?? 0) + 1))
      numbers.set(name, (numbers.get(name) ?? 0) + (digit === '' ? -1 : 1))
    }
  }
  const spellings = new Map<string, string>()
  for (const [name, found] of counts) {
    const [ranked] = [...found].toSorted(([, a], [, b]) => b - a)
    if (ranked !== undefined) spellings.set(name, ranked[0])
  }
  const mostly = [...numbers].filter(([, more]) => more > 0).map(([name]) => name)
  return { spellings, numbers: new Set(mostly), others }
}

/** The pattern of `raw-doubt`, made for the keys and types of a table. */
import { isNested, type HiveKind, type HiveType } from '../hive-types.ts'
import { partsOf } from './column-sql.ts'
import type { ConversionRules } from '../json-rules.ts'
import type { LineTable, SoughtKey } from './line-columns.ts'

/** Names whose keys the pattern can recognise; a table with any other name goes the exact path altogether. */
const RECOGNISABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/

/** Undefined when every record is to be read exactly. */
export function rawPattern({ columns, sought }: LineTable, rules: ConversionRules): RegExp | undefined {
  const names = [...new Set(sought.map(({ name }) => name))]
  const hasDots = rules.hive === undefined && rules.dotsToUnderscores === true
  const folds = rules.hive !== undefined || rules.caseInsensitive
  if (names.some((name) => !RECOGNISABLE.test(name) || (hasDots && name.includes('.')))) return undefined
  const items = [...new Set(columns.flatMap(({ type }) => itemKinds(type)))]
  const values = [NOT_A_NUMBER, ...formsOf(doubtfulItems, items)].join('|')
  const members = [
    // Behind any key, whose quotation mark this is.
    `[ \\t]*:[ \\t]*(?:${values})`,
    ...otherSpellings(sought, (name) => variantsOf(name, folds, hasDots)),
    ...doubtfulMembers(sought),
  ]
  return new RegExp(
    [
      ',[ \\t]*[}\\]]',
      `[,[][ \\t]*(?:${values})`,
      '[\\v\\f]',
      `"(?:${members.join('|')})`,
      escapedKeyCharacter(names),
    ].join('|'),
    'g',
  )
}

/** NaN and Infinity, as DuckDB takes them: not the beginnings of words in a text, behind a comma. */
const NOT_A_NUMBER = '-?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])[ \\t]*[,}\\]]'

/** Keys that a column or field is read from, but not spelled as the quick path looks for them. */
function otherSpellings(
  sought: readonly SoughtKey[],
  variantsOfName: (name: string) => string,
): readonly string[] {
  const all = [...new Set(sought.map(({ name }) => name))]
  const variants = all.map(variantsOfName)
  const spellings = all.map((name) => escaped(sought.find((key) => key.name === name)?.spelling ?? name))
  if (variants.join() === spellings.join()) return []
  return [`(?!(?:${spellings.join('|')})")(?:${variants.join('|')})"[ \\t]*:`]
}

function doubtfulMembers(sought: readonly SoughtKey[]): readonly string[] {
  return doubtfulValues.flatMap(([kinds, values]) => {
    const keys = sought
      .filter(({ type }) => kinds.includes(type.kind))
      .map(({ spelling }) => escaped(spelling))
    return keys.length === 0 ? [] : [`(?:${[...new Set(keys)].join('|')})"[ \\t]*:[ \\t]*(?:${values})`]
  })
}

type Forms = readonly (readonly [kinds: readonly HiveKind[], values: string])[]

const TEXT: readonly HiveKind[] = ['string', 'varchar', 'char', 'binary']
const INTEGERS: readonly HiveKind[] = ['tinyint', 'smallint', 'int', 'bigint']

/** Forms of a value behind a key whose text DuckDB changes in a way that matters for these types. */
const doubtfulValues: Forms = [
  // Objects and arrays; a number that is printed otherwise than it came.
  [TEXT, '[{\\[]|-?[0-9]+[.eE]|-0'],
  // A number of more digits than a double keeps, or of an exponent that is refused for its digits.
  [['decimal'], '-?[0-9.]{16}|-?[0-9.]+[eE][+-]?[0-9]{4}'],
  [['timestamp', 'date'], '-?[0-9.]{16}'],
  [['float'], '-?[0-9.]{16}|-0(?![.0-9eE])'],
  [INTEGERS, '-?[0-9]+(?:[eE]|\\.(?!0[,} \\t]))'],
  // Minus zero, which DuckDB reads as the integer 0.
  [['double'], '-0(?![.0-9eE])'],
  // Another shape, which is silently null.
  [['array'], '(?![\\[n])'],
  [['map', 'struct'], '(?![{n])'],
]

/** The same of elements of arrays and maps, which no key shows: of any value anywhere. */
const doubtfulItems: Forms = [
  [TEXT, '-?[0-9]+(?:[eE]|\\.[0-9]+(?:0(?![0-9])|[eE]))|-?[0-9.]{16}|-0(?![.0-9eE])'],
  [['decimal'], '-?[0-9.]{16}|-?[0-9.]+[eE][+-]?[0-9]{4}'],
  [['float'], '-?[0-9.]{16}|-0(?![.0-9eE])'],
  [['double'], '-0(?![.0-9eE])'],
]

function formsOf(forms: Forms, kinds: readonly HiveKind[]): readonly string[] {
  return forms.flatMap(([of, values]) => (of.some((kind) => kinds.includes(kind)) ? [values] : []))
}

/** Kinds of values that stand in an array or map. */
function itemKinds(type: HiveType): readonly HiveKind[] {
  if (!isNested(type)) return []
  const items = type.kind === 'struct' ? [] : partsOf(type).filter((part) => !isNested(part))
  return [...items.map(({ kind }) => kind), ...partsOf(type).flatMap(itemKinds)]
}

/** A JSON escape that stands for a character of a name, or for U+0001, in which keys of plain values end. */
function escapedKeyCharacter(names: readonly string[]): string {
  const isWord = names.every((name) => /^[A-Za-z0-9_]+$/.test(name))
  return isWord
    ? '\\\\u(?:00(?:01|2[eE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])|212[aA])'
    : '\\\\[u/]'
}

/** UTF-8 of the Kelvin sign, which is lower-cased to k; the only character outside ASCII that becomes an ASCII one. */
const KELVIN = '\\xe2\\x84\\xaa'

/** Every text that is folded to `name`. */
function variantsOf(name: string, folds: boolean, hasDots: boolean): string {
  return Array.from(name)
    .map((character) => {
      if (hasDots && character === '_') return '[_.]'
      if (!folds || !/[A-Za-z]/.test(character)) return escaped(character)
      const letter = character.toLowerCase()
      const either = `[${letter}${letter.toUpperCase()}]`
      return letter === 'k' ? `(?:${either}|${KELVIN})` : either
    })
    .join('')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

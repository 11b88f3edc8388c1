/** The pattern of `raw-doubt`, made for the keys and types of a table. */
import { literalPattern } from '../../domain/literal-pattern.ts'
import { isNested, type HiveKind, type HiveType } from '../hive-types.ts'
import { partsOf } from './column-sql.ts'
import type { ConversionRules } from '../json-rules.ts'
import { KeyTrie, type KeyVariants } from './key-trie.ts'
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
    doubtfulMembers(sought, { folds, hasDots }),
  ]
  return new RegExp(
    [
      ',[ \\t]*[}\\]]',
      // A second document, of which DuckDB gives no row either; here it costs less.
      '\\}[ \\t]*\\{',
      `[,[][ \\t]*(?:${values})`,
      '[\\v\\f]',
      `"(?:${members.join('|')})`,
      escapedKeyCharacter(names),
    ].join('|'),
  )
}

/** NaN and Infinity, as DuckDB takes them: not the beginnings of words in a text, behind a comma. */
const NOT_A_NUMBER = '-?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])[ \\t]*[,}\\]]'

/** Keys in another spelling than the quick path looks for, or in that one with a value of a doubtful form. */
function doubtfulMembers(sought: readonly SoughtKey[], variants: KeyVariants): string {
  const trie = new KeyTrie(variants)
  for (const name of new Set(sought.map((key) => key.name))) {
    const keys = sought.filter((key) => key.name === name)
    const forms = formsOf(
      doubtfulValues,
      keys.map(({ type }) => type.kind),
    )
    const isOtherwiseSpelled = `(?<!"${literalPattern(keys[0]?.spelling ?? name)}")[ \\t]*:`
    const hasForm = forms.length === 0 ? [] : [`[ \\t]*:[ \\t]*(?:${forms.join('|')})`]
    trie.add(name, `"(?:${[isOtherwiseSpelled, ...hasForm].join('|')})`)
  }
  return trie.source
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

/** Kinds of values that stand in an array or map; keys of maps are text between quotes. */
function itemKinds(type: HiveType): readonly HiveKind[] {
  if (!isNested(type)) return []
  const item = type.kind === 'array' ? type.element : type.kind === 'map' ? type.value : undefined
  const kinds = item === undefined || isNested(item) ? [] : [item.kind]
  return [...kinds, ...partsOf(type).flatMap(itemKinds)]
}

/** A JSON escape that stands for a character of a name, or for U+0001, in which keys of plain values end. */
function escapedKeyCharacter(names: readonly string[]): string {
  const isWord = names.every((name) => /^[A-Za-z0-9_]+$/.test(name))
  return isWord
    ? '\\\\u(?:00(?:01|2[eE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])|212[aA])'
    : '\\\\[u/]'
}

/**
 * What DuckDB's reader does not show: found on the bytes of a whole frame with one pattern, before DuckDB sees them.
 *
 * - It takes trailing commas, NaN and Infinity for JSON, vertical tabs and form feeds for white space.
 * - It matches keys exactly, and of two equal keys the first; another spelling of a column's key needs folding.
 * - It gives a number as it prints it, not as it came (1.10 as 1.1, 20 digits as 17), and an object re-written.
 * - It skips a line of white space, so that line numbers would no longer be record numbers: whatever does not begin with a
 *   brace is in doubt, which metadata-lines relies on too.
 *
 * A match costs its record the exact path and no other record anything. Matching too much is slow, never wrong.
 */
import { isUtf8 } from 'node:buffer'
import type { Frame } from '../../domain/frame.ts'
import type { HiveKind, TypedColumn } from '../hive-types.ts'
import { DEPTH_MAX, KEY_LENGTH_MAX } from '../json-cursor.ts'

/** The ordinals, within a frame and ascending, of the records that must be read exactly. */
export type FindDoubtful = (frame: Frame) => readonly number[]

const OPEN_BRACE = 0x7b

/** A shorter record cannot be nested deeper than the exact reader allows. */
const NESTED_BYTES_MIN = 2 * DEPTH_MAX

/** Names whose keys the pattern can recognise; a table with any other name goes the exact path altogether. */
const RECOGNISABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/

export function doubtfulRecords(
  columns: readonly TypedColumn[],
  keys: readonly string[],
  caseInsensitive: boolean,
): FindDoubtful {
  if (columns.some(({ name }) => !RECOGNISABLE.test(name))) {
    return (frame) => Array.from({ length: frame.records }, (_, index) => index)
  }
  const pattern = rawPattern(columns, keys, caseInsensitive)
  return (frame) => {
    const found: number[] = []
    const payload = frame.payload
    const text = payload.toString('latin1')
    const isOdd = frame.isOdd
    pattern.lastIndex = 0
    let match = nextMatch(pattern, text, 0)
    let start = 0
    for (let index = 0; index < frame.records; index += 1) {
      const length = frame.length(index)
      const end = start + length
      if (match >= start && match <= end) {
        found.push(index)
        match = nextMatch(pattern, text, end + 1)
      } else if (
        text.charCodeAt(start) !== OPEN_BRACE ||
        (length > NESTED_BYTES_MIN && isLongOrDeep(payload, start, end)) ||
        (isOdd && isOddRecord(payload.subarray(start, end)))
      ) {
        found.push(index)
        if (match < end) match = nextMatch(pattern, text, end + 1)
      }
      start = end + 1
    }
    return found
  }
}

/** Position of the next match, or infinity. */
function nextMatch(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.exec(text)?.index ?? Infinity
}

/** True when the exact reader might refuse a key for its length or the record for its depth. */
function isLongOrDeep(payload: Buffer, start: number, end: number): boolean {
  if (end - start > KEY_LENGTH_MAX) return true
  let opened = 0
  for (let at = start; at < end; at += 1) {
    const code = payload[at]
    if (code === 0x7b || code === 0x5b) opened += 1
  }
  return opened >= DEPTH_MAX
}

/** As FrameFlag.odd, of one record. */
function isOddRecord(record: Buffer): boolean {
  return (
    record.length === 0 ||
    ODD_BYTES.some((byte) => record.includes(byte)) ||
    record.includes('\ufeff') ||
    !isUtf8(record)
  )
}

const ODD_BYTES = [0x0a, 0x0d, 0x00, 0x01]

function rawPattern(
  columns: readonly TypedColumn[],
  keys: readonly string[],
  caseInsensitive: boolean,
): RegExp {
  const spellings = keys.map(escaped).join('|')
  const members: string[] = []
  if (caseInsensitive) {
    const anyCase = columns.map(({ name }) => foldedTo(name)).join('|')
    members.push(`(?!(?:${spellings})")(?:${anyCase})"[ \\t]*:`)
  }
  for (const [kinds, values] of doubtfulValues) {
    const names = columns.flatMap(({ type }, index) =>
      kinds.includes(type.kind) ? [escaped(keys[index] ?? '')] : [],
    )
    if (names.length > 0) members.push(`(?:${names.join('|')})"[ \\t]*:[ \\t]*(?:${values})`)
  }
  return new RegExp(
    [
      '[,:[][ \\t]*(?:[}\\]]|-?(?:[iI]|[nN][aA]))',
      '[\\v\\f]',
      `"(?:${members.join('|')})`,
      escapedKeyCharacter(columns),
    ].join('|'),
    'g',
  )
}

/** Forms of a value whose text DuckDB changes in a way that matters for these types. */
const doubtfulValues: readonly (readonly [readonly HiveKind[], string])[] = [
  // Objects and arrays; a number that is printed otherwise than it came.
  [['string'], '[{\\[]|-?[0-9]+[.eE]|-0'],
  // A number of more digits than a double keeps, or of an exponent that is refused for its digits.
  [['decimal'], '-?[0-9.]{16}|-?[0-9.]+[eE][+-]?[0-9]{4}'],
  [['timestamp', 'date'], '-?[0-9.]{16}'],
  [['float'], '-?[0-9.]{16}|-0(?![.0-9eE])'],
  [['tinyint', 'smallint', 'int', 'bigint'], '-?[0-9]+(?:[eE]|\\.(?!0[,} \\t]))'],
  // Minus zero, which DuckDB reads as the integer 0.
  [['double'], '-0(?![.0-9eE])'],
]

/** A JSON escape that stands for a character of a column's name. */
function escapedKeyCharacter(columns: readonly TypedColumn[]): string {
  const isWord = columns.every(({ name }) => /^[a-z0-9_]+$/.test(name))
  return isWord ? '\\\\u(?:00(?:3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])|212[aA])' : '\\\\[u/]'
}

/** UTF-8 of the Kelvin sign, which is lower-cased to k; the only character outside ASCII that becomes an ASCII one. */
const KELVIN = '\\xe2\\x84\\xaa'

/** Every text that is lower-cased to `name`. */
function foldedTo(name: string): string {
  return Array.from(name)
    .map((letter) => {
      if (!/[a-z]/.test(letter)) return escaped(letter)
      const either = `[${letter}${letter.toUpperCase()}]`
      return letter === 'k' ? `(?:${either}|${KELVIN})` : either
    })
    .join('')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** Records whose keys are looked at to learn how a producer spells them. */
const SAMPLE_RECORDS = 30

/**
 * The spelling of each column's key that most records of a frame use; `orderId` for the column orderid. It decides which
 * records are read quickly, never what is read.
 */
export function keySpellings(
  columns: readonly TypedColumn[],
  caseInsensitive: boolean,
  sample: Frame | undefined,
): readonly string[] {
  if (!caseInsensitive) return columns.map(({ name }) => name)
  const counts = new Map<string, Map<string, number>>(columns.map(({ name }) => [name, new Map()]))
  let left = SAMPLE_RECORDS
  for (const record of sample?.recordViews() ?? []) {
    if (left-- === 0) break
    for (const [, key = ''] of record
      .toString('latin1')
      .matchAll(/"([\x20\x21\x23-\x5b\x5d-\x7e]+)"[ \t]*:/g)) {
      const spellings = counts.get(key.toLowerCase())
      spellings?.set(key, (spellings.get(key) ?? 0) + 1)
    }
  }
  return columns.map(({ name }) => {
    const ranked = [...(counts.get(name) ?? [])].toSorted(([, a], [, b]) => b - a)
    return ranked[0]?.[0] ?? name
  })
}

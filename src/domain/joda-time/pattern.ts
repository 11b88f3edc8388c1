/**
 * Patterns of Joda-Time's DateTimeFormat, which HiveJsonSerDe's TimestampFormats are written in: what they consist of, and
 * whether a text is one. Reading a time by a pattern is convert/joda-reader's.
 */

/** What a part of a text says about the time. */
export type JodaField =
  | 'centuryOfEra'
  | 'yearOfEra'
  | 'year'
  | 'weekyear'
  | 'monthOfYear'
  | 'weekOfWeekyear'
  | 'dayOfYear'
  | 'dayOfMonth'
  | 'dayOfWeek'
  | 'halfdayOfDay'
  | 'hourOfDay'
  | 'clockhourOfDay'
  | 'hourOfHalfday'
  | 'clockhourOfHalfday'
  | 'minuteOfHour'
  | 'secondOfMinute'

export type JodaPart =
  /** In any letter case. */
  | { readonly kind: 'literal'; readonly text: string }
  /** At least one digit and at most so many; those of a signed field may have a sign before them. */
  | {
      readonly kind: 'number'
      readonly field: JodaField
      readonly digitsMax: number
      readonly signed: boolean
    }
  /** Two digits of a century to be found. `lenient`: another number of digits, or a sign, means the year itself. */
  | { readonly kind: 'shortYear'; readonly field: 'year' | 'weekyear'; readonly lenient: boolean }
  | { readonly kind: 'fraction'; readonly digitsMax: number }
  | { readonly kind: 'text'; readonly field: 'era' | 'monthOfYear' | 'dayOfWeek' | 'halfdayOfDay' }
  | { readonly kind: 'offset' }
  | { readonly kind: 'zoneId' }
  | { readonly kind: 'zoneName' }

/** The format that stands for milliseconds since 1970, in any letter case. */
const MILLIS = /^millis$/i

export function isMillisFormat(format: string): boolean {
  return MILLIS.test(format)
}

/** True for what TimestampFormats may hold: a pattern that a time can be read by, or `millis`. */
export function isTimestampFormat(format: string): boolean {
  return isMillisFormat(format) || parseJodaPattern(format) !== undefined
}

/** The parts of a pattern, or undefined when Joda-Time takes it for none or cannot read by it. */
export function parseJodaPattern(pattern: string): readonly JodaPart[] | undefined {
  if (pattern === '') return undefined
  const tokens = tokensOf(pattern)
  const parts: JodaPart[] = []
  for (const [index, token] of tokens.entries()) {
    const part = partOf(token, tokens[index + 1])
    if (part === undefined) return undefined
    parts.push(part)
  }
  return parts
}

interface Token {
  /** A letter, or empty for text that stands for itself. */
  readonly letter: string
  readonly length: number
  readonly text: string
}

/** A run of one letter, or everything else up to the next letter that is not quoted. */
const TOKEN = /([a-zA-Z])\1*|(?:'(?:''|[^'])*(?:'|$)|[^a-zA-Z'])+/g

function tokensOf(pattern: string): readonly Token[] {
  return Array.from(pattern.matchAll(TOKEN), ([text, letter = '']) => ({
    letter,
    length: text.length,
    text: letter === '' ? unquoted(text) : '',
  }))
}

/** Two quotes are one, inside of quotes and outside. */
function unquoted(text: string): string {
  return text.replace(/''|'/g, (quotes) => (quotes === "''" ? "'" : ''))
}

/** Fields of at most so many digits, more where the pattern has more letters. */
const NUMBERS: Readonly<Record<string, readonly [field: JodaField, digits: number]>> = {
  d: ['dayOfMonth', 2],
  h: ['clockhourOfHalfday', 2],
  H: ['hourOfDay', 2],
  k: ['clockhourOfDay', 2],
  K: ['hourOfHalfday', 2],
  m: ['minuteOfHour', 2],
  s: ['secondOfMinute', 2],
  e: ['dayOfWeek', 1],
  D: ['dayOfYear', 3],
  w: ['weekOfWeekyear', 2],
}

const YEARS: Readonly<Record<string, 'year' | 'yearOfEra' | 'weekyear'>> = {
  y: 'year',
  Y: 'yearOfEra',
  x: 'weekyear',
}

function partOf({ letter, length, text }: Token, next: Token | undefined): JodaPart | undefined {
  const number = NUMBERS[letter]
  if (number !== undefined) return numberPart(number[0], Math.max(number[1], length))
  if (YEARS[letter] !== undefined) return yearPart(YEARS[letter], length, next)
  switch (letter) {
    case '':
      return { kind: 'literal', text }
    case 'C':
      return { ...numberPart('centuryOfEra', length), signed: true }
    case 'M':
      return length >= 3
        ? { kind: 'text', field: 'monthOfYear' }
        : numberPart('monthOfYear', Math.max(2, length))
    case 'S':
      return { kind: 'fraction', digitsMax: length }
    case 'G':
      return { kind: 'text', field: 'era' }
    case 'E':
      return { kind: 'text', field: 'dayOfWeek' }
    case 'a':
      return { kind: 'text', field: 'halfdayOfDay' }
    case 'Z':
      return length <= 2 ? { kind: 'offset' } : { kind: 'zoneId' }
    case 'z':
      // A long name of a zone is written, never read.
      return length <= 3 ? { kind: 'zoneName' } : undefined
    default:
      return undefined
  }
}

function numberPart(field: JodaField, digitsMax: number): Extract<JodaPart, { kind: 'number' }> {
  return { kind: 'number', field, digitsMax, signed: false }
}

/** Digits of a year that nothing bounds. */
const YEAR_DIGITS = 9

/** A year before a number must leave that its digits. */
function yearPart(
  field: 'year' | 'yearOfEra' | 'weekyear',
  length: number,
  next: Token | undefined,
): JodaPart {
  const isBounded = next !== undefined && isNumber(next)
  if (length === 2) {
    return { kind: 'shortYear', field: field === 'weekyear' ? field : 'year', lenient: !isBounded }
  }
  return {
    kind: 'number',
    field,
    digitsMax: isBounded ? length : Math.max(YEAR_DIGITS, length),
    signed: field !== 'yearOfEra',
  }
}

function isNumber({ letter, length }: Token): boolean {
  return letter === 'M' ? length <= 2 : /[cCxyYdhHmsSeDFwWkK]/.test(letter)
}

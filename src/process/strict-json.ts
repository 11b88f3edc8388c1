/**
 * Finds where JSON values end, in bytes, and judges them to the letter of RFC 8259: what it finds the end of is JSON, but for
 * bytes that are not UTF-8. It goes no deeper than it is told to, and never beyond the end of the text, behind which a newline must stand.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  LETTER_E,
  LETTER_F,
  LETTER_N,
  LETTER_T,
  LETTER_U,
  MINUS,
  NINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLUS,
  POINT,
  QUOTE,
  ZERO,
} from '../domain/json-bytes.ts'

/** In place of an offset: this is no JSON, or it is too deep. */
export const NO_JSON = -1

/** Characters of ASCII that stand for themselves in a string. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
)
const IS_ESCAPE = bytesIn('"\\/bfnrt')
const IS_HEX = bytesIn('0123456789abcdefABCDEF')
const IS_BLANK = bytesIn(' \t\n\r')

function bytesIn(characters: string): Uint8Array {
  const are = new Uint8Array(256)
  for (const byte of Buffer.from(characters)) are[byte] = 1
  return are
}

const NULL = Buffer.from('null')
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')

/** Some text as bytes, with a newline behind it. */
export interface JsonText {
  bytes: Uint8Array
  end: number
}

export function skipBlank({ bytes, end }: JsonText, at: number): number {
  let next = at
  while (IS_BLANK[bytes[next] ?? 0] === 1 && next < end) next += 1
  return next
}

/** Behind the characters that stand for themselves: at a quote, or at a character that is something else. */
export function endOfPlain(bytes: Uint8Array, at: number): number {
  let next = at
  while (IS_PLAIN[bytes[next] ?? 0] === 1) next += 1
  return next
}

/** Behind the string whose quote is at `at`. */
export function endOfString(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return NO_JSON
  let next = at + 1
  for (;;) {
    next = endOfPlain(bytes, next)
    const byte = bytes[next] ?? 0
    if (byte === QUOTE) return next + 1
    if (byte < 0x20) return NO_JSON
    next = byte === BACKSLASH ? endOfEscape(bytes, next + 1) : next + 1
    if (next === NO_JSON) return NO_JSON
  }
}

/** Behind what follows a backslash. */
function endOfEscape(bytes: Uint8Array, at: number): number {
  const letter = bytes[at] ?? 0
  if (letter !== LETTER_U) return IS_ESCAPE[letter] === 1 ? at + 1 : NO_JSON
  for (let digit = at + 1; digit < at + 5; digit += 1) if (IS_HEX[bytes[digit] ?? 0] !== 1) return NO_JSON
  return at + 5
}

export function isAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text[index]) return false
  return true
}

/** Behind true, false or null. */
export function endOfWord(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  const word = first === LETTER_N ? NULL : first === LETTER_T ? TRUE : FALSE
  return isAt(bytes, at, word) ? at + word.length : NO_JSON
}

/** Behind the number at `at`. What must not follow a number is not what may follow a value either. */
export function endOfNumber(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === MINUS ? at + 1 : at
  let next = bytes[first] === ZERO ? first + 1 : endOfDigits(bytes, first)
  if (next === first) return NO_JSON
  if (bytes[next] === POINT) {
    const fraction = next + 1
    next = endOfDigits(bytes, fraction)
    if (next === fraction) return NO_JSON
  }
  if (((bytes[next] ?? 0) | 0x20) !== LETTER_E) return next
  const sign = bytes[next + 1]
  const exponent = sign === MINUS || sign === PLUS ? next + 2 : next + 1
  next = endOfDigits(bytes, exponent)
  return next === exponent ? NO_JSON : next
}

function endOfDigits(bytes: Uint8Array, at: number): number {
  let next = at
  for (let byte = bytes[next] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[next] ?? 0) next += 1
  return next
}

/** Where the value of the member begins whose key has ended. */
export function valueAfter(text: JsonText, at: number): number {
  const colon = skipBlank(text, at)
  return text.bytes[colon] === COLON ? skipBlank(text, colon + 1) : NO_JSON
}

/** Behind the value at `at`. @param depth of objects and arrays that it may have */
export function endOfValue(text: JsonText, at: number, depth: number): number {
  const { bytes } = text
  const byte = bytes[at] ?? 0
  if (byte === QUOTE) return endOfString(bytes, at)
  if (byte === LETTER_N || byte === LETTER_T || byte === LETTER_F) return endOfWord(bytes, at)
  if (byte === OPEN_BRACE) return depth > 0 ? endOfNest(text, at, CLOSE_BRACE, depth - 1) : NO_JSON
  if (byte === OPEN_BRACKET) return depth > 0 ? endOfNest(text, at, CLOSE_BRACKET, depth - 1) : NO_JSON
  return endOfNumber(bytes, at)
}

/** Of an object or array, by what closes it. */
function endOfNest(text: JsonText, at: number, closing: number, depth: number): number {
  const { bytes } = text
  let next = skipBlank(text, at + 1)
  if (bytes[next] === closing) return next + 1
  for (;;) {
    if (closing === CLOSE_BRACE) {
      next = endOfString(bytes, next)
      if (next !== NO_JSON) next = valueAfter(text, next)
    }
    if (next !== NO_JSON) next = endOfValue(text, next, depth)
    if (next === NO_JSON) return NO_JSON
    next = skipBlank(text, next)
    const byte = bytes[next]
    if (byte === closing) return next + 1
    if (byte !== COMMA) return NO_JSON
    next = skipBlank(text, next + 1)
  }
}

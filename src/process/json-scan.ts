/**
 * Finds where JSON values begin and end, in bytes, without reading what is in them: strings with their escapes, and
 * brackets that pair. It allocates nothing and its time is linear. Whether numbers, names and separators within a value are
 * right is not judged: whoever reads the value does that. What is long can be read in turns, between which others have theirs.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  isBlank,
} from '../domain/json-bytes.ts'
import { KIB } from '../domain/limits.ts'

/** Answered in place of an offset: the text has ended within a value, or brackets do not pair. */
export const BROKEN = -1

/** Answered in place of an offset: there is more of the value than was to be read at a time. */
export const PAUSED = -2
/** Read at a time: about a millisecond. */
export const TURN_BYTES = 128 * KIB

/** Brackets open at a time. */
export const NESTING_MAX = 65_536

/** The brackets that close those now open, of a value that is read at once. */
const closing = new Uint8Array(NESTING_MAX)

/** The first byte from `at` on that is not JSON's white space. */
export function skipBlank(bytes: Uint8Array, at: number): number {
  let next = at
  while (isBlank(bytes[next])) next += 1
  return next
}

/** Behind the quote that closes the string whose opening quote is at `at`. */
export function endOfString(bytes: Uint8Array, at: number): number {
  const { length } = bytes
  for (let next = at + 1; next < length; next += 1) {
    const byte = bytes[next]
    if (byte === QUOTE) return next + 1
    if (byte === BACKSLASH) next += 1
  }
  return BROKEN
}

/**
 * Behind the value that begins at `at`: an object, an array, a string, or whatever stands up to the next separator.
 *
 * @param most bytes that are read of an object, an array or a string before it is answered PAUSED
 */
export function endOfValue(bytes: Uint8Array, at: number, most = Infinity): number {
  if (!isLong(bytes[at])) return endOfToken(bytes, at)
  return read(bytes, new Scan(bytes, at, closing), at + most)
}

/** The same, in turns. */
export function* endInTurns(bytes: Uint8Array, at: number): Generator<'part', number> {
  if (!isLong(bytes[at])) return endOfToken(bytes, at)
  const scan = new Scan(bytes, at, new Uint8Array(NESTING_MAX))
  for (;;) {
    const end = read(bytes, scan, scan.next + TURN_BYTES)
    if (end !== PAUSED) return end
    yield 'part'
  }
}

function isLong(byte: number | undefined): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET || byte === QUOTE
}

function endOfToken(bytes: Uint8Array, at: number): number {
  let next = at
  while (next < bytes.length && !isEndOfToken(bytes[next])) next += 1
  return next === at ? BROKEN : next
}

function isEndOfToken(byte: number | undefined): boolean {
  return (
    isBlank(byte) ||
    byte === COMMA ||
    byte === COLON ||
    byte === QUOTE ||
    byte === OPEN_BRACE ||
    byte === CLOSE_BRACE ||
    byte === OPEN_BRACKET ||
    byte === CLOSE_BRACKET
  )
}

/** How far a value is read. */
class Scan {
  next: number
  depth = 0
  isInString: boolean
  /** The brackets that close those now open. */
  readonly closing: Uint8Array

  constructor(bytes: Uint8Array, at: number, brackets: Uint8Array) {
    this.isInString = bytes[at] === QUOTE
    this.next = this.isInString ? at + 1 : at
    this.closing = brackets
  }
}

/** On from where the scan is, up to an offset. */
function read(bytes: Uint8Array, scan: Scan, until: number): number {
  const end = Math.min(until, bytes.length)
  const { closing: brackets } = scan
  let { next, depth, isInString } = scan
  while (next < end) {
    let byte = bytes[next]
    if (isInString) {
      for (; next < end && byte !== QUOTE; byte = bytes[next]) next += byte === BACKSLASH ? 2 : 1
      if (next >= end) break
      next += 1
      if (depth === 0) return next
      isInString = false
      continue
    }
    next += 1
    if (byte === QUOTE) isInString = true
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === NESTING_MAX) return BROKEN
      // The closing bracket of each kind is two behind the opening one.
      brackets[depth] = byte + 2
      depth += 1
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1
      if (brackets[depth] !== byte) return BROKEN
      if (depth === 0) return next
    }
  }
  if (end === bytes.length) return BROKEN
  scan.next = next
  scan.depth = depth
  scan.isInString = isInString
  return PAUSED
}

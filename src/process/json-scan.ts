/**
 * Finds where JSON values begin and end, in bytes, without reading what is in them: strings with their escapes, and
 * brackets that pair. It allocates nothing and its time is linear. Whether numbers, names and separators within a value are
 * right is not judged: whoever reads the value does that.
 */

/** Answered in place of an offset: the text has ended within a value, or brackets do not pair. */
export const BROKEN = -1

/** Brackets open at a time. */
export const NESTING_MAX = 65_536

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** The brackets that close those now open. One is enough: a scan is not interrupted. */
const closing = new Uint8Array(NESTING_MAX)

export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

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

/** Behind the value that begins at `at`: an object, an array, a string, or whatever stands up to the next separator. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return endOfNest(bytes, at)
  if (byte === QUOTE) return endOfString(bytes, at)
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

function endOfNest(bytes: Uint8Array, at: number): number {
  const { length } = bytes
  let depth = 0
  let next = at
  while (next < length) {
    const byte = bytes[next]
    if (byte === QUOTE) {
      next = endOfString(bytes, next)
      if (next === BROKEN) return BROKEN
      continue
    }
    next += 1
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === NESTING_MAX) return BROKEN
      // The closing bracket of each kind is two behind the opening one.
      closing[depth] = byte + 2
      depth += 1
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1
      if (closing[depth] !== byte) return BROKEN
      if (depth === 0) return next
    }
  }
  return BROKEN
}

/** What a JSON string says, as UTF-8, from its bytes to bytes: what is not escaped is copied, whatever it is. */
import { BACKSLASH, LETTER_U } from '../domain/json-bytes.ts'
import { BROKEN } from './json-scan.ts'

/** What the letter behind a backslash means; 0 for one that means nothing. */
const SHORT = new Uint8Array(256)
for (const [letter, meant] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'])
  SHORT[letter?.charCodeAt(0) ?? 0] = meant?.charCodeAt(0) ?? 0
const REPLACEMENT = 0xfffd
/** Looked at byte by byte. */
const NEAR_BYTES = 32

/**
 * Writes the text between the quotes at `start - 1` and `end` to `out` at `at`, which needs no more room than it has in JSON.
 * Half a surrogate pair becomes U+FFFD. Answers where the text has ended in `out`, or BROKEN for an escape that JSON does not have.
 */
export function writeString(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number {
  const text = bytes.subarray(0, end)
  let from = start
  let to = at
  while (from < end) {
    // Searching and copying have a price of their own, which escapes that stand close together would pay each.
    const nearEnd = Math.min(end, from + NEAR_BYTES)
    let plainEnd = from
    for (; plainEnd < nearEnd && bytes[plainEnd] !== BACKSLASH; plainEnd += 1, to += 1)
      out[to] = bytes[plainEnd] ?? 0
    if (plainEnd === nearEnd && nearEnd < end) {
      const escape = text.indexOf(BACKSLASH, plainEnd)
      const farEnd = escape === -1 ? end : escape
      to += bytes.copy(out, to, plainEnd, farEnd)
      plainEnd = farEnd
    }
    if (plainEnd === end) return to
    const letter = bytes[plainEnd + 1] ?? 0
    if (letter !== LETTER_U) {
      const meant = SHORT[letter]
      if (meant === undefined || meant === 0) return BROKEN
      out[to] = meant
      to += 1
      from = plainEnd + 2
      continue
    }
    const unit = codeUnit(bytes, plainEnd, end)
    if (unit === BROKEN) return BROKEN
    from = plainEnd + 6
    const low = isHigh(unit) ? codeUnit(bytes, from, end) : BROKEN
    const isPair = low >= 0xdc00 && low <= 0xdfff
    if (isPair) from += 6
    to = writeCodePoint(out, to, isPair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit)
  }
  return to
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/** Of the escape `\uXXXX` at `at`, or BROKEN when there is none. */
function codeUnit(bytes: Buffer, at: number, end: number): number {
  if (at + 6 > end || bytes[at] !== BACKSLASH || bytes[at + 1] !== LETTER_U) return BROKEN
  let unit = 0
  for (let index = at + 2; index < at + 6; index += 1) {
    const digit = hexDigit(bytes[index] ?? 0)
    if (digit === BROKEN) return BROKEN
    unit = unit * 16 + digit
  }
  return unit
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : BROKEN
}

function writeCodePoint(out: Buffer, at: number, codePoint: number): number {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return writeCodePoint(out, at, REPLACEMENT)
  if (codePoint < 0x80) {
    out[at] = codePoint
    return at + 1
  }
  if (codePoint < 0x800) {
    out[at] = 0xc0 | (codePoint >> 6)
    out[at + 1] = 0x80 | (codePoint & 0x3f)
    return at + 2
  }
  if (codePoint < 0x10000) {
    out[at] = 0xe0 | (codePoint >> 12)
    out[at + 1] = 0x80 | ((codePoint >> 6) & 0x3f)
    out[at + 2] = 0x80 | (codePoint & 0x3f)
    return at + 3
  }
  out[at] = 0xf0 | (codePoint >> 18)
  out[at + 1] = 0x80 | ((codePoint >> 12) & 0x3f)
  out[at + 2] = 0x80 | ((codePoint >> 6) & 0x3f)
  out[at + 3] = 0x80 | (codePoint & 0x3f)
  return at + 4
}

/**
 * A record as jq is given it: exactly one JSON object by RFC 8259, nested no deeper than jq reads. Half of a surrogate pair,
 * written as an escape, is what jq 1.6 makes of it, U+FFFD: the newer jq ends at it. A byte order mark at the very start is
 * skipped, as conversion does.
 */

/** Places on the stack of jq's reader: one for an open array, two for an open object and its key. */
const JQ_STACK_MAX = 256
/** The array that holds the records of a block. */
const JQ_STACK_TAKEN = 1

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** Undefined when it is no such record. */
export function recordJson(bytes: Buffer): Buffer | undefined {
  const record = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes
  const text = record.toString()
  if (!isObject(text) || isTooDeep(text)) return undefined
  return hasHalfPair(text) ? Buffer.from(withoutHalfPairs(text)) : record
}

function isObject(text: string): boolean {
  if (!/^[ \t\r\n]*\{/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Of valid JSON. */
function isTooDeep(text: string): boolean {
  if (text.length < JQ_STACK_MAX) return false
  let stack = JQ_STACK_TAKEN
  let isInString = false
  for (const [mark] of text.matchAll(/\\[^]|["{}[\]]/g)) {
    if (mark === '"') isInString = !isInString
    else if (isInString) continue
    else if (mark === ']') stack -= 1
    else if (mark === '}') stack -= 2
    else if (stack >= JQ_STACK_MAX) return true
    else stack += mark === '[' ? 1 : 2
  }
  return false
}

/** Escapes of surrogates, a pair at a time; a backslash that is escaped itself begins none. */
const ESCAPES =
  /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\[^]/g
const HALF_LENGTH = '\\udXXX'.length

function hasHalfPair(text: string): boolean {
  return /\\u[dD][89a-fA-F]/.test(text) && withoutHalfPairs(text) !== text
}

function withoutHalfPairs(text: string): string {
  return text.replace(ESCAPES, (escape) => (escape.length === HALF_LENGTH ? '\\ufffd' : escape))
}

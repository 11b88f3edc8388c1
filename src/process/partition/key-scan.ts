/**
 * Reads one record for the values of keys, byte by byte and to its end: it is JSON by RFC 8259, exactly one object, and each
 * value is one that jq cannot see otherwise. Everything else is left to jq, also what this only cannot tell: to doubt too
 * much is slow, never wrong.
 *
 * - Of two equal keys in an object jq takes the last: one that is looked for must not be there again.
 * - A key with an escape may be any, where one is looked for.
 * - jq prints numbers in its own way: only short integers are taken.
 * - It has a limit of depth.
 *
 * The bytes are UTF-8: whoever reads frames knows.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  LETTER_F,
  LETTER_N,
  LETTER_T,
  MINUS,
  NINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  ZERO,
} from '../../domain/json-bytes.ts'
import {
  NO_JSON,
  endOfNumber,
  endOfPlain,
  endOfString,
  endOfValue,
  endOfWord,
  isAt,
  skipBlank,
  valueAfter,
  type JsonText,
} from '../strict-json.ts'
import { NO_LEAF, type KeyMember, type KeyNode, type KeyTree } from './key-tree.ts'

/** An object and its key take two places of jq's 256, and the block that holds the records takes one. */
const DEPTH_MAX = 120
/** Digits of an integer that a double holds with some to spare. */
export const DIGITS_MAX = 15

export class KeyScan {
  /** Of each leaf, of the record that was read last: where its scalar begins and ends; nothing, where it is not there. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  readonly #root: KeyNode
  readonly #text: JsonText = { bytes: Buffer.alloc(0), end: 0 }
  #records = 0

  constructor({ root, leaves }: KeyTree) {
    this.#root = root
    this.starts = new Uint32Array(leaves)
    this.ends = new Uint32Array(leaves)
  }

  /** Reads the record that stands there in a payload, with our newline behind it. */
  isSure(payload: Uint8Array, start: number, end: number): boolean {
    const text = this.#text
    text.bytes = payload
    text.end = end
    this.#records += 1
    this.starts.fill(0)
    this.ends.fill(0)
    const at = skipBlank(text, start)
    if (payload[at] !== OPEN_BRACE) return false
    const after = this.#object(at, this.#root, DEPTH_MAX - 1)
    return after !== NO_JSON && skipBlank(text, after) === end
  }

  /** Behind the object at `at`, some of whose members are looked for; NO_JSON also when it is not sure. */
  #object(at: number, { members }: KeyNode, depth: number): number {
    const text = this.#text
    const { bytes } = text
    let next = skipBlank(text, at + 1)
    if (bytes[next] === CLOSE_BRACE) return next + 1
    for (;;) {
      const name = next + 1
      next = endOfName(bytes, next)
      if (next === NO_JSON) return NO_JSON
      const member = memberOf(members, bytes, name, next - 1)
      next = valueAfter(text, next)
      if (next === NO_JSON) return NO_JSON
      if (member === undefined) next = endOfValue(text, next, depth)
      else {
        if (member.seenAt === this.#records) return NO_JSON
        member.seenAt = this.#records
        next = this.#value(next, member.node, depth)
      }
      if (next === NO_JSON) return NO_JSON
      next = skipBlank(text, next)
      const byte = bytes[next]
      if (byte === CLOSE_BRACE) return next + 1
      if (byte !== COMMA) return NO_JSON
      next = skipBlank(text, next + 1)
    }
  }

  /** Behind a value on the way to a key, or of one. What jq cannot go into it says itself. */
  #value(at: number, node: KeyNode, depth: number): number {
    const { leaf, members, elements } = node
    const { bytes } = this.#text
    const byte = bytes[at]
    if (byte === LETTER_N) return endOfWord(bytes, at)
    const isNest = byte === OPEN_BRACE || byte === OPEN_BRACKET
    if (isNest ? leaf !== NO_LEAF || depth === 0 : members.length > 0 || elements.length > 0) return NO_JSON
    if (byte === OPEN_BRACE) return elements.length === 0 ? this.#object(at, node, depth - 1) : NO_JSON
    if (byte === OPEN_BRACKET) return members.length === 0 ? this.#array(at, node, depth - 1) : NO_JSON
    return this.#leaf(at, leaf)
  }

  #array(at: number, { elements }: KeyNode, depth: number): number {
    const text = this.#text
    const { bytes } = text
    let next = skipBlank(text, at + 1)
    if (bytes[next] === CLOSE_BRACKET) return next + 1
    for (let index = 0; ; index += 1) {
      const node = elements.find((element) => element.index === index)?.node
      next = node === undefined ? endOfValue(text, next, depth) : this.#value(next, node, depth)
      if (next === NO_JSON) return NO_JSON
      next = skipBlank(text, next)
      const byte = bytes[next]
      if (byte === CLOSE_BRACKET) return next + 1
      if (byte !== COMMA) return NO_JSON
      next = skipBlank(text, next + 1)
    }
  }

  #leaf(at: number, leaf: number): number {
    const { bytes } = this.#text
    const byte = bytes[at]
    if (byte === QUOTE) return this.#found(leaf, at, endOfString(bytes, at))
    if (byte === LETTER_F || byte === LETTER_T) return this.#found(leaf, at, endOfWord(bytes, at))
    const end = endOfNumber(bytes, at)
    return isSureInteger(bytes, at, end) ? this.#found(leaf, at, end) : NO_JSON
  }

  #found(leaf: number, start: number, end: number): number {
    this.starts[leaf] = start
    this.ends[leaf] = end
    return end
  }
}

/** Behind the key at `at`. One with an escape may be any key. */
function endOfName(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return NO_JSON
  const plain = endOfPlain(bytes, at + 1)
  if (bytes[plain] === QUOTE) return plain + 1
  const end = endOfString(bytes, at)
  for (let place = plain; place < end; place += 1) if (bytes[place] === BACKSLASH) return NO_JSON
  return end
}

function memberOf(
  members: readonly KeyMember[],
  bytes: Uint8Array,
  start: number,
  end: number,
): KeyMember | undefined {
  for (const member of members)
    if (member.name.length === end - start && isAt(bytes, start, member.name)) return member
  return undefined
}

/** True for an integer that jq prints as it stands there. @param end of a number, or NO_JSON */
function isSureInteger(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start
  if (end <= first || end - first > DIGITS_MAX || (first > start && bytes[first] === ZERO)) return false
  for (let at = first; at < end; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte < ZERO || byte > NINE) return false
  }
  return true
}

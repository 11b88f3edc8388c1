/**
 * A place in the text of JSON documents, and what can be read there. Strict RFC 8259; refuses by throwing `Refused`.
 *
 * A value that is entered or passed over is `depth` objects and arrays deep; more than DEPTH_MAX are refused.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  LETTER_F,
  LETTER_N,
  LETTER_T,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from '../domain/json-bytes.ts'
import { quote, unescaped } from './json-text.ts'
import { refusals } from './refusal.ts'

/** Objects and arrays inside each other. */
export const DEPTH_MAX = 1000
/** UTF-16 units in a key. */
export const KEY_LENGTH_MAX = 262_144

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

export class JsonCursor {
  readonly #foldKeys: boolean
  #text = ''
  #at = 0

  /** @param foldKeys keys in compact text are lower-cased */
  constructor(foldKeys: boolean) {
    this.#foldKeys = foldKeys
  }

  /** A byte order mark at the start is skipped. */
  open(text: string): void {
    this.#text = text
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  }

  close(): void {
    this.#text = ''
  }

  get at(): number {
    return this.#at
  }

  /** Reads on from a place where it has been. */
  return(at: number): void {
    this.#at = at
  }

  /** The next character that is not white space, NaN at the end. */
  next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
      this.#at += 1
    }
  }

  /** Enters the object or array that begins here; false when nothing is in it, and it lies behind us. */
  enter(depth: number): boolean {
    if (depth >= DEPTH_MAX) throw refusals.deep
    const close = this.#text.charCodeAt(this.#at) === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
    this.#at += 1
    if (this.next() !== close) return true
    this.#at += 1
    return false
  }

  /** After a member of an object: true when there is another one. */
  hasMember(): boolean {
    return !this.#isEnd(CLOSE_BRACE)
  }

  /** After an element of an array: true when there is another one. */
  hasElement(): boolean {
    return !this.#isEnd(CLOSE_BRACKET)
  }

  #isEnd(close: number): boolean {
    const next = this.next()
    if (next !== COMMA && next !== close) throw refusals.malformed
    this.#at += 1
    return next === close
  }

  /** A key and its colon. */
  key(): string {
    if (this.next() !== QUOTE) throw refusals.malformed
    const key = this.string()
    if (key.length > KEY_LENGTH_MAX) throw refusals.longKey
    if (this.next() !== COLON) throw refusals.malformed
    this.#at += 1
    return key
  }

  /** Passes over any value. */
  skip(depth: number): void {
    const next = this.next()
    if (next === QUOTE) this.string()
    else if (next === OPEN_BRACE) {
      if (!this.enter(depth)) return
      do {
        this.key()
        this.skip(depth + 1)
      } while (this.hasMember())
    } else if (next === OPEN_BRACKET) {
      if (!this.enter(depth)) return
      do this.skip(depth + 1)
      while (this.hasElement())
    } else this.word(next)
  }

  /** A value as JSON without white space. */
  compact(depth: number): string {
    const next = this.next()
    if (next === QUOTE) return quote(this.string())
    if (next === OPEN_BRACE) return this.#compactObject(depth)
    if (next === OPEN_BRACKET) return this.#compactArray(depth)
    return this.word(next)
  }

  #compactObject(depth: number): string {
    if (!this.enter(depth)) return '{}'
    let text = '{'
    for (;;) {
      const key = this.key()
      text += `${quote(this.#foldKeys ? key.toLowerCase() : key)}:`
      text += this.compact(depth + 1)
      if (!this.hasMember()) return `${text}}`
      text += ','
    }
  }

  #compactArray(depth: number): string {
    if (!this.enter(depth)) return '[]'
    let text = '['
    for (;;) {
      text += this.compact(depth + 1)
      if (!this.hasElement()) return `${text}]`
      text += ','
    }
  }

  /** A number, true, false or null, as it came. @param next what it begins with */
  word(next: number): string {
    if (next === LETTER_T) return this.#literal('true')
    if (next === LETTER_F) return this.#literal('false')
    if (next === LETTER_N) return this.#literal('null')
    const start = this.#at
    NUMBER.lastIndex = start
    if (!NUMBER.test(this.#text)) throw refusals.malformed
    this.#at = NUMBER.lastIndex
    this.#endOfWord()
    return this.#text.slice(start, this.#at)
  }

  #literal(word: string): string {
    if (!this.#text.startsWith(word, this.#at)) throw refusals.malformed
    this.#at += word.length
    this.#endOfWord()
    return word
  }

  /** `01`, `1.` and `truefalse` are not numbers or words with something behind them. */
  #endOfWord(): void {
    const code = this.#text.charCodeAt(this.#at)
    const isWord =
      (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
    if (isWord || code === 0x2e || code === 0x2d || code === 0x2b || code === 0x5f) {
      throw refusals.malformed
    }
  }

  /** The characters of the string that begins here. */
  string(): string {
    const text = this.#text
    const start = this.#at + 1
    for (let at = start; ; at += 1) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.#at = at + 1
        return text.slice(start, at)
      }
      if (code === BACKSLASH) return this.#escapedString(start, at)
      // NaN, the end of the text, is not above either.
      if (!(code > 0x1f)) throw refusals.malformed
    }
  }

  #escapedString(start: number, firstEscape: number): string {
    const text = this.#text
    let at = firstEscape
    for (let code = BACKSLASH; code !== QUOTE; code = text.charCodeAt(at)) {
      if (Number.isNaN(code)) throw refusals.malformed
      at += code === BACKSLASH ? 2 : 1
    }
    this.#at = at + 1
    const value = unescaped(text.slice(start - 1, this.#at))
    if (value === undefined) throw refusals.malformed
    return value
  }
}

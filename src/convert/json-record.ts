/**
 * The exact reader of one record: its bytes to the text of each column, or what is wrong with it.
 *
 * Strict RFC 8259, on our own because numbers must keep their digits (JSON.parse rounds them) and both engines must give
 * one verdict. What is not in that standard was decided so:
 *
 * - A record holds one JSON object, or several with white space or nothing between them; each is a row. What is wrong
 *   with one is wrong with the record: the first thing met in reading order.
 * - A byte order mark at the start of a record is skipped.
 * - Of two equal keys the first counts, also when they are equal only after lower-casing.
 * - The text of a value: a string's characters; a number's digits as they came; `true` or `false`; for an object or array
 *   compact JSON, its keys lower-cased where keys are; none for null or a missing key. For integer and timestamp columns
 *   a number with an exponent is written out (1.5E3 is 1500), because producers print whole numbers so.
 * - Half a surrogate pair (`\ud800`) has no UTF-8 and is malformed.
 */
import { isUtf8 } from 'node:buffer'
import { isIntegerKind } from './accepted-text.ts'
import type { HiveKind, TypedColumn } from './hive-types.ts'
import { plainNumber, quote, unescaped } from './json-text.ts'
import { Refused, refusals } from './refusal.ts'
import { verdicts, type Verdict } from './verdicts.ts'

/** Objects and arrays inside each other. */
export const DEPTH_MAX = 1000
/** UTF-16 units in a key. */
export const KEY_LENGTH_MAX = 262_144

/** Text of each column in schema order, null where there is none. */
export type Document = readonly (string | null)[]

export type RecordReading =
  | { readonly documents: readonly Document[]; readonly verdict?: never }
  | { readonly verdict: Verdict; readonly documents?: never }

export type ReadRecord = (record: Uint8Array) => RecordReading

/** A reader for the records of one schema. */
export function recordReader(columns: readonly TypedColumn[], caseInsensitive: boolean): ReadRecord {
  const scan = recordScanner(columns, caseInsensitive)
  return (record) => {
    const documents: Document[] = []
    for (const { document, verdict } of scan(record)) {
      if (verdict !== undefined) return { verdict }
      documents.push(document)
    }
    return { documents }
  }
}

export type Scanned =
  | { readonly document: Document; readonly verdict?: never }
  | { readonly verdict: Verdict; readonly document?: never }

/**
 * The same, one document at a time: 1,000 KiB of `{}` are half a million rows. A verdict comes last and is the record's.
 * One record at a time for each scanner.
 */
export function recordScanner(
  columns: readonly TypedColumn[],
  caseInsensitive: boolean,
): (record: Uint8Array) => Iterable<Scanned> {
  const reader = new JsonReader(columns, caseInsensitive)
  return (record) => {
    if (record.byteLength === 0) return [{ verdict: verdicts.empty }]
    if (!isUtf8(record)) return [{ verdict: verdicts.notUtf8 }]
    const { buffer, byteOffset, byteLength } = record
    return reader.scan(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'))
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
class JsonReader {
  readonly #columnOf = new Map<string, number>()
  readonly #kinds: readonly HiveKind[]
  readonly #foldKeys: boolean
  readonly #noTexts: readonly (string | null | undefined)[]
  #text = ''
  #at = 0

  constructor(columns: readonly TypedColumn[], caseInsensitive: boolean) {
    this.#kinds = columns.map((column) => column.type.kind)
    this.#noTexts = columns.map(() => undefined)
    for (const [index, { name }] of columns.entries()) this.#columnOf.set(name, index)
    this.#foldKeys = caseInsensitive
  }

  *scan(text: string): Generator<Scanned> {
    this.#text = text
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0
    try {
      let next = this.#next()
      if (Number.isNaN(next)) throw refusals.empty
      for (; !Number.isNaN(next); next = this.#next()) {
        if (next !== OPEN_BRACE) throw this.#notAnObject(next)
        yield { document: this.#document() }
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      yield { verdict: error.verdict }
    } finally {
      this.#text = ''
    }
  }

  /** A well-formed array or scalar is not a record; anything else is not JSON. */
  #notAnObject(next: number): Refused {
    this.#value(0)
    return next === OPEN_BRACKET ? refusals.array : refusals.primitive
  }

  #document(): Document {
    const texts = this.#noTexts.slice()
    this.#at += 1
    if (this.#next() === CLOSE_BRACE) {
      this.#at += 1
      return texts.fill(null) as Document
    }
    for (;;) {
      const column = this.#columnOf.get(this.#key())
      if (column === undefined || texts[column] !== undefined) this.#value(1)
      else texts[column] = this.#columnText(column)
      if (this.#endOfMembers(CLOSE_BRACE)) break
    }
    for (let index = 0; index < texts.length; index += 1) texts[index] ??= null
    return texts as Document
  }

  /** After a member: true at the end of the object or array, false after a comma. */
  #endOfMembers(close: number): boolean {
    const next = this.#next()
    if (next !== COMMA && next !== close) throw refusals.malformed
    this.#at += 1
    return next === close
  }

  /** A key and its colon; the key as columns are named. */
  #key(): string {
    if (this.#next() !== QUOTE) throw refusals.malformed
    const key = this.#string()
    if (key.length > KEY_LENGTH_MAX) throw refusals.longKey
    if (this.#next() !== COLON) throw refusals.malformed
    this.#at += 1
    return this.#foldKeys ? key.toLowerCase() : key
  }

  #columnText(column: number): string | null {
    const next = this.#next()
    if (next === QUOTE) return this.#string()
    if (next === OPEN_BRACE || next === OPEN_BRACKET) return this.#compact(1)
    const start = this.#at
    this.#scalar(next)
    const text = this.#text.slice(start, this.#at)
    if (next === 0x6e) return null
    return this.#wantsPlainNumber(column) ? plainNumber(text) : text
  }

  #wantsPlainNumber(column: number): boolean {
    const kind = this.#kinds[column]
    return kind !== undefined && (kind === 'timestamp' || isIntegerKind(kind))
  }

  /** Passes over any value. */
  #value(depth: number): void {
    const next = this.#next()
    if (next === OPEN_BRACE) this.#members(depth, CLOSE_BRACE)
    else if (next === OPEN_BRACKET) this.#members(depth, CLOSE_BRACKET)
    else if (next === QUOTE) this.#string()
    else this.#scalar(next)
  }

  #members(depth: number, close: number): void {
    this.#enter(depth)
    if (this.#next() === close) {
      this.#at += 1
      return
    }
    do {
      if (close === CLOSE_BRACE) this.#key()
      this.#value(depth + 1)
    } while (!this.#endOfMembers(close))
  }

  #enter(depth: number): void {
    if (depth >= DEPTH_MAX) throw refusals.deep
    this.#at += 1
  }

  /** A value as JSON without white space. */
  #compact(depth: number): string {
    const next = this.#next()
    if (next === QUOTE) return quote(this.#string())
    if (next !== OPEN_BRACE && next !== OPEN_BRACKET) {
      const start = this.#at
      this.#scalar(next)
      return this.#text.slice(start, this.#at)
    }
    const close = next === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
    const [left, right] = next === OPEN_BRACE ? ['{', '}'] : ['[', ']']
    this.#enter(depth)
    if (this.#next() === close) {
      this.#at += 1
      return left + right
    }
    let text = left
    for (;;) {
      if (close === CLOSE_BRACE) text += `${quote(this.#key())}:`
      text += this.#compact(depth + 1)
      if (this.#endOfMembers(close)) return text + right
      text += ','
    }
  }

  /** Passes over a number, true, false or null. */
  #scalar(next: number): void {
    if (next === 0x74) this.#literal('true')
    else if (next === 0x66) this.#literal('false')
    else if (next === 0x6e) this.#literal('null')
    else {
      NUMBER.lastIndex = this.#at
      if (!NUMBER.test(this.#text)) throw refusals.malformed
      this.#at = NUMBER.lastIndex
      this.#endOfWord()
    }
  }

  #literal(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) throw refusals.malformed
    this.#at += word.length
    this.#endOfWord()
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
  #string(): string {
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

  /** The next character that is not white space, NaN at the end. */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
      this.#at += 1
    }
  }
}

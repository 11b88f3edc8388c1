/** Walks through the text of one record, along the keys that are looked for: is each there once, and of a value beyond doubt? */
import type { KeyNode } from './key-plan.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** What DuckDB prints like jq: a text, a word, or an integer that a double holds with digits to spare. */
export const SURE_TEXT = '["tfn]|(?:-?[1-9][0-9]{0,14}|0)[ \\t,}\\]]'
/** Seconds up to the year 5138. */
export const SURE_EPOCH = '(?:0|[1-9][0-9]{0,10})[ \\t,}\\]]'
const SURE = { text: new RegExp(SURE_TEXT, 'y'), epoch: new RegExp(SURE_EPOCH, 'y') }

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at
  return pattern.test(text)
}

function skipSpace(text: string, at: number): number {
  let next = at
  while (text.charCodeAt(next) === 0x20 || text.charCodeAt(next) === 0x09) next += 1
  return next
}

class UnsureError extends Error {
  override readonly name = 'UnsureError'
}

export class RecordWalk {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  isSure(root: ReadonlyMap<string, KeyNode>): boolean {
    try {
      this.#object(root)
      return true
    } catch (error) {
      if (error instanceof UnsureError) return false
      throw error
    }
  }

  #object(fields: ReadonlyMap<string, KeyNode>): void {
    const seen = new Set<string>()
    this.#at += 1
    if (this.#takes(CLOSE_BRACE)) return
    do {
      const name = this.#string()
      this.#expect(COLON)
      const node = fields.get(name)
      if (node === undefined) this.#skipValue()
      else {
        if (seen.has(name)) throw new UnsureError()
        seen.add(name)
        this.#value(node)
      }
    } while (this.#takes(COMMA))
    this.#expect(CLOSE_BRACE)
  }

  #value(node: KeyNode): void {
    this.#at = skipSpace(this.#text, this.#at)
    const code = this.#text.charCodeAt(this.#at)
    if (node.fields !== undefined && code === OPEN_BRACE) this.#object(node.fields)
    else if (node.element !== undefined && code === OPEN_BRACKET) this.#array(node.element)
    else if (node.leaf !== undefined && !matchesAt(SURE[node.leaf], this.#text, this.#at))
      throw new UnsureError()
    else this.#skipValue()
  }

  #array(element: KeyNode): void {
    this.#at += 1
    if (this.#takes(CLOSE_BRACKET)) return
    do this.#value(element)
    while (this.#takes(COMMA))
    this.#expect(CLOSE_BRACKET)
  }

  /** A string as it is written. */
  #string(): string {
    this.#at = skipSpace(this.#text, this.#at)
    const start = this.#at
    STRING.lastIndex = start
    if (!STRING.test(this.#text)) throw new UnsureError()
    this.#at = STRING.lastIndex
    return this.#text.slice(start + 1, this.#at - 1)
  }

  #skipValue(): void {
    this.#at = skipSpace(this.#text, this.#at)
    let open = 0
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code)) throw new UnsureError()
      if (code === QUOTE) this.#string()
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) open += 1
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET || code === COMMA) {
        if (open === 0) return
        if (code !== COMMA) open -= 1
      }
      if (code !== QUOTE) this.#at += 1
      if (open === 0 && (code === QUOTE || code === CLOSE_BRACE || code === CLOSE_BRACKET)) return
    }
  }

  #takes(code: number): boolean {
    this.#at = skipSpace(this.#text, this.#at)
    if (this.#text.charCodeAt(this.#at) !== code) return false
    this.#at += 1
    return true
  }

  #expect(code: number): void {
    if (!this.#takes(code)) throw new UnsureError()
  }
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y

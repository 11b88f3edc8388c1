/**
 * The part of jq that is read without jq: an object of keys, each made of a path and at the most one more step.
 *
 *     {customer: .customer.id, day: (.created | strftime("%Y-%m-%d")), region: (.region // "none"), n: (.n | tostring)}
 *
 * Whatever else a query is, it goes to jq as a whole. What is read here must mean the same there.
 */
import { queryTokens, type Token } from '../jq/query-tokens.ts'

/** A quick form of a key's expression. */
export interface KeyExpression {
  /** Members and indices from the top of a record: `.a.b[0]` is ['a', 'b', 0]. */
  readonly path: readonly (string | number)[]
  /** `// "text"`: in place of null, false and nothing. */
  readonly otherwise?: string
  /** `| tostring`: null is the text "null". */
  readonly toText?: true
  /** `| strftime("…")`, of epoch seconds in UTC. */
  readonly strftime?: string
}

export interface QueryKey {
  readonly key: string
  readonly expression: KeyExpression
}

/** Undefined for a query that is jq's. */
export function readQueryKeys(query: string): readonly QueryKey[] | undefined {
  const tokens = queryTokens(query)
  if (tokens === undefined) return undefined
  try {
    return new QueryReader(tokens).object()
  } catch (error) {
    if (error instanceof OtherForm) return undefined
    throw error
  }
}

class OtherForm extends Error {
  override readonly name = 'OtherForm'
}

/** Characters that a record's text has unescaped, in every encoding of it. */
const PLAIN_NAME = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/
/** Directives that `utc-format` has; %% is left out. */
const PLAIN_FORMAT = /^(?:%[YmdHMS]|[\x20-\x24\x26-\x5b\x5d-\x7e])+$/
const INDEX_MAX = 1_000

class QueryReader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  object(): readonly QueryKey[] {
    const keys = new Map<string, KeyExpression>()
    this.#members((key) => {
      // Of two equal keys the last one counts.
      keys.delete(key)
      keys.set(key, this.#takes(':') ? this.#value() : { path: [plainName(key)] })
    })
    return Array.from(keys, ([key, expression]) => ({ key, expression }))
  }

  #members(member: (key: string) => void): void {
    this.#expect('{')
    do member(this.#key())
    while (this.#takes(','))
    this.#expect('}')
    if (this.#at < this.#tokens.length) throw new OtherForm()
  }

  #key(): string {
    const token = this.#next()
    if (token.kind === 'name' && !token.text.includes(':')) return token.text
    if (token.kind === 'string' && token.isOpen !== true) return token.text
    throw new OtherForm()
  }

  /** In brackets or without: jq takes `|` after a path there, but `//` in brackets only. */
  #value(): KeyExpression {
    if (!this.#takes('(')) return this.#piped({ path: this.#path() })
    const path = this.#path()
    const otherwise = this.#takes('//') ? this.#text() : undefined
    const expression = this.#piped(otherwise === undefined ? { path } : { path, otherwise })
    this.#expect(')')
    return expression
  }

  #piped(expression: KeyExpression): KeyExpression {
    if (!this.#takes('|')) return expression
    const { kind, text } = this.#next()
    if (kind !== 'name') throw new OtherForm()
    if (text === 'tostring') return { ...expression, toText: true }
    if (text !== 'strftime' || expression.otherwise !== undefined) throw new OtherForm()
    this.#expect('(')
    const strftime = this.#text()
    this.#expect(')')
    if (!PLAIN_FORMAT.test(strftime)) throw new OtherForm()
    return { ...expression, strftime }
  }

  #path(): readonly (string | number)[] {
    const path: (string | number)[] = []
    for (;;) {
      const token = this.#tokens[this.#at]
      if (token?.kind === 'field') {
        this.#at += 1
        path.push(token.text.slice(1))
      } else if (
        token?.kind === 'symbol' &&
        token.text === '.' &&
        this.#tokens[this.#at + 1]?.kind === 'string'
      ) {
        this.#at += 1
        path.push(plainName(this.#text()))
      } else if (token?.kind === 'symbol' && token.text === '[' && path.length > 0) path.push(this.#bracket())
      else if (token?.kind === 'symbol' && token.text === '.' && this.#tokens[this.#at + 1]?.text === '[') {
        this.#at += 1
        path.push(this.#bracket())
      } else break
    }
    // A record is an object: an index into it is an error, which jq words.
    if (typeof path[0] !== 'string') throw new OtherForm()
    return path
  }

  #bracket(): string | number {
    this.#expect('[')
    const token = this.#next()
    this.#expect(']')
    if (token.kind === 'string' && token.isOpen !== true) return plainName(token.text)
    if (token.kind === 'number' && /^[0-9]{1,4}$/.test(token.text) && Number(token.text) <= INDEX_MAX)
      return Number(token.text)
    throw new OtherForm()
  }

  #text(): string {
    const token = this.#next()
    if (token.kind !== 'string' || token.isOpen === true) throw new OtherForm()
    return token.text
  }

  #next(): Token {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw new OtherForm()
    this.#at += 1
    return token
  }

  #takes(symbol: string): boolean {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'symbol' || token.text !== symbol) return false
    this.#at += 1
    return true
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) throw new OtherForm()
  }
}

function plainName(name: string): string {
  if (!PLAIN_NAME.test(name)) throw new OtherForm()
  return name
}

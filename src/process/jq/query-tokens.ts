/**
 * The words of a jq program, as far as it takes to see what it calls and to recognise its simplest forms. jq itself judges
 * whether a program is one.
 */

export interface Token {
  readonly kind: 'name' | 'field' | 'variable' | 'format' | 'number' | 'string' | 'symbol'
  /** `.a` of a field, `$a` of a variable, `@csv` of a format. Of a string its value. */
  readonly text: string
  /** Of a string: it has `\(…)`, whose tokens follow in brackets, or an escape that is not JSON's. */
  readonly isOpen?: true
}

const NAME = '[a-zA-Z_][a-zA-Z0-9_]*'
const NAMES = `(?:${NAME}::)*${NAME}`
const KINDS: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /(?:[ \t\r\n]|#(?:\\[^]|[^\\\n])*)+/y],
  ['field', new RegExp(`\\.${NAME}`, 'y')],
  ['variable', new RegExp(`\\$\\s*${NAMES}`, 'y')],
  ['format', /@[a-zA-Z0-9_]+/y],
  ['number', /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y],
  ['name', new RegExp(NAMES, 'y')],
  ['symbol', /\?\/\/=?|\/\/=?|\.\.|[|+\-*/%=!<>]=|./suy],
]

/** Undefined when the brackets or quotes are not closed. */
export function queryTokens(query: string): readonly Token[] | undefined {
  const reader = new TokenReader(query)
  return reader.readUntil(undefined) ? reader.tokens : undefined
}

class TokenReader {
  readonly tokens: Token[] = []
  readonly #query: string
  #at = 0

  constructor(query: string) {
    this.#query = query
  }

  /** Reads past the bracket that closes, or to the end. False when that does not come. */
  readUntil(closing: ')' | undefined): boolean {
    let open = 0
    while (this.#at < this.#query.length) {
      if (this.#query[this.#at] === '"') {
        if (!this.#string()) return false
        continue
      }
      const token = this.#next()
      if (token === undefined) continue
      this.tokens.push(token)
      if (token.kind !== 'symbol') continue
      if (token.text === '(') open += 1
      else if (token.text === ')') {
        if (open === 0) return closing !== undefined
        open -= 1
      }
    }
    return closing === undefined
  }

  #next(): Token | undefined {
    for (const [kind, pattern] of KINDS) {
      pattern.lastIndex = this.#at
      const text = pattern.exec(this.#query)?.[0]
      if (text === undefined) continue
      this.#at += text.length
      return kind === 'space' ? undefined : { kind, text: text.replace(/\s+/g, '') }
    }
    throw new Error('read query: a character is of no kind')
  }

  /** A string, and what is inside of it. */
  #string(): boolean {
    const place = this.tokens.length
    let isOpen = false
    let text = ''
    this.#at += 1
    for (;;) {
      const [plain = ''] = /[^"\\]*/y.exec(this.#query.slice(this.#at)) ?? []
      text += plain
      this.#at += plain.length
      const character = this.#query[this.#at]
      if (character === undefined) return false
      this.#at += 1
      if (character === '"') break
      const escaped = this.#query[this.#at]
      this.#at += 1
      if (escaped === '(') {
        isOpen = true
        this.tokens.push({ kind: 'symbol', text: '(' })
        if (!this.readUntil(')')) return false
      } else text += `\\${escaped ?? ''}`
    }
    const value = isOpen ? undefined : jsonString(text)
    this.tokens.splice(place, 0, {
      kind: 'string',
      text: value ?? text,
      ...(value === undefined ? { isOpen: true } : {}),
    })
    return true
  }
}

function jsonString(inside: string): string | undefined {
  try {
    return JSON.parse(`"${inside}"`) as string
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

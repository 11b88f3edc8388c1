/**
 * The keys that a jq query gives, read from its text as far as that tells them: where the query ends in an object
 * construction (`.customer | {id, day: .ts[0:10]}`), or in a sum of some. What jq itself makes of a record decides anyway.
 */

interface Token {
  /** `key`: a name before a colon at the start of an entry, also one that means something elsewhere (`if`). */
  readonly kind: 'text' | 'name' | 'key' | 'variable' | 'field' | 'other'
  readonly source: string
}

type Tokens = readonly Token[]

/** Each once, in order; undefined where the text does not tell. */
export function queryKeys(query: string): readonly string[] | undefined {
  const tokens = tokensOf(query)
  const keys = tokens && keysOf(tokens)
  return keys && [...new Set(keys)]
}

function keysOf(tokens: Tokens): readonly string[] | undefined {
  const stage = split(tokens, ['|']).at(-1) ?? []
  const parts = split(stage, ['+', '*'])
  const keys = parts.map((part) => {
    if (isWhole(part, '(')) return keysOf(part.slice(1, -1))
    return isWhole(part, '{') ? entryKeys(part.slice(1, -1)) : undefined
  })
  return everyOne(keys)?.flat()
}

/** Between an opening bracket and the one that closes it. */
function isWhole(tokens: Tokens, bracket: '(' | '{'): boolean {
  if (tokens[0]?.source !== bracket || tokens.length < 2) return false
  let depth = 0
  return tokens.every((token, index) => {
    depth += step(token)
    return depth > 0 === index < tokens.length - 1
  })
}

function entryKeys(tokens: Tokens): readonly string[] | undefined {
  if (tokens.length === 0) return []
  return everyOne(split(tokens, [',']).map(entryKey))
}

/** `a`, `a: …`, `"a b"`, `"a b": …`, `$a`; not `(…): …` or a text with `\(…)` in it. */
function entryKey([first, second]: Tokens): string | undefined {
  if (first === undefined || (second !== undefined && second.source !== ':')) return undefined
  switch (first.kind) {
    case 'name':
    case 'key':
      return first.source
    case 'variable':
      return second === undefined ? first.source.slice(1) : undefined
    case 'text':
      return textOf(first.source)
    case 'field':
    case 'other':
      return undefined
    default:
      return first.kind satisfies never
  }
}

function textOf(source: string): string | undefined {
  try {
    return JSON.parse(source) as string
  } catch {
    // It has an interpolation.
    return undefined
  }
}

function everyOne<T>(values: readonly (T | undefined)[]): readonly T[] | undefined {
  const known = values.filter((value): value is T => value !== undefined)
  return known.length === values.length ? known : undefined
}

/** At these signs, outside of brackets and of `if … end`. */
function split(tokens: Tokens, signs: readonly string[]): Tokens[] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    depth += step(token)
    if (depth === 0 && token.kind === 'other' && signs.includes(token.source)) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function step({ kind, source }: Token): number {
  if (kind === 'name') return source === 'if' ? 1 : source === 'end' ? -1 : 0
  if (kind !== 'other') return 0
  return '([{'.includes(source) ? 1 : ')]}'.includes(source) ? -1 : 0
}

const patterns: readonly (readonly [Token['kind'] | undefined, RegExp])[] = [
  [undefined, /(?:\s+|#[^\n]*)/y],
  ['field', /\.[A-Za-z_]\w*/y],
  ['variable', /\$[A-Za-z_]\w*(?:::\w+)*/y],
  ['name', /[A-Za-z_]\w*(?:::\w+)*/y],
  ['other', /\/\/=|\?\/\/|[-+*/%|=!<>]=|\/\/|\.\.|@\w+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|./sy],
]

/** Undefined for a text without end. */
function tokensOf(query: string): Tokens | undefined {
  const tokens: Token[] = []
  for (let at = 0; at < query.length;) {
    if (query[at] === '"') {
      const end = textEnd(query, at)
      if (end === undefined) return undefined
      tokens.push({ kind: 'text', source: query.slice(at, end) })
      at = end
      continue
    }
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at
      const [source] = pattern.exec(query) ?? []
      if (source === undefined) continue
      if (kind !== undefined) tokens.push({ kind, source })
      at += source.length
      break
    }
  }
  return tokens.map((token, index) => {
    const startsEntry = ['{', ','].includes(tokens[index - 1]?.source ?? '')
    const isKey = token.kind === 'name' && startsEntry && tokens[index + 1]?.source === ':'
    return isKey ? { ...token, kind: 'key' } : token
  })
}

/** Behind the quote that ends a text, over the expressions in it. */
function textEnd(query: string, start: number): number | undefined {
  // What stands open: the text itself, expressions in it, texts in those.
  const open: ('"' | '(')[] = ['"']
  for (let at = start + 1; at < query.length; at += 1) {
    const sign = query[at]
    if (open.at(-1) === '"') {
      if (sign === '"') open.pop()
      else if (sign === '\\') {
        at += 1
        if (query[at] === '(') open.push('(')
      }
    } else if (sign === '"' || sign === '(') open.push(sign)
    else if (sign === ')') open.pop()
    if (open.length === 0) return at + 1
  }
  return undefined
}

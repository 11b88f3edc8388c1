/**
 * The language of `Prefix` and `ErrorOutputPrefix`: text with expressions `!{namespace:value}`
 * (docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html). Here it is parsed and checked, with the service's own
 * messages; delivery evaluates what was parsed.
 *
 * Of the pattern letters of java.time, those below are taken; the others are refused as the service refuses a bad one.
 */

export type PrefixMember = 'Prefix' | 'ErrorOutputPrefix'

/** One piece of a prefix, in order. */
export type Expression =
  | { readonly kind: 'text'; readonly text: string }
  /** `!{timestamp:…}`: the pattern in pieces. */
  | { readonly kind: 'timestamp'; readonly pattern: readonly PatternPart[] }
  /** `!{firehose:random-string}` */
  | { readonly kind: 'random-string' }
  /** `!{firehose:error-output-type}` */
  | { readonly kind: 'error-output-type' }
  /** `!{partitionKeyFromQuery:key}` and `!{partitionKeyFromLambda:key}` */
  | { readonly kind: 'partition-key'; readonly source: 'query' | 'lambda'; readonly key: string }

/** A run of one pattern letter (`yyyy`: letter y, count 4), or literal text. */
export type PatternPart =
  | { readonly letter: PatternLetter; readonly count: number; readonly literal?: never }
  | { readonly literal: string; readonly letter?: never }

/** Each letter with the longest run that java.time takes. */
const LETTER_COUNT_MAX = {
  y: 19,
  u: 19,
  M: 5,
  d: 2,
  D: 3,
  E: 5,
  a: 1,
  H: 2,
  k: 2,
  K: 2,
  h: 2,
  m: 2,
  s: 2,
  S: 9,
} as const
export type PatternLetter = keyof typeof LETTER_COUNT_MAX

export type ParsedPrefix =
  | { readonly kind: 'parsed'; readonly expressions: readonly Expression[] }
  /** `message` is the service's InvalidArgumentException text. */
  | { readonly kind: 'invalid'; readonly message: string }

/** Longest evaluated prefix, in characters. */
const EVALUATED_LENGTH_MAX = 512
/** Characters of one random string. */
export const RANDOM_STRING_LENGTH = 11
const LONGEST_ERROR_OUTPUT_TYPE = 'format-conversion-failed'

/** @param member names the prefix in messages */
export function parsePrefix(text: string, member: PrefixMember = 'Prefix'): ParsedPrefix {
  const expressions: Expression[] = []
  let start = 0
  while (start < text.length) {
    const open = text.indexOf('!{', start)
    if (open === -1) {
      expressions.push({ kind: 'text', text: text.slice(start) })
      break
    }
    if (open > start) expressions.push({ kind: 'text', text: text.slice(start, open) })
    const close = text.indexOf('}', open)
    const inside = close === -1 ? '!{' : text.slice(open + 2, close)
    const colon = inside.indexOf(':')
    if (colon === -1 || inside.includes('!{')) return { kind: 'invalid', message: 'Invalid expression usage' }
    const expression = parseExpression(inside.slice(0, colon), inside.slice(colon + 1), member)
    if (typeof expression === 'string') return { kind: 'invalid', message: expression }
    expressions.push(expression)
    start = close + 1
  }
  return { kind: 'parsed', expressions }
}

/** The expression, or what is wrong with it. */
function parseExpression(namespace: string, value: string, member: PrefixMember): Expression | string {
  const badValue = `Invalid conversion character used in the value of the expression in ${member}`
  switch (namespace) {
    case 'timestamp': {
      const pattern = parsePattern(value)
      return pattern === undefined ? badValue : { kind: 'timestamp', pattern }
    }
    case 'firehose':
      return value === 'random-string' || value === 'error-output-type' ? { kind: value } : badValue
    case 'partitionKeyFromQuery':
      return value === '' ? badValue : { kind: 'partition-key', source: 'query', key: value }
    case 'partitionKeyFromLambda':
      return value === '' ? badValue : { kind: 'partition-key', source: 'lambda', key: value }
    default:
      return `Namespace to the left of colon (${namespace}) is an invalid keyword!`
  }
}

/** Pieces of a java.time pattern, or undefined when it is not one that is taken. Text in single quotes is literal, `''` a quote. */
export function parsePattern(pattern: string): readonly PatternPart[] | undefined {
  const parts: PatternPart[] = []
  const literal = (text: string): void => {
    const last = parts.at(-1)
    if (last?.literal === undefined) parts.push({ literal: text })
    else parts[parts.length - 1] = { literal: last.literal + text }
  }
  const token = /([A-Za-z])\1*|'((?:[^']|'')*)'|[^A-Za-z'{}#[\]]/gy
  let end = 0
  for (const match of pattern.matchAll(token)) {
    const [text, letter, quoted] = match
    end += text.length
    if (letter !== undefined) {
      if (!isPatternLetter(letter) || text.length > LETTER_COUNT_MAX[letter]) return undefined
      parts.push({ letter, count: text.length })
    } else if (text === "''") literal("'")
    else literal(quoted === undefined ? text : quoted.replaceAll("''", "'"))
  }
  return end === pattern.length && pattern !== '' ? parts : undefined
}

function isPatternLetter(letter: string): letter is PatternLetter {
  return Object.hasOwn(LETTER_COUNT_MAX, letter)
}

/** True when the prefix has an expression, so that it gets no default time part. */
export function hasExpressions(expressions: readonly Expression[]): boolean {
  return expressions.some((expression) => expression.kind !== 'text')
}

/** The service's message for the first rule that the two prefixes of a destination break, or undefined. */
export function validatePrefixes(prefix: string, errorOutputPrefix: string): string | undefined {
  const data = parsePrefix(prefix, 'Prefix')
  if (data.kind === 'invalid') return data.message
  const errors = parsePrefix(errorOutputPrefix, 'ErrorOutputPrefix')
  if (errors.kind === 'invalid') return errors.message
  if (has(data.expressions, 'error-output-type'))
    return 'Prefix must not contain any occurrence of !{firehose:error-output-type}'
  if (has(data.expressions, 'partition-key'))
    return 'Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.'
  if (hasExpressions(data.expressions) && errorOutputPrefix === '')
    return 'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions'
  if (has(errors.expressions, 'partition-key'))
    return "Dynamic Partitioning Namespaces can't be part of an error prefix expression"
  if (hasExpressions(errors.expressions) && !has(errors.expressions, 'error-output-type'))
    return 'ErrorOutputPrefix must contain at least one occurrence of !{firehose:error-output-type}'
  if (evaluatedLength(data.expressions) > EVALUATED_LENGTH_MAX)
    return `Length of evaluated prefix cannot be greater than ${EVALUATED_LENGTH_MAX}`
  if (evaluatedLength(errors.expressions) > EVALUATED_LENGTH_MAX)
    return `Length of evaluated ErrorOutputPrefix cannot be greater than ${EVALUATED_LENGTH_MAX}`
  return undefined
}

function has(expressions: readonly Expression[], kind: Expression['kind']): boolean {
  return expressions.some((expression) => expression.kind === kind)
}

/** Characters of the prefix at the far instant that the service checks with: 8888-12-31T23:59:59. */
function evaluatedLength(expressions: readonly Expression[]): number {
  let length = 0
  for (const expression of expressions) {
    if (expression.kind === 'text') length += expression.text.length
    else if (expression.kind === 'random-string') length += RANDOM_STRING_LENGTH
    else if (expression.kind === 'error-output-type') length += LONGEST_ERROR_OUTPUT_TYPE.length
    else if (expression.kind === 'timestamp')
      for (const part of expression.pattern) length += patternLength(part)
  }
  return length
}

function patternLength(part: PatternPart): number {
  if (part.letter === undefined) return part.literal.length
  const { letter, count } = part
  if (letter === 'y' || letter === 'u') return count === 2 ? 2 : Math.max(4, count)
  if (letter === 'M') return [2, 2, 'Dec'.length, 'December'.length, 1][count - 1] ?? 2
  if (letter === 'E') return count < 4 ? 'Fri'.length : count === 4 ? 'Friday'.length : 1
  if (letter === 'D') return 3
  return letter === 'S' ? count : 2
}

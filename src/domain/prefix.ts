/**
 * The language of `Prefix` and `ErrorOutputPrefix`: text with expressions `!{namespace:value}`
 * (docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html). Here it is parsed and checked, with the service's own
 * messages; delivery evaluates what was parsed. A prefix that passed can be evaluated at every moment, and S3 takes the keys
 * that begin with it.
 */
import { unreachable } from './errors.ts'
import { formatPart, parsePattern, type Pattern } from './java-time/pattern.ts'
import { isTimeZone, UTC } from './java-time/zone.ts'
import { zonedTime, type ZonedTime } from './java-time/zoned-time.ts'

export type PrefixMember = 'Prefix' | 'ErrorOutputPrefix'

/** One piece of a prefix, in order. */
export type Expression =
  | { readonly kind: 'text'; readonly text: string }
  /** `!{timestamp:…}` */
  | { readonly kind: 'timestamp'; readonly pattern: Pattern }
  /** `!{firehose:random-string}` */
  | { readonly kind: 'random-string' }
  /** `!{firehose:error-output-type}` */
  | { readonly kind: 'error-output-type' }
  /** `!{partitionKeyFromQuery:key}` and `!{partitionKeyFromLambda:key}` */
  | { readonly kind: 'partition-key'; readonly source: 'query' | 'lambda'; readonly key: string }

export type ParsedPrefix =
  | { readonly kind: 'parsed'; readonly expressions: readonly Expression[] }
  /** `message` is the service's InvalidArgumentException text. */
  | { readonly kind: 'invalid'; readonly message: string }

/** Characters of one random string. */
export const RANDOM_STRING_LENGTH = 11

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
  const badValue = badValueOf(member)
  switch (namespace) {
    case 'timestamp': {
      const pattern = value === '' ? undefined : parsePattern(value)
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

/** True when the prefix has an expression, so that it gets no default time part. */
export function hasExpressions(expressions: readonly Expression[]): boolean {
  return expressions.some((expression) => expression.kind !== 'text')
}

function badValueOf(member: PrefixMember): string {
  return `Invalid conversion character used in the value of the expression in ${member}`
}

export interface PrefixOptions {
  /** In which times are written; absent, or no time zone: UTC. */
  readonly timeZone?: string
  /** The destination has partition keys, which only its Prefix may name. */
  readonly dynamicPartitioning?: boolean
}

/** What is said of the first rule that the two prefixes of a destination break, or undefined. */
export function validatePrefixes(
  prefix: string,
  errorOutputPrefix: string,
  { timeZone = UTC, dynamicPartitioning = false }: PrefixOptions = {},
): string | undefined {
  const data = parsePrefix(prefix, 'Prefix')
  if (data.kind === 'invalid') return data.message
  const errors = parsePrefix(errorOutputPrefix, 'ErrorOutputPrefix')
  if (errors.kind === 'invalid') return errors.message
  if (has(data.expressions, 'error-output-type'))
    return 'Prefix must not contain any occurrence of !{firehose:error-output-type}'
  if (has(data.expressions, 'partition-key') && !dynamicPartitioning)
    return 'Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.'
  if (hasExpressions(data.expressions) && errorOutputPrefix === '')
    return 'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions'
  if (has(errors.expressions, 'partition-key'))
    return "Dynamic Partitioning Namespaces can't be part of an error prefix expression"
  if (hasExpressions(errors.expressions) && !has(errors.expressions, 'error-output-type'))
    return 'ErrorOutputPrefix must contain at least one occurrence of !{firehose:error-output-type}'
  const zone = isTimeZone(timeZone) ? timeZone : UTC
  return (
    evaluatedProblem(data.expressions, errors.expressions, zone) ??
    surrogateProblem(prefix, 'Prefix') ??
    surrogateProblem(errorOutputPrefix, 'ErrorOutputPrefix') ??
    escapeProblem(data.expressions, 'Prefix') ??
    escapeProblem(errors.expressions, 'ErrorOutputPrefix')
  )
}

function has(expressions: readonly Expression[], kind: Expression['kind']): boolean {
  return expressions.some((expression) => expression.kind === kind)
}

/** Ours: UTF-8 has no half of a pair, so that two prefixes could make the same keys. */
function surrogateProblem(prefix: string, member: PrefixMember): string | undefined {
  return /\p{Surrogate}/u.test(prefix)
    ? `${member} has half of a surrogate pair, which object keys cannot have. Write whole characters`
    : undefined
}

/**
 * Ours: S3 refuses a key with more `..` than names before them (docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html),
 * and a proxy that takes the key for a path would leave the bucket by it. At every moment it is the same, since no field
 * prints nothing, dots only, or now more slashes than then.
 */
function escapeProblem(expressions: readonly Expression[], member: PrefixMember): string | undefined {
  const text = expressions
    .flatMap((expression) => textsOf(expression, [zonedTime(FAR_MS, UTC)]).flat())
    .join('')
  let depth = 0
  // What follows the last slash goes on with the rest of the key.
  for (const name of text.split('/').slice(0, -1)) {
    if (name === '..') depth -= 1
    else if (name !== '' && name !== '.') depth += 1
    if (depth < 0) return `${member} leads out of the bucket, which S3 refuses. Take "../" out of it`
  }
  return undefined
}

/** Longest evaluated prefix, in characters. */
const EVALUATED_LENGTH_MAX = 512
/** What the service evaluates a prefix with to see how long it gets. */
const FAR_MS = Date.parse('8888-12-31T23:59:59Z')
const LONGEST_ERROR_OUTPUT_TYPE = 'format-conversion-failed'

/** docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html, in UTF-8. */
const KEY_BYTES_MAX = 1_024
const TIME_PART_BYTES = 'yyyy/MM/dd/HH/'.length
/** `<stream>-<version>-<time>-<uuid>`, with a name of 64 characters and a version of ten digits. */
const NAME_BYTES_MAX = 64 + 1 + 10 + 1 + 'yyyy-MM-dd-HH-mm-ss'.length + 1 + 36
const EXTENSION_BYTES_MAX = 128

interface Evaluated {
  readonly expressions: readonly Expression[]
  /** Characters at the service's far moment. */
  readonly length: number
  /** UTF-8, at whatever moment it is longest. Partition keys, which no one knows yet, count nothing. */
  readonly bytesMax: number
}

function evaluatedProblem(
  data: readonly Expression[],
  errors: readonly Expression[],
  zone: string,
): string | undefined {
  const moments = [FAR_MS, ...WIDEST_MS].map((epochMs) => zonedTime(epochMs, zone))
  const evaluatedData = evaluate(data, moments)
  if (evaluatedData === undefined) return badValueOf('Prefix')
  const evaluatedErrors = evaluate(errors, moments)
  if (evaluatedErrors === undefined) return badValueOf('ErrorOutputPrefix')
  if (evaluatedData.length > EVALUATED_LENGTH_MAX)
    return `Length of evaluated prefix cannot be greater than ${EVALUATED_LENGTH_MAX}`
  if (evaluatedErrors.length > EVALUATED_LENGTH_MAX)
    return `Length of evaluated ErrorOutputPrefix cannot be greater than ${EVALUATED_LENGTH_MAX}`
  return keyProblem(evaluatedData, evaluatedErrors)
}

/** Ours: the service would find out when it puts the first object. */
function keyProblem(data: Evaluated, errors: Evaluated): string | undefined {
  const dataBytes =
    data.bytesMax +
    (hasExpressions(data.expressions) ? 0 : TIME_PART_BYTES) +
    NAME_BYTES_MAX +
    EXTENSION_BYTES_MAX
  if (dataBytes > KEY_BYTES_MAX) return tooLong('Prefix', dataBytes)
  const isDefault = errors.expressions.length === 0
  const errorBytes =
    (isDefault ? data : errors).bytesMax +
    (hasExpressions(errors.expressions) ? 0 : LONGEST_ERROR_OUTPUT_TYPE.length + 1 + TIME_PART_BYTES) +
    NAME_BYTES_MAX
  return errorBytes > KEY_BYTES_MAX
    ? tooLong(isDefault ? 'Prefix' : 'ErrorOutputPrefix', errorBytes)
    : undefined
}

function tooLong(member: PrefixMember, bytes: number): string {
  return `${member} can make object keys of ${bytes} bytes, and S3 takes ${KEY_BYTES_MAX}. Shorten it; a character outside ASCII has two bytes or more`
}

/** Undefined when it cannot be evaluated at one of the moments: a field is wider than its padding. */
function evaluate(expressions: readonly Expression[], moments: readonly ZonedTime[]): Evaluated | undefined {
  let length = 0
  let bytesMax = 0
  for (const expression of expressions) {
    for (const texts of textsOf(expression, moments)) {
      const [atFarMoment] = texts
      if (atFarMoment === undefined || texts.includes(undefined)) return undefined
      length += atFarMoment.length
      bytesMax += Math.max(...texts.map((text = '') => Buffer.byteLength(text)))
    }
  }
  return { expressions, length, bytesMax }
}

/** Each piece of an expression, at each moment. */
function textsOf(
  expression: Expression,
  moments: readonly ZonedTime[],
): readonly (readonly (string | undefined)[])[] {
  switch (expression.kind) {
    case 'text':
      return [[expression.text]]
    case 'timestamp':
      return expression.pattern.map((part) => moments.map((moment) => formatPart(part, moment)))
    case 'random-string':
      return [['0'.repeat(RANDOM_STRING_LENGTH)]]
    case 'error-output-type':
      return [[LONGEST_ERROR_OUTPUT_TYPE]]
    case 'partition-key':
      return []
    default:
      return unreachable(expression)
  }
}

/** Moments of a year among which every field is as wide as it gets: each weekday, month, part of the day, both times of the year. */
export const WIDEST_MS = Array.from({ length: 24 }, (_, index) =>
  Date.UTC(2028, Math.floor(index / 2), 20 + (index % 7), index, 59, 59, 999),
)

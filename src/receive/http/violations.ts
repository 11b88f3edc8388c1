/** Broken constraints in the sentences of the service. This is the one place that words them. */
import { quoted } from './quoted.ts'

/** What a string must be. */
export interface StringRules {
  readonly min?: number
  readonly max?: number
  /** As the service prints it; the whole value must match. */
  readonly pattern?: string
  /** Enumeration in the order in which the service prints it. */
  readonly values?: readonly string[]
}

/** A batch may break a constraint with each of its 500 records; beyond twice that nobody reads on. */
const VIOLATIONS_MAX = 1000

export class Violations {
  readonly sentences: string[] = []

  get full(): boolean {
    return this.sentences.length >= VIOLATIONS_MAX
  }

  /** @param subject the value as it is printed; undefined where the service hides it */
  add(subject: string | undefined, path: string, rule: string): void {
    const value = subject === undefined ? 'Value' : `Value '${quoted(subject)}'`
    if (!this.full) this.sentences.push(`${value} at '${path}' failed to satisfy constraint: ${rule}`)
  }
}

/** All of them in the one message of a ValidationException. */
export function violationMessage(sentences: readonly string[]): string {
  const plural = sentences.length === 1 ? '' : 's'
  return `${sentences.length} validation error${plural} detected: ${sentences.join('; ')}`
}

export const NOT_NULL_RULE = 'Member must not be null'
export const WHOLE_NUMBER_RULE = 'Member must be a whole number'
export const valueMinRule = (min: number): string => `Member must have value greater than or equal to ${min}`
export const valueMaxRule = (max: number): string => `Member must have value less than or equal to ${max}`
export const lengthMinRule = (min: number): string =>
  `Member must have length greater than or equal to ${min}`
export const lengthMaxRule = (max: number): string => `Member must have length less than or equal to ${max}`
const enumRule = (values: readonly string[]): string =>
  `Member must satisfy enum value set: [${values.join(', ')}]`
const patternRule = (pattern: string): string => `Member must satisfy regular expression pattern: ${pattern}`

/** The rules that a member breaks, each of which is a violation of its own. */
export function brokenRules({ min, max, pattern, values }: StringRules, value: string): string[] {
  const broken: string[] = []
  if (values !== undefined && !values.includes(value)) broken.push(enumRule(values))
  if (min !== undefined && value.length < min) broken.push(lengthMinRule(min))
  if (max !== undefined && value.length > max) broken.push(lengthMaxRule(max))
  if (pattern !== undefined && !matches(pattern, value)) broken.push(patternRule(pattern))
  return broken
}

export function satisfies(rules: StringRules, value: string): boolean {
  return brokenRules(rules, value).length === 0
}

/** What lists and maps hold is told with all rules, whichever is broken. */
export function allRules({ min, max, pattern, values }: StringRules): string {
  const rules = [
    ...(values === undefined ? [] : [enumRule(values)]),
    ...(max === undefined ? [] : [lengthMaxRule(max)]),
    ...(min === undefined ? [] : [lengthMinRule(min)]),
    ...(pattern === undefined ? [] : [patternRule(pattern)]),
  ]
  return `[${rules.join(', ')}]`
}

const compiled = new Map<string, RegExp>()

/** True if the whole value matches. */
export function matches(pattern: string, value: string): boolean {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    expression = new RegExp(`^(?:${asJavaReads(pattern)})$`, pattern.includes('\\p{') ? 'u' : '')
    compiled.set(pattern, expression)
  }
  return expression.test(value)
}

/** White space is ASCII to Java's expressions: a no-break or an ideographic space is none, as seen on the real service. */
function asJavaReads(pattern: string): string {
  return pattern
    .replaceAll(String.raw`\s`, String.raw`[ \t\n\v\f\r]`)
    .replaceAll(String.raw`\S`, String.raw`[^ \t\n\v\f\r]`)
}

/** The pattern of a layout: one object of the members that were seen, each once at the most, in their order. */
import { literalPattern } from '../literal-pattern.ts'
import { ESCAPED_FORM, STRING_FORM, type LayoutRules } from './rules.ts'
import type { Seen } from './seen.ts'

export interface LayoutPattern<Place> {
  /**
   * Sticky. Its time is linear in the record, also where it does not match: a member that is there is never tried as one that
   * is not.
   */
  readonly regExp: RegExp
  /** Places whose text is captured, each once, in the order of the groups. */
  readonly captured: readonly Place[]
}

/** To make one of so many characters takes V8 some 12 ms, and one of more than 20 KiB is matched five times as slowly. */
const LENGTH_MAX = 12 * 1024
/** Of a text as long as this V8 makes machine code of a pattern at once, and not slow code for it first. */
const FIRST_TEXT_LENGTH = 1024

/** Undefined when it would be too long. @param hasEscapes strings may have escapes, which take room in the pattern */
export function layoutPattern<Place>(
  members: ReadonlyMap<string, Seen>,
  rules: LayoutRules<Place>,
  hasEscapes: boolean,
): LayoutPattern<Place> | undefined {
  const source = new PatternSource(rules, hasEscapes)
  const object = source.object(members, rules.top, true)
  if (object.length > LENGTH_MAX) return undefined
  const regExp = new RegExp(object, 'y')
  regExp.test(' '.repeat(FIRST_TEXT_LENGTH))
  return { regExp, captured: source.captured }
}

class PatternSource<Place> {
  readonly captured: Place[] = []
  readonly #rules: LayoutRules<Place>
  readonly #hasEscapes: boolean

  constructor(rules: LayoutRules<Place>, hasEscapes: boolean) {
    this.#rules = rules
    this.#hasEscapes = hasEscapes
  }

  /** @param isOnce it is no item, nor in one */
  object(members: ReadonlyMap<string, Seen>, place: Place, isOnce: boolean): string {
    const parts: string[] = []
    for (const [key, seen] of members) {
      const name = `"${literalPattern(key)}"`
      const value = this.#value(seen, this.#rules.member(place, key), isOnce)
      // A comma only before another key.
      parts.push(`(?:${name}: ?(?:${value})(?:, ?(?=")|(?=\\}))|(?!${name}))`)
    }
    return `\\{${parts.join('')}\\}`
  }

  #value({ members, items, values }: Seen, place: Place, isOnce: boolean): string {
    const rules = this.#rules
    const forms = [this.#scalars(place, isOnce)]
    if (members !== undefined) forms.push(this.object(members, place, isOnce))
    if (items !== undefined) forms.push(`\\[${listOf(this.#value(items, rules.item(place), false), '\\]')}`)
    if (values !== undefined) {
      const value = this.#value(values, rules.item(place), false)
      forms.push(`\\{${listOf(`${STRING_FORM}: ?(?:${value})`, '\\}')}`)
    }
    return forms.join('|')
  }

  #scalars(place: Place, isOnce: boolean): string {
    const scalars = this.#rules.scalars(place)
    if (!isOnce || !this.#rules.isCaptured(place))
      return this.#hasEscapes ? scalars.replaceAll(STRING_FORM, ESCAPED_FORM) : scalars
    this.captured.push(place)
    return `(${scalars})`
  }
}

/** A comma only before another one. That of an item twice would double the pattern with each list inside another. */
const listOf = (item: string, end: string): string => `(?:(?:${item})(?:, ?(?!${end})|(?=${end})))*${end}`

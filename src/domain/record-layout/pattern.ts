/** The pattern of a layout: one object of the members that were seen, each once at the most, in their order. */
import { STRING_FORM, type LayoutRules } from './rules.ts'
import type { Seen } from './seen.ts'

export interface LayoutPattern<Place> {
  /** Sticky. What it matches has backtracked no more than a few characters for each member. */
  readonly regExp: RegExp
  /** Places whose text is captured, in the order of the groups. */
  readonly captured: readonly Place[]
}

/** V8 matches longer ones five times as slowly. */
const LENGTH_MAX = 12 * 1024

/** Undefined when it would be too long. */
export function layoutPattern<Place>(
  members: ReadonlyMap<string, Seen>,
  rules: LayoutRules<Place>,
): LayoutPattern<Place> | undefined {
  const source = new PatternSource(rules)
  const object = source.object(members, rules.top)
  return object.length > LENGTH_MAX
    ? undefined
    : { regExp: new RegExp(object, 'y'), captured: source.captured }
}

class PatternSource<Place> {
  readonly captured: Place[] = []
  readonly #rules: LayoutRules<Place>

  constructor(rules: LayoutRules<Place>) {
    this.#rules = rules
  }

  object(members: ReadonlyMap<string, Seen>, place: Place): string {
    const parts: string[] = []
    for (const [key, seen] of members) {
      const value = this.#value(seen, this.#rules.member(place, key))
      // A comma only before another key.
      parts.push(`(?:"${escaped(key)}": ?(?:${value})(?:, ?(?=")|(?=\\})))?`)
    }
    return `\\{${parts.join('')}\\}`
  }

  #value({ members, items, values }: Seen, place: Place): string {
    const rules = this.#rules
    const forms = [this.#scalars(place)]
    if (members !== undefined) forms.push(this.object(members, place))
    if (items !== undefined) forms.push(`\\[${listOf(this.#value(items, rules.item(place)), '\\]')}`)
    if (values !== undefined) {
      const value = this.#value(values, rules.item(place))
      forms.push(`\\{${listOf(`${STRING_FORM}: ?(?:${value})`, '\\}')}`)
    }
    return forms.join('|')
  }

  #scalars(place: Place): string {
    const scalars = this.#rules.scalars(place)
    if (!this.#rules.isCaptured(place)) return scalars
    this.captured.push(place)
    return `(${scalars})`
  }
}

/** A comma only before another one. */
const listOf = (item: string, end: string): string => `(?:(?:${item})(?:, ?(?!${end})|(?=${end})))*${end}`

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

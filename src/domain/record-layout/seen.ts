/** What values were seen at the places of some records, which a layout is made of. */
import { STRING_FORM, type LayoutRules } from './rules.ts'

export interface Seen {
  /** Of an object, in an order in which each key is behind the one that it was seen behind. */
  readonly members: ReadonlyMap<string, Seen> | undefined
  /** In an array, or in an object whose keys are data. */
  readonly items: Seen | undefined
  readonly values: Seen | undefined
}

/** A layout of more members is not learnt, nor one with more objects and arrays inside each other. */
const MEMBERS_MAX = 200
const DEPTH_MAX = 8

/** Undefined when that is too much for a layout, or a key does not stand for itself. */
export function seenIn<Place>(records: readonly object[], rules: LayoutRules<Place>): Seen | undefined {
  const looking = new Looking(rules)
  const seen: Growing = { ...NOTHING }
  for (const record of records) looking.add(seen, record, rules.top, DEPTH_MAX)
  return looking.isTooMuch ? undefined : seen
}

interface Growing extends Seen {
  members: Map<string, Growing> | undefined
  items: Growing | undefined
  values: Growing | undefined
}

const NOTHING = { members: undefined, items: undefined, values: undefined }

/** A key that stands for itself. */
const PLAIN_KEY = new RegExp(`^${STRING_FORM}$`)

class Looking<Place> {
  isTooMuch = false
  readonly #rules: LayoutRules<Place>
  #members = 0

  constructor(rules: LayoutRules<Place>) {
    this.#rules = rules
  }

  /** @param depth of objects and arrays that the value may have */
  add(seen: Growing, value: unknown, place: Place, depth: number): void {
    if (typeof value !== 'object' || value === null || this.isTooMuch) return
    const rules = this.#rules
    if (!rules.takes(place, Array.isArray(value) ? 'array' : 'object')) return
    if (depth === 0) this.isTooMuch = true
    else if (Array.isArray(value)) {
      seen.items ??= { ...NOTHING }
      for (const item of value as readonly unknown[]) this.add(seen.items, item, rules.item(place), depth - 1)
    } else if (rules.isMap(place)) {
      seen.values ??= { ...NOTHING }
      for (const item of Object.values(value)) this.add(seen.values, item, rules.item(place), depth - 1)
    } else {
      seen.members = this.#withKeys(seen.members ?? new Map<string, Growing>(), Object.keys(value))
      for (const [key, member] of Object.entries(value)) {
        const known = seen.members.get(key)
        if (known !== undefined) this.add(known, member, rules.member(place, key), depth - 1)
      }
    }
  }

  #withKeys(known: Map<string, Growing>, keys: readonly string[]): Map<string, Growing> {
    const news = keys.filter((key) => !known.has(key))
    if (news.length === 0) return known
    this.#members += news.length
    this.isTooMuch ||=
      keys.length > MEMBERS_MAX ||
      this.#members > MEMBERS_MAX ||
      !news.every((key) => PLAIN_KEY.test(`"${key}"`))
    if (this.isTooMuch) return known
    return new Map(ordered([...known.keys()], keys).map((key) => [key, known.get(key) ?? { ...NOTHING }]))
  }
}

/** New keys stand behind the one that they were seen behind, the first ones before the next that is known, or last. */
function ordered(known: readonly string[], keys: readonly string[]): readonly string[] {
  const all = [...known]
  const first = keys.find((key) => known.includes(key))
  let place = first === undefined ? all.length : all.indexOf(first)
  for (const key of keys) {
    const at = all.indexOf(key)
    if (at === -1) all.splice(place, 0, key)
    place = at === -1 ? place + 1 : at + 1
  }
  return all
}

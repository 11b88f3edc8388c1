/** What values were seen at the places of some records, which a layout is made of. */
import type { LayoutRules } from './rules.ts'

export interface Seen {
  /** Of an object, in an order in which each key is behind the one that it was seen behind. */
  readonly members: ReadonlyMap<string, Seen> | undefined
  /** In an array, or in a map. */
  readonly items: Seen | undefined
  readonly values: Seen | undefined
}

/** A layout of more members is not learnt: its pattern would be too long (see there). */
const MEMBERS_MAX = 100
/** Objects and arrays inside each other. */
const DEPTH_MAX = 8

/** Undefined where a layout would be too long, or of objects that have few of the keys that others have. */
export function seenIn<Place>(records: readonly object[], rules: LayoutRules<Place>): Seen | undefined {
  const looking = new Looking(rules)
  const seen = nothing()
  for (const record of records) if (isFit(record, DEPTH_MAX)) looking.add(seen, record, rules.top)
  return looking.isTooMuch || isSparse(seen) ? undefined : seen
}

interface Growing extends Seen {
  members: Map<string, Growing> | undefined
  items: Growing | undefined
  values: Growing | undefined
  /** Objects that were seen there, and the members of all. */
  objects: number
  memberCount: number
}

const nothing = (): Growing => ({
  members: undefined,
  items: undefined,
  values: undefined,
  objects: 0,
  memberCount: 0,
})

/** A key whose characters are bytes of the record and stand for themselves. Others were written with an escape. */
const PLAIN_KEY = /^[ !#-[\]-\xff]*$/

function isFit(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((item) => isFit(item, depth - 1))
  return Object.entries(value).every(([key, member]) => PLAIN_KEY.test(key) && isFit(member, depth - 1))
}

class Looking<Place> {
  isTooMuch = false
  readonly #rules: LayoutRules<Place>
  #members = 0

  constructor(rules: LayoutRules<Place>) {
    this.#rules = rules
  }

  add(seen: Growing, value: unknown, place: Place): void {
    if (typeof value !== 'object' || value === null || this.isTooMuch) return
    const rules = this.#rules
    const isArray = Array.isArray(value)
    if (!rules.takes(place, isArray ? 'array' : 'object')) return
    if (isArray) {
      seen.items ??= nothing()
      for (const item of value as readonly unknown[]) this.add(seen.items, item, rules.item(place))
    } else if (rules.isMap(place)) {
      seen.values ??= nothing()
      for (const item of Object.values(value)) this.add(seen.values, item, rules.item(place))
    } else this.#addObject(seen, value, place)
  }

  #addObject(seen: Growing, value: object, place: Place): void {
    const keys = Object.keys(value)
    seen.objects += 1
    seen.memberCount += keys.length
    seen.members = this.#withKeys(seen.members ?? new Map<string, Growing>(), keys)
    for (const [key, member] of Object.entries(value)) {
      const known = seen.members.get(key)
      if (known !== undefined) this.add(known, member, this.#rules.member(place, key))
    }
  }

  #withKeys(known: Map<string, Growing>, keys: readonly string[]): Map<string, Growing> {
    const news = keys.filter((key) => !known.has(key))
    if (news.length === 0) return known
    this.#members += news.length
    this.isTooMuch ||= keys.length > MEMBERS_MAX || this.#members > MEMBERS_MAX
    if (this.isTooMuch) return known
    return new Map(ordered([...known.keys()], keys).map((key) => [key, known.get(key) ?? nothing()]))
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

/** Each member that is not there takes time of its own: objects that have fewer than half are found out faster otherwise. */
function isSparse({ members, items, values, objects, memberCount }: Growing): boolean {
  if (members !== undefined && 2 * memberCount < objects * members.size) return true
  return [...(members?.values() ?? []), items, values].some((inner) => inner !== undefined && isSparse(inner))
}

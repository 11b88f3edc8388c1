/**
 * A pattern for many keys at once: a tree of their characters, so that a key in a record is compared with one branch and not
 * with each name.
 */
import { literalPattern } from '../../domain/literal-pattern.ts'

/** UTF-8 of the Kelvin sign, which is lower-cased to k; the only character outside ASCII that becomes an ASCII one. */
const KELVIN = '\\xe2\\x84\\xaa'

export interface KeyVariants {
  /** In any letter case. */
  readonly folds: boolean
  /** With dots for underscores. */
  readonly hasDots: boolean
}

export class KeyTrie {
  readonly #variants: KeyVariants
  readonly #branches = new Map<string, KeyTrie>()
  #end: string | undefined

  constructor(variants: KeyVariants) {
    this.#variants = variants
  }

  /** @param end what follows the name */
  add(name: string, end: string): void {
    const [first] = name
    if (first === undefined) {
      this.#end = end
      return
    }
    const branch = this.#branches.get(first) ?? new KeyTrie(this.#variants)
    this.#branches.set(first, branch)
    branch.add(name.slice(first.length), end)
  }

  /** Every spelling of a name with what follows it; of no names nothing is matched. */
  get source(): string {
    const parts = [...this.#branches].map(
      ([character, branch]) => this.#variantsOf(character) + branch.source,
    )
    if (this.#end !== undefined) parts.unshift(this.#end)
    return parts.length === 1 && this.#end === undefined ? parts.join('') : `(?:${parts.join('|')})`
  }

  #variantsOf(character: string): string {
    const { folds, hasDots } = this.#variants
    if (hasDots && character === '_') return '[_.]'
    if (!folds || !/[A-Za-z]/.test(character)) return literalPattern(character)
    const letter = character.toLowerCase()
    const either = `[${letter}${letter.toUpperCase()}]`
    return letter === 'k' ? `(?:${either}|${KELVIN})` : either
  }
}

/** A set of record ordinals, one bit each: verdicts on a batch of ten million tiny records are a megabyte. */
export class BitSet {
  #words: Uint32Array
  size = 0

  constructor(expected = 1024) {
    this.#words = new Uint32Array((Math.max(expected, 32) >>> 5) + 1)
  }

  add(ordinal: number): void {
    const word = ordinal >>> 5
    if (word >= this.#words.length) {
      const grown = new Uint32Array(word * 2 + 1)
      grown.set(this.#words)
      this.#words = grown
    }
    if (this.has(ordinal)) return
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (ordinal & 31))
    this.size += 1
  }

  has(ordinal: number): boolean {
    return (((this.#words[ordinal >>> 5] ?? 0) >>> (ordinal & 31)) & 1) === 1
  }

  /** True when it has one from the first of these to the last. */
  hasBetween(first: number, last: number): boolean {
    for (let ordinal = first; ordinal <= last;) {
      if ((this.#words[ordinal >>> 5] ?? 0) === 0) ordinal = (ordinal | 31) + 1
      else if (this.has(ordinal)) return true
      else ordinal += 1
    }
    return false
  }

  /** The ordinals, ascending. */
  *each(): Generator<number> {
    for (const [index, word] of this.#words.entries()) {
      for (let bits = word; bits !== 0; bits &= bits - 1) yield index * 32 + (31 - Math.clz32(bits & -bits))
    }
  }
}

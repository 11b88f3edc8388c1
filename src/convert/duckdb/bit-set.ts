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

  /** True when some ordinal of `from` to `to - 1` is in the set. */
  hasAny(from: number, to: number): boolean {
    for (let ordinal = from; ordinal < to; ordinal += 1) {
      if ((ordinal & 31) === 0 && ordinal + 32 <= to && (this.#words[ordinal >>> 5] ?? 0) === 0) ordinal += 31
      else if (this.has(ordinal)) return true
    }
    return false
  }

  /** The ordinals, ascending. */
  values(): number[] {
    const values: number[] = []
    for (let ordinal = 0; ordinal < this.#words.length * 32; ordinal += 1) {
      if (this.has(ordinal)) values.push(ordinal)
    }
    return values
  }
}

/** Numbers by ordinal, as many as come: four or eight bytes each, and no object. */
export class GrowingArray<A extends Uint32Array | Float64Array> {
  length = 0
  #items: A
  readonly #make: (length: number) => A

  constructor(make: (length: number) => A) {
    this.#make = make
    this.#items = make(1_024)
  }

  push(item: number): void {
    if (this.length === this.#items.length) this.#grow(this.length + 1)
    this.#items[this.length] = item
    this.length += 1
  }

  /** So many more, all alike. */
  pushRun(item: number, count: number): void {
    const end = this.length + count
    if (end > this.#items.length) this.#grow(end)
    this.#items.fill(item, this.length, end)
    this.length = end
  }

  at(index: number): number {
    return this.#items[index] ?? 0
  }

  set(index: number, item: number): void {
    this.#items[index] = item
  }

  /** The items so far; valid until the next `push`. */
  items(): A {
    return this.#items.subarray(0, this.length) as A
  }

  #grow(length: number): void {
    const grown = this.#make(Math.max(length, 2 * this.#items.length))
    grown.set(this.#items)
    this.#items = grown
  }
}

export const uint32s = (): GrowingArray<Uint32Array> => new GrowingArray((length) => new Uint32Array(length))
export const float64s = (): GrowingArray<Float64Array> =>
  new GrowingArray((length) => new Float64Array(length))

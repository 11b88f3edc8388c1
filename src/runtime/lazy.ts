/** Something that is opened when it is first asked for. A failure is told and forgotten: who asks next opens it anew. */
export class Lazy<T> {
  readonly #open: () => Promise<T>
  #opening: Promise<T> | undefined

  constructor(open: () => Promise<T>) {
    this.#open = open
  }

  get(): Promise<T> {
    if (this.#opening !== undefined) return this.#opening
    const opening = this.#open()
    this.#opening = opening
    opening.catch(() => (this.#opening = undefined))
    return opening
  }

  /** Undefined when nobody has asked, or it could not be opened, which those who asked were told. */
  async opened(): Promise<T | undefined> {
    return this.#opening?.catch(() => undefined)
  }
}

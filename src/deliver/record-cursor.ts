/** Reads single records of a batch by their ordinals, which only grow: one frame is in memory at a time. */
import type { Frame } from '../domain/frame.ts'

export class RecordCursor {
  readonly #frames: AsyncIterator<Frame>
  #frame: Frame | undefined
  /** Ordinal of the first record of the frame at hand. */
  #first = 0
  /** Within the frame: the record at hand, and where it begins in the payload. */
  #index = 0
  #start = 0

  constructor(frames: AsyncIterable<Frame>) {
    this.#frames = frames[Symbol.asyncIterator]()
  }

  /** A view that holds until a later record is asked for. @param ordinal no smaller than the one before */
  async at(ordinal: number): Promise<Buffer> {
    const frame = await this.#frameOf(ordinal)
    const index = ordinal - this.#first
    if (index < this.#index) throw new Error(`read record ${ordinal}: a later one was read before`)
    for (; this.#index < index; this.#index += 1) this.#start += frame.length(this.#index) + 1
    return frame.payload.subarray(this.#start, this.#start + frame.length(index))
  }

  async close(): Promise<void> {
    await this.#frames.return?.()
  }

  async #frameOf(ordinal: number): Promise<Frame> {
    while (this.#frame === undefined || ordinal >= this.#first + this.#frame.records) {
      this.#first += this.#frame?.records ?? 0
      const { done, value } = await this.#frames.next()
      if (done === true) throw new Error(`read record ${ordinal}: there are ${this.#first}`)
      this.#frame = value
      this.#index = 0
      this.#start = 0
    }
    return this.#frame
  }
}

/** Frames that a test hands over one by one, so that it knows what a store has taken of them. */
import type { Frame } from '../../../src/domain/frame.ts'

type Answer = IteratorResult<Frame, undefined> | Error

export class FramesByHand implements AsyncIterable<Frame> {
  #asked = 0
  readonly #waiting: { readonly from: number; readonly resolve: () => void }[] = []
  #hand: ((answer: Answer) => void) | undefined

  /** Resolves when the reader has asked for the frame `from` (from 1): it is done with those before the last. */
  asked(from: number): Promise<void> {
    if (this.#asked >= from) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ from, resolve }))
  }

  get isAsked(): boolean {
    return this.#asked > 0
  }

  /** Each when it is asked for; resolves when another is. */
  async give(...frames: readonly Frame[]): Promise<void> {
    for (const value of frames) await this.#answer({ done: false, value })
    await this.asked(this.#asked + (this.#hand === undefined ? 1 : 0))
  }

  async end(): Promise<void> {
    await this.#answer({ done: true, value: undefined })
  }

  async fail(error: Error): Promise<void> {
    await this.#answer(error)
  }

  /** Hands one over, and does not wait for the next question: the reader may not ask again. */
  async giveLast(value: Frame): Promise<void> {
    await this.#answer({ done: false, value })
  }

  async #answer(answer: Answer): Promise<void> {
    await this.asked(this.#asked + (this.#hand === undefined ? 1 : 0))
    const hand = this.#hand
    if (hand === undefined) throw new Error('nobody asks for a frame')
    this.#hand = undefined
    hand(answer)
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame> {
    return {
      next: () =>
        new Promise((resolve, reject) => {
          this.#asked += 1
          this.#hand = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer))
          const due = this.#waiting.filter(({ from }) => from <= this.#asked)
          for (const waiting of due) {
            this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
            waiting.resolve()
          }
        }),
      return: () => Promise.resolve({ done: true, value: undefined }),
    }
  }
}

export async function* each(frames: readonly Frame[]): AsyncGenerator<Frame> {
  for (const frame of frames) yield await Promise.resolve(frame)
}

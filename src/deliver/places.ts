/**
 * The places of a process: how many batches it works on at a time. An attempt that only waits for somebody else's program
 * lends its place, and another batch runs meanwhile. Then it waits for a place to be free, and goes before every new batch.
 *
 * Open are the batches that run, those whose place is lent and those that wait to have one again: a bound for the memory and
 * the connections of those that have no place. Whoever waits is let go by its signal.
 */
import type { Lend } from './queue.ts'

/** Most batches that are open at a time. */
export function openAtMost(concurrency: number): number {
  return Math.max(2 * concurrency, 3)
}

export interface Place {
  readonly lend: Lend
  /** The attempt has ended, with or without its place. */
  leave(): void
}

export class Places {
  readonly #concurrency: number
  /** A place may have become free, or the number of those lent is another. */
  readonly #changed: () => void
  #held = 0
  #open = 0
  #lent = 0
  /** Attempts that want their place again, in order. */
  readonly #returning = new Set<() => void>()

  constructor(concurrency: number, changed: () => void) {
    this.#concurrency = concurrency
    this.#changed = changed
  }

  /** How many batches may be open now: one more for each that has no place and does not wait for one. */
  get allowed(): number {
    return Math.min(this.#concurrency + this.#lent, openAtMost(this.#concurrency))
  }

  /** Undefined while there is none for a new batch. */
  take(): Place | undefined {
    if (this.#held >= this.#concurrency || this.#open >= openAtMost(this.#concurrency)) return undefined
    this.#held += 1
    this.#open += 1
    let isHeld = true
    return {
      lend: async (run, signal) => {
        isHeld = false
        this.#lent += 1
        this.#free()
        // After a failure nothing is left to do that needs a place.
        const result = await run(signal)
        await this.#takeAgain(signal)
        isHeld = true
        return result
      },
      leave: () => {
        this.#open -= 1
        if (!isHeld) this.#lent -= 1
        if (isHeld) this.#free()
        else this.#changed()
      },
    }
  }

  /** The place of one that has it no more goes to the first that waits for its own. */
  #free(): void {
    const [first] = this.#returning
    if (first === undefined) this.#held -= 1
    else first()
    this.#changed()
  }

  async #takeAgain(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#lent -= 1
    if (this.#held < this.#concurrency) {
      this.#held += 1
      this.#changed()
      return
    }
    this.#changed()
    await new Promise<void>((resolve, reject) => {
      const given = (): void => {
        this.#returning.delete(given)
        signal.removeEventListener('abort', stopped)
        resolve()
      }
      const stopped = (): void => {
        this.#returning.delete(given)
        this.#lent += 1
        this.#changed()
        reject(signal.reason as Error)
      }
      this.#returning.add(given)
      signal.addEventListener('abort', stopped, { once: true })
    })
  }
}

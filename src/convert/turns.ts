/** Gives other work of the event loop its turn during long computations. */
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'

const TURN_MS = 4

export class Turns {
  #since = performance.now()

  /** True once this turn has taken long enough; then `await next()`. */
  get isOver(): boolean {
    return performance.now() - this.#since > TURN_MS
  }

  async next(): Promise<void> {
    await nextTurn()
    this.#since = performance.now()
  }
}

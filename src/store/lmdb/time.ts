/**
 * The store's time, epoch ms. It goes on from the latest time that was written down, with the monotonic clock, and jumps
 * forward with the wall clock, never back: a wall clock set back neither reopens the past nor makes batches wait.
 */
import type { Clock } from '../../domain/ports.ts'

export class StoreTime {
  readonly #clock: Clock
  #nowMs: number
  #monotonicMs: number

  constructor(clock: Clock, storedMs: number) {
    this.#clock = clock
    this.#nowMs = Math.max(storedMs, clock.now())
    this.#monotonicMs = clock.monotonicMs()
  }

  now(): number {
    const monotonicMs = this.#clock.monotonicMs()
    const passedMs = Math.max(0, monotonicMs - this.#monotonicMs)
    this.#monotonicMs = monotonicMs
    this.#nowMs = Math.max(this.#nowMs + passedMs, this.#clock.now())
    return Math.floor(this.#nowMs)
  }
}

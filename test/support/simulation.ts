/**
 * A simulation: one line of time, on which processes run that can be paused, killed and cut off. No real time passes, and the
 * same seed gives the same run.
 *
 * A process is code that waits on two things only: its clock, and calls that go out and are answered. While it is paused
 * no answer and no alarm reaches it, though what it sent takes effect; afterwards all of them reach it at once, and its
 * clock has gone on. So every place where its code may be interrupted, between two awaits, comes up.
 */
import type { Clock } from '../../src/domain/ports.ts'

/** A generator of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Happening {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class Simulation {
  readonly random: () => number
  /** Since the epoch; never jumps back. */
  nowMs = Date.UTC(2026, 10, 2, 9)
  #order = 0
  /** A heap: the first one is the next to happen. */
  readonly #queue: Happening[] = []

  constructor(seed: number) {
    this.random = seeded(seed)
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  between(least: number, most: number): number {
    return Math.round(least + this.random() * (most - least))
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)]
  }

  after(ms: number, run: () => void): void {
    this.#order += 1
    push(this.#queue, { atMs: this.nowMs + Math.max(0, ms), order: this.#order, run })
  }

  /** Lets this much time pass. */
  async run(ms: number): Promise<void> {
    const endMs = this.nowMs + ms
    await settle()
    for (let next = this.#queue[0]; next !== undefined && next.atMs <= endMs; next = this.#queue[0]) {
      pop(this.#queue)
      this.nowMs = next.atMs
      next.run()
      await settle()
    }
    this.nowMs = endMs
  }

  /** Lets time pass, `stepMs` at a time, until `done`; false when that does not come within `limitMs`. */
  async runUntil(done: () => boolean, limitMs: number, stepMs = 1_000): Promise<boolean> {
    for (const endMs = this.nowMs + limitMs; !done();) {
      if (this.nowMs >= endMs) return false
      await this.run(stepMs)
    }
    return true
  }
}

/** All promise callbacks that are ready run before this resolves. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What may become of a call. */
export interface CallOutcome {
  /** Until it takes effect, and then until it is answered. */
  readonly thereMs: number
  readonly backMs: number
  /** Rejected after so long instead of being answered. Takes effect all the same if `thereMs` is finite, then or later. */
  readonly failure?: { readonly error: Error; readonly afterMs: number }
  /** Takes effect once more after so long; this is what is answered. */
  readonly againMs?: number
}

export class SimulatedProcess {
  readonly name: string
  readonly #simulation: Simulation
  /** How far its wall clock is wrong. */
  wallErrorMs = 0
  isDead = false
  isPaused = false
  #waiting: (() => void)[] = []

  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation
    this.name = name
  }

  readonly clock: Clock = {
    now: () => this.#simulation.nowMs + this.wallErrorMs,
    monotonicMs: () => this.#simulation.nowMs - Date.UTC(2026, 0, 1),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const wake = (): void => {
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        signal?.addEventListener('abort', wake)
        this.#simulation.after(ms, () => this.#reach(wake))
      }),
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    for (const run of this.#waiting.splice(0)) this.#reach(run)
  }

  /** What it sent takes effect; nothing reaches it any more, and it sends nothing. */
  die(): void {
    this.isDead = true
    this.#waiting = []
  }

  /** Sends a call; `step` is its effect. */
  call<T>(outcome: CallOutcome, step: () => T, signal?: AbortSignal): Promise<T> {
    const { thereMs, backMs, failure, againMs } = outcome
    const simulation = this.#simulation
    return new Promise((resolve, reject) => {
      if (this.isDead) return
      const abort = (): void => reject(signal?.reason as Error)
      if (signal?.aborted === true) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      const answer = (settleWith: () => void): void => {
        signal?.removeEventListener('abort', abort)
        settleWith()
      }
      if (failure !== undefined)
        simulation.after(failure.afterMs, () => this.#reach(() => answer(() => reject(failure.error))))
      if (!Number.isFinite(thereMs)) return
      const happen = (isLast: boolean): void => {
        const settleWith = attempt(step, resolve, reject)
        if (isLast && failure === undefined)
          simulation.after(backMs, () => this.#reach(() => answer(settleWith)))
      }
      simulation.after(thereMs, () => {
        happen(againMs === undefined)
        if (againMs !== undefined) simulation.after(againMs, () => happen(true))
      })
    })
  }

  #reach(run: () => void): void {
    if (this.isDead) return
    if (this.isPaused) this.#waiting.push(run)
    else run()
  }
}

function attempt<T>(step: () => T, resolve: (value: T) => void, reject: (reason: Error) => void): () => void {
  try {
    const value = step()
    return () => resolve(value)
  } catch (error) {
    return () => reject(error as Error)
  }
}

function isBefore(a: Happening | undefined, b: Happening | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Happening[], happening: Happening): void {
  let at = heap.length
  heap.push(happening)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]
    if (parent === undefined || !isBefore(happening, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = happening
}

function pop(heap: Happening[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const least = isBefore(heap[left + 1], heap[left]) ? left + 1 : left
    const child = heap[least]
    if (child === undefined || !isBefore(child, last)) break
    heap[at] = child
    at = least
  }
  heap[at] = last
}

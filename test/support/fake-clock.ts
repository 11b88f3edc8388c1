/** A clock that a test moves by hand. `sleep` resolves when `advance` passes its time. */
interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export class FakeClock {
  #now: number
  #sleepers: Sleeper[] = []

  constructor(now = Date.UTC(2026, 10, 2, 9, 15, 0)) {
    this.#now = now
  }

  now = (): number => this.#now
  monotonicMs = (): number => this.#now

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const aborted = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      }
      const sleeper = { at: this.#now + ms, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', aborted)
    })

  /** Number of sleepers now waiting. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  async advance(ms: number): Promise<void> {
    await settle()
    const end = this.#now + ms
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#now = Math.max(this.#now, next.at)
      this.#sleepers = this.#sleepers.filter((other) => other !== next)
      next.wake()
      await settle()
    }
    this.#now = end
    await settle()
  }
}

/** Lets promise callbacks that are ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
}

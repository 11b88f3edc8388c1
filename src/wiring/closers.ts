/** What a process has opened and must close. */
import type { Log } from '../account/log.ts'

type Close = () => Promise<void>

/** Ends a start that goes on after a stop has begun. */
export class StoppedError extends Error {
  constructor() {
    super('the process was asked to stop')
    this.name = 'StoppedError'
  }
}

export class Closers {
  readonly #log: Log
  #closers: Close[] = []
  #vital: Close[] = []
  readonly #late = new Set<Promise<void>>()
  #isOver = false

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Registers what a stop must close; last registered, first closed.
   *
   * @throws StoppedError when the stop has begun; it is being closed then
   */
  add(close: Close): void {
    if (!this.#isOver) {
      this.#closers.unshift(close)
      return
    }
    const closing = this.#run(close).finally(() => this.#late.delete(closing))
    this.#late.add(closing)
    throw new StoppedError()
  }

  /** The same of what must be closed even when there is no time to stop in good order; closing it again does nothing. */
  addVital(close: Close): void {
    this.#vital.push(close)
    this.add(close)
  }

  /** One failure does not keep the rest open. Again: what was registered meanwhile. */
  async close(): Promise<void> {
    this.#isOver = true
    for (const close of this.#closers.splice(0)) await this.#run(close)
    await Promise.all(this.#late)
  }

  async closeVital(): Promise<void> {
    await Promise.all(this.#vital.map((close) => close()))
  }

  async #run(close: Close): Promise<void> {
    try {
      await close()
    } catch (err) {
      this.#log.error({ err }, 'part of the process did not stop in good order')
    }
  }
}

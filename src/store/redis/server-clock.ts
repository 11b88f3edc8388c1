/**
 * The store's time: the server's plus the local monotonic difference, so that processes on machines with different wall
 * clocks agree on ages. It neither runs backwards nor stands still when the server's clock is set back: now.lua goes on
 * from the time that was last read by anybody.
 */
import { performance } from 'node:perf_hooks'
import type { Log } from '../../account/log.ts'
import type { Connection } from './connection.ts'
import { scripts } from './scripts.ts'

/** Quartz drifts by some 50 ppm: 1.5 ms in this time. */
const REFRESH_EVERY_MS = 30_000

export class ServerClock {
  readonly #connection: Pick<Connection, 'script'>
  readonly #key: string
  readonly #log: Log
  readonly #monotonicMs: () => number
  #differenceMs = 0
  #readAt = 0
  #refreshing = false
  #last = 0

  private constructor(
    connection: Pick<Connection, 'script'>,
    key: string,
    log: Log,
    monotonicMs: () => number,
  ) {
    this.#connection = connection
    this.#key = key
    this.#log = log
    this.#monotonicMs = monotonicMs
  }

  static async start(
    connection: Pick<Connection, 'script'>,
    /** Of the installation's clock. */
    key: string,
    log: Log,
    monotonicMs: () => number = () => performance.now(),
  ): Promise<ServerClock> {
    const clock = new ServerClock(connection, key, log, monotonicMs)
    await clock.#refresh()
    return clock
  }

  /** Epoch milliseconds, whole. */
  readonly now = (): number => {
    const local = this.#monotonicMs()
    if (!this.#refreshing && local - this.#readAt > REFRESH_EVERY_MS) {
      this.#refreshing = true
      this.#refresh()
        .catch((err: unknown) => this.#log.debug({ err }, 'redis time not read; the last difference is kept'))
        .finally(() => {
          this.#readAt = this.#monotonicMs()
          this.#refreshing = false
        })
    }
    this.#last = Math.max(this.#last, Math.round(local + this.#differenceMs))
    return this.#last
  }

  async #refresh(): Promise<void> {
    const sent = this.#monotonicMs()
    const time = await this.#connection.script('read redis time', scripts.now, [this.#key], [])
    const received = this.#monotonicMs()
    this.#differenceMs = Number(time) - (sent + received) / 2
    this.#readAt = received
  }
}

/**
 * The store's time: the server's TIME plus the local monotonic difference, so that processes on machines with different
 * wall clocks agree on ages. Never runs backwards in one process; the scripts see to it across processes.
 */
import { performance } from 'node:perf_hooks'
import type { Log } from '../../account/log.ts'
import type { Connection } from './connection.ts'

/** Quartz drifts by some 50 ppm: 1.5 ms in this time. */
const REFRESH_EVERY_MS = 30_000

export class ServerClock {
  readonly #connection: Pick<Connection, 'call'>
  readonly #log: Log
  readonly #monotonicMs: () => number
  #differenceMs = 0
  #readAt = 0
  #refreshing = false
  #last = 0

  private constructor(connection: Pick<Connection, 'call'>, log: Log, monotonicMs: () => number) {
    this.#connection = connection
    this.#log = log
    this.#monotonicMs = monotonicMs
  }

  static async start(
    connection: Pick<Connection, 'call'>,
    log: Log,
    monotonicMs: () => number = () => performance.now(),
  ): Promise<ServerClock> {
    const clock = new ServerClock(connection, log, monotonicMs)
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
    const [seconds, microseconds] = await this.#connection.call('read redis time', (client) => client.time())
    const received = this.#monotonicMs()
    this.#differenceMs = Number(seconds) * 1000 + Number(microseconds) / 1000 - (sent + received) / 2
    this.#readAt = received
  }
}

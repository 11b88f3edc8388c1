/**
 * Keeps Redis away from its memory limit. At the limit nobody could add or fetch a delivery job in the same Redis, so
 * nothing would drain: appends are throttled well before. Memory is sampled only while appends come.
 */
import { performance } from 'node:perf_hooks'
import type { Log } from '../../account/log.ts'
import type { Connection } from './connection.ts'
import { infoFields, infoNumber } from './info.ts'

/** Share of maxmemory above which appends are throttled. */
const FULL_FROM = 0.8
const SAMPLE_EVERY_MS = 250
/** A sample older than this says nothing: the next append waits for another. */
const SAMPLE_HOLDS_MS = 1000

export class MemoryGuard {
  readonly #connection: Connection
  readonly #log: Log
  #full = false
  #sampledAt = -Infinity
  #sampling: Promise<void> | undefined

  constructor(connection: Connection, log: Log) {
    this.#connection = connection
    this.#log = log
  }

  async isFull(): Promise<boolean> {
    const ageMs = performance.now() - this.#sampledAt
    if (ageMs > SAMPLE_HOLDS_MS) await this.#sample()
    else if (ageMs > SAMPLE_EVERY_MS) {
      this.#sample().catch((err: unknown) => this.#log.debug({ err }, 'redis memory not sampled'))
    }
    return this.#full
  }

  /** Redis has just refused a write at its limit. */
  refused(): void {
    this.#note(true, undefined)
  }

  #sample(): Promise<void> {
    this.#sampling ??= this.#read().finally(() => {
      this.#sampling = undefined
    })
    return this.#sampling
  }

  async #read(): Promise<void> {
    const info = infoFields(
      await this.#connection.call('sample redis memory', (client) => client.info('memory')),
    )
    const usedBytes = infoNumber(info, 'used_memory')
    const limitBytes = infoNumber(info, 'maxmemory')
    this.#sampledAt = performance.now()
    this.#note(limitBytes > 0 && usedBytes > limitBytes * FULL_FROM, { usedBytes, limitBytes })
  }

  #note(full: boolean, fields: { usedBytes: number; limitBytes: number } | undefined): void {
    if (full === this.#full) return
    this.#full = full
    if (full) this.#log.warn({ ...fields }, 'redis memory nearly full: appends are throttled')
    else this.#log.info({ ...fields }, 'redis memory has room again')
  }
}

/** Exclusive roles by the server's time, fenced by a counter. */
import type { Lease, Leases } from '../../domain/ports.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { scripts } from './scripts.ts'

export class RedisLeases implements Leases {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #holder: string
  readonly #now: () => number

  constructor(connection: Connection, keys: Keys, holder: string, now: () => number) {
    this.#connection = connection
    this.#keys = keys
    this.#holder = holder
    this.#now = now
  }

  async acquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    const argv = [this.#now(), this.#holder, ttlMs]
    const doing = `acquire lease ${name}`
    const counter = Number(
      await this.#connection.script(doing, scripts.acquire, [this.#keys.lease(name)], argv),
    )
    return counter === 0 ? undefined : { name, counter }
  }

  async release({ name, counter }: Lease): Promise<void> {
    const argv = [this.#holder, counter]
    await this.#connection.script(`release lease ${name}`, scripts.release, [this.#keys.lease(name)], argv)
  }
}

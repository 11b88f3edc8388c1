/**
 * Leases in LMDB. One process owns the folder, so a lease of an earlier holder is void from the start; only its counter
 * lives on.
 */
import type { Lease, Leases } from '../../domain/ports.ts'
import type { LmdbDatabase } from './database.ts'
import type { StoreTime } from './time.ts'

export class LmdbLeases implements Leases {
  readonly #db: LmdbDatabase
  readonly #time: StoreTime
  readonly #holder: string

  constructor(db: LmdbDatabase, time: StoreTime, holder: string) {
    this.#db = db
    this.#time = time
    this.#holder = holder
  }

  async acquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#db.write(`acquire lease ${name}`, () => {
      const nowMs = this.#time.now()
      const known = this.#db.leases.get(name)
      const held = known !== undefined && known.expiresAtMs > nowMs
      if (held && known.holder !== this.#holder) return undefined
      const counter = held ? known.counter : (known?.counter ?? 0) + 1
      void this.#db.leases.put(name, { holder: this.#holder, counter, expiresAtMs: nowMs + ttlMs })
      return { name, counter }
    })
  }

  async release(lease: Lease): Promise<void> {
    await this.#db.write(`release lease ${lease.name}`, () => {
      const known = this.#db.leases.get(lease.name)
      if (known?.holder !== this.#holder || known.counter !== lease.counter) return
      void this.#db.leases.put(lease.name, { ...known, expiresAtMs: 0 })
    })
  }

  /** Frees what earlier owners of the folder held when they ended. */
  async expireAll(): Promise<void> {
    await this.#db.write('free leases', () => {
      const held = [...this.#db.leases.getRange({})].filter(({ value }) => value.expiresAtMs > 0)
      for (const { key, value } of held) void this.#db.leases.put(key, { ...value, expiresAtMs: 0 })
    })
  }
}

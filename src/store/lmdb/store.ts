/** The embedded store: one process, one folder, nothing to install. */
import type { Clock, Leases, Shards, Store } from '../../domain/ports.ts'
import { BufferUnavailableError } from '../../domain/errors.ts'
import { LmdbBuffer } from './buffer.ts'
import { LmdbDatabase } from './database.ts'
import { LmdbJournal } from './journal.ts'
import { LmdbLeases } from './leases.ts'
import { ownFolder } from './owner.ts'
import { Purge } from './purge.ts'
import { LmdbRegistry } from './registry.ts'
import { LmdbShards } from './shards.ts'
import { StoreTime } from './time.ts'

export interface LmdbStoreOptions {
  /** The folder; made with mode 0700 when it is not there. */
  readonly path: string
  /** Budget of packed frames, over all streams. The file takes up to about twice as much: pages, and room to rewrite them. */
  readonly maxBytes: number
  /** Share of `maxBytes` that one stream may take, 0 to 1. */
  readonly perStreamShare: number
  readonly clock: Clock
  /** Names this process as a holder of leases. */
  readonly holder: string
  readonly journalMaxBytes?: number
  readonly journalKeepMs?: number
}

const JOURNAL_MAX_BYTES = 64 * 1024 * 1024
const JOURNAL_KEEP_MS = 7 * 24 * 3_600_000

/** Throws StartError when the folder cannot be used or another process owns it. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<LmdbStore> {
  const db = new LmdbDatabase(options.path, options.maxBytes)
  try {
    const disown = await ownFolder(db)
    const store = new LmdbStore(db, options, disown)
    await store.start()
    return store
  } catch (error) {
    await db.close()
    throw error
  }
}

export class LmdbStore implements Store {
  readonly promise: string
  readonly buffer: LmdbBuffer
  readonly registry: LmdbRegistry
  readonly leases: LmdbLeases
  readonly shards: LmdbShards
  readonly journal: LmdbJournal
  readonly #db: LmdbDatabase
  readonly #time: StoreTime
  readonly #purge: Purge
  readonly #disown: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(db: LmdbDatabase, options: LmdbStoreOptions, disown: () => Promise<void>) {
    this.#db = db
    this.#disown = disown
    this.#time = new StoreTime(options.clock, db.totals.nowMs)
    this.#purge = new Purge(db)
    this.journal = new LmdbJournal(db, {
      maxBytes: options.journalMaxBytes ?? JOURNAL_MAX_BYTES,
      keepMs: options.journalKeepMs ?? JOURNAL_KEEP_MS,
    })
    const admission = {
      maxBytes: options.maxBytes,
      streamBytesMax: options.maxBytes * options.perStreamShare,
    }
    this.buffer = new LmdbBuffer(db, this.#time, this.journal, this.#purge, admission, options.holder)
    this.registry = new LmdbRegistry(db, this.#time, this.#purge)
    this.leases = new LmdbLeases(db, this.#time, options.holder)
    this.shards = new LmdbShards(db, this.#time, options.holder)
    this.promise = `an acknowledged record is on the disk of ${options.path} (fdatasync): it survives the loss of the process and of power`
  }

  /** Frees leases of dead owners and goes on removing frames that a crash left. */
  async start(): Promise<void> {
    await this.leases.expireAll()
    await this.shards.expireAll()
    this.#purge.start()
  }

  /** The leases as another holder sees them. */
  leasesOf(holder: string): Leases {
    return new LmdbLeases(this.#db, this.#time, holder)
  }

  /** The shards as another holder sees them. */
  shardsOf(holder: string): Shards {
    return this.shards.of(holder)
  }

  /** Frames in the file, derived ones too: of batches and of those that are gone but not yet removed. */
  get storedFrames(): number {
    return this.#db.frames.getCount() + this.#db.derived.getCount()
  }

  /** Resolves when the frames of discarded batches are gone from the file. */
  async purged(): Promise<void> {
    await this.#purge.finished()
  }

  async check(): Promise<void> {
    this.#db.assertOpen('check the buffer')
    if (this.#db.failure !== undefined) {
      // One write tells whether the disk has recovered.
      await this.#db.write('check the buffer', () => this.#db.putTotals(this.#db.totals))
    }
    const { failure } = this.#purge
    if (failure !== undefined) {
      this.#purge.start()
      throw new BufferUnavailableError('check the buffer: frames of discarded batches could not be removed', {
        cause: failure,
        hint: 'see whether the disk of buffer.path is full, read-only or failing',
      })
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#purge.stop()
    await this.#db.close()
    await this.#disown()
  }
}

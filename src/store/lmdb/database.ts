/**
 * The LMDB file and its transactions.
 *
 * Every change is a `write`: a function that runs in a transaction of its own inside the current group commit. If it
 * throws, nothing of it happened. Its promise resolves when the group is on disk. Seen with strace, in this order: pwrite of
 * the pages, fdatasync, pwrite of the meta page through a descriptor opened with O_DSYNC, answer. `overlappingSync` is off
 * for that: with it lmdb answers at the commit, before the flush.
 *
 * lmdb begins, commits and syncs in a thread of its own; only the function itself, which copies frames into pages, runs on
 * the event loop. Frames of 94 kB, 4 appends at a time: 4,000 a second, 184 us of CPU each; of 300 bytes, 64 at a time:
 * 55,000 a second (2 cores, ext4).
 *
 * `eventTurnBatching` is off: with it lmdb makes a promise for each event turn that nobody can handle when a commit fails,
 * so that a full disk would end the process.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join, resolve as absolute } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { BufferUnavailableError, StartError } from '../../domain/errors.ts'
import type { JournalEntry } from '../../domain/outcome.ts'
import type { StoredStream } from '../stored-stream.ts'
import type { EpochState, StoredBatch, StoredLease, StoredShard, StoreTotals, StreamState } from './layout.ts'
import type { Owner } from './owner.ts'

type IncarnationKey = [incarnation: string, second: number]
type FrameKey = [incarnation: string, batchSequence: number, append: number]
type DerivedKey = [incarnation: string, batchSequence: number, derivation: number, index: number]
/** With a third: of one derivation alone. */
export type PurgeKey = IncarnationKey | [incarnation: string, batchSequence: number, derivation: number]

const GIB = 2 ** 30

export class LmdbDatabase {
  readonly path: string
  readonly streams: Database<StoredStream, string>
  readonly states: Database<StreamState, string>
  readonly epochs: Database<EpochState, [incarnation: string, epoch: string]>
  readonly batches: Database<StoredBatch, IncarnationKey>
  readonly frames: Database<Buffer, FrameKey>
  readonly derived: Database<Buffer, DerivedKey>
  readonly purges: Database<number, PurgeKey>
  readonly journal: Database<JournalEntry, IncarnationKey>
  readonly journalTimes: Database<number, [discardedAtMs: number, incarnation: string, lastAppend: number]>
  readonly leases: Database<StoredLease, string>
  readonly shards: Database<StoredShard, [incarnation: string, key: string]>
  readonly #whole: Database<StoreTotals | Owner, string>
  readonly #root: RootDatabase
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false
  #failure: BufferUnavailableError | undefined

  constructor(path: string, maxBytes: number) {
    this.path = path
    this.#root = openEnvironment(path, maxBytes)
    this.streams = this.#root.openDB('streams', { encoding: 'json' })
    this.states = this.#root.openDB('states', { encoding: 'json' })
    this.epochs = this.#root.openDB('epochs', { encoding: 'json' })
    this.batches = this.#root.openDB('batches', { encoding: 'json' })
    this.frames = this.#root.openDB('frames', { encoding: 'binary' })
    this.derived = this.#root.openDB('derived', { encoding: 'binary' })
    this.purges = this.#root.openDB('purges', { encoding: 'json' })
    this.journal = this.#root.openDB('journal', { encoding: 'json' })
    this.journalTimes = this.#root.openDB('journalTimes', { encoding: 'json' })
    this.leases = this.#root.openDB('leases', { encoding: 'json' })
    this.shards = this.#root.openDB('shards', { encoding: 'json' })
    this.#whole = this.#root.openDB('whole', { encoding: 'json' })
    for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
    syncFolders(absolute(path))
  }

  get totals(): StoreTotals {
    const totals = this.#whole.get('totals')
    return totals !== undefined && 'storedBytes' in totals
      ? totals
      : { storedBytes: 0, journalBytes: 0, nowMs: 0 }
  }

  /** Only inside a `write`. */
  putTotals(totals: StoreTotals): void {
    void this.#whole.put('totals', totals)
  }

  get owner(): Owner | undefined {
    const owner = this.#whole.get('owner')
    return owner !== undefined && 'address' in owner ? owner : undefined
  }

  /** Makes `owner` the owner if `expected` still is; false otherwise. Blocks: for the start only. */
  replaceOwner(expected: Owner | undefined, owner: Owner): boolean {
    return this.#root.transactionSync(() => {
      if (this.owner?.address !== expected?.address) return false
      void this.#whole.put('owner', owner)
      return true
    })
  }

  /** @param what says in an error what was asked, `append to orders` */
  write<T>(what: string, step: () => T): Promise<T> {
    return this.#track(what, () => this.#root.childTransaction(step))
  }

  /** Removes frames in lmdb's own thread, without a function on the event loop. */
  removeFrames<Key extends FrameKey | DerivedKey>(
    what: string,
    frames: Database<Buffer, Key>,
    keys: readonly Key[],
  ): Promise<boolean> {
    return this.#track(what, () =>
      this.#root.batch(() => {
        for (const key of keys) void frames.remove(key)
      }),
    )
  }

  /** Throws when the store is closed: reading a closed file would end the process. */
  assertOpen(what: string): void {
    if (this.#closed) throw new BufferUnavailableError(`${what}: the store is closed`)
  }

  /** The error of the last write, if it failed and none has succeeded since. */
  get failure(): BufferUnavailableError | undefined {
    return this.#failure
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#pending)
    await this.#root.close()
  }

  async #track<T>(what: string, start: () => Promise<T>): Promise<T> {
    this.assertOpen(what)
    const running = start()
    this.#pending.add(running)
    try {
      const result = await running
      this.#failure = undefined
      return result
    } catch (error) {
      const translated = await translateError(what, this.path, error)
      if (translated instanceof BufferUnavailableError) this.#failure = translated
      throw translated
    } finally {
      this.#pending.delete(running)
    }
  }
}

function makeFolder(path: string): void {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true })
    mkdirSync(path, { mode: 0o700 })
  }
  try {
    chmodSync(path, 0o700)
  } catch (error) {
    // A mounted volume may belong to somebody else; the files in it are still made for their owner alone.
    if (!hasCode(error, 'EPERM')) throw error
  }
}

/** New files and folders outlive the loss of power only once the folders that name them are on disk; lmdb syncs its file alone. */
function syncFolders(path: string): void {
  // Windows has no sync of folders.
  if (process.platform === 'win32') return
  for (const folder of [path, dirname(path), dirname(dirname(path))]) {
    const descriptor = openSync(folder, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
  }
}

function openEnvironment(path: string, maxBytes: number): RootDatabase {
  try {
    makeFolder(path)
    return open({
      path,
      noSubdir: false,
      maxDbs: 16,
      encoding: 'json',
      overlappingSync: false,
      eventTurnBatching: false,
      // Address space, not memory or disk. Frames take whole pages, so twice the budget; lmdb enlarges it where that is too little.
      mapSize: 2 * maxBytes + GIB,
    })
  } catch (error) {
    throw new StartError(`open buffer ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
      hint: 'buffer.path must be a folder on a local disk that this user may write, made by this or an older Hydrant',
    })
  }
}

interface CommitFailure extends Error {
  /** lmdb's: rejects with the cause, at the latest in this turn of the event loop. */
  readonly commitError?: Promise<unknown>
  readonly code?: unknown
}

const ENOSPC = 28

/** An error of lmdb becomes BufferUnavailableError; one that the step itself threw stays as it is. */
async function translateError(what: string, path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof Error)) return error
  const failure: CommitFailure = error
  if (failure.commitError === undefined && typeof failure.code !== 'number') return error
  const cause = failure.commitError === undefined ? error : await commitCause(failure.commitError)
  const full = hasCode(cause, ENOSPC)
  return new BufferUnavailableError(`${what}: ${full ? 'the disk is full' : 'the write failed'} in ${path}`, {
    cause: cause ?? error,
    hint: full
      ? 'free space on the disk of buffer.path; the buffer goes on by itself'
      : 'see whether the disk of buffer.path is full, read-only, over its quota or failing',
  })
}

async function commitCause(commitError: Promise<unknown>): Promise<unknown> {
  const nextTurn = new Promise((resolve) => setImmediate(resolve))
  return Promise.race([commitError.catch((cause: unknown) => cause), nextTurn])
}

function hasCode(error: unknown, code: string | number): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

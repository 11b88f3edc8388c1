/**
 * One DuckDB for all deliveries of a process, so that one memory limit holds for all of them. It reads and writes nothing
 * but the staging folder, loads no extensions and cannot be told otherwise by a query.
 */
import { availableParallelism } from 'node:os'
import { DuckDBInstance, version, type DuckDBConnection } from '@duckdb/node-api'
import { EncoderError } from '../../domain/errors.ts'
import { stagingError } from '../staging.ts'
import { quotedText } from './query.ts'

/** DuckDB holds more than its limit (buffers of threads, compression, open row groups): it is told this share of ours. */
const LIMIT_SHARE = 0.8

export class DuckdbEngine {
  readonly version = version()
  readonly #instance: DuckDBInstance
  /** Resolves when nothing that was let in before runs any more. */
  #last: Promise<unknown> = Promise.resolve()
  readonly #running = new Set<Promise<unknown>>()
  readonly #turns = new Queueing()

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance
  }

  /** @param folder the only one that DuckDB may touch */
  static async open(options: {
    readonly folder: string
    readonly threads: number
    readonly memoryLimitBytes: number
  }): Promise<DuckdbEngine> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(Math.max(1, Math.min(options.threads, 4 * availableParallelism()))),
      memory_limit: `${Math.floor(options.memoryLimitBytes * LIMIT_SHARE)}B`,
    })
    const connection = await instance.connect()
    try {
      // The order matters: each of the last two forbids what comes before it.
      for (const setting of [
        `SET temp_directory = ${quotedText(`${options.folder}/spill`)}`,
        `SET allowed_directories = [${quotedText(options.folder)}]`,
        'SET autoload_known_extensions = false',
        'SET autoinstall_known_extensions = false',
        'SET allow_community_extensions = false',
        'SET preserve_insertion_order = true',
        // What is freed goes back to the system soon: some 80 MiB less at the peak, for some 5 % more CPU time.
        `SET allocator_flush_threshold = '32MiB'`,
        `SET allocator_bulk_deallocation_flush_threshold = '32MiB'`,
        'SET write_buffer_row_group_count = 1',
        'SET enable_external_access = false',
        'SET lock_configuration = true',
      ])
        await connection.run(setting)
    } catch (error) {
      instance.closeSync()
      throw error
    } finally {
      connection.closeSync()
    }
    return new DuckdbEngine(instance)
  }

  /** Runs `work` beside others. Rejects with the signal's reason once it aborts, with EncoderError otherwise. */
  async together<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    // Whoever asked to be alone meanwhile is waited for too.
    for (let before; before !== this.#last;) {
      before = this.#last
      await unlessAborted(before, signal)
    }
    const run = this.#session(work, signal)
    const settled = run.then(ignore, ignore)
    this.#running.add(settled)
    void settled.then(() => this.#running.delete(settled))
    return run
  }

  /** Runs `work` when all others have ended, and holds back new ones. */
  async alone<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = Promise.all([this.#last, ...this.#running])
    const run = unlessAborted(before, signal).then(() => this.#session(work, signal))
    this.#last = before.then(() => run).then(ignore, ignore)
    return run
  }

  async #session<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const connection = await this.#instance.connect()
    const interrupt = (): void => connection.interrupt()
    signal.addEventListener('abort', interrupt)
    try {
      return await work(new Session(connection, signal, this.#turns))
    } finally {
      signal.removeEventListener('abort', interrupt)
      connection.closeSync()
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#last, ...this.#running])
    this.#instance.closeSync()
  }
}

const ignore = (): undefined => undefined

/** One after another, in the order of asking. Who gives up while waiting is gone at once. */
class Queueing {
  #last: Promise<unknown> = Promise.resolve()

  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#last
    let leave = ignore as () => void
    const mine = new Promise<void>((resolve) => (leave = resolve))
    this.#last = before.then(() => mine)
    try {
      await unlessAborted(before, signal)
      return await work()
    } finally {
      leave()
    }
  }
}

/** Settles like `wait`, or rejects with the signal's reason as soon as it aborts. */
function unlessAborted<T>(wait: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) {
      abort()
      return
    }
    signal.addEventListener('abort', abort, { once: true })
    void wait.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A connection with its own temporary tables, which end with it. */
export class Session {
  readonly #connection: DuckDBConnection
  readonly #signal: AbortSignal
  readonly #turns: Queueing

  constructor(connection: DuckDBConnection, signal: AbortSignal, turns: Queueing) {
    this.#connection = connection
    this.#signal = signal
    this.#turns = turns
  }

  /**
   * Runs `work` while no other session does so. Two batches in DuckDB at once are no faster, since each uses all threads,
   * and hold twice the memory.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work, this.#signal)
  }

  async run(sql: string): Promise<void> {
    await this.#guarded(() => this.#connection.run(sql))
  }

  /** The numbers of a query's only row. */
  async numbers(sql: string): Promise<readonly number[]> {
    const reader = await this.#guarded(() => this.#connection.runAndReadAll(sql))
    return (reader.getRows()[0] ?? []).map(Number)
  }

  /** Calls `take` with each value of a query's only column, an INTEGER. */
  async integers(sql: string, take: (value: number) => void): Promise<void> {
    await this.#guarded(async () => {
      const result = await this.#connection.stream(sql)
      for (;;) {
        const chunk = await result.fetchChunk()
        if (chunk === null || chunk.rowCount === 0) return
        const values = chunk.getColumnVector(0)
        for (let row = 0; row < chunk.rowCount; row += 1) take(Number(values.getItem(row)))
      }
    })
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      this.#signal.throwIfAborted()
      throw duckdbError(error)
    }
  }
}

/** DuckDB's errors begin with their kind. None of them is ever about one record. */
export function duckdbError(error: unknown): EncoderError {
  if (error instanceof EncoderError) return error
  const text = error instanceof Error ? error.message : String(error)
  if (/^(?:Out of Memory Error|.*failed to (?:allocate|pin|offload))|bad_alloc/i.test(text)) {
    return new EncoderError(`convert: DuckDB ran out of memory: ${firstLine(text)}`, {
      code: 'OutOfMemory',
      hint: 'raise convert.memoryLimit, or lower delivery.concurrency or the stream’s SizeInMBs',
      cause: error,
    })
  }
  if (/No space left on device|Disk quota exceeded|max_temp_directory_size/i.test(text)) {
    return stagingError('convert', new Error(`No space left on device: ${firstLine(text)}`, { cause: error }))
  }
  return new EncoderError(`convert: ${firstLine(text)}`, { code: 'Duckdb' })
}

/** The first line without what it quotes: a message may quote input, and records never reach a log. */
function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/"[^"]*"|'[^']*'/g, '"…"')
}

/** The turns of a process's conversions in its one DuckDB, so that one memory limit holds for all of them. */
import { version, type DuckDBConnection } from '@duckdb/node-api'
import { EncoderError } from '../../domain/errors.ts'
import { stagingError } from '../staging.ts'
import { CagedInstance, type InstanceOptions } from './instance.ts'

export class DuckdbEngine {
  readonly version = version()
  readonly #instance: CagedInstance
  /** Resolves when nothing that was let in before runs any more. */
  #last: Promise<unknown> = Promise.resolve()
  readonly #running = new Set<Promise<unknown>>()
  readonly #turns = new Queueing()

  private constructor(instance: CagedInstance) {
    this.#instance = instance
  }

  static async open(options: InstanceOptions): Promise<DuckdbEngine> {
    return new DuckdbEngine(await CagedInstance.open(options))
  }

  /**
   * Runs `work` beside others. Rejects with the signal's reason once it aborts, with EncoderError otherwise.
   *
   * @param bytes of the records to be converted
   */
  async together<T>(work: (session: Session) => Promise<T>, bytes: number, signal: AbortSignal): Promise<T> {
    // Whoever asked to be alone meanwhile is waited for too.
    for (let before; before !== this.#last;) {
      before = this.#last
      await unlessAborted(before, signal)
    }
    const run = this.#session(work, bytes, signal)
    const settled = run.then(ignore, ignore)
    this.#running.add(settled)
    void settled.then(() => this.#running.delete(settled))
    return run
  }

  /** Runs `work` when all others have ended, and holds back new ones. */
  async alone<T>(work: (session: Session) => Promise<T>, bytes: number, signal: AbortSignal): Promise<T> {
    const before = Promise.all([this.#last, ...this.#running])
    const run = unlessAborted(before, signal).then(() => this.#session(work, bytes, signal))
    this.#last = before.then(() => run).then(ignore, ignore)
    return run
  }

  async #session<T>(work: (session: Session) => Promise<T>, bytes: number, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const session = new Session(this.#instance, this.#turns, bytes, signal)
    try {
      return await work(session)
    } finally {
      session.end()
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#last, ...this.#running])
    await this.#instance.close()
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

/** A connection, made for the first query, with its own temporary tables, which end with it. */
export class Session {
  readonly #instance: CagedInstance
  readonly #turns: Queueing
  /** Of the records that the next connection is for. */
  #bytes: number
  readonly #signal: AbortSignal
  #connection: DuckDBConnection | undefined
  readonly #interrupt = (): void => this.#connection?.interrupt()

  constructor(instance: CagedInstance, turns: Queueing, bytes: number, signal: AbortSignal) {
    this.#instance = instance
    this.#turns = turns
    this.#bytes = bytes
    this.#signal = signal
  }

  /**
   * Runs `work`, all that this session has to do in DuckDB, while no other session does so. Two batches there at once are
   * no faster, since each uses all threads, and hold twice the memory.
   *
   * @param bytes of the records that it has to do with
   */
  inTurn<T>(work: () => Promise<T>, bytes = this.#bytes): Promise<T> {
    return this.#turns.take(async () => {
      try {
        this.#bytes = bytes
        return await work()
      } finally {
        this.end()
      }
    }, this.#signal)
  }

  /** Gives the connection back; the next query gets another. May be called again. */
  end(): void {
    this.#signal.removeEventListener('abort', this.#interrupt)
    if (this.#connection !== undefined) this.#instance.giveBack(this.#connection)
    this.#connection = undefined
  }

  async run(sql: string): Promise<void> {
    await this.#guarded((connection) => connection.run(sql))
  }

  /** The numbers of a query's only row. */
  async numbers(sql: string): Promise<readonly number[]> {
    const reader = await this.#guarded((connection) => connection.runAndReadAll(sql))
    return (reader.getRows()[0] ?? []).map(Number)
  }

  /** Calls `take` with each value of a query's only column, an INTEGER. */
  async integers(sql: string, take: (value: number) => void): Promise<void> {
    await this.#guarded(async (connection) => {
      const result = await connection.stream(sql)
      for (;;) {
        const chunk = await result.fetchChunk()
        if (chunk === null || chunk.rowCount === 0) return
        const values = chunk.getColumnVector(0)
        // Asked once: the chunk has to ask DuckDB each time.
        const rows = values.itemCount
        for (let row = 0; row < rows; row += 1) take(Number(values.getItem(row)))
      }
    })
  }

  async #borrow(): Promise<DuckDBConnection> {
    this.#signal.addEventListener('abort', this.#interrupt)
    return this.#instance.borrow(this.#bytes)
  }

  async #guarded<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted()
    try {
      this.#connection ??= await this.#borrow()
      // While there was no connection, an abort had nothing to interrupt.
      this.#signal.throwIfAborted()
      const answer = await work(this.#connection)
      // A query that was done before it could be interrupted.
      this.#signal.throwIfAborted()
      return answer
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
  return (text.split('\n', 1)[0] ?? '')
    .replace(/(JSON transform error .*?, in line \d+):.*/, '$1')
    .replace(/"[^"]*"|'[^']*'/g, '"…"')
}

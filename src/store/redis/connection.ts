/**
 * One connection to Redis, with what our promises need around ioredis:
 *
 * - Every call has a time-out of its own; after it the outcome is unknown and the call rejects with BufferUnavailableError.
 * - A call whose answer was lost with the connection is sent again when the next connection is ready, if it still has
 *   time. Every mutation is idempotent, so this is safe, and it spares the producer a 503 and so a duplicate. ioredis'
 *   own resending is off: it would also send commands that have timed out, and keep their frames in memory until then.
 * - Nothing queues while Redis is away: a call made then is refused at once. So memory is bounded by what was in flight.
 * - A connection that is silent for the time-out while commands wait is torn down.
 */
import { Redis } from 'ioredis'
import type { Log } from '../../account/log.ts'
import { classify, startError, translate, unavailable } from './failure.ts'
import type { Script } from './scripts.ts'

export interface ConnectionOptions {
  readonly url: string
  /** Shown by CLIENT LIST. */
  readonly name: string
  readonly timeoutMs: number
  readonly log: Log
}

export type Argument = string | number | Buffer

interface Call {
  readonly send: () => void
  readonly reject: (error: Error) => void
}

const RECONNECT_MS_MAX = 1000
const QUIT_MS_MAX = 1000

export class Connection {
  readonly #client: Redis
  readonly #options: ConnectionOptions
  readonly #calls = new Set<Call>()
  #established = 0
  #closed = false
  #lastError: unknown

  private constructor(options: ConnectionOptions) {
    this.#options = options
    this.#client = new Redis(options.url, {
      lazyConnect: true,
      connectionName: options.name,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: null,
      connectTimeout: options.timeoutMs,
      socketTimeout: options.timeoutMs,
      retryStrategy: (attempt) => Math.min(20 * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX),
      reconnectOnError: (error) => classify(error) === 'READONLY',
    })
    this.#client.on('error', (error: unknown) => {
      this.#lastError = error
    })
    this.#client.on('ready', () => this.#onReady())
    this.#client.on('close', () => this.#onClose())
  }

  /** Rejects with StartError when Redis cannot be reached. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    try {
      await connection.#client.connect()
      return connection
    } catch (error) {
      connection.#closed = true
      connection.#client.disconnect()
      throw startError(connection.#lastError ?? error, `connect to redis at ${connection.address}`)
    }
  }

  /** Host and port, or the socket's path; never the password. */
  get address(): string {
    const { path, host, port } = this.#client.options
    return path ?? `${host}:${port}`
  }

  /** Counts the connections made so far: two calls that saw the same number went to the same server. */
  get established(): number {
    return this.#established
  }

  /** Runs a script by its hash, and by its text where Redis does not know it (restarted, or flushed). */
  script(
    doing: string,
    script: Script,
    keys: readonly string[],
    argv: readonly Argument[],
    timeoutMs?: number,
  ): Promise<unknown> {
    const rest = [keys.length, ...keys, ...argv]
    const send = async (client: Redis): Promise<unknown> => {
      try {
        return await client.call('EVALSHA', [script.sha, ...rest])
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return await client.call('EVAL', [script.lua, ...rest])
      }
    }
    return this.call(doing, send, timeoutMs === undefined ? {} : { timeoutMs })
  }

  /**
   * @param doing opens the message of an error: `append to orders`
   * @param send may run more than once, so it must be idempotent
   */
  call<T>(
    doing: string,
    send: (client: Redis) => Promise<T>,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const { timeoutMs = this.#options.timeoutMs, signal } = options
    if (signal?.aborted === true) return Promise.reject(abortReason(signal))
    if (this.#client.status !== 'ready') {
      return Promise.reject(unavailable('CONNECTION', doing, this.#lastError))
    }
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => signal && call.reject(abortReason(signal))
      const finish = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#calls.delete(call)
      }
      const call: Call = {
        reject: (error) => {
          finish()
          reject(error)
        },
        send: () => {
          send(this.#client).then(
            (answer) => {
              finish()
              resolve(answer)
            },
            (error: unknown) => {
              // Lost with its connection: it waits in #calls for the next one, or for its time-out.
              if (classify(error) !== 'CONNECTION') call.reject(translate(error, doing))
            },
          )
        },
      }
      const timer = setTimeout(() => call.reject(unavailable('TIMEOUT', doing, this.#lastError)), timeoutMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#calls.add(call)
      call.send()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, QUIT_MS_MAX)
    })
    if (this.#client.status === 'ready') {
      // QUIT is answered after the commands before it; a connection that breaks meanwhile is closed as well.
      await Promise.race([this.#client.quit().then(ignore, ignore), patience])
    }
    clearTimeout(timer)
    this.#client.disconnect()
    for (const call of this.#calls) call.reject(unavailable('CONNECTION', 'close store'))
  }

  #onReady(): void {
    this.#established += 1
    this.#lastError = undefined
    if (this.#established > 1) {
      this.#options.log.info(
        { redis: this.address, connection: this.#options.name },
        'redis connection restored',
      )
    }
    for (const call of this.#calls) call.send()
  }

  #onClose(): void {
    if (this.#closed || this.#established === 0) return
    const fields = { redis: this.address, connection: this.#options.name, waitingCalls: this.#calls.size }
    // Each failed attempt to reconnect closes too; one line a loss is enough.
    if (this.#lossLogged === this.#established) return
    this.#lossLogged = this.#established
    this.#options.log.warn({ ...fields, err: this.#lastError }, 'redis connection lost')
  }

  #lossLogged = 0
}

function ignore(): void {}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason })
}

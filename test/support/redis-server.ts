/**
 * A real redis-server of its own for a test, in a temporary folder, on a Unix socket and on a free TCP port. The test may
 * kill it and start it again on the same folder.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface RedisServerOptions {
  /** Default true. */
  readonly appendonly?: boolean
  /** Default `everysec`. */
  readonly appendfsync?: 'always' | 'everysec' | 'no'
  /** Bytes; default 0, no limit. */
  readonly maxmemory?: number
  /** Further lines of redis.conf as name and value. */
  readonly config?: Readonly<Record<string, string>>
}

const READY_WITHIN_MS = 20_000
const READY_LINE = 'ready to accept connections at'

// None outlives the process of its test.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Fails with a sentence that says what to install where there is no redis-server. */
export function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  return RedisServer.start(options)
}

export class RedisServer {
  readonly folder: string
  readonly port: number
  readonly socketPath: string
  readonly #options: RedisServerOptions
  #process: ChildProcess | undefined

  private constructor(options: RedisServerOptions, folder: string, port: number) {
    this.#options = options
    this.folder = folder
    this.port = port
    this.socketPath = join(folder, 'redis.sock')
  }

  static async start(options: RedisServerOptions): Promise<RedisServer> {
    const server = new RedisServer(options, mkdtempSync(join(tmpdir(), 'hydrant-redis-')), await freePort())
    await server.restart()
    return server
  }

  /** Over TCP, as a deployment would. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('redis-server: it is not running')
    return pid
  }

  /** Starts it on its folder, after `kill` or `stop`; resolves when it has loaded its data. */
  async restart(): Promise<void> {
    if (this.#process !== undefined) throw new Error('redis-server: it is already running')
    const child = spawn(redisBinary(), this.#arguments(), { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    running.add(child)
    child.once('exit', () => {
      running.delete(child)
      this.#process = undefined
    })
    await ready(child)
  }

  /** As a crash of its process: kill -9. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** Ends it for good and removes the folder. */
  async stop(): Promise<void> {
    // Asked politely, a Redis that is writing its first append-only file refuses to end.
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #arguments(): string[] {
    const { appendonly = true, appendfsync = 'everysec', maxmemory = 0, config = {} } = this.#options
    const settings: Record<string, string> = {
      port: String(this.port),
      bind: '127.0.0.1',
      unixsocket: this.socketPath,
      dir: this.folder,
      save: '',
      appendonly: appendonly ? 'yes' : 'no',
      appendfsync,
      maxmemory: String(maxmemory),
      'repl-diskless-sync-delay': '0',
      ...config,
    }
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  }
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS)
    const onExit = (): void => {
      clearTimeout(timer)
      reject(new Error(`redis-server: it did not start:\n${output}`))
    }
    child.once('exit', onExit)
    // Read to the end: a full pipe would stop Redis at its next line.
    child.stdout?.on('data', (chunk: Buffer) => {
      // Its Unix socket is announced after its port.
      if (output.includes(READY_LINE)) return
      output += chunk.toString('utf8')
      if (!output.includes(READY_LINE)) return
      clearTimeout(timer)
      child.off('exit', onExit)
      resolve()
    })
  })
}

function redisBinary(): string {
  const named = process.env['REDIS_SERVER']
  if (named !== undefined) return named
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of ['redis-server', 'valkey-server']) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        continue
      }
    }
  }
  throw new Error(
    'redis-server: not found in PATH; install it (apt-get install redis-server) or name it in REDIS_SERVER',
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free TCP port')
  return address.port
}

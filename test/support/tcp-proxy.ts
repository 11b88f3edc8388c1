/** A TCP proxy that fails as networks do: it loses one answer, swallows everything, delays, or resets. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
}

interface DroppedAnswer {
  /** The answer to the first request that holds this is the one that is lost. */
  readonly to: string
  readonly dropped: () => void
}

export class TcpProxy {
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #pairs = new Set<Pair>()
  #drop: DroppedAnswer | undefined
  #blackHole = false
  #latencyMs = 0

  private constructor(port: number, host: string) {
    this.#target = { host, port }
    this.#server = createServer((client) => this.#accept(client))
  }

  static async start(port: number, host = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy(port, host)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('tcp proxy: it is not listening')
    return address.port
  }

  get connections(): number {
    return this.#pairs.size
  }

  /**
   * Loses exactly one answer and cuts that connection: the answer to the next request that holds `to` (any request by
   * default). The target has carried the request out by then. Resolves when it is lost.
   */
  dropAnswer(to = ''): Promise<void> {
    return new Promise((dropped) => {
      this.#drop = { to, dropped }
    })
  }

  /** Swallows everything in both directions, on old and new connections, until `pass`. */
  blackHole(): void {
    this.#blackHole = true
  }

  /** Delays what the target answers. */
  delay(ms: number): void {
    this.#latencyMs = ms
  }

  /** Ends black hole and delay. What was swallowed stays lost, so connections that lost something are cut. */
  pass(): void {
    if (this.#blackHole) this.reset()
    this.#blackHole = false
    this.#latencyMs = 0
  }

  /** Cuts every connection with a reset. */
  reset(): void {
    for (const pair of this.#pairs) cut(pair)
  }

  async close(): Promise<void> {
    this.reset()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    const upstream = connect(this.#target)
    const pair: Pair = { client, upstream }
    this.#pairs.add(pair)
    let tail = ''
    let armed: DroppedAnswer | undefined
    client.on('data', (chunk) => {
      if (this.#blackHole) return
      const waiting = this.#drop
      if (waiting !== undefined) {
        const seen = tail + chunk.toString('latin1')
        if (seen.includes(waiting.to)) {
          armed = waiting
          this.#drop = undefined
        }
        tail = seen.slice(-Math.max(1, waiting.to.length))
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (this.#blackHole) return
      if (armed !== undefined) {
        cut(pair)
        armed.dropped()
        armed = undefined
        return
      }
      if (this.#latencyMs === 0) client.write(chunk)
      else setTimeout(() => client.writable && client.write(chunk), this.#latencyMs)
    })
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      // A reset shows as an error before the close that is acted on.
      socket.on('error', end)
      socket.on('close', end)
    }
  }
}

function cut({ client, upstream }: Pair): void {
  client.resetAndDestroy()
  upstream.destroy()
}

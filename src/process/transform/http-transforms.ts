/**
 * Transforms by HTTP: the event of a Lambda function by POST, its answer in the body of a 2xx. No redirect is followed and no
 * proxy asked, so that the URL of the delivery stream says where records go.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isInnerHost, isUrlWithin } from '../../domain/inner-address.ts'
import { bounded } from './bounded-bytes.ts'
import type { CallResult } from './codes.ts'
import { guardedLookup, RefusedAddressError, type Resolve } from './guarded-lookup.ts'
import { httpFailure, statusFailure } from './http-errors.ts'

export interface HttpSettings {
  /** Beginnings of URLs that may be on addresses which are not public. */
  readonly allowedUrls: readonly string[]
  /** Default: the system's. */
  readonly resolve?: Resolve
}

const SOCKETS_MAX = 256
/** Sooner than most servers close an idle connection. */
const IDLE_MS = 4_000

export class HttpTransforms {
  readonly #settings: HttpSettings
  /** A connection to an allowed address must not serve a URL that is not allowed, so each kind has its own. */
  readonly #open = agents({})
  readonly #guarded

  constructor(settings: HttpSettings) {
    this.#settings = settings
    this.#guarded = agents({ lookup: guardedLookup(settings.resolve) })
  }

  /** The answer, or why there is none. Rejects when `signal` aborts. */
  async post(address: string, event: Uint8Array, signal: AbortSignal): Promise<CallResult> {
    const url = new URL(address)
    try {
      const response = await this.#sendAnew(url, event, signal)
      const { statusCode = 0 } = response
      if (statusCode < 200 || statusCode > 299) {
        response.destroy()
        return statusFailure(url, statusCode)
      }
      const chunks: Buffer[] = []
      for await (const chunk of bounded(response)) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    } catch (cause) {
      signal.throwIfAborted()
      return httpFailure(url, cause)
    }
  }

  close(): void {
    for (const { kept, fresh } of [this.#open, this.#guarded])
      for (const { http, https } of [kept, fresh]) for (const agent of [http, https]) agent.destroy()
  }

  /** A connection that the server closed while it was idle says nothing of the transform: the event is sent by a new one. */
  async #sendAnew(url: URL, event: Uint8Array, signal: AbortSignal): Promise<IncomingMessage> {
    const isAllowed = isUrlWithin(url.href, this.#settings.allowedUrls)
    if (!isAllowed && isInnerHost(url.hostname)) throw new RefusedAddressError(url.hostname)
    const { kept, fresh } = isAllowed ? this.#open : this.#guarded
    try {
      return await this.#send(url, event, signal, kept)
    } catch (error) {
      if (!(error instanceof ClosedConnectionError)) throw error
      return this.#send(url, event, signal, fresh)
    }
  }

  #send(
    url: URL,
    event: Uint8Array,
    signal: AbortSignal,
    { http, https }: AgentPair,
  ): Promise<IncomingMessage> {
    const options = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': event.length,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'hydrant',
      },
      signal,
    }
    return new Promise((resolve, reject) => {
      const sent =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...options, agent: https })
          : httpRequest(url, { ...options, agent: http })
      let readBefore = 0
      sent.on('socket', (socket) => (readBefore = socket.bytesRead))
      sent.on('response', resolve)
      sent.on('error', (cause: NodeJS.ErrnoException) => {
        const isClosed = cause.code === 'ECONNRESET' || cause.code === 'EPIPE'
        const isUnanswered = sent.socket?.bytesRead === readBefore
        reject(sent.reusedSocket && isClosed && isUnanswered ? new ClosedConnectionError(cause) : cause)
      })
      sent.end(event)
    })
  }
}

/** A connection that had served another call was closed before a byte of the answer. */
class ClosedConnectionError extends Error {
  override readonly name = 'ClosedConnectionError'
  constructor(cause: Error) {
    super('send event: its connection was closed', { cause })
  }
}

interface AgentPair {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

interface Agents {
  /** Their connections serve one call after another. */
  readonly kept: AgentPair
  readonly fresh: AgentPair
}

function agents(options: { readonly lookup?: ReturnType<typeof guardedLookup> }): Agents {
  const pair = (keepAlive: boolean): AgentPair => {
    const shared = { keepAlive, maxSockets: SOCKETS_MAX, timeout: IDLE_MS, ...options }
    return { http: new HttpAgent(shared), https: new HttpsAgent(shared) }
  }
  return { kept: pair(true), fresh: pair(false) }
}

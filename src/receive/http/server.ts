/** The API's HTTP server: bounds on connections, time and memory, and a stop that finishes what has begun. */
import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Metrics } from '../../account/metrics.ts'
import { StartError } from '../../domain/errors.ts'
import type { Api } from './api.ts'
import { BodyBudget } from './body.ts'
import { answerDefect, answerRequest, answerUnknown, CONTENT_TYPE, type Front } from './protocol.ts'

const CONNECTIONS_MAX = 10_000
const HEADERS_TIMEOUT_MS = 10_000
const BODY_TIMEOUT_MS = 60_000
/** Longer than the clients' and load balancers' own, so that they close idle connections and never meet a closed one. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
/** A client that neither sends nor reads. */
const IDLE_TIMEOUT_MS = 120_000
const STOP_MAX_MS = 10_000

export interface ApiServerOptions extends Omit<Api, 'background'> {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  /** All request bodies in memory together. */
  readonly maxInFlightBytes: number
  readonly metrics: Metrics
  /** Without it `start` refuses a host that is not loopback, because anybody who reaches it may write. */
  readonly allowBeyondLoopback: boolean
  /** A request that has not come whole after so long is cut off. */
  readonly bodyTimeoutMs?: number
}

export interface ApiServer {
  /** @throws StartError when the host is refused or the port is taken */
  start(): Promise<{ readonly port: number }>
  /** Stops accepting, finishes the requests in flight within a bound, closes every connection. */
  stop(): Promise<void>
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const backgroundWork = new Set<Promise<void>>()
  const budget = new BodyBudget(options.maxInFlightBytes)
  let stopping = false
  const background = (work: Promise<void>): void => {
    backgroundWork.add(work)
    void work.finally(() => backgroundWork.delete(work))
  }
  const front: Front = {
    api: { ...options, background },
    budget,
    metrics: options.metrics,
    isStopping: () => stopping,
  }
  const server = createBoundedServer(createListener(front), options.bodyTimeoutMs ?? BODY_TIMEOUT_MS)
  const silent = trackSilent(server)
  options.metrics.onCollect(async () => options.metrics.set('hydrant_in_flight_bytes', {}, budget.bytes))

  return {
    async start() {
      const { port } = options
      // Node takes an IPv6 address without the brackets that a URL has.
      const host = options.host.replaceAll(/^\[|\]$/g, '')
      if (!options.allowBeyondLoopback && !isLoopback(host))
        throw new StartError(`listen on ${host}: refused, because requests are not authenticated`, {
          hint: 'bind server.host to 127.0.0.1, or write auth.mode: none to let anybody who reaches this host in',
        })
      return { port: await listen(server, host, port) }
    },
    async stop() {
      stopping = true
      await close(server, silent)
      await Promise.all(backgroundWork)
    },
  }
}

/**
 * Operations are answered before Express sees the request: its change of the prototypes of request and response alone
 * makes a PutRecord cost three times as much (measured: 115 against 35 microseconds of CPU). Express serves the rest.
 */
function createListener(front: Front): RequestListener {
  const app = createApp(front)
  return (request, response) => {
    if (request.method !== 'POST' || request.url !== '/') app(request, response)
    else
      answerRequest(request, response, front).catch((error: unknown) =>
        answerDefect(error, request, response, front),
      )
  }
}

function createApp(front: Front): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.post('/', (request, response) => answerRequest(request, response, front))
  app.use((request, response) => answerUnknown(request, response, front))
  // Express's own answer would show a stack.
  const defect: ErrorRequestHandler = (err: unknown, request, response, _next) =>
    answerDefect(err, request, response, front)
  app.use(defect)
  return app
}

function createBoundedServer(listener: RequestListener, bodyTimeoutMs: number): Server {
  const server = createServer(
    {
      requestTimeout: bodyTimeoutMs,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, bodyTimeoutMs),
      connectionsCheckingInterval: Math.min(5_000, bodyTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    listener,
  )
  server.maxConnections = CONNECTIONS_MAX
  server.setTimeout(IDLE_TIMEOUT_MS)
  server.on('clientError', (error, socket) => answerMalformed(error, socket as Socket))
  return server
}

/** What is not HTTP, or did not come in time, is answered like everything else and cut off. */
function answerMalformed(error: Error, socket: Socket): void {
  const code: unknown = Reflect.get(error, 'code')
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  const body = JSON.stringify({ __type: 'SerializationException', message: STATUS_CODES[status] })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${CONTENT_TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new StartError(`listen on ${host}:${port}: ${cause.message}`, {
          cause,
          hint:
            Reflect.get(cause, 'code') === 'EADDRINUSE'
              ? 'choose another server.port or --port (0 takes any free one), or stop what listens there'
              : 'set server.host to an address of this machine and server.port to a port that this user may open',
        }),
      ),
    )
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** Connections that have not sent a request yet, which the server does not count as idle. */
function trackSilent(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>()
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }) => silent.delete(socket))
  return silent
}

function close(server: Server, silent: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), STOP_MAX_MS)
    // It answers with an error when it never listened, which is as closed as can be.
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
    for (const socket of silent) socket.destroy()
  })
}

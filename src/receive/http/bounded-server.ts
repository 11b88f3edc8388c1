/** The HTTP or HTTPS server under the API: its bounds on connections and time, what it answers to what is no HTTP, its end. */
import { randomUUID } from 'node:crypto'
import { createServer, STATUS_CODES, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { StartError } from '../../domain/errors.ts'
import { CONTENT_TYPE } from './protocol.ts'

const CONNECTIONS_MAX = 10_000
const HEADERS_TIMEOUT_MS = 10_000
/** Longer than the clients' and load balancers' own, so that they close idle connections and never meet a closed one. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
/** A client that neither sends nor reads. */
const IDLE_TIMEOUT_MS = 120_000
const STOP_MAX_MS = 10_000
/** While it stops: connections whose refused body has passed by now are idle only since then. */
const STOP_LOOK_EVERY_MS = 100

/** A certificate with its chain, and its private key, in PEM. */
export interface CertifiedKey {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface BoundedServer {
  /** @throws StartError when the port cannot be had */
  listen(host: string, port: number): Promise<number>
  /** For connections from now on. @throws when it is no certificate with its key; the one before stays good then */
  certify(certified: CertifiedKey): void
  /** Stops accepting, lets requests in flight finish within a bound, closes every connection. */
  close(): Promise<void>
}

export interface BoundedServerOptions {
  readonly listener: RequestListener
  /** A request that has not come whole after so long is cut off. */
  readonly bodyTimeoutMs: number
  /** Left out, plain HTTP. */
  readonly certified: CertifiedKey | undefined
}

export function createBoundedServer(options: BoundedServerOptions): BoundedServer {
  const server = createBareServer(options)
  const silent = trackSilent(server)
  server.maxConnections = CONNECTIONS_MAX
  server.setTimeout(IDLE_TIMEOUT_MS)
  server.on('clientError', (error, socket) => answerMalformed(error, socket as Socket))
  // Whoever waits to be asked for a body is asked by the protocol, once the headers are found good.
  server.on('checkContinue', options.listener)
  server.on('checkExpectation', options.listener)
  return {
    listen: (host, port) => listen(server, host, port),
    certify(certified) {
      checkCertifiedKey(certified)
      if (server instanceof TlsServer) server.setSecureContext(certified)
    },
    close: () => close(server, silent),
  }
}

/** @throws when the key is not the certificate's */
export function checkCertifiedKey({ cert, key }: CertifiedKey): void {
  createSecureContext({ cert, key })
}

function createBareServer({ listener, bodyTimeoutMs, certified }: BoundedServerOptions): Server | TlsServer {
  const bounds: ServerOptions = {
    requestTimeout: bodyTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, bodyTimeoutMs),
    connectionsCheckingInterval: Math.min(5_000, bodyTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // Node would answer without a body.
    requireHostHeader: false,
  }
  if (certified === undefined) return createServer(bounds, listener)
  return createTlsServer({ ...bounds, ...certified, handshakeTimeout: HEADERS_TIMEOUT_MS }, listener)
}

/** What is not HTTP, or did not come in time, is answered like everything else and cut off. */
function answerMalformed(error: Error, socket: Socket): void {
  const code: unknown = Reflect.get(error, 'code')
  if (code === 'ECONNRESET' || !socket.writable || isHandshakeFailure(code)) {
    socket.destroy()
    return
  }
  const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  const body = JSON.stringify({ __type: 'SerializationException', message: STATUS_CODES[status] })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `x-amzn-RequestId: ${randomUUID()}`,
    `Content-Type: ${CONTENT_TYPE}`,
    `Content-Length: ${body.length}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

/** There is no way yet to say anything. */
function isHandshakeFailure(code: unknown): boolean {
  return typeof code === 'string' && /^ERR_(SSL|TLS)/.test(code)
}

function listen(server: Server | TlsServer, host: string, port: number): Promise<number> {
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
interface Silent {
  destroy(): void
}

function trackSilent(server: Server | TlsServer): Silent {
  const silent = new Set<Socket>()
  /** By peer: a connection that becomes a secure one is another object then. */
  const handshaking = new Map<string, Socket>()
  const listenTo = (socket: Socket): void => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  }
  if (server instanceof TlsServer) {
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket)
      handshaking.set(peer, socket)
      socket.once('close', () => {
        if (handshaking.get(peer) === socket) handshaking.delete(peer)
      })
    })
    server.on('secureConnection', (socket) => {
      handshaking.delete(peerOf(socket))
      listenTo(socket)
    })
  } else server.on('connection', listenTo)
  server.on('request', ({ socket }) => silent.delete(socket))
  return {
    destroy() {
      for (const socket of [...silent, ...handshaking.values()]) socket.destroy()
    },
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function close(server: Server | TlsServer, silent: Silent): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), STOP_MAX_MS)
    const look = setInterval(() => server.closeIdleConnections(), STOP_LOOK_EVERY_MS)
    // It answers with an error when it never listened, which is as closed as can be.
    server.close(() => {
      clearTimeout(cut)
      clearInterval(look)
      resolve()
    })
    server.closeIdleConnections()
    silent.destroy()
  })
}

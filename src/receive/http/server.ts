/** The API's server: what goes to the protocol, bounds on memory, and a stop that finishes what has begun. */
import type { RequestListener } from 'node:http'
import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Metrics } from '../../account/metrics.ts'
import { StartError } from '../../domain/errors.ts'
import type { Api } from './api.ts'
import { authenticateNobody, type Authenticate } from './auth/authenticate.ts'
import { BodyBudget } from './body.ts'
import { createBoundedServer, type CertifiedKey } from './bounded-server.ts'
import { answerBroken, answerDefect, answerRequest, answerUnknown, type Front } from './protocol.ts'

/** A request has so long to come whole. */
const BODY_TIMEOUT_MS = 60_000

export interface ApiServerOptions extends Omit<Api, 'background'> {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  /** All request bodies in memory together. */
  readonly maxInFlightBytes: number
  readonly metrics: Metrics
  /** Without it `start` refuses a host that is not loopback, because anybody who reaches it may write. */
  readonly allowBeyondLoopback: boolean
  /** Left out, nobody is asked for credentials. */
  readonly authenticate?: Authenticate | undefined
  /** Left out, plain HTTP. */
  readonly certified?: CertifiedKey | undefined
  /** A request that has not come whole after so long is cut off. */
  readonly bodyTimeoutMs?: number
}

export interface ApiServer {
  /** @throws StartError when the host is refused or the port is taken */
  start(): Promise<{ readonly port: number }>
  /** For connections from now on. @throws when it is no certificate with its key; the one before stays good then */
  certify(certified: CertifiedKey): void
  /** Requests from now on are answered by these. */
  change(settings: Pick<Api, 'limits' | 'extensions'>): void
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
  let api: Api = { ...options, background }
  const front: Front = {
    get api() {
      return api
    },
    budget,
    metrics: options.metrics,
    authenticate: options.authenticate ?? authenticateNobody,
    isStopping: () => stopping,
  }
  const server = createBoundedServer({
    listener: createListener(front),
    bodyTimeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
    certified: options.certified,
  })
  options.metrics.onCollect(async () => options.metrics.set('hydrant_in_flight_bytes', {}, budget.bytes))

  return {
    async start() {
      const { port } = options
      // Node takes an IPv6 address without the brackets that a URL has.
      const host = options.host.replaceAll(/^\[|\]$/g, '')
      if (!options.allowBeyondLoopback && !isLoopback(host))
        throw new StartError(`listen on ${host}: refused, because requests are not authenticated`, {
          hint: 'bind server.host to 127.0.0.1, or write auth: credentials of those who may call, or mode: none to let anybody in',
        })
      return { port: await server.listen(host, port) }
    },
    certify: (certified) => server.certify(certified),
    change({ limits, extensions }) {
      api = { ...api, limits, extensions }
    },
    async stop() {
      stopping = true
      await server.close()
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
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      answerBroken(request, response, front)
    else if (request.method !== 'POST' || request.url !== '/') app(request, response)
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

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

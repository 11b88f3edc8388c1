/**
 * The operators' endpoints: GET /metrics (Prometheus text), /healthz (the process is alive), /readyz (it can serve now),
 * where a record went, how far shards are read, and the way out of quarantine. It listens on a port of its own, so that none of it is reachable where clients are.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Health } from '../account/health.ts'
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import { StartError } from '../domain/errors.ts'
import { quarantineRoutes } from './quarantine.ts'
import { recordRoutes } from './records.ts'
import { shardRoutes } from './shards.ts'
import type { OperatorPorts, PortsNow } from './store-route.ts'

export interface AdminServerOptions {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  readonly metrics: Metrics
  readonly health: Health
  readonly log: Log
}

export interface AdminServer {
  /** Answers where it listens. Rejects with StartError when it cannot. */
  start(): Promise<{ readonly host: string; readonly port: number }>
  /** Lets operators at the store. Until then, while it is being opened, they are told to wait. */
  openStore(ports: OperatorPorts): void
  /** Closes every connection. */
  stop(): Promise<void>
}

export function createAdminServer(options: AdminServerOptions): AdminServer {
  let operator: OperatorPorts | undefined
  const server = createServer(createEndpoints(options, () => operator))
  return {
    start() {
      options.metrics.includeProcess()
      return listen(server, options)
    },
    openStore(ports) {
      operator = ports
    },
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const ENDPOINTS =
  'GET /metrics, GET /healthz, GET /readyz, GET /records/<record id>, GET /shards, GET /quarantine and POST /quarantine/<delivery stream>/<batch id>/release'

function createEndpoints({ metrics, health, log }: AdminServerOptions, operator: PortsNow): Express {
  const endpoints = express()
  endpoints.disable('x-powered-by')
  endpoints.disable('etag')
  endpoints.use((_request, response, next) => {
    response.set('cache-control', 'no-store')
    next()
  })
  endpoints.get('/metrics', async (_request, response) => {
    const exposition = await metrics.exposition()
    response.set('content-type', metrics.contentType).send(exposition)
  })
  endpoints.get('/healthz', (_request, response) => {
    response.json({ status: 'alive', state: health.state })
  })
  endpoints.get('/readyz', async (_request, response) => {
    const { ready, state, reasons } = await health.readiness()
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', state, reasons })
  })
  endpoints.use(recordRoutes(operator, log))
  endpoints.use(shardRoutes(operator, log))
  endpoints.use(quarantineRoutes(operator, log))
  endpoints.use((_request, response) => {
    response.status(404).json({ error: `there are ${ENDPOINTS}` })
  })
  const onError: ErrorRequestHandler = (err: unknown, request, response, next) => {
    if (err instanceof URIError) {
      response.status(400).json({ error: 'the path holds a % that is no escape' })
      return
    }
    log.error({ err, path: request.path }, 'admin request failed')
    if (response.headersSent) next(err)
    else response.status(500).json({ error: 'the answer could not be made; the log says why' })
  }
  endpoints.use(onError)
  return endpoints
}

async function listen(
  server: Server,
  { host, port }: AdminServerOptions,
): Promise<{ host: string; port: number }> {
  server.listen({ host: host.replaceAll(/^\[|\]$/g, ''), port })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw refusal(error, host, port)
  }
  const { port: taken } = server.address() as AddressInfo
  return { host, port: taken }
}

function refusal(error: unknown, host: string, port: number): StartError {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  const hint =
    code === 'EADDRINUSE'
      ? 'another process has it; stop that one, or choose another with --admin-port or admin.port (0 takes any free one)'
      : 'set admin.host to an address of this machine and admin.port to a port that this user may open'
  const happened = error instanceof Error ? error.message : String(error)
  return new StartError(`listen on admin port ${host}:${port}: ${happened}`, { cause: error, hint })
}

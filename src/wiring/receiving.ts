/** Where records come in by HTTP. */
import { unsupportedColumns } from '../convert/served-columns.ts'
import type { Accept } from '../domain/ports.ts'
import { queryProblem } from '../process/jq/query-problem.ts'
import { createAccept, type FrontDoor } from '../receive/accept.ts'
import { createApiServer } from '../receive/http/server.ts'
import { createStreamDirectory } from '../receive/stream-directory.ts'
import type { Config } from '../config/schema.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import { openAuthentication } from './authentication.ts'
import { asksGlue } from './catalog.ts'
import { keepCertified, readCertifiedKey } from './certificate.ts'
import { deploymentRules } from './deployment-rules.ts'
import type { Parts } from './parts.ts'

/** The front door, which both roles that take records share. A stop waits until what it has taken is durable. */
export function openFrontDoor({ store, dispatchSealed, metrics, log, epoch, onStop }: Parts): FrontDoor {
  const door = createAccept({ buffer: store.buffer, dispatch: dispatchSealed, clock, metrics, log, epoch })
  onStop(door.drain)
  return door
}

export interface Receiving {
  readonly host: string
  readonly port: number
  /** Served by HTTPS. */
  readonly isSecure: boolean
  /** Takes from a configuration read again who may call, the limits and the extensions. Where it listens, and how callers prove who they are, stays. */
  reload(config: Config): void
}

/** The api role. */
export async function startReceiving(parts: Parts, accept: Accept): Promise<Receiving> {
  const { config, inForce, store, resolveColumns, metrics, log, onStop } = parts
  const { tls } = config.server
  const authentication = await openAuthentication({ config, clock, log, onStop })
  const server = createApiServer({
    ...config.server,
    ...config.aws,
    ...deploymentRules(config),
    limits: config.limits,
    extensions: config.extensions,
    allowBeyondLoopback: config.auth !== undefined,
    authenticate: authentication.authenticate,
    certified: tls && (await readCertifiedKey(tls)),
    accept,
    directory: createStreamDirectory({ registry: store.registry, clock }),
    registry: store.registry,
    resolveColumns,
    asksGlue: (table) => asksGlue(inForce(), table),
    supportsColumns: (columns, conversion) => unsupportedColumns(config.convert.engine, columns, conversion),
    queryProblem,
    clock,
    metrics,
    log,
  })
  const { port } = await server.start()
  onStop(() => server.stop())
  if (tls)
    await keepCertified({ files: tls, certify: (certified) => server.certify(certified), clock, log, onStop })
  return {
    host: config.server.host,
    port,
    isSecure: tls !== undefined,
    reload(next) {
      authentication.reload(next)
      server.change(next)
    },
  }
}

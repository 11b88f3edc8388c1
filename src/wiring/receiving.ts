/** Where records come in by HTTP. */
import { unsupportedColumns } from '../convert/engines.ts'
import type { Accept } from '../domain/ports.ts'
import { createAccept, type FrontDoor } from '../receive/accept.ts'
import { createApiServer } from '../receive/http/server.ts'
import { createStreamDirectory } from '../receive/stream-directory.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import type { Parts } from './parts.ts'

/** The front door, which both roles that take records share. A stop waits until what it has taken is durable. */
export function openFrontDoor({ store, dispatchSealed, metrics, log, epoch, onStop }: Parts): FrontDoor {
  const door = createAccept({ buffer: store.buffer, dispatch: dispatchSealed, clock, metrics, log, epoch })
  onStop(door.drain)
  return door
}

/** The api role. */
export async function startReceiving(parts: Parts, accept: Accept): Promise<{ host: string; port: number }> {
  const { config, store, resolveColumns, metrics, log, onStop } = parts
  const server = createApiServer({
    ...config.server,
    ...config.aws,
    limits: config.limits,
    extensions: config.extensions,
    allowBeyondLoopback: config.auth?.mode === 'none',
    accept,
    directory: createStreamDirectory({ registry: store.registry, clock }),
    registry: store.registry,
    resolveColumns,
    supportsColumns: (columns) => unsupportedColumns(config.convert.engine, columns),
    clock,
    metrics,
    log,
  })
  const { port } = await server.start()
  onStop(() => server.stop())
  return { host: config.server.host, port }
}

/**
 * The operators' way out of quarantine: GET /quarantine lists the batches that were set aside, POST
 * /quarantine/<delivery stream>/<batch id>/release gives one back to delivery. Neither shows a record.
 */
import { Router, type Response } from 'express'
import type { Log } from '../account/log.ts'
import type { SealedBatch } from '../domain/batch.ts'
import { BufferUnavailableError } from '../domain/errors.ts'
import type { Dispatch, Store } from '../domain/ports.ts'

export interface QuarantinePorts {
  readonly store: {
    readonly buffer: Pick<Store['buffer'], 'quarantined' | 'release'>
    readonly registry: Pick<Store['registry'], 'get' | 'list'>
  }
  readonly dispatch: Dispatch
}

/** Batches listed of each delivery stream, the oldest first. */
const LISTED_PER_STREAM = 100
const BATCH_ID = /^[1-9]\d{0,15}-[0-9a-f]{16}$/

/** @param portsNow answers nothing until the store is open */
export function quarantineRoutes(portsNow: () => QuarantinePorts | undefined, log: Log): Router {
  const routes = Router()
  const serve =
    (answer: (ports: QuarantinePorts) => Promise<void>) =>
    async (response: Response): Promise<void> => {
      const ports = portsNow()
      if (ports === undefined)
        return refuse(response, 503, 'the process is starting; ask again once /readyz says ready')
      try {
        await answer(ports)
      } catch (err) {
        if (!(err instanceof BufferUnavailableError)) throw err
        log.warn({ err }, 'quarantine could not be asked for')
        refuse(response, 503, `the store does not answer (${err.message}); ask again, which is harmless`)
      }
    }
  routes.get('/quarantine', (_request, response) =>
    serve(async (ports) => void response.json(await list(ports)))(response),
  )
  routes.post('/quarantine/:stream/:batchId/release', ({ params }, response) =>
    serve((ports) => release(ports, params.stream, params.batchId, response, log))(response),
  )
  return routes
}

async function list({ store }: QuarantinePorts): Promise<unknown> {
  const quarantined: unknown[] = []
  let more = false
  for (const stream of await store.registry.list()) {
    const batches = await store.buffer.quarantined(stream, LISTED_PER_STREAM + 1)
    more ||= batches.length > LISTED_PER_STREAM
    quarantined.push(...batches.slice(0, LISTED_PER_STREAM).map(entryOf))
  }
  return { quarantined, more }
}

function entryOf(batch: SealedBatch): unknown {
  const { name, incarnation } = batch.stream
  return {
    deliveryStream: name,
    incarnation,
    batchId: batch.batchId,
    records: batch.records,
    bytes: batch.bytes,
    oldestArrivalAt: new Date(batch.oldestArrivalMs).toISOString(),
    sealedAt: new Date(batch.sealedAtMs).toISOString(),
    attempts: batch.attempts,
    reason: batch.quarantineReason,
    release: `POST /quarantine/${name}/${batch.batchId}/release`,
  }
}

async function release(
  { store, dispatch }: QuarantinePorts,
  name: string,
  batchId: string,
  response: Response,
  log: Log,
): Promise<void> {
  const stream = await store.registry.get(name)
  if (stream === undefined) return refuse(response, 404, `there is no delivery stream ${name}`)
  const released = BATCH_ID.test(batchId) && (await store.buffer.release({ stream, batchId }))
  if (!released) {
    const missing = `delivery stream ${name} has no quarantined batch ${batchId}; GET /quarantine lists those it has`
    return refuse(response, 404, missing)
  }
  const { incarnation } = stream
  log.info({ deliveryStream: name, incarnation, batchId }, 'batch released from quarantine')
  try {
    await dispatch(stream)
  } catch (err) {
    log.warn(
      { deliveryStream: name, batchId, err },
      'released batch has no job yet; the sweep will give it one',
    )
  }
  response.json({ released: { deliveryStream: name, incarnation, batchId } })
}

function refuse(response: Response, status: number, error: string): void {
  response.status(status).json({ error })
}

/**
 * The operators' way out of quarantine: GET /quarantine lists the batches that were set aside, POST
 * /quarantine/<delivery stream>/<batch id>/release gives one back to delivery. Neither shows a record.
 */
import { Router, type Response } from 'express'
import type { Log } from '../account/log.ts'
import type { SealedBatch } from '../domain/batch.ts'
import { refuse, storeRoute, type OperatorPorts, type PortsNow } from './store-route.ts'

/** Batches listed of each delivery stream, the oldest first. */
const LISTED_PER_STREAM = 100
const BATCH_ID = /^[1-9]\d{0,15}-[0-9a-f]{16}$/

export function quarantineRoutes(portsNow: PortsNow, log: Log): Router {
  const routes = Router()
  const serve = storeRoute(portsNow, log)
  routes.get('/quarantine', (_request, response) =>
    serve(async (ports) => void response.json(await list(ports)))(response),
  )
  routes.post('/quarantine/:stream/:batchId/release', ({ params }, response) =>
    serve((ports) => release(ports, params.stream, params.batchId, response, log))(response),
  )
  return routes
}

async function list({ store }: OperatorPorts): Promise<unknown> {
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
  { store, dispatch }: OperatorPorts,
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

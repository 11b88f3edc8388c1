/**
 * GET /records/<record id>: where a record went. The id leads to its append, the journal of its delivery stream to the
 * batch of that append and the objects it made. It shows no record.
 */
import { Router, type Response } from 'express'
import type { Log } from '../account/log.ts'
import { parseRecordId } from '../domain/record.ts'
import { refuse, storeRoute, type OperatorPorts, type PortsNow } from './store-route.ts'

export function recordRoutes(portsNow: PortsNow, log: Log): Router {
  const routes = Router()
  const serve = storeRoute(portsNow, log)
  routes.get('/records/:id', ({ params }, response) =>
    serve((ports) => find(ports, params.id, response))(response),
  )
  return routes
}

async function find({ store }: OperatorPorts, id: string, response: Response): Promise<void> {
  const position = parseRecordId(id)
  if (position === undefined) {
    return refuse(response, 400, 'this is no record id; PutRecord and PutRecordBatch answer them')
  }
  const streams = await store.registry.list()
  const stream = streams.find(({ incarnation }) => incarnation === position.incarnation)
  if (stream === undefined) return refuse(response, 404, 'its delivery stream is not there any more')
  const entry = await store.journal.find(stream, position.appendSequence)
  if (entry === undefined) {
    const message = `it is not delivered yet, or was longer ago than the journal of ${stream.name} is kept (7 days)`
    return refuse(response, 404, message)
  }
  response.json({
    deliveryStream: stream.name,
    incarnation: stream.incarnation,
    batchId: entry.batchId,
    records: entry.records,
    oldestArrivalAt: new Date(entry.oldestArrivalMs).toISOString(),
    deliveredAt: new Date(entry.discardedAtMs).toISOString(),
    ...entry.outcome,
  })
}

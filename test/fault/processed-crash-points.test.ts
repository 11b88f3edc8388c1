/**
 * G1, G2, G3 across process death with a transform and partitions: a process is killed at every await of the delivery story
 * while the transform answers otherwise at each call, in both shapes. Every record is a row, a failure, or dropped, by one
 * answer; every row is in the object of the keys that this answer named; and the ledger balances.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMoodyServer, type MoodyServer } from '../support/moody-server.ts'
import { deliveryPoints, processingPoints } from './points.ts'
import { BY_SIZE, visit } from './visit.ts'
import { createWorld } from './world.ts'

let moody: MoodyServer
beforeAll(async () => {
  moody = await startMoodyServer()
})
afterAll(async () => {
  expect(moody.calls).toBeGreaterThan(0)
  await moody.close()
})

/** With many objects and types of errors, also in the middle of them. */
const points = [...processingPoints, ...deliveryPoints, 'after-put#7', 'after-error-put#2']

test.concurrent.each(points.map((point) => [point]))(
  'embedded: killed %s, every record lands by one answer of its transform',
  async (point) => {
    const world = await createWorld('embedded', { backup: true, transformUrl: moody.url })
    try {
      const api = await world.startApi(point)
      await visit(world, { api, crashing: api }, BY_SIZE)
    } finally {
      await world.close()
    }
  },
)

test.concurrent.each(points.map((point) => [point]))(
  'distributed: the process that delivers killed %s, every record lands by one answer of its transform',
  async (point) => {
    const world = await createWorld('distributed', { backup: true, transformUrl: moody.url })
    try {
      const crashing = await world.startDelivery(point)
      await visit(world, { api: await world.startApi(), crashing }, BY_SIZE)
    } finally {
      await world.close()
    }
  },
)

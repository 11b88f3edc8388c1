/**
 * G1, G2, G3 across process death: a process is killed at every await of the delivery story and after seal, once each, in
 * both shapes. Whatever was acknowledged lands exactly once, bad records in the error prefix, all of it once more in the backup,
 * and the ledger balances.
 */
import { test } from 'vitest'
import { deliveryPoints, httpPoints, sealingPoints } from './points.ts'
import { BY_INTERVAL, BY_SIZE, visit } from './visit.ts'
import { createWorld } from './world.ts'

test.concurrent.each(httpPoints.map((point) => [point]))(
  'embedded: killed %s, every acknowledged record lands exactly once',
  async (point) => {
    const world = await createWorld('embedded', { backup: true })
    try {
      const api = await world.startApi(point)
      await visit(world, { api, crashing: api }, BY_SIZE)
    } finally {
      await world.close()
    }
  },
)

test.concurrent.each(sealingPoints.map((point) => [point]))(
  'distributed: the process that takes records killed %s by size, every acknowledged record lands exactly once',
  async (point) => {
    const world = await createWorld('distributed', { intervalSeconds: 5, backup: true })
    try {
      await world.startDelivery()
      const api = await world.startApi(point)
      await visit(world, { api, crashing: api }, BY_SIZE)
    } finally {
      await world.close()
    }
  },
)

test.concurrent.each([
  ...sealingPoints.map((point) => [point, BY_INTERVAL] as const),
  ...deliveryPoints.map((point) => [point, BY_SIZE] as const),
])(
  'distributed: the process that delivers killed %s, every acknowledged record lands exactly once',
  async (point, load) => {
    const world = await createWorld('distributed', { backup: true })
    try {
      const crashing = await world.startDelivery(point)
      await visit(world, { api: await world.startApi(), crashing }, load)
    } finally {
      await world.close()
    }
  },
)

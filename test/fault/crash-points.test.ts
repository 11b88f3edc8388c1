/**
 * G1, G2, G3 across process death: a process is killed at every await of the delivery story and after seal, once each, in
 * both shapes. Whatever was acknowledged lands exactly once, bad records in the error prefix, all of it once more in the backup,
 * and the ledger balances.
 */
import { expect, test } from 'vitest'
import { crashPoints, type CrashPoint } from '../../src/runtime/crash-point.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { Producer } from '../support/producer.ts'
import { createWorld, STREAM, type World } from './world.ts'

/** Reached by whoever seals: the process that takes records (size), the one that delivers (interval). */
const sealingPoints: readonly CrashPoint[] = ['after-seal', 'after-dispatch']
/** Reached with processors and partitions alone. */
const processingPoints: readonly CrashPoint[] = ['after-transform', 'after-derive', 'after-partition']
/** Those of shard readers are visited in kinesis-crash-points. */
const httpPoints = crashPoints.filter(
  (point) => !point.includes('-shard-') && !processingPoints.includes(point),
)
const deliveryPoints = httpPoints.filter((point) => !sealingPoints.includes(point))

/** Enough for a batch to be sealed by size and another by interval, or only by interval. */
const BY_SIZE = { calls: 8, padding: 500 }
const BY_INTERVAL = { calls: 2, padding: 10 }

interface Roles {
  readonly api: HydrantProcess
  readonly crashing: HydrantProcess
}

async function visit(
  world: World,
  { api, crashing }: Roles,
  { calls, padding }: { calls: number; padding: number },
): Promise<void> {
  const producer = new Producer(STREAM)
  const client = world.client(api)
  for (let call = 0; call < calls && !crashing.hasEnded; call += 1) {
    await producer.send(client, 250, { bad: 3, padding })
  }
  expect((await crashing.ended).signal).toBe('SIGKILL')
  expect(producer.acknowledged.size).toBeGreaterThan(0)
  const healthy = crashing === api ? await world.startApi() : await world.startDelivery()
  await world.expectAllDelivered(healthy, [producer])
}

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

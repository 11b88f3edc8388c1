/** Sends records until a process has killed itself, starts another in its place, and holds what landed against the oracle. */
import { expect } from 'vitest'
import type { HydrantProcess } from '../support/hydrant.ts'
import { Producer } from '../support/producer.ts'
import { STREAM, type World } from './world.ts'

export interface Load {
  readonly calls: number
  readonly padding: number
}

/** Enough for a batch to be sealed by size and another by interval, or only by interval. */
export const BY_SIZE: Load = { calls: 8, padding: 500 }
export const BY_INTERVAL: Load = { calls: 2, padding: 10 }

export interface Roles {
  readonly api: HydrantProcess
  readonly crashing: HydrantProcess
}

export async function visit(world: World, { api, crashing }: Roles, { calls, padding }: Load): Promise<void> {
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

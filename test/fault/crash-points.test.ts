/**
 * G1, G2, G3 across process death: a process is killed at every await of the delivery story and after seal, once each, in
 * both shapes. Whatever was acknowledged lands exactly once, bad records in the error prefix, and the ledger balances.
 */
import { expect, test } from 'vitest'
import { crashPoints } from '../../src/runtime/crash-point.ts'
import { Producer } from '../support/producer.ts'
import { createWorld, STREAM, type Shape, type World } from './world.ts'

async function sendUntilDeath(
  world: World,
  api: { hasEnded: boolean },
  producer: Producer,
  process: Parameters<World['client']>[0],
) {
  const client = world.client(process)
  for (let call = 0; call < 8 && !api.hasEnded; call += 1)
    await producer.send(client, 250, { bad: 3, padding: 500 })
}

for (const shape of ['embedded', 'distributed'] as const satisfies readonly Shape[]) {
  test.concurrent.each(crashPoints.map((point) => [point]))(
    `${shape}: killed %s, every acknowledged record lands exactly once`,
    async (point) => {
      const world = await createWorld(shape)
      try {
        const producer = new Producer(STREAM)
        const crashing = shape === 'embedded' ? await world.startApi(point) : await world.startDelivery(point)
        const api = shape === 'embedded' ? crashing : await world.startApi()
        await sendUntilDeath(world, crashing, producer, api)
        expect((await crashing.ended).signal).toBe('SIGKILL')
        expect(producer.acknowledged.size).toBeGreaterThan(0)
        const healthy = shape === 'embedded' ? await world.startApi() : await world.startDelivery()
        await world.expectAllDelivered(healthy, [producer])
      } finally {
        await world.close()
      }
    },
  )
}

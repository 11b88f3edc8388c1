/** G1 across the death of Redis itself: with appendfsync always, what was acknowledged is there after its restart. */
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Producer } from '../support/producer.ts'
import { createWorld, STREAM } from './world.ts'

test('Redis killed and restarted under load with appendfsync always loses no acknowledged record', async () => {
  const world = await createWorld('distributed')
  try {
    const api = await world.startApi()
    const delivery = await world.startDelivery()
    const client = world.client(api)
    const producer = new Producer(STREAM)
    const stop = new AbortController()
    const producing = (async () => {
      while (!stop.signal.aborted) await producer.send(client, 100, { bad: 1, padding: 400 })
    })()
    const lives = new Set<number>()
    for (let round = 0; round < 3; round += 1) {
      await wait(1_500)
      await world.redis?.kill()
      await world.redis?.restart()
      lives.add(world.redis?.pid ?? 0)
    }
    expect(lives.size).toBe(3)
    await wait(1_000)
    stop.abort()
    await producing
    expect(producer.acknowledged.size).toBeGreaterThan(0)
    await world.expectAllDelivered(delivery, [producer], 120_000)
  } finally {
    await world.close()
  }
})

/**
 * What a queue promises of places that are lent: another batch runs meanwhile, never more work at a time than there are
 * places, and who comes back goes first. Deliveries go on when the test says so.
 */
import { expect, onTestFinished, test } from 'vitest'
import { openAtMost } from '../../../src/deliver/places.ts'
import { keepPlace, type Deliver, type DeliveryQueue } from '../../../src/deliver/queue.ts'
import { batch, Deliveries, nameOf } from './deliveries.ts'

export type MakeQueue = (concurrency: number) => DeliveryQueue

export function lendingConformance(make: MakeQueue): void {
  async function start(
    concurrency: number,
    pick: (deliveries: Deliveries) => Deliver = ({ deliver }) => deliver,
  ): Promise<{ deliveries: Deliveries; queue: DeliveryQueue }> {
    const deliveries = new Deliveries()
    const queue = make(concurrency)
    await queue.start(pick(deliveries))
    onTestFinished(() => queue.stop(0))
    return { deliveries, queue }
  }

  test('another batch runs in the place that is lent, however long its own does not come back', async () => {
    const { deliveries, queue } = await start(1)
    await queue.add(batch(1))
    await deliveries.reached('1 begins', '1 lends')
    for (const name of [100, 101, 102]) {
      deliveries.steps.length = 0
      await queue.add(batch(name))
      await deliveries.reached(`${name} begins`)
      deliveries.go(`end ${name}`)
      await deliveries.reached(`${name} begins`, `${name} ends`)
    }
    expect(deliveries.mostHeld).toBe(1)
  })

  test('batches that waited before the place was lent run then', async () => {
    const { deliveries, queue } = await start(1)
    await queue.add(batch(100))
    await deliveries.reached('100 begins')
    await queue.add(batch(1))
    await queue.add(batch(101))
    deliveries.go('end 100')
    await deliveries.reached('100 begins', '100 ends', '1 begins', '1 lends', '101 begins')
  })

  test('who comes back waits for a place, and goes before the batches that wait', async () => {
    const { deliveries, queue } = await start(1)
    await queue.add(batch(1))
    await deliveries.reached('1 begins', '1 lends')
    await queue.add(batch(100))
    await deliveries.reached('1 begins', '1 lends', '100 begins')
    await queue.add(batch(101))
    deliveries.go('answer 1')
    deliveries.steps.length = 0
    deliveries.go('end 100')
    await deliveries.reached('100 ends', '1 has its place again')
    deliveries.go('end 1')
    await deliveries.reached('100 ends', '1 has its place again', '1 ends', '101 begins')
    expect(deliveries.mostHeld).toBe(1)
  })

  test('places that are lent are lent to so many batches and no more', async () => {
    const { deliveries, queue } = await start(2)
    const names = [1, 2, 3, 4, 5, 6, 7]
    for (const name of names) await queue.add(batch(name))
    await expect.poll(() => deliveries.open, { timeout: 20_000 }).toBe(openAtMost(2))
    // Each has its turn as another ends.
    await expect
      .poll(
        () => {
          deliveries.goAll()
          return deliveries.steps.filter((step) => step.endsWith(' ends')).length
        },
        { timeout: 30_000, interval: 20 },
      )
      .toBe(names.length)
    expect(deliveries.mostOpen).toBe(openAtMost(2))
    expect(deliveries.mostHeld).toBe(2)
  })

  test('many batches are delivered once each, with never more at work than there are places', async () => {
    let held = 0
    const most = { held: 0, open: 0 }
    let open = 0
    const ended: number[] = []
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    const hold = (more: number): void => {
      held += more
      most.held = Math.max(most.held, held)
    }
    const { queue } = await start(3, () => async ({ batchId }, signal, lend = keepPlace) => {
      const name = nameOf(batchId)
      open += 1
      most.open = Math.max(most.open, open)
      hold(1)
      for (let left = name % 4; left > 0; left -= 1) {
        await turn()
        hold(-1)
        await lend(turn, signal)
        hold(1)
      }
      hold(-1)
      open -= 1
      ended.push(name)
      return { kind: 'finished' }
    })
    const names = Array.from({ length: 60 }, (_, index) => index)
    await Promise.all(names.map((name) => queue.add(batch(name))))
    await expect.poll(() => ended.length, { timeout: 30_000 }).toBe(names.length)
    expect(ended.toSorted((a, b) => a - b)).toEqual(names)
    expect(most.held).toBe(3)
    expect(most.open).toBeLessThanOrEqual(openAtMost(3))
  })

  test('a stop lets go of who waits for its place, and of who has lent it', async () => {
    const { deliveries, queue } = await start(1)
    await queue.add(batch(1))
    await deliveries.reached('1 begins', '1 lends')
    await queue.add(batch(2))
    await deliveries.reached('1 begins', '1 lends', '2 begins', '2 lends')
    await queue.add(batch(100))
    await deliveries.reached('1 begins', '1 lends', '2 begins', '2 lends', '100 begins')
    deliveries.go('answer 1')
    deliveries.steps.length = 0
    await queue.stop(0)
    expect(deliveries.steps.toSorted()).toEqual(['1 is let go', '100 is let go', '2 is let go'])
    expect(deliveries.open).toBe(0)
  })
}

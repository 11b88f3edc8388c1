/** The queue of many processes against the conformance suite, on a real Redis; and what only it promises of lent places. */
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { BullmqQueue } from '../../../src/deliver/bullmq-queue.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { freshPrefix, redisOfFile } from '../../support/redis-store.ts'
import { batch, Deliveries } from './deliveries.ts'
import { lendingConformance } from './lending-suite.ts'

const file = redisOfFile()

function queueOn(keyPrefix: string, concurrency: number): BullmqQueue {
  const { port } = file.redis
  const url = `redis://127.0.0.1:${port}`
  return new BullmqQueue({ url, keyPrefix, concurrency, clock: systemClock, log: createLog('silent') })
}

lendingConformance((concurrency) => queueOn(freshPrefix(), concurrency))

test('the lock of a job whose place is lent is renewed', async () => {
  const keyPrefix = freshPrefix()
  const queue = queueOn(keyPrefix, 1)
  const deliveries = new Deliveries()
  await queue.start(deliveries.deliver)
  onTestFinished(() => queue.stop(0))
  await queue.add(batch(1))
  await deliveries.reached('1 begins', '1 lends')
  const [lock = ''] = await file.admin.keys(`{${keyPrefix}}:*:lock`)
  let least = Infinity
  const renewed = async (): Promise<boolean> => {
    const left = await file.admin.pttl(lock)
    least = Math.min(least, left)
    return left > least + 1_000
  }
  await expect.poll(renewed, { timeout: 20_000 }).toBe(true)
})

test('a batch that comes when all places are taken again runs in the process that has one', async () => {
  const keyPrefix = freshPrefix()
  const [busy, idle] = [new Deliveries(), new Deliveries()]
  const queues = [queueOn(keyPrefix, 1), queueOn(keyPrefix, 1)] as const
  onTestFinished(async () => {
    await Promise.all(queues.map((queue) => queue.stop(0)))
  })
  await queues[0].start(busy.deliver)
  await queues[0].add(batch(1))
  await busy.reached('1 begins', '1 lends')
  // BullMQ waits for a job for the place that is lent, and goes on to when it is taken again.
  busy.go('answer 1')
  await busy.reached('1 begins', '1 lends', '1 has its place again')
  await queues[0].add(batch(100))
  await queues[1].start(idle.deliver)
  await idle.reached('100 begins')
  expect(busy.mostHeld).toBe(1)
})

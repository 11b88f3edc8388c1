/** The queue of many processes when Redis or another process takes a job away. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { BullmqQueue } from '../../src/deliver/bullmq-queue.ts'
import type { Deliver } from '../../src/deliver/queue.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'

const batch = { stream: { name: 'orders', incarnation: '0123456789abcdef' }, batchId: '1-0123456789abcdef' }

async function startRedis(): Promise<RedisServer> {
  const redis = await startRedisServer()
  onTestFinished(() => redis.stop())
  return redis
}

function queueOn({ url }: RedisServer): BullmqQueue {
  const log = createLog('silent')
  return new BullmqQueue({ url, keyPrefix: 'test', concurrency: 1, clock: systemClock, log })
}

/** A delivery that goes on until it is aborted. */
function endless(): { readonly deliver: Deliver; readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = []
  const deliver: Deliver = (_batch, signal) =>
    new Promise((resolve) => {
      signals.push(signal)
      signal.addEventListener('abort', () => resolve({ kind: 'retry', afterMs: 60_000 }))
    })
  return { deliver, signals }
}

test('a delivery is aborted once its job may belong to another process', async () => {
  const redis = await startRedis()
  const queue = queueOn(redis)
  const { deliver, signals } = endless()
  await queue.start(deliver)
  onTestFinished(() => queue.stop(0))
  await queue.add(batch)
  await expect.poll(() => signals.length, { timeout: 10_000 }).toBe(1)
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  // As when the process slept for longer than its lock, and the job was given away meanwhile.
  const [lock = ''] = await client.keys('*:lock')
  expect(await client.set(lock, 'another process')).toBe('OK')
  await expect.poll(() => signals[0]?.aborted, { timeout: 15_000 }).toBe(true)
  expect(signals[0]?.reason).toBeInstanceOf(Error)
})

test('a stop while Redis is away aborts the delivery that runs and does not wait for Redis', async () => {
  const redis = await startRedis()
  const queue = queueOn(redis)
  const { deliver, signals } = endless()
  await queue.start(deliver)
  await queue.add(batch)
  await expect.poll(() => signals.length, { timeout: 10_000 }).toBe(1)
  await redis.kill()
  await queue.stop(100)
  expect(signals[0]?.aborted).toBe(true)
}, 20_000)

test('a process that delivers nothing stops while Redis is away', async () => {
  const redis = await startRedis()
  const queue = queueOn(redis)
  await queue.add(batch)
  await redis.kill()
  await expect(queue.stop(0)).resolves.toBeUndefined()
}, 20_000)

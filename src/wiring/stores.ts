/** The store and the queue that the configuration names, and loads no other. */
import { hostname } from 'node:os'
import type { Log } from '../account/log.ts'
import type { Config } from '../config/schema.ts'
import { LocalQueue } from '../deliver/local-queue.ts'
import type { DeliveryQueue } from '../deliver/queue.ts'
import type { Store } from '../domain/ports.ts'
import { systemClock as clock } from '../runtime/clock.ts'

export async function openStore({ buffer }: Config, epoch: string, log: Log): Promise<Store> {
  const holder = `${hostname()}-${process.pid}-${epoch}`
  if (buffer.type === 'embedded') {
    const { openLmdbStore } = await import('../store/lmdb/store.ts')
    return openLmdbStore({ ...buffer, clock, holder })
  }
  const { openRedisStore } = await import('../store/redis/store.ts')
  return openRedisStore({ ...buffer, holder, log })
}

export async function openQueue({ buffer, delivery }: Config, log: Log): Promise<DeliveryQueue> {
  const { concurrency } = delivery
  if (buffer.type === 'embedded') return new LocalQueue({ concurrency, clock, log })
  const { BullmqQueue } = await import('../deliver/bullmq-queue.ts')
  return new BullmqQueue({ url: buffer.url, keyPrefix: buffer.keyPrefix, concurrency, clock, log })
}

/** The store and the queue that the configuration names. */
import { hostname } from 'node:os'
import type { Log } from '../account/log.ts'
import type { Config } from '../config/schema.ts'
import { LocalQueue } from '../deliver/local-queue.ts'
import type { DeliveryQueue } from '../deliver/queue.ts'
import type { Store } from '../domain/ports.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import { openLmdbStore } from '../store/lmdb/store.ts'
import { openRedisStore } from '../store/redis/store.ts'

export function openStore({ buffer }: Config, epoch: string, log: Log): Promise<Store> {
  const holder = `${hostname()}-${process.pid}-${epoch}`
  return buffer.type === 'embedded'
    ? openLmdbStore({ ...buffer, clock, holder })
    : openRedisStore({ ...buffer, holder, log })
}

/** BullMQ is loaded where it is used: it would be a tenth of the start of a process. */
export async function openQueue({ buffer, delivery }: Config, log: Log): Promise<DeliveryQueue> {
  const { concurrency } = delivery
  if (buffer.type === 'embedded') return new LocalQueue({ concurrency, clock, log })
  const { BullmqQueue } = await import('../deliver/bullmq-queue.ts')
  return new BullmqQueue({ url: buffer.url, keyPrefix: buffer.keyPrefix, concurrency, clock, log })
}

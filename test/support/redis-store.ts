/** Redis store adapters as tests open them, closed when the test ends. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import type { Store } from '../../src/domain/ports.ts'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis/store.ts'
import { startRedisServer, type RedisServer } from './redis-server.ts'

/** One Redis for all tests of a file, and a client beside the stores. Both are there while tests run. */
export function redisOfFile(): { readonly redis: RedisServer; readonly admin: Redis } {
  let redis: RedisServer | undefined
  let admin: Redis | undefined
  beforeAll(async () => {
    redis = await startRedisServer()
    admin = new Redis(redis.socketPath)
  })
  afterAll(async () => {
    admin?.disconnect()
    await redis?.stop()
  })
  return {
    get redis() {
      return there(redis)
    },
    get admin() {
      return there(admin)
    },
  }
}

function there<T>(one: T | undefined): T {
  if (one === undefined) throw new Error('this Redis is there while tests run')
  return one
}

let prefixes = 0

/** A key prefix that no other test uses. */
export function freshPrefix(): string {
  return `integration${process.pid}x${(prefixes += 1)}`
}

export async function openTestStore(
  options: Partial<RedisStoreOptions> & { readonly url: string },
): Promise<Store> {
  const store = await openRedisStore({
    keyPrefix: freshPrefix(),
    maxBytes: undefined,
    perStreamShare: 1,
    allowVolatile: false,
    holder: 'test',
    log: createLog('silent'),
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

/** All records of a stream's sealed batches, batch by batch. */
export async function sealedRecords(store: Store, stream: DeliveryStream): Promise<string[]> {
  const records: string[] = []
  for (const batch of await store.buffer.sealed(stream, 1_000_000)) {
    for await (const frame of store.buffer.read(batch, new AbortController().signal)) {
      for (const record of frame.recordViews()) records.push(record.toString('utf8'))
    }
  }
  return records
}

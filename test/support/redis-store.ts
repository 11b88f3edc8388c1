/** Redis store adapters as tests open them, closed when the test ends. */
import { onTestFinished } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import type { Store } from '../../src/domain/ports.ts'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis/store.ts'

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

/** The Redis store adapter against the conformance suite, through a proxy that can lose an answer. */
import { afterAll, beforeAll } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import type { Leases, Shards, Store } from '../../../src/domain/ports.ts'
import { Keys } from '../../../src/store/redis/keys.ts'
import { openRedisStore } from '../../../src/store/redis/store.ts'
import { redisOfFile } from '../../support/redis-store.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { storeConformance, type StoreOptions, type StoreUnderTest } from './store-suite.ts'

const file = redisOfFile()
let proxy: TcpProxy
let made = 0

beforeAll(async () => {
  proxy = await TcpProxy.start(file.redis.port)
})
afterAll(() => proxy.close())

async function rewriteFirst(list: string, rewrite: (stored: Buffer) => Buffer): Promise<void> {
  const stored = await file.admin.lindexBuffer(list, 0)
  if (stored === null) throw new Error(`rewrite the first frame of ${list}: there is none`)
  await file.admin.lset(list, 0, rewrite(stored))
}

async function make({ clock, maxBytes, perStreamShare }: StoreOptions): Promise<StoreUnderTest> {
  const keyPrefix = `test${(made += 1)}`
  const keys = new Keys(keyPrefix)
  const opened: Store[] = []
  const open = async (holder: string): Promise<Store> => {
    const store = await openRedisStore({
      url: `redis://127.0.0.1:${proxy.port}`,
      keyPrefix,
      maxBytes: maxBytes ?? 1024 ** 3,
      perStreamShare: perStreamShare ?? 1,
      allowVolatile: false,
      holder,
      log: createLog('silent'),
      now: clock.now,
    })
    opened.push(store)
    return store
  }
  const first = await open('first')
  return {
    store: first,
    reopen: async () => {
      await opened.pop()?.close()
      return open('first')
    },
    close: async () => {
      await Promise.all(opened.map((store) => store.close()))
      const names = await file.admin.keys(`${keyPrefix}:*`)
      if (names.length > 0) await file.admin.unlink(...names)
    },
    otherLeases: async (): Promise<Leases> => (await open('second')).leases,
    otherShards: async (): Promise<Shards> => (await open('second')).shards,
    rewriteFirstFrame: (batch, rewrite) => rewriteFirst(keys.batch(batch).frames, rewrite),
    rewriteFirstDerived: (batch, rewrite) => rewriteFirst(keys.batch(batch).derived, rewrite),
    storedFrames: async () => {
      let frames = 0
      for (const name of await file.admin.keys(`${keyPrefix}:*`)) {
        // A frame has its size beside it; either alone would be left over.
        if (/:(frames|derived):/.test(name)) frames += (await file.admin.llen(name)) / 2
        if (/:(sizes|derived-sizes):/.test(name)) frames += (await file.admin.strlen(name)) / 8
      }
      return frames
    },
    copy: async () => {
      const kept = new Map<string, Buffer>()
      for (const name of await file.admin.keys(`${keyPrefix}:*`)) {
        const dumped = await file.admin.dumpBuffer(name)
        if (dumped !== null) kept.set(name, dumped)
      }
      return async () => {
        const names = await file.admin.keys(`${keyPrefix}:*`)
        if (names.length > 0) await file.admin.unlink(...names)
        for (const [name, dumped] of kept) await file.admin.restore(name, 0, dumped)
        return first
      }
    },
    loseNextAnswer: () => {
      // The first thing that an append names is its key, so the answer lost is an append's.
      void proxy.dropAnswer(`${keyPrefix}:{`)
    },
  }
}

storeConformance('redis', make)

/** The embedded store passes the conformance suite of the store adapters. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, type Key } from 'lmdb'
import { batchSequence } from '../../../src/domain/batch.ts'
import { openLmdbStore } from '../../../src/store/lmdb/store.ts'
import { storeConformance, type StoreUnderTest } from './store-suite.ts'

storeConformance(
  'lmdb',
  async ({ clock, maxBytes = 64 * 2 ** 20, perStreamShare = 0.5 }): Promise<StoreUnderTest> => {
    const folder = mkdtempSync(join(tmpdir(), 'hydrant-lmdb-'))
    const path = join(folder, 'buffer')
    const openStore = (holder: string) => openLmdbStore({ path, maxBytes, perStreamShare, clock, holder })
    let reopened = 0
    let store = await openStore('first')
    return {
      store,
      reopen: async () => {
        await store.close()
        store = await openStore(`reopened${(reopened += 1)}`)
        return store
      },
      copy: async () => {
        const [data, kept] = [join(path, 'data.mdb'), join(folder, 'kept.mdb')]
        copyFileSync(data, kept)
        return async () => {
          await store.close()
          copyFileSync(kept, data)
          store = await openStore(`reopened${(reopened += 1)}`)
          return store
        }
      },
      close: async () => {
        await store.close()
        rmSync(folder, { recursive: true })
      },
      otherLeases: async () => store.leasesOf('other'),
      otherShards: async () => store.shardsOf('other'),
      storedFrames: async () => {
        await store.purged()
        return store.storedFrames
      },
      rewriteFirstDerived: async (batch, rewrite) => {
        const root = open({ path, noSubdir: false, maxDbs: 16, encoding: 'json', overlappingSync: false })
        const derived = root.openDB<Buffer, Key>('derived', { encoding: 'binary' })
        const start = [batch.stream.incarnation, batchSequence(batch.batchId), 0, 0]
        for (const { key, value } of derived.getRange({ start, limit: 1 }))
          await derived.put(key, rewrite(value))
        await root.close()
      },
      rewriteFirstFrame: async (batch, rewrite) => {
        const described = await store.buffer.describe(batch)
        if (described === undefined) throw new Error(`rewrite frame of ${batch.batchId}: it is gone`)
        const root = open({ path, noSubdir: false, maxDbs: 16, encoding: 'json', overlappingSync: false })
        const frames = root.openDB<Buffer>('frames', { encoding: 'binary' })
        const key = [batch.stream.incarnation, batchSequence(batch.batchId), described.firstAppend]
        await frames.put(key, rewrite(frames.get(key) ?? Buffer.alloc(0)))
        await root.close()
      },
    }
  },
)

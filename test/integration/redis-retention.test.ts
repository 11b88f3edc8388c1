/** G3, D8: what Redis keeps, for how long, and that nothing else stays behind. */
import { expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/domain/ports.ts'
import { Keys } from '../../src/store/redis/keys.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { freshPrefix, openTestStore, redisOfFile } from '../support/redis-store.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import {
  appendIds,
  at,
  deliver,
  expectAppended,
  expectBalanced,
  frameOf,
  outcomeOf,
  planOf,
  streamOf,
} from '../conformance/store/fixture.ts'

const file = redisOfFile()

const stream = streamOf({ bytes: 1 })

async function open(): Promise<{ store: Store; keys: Keys; prefix: string; clock: FakeClock }> {
  const prefix = freshPrefix()
  const clock = new FakeClock()
  const store = await openTestStore({ url: file.redis.url, keyPrefix: prefix, maxBytes: 1e9, now: clock.now })
  await store.registry.create(stream)
  return { store, keys: new Keys(prefix), prefix, clock }
}

test('a delivered batch leaves its journal entry, a removed stream its journal, both with an expiry, and nothing else', async () => {
  const { store, keys, prefix } = await open()
  const frames = Array.from({ length: 20 }, (_, index) => frameOf([`${index}`]))
  await expectAppended(store, stream, frames, appendIds()())
  const batches = await store.buffer.sealed(stream, 20)
  for (const batch of batches.slice(0, 10)) await deliver(store, batch)
  await store.buffer.quarantine(at(batches, 10), 'reason')
  const journal = [
    keys.stream(stream).journal,
    keys.stream(stream).journalTimes,
    keys.stream(stream).journalAppends,
  ]
  await store.registry.remove(stream)
  expect((await file.admin.keys(`${prefix}:*`)).toSorted()).toEqual([keys.budget, ...journal].toSorted())
  expect(await file.admin.get(keys.budget)).toBe('0')
  for (const key of journal) expect(await file.admin.pttl(key)).toBeGreaterThan(6 * 24 * 3_600_000)
  expect(await store.journal.entries(stream, 20)).toHaveLength(10)
})

test('the journal of a stream forgets its oldest entries when it holds too many bytes', async () => {
  const { store, keys } = await open()
  const nextId = appendIds()
  const wide = 'x'.repeat(200_000)
  for (let turn = 0; turn < 30; turn += 1) {
    await expectAppended(store, stream, [frameOf([`${turn}`])], nextId())
    const batch = at(await store.buffer.sealed(stream, 1), 0)
    const attempt = await store.buffer.beginAttempt(batch)
    if (attempt.kind !== 'begun') throw new Error(attempt.kind)
    await store.buffer.pin(batch, planOf())
    const outcome = { ...outcomeOf(attempt.batch), errors: { [wide]: 0 } }
    expect(await store.buffer.discard(batch, outcome)).toBe(true)
  }
  const entries = await store.journal.entries(stream, 100)
  expect(entries.length).toBeGreaterThan(15)
  expect(entries.length).toBeLessThan(22)
  expect(entries[0]?.lastAppend).toBe(30)
  expect(await store.journal.find(stream, 1)).toBeUndefined()
  const { journal, journalTimes, journalAppends } = keys.stream(stream)
  expect([
    await file.admin.hlen(journal),
    await file.admin.zcard(journalTimes),
    await file.admin.zcard(journalAppends),
  ]).toEqual([entries.length, entries.length, entries.length])
})

test('writers that have been silent for a day are forgotten once there are many, the others are not', async () => {
  const { store, keys, clock } = await open()
  const { writers } = keys.stream(stream)
  for (let epoch = 1; epoch <= 1000; epoch += 1) {
    await store.buffer.append(stream, [frameOf(['a'])], { epoch: `old ${epoch}`, sequence: 1 })
  }
  await clock.advance(20 * 3_600_000)
  await store.buffer.append(stream, [frameOf(['a'])], { epoch: 'old 7', sequence: 2 })
  await clock.advance(5 * 3_600_000)
  await store.buffer.append(stream, [frameOf(['a'])], { epoch: 'new', sequence: 1 })
  expect((await file.admin.hkeys(writers)).toSorted()).toEqual(['new', 'old 7'])
})

test('a removal that broke off is gone on with by another process, and each record is booked as dropped once', async () => {
  const proxy = await TcpProxy.start(file.redis.port)
  onTestFinished(() => proxy.close())
  const { store, prefix, clock } = await open()
  const url = `redis://127.0.0.1:${proxy.port}`
  const broken = await openTestStore({
    url,
    keyPrefix: prefix,
    maxBytes: 1e9,
    now: clock.now,
    commandTimeoutMs: 300,
  })
  const frames = Array.from({ length: 350 }, (_, index) => frameOf([`${index}`]))
  await expectAppended(store, stream, frames, appendIds()())
  void proxy.dropAnswer('}:quarantined').then(() => proxy.blackHole())
  await expect(broken.registry.remove(stream)).rejects.toMatchObject({ name: 'BufferUnavailableError' })
  const totals = await expectBalanced(store, stream)
  expect(totals).toMatchObject({ accepted: 350, dropped: 100, pending: 250 })
  expect((await store.registry.get(stream.name))?.status).toBe('DELETING')
  expect(await store.buffer.beginAttempt(at(await store.buffer.sealed(stream, 1), 0))).toEqual({
    kind: 'finished',
  })
  expect(await store.registry.create(streamOf({ incarnation: '00000000000000b2' }))).toBe('exists')
  expect(await store.registry.remove(stream)).toMatchObject({ accepted: 350, dropped: 350, pending: 0 })
  expect(await store.registry.create(streamOf({ incarnation: '00000000000000b2' }))).toBe('created')
})

test('an attempt that another process has superseded ends nothing', async () => {
  const { store, prefix, clock } = await open()
  const other = await openTestStore({ url: file.redis.url, keyPrefix: prefix, maxBytes: 1e9, now: clock.now })
  await expectAppended(store, stream, [frameOf(['a'])], appendIds()())
  const batch = at(await store.buffer.sealed(stream, 1), 0)
  await store.buffer.beginAttempt(batch)
  expect(await other.buffer.beginAttempt(batch)).toMatchObject({ batch: { attempts: 2, deaths: 1 } })
  await store.buffer.endAttempt(batch)
  expect(await store.buffer.beginAttempt(batch)).toMatchObject({ batch: { attempts: 3, deaths: 2 } })
})

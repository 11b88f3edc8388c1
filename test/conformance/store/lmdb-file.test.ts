/** What only the embedded store promises: a file that stops growing, a journal under its budget, an orderly end. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { expect, test } from 'vitest'
import { BufferUnavailableError } from '../../../src/domain/errors.ts'
import { MIB } from '../../../src/domain/limits.ts'
import { TRIM_HORIZON } from '../../../src/domain/shard.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  appendIds,
  at,
  deliver,
  expectAppended,
  expectBalanced,
  frameOf,
  noiseFrame,
  readTexts,
  streamOf,
} from './fixture.ts'
import { bufferPath, openAt } from './lmdb-folder.ts'
import { acquired, follows, keyOf, newShard } from './shard-fixture.ts'

test(
  'writing ten times its budget, in frames of all sizes, does not grow the file beyond twice the budget',
  { timeout: 240_000 },
  async () => {
    const path = bufferPath()
    const maxBytes = 8 * MIB
    const store = await openAt(path, { maxBytes })
    const stream = streamOf({ bytes: MIB })
    await store.registry.create(stream)
    const nextId = appendIds()
    const sizes = [200, 900_000, 2100, 64_000, 31, 4200, 250_000, 13_000]
    const frames = sizes.map((size, index) => noiseFrame(size, index + 1))
    const sizeOf = (): number => statSync(join(path, 'data.mdb')).size
    let writtenBytes = 0
    let afterTwoBytes = 0
    for (let turn = 0; writtenBytes < 10 * maxBytes; turn += 1) {
      const some = [at(frames, turn % 8), at(frames, (turn * 3 + 1) % 8), at(frames, (turn * 5 + 2) % 8)]
      const answer = await store.buffer.append(stream, some, nextId())
      if (answer.kind === 'appended') {
        for (const frame of some) writtenBytes += frame.buffer.length
        if (writtenBytes < 2 * maxBytes) afterTwoBytes = sizeOf()
      } else {
        expect(answer.kind).toBe('throttled')
        // Not the oldest: holes are worse for a file than a queue.
        const batches = await store.buffer.sealed(stream, 4)
        await deliver(store, at(batches, turn % batches.length))
      }
    }
    await expectBalanced(store, stream)
    expect(sizeOf()).toBeLessThan(2 * maxBytes)
    expect(sizeOf()).toBeLessThan(1.25 * afterTwoBytes)
  },
)

test('the frames of a discarded batch leave the file, many small ones too', async () => {
  const path = bufferPath()
  const store = await openAt(path)
  const stream = streamOf({ bytes: 5000 })
  await store.registry.create(stream)
  const nextId = appendIds()
  const frames = Array.from({ length: 1000 }, (_, index) => frameOf([String(index % 10)]))
  for (let turn = 0; turn < 5; turn += 1) await expectAppended(store, stream, frames, nextId())
  const [batch] = await store.buffer.sealed(stream, 1)
  if (batch === undefined) throw new Error('nothing was sealed')
  expect(store.storedFrames).toBe(5000)
  await deliver(store, batch)
  await store.purged()
  expect(store.storedFrames).toBe(0)
})

test('frames of discarded batches that an end left behind are removed by the next start', async () => {
  const path = bufferPath()
  const stream = streamOf({ bytes: 1000 })
  const store = await openAt(path)
  await store.registry.create(stream)
  const frames = Array.from({ length: 4000 }, () => frameOf(['a']))
  await expectAppended(store, stream, frames, appendIds()())
  for (const batch of await store.buffer.sealed(stream, 4)) await deliver(store, batch)
  await store.close()
  const again = await openAt(path)
  await again.purged()
  expect(again.storedFrames).toBe(0)
  expect(await expectBalanced(again, stream)).toMatchObject({ accepted: 4000, delivered: 4000, pending: 0 })
})

test('the journal forgets its oldest entries when it is over its budget', async () => {
  const store = await openAt(bufferPath(), { journalMaxBytes: 10_000 })
  const stream = streamOf({ bytes: 1 })
  await store.registry.create(stream)
  const { firstSequence } = await expectAppended(
    store,
    stream,
    Array.from({ length: 60 }, () => frameOf(['a'])),
    appendIds()(),
  )
  for (const batch of await store.buffer.sealed(stream, 100)) await deliver(store, batch)
  const entries = await store.journal.entries(stream, 100)
  expect(entries.length).toBeGreaterThan(5)
  expect(Buffer.byteLength(JSON.stringify(entries))).toBeLessThan(11_000)
  expect(entries.map((entry) => entry.lastAppend)).toEqual(
    Array.from({ length: entries.length }, (_, index) => firstSequence + 59 - index),
  )
  expect(await store.journal.find(stream, firstSequence)).toBeUndefined()
})

test('append ids of a process are forgotten a day after its last append, not before', async () => {
  const clock = new FakeClock()
  const store = await openAt(bufferPath(), { clock })
  const stream = streamOf()
  await store.registry.create(stream)
  await expectAppended(store, stream, [frameOf(['a'])], { epoch: 'old', sequence: 5 })
  await clock.advance(23 * 3_600_000)
  await expectAppended(store, stream, [frameOf(['b'])], { epoch: 'younger', sequence: 1 })
  await expect(store.buffer.append(stream, [frameOf(['c'])], { epoch: 'old', sequence: 4 })).rejects.toThrow(
    'old',
  )
  await clock.advance(2 * 3_600_000)
  await expectAppended(store, stream, [frameOf(['d'])], { epoch: 'youngest', sequence: 1 })
  await expectAppended(store, stream, [frameOf(['e'])], { epoch: 'old', sequence: 4 })
  await expect(
    store.buffer.append(stream, [frameOf(['f'])], { epoch: 'younger', sequence: 0 }),
  ).rejects.toThrow()
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 4 })
})

test('leases of a dead owner of the folder are free at once, under a greater counter', async () => {
  const path = bufferPath()
  const clock = new FakeClock()
  const store = await openAt(path, { clock, holder: 'first' })
  const lease = await store.leases.acquire('sealer', 60_000)
  await store.close()
  const next = await openAt(path, { clock, holder: 'second' })
  expect((await next.leases.acquire('sealer', 60_000))?.counter).toBeGreaterThan(lease?.counter ?? Infinity)
})

test('shards of a dead owner of the folder are free at once, under a greater counter, and nobody else reads', async () => {
  const path = bufferPath()
  const clock = new FakeClock()
  const stream = streamOf()
  const store = await openAt(path, { clock, holder: 'same' })
  await store.registry.create(stream)
  await store.shards.register(stream, [newShard(1)])
  await store.shards.attend(60_000)
  const { lease } = await acquired(store.shards, stream, keyOf(1), 60_000)
  await store.close()
  const next = await openAt(path, { clock, holder: 'same' })
  expect(await next.shardsOf('other').attend(1000)).toEqual(['other'])
  const late = follows(lease, TRIM_HORIZON, 1)
  expect(await next.buffer.appendFromShard([frameOf(['late'])], late)).toEqual({ kind: 'fenced' })
  const taken = await acquired(next.shards, stream, keyOf(1))
  expect(taken.lease.counter).toBeGreaterThan(lease.counter)
})

test('shards leave the file with their stream, those of other streams stay', async () => {
  const path = bufferPath()
  const store = await openAt(path)
  const gone = streamOf({ name: 'gone', incarnation: '00000000000000b2' })
  for (const stream of [gone, streamOf({ incarnation: '00000000000000b1' }), streamOf({ name: 'third' })]) {
    await store.registry.create(stream)
    await store.shards.register(stream, [newShard(1), newShard(2)])
  }
  await store.registry.remove(gone)
  await store.close()
  const root = open({ path, noSubdir: false, maxDbs: 16, encoding: 'json', overlappingSync: false })
  const keys = [...root.openDB('shards', { encoding: 'json' }).getKeys({})]
  await root.close()
  expect(keys).toHaveLength(4)
  expect(keys).not.toContainEqual([gone.incarnation, keyOf(1)])
})

test('close waits for what is being written, and afterwards every call is refused', async () => {
  const path = bufferPath()
  const clock = new FakeClock()
  const stream = streamOf()
  const store = await openAt(path, { clock })
  await store.registry.create(stream)
  const nextId = appendIds()
  const writing = Array.from({ length: 20 }, (_, index) =>
    store.buffer.append(stream, [frameOf([String(index)])], nextId()),
  )
  const [answers] = await Promise.all([Promise.all(writing), store.close()])
  expect(answers.every((answer) => answer.kind === 'appended')).toBe(true)
  await store.close()
  const refused = [
    () => store.buffer.append(stream, [frameOf(['late'])], nextId()),
    () => store.buffer.sealDue(stream),
    () => store.buffer.totals(stream),
    () => store.registry.list(),
    () => store.leases.acquire('sealer', 1000),
    () => store.shards.attend(1000),
    () => store.shards.list(stream),
    () => store.shards.renew(stream, [], 1000),
    () => store.journal.find(stream, 1),
    () => store.check(),
  ]
  for (const call of refused) await expect(call()).rejects.toThrow(BufferUnavailableError)
  const again = await openAt(path, { clock })
  expect(await expectBalanced(again, stream)).toMatchObject({ accepted: 20 })
})

test('a store whose wall clock was set back seals by the time that passes', async () => {
  const path = bufferPath()
  const stream = streamOf({ intervalMs: 5000 })
  const store = await openAt(path, { clock: new FakeClock(2_000_000_000_000) })
  await store.registry.create(stream)
  await expectAppended(store, stream, [frameOf(['a'])], appendIds()())
  await store.close()
  const clock = new FakeClock(1_900_000_000_000)
  const again = await openAt(path, { clock })
  expect((await again.buffer.sealDue(stream)).kind).toBe('waiting')
  await clock.advance(5000)
  const sealed = await again.buffer.sealDue(stream)
  if (sealed.kind !== 'sealed') throw new Error(sealed.kind)
  expect(await readTexts(again, sealed.batch)).toEqual(['a'])
})

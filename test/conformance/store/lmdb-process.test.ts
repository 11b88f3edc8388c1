/**
 * The embedded store's folder belongs to one process, whatever way the last one ended, and what was acknowledged is there
 * after a kill at any moment (G1).
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StartError } from '../../../src/domain/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { deliver, expectBalanced, frameOf, planOf, readTexts, streamOf } from './fixture.ts'
import { bufferPath, openAt, startChild } from './lmdb-folder.ts'
import { keyOf, listed, newShard } from './shard-fixture.ts'

test('a second process is refused with a hint, and let in at once after a kill -9', async () => {
  const path = bufferPath()
  const first = startChild([path, 'hold'])
  expect(await first.line()).toBe('open')
  const refused = startChild([path, 'hold'])
  expect(await refused.line()).toMatch(
    new RegExp(`^refused open buffer .*: process ${first.process.pid} .* \\| .*redis`),
  )
  const error = await openAt(path).then(undefined, (reason: unknown) => reason)
  expect(error).toBeInstanceOf(StartError)
  await first.kill()
  const next = startChild([path, 'hold'])
  expect(await next.line()).toBe('open')
})

test('of processes that start together exactly one gets the folder', async () => {
  const path = bufferPath()
  const dead = startChild([path, 'hold'])
  expect(await dead.line()).toBe('open')
  await dead.kill()
  const children = Array.from({ length: 4 }, () => startChild([path, 'hold']))
  const lines = await Promise.all(children.map((child) => child.line()))
  expect(lines.filter((line) => line === 'open')).toHaveLength(1)
  expect(lines.filter((line) => line?.startsWith('refused'))).toHaveLength(3)
})

test('the same process is refused too, until it closes the store', async () => {
  const path = bufferPath()
  const store = await openAt(path)
  await expect(openAt(path)).rejects.toThrow(StartError)
  const stream = streamOf()
  expect(await store.registry.create(stream)).toBe('created')
  await store.close()
  const again = await openAt(path)
  expect(await again.registry.get('orders')).toEqual(stream)
})

test('a folder may have a long path and a name with a dot', async () => {
  const path = join(bufferPath('a'.repeat(90)), 'b'.repeat(90), 'buffer.d')
  const store = await openAt(path)
  await expect(openAt(path)).rejects.toThrow(StartError)
  expect(statSync(path).isDirectory()).toBe(true)
  await store.close()
})

test('the folder and its files are for their owner alone', async () => {
  const path = bufferPath()
  mkdirSync(path, { mode: 0o755 })
  await openAt(path)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(statSync(join(path, 'data.mdb')).mode & 0o777).toBe(0o600)
  expect(statSync(join(path, 'lock.mdb')).mode & 0o777).toBe(0o600)
})

test('a path that is no folder is refused with a hint', async () => {
  await expect(openAt('/dev/null/buffer')).rejects.toMatchObject({
    name: 'StartError',
    hint: expect.any(String),
  })
})

test(
  'killed again and again while it appends, a process has lost nothing it acknowledged and stored nothing twice',
  { timeout: 240_000 },
  async () => {
    const path = bufferPath()
    const stream = streamOf({ bytes: 300, intervalMs: 5000 })
    const setup = await openAt(path)
    await setup.registry.create(stream)
    await setup.close()
    const delivered: string[] = []
    for (const acknowledgedMin of [1, 40, 200]) {
      const child = startChild([path, 'append'])
      expect(await child.line()).toBe('open')
      let acknowledged = -1
      for (let count = 0; count < acknowledgedMin; count += 1) acknowledged = Number(await child.line())
      const rest = child.kill()
      for (let line = await child.line(); line !== undefined; line = await child.line())
        acknowledged = Number(line)
      await rest
      const clock = new FakeClock()
      const store = await openAt(path, { clock })
      await clock.advance(5000)
      await store.buffer.sealDue(stream)
      await expectBalanced(store, stream)
      const texts: string[] = []
      for (const batch of await store.buffer.sealed(stream, 10_000))
        texts.push(...(await readTexts(store, batch)))
      expect(texts).toEqual(Array.from({ length: texts.length }, (_, index) => String(index)))
      expect(texts.length).toBeGreaterThan(acknowledged)
      expect(texts.length).toBeLessThanOrEqual(acknowledged + 2)
      delivered.push(...texts)
      await store.registry.remove(stream)
      await store.registry.create(stream)
      await store.close()
    }
    expect(delivered.length).toBeGreaterThan(240)
  },
)

test(
  'killed again and again while it appends from a shard, a process left data and checkpoint that agree',
  { timeout: 240_000 },
  async () => {
    const path = bufferPath()
    const stream = streamOf({ bytes: 300 })
    const setup = await openAt(path)
    await setup.registry.create(stream)
    await setup.shards.register(stream, [newShard(1)])
    await setup.close()
    for (const acknowledgedMin of [1, 40, 200]) {
      const child = startChild([path, 'shard', keyOf(1)])
      expect(await child.line()).toBe('open')
      let acknowledged = -1
      for (let count = 0; count < acknowledgedMin; count += 1) acknowledged = Number(await child.line())
      const rest = child.kill()
      for (let line = await child.line(); line !== undefined; line = await child.line())
        acknowledged = Number(line)
      await rest
      const clock = new FakeClock()
      const store = await openAt(path, { clock })
      const state = await listed(store.shards, stream)
      expect(state).toMatchObject({ leaseMs: 0 })
      expect(Number(state.checkpoint)).toBeGreaterThanOrEqual(acknowledged)
      expect(Number(state.checkpoint)).toBeLessThanOrEqual(acknowledged + 1)
      await clock.advance(stream.hints.intervalMs)
      await store.buffer.sealDue(stream)
      await expectBalanced(store, stream)
      const texts: string[] = []
      for (const batch of await store.buffer.sealed(stream, 10_000))
        texts.push(...(await readTexts(store, batch)))
      expect(texts).toEqual(Array.from({ length: Number(state.checkpoint) + 1 }, (_, index) => String(index)))
      await store.close()
    }
  },
)

test(
  'killed again and again while it derives a batch, a process left a whole derivation or none, and nothing of others',
  { timeout: 240_000 },
  async () => {
    const path = bufferPath()
    const stream = streamOf({ bytes: 1 })
    const setup = await openAt(path)
    await setup.registry.create(stream)
    await setup.buffer.append(stream, [frameOf(['source'])], { epoch: 'test', sequence: 1 })
    const [batch] = await setup.buffer.sealed(stream, 1)
    if (batch === undefined) throw new Error('nothing was sealed')
    await setup.buffer.pin(batch, planOf())
    await setup.close()
    const frames = 20_000
    for (const askedMin of [1, 7, 20]) {
      const child = startChild([path, 'derive', String(frames)])
      for (let line = 0; line <= askedMin; line += 1) expect(await child.line()).not.toBe('kept')
      await child.kill()
      const store = await openAt(path)
      expect(await store.buffer.describe(batch)).not.toHaveProperty('isDerived')
      await store.purged()
      // Of the dead processes before it nothing is left; its own goes with the next.
      expect(store.storedFrames).toBeGreaterThan(512 * (askedMin - 2))
      expect(store.storedFrames).toBeLessThan(frames)
      await store.close()
    }
    const last = startChild([path, 'derive', String(frames)])
    let line = await last.line()
    while (line !== undefined && line !== 'kept') line = await last.line()
    expect(line).toBe('kept')
    await last.kill()
    const store = await openAt(path)
    const texts: string[] = []
    for await (const frame of store.buffer.readDerived(batch, new AbortController().signal))
      texts.push(...Array.from(frame.recordViews(), String))
    expect(texts).toEqual(
      Array.from({ length: frames }, (_, index) => `made ${index} by ${last.process.pid}`),
    )
    await store.purged()
    expect(store.storedFrames).toBe(frames + 1)
    await deliver(store, batch)
    await store.purged()
    expect(store.storedFrames).toBe(0)
  },
)

test('a disk that is full refuses appends, ends nothing, and keeps what was acknowledged', async () => {
  const path = bufferPath()
  const stream = streamOf({ bytes: 1_000_000 })
  const setup = await openAt(path)
  await setup.registry.create(stream)
  await setup.close()
  const child = startChild([path, 'fill'], 4096)
  expect(await child.line()).toBe('open')
  const refusal = (await child.line()) ?? ''
  const [, appended, message] = /^(\d+) (.*)$/.exec(refusal) ?? []
  expect(Number(appended)).toBeGreaterThan(10)
  expect(message).toMatch(/^append to orders: .* \| .*disk of buffer\.path/)
  expect(await child.line()).toMatch(new RegExp(`^${appended} `))
  await child.line()
  const store = await openAt(path)
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: Number(appended) })
  const [oldest] = await store.buffer.sealed(stream, 1)
  if (oldest === undefined) throw new Error('nothing was sealed')
  expect(await readTexts(store, oldest)).toHaveLength(10)
  expect(
    await store.buffer.append(stream, [frameOf(['room'])], { epoch: 'test', sequence: 1 }),
  ).toMatchObject({
    kind: 'appended',
  })
})

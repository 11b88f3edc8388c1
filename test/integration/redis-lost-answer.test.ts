/** G1, G3: a command whose answer is lost is sent again, takes effect once, and its caller gets the first answer. */
import { expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/domain/ports.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { freshPrefix, openTestStore, redisOfFile, sealedRecords } from '../support/redis-store.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { at, expectBalanced, frameOf, outcomeOf, planOf, streamOf } from '../conformance/store/fixture.ts'

const file = redisOfFile()

interface World {
  readonly clock: FakeClock
  readonly proxy: TcpProxy
  readonly prefix: string
  readonly store: Store
}

async function openThroughProxy(): Promise<World> {
  const proxy = await TcpProxy.start(file.redis.port)
  onTestFinished(() => proxy.close())
  const clock = new FakeClock()
  const prefix = freshPrefix()
  const url = `redis://127.0.0.1:${proxy.port}`
  return {
    clock,
    proxy,
    prefix,
    store: await openTestStore({ url, keyPrefix: prefix, maxBytes: 1e9, now: clock.now }),
  }
}

test.each([
  { size: 1_000_000, trigger: 'no seal', sealed: 0 },
  { size: 10, trigger: 'a seal by size', sealed: 1 },
])('an append with $trigger whose answer is lost is taken once', async ({ size, sealed }) => {
  const { store, proxy, clock } = await openThroughProxy()
  const stream = streamOf({ bytes: size, intervalMs: 1000 })
  await store.registry.create(stream)
  for (let sequence = 1; sequence <= 5; sequence += 1) {
    const lost = proxy.dropAnswer('writer-1')
    const frames = [frameOf([`first ${sequence} `]), frameOf([`2 ${sequence}`])]
    const answer = await store.buffer.append(stream, frames, { epoch: 'writer-1', sequence })
    await lost
    expect(answer).toEqual({ kind: 'appended', firstSequence: 2 * sequence - 1, sealed: expect.any(Number) })
    if (sealed === 0) expect(answer).toMatchObject({ sealed })
  }
  await clock.advance(1000)
  await store.buffer.sealDue(stream)
  const expected = [1, 2, 3, 4, 5].flatMap((sequence) => [`first ${sequence} `, `2 ${sequence}`])
  expect(await sealedRecords(store, stream)).toEqual(expected)
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 10, pending: 10 })
})

test('an append sent again after a sealer has sealed its batch is not taken into the next one', async () => {
  const { store, proxy, clock, prefix } = await openThroughProxy()
  const direct = await openTestStore({
    url: file.redis.socketPath,
    keyPrefix: prefix,
    maxBytes: 1e9,
    now: clock.now,
  })
  const stream = streamOf({ intervalMs: 1000 })
  await store.registry.create(stream)
  const lost = proxy.dropAnswer('writer-1')
  const append = store.buffer.append(stream, [frameOf(['once'])], { epoch: 'writer-1', sequence: 1 })
  await lost
  await clock.advance(1000)
  expect((await direct.buffer.sealDue(stream)).kind).toBe('sealed')
  expect(await append).toEqual({ kind: 'appended', firstSequence: 1, sealed: 0 })
  expect(await sealedRecords(direct, stream)).toEqual(['once'])
  expect(await expectBalanced(direct, stream)).toMatchObject({ accepted: 1, pending: 1, sealedBatches: 1 })
})

test('every other step whose answer is lost is done once and answered as the first time', async () => {
  const { store, proxy, clock, prefix } = await openThroughProxy()
  const stream = streamOf({ intervalMs: 1000 })
  const losing = async <T>(step: () => Promise<T>): Promise<T> => {
    const lost = proxy.dropAnswer(prefix)
    const answer = await step()
    await lost
    return answer
  }
  expect(await losing(() => store.registry.create(stream))).toBe('created')
  await store.buffer.append(stream, [frameOf(['a', 'b'])], { epoch: 'e', sequence: 1 })
  await clock.advance(1000)
  expect((await losing(() => store.buffer.sealDue(stream))).kind).toBe('sealed')
  const batch = at(await losing(() => store.buffer.sealed(stream, 1)), 0)
  const attempt = await losing(() => store.buffer.beginAttempt(batch))
  expect(attempt).toMatchObject({ kind: 'begun', batch: { attempts: 1, deaths: 0 } })
  await losing(() => store.buffer.endAttempt(batch))
  expect(await losing(() => store.buffer.beginAttempt(batch))).toMatchObject({
    batch: { attempts: 2, deaths: 0 },
  })
  expect(await losing(() => store.buffer.pin(batch, planOf()))).toEqual({ kind: 'pinned', plan: planOf() })
  if (attempt.kind !== 'begun') throw new Error(attempt.kind)
  await losing(() => store.buffer.quarantine(batch, 'reason'))
  expect(await losing(() => store.buffer.quarantined(stream, 1))).toHaveLength(1)
  expect(await losing(() => store.buffer.release(batch))).toBe(true)
  expect(await losing(() => store.buffer.discard(batch, outcomeOf(attempt.batch, 1)))).toBe(true)
  expect(await expectBalanced(store, stream)).toMatchObject({
    accepted: 2,
    delivered: 1,
    failed: 1,
    pending: 0,
  })
  expect(await store.journal.entries(stream, 5)).toHaveLength(1)
  const changed = { ...stream, version: 2 }
  expect(await losing(() => store.registry.replace(changed))).toBe('replaced')
  const lease = await losing(() => store.leases.acquire('sealer', 1000))
  expect(lease).toEqual({ name: 'sealer', counter: 1 })
  await store.buffer.append(stream, [frameOf(['c'])], { epoch: 'e', sequence: 2 })
  expect(await losing(() => store.registry.remove(stream))).toMatchObject({
    accepted: 3,
    dropped: 1,
    pending: 0,
  })
})

test('a change of a stream that is sent again after another was made to it does not undo that', async () => {
  const { store, proxy, prefix } = await openThroughProxy()
  const direct = await openTestStore({ url: file.redis.socketPath, keyPrefix: prefix, maxBytes: 1e9 })
  const stream = streamOf()
  await store.registry.create(stream)
  // Redis learns the script: what it does not know yet is not carried out before its answer is lost.
  await store.registry.replace(stream)
  const read = { ...stream, revision: 2 }
  // Its key names the stream with its incarnation, which only the script does.
  const lost = proxy.dropAnswer(`{${stream.name}.`).then(() => proxy.blackHole())
  const replacing = store.registry.replace({ ...read, tags: [{ Key: 'first' }] })
  await lost
  const between = await direct.registry.get(stream.name)
  expect(between).toEqual({ ...read, revision: 3, tags: [{ Key: 'first' }] })
  expect(await direct.registry.replace({ ...read, revision: 3, tags: [{ Key: 'second' }] })).toBe('replaced')
  proxy.pass()
  expect(await replacing).toBe('conflict')
  expect(await store.registry.get(stream.name)).toEqual({ ...read, revision: 4, tags: [{ Key: 'second' }] })
})

test('an attempt whose beginning was never answered is not counted as a death when it begins again', async () => {
  const proxy = await TcpProxy.start(file.redis.port)
  onTestFinished(() => proxy.close())
  const clock = new FakeClock()
  const url = `redis://127.0.0.1:${proxy.port}`
  const store = await openTestStore({ url, maxBytes: 1e9, now: clock.now, commandTimeoutMs: 300 })
  const stream = streamOf({ bytes: 1 })
  await store.registry.create(stream)
  await store.buffer.append(stream, [frameOf(['a'])], { epoch: 'e', sequence: 1 })
  const batch = at(await store.buffer.sealed(stream, 1), 0)
  proxy.delay(2000)
  await expect(store.buffer.beginAttempt(batch)).rejects.toMatchObject({ name: 'BufferUnavailableError' })
  proxy.pass()
  proxy.reset()
  await expect
    .poll(() => store.buffer.beginAttempt(batch).catch((error: Error) => error.name), { timeout: 5000 })
    .toMatchObject({ kind: 'begun', batch: { attempts: 1, deaths: 0 } })
})

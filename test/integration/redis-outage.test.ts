/** G1, G6: Redis that is silent, cut off, flushed of its scripts, killed and started again. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import type { Store } from '../../src/domain/ports.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../support/redis-server.ts'
import { freshPrefix, openTestStore, sealedRecords } from '../support/redis-store.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { expectBalanced, frameOf, streamOf } from '../conformance/store/fixture.ts'

async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const redis = await startRedisServer(options)
  onTestFinished(() => redis.stop())
  return redis
}

async function startProxy(redis: RedisServer): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(redis.port)
  onTestFinished(() => proxy.close())
  return proxy
}

/** Waits until the store serves again. */
async function serving(store: Store): Promise<void> {
  await expect
    .poll(
      () =>
        store.check().then(
          () => 'serving',
          (error: Error) => error.message,
        ),
      { timeout: 10_000 },
    )
    .toBe('serving')
}

test('a Redis that answers nothing fails an append within its time-out, and the next ones at once', async () => {
  const proxy = await startProxy(await startRedis())
  const url = `redis://127.0.0.1:${proxy.port}`
  const store = await openTestStore({ url, maxBytes: 1e9, commandTimeoutMs: 500 })
  const stream = streamOf({ bytes: 1 })
  await store.registry.create(stream)
  await store.buffer.append(stream, [frameOf(['before'])], { epoch: 'e', sequence: 1 })
  proxy.blackHole()
  const started = performance.now()
  const append = store.buffer.append(stream, [frameOf(['lost'])], { epoch: 'e', sequence: 2 })
  await expect(append).rejects.toBeInstanceOf(BufferUnavailableError)
  expect(performance.now() - started).toBeLessThan(1500)
  await expect
    .poll(() => store.check().catch((error: Error) => error.message))
    .toMatch(/connection to redis is down/)
  const refused = performance.now()
  const next = store.buffer.append(stream, [frameOf(['refused'])], { epoch: 'e', sequence: 3 })
  await expect(next).rejects.toMatchObject({
    name: 'BufferUnavailableError',
    hint: expect.stringMatching(/\w/),
  })
  expect(performance.now() - refused).toBeLessThan(100)
  proxy.pass()
  await serving(store)
  await store.buffer.append(stream, [frameOf(['after'])], { epoch: 'e', sequence: 4 })
  expect(await sealedRecords(store, stream)).toEqual(['before', 'after'])
})

test('a reader ends at once when its signal aborts while Redis is silent', async () => {
  const proxy = await startProxy(await startRedis())
  const store = await openTestStore({ url: `redis://127.0.0.1:${proxy.port}`, maxBytes: 1e9 })
  const stream = streamOf({ bytes: 1 })
  await store.registry.create(stream)
  await store.buffer.append(stream, [frameOf(['a'])], { epoch: 'e', sequence: 1 })
  const [batch] = await store.buffer.sealed(stream, 1)
  if (batch === undefined) throw new Error('nothing was sealed')
  proxy.blackHole()
  const abort = new AbortController()
  const reading = store.buffer.read(batch, abort.signal)[Symbol.asyncIterator]().next()
  abort.abort(new Error('deadline'))
  await expect(reading).rejects.toThrow('deadline')
})

test('scripts that Redis has forgotten are sent again', async () => {
  const redis = await startRedis()
  const admin = new Redis(redis.socketPath)
  onTestFinished(() => admin.disconnect())
  const store = await openTestStore({ url: redis.url, maxBytes: 1e9 })
  const stream = streamOf({ bytes: 1 })
  await store.registry.create(stream)
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    await admin.script('FLUSH')
    const answer = await store.buffer.append(stream, [frameOf([`${sequence}`])], { epoch: 'e', sequence })
    expect(answer).toMatchObject({ kind: 'appended', firstSequence: sequence })
  }
  expect(await sealedRecords(store, stream)).toEqual(['1', '2', '3'])
})

test('kill -9 of Redis with appendfsync always keeps every acknowledged append, and takes each once', async () => {
  const redis = await startRedis({ appendfsync: 'always' })
  const keyPrefix = freshPrefix()
  const store = await openTestStore({
    url: redis.url,
    keyPrefix,
    maxBytes: 1e9,
    requireAppendFsync: 'always',
  })
  expect(store.promise).toMatch(/on the disk/)
  const stream = streamOf({ bytes: 500, intervalMs: 0 })
  await store.registry.create(stream)
  const acknowledged: string[] = []
  const unknown: string[] = []
  const stop = new AbortController()
  const write = async (writer: number): Promise<void> => {
    for (let sequence = 1; !stop.signal.aborted; sequence += 1) {
      const record = `writer ${writer} record ${sequence}`
      try {
        const answer = await store.buffer.append(stream, [frameOf([record])], {
          epoch: `e${writer}`,
          sequence,
        })
        if (answer.kind === 'appended') acknowledged.push(record)
      } catch {
        unknown.push(record)
        await serving(store)
      }
    }
  }
  const writers = [1, 2, 3, 4].map(write)
  for (const goal of [200, 400]) {
    await expect.poll(() => acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(goal)
    await redis.kill()
    const atKill = acknowledged.length
    await redis.restart()
    await serving(store)
    await expect.poll(() => acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(atKill)
  }
  stop.abort()
  await Promise.all(writers)
  await expect.poll(() => store.buffer.sealDue(stream), { timeout: 5000 }).toEqual({ kind: 'empty' })
  const records = await sealedRecords(store, stream)
  expect(new Set(records).size).toBe(records.length)
  expect(acknowledged.filter((record) => !records.includes(record))).toEqual([])
  expect(records.filter((record) => !acknowledged.includes(record) && !unknown.includes(record))).toEqual([])
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: records.length })
})

test('a Redis that cannot be reached at the start is refused with its address and a hint, without the password', async () => {
  const redis = await startRedis()
  const { port } = redis
  await redis.stop()
  const open = openTestStore({ url: `redis://user:secret@127.0.0.1:${port}`, maxBytes: 1e9 })
  const error: unknown = await open.catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: 'StartError', hint: expect.stringContaining('buffer.url') })
  expect(String(error)).toContain(`127.0.0.1:${port}`)
  expect(String(error)).not.toContain('secret')
})

test("the time of the store is the server's, also after Redis was cut off", async () => {
  const proxy = await startProxy(await startRedis())
  const store = await openTestStore({ url: `redis://127.0.0.1:${proxy.port}`, maxBytes: 1e9 })
  const stream = streamOf({ bytes: 1 })
  await store.registry.create(stream)
  const before = Date.now()
  await store.buffer.append(stream, [frameOf(['a'])], { epoch: 'e', sequence: 1 })
  const [batch] = await store.buffer.sealed(stream, 1)
  if (batch === undefined) throw new Error('nothing was sealed')
  const described = await store.buffer.describe(batch)
  expect(Math.abs((described?.openedAtMs ?? 0) - before)).toBeLessThan(1000)
  proxy.reset()
  await serving(store)
})

/** G6: what Redis must be like before records are entrusted to it, and what is promised with it. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { MIB } from '../../src/domain/limits.ts'
import type { RedisStoreOptions } from '../../src/store/redis/store.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../support/redis-server.ts'
import { openTestStore } from '../support/redis-store.ts'
import { frameOf, streamOf } from '../conformance/store/fixture.ts'

async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const redis = await startRedisServer(options)
  onTestFinished(() => redis.stop())
  return redis
}

const refusals: readonly [string, RedisServerOptions, Partial<RedisStoreOptions>, RegExp, RegExp][] = [
  [
    'a Redis that evicts',
    { maxmemory: 64 * MIB, config: { 'maxmemory-policy': 'allkeys-lru' } },
    {},
    /allkeys-lru would evict/,
    /noeviction/,
  ],
  [
    'a Redis that evicts keys with an expiry',
    { config: { 'maxmemory-policy': 'volatile-ttl' } },
    {},
    /volatile-ttl/,
    /noeviction/,
  ],
  [
    'a Redis that evicts, also when volatile is allowed',
    { config: { 'maxmemory-policy': 'volatile-lru' } },
    { allowVolatile: true },
    /evict/,
    /noeviction/,
  ],
  [
    'a Redis without an append-only file',
    { appendonly: false },
    { maxBytes: 1e9 },
    /no append-only file/,
    /allowVolatile/,
  ],
  ['a Redis without a memory limit, unless a budget is set', {}, {}, /no maxmemory/, /buffer\.maxBytes/],
  [
    'appendfsync everysec where always is demanded',
    {},
    { maxBytes: 1e9, requireAppendFsync: 'always' },
    /everysec/,
    /appendfsync always/,
  ],
  [
    'always with a pause during rewrites',
    { appendfsync: 'always', config: { 'no-appendfsync-on-rewrite': 'yes' } },
    { maxBytes: 1e9, requireAppendFsync: 'always' },
    /no-appendfsync-on-rewrite/,
    /no-appendfsync-on-rewrite no/,
  ],
  [
    'cluster mode',
    { config: { 'cluster-enabled': 'yes' } },
    { maxBytes: 1e9 },
    /cluster mode/,
    /cluster-enabled no/,
  ],
]

test.each(refusals)('%s is refused', async (_, server, options, message, hint) => {
  const redis = await startRedis(server)
  const error: unknown = await openTestStore({ url: redis.url, ...options }).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({
    name: 'StartError',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })
})

test.each([
  [{ appendfsync: 'always' }, {}, /is on the disk/],
  [{ appendfsync: 'everysec' }, {}, /last second/],
  [{ appendfsync: 'no' }, {}, /not yet written back/],
  [{ appendonly: false }, { allowVolatile: true }, /in memory only/],
] as const)('with %o the promise says so in one line', async (server, options, promise) => {
  const redis = await startRedis(server)
  const store = await openTestStore({ url: redis.url, maxBytes: 1e9, ...options })
  expect(store.promise).toMatch(promise)
  expect(store.promise).not.toContain('\n')
})

test('a Redis user that may not run CONFIG is good enough, but not where appendfsync always is demanded', async () => {
  const redis = await startRedis({ appendfsync: 'always' })
  const admin = new Redis(redis.socketPath)
  onTestFinished(() => admin.disconnect())
  await admin.acl('SETUSER', 'limited', 'on', '>secret', '~*', '+@all', '-config')
  const url = redis.url.replace('//', '//limited:secret@')
  const store = await openTestStore({ url, maxBytes: 1e9 })
  expect(store.promise).toMatch(/could not be read/)
  expect(store.promise).not.toContain('secret')
  await store.registry.create(streamOf())
  const demanding = openTestStore({ url, maxBytes: 1e9, requireAppendFsync: 'always' })
  await expect(demanding).rejects.toMatchObject({
    name: 'StartError',
    message: expect.stringMatching(/not readable/),
  })
})

test('a replica is refused, and an append waits for the replicas that were demanded', async () => {
  const primary = await startRedis()
  const replica = await startRedis({ config: { replicaof: `127.0.0.1 ${primary.port}` } })
  await expect(openTestStore({ url: replica.url, maxBytes: 1e9 })).rejects.toMatchObject({
    name: 'StartError',
    message: expect.stringMatching(/it is a replica/),
  })
  const admin = new Redis(primary.socketPath)
  onTestFinished(() => admin.disconnect())
  await expect.poll(() => admin.info('replication'), { timeout: 15_000 }).toContain('state=online')
  const store = await openTestStore({
    url: primary.url,
    maxBytes: 1e9,
    waitReplicas: 1,
    commandTimeoutMs: 4000,
  })
  expect(store.promise).toMatch(/1 replica has received it/)
  const stream = streamOf()
  await store.registry.create(stream)
  const answer = await store.buffer.append(stream, [frameOf(['a'])], { epoch: 'e', sequence: 1 })
  expect(answer).toMatchObject({ kind: 'appended' })
  await replica.kill()
  const alone = store.buffer.append(stream, [frameOf(['b'])], { epoch: 'e', sequence: 2 })
  await expect(alone).rejects.toMatchObject({
    name: 'BufferUnavailableError',
    message: expect.stringMatching(/0 of 1 replicas/),
  })
})

test('a primary that becomes a replica refuses appends and says so when it is checked', async () => {
  const redis = await startRedis()
  const other = await startRedis()
  const store = await openTestStore({ url: redis.url, maxBytes: 1e9 })
  const stream = streamOf()
  await store.registry.create(stream)
  const admin = new Redis(redis.socketPath)
  onTestFinished(() => admin.disconnect())
  await admin.replicaof('127.0.0.1', other.port)
  const append = store.buffer.append(stream, [frameOf(['a'])], { epoch: 'e', sequence: 1 })
  await expect(append).rejects.toMatchObject({
    name: 'BufferUnavailableError',
    message: expect.stringMatching(/replica/),
  })
  await expect
    .poll(() => store.check().catch((error: Error) => error.message), { timeout: 5000 })
    .toMatch(/it is a replica now/)
})

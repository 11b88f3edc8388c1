/** G7: shards on Redis: processes that fight for them, answers that are lost, processes that wake up late, a thousand at once. */
import { expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/domain/ports.ts'
import { SHARD_END, TRIM_HORIZON } from '../../src/domain/shard.ts'
import { Keys } from '../../src/store/redis/keys.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { freshPrefix, openTestStore, redisOfFile, sealedRecords } from '../support/redis-store.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { expectBalanced, frameOf, streamOf } from '../conformance/store/fixture.ts'
import {
  acquired,
  expectTaken,
  follows,
  keyOf,
  LEASE_MS,
  listed,
  newShard,
  sequenceNumber,
} from '../conformance/store/shard-fixture.ts'

const file = redisOfFile()

const stream = streamOf({ bytes: 1 })

interface Pair {
  readonly clock: FakeClock
  readonly prefix: string
  readonly proxy: TcpProxy
  /** Through the proxy. */
  readonly store: Store
  /** Another process, with a connection of its own. */
  readonly other: Store
}

/** Two processes, with `stream` and its shards 1 to `shards`. */
async function openPair(shards = 1): Promise<Pair> {
  const proxy = await TcpProxy.start(file.redis.port)
  onTestFinished(() => proxy.close())
  const clock = new FakeClock()
  const prefix = freshPrefix()
  const options = { keyPrefix: prefix, maxBytes: 1e9, now: clock.now }
  const url = `redis://127.0.0.1:${proxy.port}`
  const store = await openTestStore({ ...options, url, holder: 'first' })
  const other = await openTestStore({ ...options, url: file.redis.socketPath, holder: 'second' })
  await store.registry.create(stream)
  await store.shards.register(
    stream,
    Array.from({ length: shards }, (_, index) => newShard(index + 1)),
  )
  return { clock, prefix, proxy, store, other }
}

const numberOf = (checkpoint: string): number =>
  checkpoint === TRIM_HORIZON ? 0 : Number(checkpoint.slice(4))

test('processes that fight for a shard while its leases run out take each of its records once, in order', async () => {
  const keyPrefix = freshPrefix()
  const last = 600
  let time = 1_790_000_000_000
  // Time passes by being looked at, so that leases run out in the middle of everything.
  const now = (): number => (time += 1)
  const stores: Store[] = []
  for (const holder of ['a', 'b', 'c', 'd']) {
    stores.push(await openTestStore({ url: file.redis.url, keyPrefix, maxBytes: 1e9, holder, now }))
  }
  const contested = streamOf({ bytes: 12, intervalMs: 1 })
  await stores[0]?.registry.create(contested)
  await stores[0]?.shards.register(contested, [newShard(1)])
  const answers = { appended: 0, fenced: 0, gap: 0 }
  const holders = new Set<string>()
  const read = async (store: Store, process: number): Promise<void> => {
    for (let reached = 0, turn = process; reached < last;) {
      const taken = await store.shards.acquire(contested, keyOf(1), 40)
      if (taken === undefined) continue
      holders.add(store.shards.holder)
      reached = numberOf(taken.checkpoint)
      while (reached < last) {
        turn += 1
        const next = Math.min(last, reached + 1 + (turn % 3))
        const frames = Array.from({ length: next - reached }, (_, index) =>
          frameOf([`${reached + index + 1} `]),
        )
        // The checkpoint of a reader is now and then not the stored one.
        const after =
          turn % 11 === 0 ? sequenceNumber(9999) : reached === 0 ? TRIM_HORIZON : sequenceNumber(reached)
        const answer = await store.buffer.appendFromShard(frames, follows(taken.lease, after, next))
        if (answer.kind === 'throttled' || answer.kind === 'refused') throw new Error(answer.kind)
        answers[answer.kind] += 1
        if (answer.kind === 'fenced') break
        reached = answer.kind === 'gap' ? numberOf(answer.checkpoint) : next
        if (turn % 7 === 0) await store.shards.renew(contested, [taken.lease], 40)
        if (turn % 13 === 0) await store.shards.release(taken.lease)
      }
    }
  }
  await Promise.all(stores.map(read))
  time += 1000
  await stores[0]?.buffer.sealDue(contested)
  const [store] = stores
  if (store === undefined) throw new Error('no store')
  const records = (await sealedRecords(store, contested)).map((record) => record.trim())
  expect(records).toEqual(Array.from({ length: last }, (_, index) => `${index + 1}`))
  expect(await expectBalanced(store, contested)).toMatchObject({ accepted: last })
  expect(holders.size).toBe(4)
  expect(Math.min(answers.appended, answers.fenced, answers.gap)).toBeGreaterThan(5)
  const { counter } = await listed(store.shards, contested)
  expect(counter).toBeGreaterThan(10)
})

test('an append whose answer is lost is taken once, and the answer tells that it was', async () => {
  const { store, proxy } = await openPair()
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  await expectTaken(store, [frameOf(['0'])], follows(lease, TRIM_HORIZON, 100))
  for (let turn = 1; turn <= 5; turn += 1) {
    const position = follows(lease, sequenceNumber(99 + turn), 100 + turn)
    const lost = proxy.dropAnswer(position.last)
    const answer = await store.buffer.appendFromShard([frameOf([`${turn}`])], position)
    await lost
    expect(answer).toEqual({ kind: 'gap', checkpoint: position.last })
  }
  expect(await sealedRecords(store, stream)).toEqual(['0', '1', '2', '3', '4', '5'])
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 6, sealedBatches: 6 })
})

test('an append sent again after its shard went to another is fenced, and the other goes on behind it', async () => {
  const { store, other, proxy, clock } = await openPair()
  const { lease } = await acquired(store.shards, stream, keyOf(1))
  await expectTaken(store, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
  const lost = proxy.dropAnswer(sequenceNumber(2)).then(() => proxy.blackHole())
  const append = store.buffer.appendFromShard([frameOf(['b'])], follows(lease, sequenceNumber(1), 2))
  await lost
  await clock.advance(LEASE_MS)
  const taken = await acquired(other.shards, stream, keyOf(1))
  expect(taken.checkpoint).toBe(sequenceNumber(2))
  proxy.pass()
  expect(await append).toEqual({ kind: 'fenced' })
  await expectTaken(other, [frameOf(['c'])], follows(taken.lease, sequenceNumber(2), 3))
  expect(await sealedRecords(other, stream)).toEqual(['a', 'b', 'c'])
})

test('every other step whose answer is lost is done once and answered as the first time', async () => {
  const { store, other, proxy, prefix, clock } = await openPair(3)
  const { shards } = store
  const losing = async <T>(step: () => Promise<T>): Promise<T> => {
    const lost = proxy.dropAnswer(prefix)
    const answer = await step()
    await lost
    return answer
  }
  // Redis learns the scripts: what it does not know yet is not carried out before its answer is lost.
  const known = await acquired(shards, stream, keyOf(3))
  await shards.renew(stream, [known.lease], LEASE_MS)
  await shards.release(known.lease)
  await shards.attend(LEASE_MS)
  expect(await losing(() => shards.attend(LEASE_MS))).toEqual(['first'])
  expect(await losing(() => shards.register(stream, [newShard(1), newShard(9)]))).toBe(true)
  const { lease } = await losing(() => acquired(shards, stream, keyOf(1)))
  expect(lease.counter).toBe(clock.now())
  await clock.advance(1000)
  const renewed = [{ ...lease, behindMs: 7 }]
  expect(await losing(() => shards.renew(stream, renewed, LEASE_MS))).toEqual([keyOf(1)])
  const behind = { counter: lease.counter, leaseMs: LEASE_MS, behindMs: 7 }
  expect(await losing(() => listed(shards, stream))).toMatchObject(behind)
  const second = await acquired(shards, stream, keyOf(2))
  await losing(() => shards.release(second.lease))
  const taken = await acquired(other.shards, stream, keyOf(2))
  expect(taken.lease.counter).toBe(second.lease.counter + 1)
  const last = await acquired(shards, stream, keyOf(9))
  expect(await shards.end(last.lease, TRIM_HORIZON, [])).toEqual({ kind: 'ended' })
  const children = [newShard(4, { parents: [keyOf(1)] }), newShard(5, { parents: [keyOf(1)] })]
  const ended = await losing(() => shards.end(lease, TRIM_HORIZON, children))
  expect(ended).toEqual({ kind: 'gap', checkpoint: SHARD_END })
  const parent = await listed(shards, stream)
  expect(parent).toMatchObject({ children: [keyOf(4), keyOf(5)], leaseMs: 0 })
  expect(parent.behindMs).toBeUndefined()
  expect(await shards.list(stream)).toHaveLength(6)
  await losing(() => shards.forget(stream, [keyOf(3), keyOf(9)]))
  expect((await shards.list(stream)).map(({ key }) => key)).toEqual([1, 2, 4, 5].map((shard) => keyOf(shard)))
  await losing(() => shards.leave())
  expect(await other.shards.attend(LEASE_MS)).toEqual(['second'])
})

test('a process that slept through its lease, and still has the time of before, changes nothing', async () => {
  const { store, other, prefix, clock } = await openPair(2)
  const asleepAt = clock.now()
  const sleeper = await openTestStore({
    url: file.redis.url,
    keyPrefix: prefix,
    maxBytes: 1e9,
    holder: 'sleeper',
    now: () => asleepAt,
  })
  const { lease } = await acquired(sleeper.shards, stream, keyOf(1))
  const overtaken = await acquired(sleeper.shards, stream, keyOf(2))
  await clock.advance(LEASE_MS)
  const taken = await acquired(other.shards, stream, keyOf(2))
  for (const held of [lease, overtaken.lease]) {
    const position = follows(held, TRIM_HORIZON, 1)
    expect(await sleeper.buffer.appendFromShard([frameOf(['late'])], position)).toEqual({ kind: 'fenced' })
    expect(await sleeper.shards.end(held, TRIM_HORIZON, [newShard(7)])).toEqual({ kind: 'fenced' })
    expect(await sleeper.shards.renew(stream, [held], LEASE_MS)).toEqual([])
  }
  await sleeper.shards.release(overtaken.lease)
  expect(await sleeper.shards.list(stream)).toEqual(await other.shards.list(stream))
  expect(await sleeper.shards.acquire(stream, keyOf(2), LEASE_MS)).toBeUndefined()
  expect(await store.shards.list(stream)).toMatchObject([
    { checkpoint: TRIM_HORIZON, leaseMs: 0 },
    { checkpoint: TRIM_HORIZON, holder: 'second', counter: taken.lease.counter, leaseMs: LEASE_MS },
  ])
  expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 0 })
  expect((await acquired(sleeper.shards, stream, keyOf(1))).lease.counter).toBe(clock.now())
  expect((await listed(store.shards, stream)).leaseMs).toBe(LEASE_MS)
})

test('a thousand shards are registered, listed, renewed and forgotten in one command each', async () => {
  const { store } = await openPair()
  const shards = Array.from({ length: 1000 }, (_, index) => newShard(index + 1))
  const monitor = await file.admin.duplicate().monitor()
  onTestFinished(() => monitor.disconnect())
  const sent: string[] = []
  monitor.on('monitor', (_time: string, [name = '', mark = '']: string[], source: string) => {
    // What a script does is told as well.
    if (source !== 'lua') sent.push(name === 'echo' ? mark : name)
  })
  const reached = async (mark: string): Promise<void> => {
    await file.admin.echo(mark)
    await expect.poll(() => sent.at(-1)).toBe(mark)
  }
  const commandsOf = async (step: () => Promise<unknown>): Promise<number> => {
    // Once for Redis to learn the script.
    await step()
    await reached('begin')
    await step()
    await reached('end')
    return sent.lastIndexOf('end') - sent.lastIndexOf('begin') - 1
  }
  expect(await commandsOf(() => store.shards.register(stream, shards))).toBe(1)
  const leases = await Promise.all(shards.map(({ key }) => acquired(store.shards, stream, key)))
  const held = leases.map(({ lease: { key, counter } }) => ({ key, counter, behindMs: 3 }))
  expect(await commandsOf(() => store.shards.renew(stream, held, LEASE_MS))).toBe(1)
  expect(await commandsOf(() => store.shards.list(stream))).toBe(1)
  const known = await store.shards.list(stream)
  expect(known.filter(({ holder, behindMs }) => holder === 'first' && behindMs === 3)).toHaveLength(1000)
  const forgotten = held.slice(1).map(({ key }) => key)
  expect(await commandsOf(() => store.shards.forget(stream, forgotten))).toBe(1)
  expect(await store.shards.list(stream)).toHaveLength(1)
})

test('a removed stream takes its thousands of shards with it, slice by slice, and none comes back meanwhile', async () => {
  const { store, other, proxy, prefix } = await openPair(2500)
  const { lease } = await acquired(other.shards, stream, keyOf(2500))
  await expectTaken(other, [frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
  // Redis learns the script: what it does not know yet is not carried out before its answer is lost.
  const another = streamOf({ name: 'another', incarnation: '00000000000000b2' })
  await other.registry.create(another)
  await other.registry.remove(another)
  const broken = proxy.dropAnswer('}:quarantined').then(() => proxy.blackHole())
  const removing = store.registry.remove(stream)
  await broken
  expect(await file.admin.zcard(new Keys(prefix).stream(stream).shards)).toBe(2400)
  expect(await other.shards.register(stream, [newShard(9999)])).toBe(false)
  expect(await other.shards.end(lease, sequenceNumber(1), [newShard(9999)])).toEqual({ kind: 'fenced' })
  expect(await other.shards.acquire(stream, keyOf(2499), LEASE_MS)).toBeUndefined()
  expect(await other.buffer.appendFromShard([frameOf(['b'])], follows(lease, sequenceNumber(1), 2))).toEqual({
    kind: 'refused',
  })
  proxy.pass()
  expect(await removing).toMatchObject({ accepted: 1, dropped: 1, pending: 0 })
  const { budget } = new Keys(prefix)
  expect(await file.admin.keys(`${prefix}:*`)).toEqual([budget])
})

/**
 * The interleavings that lost or repeated data in other consumers of Kinesis, one by one (G7). Each is made to happen on a
 * simulated clock with real consumers and readers; the model (kinesis-model.test.ts) then mixes them all.
 */
import { beforeEach, expect, test } from 'vitest'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { atTimestamp, isSequenceNumber, SHARD_END, shardIdOf, TRIM_HORIZON } from '../../src/domain/shard.ts'
import { crashAt, type CrashPoint } from '../../src/runtime/crash-point.ts'
import { failure, type DataStreamCall, type SimulatedDataStream } from '../support/simulated-data-stream.ts'
import { LEASE_MS, SimulatedConsumers, type StoreCall } from '../support/simulation-consumers.ts'
import { leftToDo, violations } from '../support/simulation-oracle.ts'
import type { CallOutcome, SimulatedProcess } from '../support/simulation.ts'

const soon: CallOutcome = { thereMs: 1, backMs: 1 }
const never: CallOutcome = { thereMs: Infinity, backMs: 1 }
const UPPER = 2n ** 127n
const FIRST = 'shardId-000000000000'
const SECOND = 'shardId-000000000001'

interface Call extends DataStreamCall {
  readonly process: string
  readonly atMs: number
}

let world: SimulatedConsumers
let orders: SimulatedDataStream
let calls: Call[]
let kinesis: (process: SimulatedProcess, call: DataStreamCall) => CallOutcome | undefined
let store: (process: SimulatedProcess, call: StoreCall) => CallOutcome | undefined
beforeEach(() => setUp(TRIM_HORIZON))

function setUp(start: string, shards = 2): void {
  world = new SimulatedConsumers(1)
  orders = world.feed('orders', shards, start)
  calls = []
  kinesis = () => undefined
  store = () => undefined
  world.kinesisOutcome = (process, call) => {
    calls.push({ ...call, process: process.name, atMs: world.simulation.nowMs })
    return kinesis(process, call) ?? soon
  }
  world.storeOutcome = (process, call) => store(process, call) ?? soon
}

const run = (ms: number): Promise<void> => world.simulation.run(ms)
const texts = (): string[] =>
  world.store
    .appends()
    .flatMap(({ frames }) => frames.flatMap((frame) => [...frame.recordViews()].map(String)))
const checkpoints = (): Record<string, string> =>
  Object.fromEntries(world.shards().map(({ key, checkpoint }) => [shardIdOf(key), checkpoint]))
const askedAbout = (shardId: string, sinceMs = 0): Call[] =>
  calls.filter((call) => call.shardId === shardId && call.atMs >= sinceMs)
const startAndDieAt = (name: string, point: CrashPoint): void => {
  world.start(name, (process) => crashAt(point, () => process.die()))
}
const put = (...records: string[]): void => records.forEach((record) => orders.put(record, 1n))

/** Everything that was put is in the log once, in order, and every shard is read. */
async function expectAllWell(limitMs = 200_000): Promise<void> {
  await world.simulation.runUntil(() => leftToDo(world).length === 0, limitMs)
  expect(violations(world)).toEqual([])
  expect(leftToDo(world)).toEqual([])
}

test.each(['before-shard-end', 'after-shard-end'] as const)(
  'a process that dies %s: the end is never written without the children',
  async (point) => {
    put('a')
    orders.split(FIRST)
    put('b')
    startAndDieAt('p1', point)
    const isKnown = (id: string): boolean => checkpoints()[id] !== undefined
    await world.simulation.runUntil(
      () => {
        if (checkpoints()[FIRST] !== SHARD_END) return world.live.length === 0
        expect(isKnown('shardId-000000000002') && isKnown('shardId-000000000003')).toBe(true)
        return world.live.length === 0
      },
      20_000,
      1,
    )
    expect(world.live).toEqual([])
    expect(checkpoints()[FIRST] === SHARD_END).toBe(point === 'after-shard-end')
    world.start('p2')
    await expectAllWell()
    expect(texts()).toEqual(['a', 'b'])
  },
)

test('the answer to the end of a shard is lost: it is ended once and its children are read', async () => {
  put('a')
  orders.split(FIRST)
  put('b')
  let ends = 0
  store = (_, { verb }) => {
    if (verb !== 'end' || (ends += 1) > 1) return undefined
    return { ...soon, failure: { error: new BufferUnavailableError('end shard: no answer'), afterMs: 2_000 } }
  }
  world.start('p1')
  await expectAllWell()
  expect(ends).toBe(2)
  expect(texts()).toEqual(['a', 'b'])
})

test('a zombie’s append that arrives after another process took the shard over is refused', async () => {
  world.start('p1')
  await run(5_000)
  put('a', 'b')
  store = ({ name }, { verb }) => {
    if (name !== 'p1' || verb !== 'appendFromShard') return undefined
    // It is on its way when its process is paused, and comes to the store long after.
    world.running.get('p1')?.process.pause()
    return { thereMs: 30_000, backMs: 1 }
  }
  await run(4_000)
  expect(world.running.get('p1')?.process.isPaused).toBe(true)
  world.start('p2')
  await run(LEASE_MS + 5_000)
  expect(texts()).toEqual(['a', 'b'])
  await run(30_000)
  store = () => undefined
  world.running.get('p1')?.process.resume()
  put('c')
  await expectAllWell()
  expect(texts()).toEqual(['a', 'b', 'c'])
})

test('a zombie’s append that arrives while nobody has taken the shard over changes nothing either', async () => {
  world.start('p1')
  await run(5_000)
  put('a')
  store = (_, { verb }) => {
    if (verb !== 'appendFromShard') return undefined
    world.running.get('p1')?.process.pause()
    return { thereMs: 30_000, backMs: 1 }
  }
  await run(40_000)
  expect(texts()).toEqual([])
  store = () => undefined
  world.running.get('p1')?.process.resume()
  await expectAllWell()
  expect(texts()).toEqual(['a'])
})

test('an append that was given up and arrives late, under a lease that is still held, is taken once', async () => {
  world.start('p1')
  await run(5_000)
  put('a', 'b')
  let appends = 0
  const error = new BufferUnavailableError('append: no answer')
  store = (_, { verb }) => {
    if (verb !== 'appendFromShard' || (appends += 1) > 1) return undefined
    return { thereMs: 8_000, backMs: 1, failure: { error, afterMs: 2_000 } }
  }
  await expectAllWell()
  expect(appends).toBeGreaterThan(1)
  await run(10_000)
  expect(texts()).toEqual(['a', 'b'])
})

test('the checkpoint is never ahead of the data: buffer full, answers lost, process killed', async () => {
  let ms = 0
  const outcomes: CallOutcome[] = [
    { ...never, failure: { error: new BufferUnavailableError('append: no answer'), afterMs: 500 } },
    { ...soon, failure: { error: new BufferUnavailableError('append: no answer'), afterMs: 500 } },
    { ...soon, againMs: 100 },
    soon,
  ]
  let appends = 0
  store = (_, { verb }) => (verb === 'appendFromShard' ? outcomes[(appends += 1) % 4] : undefined)
  world.start('p1')
  for (let record = 0; record < 60; record += 1) {
    put(`r${record}`)
    world.store.roomBytes = record % 20 < 8 ? 0 : Infinity
    if (record === 25) {
      world.kill('p1')
      world.start('p2')
    }
    for (let step = 0; step < 10; step += 1) {
      await run(100)
      ms += 100
      const last = orders.shard(FIRST).records[texts().length - 1]?.sequenceNumber
      const checkpoint = checkpoints()[FIRST] ?? TRIM_HORIZON
      expect(isSequenceNumber(checkpoint) ? checkpoint : undefined, `after ${ms} ms`).toBe(last)
    }
  }
  store = () => undefined
  world.store.roomBytes = Infinity
  await expectAllWell()
  expect(texts()).toHaveLength(60)
})

test('a merged shard is read when both of its parents have been, however long one of them takes', async () => {
  orders.put('left', 1n)
  orders.put('right', UPPER)
  const merged = orders.merge(FIRST, SECOND)
  put('merged')
  kinesis = (_, { verb, shardId }) => (verb === 'read' && shardId === SECOND ? never : undefined)
  world.start('p1')
  await run(60_000)
  expect(checkpoints()).toMatchObject({ [FIRST]: SHARD_END, [merged]: TRIM_HORIZON })
  expect(world.shards().find(({ key }) => shardIdOf(key) === merged)?.parents).toHaveLength(2)
  expect(askedAbout(merged)).toEqual([])
  kinesis = () => undefined
  world.kill('p1')
  world.start('p2')
  await expectAllWell()
  expect(texts()).toEqual(['left', 'right', 'merged'])
})

test('the other parent of a merge was itself split off while nobody read: the merged shard waits for it all the same', async () => {
  world.start('p1')
  await run(5_000)
  world.kill('p1')
  orders.put('left', 1n)
  orders.put('right', UPPER)
  const [inner] = orders.split(SECOND)
  orders.put('inner', UPPER)
  const merged = orders.merge(FIRST, inner)
  put('merged')
  // The reader of the first shard is far ahead of that of the second.
  kinesis = (_, { verb, shardId }) => (verb === 'read' && shardId === SECOND ? never : undefined)
  world.start('p2')
  await run(60_000)
  expect(checkpoints()).toMatchObject({ [FIRST]: SHARD_END, [inner]: TRIM_HORIZON, [merged]: TRIM_HORIZON })
  expect(texts()).toEqual(['left'])
  kinesis = () => undefined
  world.kill('p2')
  world.start('p3')
  await expectAllWell()
  expect(texts()).toEqual(['left', 'right', 'inner', 'merged'])
})

test('a closed shard that never held a record ends, and its children are read', async () => {
  setUp(TRIM_HORIZON, 1)
  const [left, right] = orders.split(FIRST)
  orders.split(left)
  orders.endsWithRecords = false
  world.start('p1')
  await run(20_000)
  expect(checkpoints()).toMatchObject({ [FIRST]: SHARD_END, [left]: SHARD_END, [right]: TRIM_HORIZON })
  await expectAllWell()
})

test('shards that were read to their end are not read again after a restart', async () => {
  put('a')
  orders.split(FIRST)
  put('b')
  world.start('p1')
  await expectAllWell()
  world.kill('p1')
  const restartedMs = world.simulation.nowMs
  world.start('p2')
  await run(200_000)
  expect(askedAbout(FIRST, restartedMs)).toEqual([])
  expect(texts()).toEqual(['a', 'b'])
})

test('a shard that no longer exists is ended, not asked for again and again', async () => {
  put('a')
  world.start('p1')
  await run(5_000)
  world.kill('p1')
  const [left] = orders.split(FIRST)
  await run(1_000)
  put('b')
  orders.split(left)
  orders.put('right', UPPER / 2n + 1n)
  await run(60_000)
  // Retention passes: what was read, and the shards that were closed, are gone.
  orders.trim(world.simulation.nowMs - 30_000)
  put('c')
  orders.put('d', UPPER / 2n + 1n)
  world.start('p2')
  await run(90_000)
  const trimmed = world.lines.filter(({ message }) => message === 'shard was trimmed before its end was read')
  expect(trimmed.map(({ fields }) => fields['shardId'])).toEqual([FIRST])
  const endedMs = world.simulation.nowMs
  await run(300_000)
  expect(askedAbout(FIRST, endedMs)).toEqual([])
  expect(askedAbout(left, endedMs)).toEqual([])
  expect(Object.keys(checkpoints())).not.toContain(FIRST)
  expect(texts().toSorted()).toEqual(['a', 'c', 'd'])
})

test('a checkpoint that was trimmed is no dead end', async () => {
  orders.refusesTrimmed = true
  put('a')
  world.start('p1')
  await run(5_000)
  world.kill('p1')
  await run(60_000)
  put('b')
  orders.trim(world.simulation.nowMs - 1_000)
  world.start('p2')
  await expectAllWell()
  expect(texts()).toEqual(['a', 'b'])
})

test('a delivery stream that starts at the tip reads a child from its beginning', async () => {
  setUp(atTimestamp(Date.UTC(2026, 10, 2, 9) + 5_000), 1)
  put('before')
  await run(5_000)
  world.start('p1')
  await run(5_000)
  world.running.get('p1')?.process.pause()
  orders.split(FIRST)
  put('before the child was found')
  await run(30_000)
  put('after')
  world.running.get('p1')?.process.resume()
  await expectAllWell()
  expect(texts()).toEqual(['before the child was found', 'after'])
})

test('a shard that Kinesis throttles for long is read on afterwards, and keeps its reader meanwhile', async () => {
  world.start('p1')
  world.start('p2')
  await run(20_000)
  kinesis = (_, { verb, shardId }) =>
    verb === 'read' && shardId === FIRST
      ? { ...soon, failure: { error: failure('throttled', 'too many reads'), afterMs: 1 } }
      : undefined
  put('a')
  const throttledMs = world.simulation.nowMs
  await run(600_000)
  const reads = askedAbout(FIRST, throttledMs).length
  expect(reads).toBeGreaterThan(60)
  expect(reads).toBeLessThan(600)
  expect(texts()).toEqual([])
  kinesis = () => undefined
  await run(12_000)
  expect(texts()).toEqual(['a'])
  await expectAllWell()
})

test('a shard that the full buffer throttled is read on once there is room', async () => {
  world.start('p1')
  await run(5_000)
  world.store.roomBytes = 0
  put('a', 'b')
  await run(600_000)
  expect(texts()).toEqual([])
  world.store.roomBytes = Infinity
  await run(31_000)
  expect(texts()).toEqual(['a', 'b'])
  await expectAllWell()
})

test('a store that was set back has lost data and checkpoint together, so the records are read again', async () => {
  put('a')
  world.start('p1')
  await run(5_000)
  const copy = world.store.snapshot()
  put('b')
  const [left] = orders.split(FIRST)
  put('c')
  await expectAllWell()
  expect(checkpoints()).toHaveProperty([left])
  world.store.rollBack(copy)
  expect(texts()).toEqual(['a'])
  expect(checkpoints()).not.toHaveProperty([left])
  put('d')
  await expectAllWell()
  expect(texts()).toEqual(['a', 'b', 'c', 'd'])
})

test('a store that was set back is noticed by a reader that has nothing more to append', async () => {
  put('a')
  world.start('p1')
  await run(5_000)
  const copy = world.store.snapshot()
  put('b', 'c')
  await run(5_000)
  expect(texts()).toEqual(['a', 'b', 'c'])
  // The copy has the same lease, so nothing but the place of the shard tells; and no record comes any more.
  world.store.rollBack(copy)
  expect(texts()).toEqual(['a'])
  await run(LEASE_MS)
  expect(texts()).toEqual(['a', 'b', 'c'])
  await expectAllWell()
})

test('a process that dies while it gives shards up leaves none that nobody takes', async () => {
  world.start('p1')
  await run(5_000)
  store = ({ name }, { verb }) => {
    if (name !== 'p1' || verb !== 'release') return undefined
    world.kill('p1')
    return never
  }
  world.start('p2')
  await run(5_000)
  expect(world.live.map(({ process }) => process.name)).toEqual(['p2'])
  await run(LEASE_MS + 500)
  expect(world.shards().every(({ holder }) => holder === 'p2')).toBe(true)
})

test('a process that gave shards up prolongs their leases no more, and one that took them does not replay', async () => {
  world.start('p1')
  put('a')
  orders.put('b', UPPER)
  await run(5_000)
  world.start('p2')
  await run(10_000)
  const moved = world.shards().filter(({ holder }) => holder === 'p2')
  expect(moved).toHaveLength(1)
  world.kill('p2')
  const diedMs = world.simulation.nowMs
  const under = moved[0]?.counter ?? Infinity
  const isTaken = (): boolean =>
    world.shards().some(({ key, counter }) => key === moved[0]?.key && counter > under)
  await world.simulation.runUntil(isTaken, 2 * LEASE_MS, 10)
  expect(world.simulation.nowMs - diedMs).toBeLessThan(LEASE_MS + 100)
  await expectAllWell()
  expect(texts().toSorted()).toEqual(['a', 'b'])
})

test('reshard after reshard leaves no reader of a closed shard behind', async () => {
  world.start('p1')
  for (let round = 0; round < 12; round += 1) {
    const [last] = orders.open.toSorted((a, b) => (a.id < b.id ? 1 : -1))
    put(`r${round}`)
    if (round % 2 === 0) orders.split(last?.id ?? '')
    else {
      const [pair] = orders.neighbours()
      orders.merge(pair?.[0].id ?? '', pair?.[1].id ?? '')
    }
    await run(10_000)
  }
  await expectAllWell()
  const sinceMs = world.simulation.nowMs
  await run(60_000)
  const asked = new Set<string | undefined>(
    calls.filter(({ atMs, verb }) => atMs > sinceMs && verb === 'read').map(({ shardId }) => shardId),
  )
  expect(asked).toEqual(new Set(orders.open.map(({ id }) => id)))
  expect(texts()).toHaveLength(12)
})

test('a data stream that was made again while its reader was paused is not read under the old shard’s name', async () => {
  world.start('p1')
  await run(5_000)
  world.running.get('p1')?.process.pause()
  await run(1_000)
  orders.recreate(2)
  put('a')
  await run(400_000)
  world.running.get('p1')?.process.resume()
  await run(30_000)
  expect(texts()).toEqual(['a'])
  await expectAllWell()
  expect(world.store.appends().map(({ position }) => position.lease.key)).toEqual([
    `${orders.life.createdAtMs}/${FIRST}`,
  ])
})

test('a data stream that is gone is waited for, without haste, and its shards keep their place', async () => {
  put('a')
  world.start('p1')
  await run(5_000)
  orders.delete()
  const goneMs = world.simulation.nowMs
  await run(600_000)
  expect(calls.filter(({ atMs }) => atMs > goneMs).length).toBeLessThan(400)
  expect(isSequenceNumber(checkpoints()[FIRST] ?? '')).toBe(true)
  expect(world.shards().every(({ holder }) => holder === 'p1')).toBe(true)
})

test('a store that was set back between the look at the shards and the lease starts no child before its parent', async () => {
  setUp(TRIM_HORIZON, 1)
  // All shards are known from the start: the parent, which is read, and its children, which wait.
  put('parent')
  orders.knowsFilters = false
  orders.split(FIRST)
  put('child')
  kinesis = (_, { verb }) => (verb === 'read' ? never : undefined)
  world.start('p1')
  await run(1_000)
  const copy = world.store.snapshot()
  kinesis = () => undefined
  world.kill('p1')
  await run(2 * LEASE_MS)
  store = (_, { verb, key }) => {
    const isChild = verb === 'acquire' && key !== undefined && !key.endsWith(FIRST)
    if (isChild && checkpoints()[FIRST] === SHARD_END && world.store.appends().length > 0) {
      store = () => undefined
      world.store.rollBack(copy)
    }
    return undefined
  }
  world.start('p2')
  await expectAllWell()
  expect(texts()).toEqual(['parent', 'child'])
})

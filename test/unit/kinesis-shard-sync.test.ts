/** Defends G7: the shards that are read are those of the data stream, all of them, from where they are due. */
import { beforeEach, expect, test } from 'vitest'
import { atTimestamp, SHARD_END, shardIdOf, TRIM_HORIZON } from '../../src/domain/shard.ts'
import { DataStreamError } from '../../src/receive/kinesis/data-stream.ts'
import { failure, type SimulatedDataStream } from '../support/simulated-data-stream.ts'
import { SimulatedConsumers } from '../support/simulation-consumers.ts'
import { leftToDo, violations } from '../support/simulation-oracle.ts'
import type { CallOutcome } from '../support/simulation.ts'

const soon: CallOutcome = { thereMs: 1, backMs: 1 }
const UPPER = 2n ** 127n

let world: SimulatedConsumers
/** A minute before the delivery stream begins the data stream was there. */
let startMs: number
beforeEach(() => {
  world = new SimulatedConsumers(1)
  startMs = world.simulation.nowMs + 60_000
})

function feed(start: string, shards = 2): SimulatedDataStream {
  return world.feed('orders', shards, start)
}

/** Shards known to the store that were made in this life of the data stream, the present one unless told. */
function known(life?: number): Record<string, string> {
  const dataStream = world.fed.get('orders')?.dataStream
  const createdAtMs = life === undefined ? dataStream?.life.createdAtMs : dataStream?.lives[life]?.createdAtMs
  const mine = world.shards().filter(({ key }) => key.startsWith(`${createdAtMs}/`))
  return Object.fromEntries(mine.map(({ key, checkpoint }) => [shardIdOf(key).slice(-1), checkpoint]))
}

const told = (message: string): number => world.lines.filter((line) => line.message === message).length
const syncs = (result: string): Promise<number> =>
  world.running.get('p1')?.metrics.value('hydrant_kinesis_syncs_total', { result }) ?? Promise.resolve(NaN)

test('a delivery stream begins with the shards that were open at its start, and reads what was put since', async () => {
  const dataStream = feed(atTimestamp(startMs))
  dataStream.put('before', 1n)
  await world.simulation.run(59_000)
  dataStream.split('shardId-000000000000')
  await world.simulation.run(1_000)
  world.start('p1')
  await world.simulation.run(20)
  expect(known()).toEqual({ 1: atTimestamp(startMs), 2: atTimestamp(startMs), 3: atTimestamp(startMs) })
  dataStream.put('after', 1n)
  await world.simulation.run(10_000)
  const [taken] = world.store.appends()
  expect(taken?.frames.flatMap((frame) => [...frame.recordViews()].map(String))).toEqual(['after'])
  expect(violations(world)).toEqual([])
  expect(leftToDo(world)).toEqual([])
})

test('a shard that was closed between the start and the first listing is read to its end', async () => {
  const dataStream = feed(atTimestamp(startMs), 1)
  await world.simulation.run(61_000)
  dataStream.put('between', 1n)
  dataStream.split('shardId-000000000000')
  world.start('p1')
  await world.simulation.run(20_000)
  expect(known()).toEqual({ 0: SHARD_END, 1: TRIM_HORIZON, 2: TRIM_HORIZON })
  expect(world.store.appends()).toHaveLength(1)
})

test('from the trim horizon on, closed shards are read before their children', async () => {
  const dataStream = feed(TRIM_HORIZON, 1)
  dataStream.put('first', 1n)
  const [left] = dataStream.split('shardId-000000000000')
  dataStream.put('second', 1n)
  dataStream.split(left)
  dataStream.put('third', 1n)
  world.start('p1')
  await world.simulation.run(30_000)
  expect(violations(world)).toEqual([])
  expect(leftToDo(world)).toEqual([])
  expect(world.store.appends()).toHaveLength(3)
})

test('a listing that leaves a part of the key space out is asked for again a second later', async () => {
  const dataStream = feed(TRIM_HORIZON)
  let listings = 0
  world.kinesisOutcome = (_, { verb }) => {
    if (verb === 'listShards') listings += 1
    return soon
  }
  dataStream.hides = ({ id }) => listings < 3 && id.endsWith('1')
  world.start('p1')
  await world.simulation.run(2_000)
  expect(known()).toEqual({})
  await world.simulation.run(100)
  expect(known()).toEqual({ 0: TRIM_HORIZON, 1: TRIM_HORIZON })
  expect(listings).toBe(3)
  expect(await syncs('hole')).toBe(2)
  expect(await syncs('ok')).toBe(1)
  expect(told('listed shards left a part of the hash keys uncovered')).toBe(1)
  expect(told('listed shards covered all hash keys again')).toBe(1)
})

test('if a hole stays, all shards that are listed begin where those of the start would', async () => {
  const dataStream = feed(atTimestamp(startMs))
  const [left, right] = dataStream.split('shardId-000000000001')
  dataStream.merge(left, right)
  dataStream.hides = ({ id }) => id.endsWith('4')
  await world.simulation.run(60_000)
  world.start('p1')
  await world.simulation.run(2_020)
  expect(Object.keys(known())).toEqual(['0', '1', '2', '3'])
  expect(new Set(Object.values(known()))).toEqual(new Set([atTimestamp(startMs)]))
  dataStream.hides = () => false
  dataStream.put('late', UPPER)
  await world.simulation.run(30_000)
  expect(known()).toMatchObject({ 1: SHARD_END, 2: SHARD_END, 3: SHARD_END })
  expect(leftToDo(world)).toEqual([])
})

test.each([
  ['a server that knows no filter', 0],
  ['a clock that is ahead of the one of Kinesis', 30_000],
])('%s is asked for all shards instead', async (_, aheadMs) => {
  const dataStream = feed(atTimestamp(world.simulation.nowMs + aheadMs))
  dataStream.knowsFilters = aheadMs > 0
  world.start('p1')
  await world.simulation.run(100)
  expect(Object.keys(known())).toEqual(['0', '1'])
  await world.simulation.run(aheadMs)
  dataStream.put('due', 1n)
  await world.simulation.run(60_000)
  expect(leftToDo(world)).toEqual([])
})

test('an outage at the start is waited out, told once with a hint, and its end too', async () => {
  feed(TRIM_HORIZON)
  const times: number[] = []
  const beganMs = world.simulation.nowMs
  const away: CallOutcome = {
    ...soon,
    failure: { error: failure('unavailable', 'describe: no answer'), afterMs: 1 },
  }
  world.kinesisOutcome = (_, { verb }) => {
    if (verb === 'createdAt') times.push(world.simulation.nowMs - beganMs)
    return world.simulation.nowMs < beganMs + 300_000 ? away : soon
  }
  world.start('p1')
  await world.simulation.run(300_000)
  expect(known()).toEqual({})
  const waits = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
  expect(waits.length).toBeGreaterThan(15)
  expect(Math.max(...waits)).toBeGreaterThan(10_000)
  expect(Math.max(...waits)).toBeLessThan(30_000)
  const [warning] = world.lines.filter(({ level }) => level === 'warn')
  expect(String(warning?.fields['hint'])).toContain('kinesis:ListShards')
  await world.simulation.run(40_000)
  expect(known()).toEqual({ 0: TRIM_HORIZON, 1: TRIM_HORIZON })
  expect(told('shards of the data stream were not listed')).toBe(1)
  expect(told('shards of the data stream were listed again')).toBe(1)
  expect(world.shards().every(({ holder }) => holder === 'p1')).toBe(true)
})

test.each([
  ['an error that says what to do next', 'create it', undefined],
  ['an error that does not', undefined, expect.stringContaining('kinesis:ListShards') as string],
])('a listing that failed with %s is told with one hint', async (_, own, added) => {
  feed(TRIM_HORIZON)
  const error = new DataStreamError('list shards: it is gone', {
    kind: 'gone',
    code: 'ResourceNotFoundException',
    ...(own === undefined ? {} : { hint: own }),
  })
  world.kinesisOutcome = () => ({ ...soon, failure: { error, afterMs: 1 } })
  world.start('p1')
  await world.simulation.run(1_000)
  const [line] = world.lines.filter(({ message }) => message === 'shards of the data stream were not listed')
  expect(line?.fields['err']).toMatchObject({ hint: own })
  expect(line?.fields['hint']).toEqual(added)
})

test('while listings fail each reason is told once: the one that is left may be another than the first', async () => {
  feed(TRIM_HORIZON)
  const beganMs = world.simulation.nowMs
  const fails = (error: Error): CallOutcome => ({ ...soon, failure: { error, afterMs: 1 } })
  const outcomes = [fails(failure('unavailable', 'no answer')), fails(failure('gone', 'no such data stream'))]
  world.kinesisOutcome = () => {
    const minute = Math.floor((world.simulation.nowMs - beganMs) / 60_000)
    return minute < 4 ? (outcomes[minute % 2] ?? soon) : soon
  }
  world.start('p1')
  await world.simulation.run(300_000)
  const kinds = world.lines
    .filter(({ message }) => message === 'shards of the data stream were not listed')
    .map(({ fields }) => fields['err'])
  expect(kinds).toMatchObject([{ kind: 'unavailable' }, { kind: 'gone' }])
  expect(told('shards of the data stream were listed again')).toBe(1)
})

test('no shard at all is no answer', async () => {
  const dataStream = feed(TRIM_HORIZON)
  dataStream.hides = () => true
  world.start('p1')
  await world.simulation.run(30_000)
  expect(known()).toEqual({})
  expect(told('shards of the data stream were not listed')).toBe(1)
  dataStream.hides = () => false
  await world.simulation.run(40_000)
  expect(Object.keys(known())).toEqual(['0', '1'])
})

test('a shard that was missed is found by a later sync and read from its beginning', async () => {
  const dataStream = feed(atTimestamp(startMs))
  await world.simulation.run(60_000)
  dataStream.hides = ({ id }) => id.endsWith('1')
  world.start('p1')
  await world.simulation.run(4_000)
  expect(Object.keys(known())).toEqual(['0'])
  dataStream.put('unseen', UPPER)
  dataStream.split('shardId-000000000001')
  await world.simulation.run(100)
  dataStream.hides = () => false
  await world.simulation.run(30_000)
  expect(known()).toMatchObject({ 1: SHARD_END, 2: TRIM_HORIZON, 3: TRIM_HORIZON })
  expect(told('missed shards were registered')).toBe(1)
  expect(leftToDo(world)).toEqual([])
})

test('a data stream that was deleted and made again is read from its beginning, and its old shards are forgotten', async () => {
  const dataStream = feed(atTimestamp(startMs))
  await world.simulation.run(60_000)
  world.start('p1')
  await world.simulation.run(5_000)
  dataStream.put('old', 1n)
  await world.simulation.run(5_000)
  dataStream.delete()
  await world.simulation.run(20_000)
  expect(Object.keys(known(0))).toEqual(['0', '1'])
  dataStream.recreate(3)
  dataStream.put('new', 1n)
  await world.simulation.run(60_000)
  expect(Object.keys(known(0))).toEqual([])
  expect(Object.keys(known(1))).toEqual(['0', '1', '2'])
  expect(world.store.appends()).toHaveLength(2)
  expect(told('data stream was deleted and made again, and is read from its beginning')).toBe(1)
  expect(violations(world)).toEqual([])
  expect(leftToDo(world)).toEqual([])
})

test('a listing during which the data stream was made again is not believed', async () => {
  const dataStream = feed(TRIM_HORIZON, 1)
  let isListed = false
  world.kinesisOutcome = (_, { verb }) => {
    // Between the time of creation that was asked for first and the listing.
    if (verb === 'listShards' && !isListed) {
      isListed = true
      dataStream.recreate(3)
    }
    return soon
  }
  world.start('p1')
  await world.simulation.run(10_000)
  expect(Object.keys(known(1))).toEqual(['0', '1', '2'])
  expect(told('shards to begin with were registered')).toBe(1)
  expect(told('data stream was deleted and made again, and is read from its beginning')).toBe(0)
})

test('an ended shard is remembered while it is listed, and forgotten when it is trimmed', async () => {
  const dataStream = feed(TRIM_HORIZON, 1)
  world.start('p1')
  await world.simulation.run(5_000)
  dataStream.split('shardId-000000000000')
  dataStream.put('left', 1n)
  dataStream.put('right', UPPER)
  await world.simulation.run(130_000)
  expect(known()).toMatchObject({ 0: SHARD_END })
  dataStream.trim(world.simulation.nowMs)
  await world.simulation.run(61_000)
  expect(Object.keys(known())).toEqual(['1', '2'])
  await world.simulation.run(130_000)
  expect(Object.keys(known())).toEqual(['1', '2'])
  expect(world.store.appends()).toHaveLength(2)
})

test('while a listing has a hole nothing is forgotten, and it is listed again soon', async () => {
  const dataStream = feed(TRIM_HORIZON, 1)
  world.start('p1')
  await world.simulation.run(5_000)
  dataStream.split('shardId-000000000000')
  dataStream.put('left', 1n)
  dataStream.put('right', UPPER)
  await world.simulation.run(20_000)
  dataStream.trim(world.simulation.nowMs)
  dataStream.hides = ({ id }) => id.endsWith('2')
  await world.simulation.run(60_000)
  expect(Object.keys(known())).toEqual(['0', '1', '2'])
  dataStream.hides = () => false
  await world.simulation.run(6_000)
  expect(Object.keys(known())).toEqual(['1', '2'])
})

test('one process lists for all; when it is gone another does', async () => {
  feed(TRIM_HORIZON)
  const listings: string[] = []
  world.kinesisOutcome = ({ name }, { verb }) => {
    if (verb === 'listShards') listings.push(name)
    return soon
  }
  world.start('p1')
  world.start('p2')
  await world.simulation.run(200_000)
  expect(new Set(listings).size).toBe(1)
  expect(listings.length).toBeGreaterThanOrEqual(3)
  expect(listings.length).toBeLessThanOrEqual(5)
  const [first = ''] = listings
  listings.length = 0
  world.kill(first)
  await world.simulation.run(90_000)
  expect(new Set(listings)).toEqual(new Set([first === 'p1' ? 'p2' : 'p1']))
})

test('a process that cannot reach Kinesis leaves the listing to one that can', async () => {
  feed(TRIM_HORIZON)
  const away: CallOutcome = { ...soon, failure: { error: failure('unavailable', 'no answer'), afterMs: 1 } }
  world.kinesisOutcome = ({ name }) => (name === 'p1' ? away : soon)
  world.start('p1')
  await world.simulation.run(5_000)
  world.start('p2')
  await world.simulation.run(25_000)
  expect(Object.keys(known())).toEqual(['0', '1'])
  expect(told('shards of the data stream were listed again')).toBe(0)
})

test('a reader that finds its data stream replaced has it listed at once, whoever holds the lease', async () => {
  const dataStream = feed(TRIM_HORIZON)
  world.start('p1')
  await world.simulation.run(1_000)
  // It has listed, and keeps the lease for a minute; another process reads meanwhile.
  world.running.get('p1')?.process.pause()
  world.start('p2')
  await world.simulation.run(20_000)
  dataStream.recreate(2)
  dataStream.put('new', 1n)
  await world.simulation.run(10_000)
  expect(Object.keys(known(1))).toEqual(['0', '1'])
  expect(world.store.appends()).toHaveLength(1)
  expect([...world.store.snapshot().leases.values()].map(({ holder }) => holder)).toEqual(['p1'])
})

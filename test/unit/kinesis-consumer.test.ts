/** Defends G7: each shard is read by one process at a time, whatever becomes of processes, store and Kinesis. */
import { beforeEach, expect, test } from 'vitest'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { SHARD_END, TRIM_HORIZON } from '../../src/domain/shard.ts'
import { failure, type DataStreamCall, type SimulatedDataStream } from '../support/simulated-data-stream.ts'
import { LEASE_MS, SimulatedConsumers, type StoreCall } from '../support/simulation-consumers.ts'
import { leftToDo, violations } from '../support/simulation-oracle.ts'
import type { CallOutcome, SimulatedProcess } from '../support/simulation.ts'

const soon: CallOutcome = { thereMs: 1, backMs: 1 }
const never: CallOutcome = { thereMs: Infinity, backMs: 1 }
const ROUND_MS = LEASE_MS / 3

interface Call {
  readonly process: string
  readonly atMs: number
  readonly verb: string
  readonly shardId: string | undefined
}

let world: SimulatedConsumers
let orders: SimulatedDataStream
/** Calls of Kinesis. */
let calls: Call[]
/** What becomes of calls, where a test says so. */
let kinesis: (process: SimulatedProcess, call: DataStreamCall) => CallOutcome | undefined
let store: (process: SimulatedProcess, call: StoreCall) => CallOutcome | undefined
beforeEach(() => {
  world = new SimulatedConsumers(1)
  orders = world.feed('orders', 4, TRIM_HORIZON)
  calls = []
  kinesis = () => undefined
  store = () => undefined
  world.kinesisOutcome = (process, call) => {
    const { verb, shardId } = call
    calls.push({ process: process.name, atMs: world.simulation.nowMs, verb, shardId })
    return kinesis(process, call) ?? soon
  }
  world.storeOutcome = (process, call) => store(process, call) ?? soon
})

const run = (ms: number): Promise<void> => world.simulation.run(ms)
const loads = (): Record<string, number> => {
  const held: Record<string, number> = {}
  for (const { holder, checkpoint } of world.shards())
    if (checkpoint !== SHARD_END) held[holder ?? 'nobody'] = (held[holder ?? 'nobody'] ?? 0) + 1
  return held
}
const moves = (name: string, move: string): Promise<number> =>
  world.running.get(name)?.metrics.value('hydrant_kinesis_lease_moves_total', { move }) ??
  Promise.resolve(NaN)
const messages = (process: string): string[] =>
  world.lines.filter((line) => line.process === process).map(({ message }) => message)
const lost = (afterMs = 2_000): CallOutcome => ({
  ...never,
  failure: { error: new BufferUnavailableError('ask the store: no answer'), afterMs },
})
/** A record in each quarter of the key space. */
const putAll = (): void => {
  for (const quarter of [0n, 1n, 2n, 3n]) orders.put(`r${quarter}`, quarter << 126n)
}

test('a process that is alone reads all shards, of all delivery streams', async () => {
  world.feed('clicks', 2, TRIM_HORIZON).put('c', 1n)
  putAll()
  world.start('p1')
  await run(5_000)
  expect(loads()).toEqual({ p1: 6 })
  expect(world.store.appends()).toHaveLength(5)
  expect(await moves('p1', 'acquired')).toBe(6)
})

test('a process that joins gets its share in good order, and nothing moves after that', async () => {
  world.start('p1')
  await run(5_000)
  world.start('p2')
  await run(3 * ROUND_MS)
  expect(loads()).toEqual({ p1: 2, p2: 2 })
  expect(await moves('p1', 'released')).toBe(2)
  putAll()
  await run(60_000)
  expect(await moves('p1', 'released')).toBe(2)
  expect(await moves('p1', 'lost')).toBe(0)
  expect(await moves('p2', 'acquired')).toBe(2)
  expect(violations(world)).toEqual([])
  expect(leftToDo(world)).toEqual([])
})

test('the shards of a process that died are read on within the time of a lease', async () => {
  // It says that it is there some time after it renewed its leases.
  let renewedMs = 0
  store = ({ name }, { verb }) => {
    if (name === 'p2' && verb === 'renew') renewedMs = world.simulation.nowMs
    return name === 'p2' && verb === 'list' ? { thereMs: 1, backMs: 400 } : undefined
  }
  world.start('p1')
  world.start('p2')
  await run(20_000)
  expect(loads()).toEqual({ p1: 2, p2: 2 })
  const isThere = (): boolean => Math.round(world.simulation.nowMs - renewedMs) === 500
  expect(await world.simulation.runUntil(isThere, LEASE_MS, 1)).toBe(true)
  const diedMs = world.simulation.nowMs
  world.kill('p2')
  await run(LEASE_MS)
  expect(loads()).toEqual({ p1: 4 })
  const taken = calls.filter(
    ({ process, verb, atMs }) => process === 'p1' && verb === 'iterator' && atMs > diedMs,
  )
  expect(taken).toHaveLength(2)
})

test('a process that was paused finds its leases lost, leaves all that it held, and begins anew under new counters', async () => {
  world.start('p1')
  await run(5_000)
  world.running.get('p1')?.process.pause()
  await run(1_000)
  world.start('p2')
  await run(3 * LEASE_MS)
  expect(loads()).toEqual({ p2: 4 })
  putAll()
  await run(3_000)
  world.running.get('p1')?.process.resume()
  await run(200)
  expect(await moves('p1', 'lost')).toBe(4)
  await run(20_000)
  expect(loads()).toEqual({ p1: 2, p2: 2 })
  expect(await moves('p2', 'lost')).toBe(0)
  expect(messages('p1').filter((message) => message === 'lease of a shard was lost')).toHaveLength(4)
  expect(world.store.appends().every(({ holder }) => holder === 'p2')).toBe(true)
  expect(violations(world)).toEqual([])
})

test('a process whose pause nobody used takes its shards again under new counters', async () => {
  world.start('p1')
  await run(5_000)
  const before = world.shards().map(({ counter }) => counter)
  world.running.get('p1')?.process.pause()
  await run(2 * LEASE_MS)
  world.running.get('p1')?.process.resume()
  await run(ROUND_MS + 1_000)
  expect(loads()).toEqual({ p1: 4 })
  for (const [index, { counter }] of world.shards().entries())
    expect(counter).toBeGreaterThan(before[index] ?? Infinity)
  expect(world.store.repeated).toEqual([])
})

test('while the store is away a process stops reading before its leases run out, by its own clock', async () => {
  world.start('p1')
  await run(20_000)
  const renewed: number[] = []
  const awayMs = world.simulation.nowMs
  store = (_, { verb }) => {
    if (verb === 'renew') renewed.push(world.simulation.nowMs)
    return lost()
  }
  await run(30_000)
  const last = calls.filter(({ verb }) => verb === 'read').at(-1)
  expect(last?.atMs).toBeGreaterThan(awayMs)
  expect(last?.atMs).toBeLessThan(awayMs + LEASE_MS)
  expect(messages('p1').filter((message) => message === 'shards could not be attended to')).toHaveLength(1)
  store = () => undefined
  putAll()
  await run(15_000)
  expect(loads()).toEqual({ p1: 4 })
  expect(messages('p1')).toContain('shards are attended to again')
  expect(leftToDo(world)).toEqual([])
  expect(renewed.length).toBeGreaterThan(1)
})

test('an outage of the store that is shorter than a lease costs no lease', async () => {
  world.start('p1')
  await run(20_000)
  store = () => lost(1_000)
  await run(4_000)
  store = () => undefined
  await run(20_000)
  expect(await moves('p1', 'acquired')).toBe(4)
  expect(await moves('p1', 'lost')).toBe(0)
})

test('a lease whose acquire was not answered is found by the next round', async () => {
  let refused = 0
  store = (_, { verb }) => {
    if (verb !== 'acquire' || refused === 4) return undefined
    refused += 1
    return { ...lost(500), thereMs: 1 }
  }
  world.start('p1')
  await run(600)
  expect(loads()).toEqual({ p1: 4 })
  expect(calls.filter(({ verb }) => verb === 'read')).toEqual([])
  await run(ROUND_MS)
  expect(new Set(calls.filter(({ verb }) => verb === 'read').map(({ shardId }) => shardId)).size).toBe(4)
})

test('a Kinesis that hangs delays no renewal, nor the other delivery streams', async () => {
  const clicks = world.feed('clicks', 2, TRIM_HORIZON)
  world.start('p1')
  await run(5_000)
  const hanging = { ...never, failure: { error: failure('unavailable', 'no answer'), afterMs: 30_000 } }
  kinesis = (_, { dataStream }) => (dataStream === 'orders' ? hanging : undefined)
  await run(120_000)
  clicks.put('c', 1n)
  await run(3_000)
  expect(loads()).toEqual({ p1: 6 })
  expect(await moves('p1', 'acquired')).toBe(6)
  expect(world.store.appends()).toHaveLength(1)
})

test('children are read as soon as their parent has ended', async () => {
  world.start('p1')
  await run(20_500)
  const [left] = orders.split('shardId-000000000000')
  orders.put('child', 1n)
  await world.simulation.runUntil(
    () => world.shards().some(({ checkpoint }) => checkpoint === SHARD_END),
    5_000,
    10,
  )
  const endedMs = world.simulation.nowMs
  await run(1_000)
  const first = calls.find(({ verb, shardId }) => verb === 'read' && shardId === left)
  expect((first?.atMs ?? Infinity) - endedMs).toBeLessThan(200)
  expect(await moves('p1', 'ended')).toBe(1)
})

test('a delivery stream that is updated keeps its readers, one that is deleted loses them', async () => {
  world.start('p1')
  await run(5_000)
  const definition = world.definitions.get('orders')
  if (definition === undefined) throw new Error('there is a delivery stream')
  const { kinesis: source, ...rest } = definition
  world.definitions.set('orders', {
    ...rest,
    version: 2,
    hints: { bytes: 1, intervalMs: 1 },
    ...(source === undefined ? {} : { kinesis: { ...source } }),
  })
  await run(20_000)
  expect(await moves('p1', 'acquired')).toBe(4)
  expect(await moves('p1', 'released')).toBe(0)
  world.definitions.set('orders', { ...definition, status: 'DELETING' })
  await run(ROUND_MS + 100)
  expect(await moves('p1', 'released')).toBe(4)
  const asked = calls.length
  world.definitions.delete('orders')
  await run(180_000)
  expect(calls).toHaveLength(asked)
})

test.each([
  ['the list of delivery streams is answered late', 'registry'],
  ['the renewal of leases is answered late', 'renew'],
])('a delivery stream that was deleted cost no lease, also when %s', async (_, late) => {
  const clicks = world.feed('clicks', 2, TRIM_HORIZON)
  world.start('p1')
  await run(5_000)
  store = (__, { verb }) => (verb === late ? { thereMs: 1, backMs: 700 } : undefined)
  world.definitions.delete('orders')
  await run(ROUND_MS + 1_000)
  expect(await moves('p1', 'released')).toBe(4)
  expect(await moves('p1', 'lost')).toBe(0)
  expect(world.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  clicks.put('c', 1n)
  await run(5_000)
  expect(loads()).toMatchObject({ p1: 2 })
  expect(world.store.appends()).toHaveLength(1)
})

test('while delivery streams cannot be listed leases are renewed, and those that are lost are left', async () => {
  world.start('p1')
  await run(5_000)
  store = (_, { verb }) => (verb === 'registry' ? lost() : undefined)
  await run(3 * LEASE_MS)
  expect(loads()).toEqual({ p1: 4 })
  expect(await moves('p1', 'lost')).toBe(0)
  world.store.rollBack({ ...world.store.snapshot(), shards: new Map() })
  // Sooner than it leaves by its own clock what it did not renew.
  await run(2 * ROUND_MS)
  expect(await moves('p1', 'lost')).toBe(4)
  expect(messages('p1').filter((message) => message === 'lease of a shard was lost')).toHaveLength(4)
})

test('how far each shard is behind is told for those that are held now, and kept by the store', async () => {
  world.start('p1')
  await run(5_000)
  const running = world.running.get('p1')
  if (running === undefined) throw new Error('it runs')
  orders.answersEmpty = () => true
  orders.put('late', 0n)
  await run(10_000)
  await running.metrics.exposition()
  const behind = (shard: number): Promise<number> =>
    running.metrics.value('hydrant_kinesis_millis_behind_latest', { shard: `shardId-00000000000${shard}` })
  expect(await behind(0)).toBeGreaterThan(5_000)
  expect(await behind(1)).toBe(0)
  const kept = [...world.store.snapshot().shards.values()].map(({ behindMs }) => behindMs ?? -1)
  expect(kept[0]).toBeGreaterThan(3_000)
  expect(kept.slice(1)).toEqual([0, 0, 0])
  world.stop('p1')
  await run(1_000)
  expect(await running.metrics.exposition()).not.toContain('hydrant_kinesis_millis_behind_latest{')
})

test('a process that stops frees its shards at once', async () => {
  world.start('p1')
  world.start('p2')
  await run(20_000)
  putAll()
  world.stop('p1')
  await run(200)
  expect(Object.keys(loads())).not.toContain('p1')
  expect(world.store.snapshot().attending.has('p1')).toBe(false)
  expect(world.running.get('p1')?.process.isDead).toBe(true)
  await run(ROUND_MS)
  expect(loads()).toEqual({ p2: 4 })
  await run(5_000)
  expect(violations(world)).toEqual([])
  expect(leftToDo(world)).toEqual([])
})

test('an append in flight is waited for when a process stops', async () => {
  world.start('p1')
  await run(5_000)
  store = (_, { verb }) => (verb === 'appendFromShard' ? { thereMs: 1_500, backMs: 1_500 } : undefined)
  putAll()
  await run(2_500)
  expect(world.store.appends()).toEqual([])
  world.stop('p1')
  await run(5_000)
  expect(world.running.get('p1')?.process.isDead).toBe(true)
  expect(loads()).toEqual({ nobody: 4 })
  expect(world.store.appends()).toHaveLength(4)
})

test.each([
  ['the store hangs', 'store'],
  ['Kinesis hangs', 'Kinesis'],
  ['both hang', 'both'],
])('a process stops within the time of a lease when %s', async (_, what) => {
  world.start('p1')
  await run(5_000)
  if (what !== 'Kinesis') store = () => never
  if (what !== 'store') kinesis = () => never
  await run(4_000)
  world.stop('p1')
  await run(LEASE_MS + 10)
  expect(world.running.get('p1')?.process.isDead).toBe(true)
})

test('a process that stops during a round starts no reader', async () => {
  for (let ms = 1; ms <= 90; ms += 1) {
    world = new SimulatedConsumers(ms)
    orders = world.feed('orders', 4, TRIM_HORIZON)
    world.start('p1')
    await run(ms)
    world.stop('p1')
    await run(100)
    expect(world.running.get('p1')?.process.isDead).toBe(true)
    expect(loads()).toEqual(world.shards().length === 0 ? {} : { nobody: 4 })
  }
})

test('a process that cannot look at the shards is not counted among those that read', async () => {
  world.start('p1')
  world.start('p2')
  await run(20_000)
  store = ({ name }, { verb }) => (name === 'p2' && verb === 'list' ? lost(100) : undefined)
  world.running.get('p2')?.process.pause()
  await run(LEASE_MS)
  world.running.get('p2')?.process.resume()
  await run(3 * LEASE_MS)
  expect(loads()).toEqual({ p1: 4 })
})

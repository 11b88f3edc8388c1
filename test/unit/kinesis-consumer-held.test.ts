/** The shards that a process holds: what becomes of leases and readers when either ends. */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { Accepted, AcceptFromShard, OutOfPlace, RenewedShard } from '../../src/domain/ports.ts'
import type { ShardState } from '../../src/domain/shard.ts'
import type { ConsumerOptions } from '../../src/receive/kinesis/consumer-options.ts'
import type { FedStream } from '../../src/receive/kinesis/fed-stream.ts'
import { HeldShards } from '../../src/receive/kinesis/held-shards.ts'
import type { ReaderEnd, ShardReader, ShardReaderOptions } from '../../src/receive/kinesis/shard-reader.ts'
import { FakeClock } from '../support/fake-clock.ts'

const LEASE_MS = 9_000
const KEY = '1000/shardId-000000000000'
const stream = { name: 'orders', incarnation: '0123456789abcdef' }
const shard: ShardState = {
  key: KEY,
  parents: [],
  hashRange: ['0', '9'],
  checkpoint: 'TRIM_HORIZON',
  children: [],
  counter: 1,
  leaseMs: LEASE_MS,
  checkpointAgeMs: 0,
}

class Reader implements ShardReader {
  readonly key: string
  behindMs: number | undefined = 70
  isStopped = false
  readonly ended: Promise<ReaderEnd>
  end: (why: ReaderEnd) => void = () => undefined

  readonly accept: AcceptFromShard

  constructor({ shard: { key }, accept }: ShardReaderOptions) {
    this.key = key
    this.accept = accept
    this.ended = new Promise((resolve) => (this.end = resolve))
  }

  async stop(): Promise<void> {
    this.isStopped = true
    await this.ended
  }
}

function setUp() {
  const clock = new FakeClock()
  const metrics = new Metrics()
  const readers: Reader[] = []
  const renewals: (readonly RenewedShard[])[] = []
  const told: string[] = []
  const answer: Accepted | OutOfPlace = { kind: 'accepted', appendSequence: 1 }
  const scene = { keeps: true, isAway: false, answer: answer as Accepted | OutOfPlace }
  const away = (): void => {
    if (scene.isAway) throw new Error('away')
  }
  const options = {
    shards: {
      renew: async (_stream: unknown, held: readonly RenewedShard[]) => {
        away()
        renewals.push(held)
        return scene.keeps ? held.map(({ key }) => key) : []
      },
      release: async ({ counter }: { counter: number }) => {
        told.push(`release ${counter}`)
        away()
      },
    },
    accept: async () => scene.answer,
    leaseMs: LEASE_MS,
    clock,
    metrics,
    log: createLog('silent'),
    startReader: (given: ShardReaderOptions) => {
      const reader = new Reader(given)
      readers.push(reader)
      return reader
    },
  } as unknown as ConsumerOptions
  const fed = {
    stream,
    source: { outOfRangeRecords: 'keep' },
    sync: { soon: () => told.push('sync soon') },
  } as unknown as FedStream
  const held = new HeldShards(options, () => told.push('shard ended'))
  const start = (): Reader => {
    const acquired = { lease: { stream, key: KEY, counter: readers.length + 1 }, checkpoint: 'TRIM_HORIZON' }
    held.start(fed, shard, acquired, clock.monotonicMs())
    const reader = readers.at(-1)
    if (reader === undefined) throw new Error('a reader was started')
    return reader
  }
  const moves = (move: string): Promise<number> =>
    metrics.value('hydrant_kinesis_lease_moves_total', { move })
  return { clock, held, fed, start, renewals, told, scene, moves }
}

test('a renewal names the counter and how far the reader is behind', async () => {
  const { held, start, renewals } = setUp()
  start()
  await held.renew()
  expect(renewals).toEqual([[{ key: KEY, counter: 1, behindMs: 70 }]])
})

test('a lease that the store does not renew any more is lost: its reader is stopped and it is renewed no more', async () => {
  const { held, fed, start, renewals, scene, clock, moves } = setUp()
  const reader = start()
  scene.keeps = false
  await held.renew()
  expect(reader.isStopped).toBe(false)
  held.leaveLost()
  expect(reader.isStopped).toBe(true)
  expect(held.stateOf(fed, KEY)).toBe('left')
  await held.renew()
  expect(renewals).toHaveLength(1)
  reader.end('stopped')
  await clock.advance(1)
  expect(await moves('lost')).toBe(1)
  expect(held.stateOf(fed, KEY)).toBe('not held')
})

test('a lease that was not renewed for nearly its time is left, without asking the store', async () => {
  const { held, start, scene, clock, told } = setUp()
  const reader = start()
  await clock.advance(4_000)
  await held.renew()
  scene.isAway = true
  await expect(held.renew()).rejects.toThrow('away')
  await clock.advance(8_000)
  held.leaveOverdue()
  expect(reader.isStopped).toBe(false)
  await clock.advance(200)
  held.leaveOverdue()
  expect(reader.isStopped).toBe(true)
  expect(told).toEqual([])
})

test('a lease that is given up is renewed until its reader has stopped, then released, and left to others for a while', async () => {
  const { held, fed, start, renewals, told, clock, moves } = setUp()
  const reader = start()
  held.giveUp(fed, KEY)
  held.giveUp(fed, KEY)
  await held.renew()
  expect(renewals).toHaveLength(1)
  expect(told).toEqual([])
  reader.end('stopped')
  await clock.advance(1)
  expect(told).toEqual(['release 1'])
  expect(held.stateOf(fed, KEY)).toBe('left')
  await clock.advance(LEASE_MS / 3)
  expect(held.stateOf(fed, KEY)).toBe('not held')
  expect(await moves('released')).toBe(1)
})

test('a shard that the store has at an earlier place than its reader left it was set back, and is left', async () => {
  const { held, fed, start, scene } = setUp()
  const reader = start()
  const position = { lease: { stream, key: KEY, counter: 1 }, after: 'TRIM_HORIZON', last: '7' }
  held.expectPlaces(fed)([shard])
  expect(reader.isStopped).toBe(false)
  await reader.accept([], position)
  const check = held.expectPlaces(fed)
  // Its reader goes on while the shards are listed; what counts is where it was before.
  await reader.accept([], { ...position, after: '7', last: '12' })
  check([{ ...shard, checkpoint: '7' }])
  check([{ ...shard, checkpoint: '12' }])
  check([{ ...shard, checkpoint: 'SHARD_END' }])
  check([])
  expect(reader.isStopped).toBe(false)
  scene.answer = { kind: 'gap', checkpoint: '9' }
  await reader.accept([], { ...position, after: '12', last: '13' })
  held.expectPlaces(fed)([{ ...shard, checkpoint: '9' }])
  expect(reader.isStopped).toBe(false)
  held.expectPlaces(fed)([shard])
  expect(reader.isStopped).toBe(true)
})

test('a shard whose parent is not at its end any more is left', () => {
  const { held, fed, start } = setUp()
  const reader = start()
  const parent = { ...shard, key: '1000/parent' }
  const child = { ...shard, parents: [parent.key] }
  held.expectPlaces(fed)([{ ...parent, checkpoint: 'SHARD_END' }, child])
  expect(reader.isStopped).toBe(false)
  held.expectPlaces(fed)([{ ...parent, checkpoint: '7' }, child])
  expect(reader.isStopped).toBe(true)
})

test('leaving all waits for the readers, and no longer than for a store that is away', async () => {
  const { held, start, scene, told, clock } = setUp()
  const reader = start()
  scene.isAway = true
  const left = held.giveUpAll()
  await clock.advance(1)
  expect(told).toEqual([])
  reader.end('stopped')
  await left
  expect(told).toEqual(['release 1'])
  expect(held.lags()).toEqual([])
})

test.each<[ReaderEnd, string, string[]]>([
  ['shard-end', 'ended', ['shard ended']],
  ['fenced', 'lost', ['release 1']],
  ['stream-gone', 'released', ['release 1']],
  ['data-stream-replaced', 'released', ['release 1', 'sync soon']],
])('a reader that ends by %s: its lease has %s', async (end, move, expected) => {
  const { held, fed, start, told, clock, moves } = setUp()
  start().end(end)
  await clock.advance(1)
  expect(told).toEqual(expected)
  expect(await moves(move)).toBe(1)
  expect(held.stateOf(fed, KEY)).toBe(move === 'released' ? 'left' : 'not held')
})

test('a shard that ends while it is being given up has ended', async () => {
  const { held, fed, start, told, clock, moves } = setUp()
  const reader = start()
  held.giveUp(fed, KEY)
  reader.end('shard-end')
  await clock.advance(1)
  expect(told).toEqual(['shard ended'])
  expect(await moves('ended')).toBe(1)
  expect(await moves('released')).toBe(0)
})

/**
 * A shard reader takes each record of its shard into the buffer once and in order (G7): how it reads, what it appends, how
 * it ends. What can go wrong is in kinesis-reader-failures.
 */
import { expect, test } from 'vitest'
import type { Accepted } from '../../src/domain/ports.ts'
import { createReadTurns } from '../../src/receive/kinesis/read-turns.ts'
import { aggregateOf, sealAggregate } from '../support/kpl.ts'
import { answer, child, listed, readerWorld, sourceRecord } from '../support/shard-reading.ts'

const SHARD = 'shardId-000000000003'
const labels = { delivery_stream: 'orders' }

test('it reads behind its checkpoint, and each append names the one that it follows', async () => {
  const world = readerWorld('10')
  world.script.reads.push(answer([11, 12], 'it-2'), answer([13], 'it-3'))
  world.start()
  await world.clock.advance(2_000)
  expect(world.journal).toEqual([
    `locate ${SHARD} 10`,
    '(after-shard-iterator)',
    'same',
    'read it-1',
    '(after-shard-read)',
    'append 10 > 12: r11 r12',
    '(after-shard-append)',
    'read it-2',
    '(after-shard-read)',
    'append 12 > 13: r13',
    '(after-shard-append)',
    'read it-3',
    '(after-shard-read)',
  ])
  expect(world.store).toEqual({ checkpoint: '13', records: ['r11', 'r12', 'r13'] })
})

test('the append holds the lease that came with the shard', async () => {
  const world = readerWorld('10')
  world.script.reads.push(answer([11], 'it-2'))
  const leases: unknown[] = []
  world.start({
    accept: (frames, position) => {
      leases.push(position.lease)
      return Promise.resolve(world.append(frames, position))
    },
  })
  await world.clock.advance(0)
  expect(leases).toEqual([
    {
      stream: { name: 'orders', incarnation: '0123456789abcdef' },
      key: `1790000000000/${SHARD}`,
      counter: 1,
    },
  ])
})

test('a shard with nothing more to give is read once a second, one that lags four times', async () => {
  const world = readerWorld()
  const lagging = { behindMs: 5_000 }
  world.script.reads.push(
    answer([1], 'a'),
    answer([2], 'b', lagging),
    answer([], 'c', lagging),
    answer([3], 'd'),
  )
  const reader = world.start()
  expect(reader.behindMs).toBeUndefined()
  await world.clock.advance(1_000)
  expect(reader.behindMs).toBe(5_000)
  await world.clock.advance(2_000)
  expect(reader.behindMs).toBe(0)
  expect(world.times('read')).toEqual([0, 1_000, 1_250, 1_500, 2_500])
})

test('a large answer is paid for before the next call', async () => {
  const world = readerWorld()
  world.script.reads.push(answer([1], 'a', { behindMs: 5_000, bytes: 10 * 1024 * 1024 }))
  world.start()
  await world.clock.advance(6_000)
  expect(world.times('read')).toEqual([0, 5_000, 6_000])
})

test('reads that bring no record to keep move no checkpoint, and the iterator goes on', async () => {
  const world = readerWorld('10')
  const nothing = sourceRecord(12, { data: sealAggregate(Buffer.from('0a0161', 'hex')) })
  world.script.reads.push(answer([], 'a'), answer([nothing], 'b'), answer([13], 'c'))
  world.start()
  await world.clock.advance(2_000)
  expect(world.journal.filter((call) => call.startsWith('append'))).toEqual(['append 10 > 13: r13'])
  expect(world.journal.filter((call) => call.startsWith('read'))).toEqual(['read it-1', 'read a', 'read b'])
})

test('records that are in the buffer already are left out', async () => {
  const world = readerWorld('11')
  world.script.reads.push(answer([9, 10, 11, 12], 'a'), answer([13], 'b'))
  world.start()
  await world.clock.advance(1_000)
  expect(world.store.records).toEqual(['r12', 'r13'])
})

test('aggregates are opened, and one append never ends inside of one', async () => {
  const world = readerWorld('10')
  const users = ['a', 'b'].map((data) => ({ data, partitionKey: data }))
  world.script.reads.push(answer([sourceRecord(11, { data: aggregateOf(users) }), 12], 'a'))
  world.start()
  await world.clock.advance(0)
  expect(world.journal).toContain('append 10 > 12: a b r12')
})

test.each([
  ['keep', 'true', ['a', 'b', 'r12']],
  ['drop', 'false', ['r12']],
] as const)(
  'user records out of the shard’s range are counted with %s',
  async (outOfRangeRecords, kept, records) => {
    const world = readerWorld('10')
    const users = ['a', 'b'].map((data) => ({ data, partitionKey: data, explicitHashKey: '7' }))
    const aggregate = sourceRecord(11, { data: aggregateOf(users) })
    world.script.reads.push(
      answer([aggregate, 12], 'a'),
      answer([sourceRecord(13, { data: aggregateOf(users) })], 'b'),
    )
    world.start({ outOfRangeRecords, shard: { key: `1790000000000/${SHARD}`, hashRange: ['0', '5'] } })
    await world.clock.advance(500)
    expect(world.store.records).toEqual(records)
    await world.clock.advance(1_000)
    const counted = { ...labels, kept }
    expect(await world.metrics.value('hydrant_kinesis_out_of_range_records_total', counted)).toBe(4)
  },
)

test('records, bytes, reads and checkpoints are counted', async () => {
  const world = readerWorld()
  world.script.reads.push(answer([1, 2], 'a'), answer([], 'b'))
  world.start()
  await world.clock.advance(1_000)
  expect(await world.metrics.value('hydrant_kinesis_records_total', labels)).toBe(2)
  expect(await world.metrics.value('hydrant_kinesis_bytes_total', labels)).toBe(4)
  expect(await world.metrics.value('hydrant_kinesis_reads_total', { ...labels, result: 'ok' })).toBe(2)
  expect(await world.metrics.value('hydrant_kinesis_checkpoints_total', labels)).toBe(1)
})

test('no turn is held but from a read to the end of its append', async () => {
  const world = readerWorld()
  const turns = createReadTurns(1)
  const other = await turns.take('clicks', new AbortController().signal)
  world.script.reads.push(answer([1], 'a'))
  let taken: (accepted: Accepted) => void = () => undefined
  world.script.appends.push(() => new Promise<Accepted>((resolve) => (taken = resolve)))
  world.start({ turns })
  await world.clock.advance(10_000)
  expect(world.journal.at(-1)).toBe('same')
  other?.end('done')
  await world.clock.advance(0)
  expect(world.journal.at(-1)).toBe('append TRIM_HORIZON > 1: r1')
  let freed = false
  const next = turns.take('clicks', new AbortController().signal).then(() => (freed = true))
  await world.clock.advance(5_000)
  expect(freed).toBe(false)
  taken({ kind: 'accepted', appendSequence: 1 })
  await next
  expect(world.journal.at(-1)).toBe('(after-shard-append)')
})

test('an iterator that grew old while it waited for its turn is not used', async () => {
  const world = readerWorld('10')
  const turns = createReadTurns(1)
  const other = await turns.take('clicks', new AbortController().signal)
  world.start({ turns })
  await world.clock.advance(240_001)
  other?.end('done')
  await world.clock.advance(0)
  expect(world.journal.filter((call) => !call.startsWith('('))).toEqual([
    `locate ${SHARD} 10`,
    'same',
    `locate ${SHARD} 10`,
    'same',
    'read it-2',
  ])
  expect(world.lines).toEqual([])
})

test.each([
  ['another has its lease', { kind: 'fenced' }, 'fenced'],
  ['another has ended the shard', { kind: 'gap', checkpoint: 'SHARD_END' }, 'fenced'],
  ['its delivery stream is gone', { kind: 'refused' }, 'stream-gone'],
] as const)('it ends when an append says that %s', async (_, appended, end) => {
  const world = readerWorld('10')
  world.script.reads.push(answer([11], 'a'))
  world.script.appends.push(appended)
  world.start()
  await world.clock.advance(10_000)
  expect(world.end()).toBe(end)
  expect(world.journal.at(-1)).toBe('(after-shard-append)')
})

test('the last records of a shard are appended before its end, and its children are registered with it', async () => {
  const world = readerWorld('10')
  const children = ['shardId-000000000004', 'shardId-000000000005'].map(listed)
  world.script.reads.push(answer([11, 12], undefined, { children }))
  world.start()
  await world.clock.advance(1_000)
  expect(world.journal.slice(3)).toEqual([
    'read it-1',
    '(after-shard-read)',
    'append 10 > 12: r11 r12',
    '(after-shard-append)',
    'children [shardId-000000000004 shardId-000000000005]',
    'same',
    '(before-shard-end)',
    'end 12 [1790000000000/shardId-000000000004 1790000000000/shardId-000000000005]',
    '(after-shard-end)',
  ])
  expect(world.end()).toBe('shard-end')
  expect(world.lines).toMatchObject([
    {
      level: 'info',
      message: 'shard was read to its end',
      fields: { children: [child('shardId-000000000004').key, child('shardId-000000000005').key] },
    },
  ])
})

test('a shard that ends empty needs no append; children that Kinesis did not name are looked for', async () => {
  const world = readerWorld()
  world.script.reads.push(answer([], undefined))
  world.script.children.push([child('shardId-000000000009')])
  world.start()
  await world.clock.advance(1_000)
  expect(world.journal.filter((call) => !call.startsWith('(')).slice(3)).toEqual([
    'children []',
    'same',
    'end TRIM_HORIZON [1790000000000/shardId-000000000009]',
  ])
  expect(world.end()).toBe('shard-end')
})

test('a stop waits for the append in flight, and nothing is read after it', async () => {
  const world = readerWorld('10')
  world.script.reads.push(answer([11], 'a'))
  let go: () => void = () => undefined
  const reader = world.start({
    accept: async (frames, position) => {
      await new Promise<void>((resolve) => (go = resolve))
      return world.append(frames, position)
    },
  })
  await world.clock.advance(0)
  const stopping = reader.stop()
  await world.clock.advance(10_000)
  expect(world.end()).toBeUndefined()
  go()
  await stopping
  await world.clock.advance(10_000)
  expect(world.end()).toBe('stopped')
  expect(world.store.checkpoint).toBe('11')
  expect(world.journal.at(-1)).toBe('(after-shard-append)')
})

const hangs = (): Promise<never> => new Promise(() => undefined)

test.each([
  ['an iterator', 'iterators'],
  ['the records', 'reads'],
  ['the creation of the data stream', 'same'],
] as const)('a stop does not wait for %s', async (_, call) => {
  const world = readerWorld('10')
  world.script[call].push(hangs)
  const turns = createReadTurns(1)
  const reader = world.start({ turns })
  await world.clock.advance(0)
  await reader.stop()
  expect(await reader.ended).toBe('stopped')
  expect(await turns.take('clicks', new AbortController().signal)).toBeDefined()
})

test('a stop does not wait for the next read, nor for a turn', async () => {
  const world = readerWorld('10')
  const turns = createReadTurns(1)
  const [resting, waiting] = [world.start({ turns }), world.start({ turns })]
  await world.clock.advance(500)
  const turn = await turns.take('clicks', new AbortController().signal)
  await world.clock.advance(500)
  await Promise.all([resting.stop(), waiting.stop(), waiting.stop()])
  expect(world.clock.sleeping).toBe(0)
  turn?.end('done')
})

test('a defect is not swallowed: it ends the process, and the reader never says that it ended', async () => {
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const unhandled: unknown[] = []
  process.on('unhandledRejection', (error) => unhandled.push(error))
  try {
    const world = readerWorld('10')
    const defect = new TypeError('records is not iterable')
    world.script.reads.push(defect)
    const turns = createReadTurns(1)
    const reader = world.start({ turns })
    await world.clock.advance(10_000)
    expect(unhandled).toEqual([defect])
    expect(world.end()).toBeUndefined()
    await expect(reader.stop()).rejects.toBe(defect)
    expect(await turns.take('clicks', new AbortController().signal)).toBeDefined()
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
  }
})

/** The shards in memory that simulations use do what those of the store adapters do. */
import { describe, expect, test } from 'vitest'
import type { StreamRef } from '../../../src/domain/delivery-stream.ts'
import type { Totals } from '../../../src/domain/outcome.ts'
import type { Store } from '../../../src/domain/ports.ts'
import { TRIM_HORIZON } from '../../../src/domain/shard.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemoryShards } from '../../support/memory-shards.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { frameOf, streamOf, type MakeStore } from './fixture.ts'
import { shardPlaceSuite } from './shard-append-suite.ts'
import { shardEndSuite } from './shard-end-suite.ts'
import { acquired, follows, keyOf, LEASE_MS, newShard, sequenceNumber } from './shard-fixture.ts'
import { shardsSuite } from './shards-suite.ts'

function emptyMemory(clock = new FakeClock()) {
  const memory = new MemoryStore()
  return { clock, memory, shards: new MemoryShards(clock, memory.streams) }
}

const make: MakeStore = async ({ clock }) => {
  const { memory, shards } = emptyMemory(clock)
  const totals = async (stream: StreamRef): Promise<Totals | undefined> => {
    if (memory.streams.get(stream.name)?.incarnation !== stream.incarnation) return undefined
    const taken = [...shards.appends(), ...memory.appends].flatMap((append) => append.frames)
    const accepted = taken.reduce((total, frame) => total + frame.records, 0)
    const acceptedBytes = taken.reduce((total, frame) => total + frame.recordBytes, 0)
    const nothing = { delivered: 0, failed: 0, dropped: 0, rows: 0, sealedBatches: 0, quarantinedBatches: 0 }
    const pending = { pending: accepted, pendingBytes: acceptedBytes, oldestPendingAgeMs: undefined }
    return { ...nothing, ...pending, accepted, acceptedBytes }
  }
  let isAnswerLost = false
  shards.carry = async (_call, step) => {
    const answer = step()
    if (!isAnswerLost) return answer
    isAnswerLost = false
    return step()
  }
  const openAs = (holder: string): Store => {
    const { shards: port, leases, appendFromShard } = shards.as(holder)
    return {
      buffer: { ...memory.buffer, appendFromShard, totals },
      registry: memory.registry,
      leases,
      shards: port,
      journal: { entries: async () => [], find: async () => undefined },
      promise: 'nothing',
      check: async () => undefined,
      close: async () => undefined,
    }
  }
  return {
    store: openAs('first'),
    reopen: async () => openAs('reopened'),
    close: async () => undefined,
    otherShards: async () => shards.as('other').shards,
    copy: async () => {
      const kept = shards.snapshot()
      return async () => {
        shards.rollBack(kept)
        return openAs('first')
      }
    },
    loseNextAnswer: () => {
      isAnswerLost = true
    },
  }
}

describe('memory: shards', () => shardsSuite(make))
describe('memory: place of an append from a shard', () => shardPlaceSuite(make))
describe('memory: end of a shard', () => shardEndSuite(make))

test('what was appended is kept for each shard with the counter, and a rolled back store has it all back', async () => {
  const { clock, memory, shards } = emptyMemory()
  const stream = streamOf()
  await memory.registry.create(stream)
  const { shards: port, appendFromShard } = shards.as('one')
  await port.register(stream, [newShard(1), newShard(2)])
  const { lease } = await acquired(port, stream, keyOf(1))
  await appendFromShard([frameOf(['a'])], follows(lease, TRIM_HORIZON, 1))
  const before = shards.snapshot()
  await appendFromShard([frameOf(['b'])], follows(lease, sequenceNumber(1), 2))
  await clock.advance(LEASE_MS)
  const next = await acquired(shards.as('two').shards, stream, keyOf(1))
  await port.register(stream, [newShard(3)])
  expect(next.lease.counter).toBeGreaterThan(lease.counter)
  const log = shards.appends(keyOf(1))
  expect(log.map(({ position }) => position.last)).toEqual([1, 2].map(sequenceNumber))
  expect(log.map(({ position }) => position.lease.counter)).toEqual([lease.counter, lease.counter])
  expect(shards.appends(keyOf(2))).toEqual([])
  for (let turn = 0; turn < 2; turn += 1) {
    shards.rollBack(before)
    expect(shards.appends()).toHaveLength(1)
    expect(await port.list(stream)).toMatchObject([
      { checkpoint: sequenceNumber(1), counter: lease.counter },
      { key: keyOf(2) },
    ])
    await acquired(port, stream, keyOf(2))
    await clock.advance(LEASE_MS)
  }
  expect(shards.repeated).toEqual([])
})

test('what does not fit into the room that is left is throttled', async () => {
  const { memory, shards } = emptyMemory()
  const stream = streamOf()
  await memory.registry.create(stream)
  const { shards: port, appendFromShard } = shards.as('one')
  await port.register(stream, [newShard(1)])
  const { lease } = await acquired(port, stream, keyOf(1))
  const position = follows(lease, TRIM_HORIZON, 1)
  shards.roomBytes = 10
  expect(await appendFromShard([frameOf(['a'])], position)).toEqual({ kind: 'throttled' })
  shards.roomBytes = 1000
  expect(await appendFromShard([frameOf(['a'])], position)).toMatchObject({ kind: 'appended' })
})

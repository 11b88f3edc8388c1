/**
 * Whatever goes wrong, and in whatever order, a shard that is read to its end is in the buffer once and in order (G7), and
 * its children are registered: random faults of Kinesis and of the store against a shard reader on a simulated clock.
 */
import { array, assert, asyncProperty, constantFrom, integer, record } from 'fast-check'
import { expect, test } from 'vitest'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { isSequenceNumber, SHARD_END, TRIM_HORIZON, type Checkpoint } from '../../src/domain/shard.ts'
import type { DataStream } from '../../src/receive/kinesis/data-stream.ts'
import type { ShardReaderOptions } from '../../src/receive/kinesis/shard-reader.ts'
import { aggregateOf } from '../support/kpl.ts'
import {
  answer,
  child,
  failure,
  listed,
  readerWorld,
  sourceRecord,
  type ReaderWorld,
} from '../support/shard-reading.ts'

const SHARD = 'shardId-000000000003'
const CHILD = 'shardId-000000000004'

const kinesisFaults = ['throttled', 'expired', 'unavailable', 'denied', 'gone', 'invalid'] as const
type KinesisFault = (typeof kinesisFaults)[number] | 'none'
const storeFaults = ['none', 'full', 'lost', 'taken but lost', 'sent twice', 'rolled back'] as const
type StoreFault = (typeof storeFaults)[number]

const plan = record({
  records: integer({ min: 0, max: 12 }),
  perRead: integer({ min: 1, max: 5 }),
  kinesis: array(constantFrom<KinesisFault>('none', 'none', 'none', ...kinesisFaults), { maxLength: 40 }),
  store: array(constantFrom<StoreFault>('none', 'none', ...storeFaults), { maxLength: 12 }),
})

test('each record is taken once and in order, and the shard ends with its children', async () => {
  await assert(
    asyncProperty(plan, async ({ records, perRead, kinesis, store }) => {
      const world = readerWorld()
      const numbers = Array.from({ length: records }, (_, index) => 10 + index)
      const failing = failingStore(world, [...store])
      world.start({ ...failing.options, ...failingKinesis(numbers, perRead, [...kinesis]) })
      for (let round = 0; world.end() === undefined && round < 100; round += 1)
        await world.clock.advance(30_000)
      expect(world.end()).toBe('shard-end')
      expect(world.store).toEqual({ checkpoint: SHARD_END, records: numbers.flatMap(textsOf) })
      expect(failing.children).toEqual([child(CHILD)])
      expect(world.clock.sleeping).toBe(0)
    }),
    { numRuns: 300 },
  )
})

/** Every third record is an aggregate of two. */
const textsOf = (n: number): string[] => (n % 3 === 0 ? [`r${n}a`, `r${n}b`] : [`r${n}`])

function recordOf(n: number): ReturnType<typeof sourceRecord> {
  const users = textsOf(n).map((data) => ({ data, partitionKey: 'k' }))
  return users.length === 1 ? sourceRecord(n) : sourceRecord(n, { data: aggregateOf(users) })
}

/** A closed shard of these records, whose iterators are places in them; each call fails as the next fault says. */
function failingKinesis(
  numbers: readonly number[],
  perRead: number,
  faults: KinesisFault[],
): Pick<ShardReaderOptions, 'dataStream' | 'isSameDataStream' | 'childrenOf'> {
  function unlessFailing<T>(make: () => T): Promise<T> {
    const kind = faults.shift() ?? 'none'
    return kind === 'none' ? Promise.resolve(make()) : Promise.reject(failure(kind))
  }
  const placeOf = (checkpoint: Checkpoint): number =>
    isSequenceNumber(checkpoint) ? numbers.filter((n) => n <= Number(checkpoint)).length : 0
  const dataStream: DataStream = {
    arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/orders',
    createdAt: () => unlessFailing(() => 0),
    listShards: () => unlessFailing(() => [listed(SHARD)]),
    iterator: (_, checkpoint) => unlessFailing(() => String(placeOf(checkpoint))),
    read: (iterator, _, most = perRead) =>
      unlessFailing(() => {
        const end = Number(iterator) + Math.min(most, perRead)
        const records = numbers.slice(Number(iterator), end).map(recordOf)
        if (end < numbers.length) return answer(records, String(end), { behindMs: 60_000 })
        return answer(records, undefined, { children: perRead > 2 ? [listed(CHILD)] : [] })
      }),
  }
  return {
    dataStream,
    isSameDataStream: () => unlessFailing(() => true),
    childrenOf: () => unlessFailing(() => [child(CHILD)]),
  }
}

/** The store of the world; each call fails as the next fault says. Rolled back, it is as it was after an earlier append. */
function failingStore(world: ReaderWorld, faults: StoreFault[]) {
  const states = [{ checkpoint: TRIM_HORIZON, records: [] as string[] }]
  const registered: { children: readonly unknown[] } = { children: [] }

  async function unlessFailing<T>(take: () => T, full: T | undefined): Promise<T> {
    const fault = faults.shift() ?? 'none'
    if (fault === 'lost') throw new BufferUnavailableError('append orders: no answer')
    if (fault === 'full' && full !== undefined) return full
    if (fault === 'rolled back') Object.assign(world.store, structuredClone(states[states.length >> 1]))
    const taken = take()
    if (fault === 'taken but lost') throw new BufferUnavailableError('append orders: no answer')
    return fault === 'sent twice' ? take() : taken
  }

  const options: Pick<ShardReaderOptions, 'accept' | 'shards'> = {
    accept: (frames, position) =>
      unlessFailing(
        () => {
          const taken = world.append(frames, position)
          if (taken.kind === 'accepted') states.push(structuredClone(world.store))
          return taken
        },
        { kind: 'throttled' },
      ),
    shards: {
      end: (_, after, children) =>
        unlessFailing(() => {
          if (after !== world.store.checkpoint) return { kind: 'gap', checkpoint: world.store.checkpoint }
          world.store.checkpoint = SHARD_END
          registered.children = children
          return { kind: 'ended' }
        }, undefined),
    },
  }
  return {
    options,
    get children() {
      return registered.children
    },
  }
}

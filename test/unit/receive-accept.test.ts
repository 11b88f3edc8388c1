/** The shared front door: group commit, append ids, throttling, what is told when an outcome is unknown. */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import type { Dispatch } from '../../src/domain/ports.ts'
import { createAccept } from '../../src/receive/accept.ts'
import { definitionFrom } from '../../src/receive/definition.ts'
import { keepingLog } from '../support/log-lines.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryStore } from '../support/memory-store.ts'

const stream = { name: 'orders', incarnation: '0123456789abcdef' }

async function setUp(dispatch: Dispatch = async () => undefined, log = createLog('silent')) {
  const store = new MemoryStore()
  const metrics = new Metrics()
  for (const ref of [stream, { name: 'clicks', incarnation: 'fedcba9876543210' }])
    await store.registry.create({
      ...definitionFrom(
        { DeliveryStreamName: ref.name, S3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake' } },
        {
          region: 'us-east-1',
          accountId: '000000000000',
          limits: 'aws',
          roleOptional: true,
          incarnation: ref.incarnation,
          nowMs: 0,
        },
      ),
    })
  const { accept, acceptFromShard, drain } = createAccept({
    buffer: store.buffer,
    dispatch,
    clock: new FakeClock(),
    metrics,
    log,
    epoch: 'e1',
  })
  return { store, metrics, accept, acceptFromShard, drain }
}

function frame(text = 'a'): Frame {
  const builder = new FrameBuilder(1, text.length)
  builder.addBytes(Buffer.from(text))
  return builder.finish(0)
}

function gate(): { readonly closed: Promise<void>; open(): void } {
  let open = (): void => undefined
  const closed = new Promise<void>((resolve) => (open = resolve))
  return { closed, open: () => open() }
}

test('frames that arrive during an append share the next one, in order', async () => {
  const { store, accept } = await setUp()
  const held = gate()
  store.gate = held.closed
  const all = Promise.all(['a', 'b', 'c', 'd'].map((text) => accept(stream, frame(text))))
  store.gate = undefined
  held.open()
  expect(await all).toEqual([1, 2, 3, 4].map((appendSequence) => ({ kind: 'accepted', appendSequence })))
  expect(store.appends.map((append) => append.frames.length)).toEqual([1, 3])
  expect(store.records).toEqual(['a', 'b', 'c', 'd'])
})

test('a group is bounded in frames and in bytes', async () => {
  const { store, accept } = await setUp()
  const held = gate()
  store.gate = held.closed
  const small = Array.from({ length: 130 }, () => accept(stream, frame()))
  store.gate = undefined
  held.open()
  await Promise.all(small)
  expect(store.appends.map((append) => append.frames.length)).toEqual([1, 64, 64, 1])
  store.appends.length = 0
  const heldAgain = gate()
  store.gate = heldAgain.closed
  const big = Array.from({ length: 4 }, () => accept(stream, frame('x'.repeat(1_800_000))))
  store.gate = undefined
  heldAgain.open()
  await Promise.all(big)
  expect(store.appends.map((append) => append.frames.length)).toEqual([1, 2, 1])
})

test('streams do not wait for each other', async () => {
  const { store, accept } = await setUp()
  const held = gate()
  store.gate = held.closed
  const slow = accept(stream, frame())
  store.gate = undefined
  expect((await accept({ name: 'clicks', incarnation: 'fedcba9876543210' }, frame())).kind).toBe('accepted')
  held.open()
  expect((await slow).kind).toBe('accepted')
})

test('each append has its own growing number, also after a lost one', async () => {
  const { store, metrics, accept } = await setUp()
  await accept(stream, frame())
  store.unreachable = true
  await expect(accept(stream, frame('lost'))).rejects.toBeInstanceOf(BufferUnavailableError)
  store.unreachable = false
  await accept(stream, frame())
  expect(store.appends.map((append) => append.id)).toEqual([
    { epoch: 'e1', sequence: 1 },
    { epoch: 'e1', sequence: 3 },
  ])
  expect(await metrics.value('hydrant_buffer_errors_total', { operation: 'append' })).toBe(1)
  expect(await metrics.value('hydrant_accepted_records_total')).toBe(2)
})

test('a frame that fits is taken although the group around it does not fit', async () => {
  const { store, metrics, accept } = await setUp()
  store.roomBytes = 3 * frame().buffer.length
  const held = gate()
  store.gate = held.closed
  const first = accept(stream, frame())
  const rest = ['b', 'x'.repeat(1000), 'c', 'd'].map((text) => accept(stream, frame(text)))
  store.gate = undefined
  held.open()
  expect((await first).kind).toBe('accepted')
  expect((await Promise.all(rest)).map(({ kind }) => kind)).toEqual([
    'accepted',
    'throttled',
    'accepted',
    'throttled',
  ])
  expect(await metrics.value('hydrant_throttled_records_total', { delivery_stream: 'orders' })).toBe(2)
})

test('another incarnation is refused', async () => {
  const { accept } = await setUp()
  expect(await accept({ ...stream, incarnation: '0000000000000000' }, frame())).toEqual({ kind: 'refused' })
})

test('a sealed batch is dispatched without the caller waiting, and drain waits for both', async () => {
  const held = gate()
  const dispatched: string[] = []
  const { store, metrics, accept, drain } = await setUp(async ({ name }) => {
    await held.closed
    dispatched.push(name)
  })
  store.sealsEachAppend = 1
  expect((await accept(stream, frame())).kind).toBe('accepted')
  expect(dispatched).toEqual([])
  const drained = drain()
  held.open()
  await drained
  expect(dispatched).toEqual(['orders'])
  expect(await metrics.value('hydrant_sealed_batches_total', { trigger: 'size' })).toBe(1)
})

test('a dispatch that fails is counted and left to the sweep', async () => {
  const { store, metrics, accept, drain } = await setUp(async () => {
    throw new BufferUnavailableError('dispatch orders: no answer')
  })
  store.sealsEachAppend = 1
  expect((await accept(stream, frame())).kind).toBe('accepted')
  await drain()
  expect(await metrics.value('hydrant_buffer_errors_total', { operation: 'dispatch' })).toBe(1)
})

const position = {
  lease: { stream, key: '1790000000000/shardId-000000000000', counter: 1 },
  after: 'TRIM_HORIZON',
  last: '49',
}

test('frames of a shard are appended on their own with their place, counted, and what they seal is dispatched', async () => {
  const dispatched: string[] = []
  const { store, metrics, accept, acceptFromShard, drain } = await setUp(async ({ name }) => {
    dispatched.push(name)
  })
  store.sealsEachAppend = 1
  const closed = gate()
  store.gate = closed.closed
  const [byHttp, byShard] = [
    accept(stream, frame('http')),
    acceptFromShard([frame('a'), frame('bc')], position),
  ]
  let isDrained = false
  const drained = drain().then(() => (isDrained = true))
  await Promise.resolve()
  expect(isDrained).toBe(false)
  closed.open()
  expect([await byHttp, await byShard]).toMatchObject([{ kind: 'accepted' }, { kind: 'accepted' }])
  await drained
  expect(store.shardAppends).toMatchObject([{ position, frames: [{ records: 1 }, { records: 1 }] }])
  expect(await metrics.value('hydrant_accepted_records_total', { delivery_stream: 'orders' })).toBe(3)
  expect(dispatched).toEqual(['orders', 'orders'])
})

test('what the store answers a shard out of place is passed on, and nothing is counted', async () => {
  const { store, metrics, acceptFromShard } = await setUp()
  store.outOfPlace = { kind: 'gap', checkpoint: '50' }
  expect(await acceptFromShard([frame()], position)).toEqual({ kind: 'gap', checkpoint: '50' })
  expect(await metrics.value('hydrant_accepted_records_total')).toBe(0)
})

test('an append of a shard whose outcome is unknown is counted, and not told as lost: it is read again', async () => {
  const { log, lines } = keepingLog()
  const { store, metrics, accept, acceptFromShard } = await setUp(undefined, log)
  store.unreachable = true
  await expect(acceptFromShard([frame()], position)).rejects.toThrow(BufferUnavailableError)
  expect(await metrics.value('hydrant_buffer_errors_total', { operation: 'append' })).toBe(1)
  expect(lines).toEqual([])
  await expect(accept(stream, frame())).rejects.toThrow(BufferUnavailableError)
  expect(lines).toMatchObject([{ level: 'error', message: 'append was lost' }])
})

/** The local queue serves the same contract as BullMQ: one job a batch, bounded concurrency, retries that never end. */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import type { BatchRef } from '../../src/domain/batch.ts'
import { LocalQueue } from '../../src/deliver/local-queue.ts'
import type { DeliveryResult } from '../../src/deliver/queue.ts'
import { FakeClock } from '../support/fake-clock.ts'

const batch = (sequence: number): BatchRef => ({
  stream: { name: 'orders', incarnation: '00000000000000aa' },
  batchId: `${sequence}-0000000000000001`,
})

function setUp(concurrency: number) {
  const clock = new FakeClock()
  const queue = new LocalQueue({ concurrency, clock, log: createLog('silent') })
  const started: string[] = []
  const ends: ((result: DeliveryResult) => void)[] = []
  const signals: AbortSignal[] = []
  const deliver = (ref: BatchRef, signal: AbortSignal): Promise<DeliveryResult> => {
    started.push(ref.batchId)
    signals.push(signal)
    return new Promise((resolve) => ends.push(resolve))
  }
  const end = async (result: DeliveryResult): Promise<void> => {
    ends.shift()?.(result)
    await clock.advance(0)
  }
  return { clock, queue, started, deliver, end, signals }
}

test('a batch has one job until it is finished, however often it is added', async () => {
  const { queue, started, deliver, end } = setUp(2)
  await queue.add(batch(1))
  await queue.start(deliver)
  await queue.add(batch(1))
  expect(started).toHaveLength(1)
  await end({ kind: 'finished' })
  await queue.add(batch(1))
  expect(started).toHaveLength(2)
})

test('no more than the allowed jobs run at once, the rest in order', async () => {
  const { queue, started, deliver, end } = setUp(2)
  await queue.start(deliver)
  for (let sequence = 1; sequence <= 4; sequence += 1) await queue.add(batch(sequence))
  expect(started).toEqual([batch(1).batchId, batch(2).batchId])
  await end({ kind: 'finished' })
  expect(started).toEqual([batch(1).batchId, batch(2).batchId, batch(3).batchId])
})

test('a retry waits for its time without holding a place', async () => {
  const { clock, queue, started, deliver, end } = setUp(1)
  await queue.start(deliver)
  await queue.add(batch(1))
  await queue.add(batch(2))
  await end({ kind: 'retry', afterMs: 1_000 })
  expect(started).toEqual([batch(1).batchId, batch(2).batchId])
  await end({ kind: 'finished' })
  await clock.advance(999)
  expect(started).toHaveLength(2)
  await clock.advance(1)
  expect(started[2]).toBe(batch(1).batchId)
})

test('stop lets a running delivery end and starts no other', async () => {
  const { queue, started, deliver, end, signals } = setUp(1)
  await queue.start(deliver)
  await queue.add(batch(1))
  await queue.add(batch(2))
  const stopped = queue.stop(5_000)
  await end({ kind: 'finished' })
  await stopped
  expect(started).toHaveLength(1)
  expect(signals[0]?.aborted).toBe(true)
})

test('stop aborts a delivery that goes on past the limit', async () => {
  const { clock, queue, deliver, end, signals } = setUp(1)
  await queue.start(deliver)
  await queue.add(batch(1))
  const stopped = queue.stop(5_000)
  await clock.advance(4_999)
  expect(signals[0]?.aborted).toBe(false)
  await clock.advance(1)
  expect(signals[0]?.aborted).toBe(true)
  await end({ kind: 'retry', afterMs: 1 })
  await stopped
})

/** D4: a stream with a dead bucket leaves places for the others. */
import { expect, test } from 'vitest'
import { fairTurns } from '../../src/deliver/fair-turns.ts'
import type { DeliveryResult } from '../../src/deliver/queue.ts'

const batch = (name: string, sequence: number) => ({
  stream: { name, incarnation: `${name}-life` },
  batchId: `${sequence}-0000000000000001`,
})
const { signal } = new AbortController()

function setUp() {
  const started: string[] = []
  const ends: ((result: DeliveryResult) => void)[] = []
  const deliver = fairTurns((ref) => {
    started.push(`${ref.stream.name} ${ref.batchId[0]}`)
    return new Promise((resolve) => ends.push(resolve))
  })
  return { deliver, started, end: (result: DeliveryResult) => ends.shift()?.(result) }
}

test('after a failed attempt the batches of a stream run one at a time, those of others as before', async () => {
  const { deliver, started, end } = setUp()
  const first = deliver(batch('dead', 1), signal)
  end({ kind: 'retry', afterMs: 500 })
  await first
  void deliver(batch('dead', 1), signal)
  expect(await deliver(batch('dead', 2), signal)).toEqual({ kind: 'retry', afterMs: 1_000 })
  void deliver(batch('well', 1), signal)
  void deliver(batch('well', 2), signal)
  expect(started).toEqual(['dead 1', 'dead 1', 'well 1', 'well 2'])
})

test('once a batch lands, the stream has its places again', async () => {
  const { deliver, started, end } = setUp()
  const failed = deliver(batch('dead', 1), signal)
  end({ kind: 'retry', afterMs: 500 })
  await failed
  const landed = deliver(batch('dead', 1), signal)
  end({ kind: 'finished' })
  await landed
  void deliver(batch('dead', 2), signal)
  void deliver(batch('dead', 3), signal)
  expect(started).toEqual(['dead 1', 'dead 1', 'dead 2', 'dead 3'])
})

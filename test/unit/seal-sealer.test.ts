/** Defends G1: whatever a crash or a lost hint leaves behind, an open batch is sealed and its stream dispatched. */
import { afterEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { StreamRef } from '../../src/domain/delivery-stream.ts'
import type { Sealed, Store } from '../../src/domain/ports.ts'
import type { Loop } from '../../src/runtime/loop.ts'
import { startSealer } from '../../src/seal/sealer.ts'
import { FakeClock } from '../support/fake-clock.ts'

const orders: StreamRef = { name: 'orders', incarnation: '00000000000000aa' }

let running: Loop | undefined
let clock: FakeClock
afterEach(async () => {
  const stopped = running?.stop()
  await clock.advance(1)
  await stopped
})

interface Scene {
  hints: StreamRef[]
  leaseHeld: boolean
  failing: boolean
  answers: Sealed[]
  asked: number
  dispatched: string[]
}

function start(scene: Scene): Metrics {
  clock = new FakeClock()
  const metrics = new Metrics()
  const store = {
    leases: { acquire: () => Promise.resolve(scene.leaseHeld ? { name: 'sealer', counter: 1 } : undefined) },
    registry: { list: () => Promise.resolve([{ ...orders, status: 'ACTIVE' }]) },
    buffer: {
      due: () => Promise.resolve(scene.hints),
      sealDue: () => {
        scene.asked += 1
        if (scene.failing) return Promise.reject(new Error('the store is away'))
        return Promise.resolve(scene.answers.shift() ?? { kind: 'empty' as const })
      },
    },
  } as unknown as Store
  running = startSealer({
    store,
    clock,
    metrics,
    log: createLog('silent'),
    dispatch: (stream) => {
      scene.dispatched.push(stream.name)
      return Promise.resolve()
    },
  })
  return metrics
}

const scene = (over: Partial<Scene> = {}): Scene => ({
  hints: [],
  leaseHeld: true,
  failing: false,
  answers: [],
  asked: 0,
  dispatched: [],
  ...over,
})
const sealed: Sealed = { kind: 'sealed', batch: { stream: orders, batchId: '1-0000000000000001' } }

test('a batch that was due before this process started is sealed by the first scan, without a hint', async () => {
  const s = scene({ answers: [sealed] })
  const metrics = start(s)
  await clock.advance(100)
  expect(s.dispatched).toEqual(['orders'])
  expect(await metrics.value('hydrant_sealed_batches_total', { trigger: 'interval' })).toBe(1)
})

test('between scans only streams with a hint are asked', async () => {
  const s = scene()
  start(s)
  await clock.advance(1_000)
  expect(s.asked).toBe(1)
  s.hints = [orders]
  s.answers = [sealed]
  await clock.advance(100)
  expect(s.asked).toBe(2)
  expect(s.dispatched).toEqual(['orders'])
})

test('a lost hint is healed by the scan after 30 s', async () => {
  const s = scene()
  start(s)
  await clock.advance(1_000)
  s.answers = [sealed]
  await clock.advance(28_000)
  expect(s.dispatched).toEqual([])
  await clock.advance(2_000)
  expect(s.dispatched).toEqual(['orders'])
})

test('a process without the lease asks nothing and takes over when it gets it', async () => {
  const s = scene({ leaseHeld: false, answers: [sealed] })
  start(s)
  await clock.advance(10_000)
  expect(s.asked).toBe(0)
  s.leaseHeld = true
  await clock.advance(2_000)
  expect(s.dispatched).toEqual(['orders'])
})

test('a store that fails does not end the sealer', async () => {
  const s = scene({ failing: true, answers: [sealed] })
  start(s)
  await clock.advance(1_000)
  s.failing = false
  await clock.advance(31_000)
  expect(s.dispatched).toEqual(['orders'])
})

/** Batches whose transform has no turn are not begun, and leave their places to the others. */
import { expect, test } from 'vitest'
import { Metrics } from '../../src/account/metrics.ts'
import { keepPlace, type Deliver } from '../../src/deliver/queue.ts'
import { transformTurns } from '../../src/deliver/transform-turns.ts'
import { FakeClock } from '../support/fake-clock.ts'

const { signal } = new AbortController()
const batch = (name: string) => ({
  stream: { name, incarnation: `${name}-life` },
  batchId: '1-0000000000000001',
})

/**
 * Streams whose names begin with "plain" call no transform; the transforms of the others answer when they are told to. What
 * those that begin with "kept" are answered is kept, and lands in the second attempt.
 */
function setUp(concurrency: number) {
  const clock = new FakeClock()
  const metrics = new Metrics()
  const begun: string[] = []
  const answers = new Map<string, () => void>()
  const attempt: Deliver = async ({ stream: { name } }, ofJob, lend = keepPlace) => {
    begun.push(name)
    const isAgain = begun.indexOf(name) < begun.length - 1
    if (name.startsWith('plain') || (name.startsWith('kept') && isAgain)) return { kind: 'finished' }
    try {
      await lend((own) => {
        return new Promise<void>((resolve, reject) => {
          answers.set(name, resolve)
          own.addEventListener('abort', () => reject(own.reason as Error))
        })
      }, ofJob)
      return name.startsWith('kept') ? { kind: 'retry', afterMs: 777 } : { kind: 'finished' }
    } catch {
      return { kind: 'retry', afterMs: 777 }
    }
  }
  const deliver = transformTurns(attempt, { concurrency, clock, metrics })
  return { clock, metrics, begun, answers, deliver: (name: string) => deliver(batch(name), signal) }
}

test('an attempt that finds no turn ends, and its stream’s batches are not begun before there is one', async () => {
  const { begun, answers, deliver, metrics } = setUp(2)
  const dead = ['dead 1', 'dead 2', 'dead 3'].map(deliver)
  expect(await metrics.value('hydrant_lent_places')).toBe(3)
  expect(await deliver('well')).toEqual({ kind: 'retry', afterMs: 777 })
  expect(await deliver('well')).toEqual({ kind: 'retry', afterMs: 1_000 })
  expect(await deliver('plain')).toEqual({ kind: 'finished' })
  answers.get('dead 2')?.()
  expect(await dead[1]).toEqual({ kind: 'finished' })
  const well = deliver('well')
  answers.get('well')?.()
  expect(await well).toEqual({ kind: 'finished' })
  expect(begun).toEqual(['dead 1', 'dead 2', 'dead 3', 'well', 'plain', 'well'])
  expect(await metrics.value('hydrant_lent_places')).toBe(2)
})

test('a batch that waits for a turn while transforms are down has one after a minute, and another is tried later', async () => {
  const { clock, answers, deliver } = setUp(2)
  const dead = ['dead 1', 'dead 2', 'dead 3'].map(deliver)
  expect((await deliver('well')).kind).toBe('retry')
  await clock.advance(60_001)
  expect((await deliver('well')).kind).toBe('retry')
  expect(await dead[2]).toEqual({ kind: 'retry', afterMs: 777 })
  const well = deliver('well')
  answers.get('well')?.()
  expect(await well).toEqual({ kind: 'finished' })
})

test('a batch that was answered waits for no turn when it is tried again, and takes none from others', async () => {
  const { answers, begun, deliver } = setUp(2)
  const first = deliver('kept, then fails')
  answers.get('kept, then fails')?.()
  expect((await first).kind).toBe('retry')
  const dead = ['dead 1', 'dead 2', 'dead 3'].map(deliver)
  expect(await deliver('kept, then fails')).toEqual({ kind: 'finished' })
  expect(begun).toEqual(['kept, then fails', 'dead 1', 'dead 2', 'dead 3', 'kept, then fails'])
  expect(dead).toHaveLength(3)
})

test('a process of one place has two turns', async () => {
  const { answers, deliver } = setUp(1)
  void deliver('dead')
  const well = deliver('well')
  answers.get('well')?.()
  expect(await well).toEqual({ kind: 'finished' })
})

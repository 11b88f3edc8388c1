/** Loops go on after a failure and stop cleanly; crash points are named, counted, and refuse a name they do not know. */
import { expect, test } from 'vitest'
import { crashAt, crashPoints, neverCrash } from '../../src/runtime/crash-point.ts'
import { startLoop } from '../../src/runtime/loop.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('a loop goes on after a round that failed, and stops between rounds', async () => {
  const clock = new FakeClock()
  const errors: unknown[] = []
  let rounds = 0
  const loop = startLoop({
    everyMs: 100,
    clock,
    onError: (error) => errors.push(error),
    round: () => {
      rounds += 1
      return rounds === 2 ? Promise.reject(new Error('once')) : Promise.resolve()
    },
  })
  await clock.advance(350)
  expect(rounds).toBe(4)
  expect(errors).toHaveLength(1)
  await loop.stop()
  await clock.advance(1_000)
  expect(rounds).toBe(4)
})

test('a crash point fires at the time asked for, and at no other point', () => {
  let crashes = 0
  const hook = crashAt('after-put#2', () => (crashes += 1))
  hook('after-put')
  hook('after-pin')
  expect(crashes).toBe(0)
  hook('after-put')
  expect(crashes).toBe(1)
  hook('after-put')
  expect(crashes).toBe(1)
})

test('an unknown crash point is refused with the list of those there are', () => {
  expect(() => crashAt('after-lunch', () => undefined)).toThrow(crashPoints.join(', '))
  expect(() => crashAt('after-put#0', () => undefined)).toThrow('no such point')
  expect(neverCrash('after-put')).toBeUndefined()
})

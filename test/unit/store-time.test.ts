/** The embedded store's time never runs backwards, and never stands still for long. */
import { expect, test } from 'vitest'
import type { Clock } from '../../src/domain/ports.ts'
import { StoreTime } from '../../src/store/lmdb/time.ts'

class TwoClocks implements Clock {
  wallMs = 1_000_000
  uptimeMs = 50
  now = (): number => this.wallMs
  monotonicMs = (): number => this.uptimeMs
  sleep = (): Promise<void> => Promise.reject(new Error('not used'))
  pass(ms: number): void {
    this.wallMs += ms
    this.uptimeMs += ms
  }
}

test('it goes with the wall clock', () => {
  const clock = new TwoClocks()
  const time = new StoreTime(clock, 0)
  expect(time.now()).toBe(1_000_000)
  clock.pass(1500)
  expect(time.now()).toBe(1_001_500)
})

test('a wall clock that is set back does not take time back, and time goes on', () => {
  const clock = new TwoClocks()
  const time = new StoreTime(clock, 0)
  clock.pass(1000)
  expect(time.now()).toBe(1_001_000)
  clock.wallMs -= 3_600_000
  expect(time.now()).toBe(1_001_000)
  clock.pass(5000)
  expect(time.now()).toBe(1_006_000)
})

test('a wall clock that is set forward takes time with it', () => {
  const clock = new TwoClocks()
  const time = new StoreTime(clock, 0)
  clock.wallMs += 60_000
  expect(time.now()).toBe(1_060_000)
})

test('a process that starts with an older wall clock goes on from the time that was stored', () => {
  const clock = new TwoClocks()
  const time = new StoreTime(clock, 9_000_000)
  expect(time.now()).toBe(9_000_000)
  clock.pass(250)
  expect(time.now()).toBe(9_000_250)
})

test('parts of a millisecond add up', () => {
  const clock = new TwoClocks()
  const time = new StoreTime(clock, 9_000_000)
  for (let turn = 0; turn < 100; turn += 1) {
    clock.pass(0.25)
    time.now()
  }
  expect(time.now()).toBe(9_000_025)
})

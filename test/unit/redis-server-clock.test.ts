/** The store's time: the server's, carried on locally, and never backwards. */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { ServerClock } from '../../src/store/redis/server-clock.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A server whose time a test sets, in seconds; undefined: it does not answer. */
async function startClock(
  first: number,
): Promise<{ clock: ServerClock; local: FakeClock; serve: (time: number | undefined) => void }> {
  const local = new FakeClock(5000)
  let serverSeconds: number | undefined = first
  const script = (): Promise<number> =>
    serverSeconds === undefined
      ? Promise.reject(new Error('no answer'))
      : Promise.resolve(serverSeconds * 1000 + 250)
  const clock = await ServerClock.start({ script }, 'clock', createLog('silent'), local.monotonicMs)
  return { clock, local, serve: (time) => (serverSeconds = time) }
}

test('it is the time of the server plus the local difference', async () => {
  const { clock, local } = await startClock(1_790_000_000)
  expect(clock.now()).toBe(1_790_000_000_250)
  await local.advance(1234)
  expect(clock.now()).toBe(1_790_000_001_484)
})

test('it is read anew now and then, and stands still rather than run backwards', async () => {
  const { clock, local, serve } = await startClock(1_790_000_000)
  serve(1_790_000_010)
  await local.advance(31_000)
  const before = clock.now()
  expect(before).toBe(1_790_000_031_250)
  await local.advance(1)
  expect(clock.now()).toBe(before)
  await local.advance(21_500)
  expect(clock.now()).toBeGreaterThan(before)
  expect(clock.now()).toBeLessThan(before + 1000)
})

test('while the server does not answer, the last difference is kept', async () => {
  const { clock, local, serve } = await startClock(1_790_000_000)
  serve(undefined)
  await local.advance(31_000)
  clock.now()
  await local.advance(40_000)
  expect(clock.now()).toBe(1_790_000_071_250)
})

/** Millions of records are walked over without holding up the process, and no further than is wanted. */
import { expect, test } from 'vitest'
import { eachOrdinal } from '../../src/process/partition/each-ordinal.ts'

test('every ordinal comes once, in order, and other work gets its turn between', async () => {
  let turns = 0
  const count = (): void => {
    turns += 1
    pending = setImmediate(count)
  }
  let pending = setImmediate(count)
  const seen: number[] = []
  await eachOrdinal(100_000, new AbortController().signal, (ordinal) => seen.push(ordinal))
  clearImmediate(pending)
  expect(seen).toEqual([...Array.from({ length: 100_000 }).keys()])
  expect(turns).toBeGreaterThanOrEqual(3)
})

test('it ends where the signal aborts', async () => {
  const stop = new AbortController()
  let steps = 0
  const walk = eachOrdinal(
    100,
    stop.signal,
    (ordinal) => {
      steps += 1
      if (ordinal === 5) stop.abort(new Error('enough'))
    },
    10,
  )
  await expect(walk).rejects.toThrow('enough')
  expect(steps).toBe(10)
})

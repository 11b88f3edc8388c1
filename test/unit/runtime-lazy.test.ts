/** Something that is opened when it is first asked for. */
import { expect, test } from 'vitest'
import { Lazy } from '../../src/runtime/lazy.ts'

test('it is opened once, by the first who asks', async () => {
  let opened = 0
  const lazy = new Lazy(() => Promise.resolve((opened += 1)))
  expect(await lazy.opened()).toBe(undefined)
  expect(opened).toBe(0)
  expect(await Promise.all([lazy.get(), lazy.get()])).toEqual([1, 1])
  expect(await lazy.get()).toBe(1)
  expect(await lazy.opened()).toBe(1)
})

test('a failure is told to those who asked, and the next one opens it anew', async () => {
  let tries = 0
  const lazy = new Lazy(() => {
    tries += 1
    return tries === 1 ? Promise.reject(new Error('too many open files')) : Promise.resolve(tries)
  })
  const asked = [lazy.get(), lazy.get()]
  expect(await lazy.opened()).toBe(undefined)
  for (const answer of asked) await expect(answer).rejects.toThrow('too many open files')
  expect(await lazy.get()).toBe(2)
})

/** Places that are lent: who has one, who waits, and how many batches are open. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openAtMost, Places, type Place } from '../../src/deliver/places.ts'

/** An attempt that lends its place when the test says so. */
class Attempt {
  state: 'has a place' | 'lent' | 'wants it again' | 'ended' = 'has a place'
  readonly #place: Place
  readonly #stopped = new AbortController()
  #answer = (_failure?: Error): void => undefined
  #over: Promise<void> = Promise.resolve()

  constructor(place: Place) {
    this.#place = place
  }

  lend(): void {
    this.state = 'lent'
    const run = (): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#answer = (failure) => (failure === undefined ? resolve() : reject(failure))
      })
    this.#over = this.#place.lend(run, this.#stopped.signal).then(
      () => {
        this.state = 'has a place'
      },
      () => this.end(),
    )
  }

  answer(): void {
    this.state = 'wants it again'
    this.#answer()
  }

  async fail(): Promise<void> {
    this.#answer(new Error('no answer'))
    await this.#over
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('stop'))
    if (this.state === 'wants it again') await this.#over
    else await this.fail()
  }

  end(): void {
    this.state = 'ended'
    this.#place.leave()
  }
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('of two that want their places again the first has it first, and new batches wait behind both', async () => {
  let changes = 0
  const places = new Places(1, () => (changes += 1))
  const attempts: Attempt[] = []
  const begin = (): Attempt | undefined => {
    const place = places.take()
    return place && (attempts[attempts.length] = new Attempt(place))
  }
  begin()?.lend()
  begin()?.lend()
  expect(changes).toBe(2)
  begin()
  attempts[1]?.answer()
  attempts[0]?.answer()
  await settle()
  expect(begin()).toBeUndefined()
  expect(attempts.map(({ state }) => state)).toEqual(['wants it again', 'wants it again', 'has a place'])
  attempts[2]?.end()
  expect(begin()).toBeUndefined()
  await settle()
  expect(attempts.map(({ state }) => state)).toEqual(['wants it again', 'has a place', 'ended'])
  attempts[1]?.end()
  await settle()
  attempts[0]?.end()
  expect(begin()).toBeDefined()
})

test('one that fails while its place is lent ends without a place', async () => {
  const places = new Places(1, () => undefined)
  const [first, second] = [places.take(), undefined]
  expect(second).toBeUndefined()
  const failing = first?.lend(() => Promise.reject(new Error('down')), new AbortController().signal)
  const other = places.take()
  expect(other).toBeDefined()
  await expect(failing).rejects.toThrow('down')
  first?.leave()
  expect(places.take()).toBeUndefined()
  other?.leave()
  expect(places.take()).toBeDefined()
})

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('begin', 'begin', 'lend', 'lend', 'answer', 'answer', 'fail', 'stop', 'end'),
    which: fc.nat(20),
  }),
  { maxLength: 120 },
)

test('whatever attempts do, no more have a place than there are, none is lost, and so many are open at most', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (concurrency, all) => {
      const places = new Places(concurrency, () => undefined)
      const attempts: Attempt[] = []
      const having = (...states: readonly Attempt['state'][]): Attempt[] =>
        attempts.filter(({ state }) => states.includes(state))
      const pick = (which: number, ...states: readonly Attempt['state'][]): Attempt | undefined => {
        const some = having(...states)
        return some[which % Math.max(some.length, 1)]
      }
      for (const { kind, which } of all) {
        if (kind === 'begin') {
          const place = places.take()
          const held = having('has a place').length
          const open = attempts.length - having('ended').length
          expect(place !== undefined).toBe(held < concurrency && open < openAtMost(concurrency))
          if (place !== undefined) attempts.push(new Attempt(place))
        } else if (kind === 'lend') pick(which, 'has a place')?.lend()
        else if (kind === 'answer') pick(which, 'lent')?.answer()
        else if (kind === 'fail') await pick(which, 'lent')?.fail()
        else if (kind === 'stop') await pick(which, 'lent', 'wants it again')?.stop()
        else pick(which, 'has a place')?.end()
        await settle()
        const held = having('has a place').length
        const waiting = having('wants it again').length
        expect(held).toBeLessThanOrEqual(concurrency)
        // Nobody waits while a place is free.
        if (waiting > 0) expect(held).toBe(concurrency)
        expect(places.allowed).toBe(Math.min(concurrency + having('lent').length, openAtMost(concurrency)))
      }
    }),
    { numRuns: 200 },
  )
})

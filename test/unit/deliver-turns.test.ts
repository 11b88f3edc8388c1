/** Transforms that are down leave turns for the others. */
import { expect, onTestFinished, test } from 'vitest'
import { Turns } from '../../src/deliver/turns.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Call {
  /** It is answered. */
  end(): Promise<void>
  readonly state: 'under way' | 'answered' | 'given up' | 'refused'
}

function setUp(count: number) {
  const clock = new FakeClock()
  let taken = 0
  const turns = new Turns({ turns: count, clock, changed: (now) => (taken = now) })
  const call = async (stream: string): Promise<Call> => {
    let state: Call['state'] = 'refused'
    let answer = (): void => undefined
    const over = turns.take(stream, (givenUp) => {
      state = 'under way'
      return new Promise<void>((resolve, reject) => {
        answer = resolve
        givenUp.addEventListener('abort', () => reject(givenUp.reason as Error))
      })
    })
    const settled = over.then(
      () => (state = 'answered'),
      (error: unknown) => {
        if (state === 'under way') state = 'given up'
        expect(error).toBeInstanceOf(Error)
      },
    )
    await clock.advance(0)
    return {
      get state() {
        return state
      },
      end: async () => {
        answer()
        await settled
      },
    }
  }
  onTestFinished(() => expect(taken).toBeLessThanOrEqual(count))
  return { clock, turns, call, taken: () => taken }
}

const MINUTE_MS = 60_000

test('there are so many turns and no more, and a turn that ends is free', async () => {
  const { call, taken } = setUp(3)
  const calls = [await call('a'), await call('a'), await call('b')]
  expect((await call('c')).state).toBe('refused')
  expect(taken()).toBe(3)
  await calls[0]?.end()
  expect((await call('c')).state).toBe('under way')
  expect(calls.map(({ state }) => state)).toEqual(['answered', 'under way', 'under way'])
})

test('nobody gives up a turn within a minute', async () => {
  const { call, clock } = setUp(2)
  const calls = [await call('dead'), await call('dead')]
  await clock.advance(MINUTE_MS)
  expect((await call('well')).state).toBe('refused')
  expect(calls.map(({ state }) => state)).toEqual(['under way', 'under way'])
})

test('behind the minute a slow stream gives up what it took last to one that has none', async () => {
  const { call, clock } = setUp(3)
  const calls = [await call('dead'), await call('dead'), await call('dead')]
  await clock.advance(MINUTE_MS + 1)
  expect((await call('well')).state).toBe('refused')
  await clock.advance(0)
  expect(calls.map(({ state }) => state)).toEqual(['under way', 'under way', 'given up'])
  const well = await call('well')
  expect(well.state).toBe('under way')
  // It has one, and takes no other’s away.
  expect((await call('well')).state).toBe('refused')
  await well.end()
  expect(calls.map(({ state }) => state)).toEqual(['under way', 'under way', 'given up'])
})

test('slow streams have all turns but one, however many they are', async () => {
  const { call, clock } = setUp(3)
  const dead = [await call('dead 1'), await call('dead 2'), await call('dead 3')]
  await clock.advance(MINUTE_MS + 1)
  await call('well')
  expect(dead.map(({ state }) => state)).toEqual(['under way', 'under way', 'given up'])
  expect((await call('dead 3')).state).toBe('refused')
  for (let again = 0; again < 3; again += 1) {
    const well = await call('well')
    expect(well.state).toBe('under way')
    expect((await call('dead 3')).state).toBe('refused')
    await well.end()
  }
  await dead[0]?.end()
  expect((await call('dead 3')).state).toBe('under way')
})

test('a slow stream keeps one turn while another slow one waits, and gives up what it has beyond', async () => {
  const { call, clock } = setUp(4)
  const slow = await call('slow')
  await clock.advance(MINUTE_MS + 1)
  await slow.end()
  const dead = [await call('dead'), await call('dead'), await call('dead')]
  await clock.advance(MINUTE_MS + 1)
  expect((await call('slow')).state).toBe('refused')
  expect(dead.map(({ state }) => state)).toEqual(['under way', 'under way', 'given up'])
  const again = await call('slow')
  expect(again.state).toBe('under way')
  // All turns of slow streams are taken; a third gets the one that dead still has beyond its first, and then nobody's.
  const third = await call('third')
  await clock.advance(MINUTE_MS + 1)
  await third.end()
  expect((await call('third')).state).toBe('refused')
  expect(dead.map(({ state }) => state)).toEqual(['under way', 'given up', 'given up'])
  expect((await call('third')).state).toBe('under way')
  expect((await call('fourth')).state).toBe('under way')
  expect([dead[0]?.state, again.state]).toEqual(['under way', 'under way'])
})

test('a stream is slow no more once a batch of it takes less than a minute', async () => {
  const { call, clock } = setUp(2)
  const long = await call('a')
  await clock.advance(MINUTE_MS + 1)
  await long.end()
  const short = await call('a')
  expect((await call('a')).state).toBe('refused')
  await short.end()
  const both = [await call('a'), await call('a')]
  expect(both.map(({ state }) => state)).toEqual(['under way', 'under way'])
})

test('whoever keeps asking while one turn is being given up takes no second one away', async () => {
  const { turns, clock } = setUp(2)
  const told: string[] = []
  for (const stream of ['dead 1', 'dead 2']) {
    void turns.take(stream, (givenUp) => {
      givenUp.addEventListener('abort', () => told.push(stream))
      return new Promise(() => undefined)
    })
  }
  await clock.advance(MINUTE_MS + 1)
  expect([turns.isFree('well'), turns.isFree('well'), turns.isFree('other')]).toEqual([false, false, false])
  expect(told).toEqual(['dead 2'])
})

/** Turns to read are bounded and go round, and what goes wrong with one delivery stream does not hold up another. */
import { getEventListeners } from 'node:events'
import { array, assert, asyncProperty, constantFrom, record } from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createReadTurns, type ReadTurn } from '../../src/receive/kinesis/read-turns.ts'
import { createTroubles } from '../../src/receive/kinesis/troubles.ts'

const never = new AbortController().signal
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let granted: { readonly name: string; readonly turn: ReadTurn }[] = []
afterEach(() => {
  granted = []
})

function ask(
  turns: ReturnType<typeof createReadTurns>,
  name: string,
  group = 'orders',
  signal = never,
): void {
  void turns.take(group, signal).then((turn) => {
    if (turn !== undefined) granted.push({ name, turn })
  })
}

/** Names of those whose turn it was until now. */
async function names(): Promise<string[]> {
  await settled()
  return granted.map(({ name }) => name)
}

function turnOf(name: string): ReadTurn {
  const found = granted.find((one) => one.name === name)
  if (found === undefined) throw new Error(`it was not the turn of ${name}`)
  return found.turn
}

test('no more turns are held than there are, and they come in the order of asking', async () => {
  const turns = createReadTurns(2)
  for (const name of ['a', 'b', 'c', 'd']) ask(turns, name)
  expect(await names()).toEqual(['a', 'b'])
  turnOf('b').end('done')
  expect(await names()).toEqual(['a', 'b', 'c'])
  turnOf('a').end('done')
  turnOf('c').end('done')
  expect(await names()).toEqual(['a', 'b', 'c', 'd'])
})

test('who no longer wants a turn gets none and takes nobody else’s', async () => {
  const turns = createReadTurns(1)
  const leaving = new AbortController()
  ask(turns, 'a')
  const left = turns.take('orders', leaving.signal)
  ask(turns, 'c')
  leaving.abort()
  expect(await left).toBeUndefined()
  expect(await turns.take('orders', leaving.signal)).toBeUndefined()
  turnOf('a').end('done')
  expect(await names()).toEqual(['a', 'c'])
})

test('turns leave nothing behind on the signal of their reader', async () => {
  const turns = createReadTurns(1)
  const { signal } = new AbortController()
  for (let time = 0; time < 50; time += 1) (await turns.take('orders', signal))?.end('done')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

describe('after a failed read', () => {
  /** Four turns: `a1` has failed, and `a2`, `a3` and `a4` of its delivery stream ask. */
  async function failed(): Promise<ReturnType<typeof createReadTurns>> {
    const turns = createReadTurns(4)
    ask(turns, 'a1', 'a')
    await settled()
    turnOf('a1').end('failed')
    for (const name of ['a2', 'a3', 'a4']) ask(turns, name, 'a')
    return turns
  }

  test('the turns of its delivery stream come one at a time, while others go on', async () => {
    const turns = await failed()
    for (const name of ['b1', 'b2']) ask(turns, name, 'b')
    expect(await names()).toEqual(['a1', 'a2', 'b1', 'b2'])
    turnOf('a2').end('failed')
    expect(await names()).toEqual(['a1', 'a2', 'b1', 'b2', 'a3'])
  })

  test.each([
    ['that succeeds opens the turns again', 'done', ['a1', 'a2', 'a3', 'a4']],
    ['that came to nothing says nothing', 'unused', ['a1', 'a2', 'a3']],
  ] as const)('a turn %s', async (_, outcome, expected) => {
    await failed()
    await settled()
    turnOf('a2').end(outcome)
    expect(await names()).toEqual(expected)
  })

  test('turns that were held already are not taken away', async () => {
    const turns = createReadTurns(2)
    for (const name of ['a1', 'a2', 'a3']) ask(turns, name, 'a')
    await settled()
    turnOf('a1').end('failed')
    expect(await names()).toEqual(['a1', 'a2'])
    turnOf('a2').end('failed')
    expect(await names()).toEqual(['a1', 'a2', 'a3'])
  })
})

test('whatever becomes of the reads, everybody gets a turn and no more are held than there are', async () => {
  const reader = record({
    group: constantFrom('a', 'b', 'c'),
    outcome: constantFrom('done' as const, 'failed' as const, 'unused' as const),
  })
  await assert(
    asyncProperty(array(reader, { maxLength: 40 }), async (readers) => {
      const turns = createReadTurns(3)
      let held = 0
      let most = 0
      let had = 0
      const work = readers.map(async ({ group, outcome }) => {
        const turn = await turns.take(group, never)
        held += 1
        had += 1
        most = Math.max(most, held)
        await settled()
        held -= 1
        turn?.end(outcome)
      })
      await Promise.all(work)
      expect(had).toBe(readers.length)
      expect(most).toBeLessThanOrEqual(3)
    }),
    { numRuns: 50 },
  )
})

describe('troubles', () => {
  test('are told when the first shard has one and when the last is rid of it', () => {
    const troubles = createTroubles()
    expect(troubles.begin('orders', 'denied', 'shard 1')).toBe(true)
    expect(troubles.begin('orders', 'denied', 'shard 1')).toBe(false)
    expect(troubles.begin('orders', 'denied', 'shard 2')).toBe(false)
    expect(troubles.end('orders', 'shard 1')).toBe(false)
    expect(troubles.end('orders', 'shard 2')).toBe(true)
    expect(troubles.end('orders', 'shard 2')).toBe(false)
    expect(troubles.begin('orders', 'denied', 'shard 2')).toBe(true)
  })

  test('of another reason or another subject are told too', () => {
    const troubles = createTroubles()
    expect(troubles.begin('orders', 'unavailable', 'shard 1')).toBe(true)
    expect(troubles.begin('orders', 'denied', 'shard 1')).toBe(true)
    expect(troubles.begin('clicks', 'denied', 'shard 1')).toBe(true)
    expect(troubles.end('orders', 'shard 1')).toBe(true)
    expect(troubles.begin('clicks', 'denied', 'shard 2')).toBe(false)
  })

  test('that come and go with one shard among others are not told again', () => {
    const troubles = createTroubles()
    expect(troubles.begin('orders', 'denied', 'shard 1')).toBe(true)
    for (let time = 0; time < 3; time += 1) {
      expect(troubles.begin('orders', 'denied', 'shard 2')).toBe(false)
      expect(troubles.end('orders', 'shard 2')).toBe(false)
    }
    expect(troubles.end('orders', 'shard 3')).toBe(false)
  })
})

/** Defends G7: each shard is read by one process, the load is even, and it comes to rest. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { assign, type AssignableShard } from '../../src/receive/kinesis/assignment.ts'

/** `count` free shards of each stream. */
function free(count: number, ...streams: string[]): AssignableShard[] {
  return streams.flatMap((stream) =>
    Array.from({ length: count }, (_, index) => ({ stream, key: `k${index}` })),
  )
}
function heldBy(holder: string, shards: readonly AssignableShard[]): AssignableShard[] {
  return shards.map((shard) => ({ ...shard, holder }))
}
const counts = (moves: { take: readonly unknown[]; giveUp: readonly unknown[] }): [number, number] => [
  moves.take.length,
  moves.giveUp.length,
]

test('a process that is alone takes all', () => {
  expect(counts(assign(['a'], 'a', free(5, 's')))).toEqual([5, 0])
})

test('of two processes one takes the odd shard, and neither reaches for the share of the other', () => {
  const shards = free(5, 's')
  expect(counts(assign(['a', 'b'], 'a', shards))).toEqual([3, 0])
  const afterA = [...heldBy('a', shards.slice(0, 3)), ...shards.slice(3)]
  expect(counts(assign(['a', 'b'], 'b', afterA))).toEqual([2, 0])
  expect(counts(assign(['a', 'b'], 'a', afterA))).toEqual([0, 0])
})

test('a free shard that another process needs for its share is left to it', () => {
  const shards = free(4, 's')
  const view = [...heldBy('a', shards.slice(0, 2)), ...heldBy('b', shards.slice(2, 3)), ...shards.slice(3)]
  expect(counts(assign(['a', 'b'], 'a', view))).toEqual([0, 0])
  expect(counts(assign(['a', 'b'], 'b', view))).toEqual([1, 0])
})

test('a process gives up what it holds beyond its share when another joins', () => {
  expect(counts(assign(['a', 'b'], 'a', heldBy('a', free(7, 's'))))).toEqual([0, 3])
  expect(counts(assign(['a', 'b'], 'b', heldBy('a', free(7, 's'))))).toEqual([0, 0])
})

test('what another gives up anyway, nobody else gives up for', () => {
  const shards = free(7, 's')
  // Shares are 2 or 3. c needs two; a holds one too many and gives up one more, b keeps what it has.
  const view = [...heldBy('a', shards.slice(0, 4)), ...heldBy('b', shards.slice(4))]
  expect(counts(assign(['a', 'b', 'c'], 'a', view))).toEqual([0, 2])
  expect(counts(assign(['a', 'b', 'c'], 'b', view))).toEqual([0, 0])
})

test('those that hold the odd ones give just as many as a process needs for its share', () => {
  const shards = free(8, 's')
  // Shares are 2: every one of a, b and c is a possible giver, the first ones give.
  const view = [
    ...heldBy('a', shards.slice(0, 3)),
    ...heldBy('b', shards.slice(3, 6)),
    ...heldBy('c', shards.slice(6, 8)),
  ]
  const holders = ['a', 'b', 'c', 'd'].slice(0, 3)
  expect(holders.map((me) => counts(assign(holders, me, view)))).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ])
  const five = ['a', 'b', 'c', 'd'].map((me) => counts(assign(['a', 'b', 'c', 'd'], me, view)))
  expect(five).toEqual([
    [0, 1],
    [0, 1],
    [0, 0],
    [0, 0],
  ])
})

test('a dead process’s shards count as free before their leases have run out, and are not reached for', () => {
  const shards = free(6, 's')
  const view = [...heldBy('a', shards.slice(0, 3)), ...heldBy('dead', shards.slice(3))]
  expect(counts(assign(['a', 'b'], 'a', view))).toEqual([0, 0])
  expect(counts(assign(['a', 'b'], 'b', view))).toEqual([0, 0])
})

test('what a process is giving up is not taken back', () => {
  const view = free(4, 's').map((shard, index) => ({ ...shard, holder: 'a', isLeft: index < 2 }))
  expect(counts(assign(['a'], 'a', view))).toEqual([0, 0])
})

test('the shards of one stream are spread over the processes', () => {
  const shards = free(4, 's', 't', 'u')
  const { take } = assign(['a', 'b'], 'a', shards)
  const perStream = ['s', 't', 'u'].map((stream) => take.filter((shard) => shard.stream === stream).length)
  expect(perStream).toEqual([2, 2, 2])
  const { giveUp } = assign(['a', 'b'], 'a', heldBy('a', shards))
  const given = ['s', 't', 'u'].map((stream) => giveUp.filter((shard) => shard.stream === stream).length)
  expect(given).toEqual([2, 2, 2])
})

test('two processes do not reach for the same free shards', () => {
  const shards = free(200, 's')
  const taken = ['a', 'b'].map((me) => new Set(assign(['a', 'b'], me, shards).take.map(({ key }) => key)))
  const both = [...(taken[0] ?? [])].filter((key) => taken[1]?.has(key))
  expect(both.length).toBeLessThan(75)
})

/** Processes that act one after another, each on what it saw some time ago. */
class Fleet {
  shards: AssignableShard[]
  holders: string[]
  moves = 0
  readonly #views = new Map<string, { holders: string[]; shards: AssignableShard[] }>()

  constructor(processes: number, shards: AssignableShard[]) {
    this.shards = shards
    this.holders = Array.from({ length: processes }, (_, index) => `p${index}`)
  }

  look(me: string): void {
    this.#views.set(me, { holders: [...this.holders], shards: [...this.shards] })
  }

  act(me: string): void {
    const view = this.#views.get(me)
    if (view === undefined || !view.holders.includes(me) || !this.holders.includes(me)) return
    const { take, giveUp } = assign(view.holders, me, view.shards)
    for (const shard of take) this.#move(shard, undefined, me)
    for (const shard of giveUp) this.#move(shard, me, undefined)
    this.#views.delete(me)
  }

  /** As the store does it: only from the holder that it has now. */
  #move({ stream, key }: AssignableShard, from: string | undefined, to: string | undefined): void {
    const index = this.shards.findIndex((shard) => shard.stream === stream && shard.key === key)
    if (this.shards[index]?.holder !== from) return
    this.shards[index] = { stream, key, holder: to }
    this.moves += 1
  }

  join(name: string): void {
    this.holders = [...this.holders, name].toSorted()
  }

  die(name: string): void {
    this.holders = this.holders.filter((holder) => holder !== name)
  }

  expire(): void {
    this.shards = this.shards.map((shard) =>
      shard.holder !== undefined && this.holders.includes(shard.holder)
        ? shard
        : { ...shard, holder: undefined },
    )
  }

  get loads(): number[] {
    return this.holders.map((holder) => this.shards.filter((shard) => shard.holder === holder).length)
  }
}

test('whoever joins or dies, and however old the views: shares become even in a few rounds, and then nothing moves', () => {
  const choices = fc.infiniteStream(fc.nat())
  const run = fc.property(fc.integer({ min: 1, max: 7 }), fc.nat(40), choices, (processes, count, choose) => {
    const next = (below: number): number => (choose.next().value ?? 0) % below
    const streams = ['s', 't', 'u'].slice(0, 1 + next(3))
    const fleet = new Fleet(processes, free(Math.ceil(count / streams.length), ...streams))
    for (let step = 0; step < 60; step += 1) {
      const me = fleet.holders[next(fleet.holders.length)] ?? ''
      const kind = next(12)
      if (kind === 0) fleet.join(`j${step}`)
      else if (kind === 1 && fleet.holders.length > 1) fleet.die(me)
      else if (kind === 2) fleet.expire()
      else if (kind < 8) fleet.look(me)
      else fleet.act(me)
    }
    fleet.expire()
    for (let round = 0; round < 8; round += 1) {
      for (const me of fleet.holders) {
        fleet.look(me)
        if (next(2) === 0) fleet.act(me)
      }
      for (const me of fleet.holders) fleet.act(me)
    }
    const settled = fleet.moves
    for (const me of [...fleet.holders, ...fleet.holders.toReversed()]) {
      fleet.look(me)
      fleet.act(me)
    }
    expect(fleet.moves).toBe(settled)
    expect(fleet.shards.every(({ holder }) => holder !== undefined)).toBe(true)
    expect(Math.max(...fleet.loads) - Math.min(...fleet.loads)).toBeLessThanOrEqual(1)
  })
  fc.assert(run, { numRuns: 500 })
})

/** Defends G7: no shard is forgotten, none is read before its parents, and none twice. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SHARD_END, TRIM_HORIZON, type NewShard, type ShardState } from '../../src/domain/shard.ts'
import type { ListedShard } from '../../src/receive/kinesis/data-stream.ts'
import { hasHole } from '../../src/receive/kinesis/hash-range.ts'
import {
  childShards,
  forgettableShards,
  missingShards,
  newestCreation,
  readyShards,
  startShards,
} from '../../src/receive/kinesis/lineage.ts'

const CREATED = 1_000
const key = (id: string): string => `${CREATED}/${id}`
const idOf = ({ key: text }: { readonly key: string }): string => text.slice(text.indexOf('/') + 1)

function listed(shardId: string, parents: readonly string[] = [], isClosed = false): ListedShard {
  return { shardId, parents, hashRange: ['0', '9'], isClosed }
}

/** A known shard; `children` are given to one that has ended. */
function known(
  id: string,
  parents: readonly string[],
  checkpoint: string,
  children: string[] = [],
): ShardState {
  return {
    key: key(id),
    parents: parents.map(key),
    hashRange: ['0', '9'],
    checkpoint,
    children: children.map(key),
    counter: 1,
    leaseMs: 0,
    checkpointAgeMs: 0,
  }
}

const READING = '49'
const ids = (shards: readonly NewShard[] | undefined): string[] => (shards ?? []).map(idOf).toSorted()

test('a delivery stream begins with the shards that were open at its start, each from there', () => {
  const shards = startShards([listed('a', ['old']), listed('b')], CREATED, 'AT_TIMESTAMP:5')
  expect(shards).toEqual([
    { key: '1000/a', parents: ['1000/old'], hashRange: ['0', '9'], checkpoint: 'AT_TIMESTAMP:5' },
    { key: '1000/b', parents: [], hashRange: ['0', '9'], checkpoint: 'AT_TIMESTAMP:5' },
  ])
})

test('a parent that is not known does not hold its children back, one that is known holds them until it has ended', () => {
  const reading = known('p', [], READING)
  const ended = known('q', [], SHARD_END)
  expect(ids(readyShards([known('a', ['gone'], TRIM_HORIZON)]))).toEqual(['a'])
  expect(ids(readyShards([reading, known('a', ['p'], TRIM_HORIZON)]))).toEqual(['p'])
  expect(ids(readyShards([ended, known('a', ['q'], TRIM_HORIZON)]))).toEqual(['a'])
})

test('a merged shard waits for both of its parents', () => {
  const merged = known('m', ['p', 'q'], TRIM_HORIZON)
  const p = known('p', [], SHARD_END)
  expect(ids(readyShards([p, known('q', [], READING), merged]))).toEqual(['q'])
  expect(ids(readyShards([p, known('q', [], SHARD_END), merged]))).toEqual(['m'])
})

test('shards of a data stream that was made anew are read, those of the one before are not', () => {
  const old = known('a', [], READING)
  const anew = { ...old, key: '2000/a', checkpoint: TRIM_HORIZON }
  expect(readyShards([old, anew]).map((shard) => shard.key)).toEqual(['2000/a'])
  expect(newestCreation([anew, old])).toBe(2_000)
  expect(newestCreation([])).toBeUndefined()
})

test('the children of a split begin at their beginning', () => {
  const children = [listed('l', ['p']), listed('r', ['p'])]
  const registered = childShards(key('p'), children, undefined, [known('p', [], READING)])
  expect(ids(registered)).toEqual(['l', 'r'])
  expect(registered?.every(({ checkpoint }) => checkpoint === TRIM_HORIZON)).toBe(true)
  expect(registered?.[0]?.parents).toEqual([key('p')])
})

test('children that GetRecords does not name are found by listing, among all that are listed', () => {
  const states = [known('p', [], READING), known('x', [], READING)]
  expect(childShards(key('p'), [], undefined, states)).toBeUndefined()
  const all = [listed('p', [], true), listed('x'), listed('l', ['p']), listed('r', ['p']), listed('y', ['x'])]
  expect(ids(childShards(key('p'), [], all, states))).toEqual(['l', 'r'])
})

test('a merged child keeps both parents, whichever ends first', () => {
  const states = [known('p', [], READING), known('q', [], READING)]
  const [merged] = childShards(key('q'), [listed('m', ['p', 'q'])], undefined, states) ?? []
  expect(merged?.parents).toEqual([key('p'), key('q')])
})

test('an ended or forgotten parent of a merge does not hold the child back', () => {
  const ended = known('q', [], SHARD_END, ['m'])
  const merged = listed('m', ['p', 'q'])
  const both = [known('p', [], READING), ended, known('m', ['p', 'q'], TRIM_HORIZON)]
  expect(ids(childShards(key('p'), [merged], undefined, both))).toEqual(['m'])
  // q has ended, has registered m, and is known no more: m is what tells.
  const forgotten = [known('p', [], READING), known('m', ['p', 'q'], TRIM_HORIZON)]
  expect(ids(childShards(key('p'), [merged], [merged, listed('q', [], true)], forgotten))).toEqual(['m'])
})

test('a parent of a merge whose records were trimmed does not hold the child back', () => {
  const merged = listed('m', ['p', 'q'])
  const states = [known('p', [], READING)]
  expect(childShards(key('p'), [merged], undefined, states)).toBeUndefined()
  expect(ids(childShards(key('p'), [merged], [merged, listed('p', [], true)], states))).toEqual(['m'])
})

test('the other parent of a merge that lies below an unread shard is registered with the child', () => {
  // While nobody read: x was split into q and r, and q merged with p into m.
  const all = [
    listed('p', [], true),
    listed('x', [], true),
    listed('q', ['x'], true),
    listed('r', ['x']),
    listed('m', ['p', 'q']),
  ]
  const states = [known('p', [], READING), known('x', [], READING)]
  const registered = childShards(key('p'), [listed('m', ['p', 'q'])], all, states) ?? []
  expect(ids(registered)).toEqual(['m', 'q'])
  expect(registered.find((shard) => idOf(shard) === 'q')?.parents).toEqual([key('x')])
  // So m waits for q, and q for x; r is registered by the end of x.
  const after = [known('p', [], SHARD_END, ['m', 'q']), known('x', [], READING), ...registered.map(asKnown)]
  expect(ids(readyShards(after))).toEqual(['x'])
  expect(ids(childShards(key('x'), [], all, after))).toEqual(['q', 'r'])
})

test('several generations that passed unread are registered up to the shard that is known', () => {
  // x -> y, z; y -> u, v; v and p merged into m.
  const all = [
    listed('x', [], true),
    listed('y', ['x'], true),
    listed('z', ['x']),
    listed('u', ['y']),
    listed('v', ['y'], true),
    listed('p', [], true),
    listed('m', ['v', 'p']),
  ]
  const states = [known('x', [], READING), known('p', [], READING)]
  expect(ids(childShards(key('p'), [listed('m', ['v', 'p'])], all, states))).toEqual(['m', 'v', 'y'])
  expect(ids(missingShards(all, states, CREATED))).toEqual([])
})

test('the other parent of a merge is registered even if all above it were trimmed', () => {
  const all = [listed('p', [], true), listed('q', ['trimmed'], true), listed('m', ['p', 'q'])]
  expect(ids(childShards(key('p'), [], all, [known('p', [], READING)]))).toEqual(['m', 'q'])
})

test('a shard without children ends without registering any', () => {
  expect(childShards(key('p'), [], [listed('p', [], true)], [known('p', [], READING)])).toEqual([])
})

test('a listed shard below an unread one is left to its end', () => {
  const all = [listed('p', [], true), listed('c', ['p'], true), listed('d', ['c'])]
  expect(missingShards(all, [known('p', [], READING)], CREATED)).toEqual([])
})

test('shards that were closed before the start are not read', () => {
  const all = [listed('before', [], true), listed('a', ['before']), listed('b', ['before'])]
  const states = startShards(all.slice(1), CREATED, 'AT_TIMESTAMP:5').map(asKnown)
  expect(missingShards(all, states, CREATED)).toEqual([])
})

test('a shard that a listing left out at the start is registered from its beginning, closed generations too', () => {
  const all = [
    listed('a'),
    listed('b', [], true),
    listed('c', ['b'], true),
    listed('d', ['c']),
    listed('e', ['b']),
  ]
  const registered = missingShards(all, [known('a', [], READING)], CREATED)
  expect(ids(registered)).toEqual(['b', 'c', 'd', 'e'])
  expect(registered.every(({ checkpoint }) => checkpoint === TRIM_HORIZON)).toBe(true)
})

test('a child that its ended parent did not register is registered, one that it did register is not', () => {
  const all = [listed('p', [], true), listed('l', ['p']), listed('r', ['p'])]
  const ended = known('p', [], SHARD_END, ['l'])
  expect(ids(missingShards(all, [ended, known('l', ['p'], READING)], CREATED))).toEqual(['r'])
  expect(ids(missingShards(all, [ended], CREATED))).toEqual(['r'])
})

test('when every known shard was trimmed unread, what is listed is read from its beginning', () => {
  const all = [listed('c', ['b'], true), listed('d', ['c'])]
  expect(ids(missingShards(all, [known('a', [], READING)], CREATED))).toEqual(['c', 'd'])
})

test('an ended shard is remembered while it is listed', () => {
  const states = [known('p', [], SHARD_END, ['c']), known('c', ['p'], READING)]
  expect(forgettableShards([listed('p', [], true), listed('c', ['p'])], states, CREATED)).toEqual([])
  expect(forgettableShards([listed('c', ['p'])], states, CREATED)).toEqual([key('p')])
})

test('an ended shard is remembered until each of its children has left its start', () => {
  const states = (checkpoint: string): ShardState[] => [
    known('p', [], SHARD_END, ['l', 'r']),
    known('l', ['p'], READING),
    known('r', ['p'], checkpoint),
  ]
  expect(forgettableShards([], states(TRIM_HORIZON), CREATED)).toEqual([])
  expect(forgettableShards([], states('AT_TIMESTAMP:5'), CREATED)).toEqual([])
  expect(forgettableShards([], states(READING), CREATED)).toEqual([key('p')])
})

test('an ended shard is remembered while a shard that it descends from is listed', () => {
  const states = [known('c', ['before'], SHARD_END, ['d']), known('d', ['c'], READING)]
  expect(forgettableShards([listed('before', [], true), listed('d', ['c'])], states, CREATED)).toEqual([])
  expect(forgettableShards([listed('d', ['c'])], states, CREATED)).toEqual([key('c')])
})

test('shards are forgotten from the eldest on, and never before their end', () => {
  const states = [
    known('p', [], SHARD_END, ['c']),
    known('c', ['p'], SHARD_END, ['d']),
    known('d', ['c'], SHARD_END),
    known('x', [], READING),
  ]
  expect(forgettableShards([], states, CREATED)).toEqual([key('p')])
  expect(forgettableShards([], states.slice(1), CREATED)).toEqual([key('c')])
  expect(forgettableShards([], states, 2_000)).toEqual([])
})

test('lines of descent that go in a circle, as no data stream has them, end the walk all the same', () => {
  const all = [listed('a', ['b'], true), listed('b', ['a'], true)]
  expect(ids(missingShards(all, [], CREATED))).toEqual(['a', 'b'])
  expect(ids(missingShards(all, [known('a', ['b'], READING)], CREATED))).toEqual([])
  expect(ids(childShards(key('a'), [], all, [known('a', ['b'], READING)]))).toEqual(['b'])
})

test('a hole is a hash key in no range; ranges may overlap and come in any order', () => {
  const end = String(2n ** 128n - 1n)
  const half = 2n ** 127n
  expect(hasHole([])).toBe(true)
  expect(hasHole([['0', end]])).toBe(false)
  expect(
    hasHole([
      [String(half), end],
      ['0', String(half - 1n)],
    ]),
  ).toBe(false)
  expect(
    hasHole([
      ['0', String(half - 2n)],
      [String(half), end],
    ]),
  ).toBe(true)
  expect(hasHole([['1', end]])).toBe(true)
  expect(hasHole([['0', String(2n ** 128n - 2n)]])).toBe(true)
  expect(
    hasHole([
      ['0', end],
      ['5', '7'],
      [String(half), end],
    ]),
  ).toBe(false)
})

function asKnown(shard: NewShard): ShardState {
  return { ...shard, children: [], counter: 0, leaseMs: 0, checkpointAgeMs: 0 }
}

/** A data stream with random splits and merges: each shard with its parents, in the order in which they came. */
const history = fc.array(fc.record({ merge: fc.boolean(), at: fc.nat() }), { maxLength: 14 }).map((steps) => {
  const shards = ['s0', 's1', 's2'].map((id) => listed(id))
  const open = ['s0', 's1', 's2']
  const close = (id: string): void => {
    const index = shards.findIndex((shard) => shard.shardId === id)
    shards[index] = { ...(shards[index] ?? listed(id)), isClosed: true }
    open.splice(open.indexOf(id), 1)
  }
  const add = (parents: readonly string[], at: number): void => {
    const id = `s${shards.length}`
    shards.push(listed(id, parents))
    open.splice(at, 0, id)
  }
  for (const { merge, at } of steps) {
    const index = at % open.length
    const first = open[index] ?? ''
    const second = open[index + 1]
    if (merge && second !== undefined) {
      close(first)
      close(second)
      add([first, second], index)
    } else {
      close(first)
      add([first], index)
      add([first], index)
    }
  }
  return shards
})

/** A reader of a data stream that grows, and is trimmed, while it is read. */
class Reading {
  readonly shards: readonly ListedShard[]
  readonly began: ReadonlySet<string>
  readonly read: string[] = []
  states: ShardState[]
  #visible: number
  readonly #trimmed = new Set<string>()

  /** @param visible how many of the shards there are at the start; those of them that are open then are the first ones */
  constructor(shards: readonly ListedShard[], visible: number) {
    this.shards = shards
    this.#visible = visible
    const open = this.listing().filter(({ shardId }) => !this.#isClosed(shardId))
    this.began = new Set(open.map(({ shardId }) => shardId))
    this.states = startShards(open, CREATED, 'AT_TIMESTAMP:5').map(asKnown)
  }

  listing(): ListedShard[] {
    return this.shards.slice(0, this.#visible).filter(({ shardId }) => !this.#trimmed.has(shardId))
  }

  #isClosed(id: string): boolean {
    return this.shards.slice(0, this.#visible).some(({ parents }) => parents.includes(id))
  }

  grow(): void {
    this.#visible = Math.min(this.shards.length, this.#visible + 1)
    // Children of one shard come at once.
    const parents = this.shards[this.#visible - 1]?.parents ?? []
    while (parents.length > 0 && this.shards[this.#visible]?.parents.join() === parents.join())
      this.#visible += 1
  }

  trim(choice: number): void {
    const eldest = this.read.filter((id) => !this.#trimmed.has(id))
    const id = eldest[choice % Math.max(1, eldest.length)]
    if (id !== undefined) this.#trimmed.add(id)
  }

  /** What was closed before the start is trimmed, too. */
  trimBefore(): void {
    for (const { shardId } of this.listing().filter((shard) => this.#isClosed(shard.shardId)))
      this.#trimmed.add(shardId)
  }

  audit(): void {
    expect(missingShards(this.listing(), this.states, CREATED)).toEqual([])
    const forgotten = forgettableShards(this.listing(), this.states, CREATED)
    this.states = this.states.filter((state) => !forgotten.includes(state.key))
    expect(missingShards(this.listing(), this.states, CREATED)).toEqual([])
  }

  /** Reads a shard to its end, if one is closed and ready. */
  end(choice: number, named: boolean): void {
    const ready = readyShards(this.states).filter((state) => this.#isClosed(idOf(state)))
    const ending = ready[choice % Math.max(1, ready.length)]
    if (ending === undefined) return
    const id = idOf(ending)
    expect(this.read).not.toContain(id)
    if (!this.began.has(id)) {
      const parents = this.shards.find(({ shardId }) => shardId === id)?.parents ?? []
      for (const parent of parents) expect(this.read).toContain(parent)
    }
    this.read.push(id)
    const answered = named ? this.listing().filter(({ parents }) => parents.includes(id)) : []
    const children =
      childShards(ending.key, answered, undefined, this.states) ??
      childShards(ending.key, answered, this.listing(), this.states) ??
      []
    const fresh = children.filter(({ key: name }) => !this.states.some((state) => state.key === name))
    const names = children.map((child) => child.key)
    this.states = [...this.states, ...fresh.map(asKnown)].map((state) =>
      state.key === ending.key ? { ...state, checkpoint: SHARD_END, children: names } : state,
    )
  }

  /** Some that have not ended get a first record. */
  progress(choice: number): void {
    this.states = this.states.map((state, index) =>
      state.checkpoint !== SHARD_END && index % 3 === choice % 3 ? { ...state, checkpoint: READING } : state,
    )
  }
}

test('however a data stream was resharded, each shard is read once and after its parents, and all are forgotten', () => {
  const run = fc.property(history, fc.infiniteStream(fc.nat()), fc.nat(), (shards, choices, started) => {
    const next = (): number => choices.next().value ?? 0
    const before = new Reading(shards, 3)
    for (let steps = started % 4; steps > 0; steps -= 1) before.grow()
    const reading = new Reading(shards, before.listing().length)
    for (let turn = 0; turn < 200; turn += 1) {
      const kind = next() % 6
      if (kind === 0) reading.audit()
      else if (kind === 1) reading.grow()
      else if (kind === 2) reading.trim(next())
      else if (kind === 3) reading.progress(next())
      else reading.end(next(), next() % 2 === 0)
    }
    for (const { shardId } of shards) reading.end(shardId.length, true)
    const isClosed = (id: string): boolean => shards.some(({ parents }) => parents.includes(id))
    const done = before.listing().filter(({ shardId }) => !reading.began.has(shardId))
    const wanted = shards.filter((shard) => isClosed(shard.shardId) && !done.includes(shard))
    expect(reading.read.toSorted()).toEqual(wanted.map(({ shardId }) => shardId).toSorted())
    const open = shards.filter(({ shardId }) => !isClosed(shardId)).map(({ shardId }) => shardId)
    expect(ids(readyShards(reading.states))).toEqual(open.toSorted())
    for (let generation = 0; generation <= shards.length; generation += 1) {
      for (const shard of shards.keys()) reading.trim(shard)
      reading.trimBefore()
      for (const choice of [0, 1, 2]) reading.progress(choice)
      reading.audit()
    }
    expect(ids(reading.states)).toEqual(open.toSorted())
  })
  fc.assert(run, { numRuns: 100 })
})

/**
 * What must be true of a simulation: G7, each record of a shard enters once, in order, across crashes, lease moves, splits and
 * merges; and in the end each shard is read by one process, all of them evenly.
 */
import { SHARD_END, shardKey, timestampOf } from '../../src/domain/shard.ts'
import type { ShardAppend } from './memory-shards.ts'
import type { Life, SimulatedShard } from './simulated-data-stream.ts'
import type { Fed, SimulatedConsumers } from './simulation-consumers.ts'

/** Of one shard: what was appended, in the order of the log. */
interface Taken {
  readonly sequenceNumbers: string[]
  readonly counters: { readonly counter: number; readonly holder: string }[]
  firstAt: number
  lastAt: number
}

/** What the log holds that it must not, or not in this order; empty when all is well. True at every moment. */
export function violations(world: SimulatedConsumers): string[] {
  const found: string[] = []
  for (const fed of world.fed.values()) {
    const taken = takenBy(world.store.appends(), fed)
    for (const life of fed.dataStream.lives)
      for (const shard of life.shards.values()) found.push(...shardViolations(taken, fed, life, shard))
    const known = fed.dataStream.lives.flatMap((life) =>
      [...life.shards.keys()].map((id) => shardKey(life.createdAtMs, id)),
    )
    for (const key of taken.keys()) if (!known.includes(key)) found.push(`${key}: no such shard`)
  }
  return found
}

/** What is not in the log yet, or not at rest; empty when nothing is left to do. */
export function leftToDo(world: SimulatedConsumers): string[] {
  const left: string[] = []
  const shards = world.shards()
  for (const { definition, dataStream } of world.fed.values()) {
    const taken = takenBy(world.store.appends(), { definition, dataStream })
    const { life } = dataStream
    const sinceMs = dueSince({ definition, dataStream })
    for (const shard of life.shards.values()) {
      const key = shardKey(life.createdAtMs, shard.id)
      const wanted = shard.records.filter(({ arrivalMs }) => arrivalMs >= sinceMs).length
      const missing = wanted - (taken.get(key)?.sequenceNumbers.length ?? 0)
      if (missing > 0) left.push(`${definition.name} ${key}: ${missing} of ${wanted} records are missing`)
    }
    const mine = shards.filter(({ incarnation }) => incarnation === definition.incarnation)
    const unended = mine.filter(({ checkpoint }) => checkpoint !== SHARD_END).map(({ key }) => key)
    const open = dataStream.open.map(({ id }) => shardKey(life.createdAtMs, id))
    if (unended.toSorted().join() !== open.toSorted().join())
      left.push(`${definition.name}: to be read are ${open.join()}, known are ${unended.join()}`)
  }
  const live = world.live.map(({ process }) => process.name)
  const held = shards.filter(({ checkpoint }) => checkpoint !== SHARD_END)
  const loads = live.map((name) => held.filter(({ holder }) => holder === name).length)
  if (
    loads.reduce((sum, load) => sum + load, 0) !== held.length ||
    Math.max(...loads) - Math.min(...loads) > 1
  )
    left.push(
      `${held.length} shards are held ${live.map((name, index) => `${name}: ${loads[index]}`).join()}`,
    )
  return left
}

/** From when on records are due: those of a data stream that was made again all are. */
function dueSince({ definition }: Fed): number {
  return timestampOf(definition.kinesis?.start ?? '') ?? 0
}

function takenBy(appends: readonly ShardAppend[], { definition }: Fed): Map<string, Taken> {
  const taken = new Map<string, Taken>()
  for (const [index, { holder, position, frames }] of appends.entries()) {
    const { stream, key, counter } = position.lease
    if (stream.incarnation !== definition.incarnation) continue
    const shard = taken.get(key) ?? { sequenceNumbers: [], counters: [], firstAt: index, lastAt: index }
    taken.set(key, shard)
    shard.lastAt = index
    shard.counters.push({ counter, holder })
    for (const frame of frames)
      for (const { sequenceNumber } of frame.metadata ?? []) shard.sequenceNumbers.push(sequenceNumber)
  }
  return taken
}

function shardViolations(
  taken: ReadonlyMap<string, Taken>,
  fed: Fed,
  life: Life,
  shard: SimulatedShard,
): string[] {
  const name = `${fed.definition.name} ${shardKey(life.createdAtMs, shard.id)}`
  const mine = taken.get(shardKey(life.createdAtMs, shard.id))
  if (mine === undefined) return []
  const found: string[] = []
  // Without a gap, from the start or before: a listing with a hole may have had more read than was asked for.
  const produced = shard.records.map(({ sequenceNumber }) => sequenceNumber)
  const from = produced.indexOf(mine.sequenceNumbers[0] ?? '')
  const expected = produced.slice(from, from + mine.sequenceNumbers.length)
  if (mine.sequenceNumbers.join() !== expected.join())
    found.push(`${name}: took ${tails(mine.sequenceNumbers)} of ${tails(produced)}`)
  const sinceMs = dueSince(fed)
  if (
    (shard.records[from]?.arrivalMs ?? 0) > sinceMs &&
    from > 0 &&
    (shard.records[from - 1]?.arrivalMs ?? 0) >= sinceMs
  )
    found.push(`${name}: began with ${tails(mine.sequenceNumbers.slice(0, 1))} of ${tails(produced)}`)
  for (const [index, { counter, holder }] of mine.counters.entries()) {
    const before = mine.counters[index - 1]
    if (before === undefined || before.counter < counter) continue
    if (before.counter > counter || before.holder !== holder)
      found.push(
        `${name}: ${holder} appended under ${counter} after ${before.holder} under ${before.counter}`,
      )
  }
  for (const parent of shard.parents) {
    const above = taken.get(shardKey(life.createdAtMs, parent))
    if (above !== undefined && above.lastAt > mine.firstAt)
      found.push(`${name}: was read before the end of ${parent}`)
  }
  return found
}

const tails = (sequenceNumbers: readonly string[]): string =>
  `[${sequenceNumbers.map((text) => text.replace(/^49660*/, '')).join(' ')}]`

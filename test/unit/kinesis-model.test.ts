/**
 * Defends G7 by simulation: whatever happens to processes, store and Kinesis, each record of each shard enters once and in
 * order, no shard is forgotten, two owners never both append, and in the end each shard is read, evenly.
 *
 * `SEEDS=n` runs n seeds, `SEED=x` one.
 */
import { describe, expect, test } from 'vitest'
import { SimulatedConsumers } from '../support/simulation-consumers.ts'
import { leftToDo, violations } from '../support/simulation-oracle.ts'
import { Storm } from '../support/simulation-storm.ts'

const { SEED, SEEDS = '80' } = process.env
const seeds =
  SEED === undefined ? Array.from({ length: Number(SEEDS) }, (_, index) => index + 1) : [Number(SEED)]
const CALM_MS = 400_000

describe('each record enters once and in order, and every shard is read in the end', () => {
  test.each(seeds)('seed %i', async (seed) => {
    const world = new SimulatedConsumers(seed)
    const storm = new Storm(world)
    await storm.rage()
    await world.simulation.runUntil(() => leftToDo(world).length === 0, CALM_MS, 5_000)
    const told = `seed ${seed}\n${storm.diary.join('\n')}\n`
    expect(violations(world), told).toEqual([])
    expect(world.store.repeated, told).toEqual([])
    expect(leftToDo(world), told).toEqual([])
  })
})

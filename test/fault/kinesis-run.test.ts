/**
 * G7 under random faults, with real processes: a producer writes into a data stream that is split and merged meanwhile,
 * while processes are killed and paused, Kinesis and Redis fail, connections are cut. Then every sequence number that was
 * produced is in the objects or the error prefix, once, in order within its shard. The seed is printed; SEED repeats a run,
 * KINESIS_SECONDS makes it longer or shorter.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seeded } from '../../bench/orders.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { kinesisFaults } from '../support/kinesis-faults.ts'
import { KinesisProducer } from '../support/kinesis-producer.ts'
import { createKinesisWorld, LEASE_MS, type KinesisWorld } from '../support/kinesis-world.ts'

const seconds = Number(process.env['KINESIS_SECONDS'] ?? 60)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const SHARDS_MAX = 6

/** Names what was done, so that a failed run shows that faults did happen. */
type Faults = Record<string, () => Promise<void>>

function faultsOf(world: KinesisWorld, processes: HydrantProcess[], random: () => number): Faults {
  const pick = <T>(list: readonly T[]): T => {
    const picked = list[Math.floor(random() * list.length)]
    if (picked === undefined) throw new Error('pick: there is nothing to pick from')
    return picked
  }
  const replaceKilled = async (victim: HydrantProcess): Promise<void> => {
    await victim.kill()
    processes[processes.indexOf(victim)] = await world.start()
  }
  return {
    kill: () => replaceKilled(pick(processes)),
    pause: async () => {
      const paused = pick(processes)
      paused.child.kill('SIGSTOP')
      await wait(random() * 2 * LEASE_MS)
      paused.child.kill('SIGCONT')
    },
    split: async () => {
      const open = await world.dataStream.openShards()
      if (open.length < SHARDS_MAX) await world.dataStream.split(pick(open))
    },
    merge: async () => {
      const open = (await world.dataStream.openShards()).toSorted((a, b) =>
        BigInt(String(a.HashKeyRange?.StartingHashKey)) < BigInt(String(b.HashKeyRange?.StartingHashKey))
          ? -1
          : 1,
      )
      const index = Math.floor(random() * (open.length - 1))
      const [first, second] = [open[index], open[index + 1]]
      if (first !== undefined && second !== undefined) await world.dataStream.merge(first, second)
    },
    kinesis: async () => {
      const { throttled, expired, failure, failureAfter, unavailable, cutBefore, cutAfter } = kinesisFaults
      const fault = pick([throttled, expired, failure, failureAfter, unavailable, cutBefore, cutAfter])
      world.kinesisProxy.fail({ ...fault, probability: 0.5 })
      await wait(500 + random() * 1_500)
      world.kinesisProxy.pass()
    },
    kinesisAway: async () => {
      world.kinesisProxy.blackHole()
      await wait(random() * 2_000)
      world.kinesisProxy.pass()
    },
    redisCut: async () => world.redisProxy?.reset(),
    redisAnswerLost: async () => {
      await Promise.race([world.redisProxy?.dropAnswer('EVALSHA'), wait(1_000)])
    },
    redisAway: async () => {
      world.redisProxy?.blackHole()
      await wait(random() * 1.5 * LEASE_MS)
      world.redisProxy?.pass()
    },
  }
}

async function produce(producer: KinesisProducer, random: () => number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const perAggregate = random() < 0.5 ? 0 : 5
    await producer.send(100, {
      perAggregate,
      bad: random() < 0.3 ? 2 : 0,
      padding: Math.floor(random() * 300),
    })
    await wait(50)
  }
}

test(
  `G7: every record of every shard lands once and in order, whatever fails (SEED=${seed})`,
  async () => {
    const random = seeded(seed)
    const world = await createKinesisWorld('distributed', { shards: 2, seed })
    const done: string[] = []
    try {
      const processes = [await world.start(), await world.start(), await world.start()]
      const faults = faultsOf(world, processes, random)
      const names = Object.keys(faults)
      /** Each once, in an order of this seed; what comes then is drawn. */
      const first = names
        .map((name) => ({ name, rank: random() }))
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ name }) => name)
      const producer = new KinesisProducer(world.kinesis.client, world.dataStream.arn)
      const stop = new AbortController()
      const producing = produce(producer, random, stop.signal)
      const end = Date.now() + seconds * 1_000
      while (Date.now() < end) {
        await wait(200 + random() * 1_000)
        const name = first.pop() ?? names[Math.floor(random() * names.length)] ?? ''
        done.push(name)
        await faults[name]?.()
      }
      stop.abort()
      await producing
      expect(producer.acknowledged.size).toBeGreaterThan(seconds * 50)
      expect(new Set(done)).toEqual(new Set(seconds < 60 ? done : names))
      const [survivor] = processes
      if (survivor === undefined) throw new Error('there is no process')
      await world.expectAllLanded(survivor, [producer], 120_000)
    } finally {
      await world.close()
    }
  },
  (seconds + 240) * 1_000,
)

/**
 * G7 across process death: a process is killed at every await of the shard reader, once each, in both shapes, while its data
 * stream is split. Whatever was produced lands exactly once, in order within its shard, and the ledger balances.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crashPoints } from '../../src/runtime/crash-point.ts'
import { startKinesis, type KinesisServer } from '../support/kinesis-local.ts'
import { KinesisProducer } from '../support/kinesis-producer.ts'
import { createKinesisWorld, type KinesisWorld, type Shape } from '../support/kinesis-world.ts'

const shardPoints = crashPoints.filter((point) => point.includes('-shard-'))

let kinesis: KinesisServer
beforeAll(async () => {
  kinesis = await startKinesis()
})
afterAll(() => kinesis.stop())

/** Orders before a split, between two splits and after them, so that shards end, begin and go on. */
async function produce(world: KinesisWorld, producer: KinesisProducer): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await producer.send(60, { bad: 2 })
    await producer.send(60, { perAggregate: 4 })
    const [shard] = await world.dataStream.openShards()
    if (shard !== undefined && round < 2) await world.dataStream.split(shard)
  }
}

for (const shape of ['embedded', 'distributed'] as const satisfies readonly Shape[]) {
  test.concurrent.each([...shardPoints, 'after-shard-append#3'].map((point) => [point]))(
    `${shape}: killed %s, every record lands exactly once and in order`,
    async (crashAt) => {
      const world = await createKinesisWorld(shape, { kinesis, shards: 1 })
      try {
        const producer = new KinesisProducer(world.kinesis.client, world.dataStream.arn)
        const crashing = await world.start({ crashAt })
        await produce(world, producer)
        expect((await crashing.ended).signal).toBe('SIGKILL')
        await world.expectAllLanded(await world.start(), [producer], 60_000)
      } finally {
        await world.close()
      }
    },
  )
}

/**
 * A data stream as the source of a delivery stream, as a user meets it: real processes, a local Kinesis, the official SDKs.
 */
import {
  CreateDeliveryStreamCommand,
  PutRecordCommand,
  DescribeDeliveryStreamCommand,
} from '@aws-sdk/client-firehose'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { faults } from '../support/fake-s3.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { startKinesis, type KinesisServer } from '../support/kinesis-local.ts'
import { KinesisProducer } from '../support/kinesis-producer.ts'
import { createKinesisWorld, STREAM, type KinesisWorld } from '../support/kinesis-world.ts'
import { sealAggregate } from '../support/kpl.ts'
import { firehoseClient } from '../support/producer.ts'

let kinesis: KinesisServer
beforeAll(async () => {
  kinesis = await startKinesis()
})
afterAll(() => kinesis.stop())

async function open(...[shape, options]: Parameters<typeof createKinesisWorld>): Promise<KinesisWorld> {
  const world = await createKinesisWorld(shape, { kinesis, ...options })
  onTestFinished(() => world.close())
  return world
}

const moves = (process: HydrantProcess, move: string): Promise<number> =>
  process.metric('hydrant_kinesis_lease_moves_total', { move })

/** Shards that a process reads. */
async function holds(process: HydrantProcess): Promise<number> {
  const left = [await moves(process, 'released'), await moves(process, 'lost'), await moves(process, 'ended')]
  return (await moves(process, 'acquired')) - left.reduce((sum, count) => sum + count, 0)
}

const producerOf = ({ dataStream }: KinesisWorld): KinesisProducer =>
  new KinesisProducer(kinesis.client, dataStream.arn)

test('what was put before the delivery stream was created stays out, what comes after lands, and a restart goes on', async () => {
  const world = await open('embedded')
  const before = producerOf(world)
  await before.send(20)
  const first = await world.start()
  const after = new KinesisProducer(kinesis.client, world.dataStream.arn, { name: 'after' })
  await after.send(100, { bad: 3 })
  await after.send(100, { perAggregate: 7 })
  await world.expectAllLanded(first, [after])
  await first.kill('SIGTERM')
  await after.send(50)
  await world.expectAllLanded(await world.start(), [after])
})

test('created through the API it is described with its source, takes no puts, and lands what is in the data stream', async () => {
  const world = await open('embedded')
  const process = await world.start()
  const client = firehoseClient(process.endpoint)
  onTestFinished(() => client.destroy())
  const RoleARN = 'arn:aws:iam::000000000000:role/hydrant'
  await client.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: 'by-api',
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: { KinesisStreamARN: world.dataStream.arn, RoleARN },
      ExtendedS3DestinationConfiguration: {
        RoleARN,
        BucketARN: 'arn:aws:s3:::lake',
        Prefix: 'by-api/',
        BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 0 },
      },
    }),
  )
  const { DeliveryStreamDescription: described } = await client.send(
    new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'by-api' }),
  )
  expect(described?.Source?.KinesisStreamSourceDescription).toEqual({
    KinesisStreamARN: world.dataStream.arn,
    RoleARN,
    DeliveryStartTimestamp: described?.CreateTimestamp,
  })
  const put = new PutRecordCommand({ DeliveryStreamName: 'by-api', Record: { Data: Buffer.from('x') } })
  await expect(client.send(put)).rejects.toMatchObject({
    name: 'InvalidArgumentException',
    message: 'This operation is not permitted on KinesisStreamAsSource delivery stream type.',
  })
  await world.dataStream.putTexts(['one\n', 'two\n'])
  await eventually(() => {
    const bodies = world.s3.keys('lake').filter((key) => key.startsWith('by-api/'))
    const text = bodies.map((key) => String(Buffer.from(world.s3.object('lake', key)?.bytes ?? []))).join('')
    expect(text.split('\n').toSorted()).toEqual(['', 'one', 'two'])
  }, 30_000)
})

test('a record beyond the limit and an aggregate that cannot be read go to the error prefix with their sequence numbers', async () => {
  const world = await open('embedded', { shards: 1 })
  const process = await world.start()
  const unreadable = sealAggregate(Buffer.from([0xff, 0xff, 0xff]))
  const placed = await world.dataStream.put([
    { Data: Buffer.alloc(1_024_001, '{'), PartitionKey: 'a' },
    { Data: unreadable, PartitionKey: 'b' },
    { Data: Buffer.from('{"order_id":"good","amount":1}'), PartitionKey: 'c' },
  ])
  const state = (name: string): Promise<number> =>
    process.metric('hydrant_ledger_records', { delivery_stream: STREAM, state: name })
  await eventually(
    async () => expect([await state('delivered'), await state('failed')]).toEqual([1, 2]),
    30_000,
  )
  const [key, ...others] = world.s3
    .keys('lake')
    .filter((name) => name.startsWith('errors/processing-failed/'))
  expect(others).toEqual([])
  const lines = String(Buffer.from(world.s3.object('lake', key ?? '')?.bytes ?? []))
  const records = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(records).toMatchObject([
    {
      errorCode: 'Hydrant.RecordTooLarge',
      sequenceNumber: placed[0]?.sequenceNumber,
      subSequenceNumber: null,
    },
    { errorCode: 'Hydrant.AggregateUnreadable', sequenceNumber: placed[1]?.sequenceNumber },
  ])
  expect(Buffer.from(String(records[1]?.['rawData']), 'base64')).toEqual(unreadable)
  expect((await world.rows()).map(({ id }) => id)).toEqual(['good'])
})

test('a process that was paused past its lease appends nothing, gives up its shards, and reads on later', async () => {
  const world = await open('distributed', { shards: 4 })
  const [first, second] = [await world.start(), await world.start()]
  const producer = producerOf(world)
  await eventually(async () => expect([await holds(first), await holds(second)]).toEqual([2, 2]), 30_000)
  first.child.kill('SIGSTOP')
  // Some of these are in shards of the process that is paused; the other one takes them over.
  for (let round = 0; round < 5; round += 1) await producer.send(100)
  await eventually(async () => expect(await holds(second)).toBe(4), 30_000)
  first.child.kill('SIGCONT')
  for (let round = 0; round < 5; round += 1) await producer.send(100)
  await world.expectAllLanded(second, [producer])
  expect(await moves(first, 'lost')).toBe(2)
  await eventually(async () => expect([await holds(first), await holds(second)]).toEqual([2, 2]), 30_000)
})

test('batches of one shard that are delivered at different speeds, through a kill, land once and in order', async () => {
  const world = await open('distributed', { shards: 1 })
  const reader = await world.start({ roles: 'kinesis' })
  const delivery = await world.start({ roles: 'delivery' })
  const producer = producerOf(world)
  world.s3.fail({ ...faults.slowDown, times: 3 })
  for (let round = 0; round < 8; round += 1) await producer.send(300, { padding: 1_000 })
  await eventually(async () => expect(world.s3.keys('lake').length).toBeGreaterThan(0), 30_000)
  await delivery.kill()
  await reader.kill()
  await world.start({ roles: 'delivery' })
  await world.expectAllLanded(await world.start({ roles: 'kinesis' }), [producer])
})

test('a data stream that is deleted and made again under its name is read from its beginning', async () => {
  const world = await open('embedded', { shards: 2 })
  const process = await world.start()
  const producer = producerOf(world)
  await producer.send(60)
  await world.expectAllLanded(process, [producer])
  await world.dataStream.delete()
  await world.dataStream.createAgain(1)
  const again = new KinesisProducer(kinesis.client, world.dataStream.arn, { name: 'again' })
  await again.send(60)
  await world.expectAllLanded(process, [producer, again])
})

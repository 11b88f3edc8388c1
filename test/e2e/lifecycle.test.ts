/** G1, G2 over the life of a delivery stream: created, restarted, changed, deleted, created again. */
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  PutRecordBatchCommand,
  ResourceNotFoundException,
  type FirehoseClient,
} from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { judge, Producer } from '../support/producer.ts'
import { convertingStream } from './declarations.ts'
import { test, type Installation } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const STREAM = 'orders-to-s3'

async function describeStream(client: FirehoseClient, name = STREAM) {
  const answer = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }))
  return answer.DeliveryStreamDescription
}

async function create(client: FirehoseClient, intervalSeconds = 1): Promise<string | undefined> {
  const input = convertingStream(STREAM, { intervalSeconds })
  const { DeliveryStreamARN } = await client.send(new CreateDeliveryStreamCommand(input))
  await eventually(async () => expect((await describeStream(client))?.DeliveryStreamStatus).toBe('ACTIVE'))
  return DeliveryStreamARN
}

async function remove(client: FirehoseClient): Promise<void> {
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: STREAM }))
  await eventually(() => expect(describeStream(client)).rejects.toThrow(ResourceNotFoundException))
}

async function landedIds(installation: Installation): Promise<string[]> {
  const rows = await rowsByTwoReaders(await installation.objects())
  return rows.map((row) => String(row['order_id']))
}

test.concurrent(
  'G1: a delivery stream made by the API is there after a restart, as it was, and takes records',
  async ({ install }) => {
    const installation = await install({})
    const first = await installation.start()
    const arn = await create(installation.client(first))
    const before = await describeStream(installation.client(first))
    await installation.stop(first)

    const second = await installation.start()
    const client = installation.client(second)
    expect(await describeStream(client)).toEqual(before)
    expect(before?.DeliveryStreamARN).toBe(arn)
    const producer = new Producer(STREAM)
    await producer.send(client, 20)
    await installation.delivered(second, STREAM)
    expect(judge([producer], await landedIds(installation))).toEqual([])
    expect(producer.acknowledged.size).toBe(20)
  },
)

test.concurrent(
  'G1: records of a table that cannot be converted to wait, with a hint, and land once it is corrected',
  async ({ install }) => {
    const installation = await install({})
    const first = await installation.start()
    await create(installation.client(first))
    await installation.stop(first)

    const changed = await installation.start({ columns: [['order_id', 'binary']] })
    const producer = new Producer(STREAM)
    await producer.send(installation.client(changed), 20)
    await eventually(() => expect(changed.log).toContain('holds binary: make it a string'))
    await installation.stop(changed)

    const corrected = await installation.start()
    await installation.delivered(corrected, STREAM)
    expect(judge([producer], await landedIds(installation))).toEqual([])
    expect(producer.acknowledged.size).toBe(20)
  },
)

test.concurrent(
  'G1, G2: a stream deleted and created again is another one: nothing of the old one lands in it, ever',
  async ({ install }) => {
    const installation = await install({ objects: 's3', buckets: [] })
    const process = await installation.start()
    const client = installation.client(process)
    await create(client)
    const sealed = new Producer(STREAM, 'old-sealed')
    await sealed.send(client, 20)
    // The batch is being delivered, in vain, when its stream goes.
    await eventually(() => expect(process.log).toContain('delivery will be retried'))
    const open = new Producer(STREAM, 'old-open')
    await open.send(client, 20)
    expect([sealed.acknowledged.size, open.acknowledged.size]).toEqual([20, 20])
    await remove(client)
    await expect(
      client.send(
        new PutRecordBatchCommand({ DeliveryStreamName: STREAM, Records: [{ Data: Buffer.from('{}') }] }),
      ),
    ).rejects.toThrow(ResourceNotFoundException)

    installation.s3.createBucket('lake')
    await create(client)
    const fresh = new Producer(STREAM, 'new')
    await fresh.send(client, 20)
    const ledger = await installation.delivered(process, STREAM)
    expect(ledger).toEqual({ accepted: 20, delivered: 20, failed: 0, dropped: 0, pending: 0 })

    await process.kill()
    const restarted = await installation.start()
    await fresh.send(installation.client(restarted), 20)
    await eventually(async () => expect((await installation.delivered(restarted, STREAM)).delivered).toBe(40))
    expect(judge([fresh], await landedIds(installation))).toEqual([])
  },
)

test.concurrent(
  'G2: an old file never pushes a changed declaration back, and the version in the keys rises once',
  async ({ install }) => {
    const older = [convertingStream(STREAM, { prefix: 'older/!{timestamp:yyyy}/' })]
    const newer = [convertingStream(STREAM, { prefix: 'newer/!{timestamp:yyyy}/' })]
    const installation = await install({ store: 'redis', streams: older })
    const producer = new Producer(STREAM)

    /** Puts through the process and answers the prefix and version under which the records landed. */
    async function landedUnder(process: HydrantProcess): Promise<string | undefined> {
      const before = new Set((await installation.objects()).map(({ key }) => key))
      await producer.send(installation.client(process), 10)
      await installation.delivered(process, STREAM)
      const added = (await installation.objects()).filter(({ key }) => !before.has(key))
      expect(added).toHaveLength(1)
      return /^(\w+)\/\d{4}\/orders-to-s3-(\d+)-/
        .exec(added[0]?.key ?? '')
        ?.slice(1)
        .join(' ')
    }

    let a = await installation.start()
    let b = await installation.start()
    expect(await landedUnder(a)).toBe('older 1')
    await installation.stop(a)
    a = await installation.start({ streams: newer })
    expect(await landedUnder(a)).toBe('newer 2')
    expect(await landedUnder(b)).toBe('newer 2')
    await installation.stop(b)
    b = await installation.start({ streams: older })
    expect(b.log).toContain('declaration was superseded by a later one and was not applied again')
    expect(await landedUnder(b)).toBe('newer 2')
    await installation.stop(b)
    b = await installation.start({ streams: newer })
    expect(await landedUnder(b)).toBe('newer 2')
    expect((await describeStream(installation.client(b)))?.VersionId).toBe('2')
    expect(judge([producer], await landedIds(installation))).toEqual([])
  },
)

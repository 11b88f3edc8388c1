/** G1, G2, G4 while the object store fails: what was accepted lands once, late or not, and nobody else waits. */
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { faults } from '../support/fake-s3.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { parquetRows } from '../support/landed.ts'
import { judge, Producer } from '../support/producer.ts'
import { convertingStream, partitionedStream, rawStream } from './declarations.ts'
import { test, type Installation, type InstallationOptions } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const STREAM = 'orders-to-s3'
const overS3: InstallationOptions = { objects: 's3', streams: [convertingStream(STREAM)] }

async function sendForty(installation: Installation, process: HydrantProcess): Promise<Producer> {
  const producer = new Producer(STREAM)
  await producer.send(installation.client(process), 40)
  expect(producer.acknowledged.size).toBe(40)
  return producer
}

async function expectLandedOnce(
  installation: Installation,
  process: HydrantProcess,
  producer: Producer,
): Promise<void> {
  const ledger = await installation.delivered(process, STREAM)
  expect(ledger).toEqual({ accepted: 40, delivered: 40, failed: 0, dropped: 0, pending: 0 })
  const keys = installation.s3.keys('lake')
  expect(keys.map((key) => installation.s3.object('lake', key)?.puts)).toEqual([1])
  const rows = await rowsByTwoReaders(await installation.objects())
  expect(
    judge(
      [producer],
      rows.map((row) => String(row['order_id'])),
    ),
  ).toEqual([])
}

interface LogLine {
  readonly level: string
  readonly msg: string
  readonly deliveryStream?: string
  readonly err?: { readonly code?: string; readonly hint?: string }
}

function logged(process: HydrantProcess, message: string): LogLine[] {
  const complete = process.log.slice(0, process.log.lastIndexOf('\n') + 1)
  return complete
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine)
    .filter(({ msg }) => msg === message)
}

const errorsOf = (process: HydrantProcess, code: string, stream = STREAM): Promise<number> =>
  process.metric('hydrant_destination_errors_total', { delivery_stream: stream, code })

test.concurrent(
  'G2: an answer lost after the object was stored delivers it once: the second put is told 412 and recognizes its own',
  async ({ install }) => {
    const installation = await install(overS3)
    installation.s3.fail(faults.lostAfterStore)
    const process = await installation.start()
    await expectLandedOnce(installation, process, await sendForty(installation, process))
    const methods = installation.s3.requests.filter(({ key }) => key !== '').map(({ method }) => method)
    expect(methods).toEqual(['PUT', 'PUT', 'HEAD'])
  },
)

test.concurrent(
  'G2: of many partitions, one whose answer was lost and one that was refused land once, and nothing is diverted',
  async ({ install }) => {
    const partitioned = partitionedStream(STREAM, '{id: .order_id}', {
      prefix: 'id=!{partitionKeyFromQuery:id}/',
    })
    const installation = await install({ objects: 's3', streams: [partitioned] })
    installation.s3.fail({ ...faults.lostAfterStore, keyIncludes: '-7/' })
    installation.s3.fail({ ...faults.slowDown, keyIncludes: '-11/', times: 5 })
    const process = await installation.start()
    const producer = await sendForty(installation, process)
    const ledger = await installation.delivered(process, STREAM)
    expect(ledger).toEqual({ accepted: 40, delivered: 40, failed: 0, dropped: 0, pending: 0 })
    const objects = await installation.objects()
    expect(objects).toHaveLength(40)
    expect(objects.map(({ key }) => installation.s3.object('lake', key)?.puts)).toEqual(Array(40).fill(1))
    const ids: string[] = []
    for (const object of objects) {
      const rows = await parquetRows(object)
      ids.push(...rows.map((row) => String(row['order_id'])))
      expect(object.key.startsWith(`id=${ids.at(-1)}/`)).toBe(true)
    }
    expect(judge([producer], ids)).toEqual([])
  },
)

test.concurrent(
  'G1, G2: a storm of 503 SlowDown delays a batch and loses nothing of it',
  async ({ install }) => {
    const installation = await install(overS3)
    installation.s3.fail({ ...faults.slowDown, times: 5 })
    const process = await installation.start()
    await expectLandedOnce(installation, process, await sendForty(installation, process))
    expect(await errorsOf(process, 'SlowDown')).toBe(1)
    expect(logged(process, 'delivery will be retried')).toHaveLength(1)
  },
)

test.concurrent(
  'G1, G2: access denied is retried until it is granted, and the log says what to grant',
  async ({ install }) => {
    const installation = await install(overS3)
    installation.s3.fail({ ...faults.accessDenied, times: 1_000 })
    const process = await installation.start()
    const producer = await sendForty(installation, process)
    await eventually(async () => expect(await errorsOf(process, 'AccessDenied')).toBeGreaterThan(1))
    expect(logged(process, 'delivery will be retried')[0]).toMatchObject({
      level: 'warn',
      deliveryStream: STREAM,
      err: { code: 'AccessDenied', hint: expect.stringContaining('s3:PutObject') as string },
    })
    installation.s3.clearFaults()
    await expectLandedOnce(installation, process, producer)
  },
)

test.concurrent(
  'G1, G2: a bucket that does not exist yet gets its records when it appears',
  async ({ install }) => {
    const installation = await install({ ...overS3, buckets: [] })
    const process = await installation.start()
    const producer = await sendForty(installation, process)
    await eventually(async () => expect(await errorsOf(process, 'NoSuchBucket')).toBeGreaterThan(1))
    installation.s3.createBucket('lake')
    await expectLandedOnce(installation, process, producer)
  },
)

test.concurrent(
  'G1: a batch whose key holds another object is quarantined with an alarm, overwrites nothing, and the next one goes on',
  async ({ install }) => {
    const installation = await install(overS3)
    const first = await installation.start({ crashAt: 'after-put' })
    await sendForty(installation, first)
    await first.ended
    // Between the put and the next attempt somebody else wrote to the key.
    const [key = ''] = installation.s3.keys('lake')
    const object = `${installation.s3.endpoint}/lake/${key}`
    const signed = { authorization: 'AWS4-HMAC-SHA256 anybody' }
    await fetch(object, {
      method: 'PUT',
      headers: { ...signed, 'x-amz-meta-owner': 'another' },
      body: 'theirs',
    })

    const process = await installation.start()
    await eventually(async () => {
      expect(await process.metric('hydrant_quarantined_batches', { delivery_stream: STREAM })).toBe(1)
    })
    await eventually(() =>
      expect(logged(process, 'batch quarantined')).toMatchObject([
        { level: 'error', deliveryStream: STREAM, err: { code: 'Collision' } },
      ]),
    )
    expect(await errorsOf(process, 'Collision')).toBe(1)
    const next = new Producer(STREAM, 'next')
    await next.send(installation.client(process), 10)
    await eventually(() => expect(installation.s3.keys('lake')).toHaveLength(2))
    const objects = await installation.objects()
    expect(objects.find((landed) => landed.key === key)?.bytes.toString()).toBe('theirs')
    const rows = await rowsByTwoReaders(objects.filter((landed) => landed.key !== key))
    expect(rows).toHaveLength(10)
    const ledger = (state: string): Promise<number> =>
      process.metric('hydrant_ledger_records', { delivery_stream: STREAM, state })
    await eventually(async () => expect(await ledger('delivered')).toBe(10))
    expect(await ledger('pending'), 'the quarantined batch is kept').toBe(40)
  },
)

for (const store of ['embedded', 'redis'] as const) {
  test.concurrent(
    `G1: ${store}: a stream whose bucket is dead, with a backlog, does not hold up another stream`,
    async ({ install }) => {
      const dead = rawStream('to-a-dead-bucket', { bucket: 'dead', sizeMiB: 1 })
      const installation = await install({ store, objects: 's3', streams: [convertingStream(STREAM), dead] })
      const process = await installation.start()
      const client = installation.client(process)
      const backlog = new Producer('to-a-dead-bucket', 'dead')
      for (let call = 0; call < 12; call += 1) await backlog.send(client, 500, { padding: 1_000 })
      await eventually(async () =>
        expect(await errorsOf(process, 'NoSuchBucket', 'to-a-dead-bucket')).toBeGreaterThan(1),
      )
      expect(
        await process.metric('hydrant_sealed_batches', { delivery_stream: 'to-a-dead-bucket' }),
      ).toBeGreaterThan(4)
      const startedAt = performance.now()
      await expectLandedOnce(installation, process, await sendForty(installation, process))
      expect(performance.now() - startedAt, 'its interval of 1 s, and the delivery').toBeLessThan(8_000)

      installation.s3.createBucket('dead')
      await installation.delivered(process, 'to-a-dead-bucket')
      const landed = (await installation.objects('dead')).map(({ bytes }) => bytes.toString()).join('')
      const ids = [...landed.matchAll(/"order_id":"([^"]+)"/g)].map(([, id = '']) => id)
      expect(judge([backlog], ids)).toEqual([])
    },
  )
}

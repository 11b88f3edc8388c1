/** G1, G6: a full buffer refuses before it acknowledges, in the service's words, and takes records again once there is room. */
import { randomBytes } from 'node:crypto'
import {
  PutRecordBatchCommand,
  PutRecordCommand,
  ServiceUnavailableException,
} from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { judge, Producer } from '../support/producer.ts'
import { convertingStream, rawStream } from './declarations.ts'
import { test } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const STREAM = 'orders-to-s3'

for (const store of ['embedded', 'redis'] as const) {
  test.concurrent(
    `G1, G6: ${store}: a full buffer throttles; when its bucket is back, what was accepted lands once and puts are taken again`,
    async ({ install }) => {
      const installation = await install({
        store,
        objects: 's3',
        buckets: ['other'],
        streams: [convertingStream(STREAM, { sizeMiB: 1 }), rawStream('neighbour', { bucket: 'other' })],
        // Of bytes as they are stored, compressed.
        buffer: { maxBytes: '128KiB', perStreamShare: 0.5 },
      })
      const process = await installation.start()
      const client = installation.client(process)
      const producer = new Producer(STREAM)
      for (let call = 0; call < 100 && producer.refused.size === 0; call += 1)
        await producer.send(client, 200, { padding: 500 })
      expect(producer.refused.size).toBe(200)
      expect(producer.acknowledged.size).toBeGreaterThan(200)

      const Data = Buffer.from(
        JSON.stringify({ order_id: 'refused', note: randomBytes(64_000).toString('base64') }),
      )
      const refusal = await client
        .send(new PutRecordCommand({ DeliveryStreamName: STREAM, Record: { Data } }))
        .catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(ServiceUnavailableException)
      expect(refusal).toMatchObject({ message: 'Slow down.', $metadata: { httpStatusCode: 503 } })
      const answer = await client.send(
        new PutRecordBatchCommand({ DeliveryStreamName: STREAM, Records: [{ Data }, { Data }, { Data }] }),
      )
      const failed = { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'Slow down.' }
      expect(answer).toMatchObject({ FailedPutCount: 3, RequestResponses: [failed, failed, failed] })
      expect(answer.$metadata.httpStatusCode).toBe(200)
      expect(await process.metric('hydrant_throttled_records_total', { delivery_stream: STREAM })).toBe(204)

      // It has had its share; another stream's records are taken and land.
      const neighbour = new Producer('neighbour', 'n')
      await neighbour.send(client, 50)
      expect(neighbour.acknowledged.size).toBe(50)
      await installation.delivered(process, 'neighbour')

      installation.s3.createBucket('lake')
      const later = new Producer(STREAM, 'later')
      await eventually(async () => {
        await later.send(client, 200, { padding: 500 })
        expect(later.acknowledged.size).toBe(200)
      }, 40_000)
      const ledger = await installation.delivered(process, STREAM, 60_000)
      expect(ledger.accepted).toBe(producer.acknowledged.size + 200)
      const rows = await rowsByTwoReaders(await installation.objects())
      const ids = rows.map((row) => String(row['order_id']))
      expect(judge([producer, later], ids)).toEqual([])
    },
  )
}

/** G1, G2: without conversion the records' bytes land as they came, one after the other, in every format of compression. */
import { randomBytes } from 'node:crypto'
import { PutRecordBatchCommand, PutRecordCommand } from '@aws-sdk/client-firehose'
import { afterAll, beforeAll, expect } from 'vitest'
import { compressions, namings } from '../conformance/encoder/compression.ts'
import { ForeignDecoders } from '../support/foreign-decoders.ts'
import { rawStream } from './declarations.ts'
import { test } from './installation.ts'

/** What could be changed on the way: text and bytes, nothing at all, newlines of every kind, the largest record. */
const records: readonly Buffer[] = [
  Buffer.from('plain'),
  Buffer.alloc(0),
  Buffer.from('ends with a newline\n'),
  Buffer.from('two\nlines\r\nand a return\r'),
  Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x0a, 0x00]),
  Buffer.from('\ufeffmarked'),
  Buffer.from('caf\u00e9 \u{1f6d2}'),
  Buffer.alloc(0),
  randomBytes(1_024_000),
  ...Array.from({ length: 400 }, (_, index) => randomBytes(index)),
]

let decoders: ForeignDecoders

beforeAll(() => {
  decoders = new ForeignDecoders()
})

afterAll(() => decoders.close())

for (const compression of compressions) {
  test.concurrent(
    `G2: ${compression}: binary, empty and multi-line records land byte for byte, joined by nothing`,
    async ({ install }) => {
      const stream = `raw-${compression}`
      const installation = await install({ objects: 's3', streams: [rawStream(stream, { compression })] })
      const process = await installation.start()
      const client = installation.client(process)
      const Records = records.map((Data) => ({ Data }))
      const command = new PutRecordBatchCommand({ DeliveryStreamName: stream, Records })
      expect((await client.send(command)).FailedPutCount).toBe(0)
      const Data = Buffer.from('the last one')
      await client.send(new PutRecordCommand({ DeliveryStreamName: stream, Record: { Data } }))
      const ledger = await installation.delivered(process, stream)
      expect(ledger).toMatchObject({ accepted: records.length + 1, delivered: records.length + 1 })

      const objects = await installation.objects()
      const landed: Buffer[] = []
      for (const { key, bytes } of objects) {
        landed.push((await decoders.decode(compression, bytes)).bytes)
        const { extension, contentEncoding } = namings[compression]
        expect(key).toMatch(new RegExp(`^${stream}/.*-[0-9a-f]{12}${extension.replace('.', '[.]')}$`))
        const object = installation.s3.object('lake', key)
        expect([object?.contentType, object?.contentEncoding]).toEqual([
          'application/octet-stream',
          contentEncoding,
        ])
      }
      expect(Buffer.concat(landed).equals(Buffer.concat([...records, Data]))).toBe(true)
    },
  )
}

test.concurrent('G2: batches land in the order in which their records came', async ({ install }) => {
  const stream = 'raw-in-order'
  const installation = await install({ objects: 's3', streams: [rawStream(stream, { sizeMiB: 1 })] })
  const process = await installation.start()
  const client = installation.client(process)
  const sent: Buffer[] = []
  for (let call = 0; call < 20; call += 1) {
    const Records = Array.from({ length: 20 }, () => ({ Data: randomBytes(10_000) }))
    await client.send(new PutRecordBatchCommand({ DeliveryStreamName: stream, Records }))
    sent.push(...Records.map(({ Data }) => Data))
  }
  await installation.delivered(process, stream)
  const ofBatch = (key: string): number =>
    Number(installation.s3.object('lake', key)?.metadata['hydrant-sequence'])
  const objects = (await installation.objects()).toSorted((a, b) => ofBatch(a.key) - ofBatch(b.key))
  expect(objects.length).toBeGreaterThan(2)
  expect(Buffer.concat(objects.map(({ bytes }) => bytes)).equals(Buffer.concat(sent))).toBe(true)
})

test.concurrent(
  'G3: records without any byte yield no object and are booked as dropped',
  async ({ install }) => {
    const stream = 'raw-nothing'
    const installation = await install({ objects: 's3', streams: [rawStream(stream)] })
    const process = await installation.start()
    const Records = Array.from({ length: 3 }, () => ({ Data: Buffer.alloc(0) }))
    const client = installation.client(process)
    await client.send(new PutRecordBatchCommand({ DeliveryStreamName: stream, Records }))
    const ledger = await installation.delivered(process, stream)
    expect(ledger).toEqual({ accepted: 3, delivered: 0, failed: 0, dropped: 3, pending: 0 })
    expect(await installation.objects()).toEqual([])
  },
)

/**
 * G1, G2, G4: a batch that killed its process twice is processed and converted in processes of its own, and lands once with the
 * rows and verdicts that it would have had otherwise.
 */
import {
  PutRecordBatchCommand,
  type Processor,
  type ProcessorParameterName,
  type ProcessorType,
} from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { errorLines } from '../support/landed.ts'
import { convertingStream, type Declaration } from './declarations.ts'
import { test, type Installation } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const STREAM = 'orders-to-s3'

const odd = [
  '{"order_id":"two lines",\n"amount":1}',
  '{"ORDER_ID":"upper case","Amount":2}',
  '{"order_id":"first"}{"order_id":"second","amount":3}',
  '{"amount":"abc"}',
  '{"order_id":17,"amount":"4.5"}',
  '{"order_id":null}',
  'not JSON',
  '{"order_id":"cut',
  '',
  '   ',
  '[]',
  '{"order_id":"café \u{1f6d2}","amount":-0.1,"unknown":{"a":[1]}}',
]

const good = (name: string): string[] =>
  Array.from({ length: 200 }, (_, index) =>
    JSON.stringify({ order_id: `${name}-${index}`, amount: index / 4, shop: name }),
  )

/** Good ones and all kinds of bad and odd ones, so that the paths could differ. */
const records = [
  ...[...good('a'), ...odd].map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe, 0x00]),
  ...good('b').map((text) => Buffer.from(text)),
]

async function send(
  installation: Installation,
  process: Parameters<Installation['client']>[0],
): Promise<void> {
  const Records = records.map((Data) => ({ Data }))
  const command = new PutRecordBatchCommand({ DeliveryStreamName: STREAM, Records })
  expect((await installation.client(process).send(command)).FailedPutCount).toBe(0)
}

/** Rows in order, and what is said of each failed record. */
async function outcome(installation: Installation) {
  const objects = await installation.objects()
  expect(new Set(objects.map(({ key }) => key.split('/')[0]))).toEqual(new Set(['errors', 'orders']))
  const folders = objects.map(({ key }) => key.slice(0, key.lastIndexOf('/')))
  const failed = errorLines(objects).map(({ lastErrorCode, lastErrorMessage, rawData }) => ({
    lastErrorCode,
    lastErrorMessage,
    rawData,
  }))
  return { folders, rows: await rowsByTwoReaders(objects), failed }
}

async function ordinaryOutcome(installation: Installation) {
  const process = await installation.start()
  await send(installation, process)
  const ledger = await installation.delivered(process, STREAM)
  expect(process.log).not.toContain('encoding in a process of its own')
  return { ledger, ...(await outcome(installation)) }
}

for (const point of ['after-pin', 'after-encode'] as const) {
  test.concurrent(
    `G1, G2, G4: a batch that killed its process twice ${point} lands once, with the rows and verdicts of the ordinary path`,
    async ({ install }) => {
      const streams = [convertingStream(STREAM)]
      const ordinary = await ordinaryOutcome(await install({ streams }))
      expect(ordinary.folders.map((folder) => folder.split('/')[0])).toEqual(['errors', 'orders'])
      expect(ordinary.failed.length).toBeGreaterThan(5)
      expect(ordinary.rows.length).toBeGreaterThan(404)

      const installation = await install({ streams })
      const first = await installation.start({ crashAt: point })
      await send(installation, first)
      expect((await first.ended).signal).toBe('SIGKILL')
      const second = await installation.start({ crashAt: point })
      expect((await second.ended).signal).toBe('SIGKILL')
      const third = await installation.start()
      const ledger = await installation.delivered(third, STREAM)
      expect(third.log).toContain('encoding in a process of its own')
      expect({ ledger, ...(await outcome(installation)) }).toEqual(ordinary)
    },
  )
}

/** Objects of several records each are taken apart, and each goes to the partition of its shop. */
function partitionedStream(): Declaration {
  const { ExtendedS3DestinationConfiguration: destination } = convertingStream(STREAM)
  const processor = (Type: ProcessorType, parameters: Record<string, string>): Processor => ({
    Type,
    Parameters: Object.entries(parameters).map(([name, ParameterValue]) => ({
      ParameterName: name as ProcessorParameterName,
      ParameterValue,
    })),
  })
  return {
    DeliveryStreamName: STREAM,
    ExtendedS3DestinationConfiguration: {
      ...destination,
      BucketARN: destination?.BucketARN,
      RoleARN: destination?.RoleARN,
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 1 },
      Prefix: 'orders/shop=!{partitionKeyFromQuery:shop}/',
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [
          processor('RecordDeAggregation', { SubRecordType: 'JSON' }),
          processor('MetadataExtraction', {
            MetadataExtractionQuery: '{shop: (.shop // "none")}',
            JsonParsingEngine: 'JQ-1.6',
          }),
        ],
      },
    },
  }
}

test('G1, G2, G4: a batch whose partitioning kills every process that it runs in is partitioned in one of its own, and lands once', async ({
  install,
}) => {
  const streams = [partitionedStream()]
  const buffer = { partitionedBatchBytes: '1MiB' }
  const ordinary = await ordinaryOutcome(await install({ streams, buffer }))
  expect(ordinary.folders.filter((folder) => folder.startsWith('orders/'))).toEqual(
    ['a', 'b', 'none'].map((shop) => `orders/shop=${shop}`),
  )
  expect(ordinary.failed.length).toBeGreaterThan(5)
  expect(ordinary.rows.length).toBeGreaterThan(404)

  const installation = await install({ streams, buffer })
  const first = await installation.start({ crashAt: 'after-partition' })
  await send(installation, first)
  expect((await first.ended).signal).toBe('SIGKILL')
  const second = await installation.start({ crashAt: 'after-partition' })
  expect((await second.ended).signal).toBe('SIGKILL')
  const third = await installation.start({ crashAt: 'after-partition' })
  const ledger = await installation.delivered(third, STREAM)
  expect(third.log).toContain('batch is delivered carefully, since processes died that delivered it')
  expect(third.log).toContain('processing in a process of its own')
  expect({ ledger, ...(await outcome(installation)) }).toEqual(ordinary)
})

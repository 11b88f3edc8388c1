/**
 * G1, G2, G4: a batch that killed its process twice is converted in a process of its own, and lands once with the rows and
 * verdicts that it would have had otherwise.
 */
import { PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { errorLines } from '../support/landed.ts'
import { convertingStream } from './declarations.ts'
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
    JSON.stringify({ order_id: `${name}-${index}`, amount: index / 4 }),
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
  expect(objects.map(({ key }) => key.split('/')[0]).toSorted()).toEqual(['errors', 'orders'])
  const failed = errorLines(objects).map(({ lastErrorCode, lastErrorMessage, rawData }) => ({
    lastErrorCode,
    lastErrorMessage,
    rawData,
  }))
  return { rows: await rowsByTwoReaders(objects), failed }
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

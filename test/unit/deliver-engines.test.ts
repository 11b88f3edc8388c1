/** G3, G4: what a batch from shards becomes with each engine, also when verdicts leave nothing for it to encode. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openDuckdbEncoder } from '../../src/convert/duckdb-encoder.ts'
import { openParquetjsEncoder } from '../../src/convert/parquetjs-encoder.ts'
import { openRawEncoder } from '../../src/convert/raw.ts'
import type { Plan } from '../../src/domain/plan.ts'
import type { Encoder } from '../../src/domain/ports.ts'
import type { RecordVerdict } from '../../src/domain/record-metadata.ts'
import { planOf } from '../conformance/store/fixture.ts'
import { sequenceNumber } from '../conformance/store/shard-fixture.ts'
import { kinesisFrame, type KinesisRecord } from '../support/kinesis-frames.ts'
import { ARRIVAL_MS, oneDelivery } from '../support/one-delivery.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-engines-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const table = { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' }
const conversion = { table, caseInsensitive: true, parquetCompression: 'SNAPPY' } as const
const converting: Plan = { ...planOf(), table, destination: { ...planOf().destination, conversion } }
const { columns: _columns, ...raw } = planOf()

type Engine = readonly [name: string, plan: Plan, open: () => Promise<Encoder & { close(): Promise<void> }>]
const log = createLog('silent')
const js: Engine = [
  'js',
  { ...converting, engine: 'js' },
  () => openParquetjsEncoder({ stagingPath: folder, log }),
]
const duckdb: Engine = [
  'duckdb',
  { ...converting, engine: 'duckdb' },
  () => openDuckdbEncoder({ stagingPath: folder, log, threads: 1, memoryLimitBytes: 256 << 20 }),
]

const tooLarge: RecordVerdict = {
  errorType: 'processing-failed',
  code: 'Hydrant.RecordTooLarge',
  message: 'm',
}
const unreadable: RecordVerdict = { ...tooLarge, code: 'Hydrant.AggregateUnreadable' }

function record(place: number, data: string, more: Partial<KinesisRecord> = {}): KinesisRecord {
  return {
    data,
    arrivalMs: ARRIVAL_MS + place,
    sequenceNumber: sequenceNumber(place),
    partitionKey: 'k',
    ...more,
  }
}

test.each([['raw', raw, () => openRawEncoder({ stagingPath: folder })] as Engine, js, duckdb])(
  'engine %s: a batch of nothing but verdicts lands as error records alone',
  async (_name, plan, open) => {
    const frames = [
      kinesisFrame([record(1, '{"order_id":"a"}', { verdict: tooLarge })]),
      kinesisFrame([record(2, 'x', { verdict: unreadable }), record(3, 'y', { verdict: tooLarge })]),
    ]
    const encoder = await open()
    try {
      const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder })
      expect(await delivery.attempt()).toEqual({ kind: 'finished' })
      expect(delivery.outcome).toEqual({
        delivered: 0,
        failed: 3,
        dropped: 0,
        rows: 0,
        errors: { 'Hydrant.RecordTooLarge': 2, 'Hydrant.AggregateUnreadable': 1 },
        objects: [expect.objectContaining({ kind: 'error', rows: 3 })],
      })
      expect(delivery.puts.map(({ key }) => key)).toEqual([expect.stringContaining('/processing-failed/')])
    } finally {
      await encoder.close()
    }
  },
)

test.each([js, duckdb])(
  'engine %s: rows, refused records and verdicts of one batch each go their way',
  async (_name, plan, open) => {
    const frames = [
      kinesisFrame([record(1, 'big', { verdict: tooLarge })]),
      kinesisFrame([
        record(2, '{"order_id":"a"}'),
        record(3, 'x', { verdict: unreadable }),
        record(4, 'not json'),
        record(5, '{"order_id":"b"}', { subSequenceNumber: 0 }),
        record(5, '[]', { subSequenceNumber: 1 }),
      ]),
    ]
    const encoder = await open()
    try {
      const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder })
      expect(await delivery.attempt()).toEqual({ kind: 'finished' })
      expect(delivery.outcome).toMatchObject({ delivered: 2, failed: 4, dropped: 0, rows: 2 })
      const lines = delivery.puts.slice(1).flatMap(({ body }) => body.toString().trim().split('\n'))
      const failed = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(failed.map((line) => [line['sequenceNumber'], line['subSequenceNumber']])).toEqual([
        [sequenceNumber(1), null],
        [sequenceNumber(3), null],
        [sequenceNumber(4), null],
        [sequenceNumber(5), 1],
      ])
    } finally {
      await encoder.close()
    }
  },
)

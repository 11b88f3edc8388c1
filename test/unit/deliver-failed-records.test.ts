/**
 * G2, G3, G4 of a delivery as a whole: whatever an encoder refuses and whatever was decided before it, each record of a batch
 * is a row or an error line, once, in the order of the batch, and a later attempt writes the same.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { failedRecords, type LocatedFailure } from '../../src/deliver/failed-records.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { Plan } from '../../src/domain/plan.ts'
import type { EncodeInput, Encoded, Encoder, FailedRecord } from '../../src/domain/ports.ts'
import { at, frameOf } from '../conformance/store/fixture.ts'
import { sequenceNumber } from '../conformance/store/shard-fixture.ts'
import { kinesisFrame, type KinesisRecord } from '../support/kinesis-frames.ts'
import { ARRIVAL_MS, oneDelivery, type OneDelivery } from '../support/one-delivery.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-failed-'))
})
afterEach(async () => {
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true, force: true })
})

const plan: Plan = {
  version: 1,
  destination: {
    bucket: 'lake',
    prefix: 'orders/',
    errorOutputPrefix: '',
    compression: 'UNCOMPRESSED',
  },
  engine: 'js',
  engineVersion: '1',
  table: { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' },
}

/**
 * Stands for any encoder: rows are the records' text, those that begin with "bad" fail, those with "void" yield nothing. Like
 * a real one it looks at the first frame before it reads the batch.
 */
const encoder: Encoder = {
  async encode({ frames }: EncodeInput): Promise<Encoded> {
    for await (const frame of frames()) if (frame.records > 0) break
    const rows: string[] = []
    const failed: FailedRecord[] = []
    let ordinal = 0
    let dropped = 0
    for await (const frame of frames()) {
      expect([frame.isDecided, frame.records > 0]).toEqual([false, true])
      for (const rawData of frame.recordViews()) {
        const text = rawData.toString()
        if (text.startsWith('bad')) {
          failed.push({ ordinal, arrivalMs: frame.arrivalMs, code: 'Bad', message: `no: ${text}`, rawData })
        } else if (text.startsWith('void')) dropped += 1
        else rows.push(text)
        ordinal += 1
      }
    }
    const body = { bytes: Buffer.from(rows.join('\n')) }
    return {
      objects: rows.length === 0 ? [] : [{ part: 0, rows: rows.length, body, extension: '' }],
      rows: rows.length,
      errors: failed.length === 0 ? {} : { Bad: failed.length },
      dropped,
      async *failures() {
        await Promise.resolve()
        yield* failed
      },
      dispose: () => Promise.resolve(),
    }
  },
}

type Kind = 'row' | 'bad' | 'void' | 'decided'

interface Planned {
  readonly kind: Kind
  readonly data: string
  /** Only of a record from a shard. */
  readonly source?: KinesisRecord
}

/** Frames of either sort, records of each kind; numbers give every record its own text, place and arrival. */
function plannedFrames(shape: readonly (readonly [boolean, readonly (readonly [Kind, boolean])[]])[]) {
  let place = 0
  let sub = 0
  const planned: Planned[] = []
  const frames = shape.map(([fromShard, kinds]): Frame => {
    const first = planned.length
    for (const [kind, inAggregate] of kinds) {
      const data = `${kind} ${planned.length}`
      sub = inAggregate ? sub + 1 : 0
      if (!inAggregate || sub === 1) place += 1
      const source = {
        data,
        arrivalMs: ARRIVAL_MS + 7 * place,
        sequenceNumber: sequenceNumber(place),
        partitionKey: `k${place}`,
        ...(inAggregate && { subSequenceNumber: sub - 1 }),
        ...(kind === 'decided' && {
          verdict: {
            errorType: 'processing-failed',
            code: `Code${place % 3}`,
            message: `m${place}`,
          } as const,
        }),
      }
      planned.push(fromShard ? { kind, data, source } : { kind: kind === 'decided' ? 'row' : kind, data })
    }
    const records = planned.slice(first)
    return fromShard
      ? kinesisFrame(records.flatMap(({ source }) => source ?? []))
      : frameOf(
          records.map(({ data }) => data),
          ARRIVAL_MS + 1,
        )
  })
  return { planned, frames }
}

const kind = fc.constantFrom<Kind>('row', 'row', 'row', 'bad', 'void', 'decided')
const shapes = fc.array(
  fc.tuple(fc.boolean(), fc.array(fc.tuple(kind, fc.boolean()), { minLength: 1, maxLength: 8 })),
  { minLength: 1, maxLength: 6 },
)

function linesOf(delivery: OneDelivery, errorType: string): Record<string, unknown>[] {
  const puts = delivery.puts.filter(({ metadata }) => metadata['hydrant-part'] === errorType)
  for (const { key } of puts) expect(key).toContain(`orders/${errorType}/`)
  return puts.flatMap(({ body }) =>
    body
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  )
}

/** What the line of a record says of its place. */
function placeOf({ data, source }: Planned, ordinal: number): Record<string, unknown> {
  const arrivalTimestamp = source?.arrivalMs ?? ARRIVAL_MS + 1
  return {
    rawData: Buffer.from(data).toString('base64'),
    arrivalTimestamp,
    attemptEndingTimestamp: ARRIVAL_MS + 60_000,
    sequenceNumber: source?.sequenceNumber ?? `41${String(ordinal).padStart(12, '0')}`,
    subSequenceNumber: source?.subSequenceNumber ?? null,
  }
}

test('G2, G3, G4: each record is a row or an error line, once, in order, with its place; retries repeat it', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.nat(9), async (shape, crashes) => {
      const { planned, frames } = plannedFrames(shape)
      let left = crashes
      const crash = (): void => {
        left -= 1
        if (left === 0) throw new Error('died here')
      }
      const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder, crash })
      while ((await delivery.attempt()).kind === 'retry') {
        expect(left).toBeGreaterThanOrEqual(0)
        left = 0
      }
      const byKey = new Map(delivery.puts.map((put) => [put.key, put]))
      for (const put of delivery.puts) expect(put).toEqual(byKey.get(put.key))
      const once: OneDelivery = { ...delivery, puts: [...byKey.values()] }

      const of = (wanted: Kind) =>
        planned.flatMap((record, ordinal) => (record.kind === wanted ? [placeOf(record, ordinal)] : []))
      const rows = once.puts.filter(({ metadata }) => metadata['hydrant-part'] === '0')
      expect(rows.flatMap(({ body }) => body.toString().split('\n'))).toEqual(
        planned.filter((record) => record.kind === 'row').map(({ data }) => data),
      )
      const refused = linesOf(once, 'format-conversion-failed')
      expect(refused).toHaveLength(of('bad').length)
      expect(refused).toMatchObject(of('bad').map((place) => ({ ...place, lastErrorCode: 'Bad' })))
      const decided = linesOf(once, 'processing-failed')
      expect(decided).toHaveLength(of('decided').length)
      expect(decided).toMatchObject(of('decided'))

      const outcome = delivery.outcome
      expect(outcome).toMatchObject({
        delivered: of('row').length,
        failed: of('bad').length + of('decided').length,
        dropped: of('void').length,
      })
      const byCode = Object.values(outcome?.errors ?? {}).reduce((sum, count) => sum + count, 0)
      expect(byCode).toBe(outcome?.failed)
    }),
    { numRuns: 150 },
  )
})

const verdict = {
  errorType: 'processing-failed',
  code: 'Hydrant.RecordTooLarge',
  message: 'too large',
} as const

function shardRecord(
  place: number,
  data: string | Uint8Array,
  more: Partial<KinesisRecord> = {},
): KinesisRecord {
  return {
    data,
    arrivalMs: ARRIVAL_MS + place,
    sequenceNumber: sequenceNumber(place),
    partitionKey: 'k',
    ...more,
  }
}

test('objects of each error type say whose they are, and failures are counted by code', async () => {
  const frames = [
    kinesisFrame([shardRecord(1, 'bad 1'), shardRecord(2, 'x', { verdict }), shardRecord(3, 'row 3')]),
  ]
  const points: string[] = []
  const crash = (point: string): void => void points.push(point)
  const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder, crash })
  expect(await delivery.attempt()).toEqual({ kind: 'finished' })
  const metadata = delivery.puts.map((put) => put.metadata)
  expect(metadata.map((entry) => entry['hydrant-part'])).toEqual([
    '0',
    'processing-failed',
    'format-conversion-failed',
  ])
  for (const entry of metadata) {
    expect(entry).toMatchObject({
      'hydrant-batch': '0123456789abcdef/7-00000000deadbeef',
      'hydrant-sequence': '7',
      'hydrant-source': at(metadata, 0)['hydrant-source'],
    })
  }
  expect(points.filter((point) => point.startsWith('after-error'))).toEqual([
    'after-error-file',
    'after-error-put',
    'after-error-put',
  ])
  expect(delivery.outcome?.errors).toEqual({ Bad: 1, 'Hydrant.RecordTooLarge': 1 })
  const exposition = await delivery.metrics.exposition()
  for (const code of ['Bad', 'Hydrant.RecordTooLarge']) {
    expect(exposition).toContain(`hydrant_failed_records_total{delivery_stream="orders",code="${code}"} 1`)
  }
})

test('an error prefix that does not name the type gets an object of each all the same', async () => {
  const destination = { ...plan.destination, errorOutputPrefix: 'errors/!{timestamp:yyyy}/' }
  const frames = [kinesisFrame([shardRecord(1, 'bad 1'), shardRecord(2, 'x', { verdict })])]
  const delivery = oneDelivery({ frames, encoder, plan: { ...plan, destination }, stagingPath: folder })
  await delivery.attempt()
  const keys = delivery.puts.map(({ key }) => key)
  expect(new Set(keys).size).toBe(2)
  for (const key of keys) expect(key).toMatch(/^errors\/2026\/orders-1-/)
})

test('a batch that came by the API is not read again for its failures', async () => {
  const frames = [frameOf(['bad 0', 'row 1']), frameOf(['row 2', 'bad 3'])]
  const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder })
  await delivery.attempt()
  expect(delivery.outcome?.failed).toBe(2)
  expect(delivery.framesRead).toBe(1 + frames.length)
})

test('a batch from shards in which nothing failed is not read again', async () => {
  const frames = [kinesisFrame([shardRecord(1, 'row 1')]), kinesisFrame([shardRecord(2, 'row 2')])]
  const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder })
  await delivery.attempt()
  expect(delivery.outcome?.delivered).toBe(2)
  expect(delivery.framesRead).toBe(1 + frames.length)
})

test('the source digest is that of the frames as they are stored', async () => {
  const decided = [kinesisFrame([shardRecord(1, 'row 1'), shardRecord(2, 'x', { verdict })])]
  const others = [kinesisFrame([shardRecord(1, 'row 1'), shardRecord(2, 'y and more', { verdict })])]
  const digests = new Set<string | undefined>()
  for (const frames of [decided, decided, others]) {
    const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder })
    await delivery.attempt()
    digests.add(at(delivery.puts, 0).metadata['hydrant-source'])
  }
  expect(digests.size).toBe(2)
})

test('records of 10 MiB land whole, through a staged file', async () => {
  const large = (fill: number): Buffer => Buffer.alloc(10 * 1024 * 1024, fill)
  const frames = [1, 2, 3].map((place) => kinesisFrame([shardRecord(place, large(place), { verdict })]))
  const delivery = oneDelivery({ frames, encoder, plan, stagingPath: folder })
  expect(await delivery.attempt()).toEqual({ kind: 'finished' })
  const lines = linesOf(delivery, 'processing-failed')
  expect(lines.map((line) => line['sequenceNumber'])).toEqual([1, 2, 3].map(sequenceNumber))
  lines.forEach(({ rawData }, index) => {
    expect(Buffer.from(String(rawData), 'base64').equals(large(index + 1))).toBe(true)
  })
})

test.each([
  ['beyond the batch', [{ ordinal: 2 }]],
  ['out of order', [{ ordinal: 1 }, { ordinal: 0 }]],
])('a failure %s is a defect that lands nothing', async (_name, ordinals) => {
  const closed: string[] = []
  async function* failures(): AsyncGenerator<FailedRecord> {
    try {
      await Promise.resolve()
      for (const { ordinal } of ordinals) {
        yield { ordinal, arrivalMs: 0, code: 'Bad', message: '', rawData: new Uint8Array() }
      }
    } finally {
      closed.push('failures')
    }
  }
  const located = failedRecords({
    frames: async function* () {
      await Promise.resolve()
      yield kinesisFrame([shardRecord(1, 'a'), shardRecord(2, 'b')])
    },
    decided: {
      records: {
        'decompression-failed': 0,
        'processing-failed': 0,
        'metadata-extraction-failed': 0,
        'partitioning-failed': 0,
        'format-conversion-failed': 0,
      },
      total: 2,
      dropped: 0,
      yielding: 2,
      hasMetadata: true,
    },
    failures: failures(),
  })
  const all: LocatedFailure[] = []
  const reading = (async () => {
    for await (const failure of located) all.push(failure)
  })()
  await expect(reading).rejects.toThrow('place failed record')
  expect(closed).toEqual(['failures'])
})

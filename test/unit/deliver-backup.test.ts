/**
 * G1, G2, G3 of a batch with a backup: every record lands there once, as it came, besides what became of it; neither place
 * waits for the other, and the batch is kept until both have theirs.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRawEncoder, type RawEncoder } from '../../src/convert/raw.ts'
import type { S3Destination } from '../../src/domain/delivery-stream.ts'
import { DestinationError, EncoderError } from '../../src/domain/errors.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { Plan } from '../../src/domain/plan.ts'
import type { Encoded, Encoder } from '../../src/domain/ports.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { sequenceNumber } from '../conformance/store/shard-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { kinesisFrame } from '../support/kinesis-frames.ts'
import { oneDelivery, type OneDelivery, type OneDeliveryOptions } from '../support/one-delivery.ts'

let folder: string
let raw: RawEncoder
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-backup-'))
  raw = await openRawEncoder({ stagingPath: folder })
})
afterEach(async () => {
  await raw.close()
  expect(await readdir(folder), 'nothing staged is left').toEqual([])
  await rm(folder, { recursive: true, force: true })
})

const key = 'arn:aws:kms:eu-west-1:111122223333:key/1'
const role = 'arn:aws:iam::111122223333:role/lake'
const destination: S3Destination = {
  bucket: 'lake',
  prefix: 'orders/!{timestamp:HH}/',
  errorOutputPrefix: 'errors/!{firehose:error-output-type}/!{timestamp:HH}/',
  compression: 'UNCOMPRESSED',
  kmsKeyArn: key,
  roleArn: role,
  backup: { bucket: 'vault', prefix: 'source/', errorOutputPrefix: '', compression: 'GZIP' },
}
const planOf = (change: Partial<S3Destination> = {}): Plan => ({
  version: 3,
  destination: { ...destination, ...change },
  engine: 'js',
  engineVersion: '1',
})

/** Records that begin with "bad" fail, those with "void" yield nothing. */
const encoder: Encoder = {
  async encode({ frames }): Promise<Encoded> {
    const rows: string[] = []
    const failed: Buffer[] = []
    let dropped = 0
    for await (const frame of frames())
      for (const record of frame.recordViews()) {
        if (record.toString().startsWith('bad')) failed.push(Buffer.from(record))
        else if (record.toString().startsWith('void')) dropped += 1
        else rows.push(record.toString())
      }
    const body = { bytes: Buffer.from(rows.join('\n')) }
    return {
      objects: rows.length === 0 ? [] : [{ part: 0, rows: rows.length, body, extension: '.parquet' }],
      rows: rows.length,
      errors: failed.length === 0 ? {} : { Bad: failed.length },
      dropped,
      async *failures() {
        await Promise.resolve()
        for (const [ordinal, rawData] of failed.entries())
          yield { ordinal, arrivalMs: 0, code: 'Bad', message: 'no', rawData }
      },
      dispose: () => Promise.resolve(),
    }
  },
}

const texts = ['one', 'bad two', 'void three', 'four\n']
const frames = (): Frame[] => [frameOf(texts.slice(0, 2), 7), frameOf(texts.slice(2), 8)]

function delivery(options: Partial<OneDeliveryOptions> = {}): OneDelivery {
  return oneDelivery({
    frames: frames(),
    encoder,
    rawEncoder: raw,
    plan: planOf(),
    stagingPath: folder,
    ...options,
  })
}

const into = ({ puts }: OneDelivery, bucket: string) => puts.filter((put) => put.bucket === bucket)
const refusal = (code = 'SlowDown') =>
  new DestinationError(`put: ${code}`, { code, retryable: code !== 'Collision' })

test('the backup holds every record as it came, joined and compressed as its own place says', async () => {
  const run = delivery()
  expect(await run.attempt()).toEqual({ kind: 'finished' })
  const [backup, ...more] = into(run, 'vault')
  expect(more).toEqual([])
  expect(gunzipSync(backup?.body ?? '').toString()).toBe(texts.join(''))
  expect(backup?.key).toMatch(/^source\/\d{4}\/\d\d\/\d\d\/\d\d\/orders-3-[\d-]{19}-[0-9a-f-]{36}\.gz$/)
  expect(backup?.contentEncoding).toBe('gzip')
  expect(backup?.metadata).toMatchObject({
    'hydrant-batch': '0123456789abcdef/7-00000000deadbeef',
    'hydrant-part': 'backup-0',
  })
})

test('G3: the backup is told in the outcome and counted, and adds nothing to what became of the records', async () => {
  const run = delivery()
  await run.attempt()
  expect(run.outcome).toMatchObject({ delivered: 2, failed: 1, dropped: 1, rows: 2, errors: { Bad: 1 } })
  const [backup, data, error] = run.outcome?.objects ?? []
  expect(backup).toMatchObject({ kind: 'backup', bucket: 'vault', rows: 4 })
  expect([data?.kind, error?.kind]).toEqual(['data', 'error'])
  expect(await run.metrics.value('hydrant_objects_total', { kind: 'backup' })).toBe(1)
  expect(await run.metrics.value('hydrant_object_bytes_total', { kind: 'backup' })).toBe(backup?.bytes)
  expect(await run.metrics.value('hydrant_delivered_records_total')).toBe(2)
})

test('records of a data stream that were decided before the conversion are in the backup too', async () => {
  const record = (place: number, data: string) => ({
    data,
    arrivalMs: 7,
    sequenceNumber: sequenceNumber(place),
    partitionKey: 'k',
  })
  const verdict = { errorType: 'processing-failed', code: 'Hydrant.X', message: 'no' } as const
  const frame = kinesisFrame([record(1, 'one'), { ...record(2, 'decided'), verdict }, record(3, 'bad three')])
  const run = delivery({ frames: [frame] })
  await run.attempt()
  expect(gunzipSync(into(run, 'vault')[0]?.body ?? '').toString()).toBe('onedecidedbad three')
  expect(run.outcome).toMatchObject({ delivered: 1, failed: 2, dropped: 0 })
})

test('a batch of empty records has no object, in either place', async () => {
  const run = delivery({ frames: [frameOf(['', ''], 7)], plan: { ...planOf(), engine: 'raw' }, encoder: raw })
  expect(await run.attempt()).toEqual({ kind: 'finished' })
  expect(run.puts).toEqual([])
  expect(run.outcome).toMatchObject({ delivered: 0, dropped: 2, objects: [] })
})

test('a large backup is staged, and its file is gone when the conversion begins', async () => {
  const big = Array.from({ length: 64 }, (_, index) => `${index}`.repeat(50_000))
  let staged: string[] | undefined
  const looking: Encoder = {
    async encode(input) {
      staged = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('object'))
      return await encoder.encode(input)
    },
  }
  const plain = { bucket: 'vault', prefix: '', errorOutputPrefix: '', compression: 'UNCOMPRESSED' } as const
  const run = delivery({ frames: [frameOf(big, 7)], encoder: looking, plan: planOf({ backup: plain }) })
  await run.attempt()
  expect(into(run, 'vault')[0]?.body.toString()).toBe(big.join(''))
  expect(staged).toEqual([])
})

test('FileExtension, CustomTimeZone, key and role are each place’s own', async () => {
  const backup = {
    bucket: 'vault',
    prefix: 'at-!{timestamp:HH}/',
    errorOutputPrefix: '',
    compression: 'GZIP',
    kmsKeyArn: `${key}-of-the-vault`,
    roleArn: `${role}-of-the-vault`,
  } as const
  const zoned = { timeZone: 'Asia/Calcutta', fileExtension: '.orders' }
  const run = delivery({ plan: planOf({ ...zoned, backup }) })
  await run.attempt()
  const places = run.puts.map(({ bucket, kmsKeyArn, roleArn }) => ({ bucket, kmsKeyArn, roleArn }))
  const lake = { bucket: 'lake', kmsKeyArn: key, roleArn: role }
  const vault = { bucket: 'vault', kmsKeyArn: backup.kmsKeyArn, roleArn: backup.roleArn }
  expect(places).toEqual([vault, lake, lake])
  // The batch is of 2026-09-21T14:13:20Z, which is 19:43:20 in India.
  expect(run.puts.map(({ key: named }) => named.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'uuid'))).toEqual([
    'at-14/orders-3-2026-09-21-14-13-20-uuid.gz',
    'orders/19/orders-3-2026-09-21-19-43-20-uuid.orders',
    'errors/format-conversion-failed/19/orders-3-2026-09-21-19-43-20-uuid',
  ])
})

test('without a backup, a key or a role, a put names none', async () => {
  const { backup: _, kmsKeyArn: _key, roleArn: _role, ...plain } = destination
  const run = delivery({ plan: { ...planOf(), destination: plain } })
  await run.attempt()
  expect(run.puts.map(({ bucket }) => bucket)).toEqual(['lake', 'lake'])
  for (const put of run.puts) expect(Object.keys(put)).not.toContain('kmsKeyArn')
  for (const put of run.puts) expect(Object.keys(put)).not.toContain('roleArn')
})

test('G1: while the backup’s bucket is lost the data lands, the batch is kept, and the backup lands later', async () => {
  let isLost = true
  const run = delivery({ refuse: ({ bucket }) => (isLost && bucket === 'vault' ? refusal() : undefined) })
  for (let attempt = 0; attempt < 3; attempt += 1) expect((await run.attempt()).kind).toBe('retry')
  expect(into(run, 'vault')).toEqual([])
  expect(run.outcome).toBeUndefined()
  expect(await run.metrics.value('hydrant_destination_errors_total', { code: 'SlowDown' })).toBe(3)
  isLost = false
  expect((await run.attempt()).kind).toBe('finished')
  expect(into(run, 'vault')).toHaveLength(1)
  expect(new Set(into(run, 'lake').map((put) => put.key)).size, 'the same keys in all attempts').toBe(2)
  expect(run.outcome?.objects).toHaveLength(3)
})

test('G1: while the data’s bucket is lost the backup lands under one key, and the data later', async () => {
  let isLost = true
  const run = delivery({ refuse: ({ bucket }) => (isLost && bucket === 'lake' ? refusal() : undefined) })
  expect((await run.attempt()).kind).toBe('retry')
  expect((await run.attempt()).kind).toBe('retry')
  isLost = false
  expect((await run.attempt()).kind).toBe('finished')
  expect(new Set(into(run, 'vault').map((put) => put.key)).size).toBe(1)
  expect(run.outcome?.objects.map(({ kind }) => kind)).toEqual(['backup', 'data', 'error'])
})

test('G1: a store of backups that hangs takes half of an attempt, and the data lands in the other half', async () => {
  let hanging = 0
  const run = delivery({ hangs: ({ bucket }) => bucket === 'vault' && (hanging += 1) > 0 })
  const attempt = run.attempt()
  await eventually(() => expect(hanging).toBe(1))
  await run.clock.advance(30_000)
  expect((await attempt).kind).toBe('retry')
  expect(into(run, 'lake')).toHaveLength(2)
  expect(run.outcome).toBeUndefined()
  expect(run.clock.sleeping, 'nothing waits for the time to pass').toBe(0)
})

test('a batch that cannot be converted now is in its backup all the same', async () => {
  const full: Encoder = {
    encode: () => Promise.reject(new EncoderError('encode: no room', { code: 'Full' })),
  }
  const run = delivery({ encoder: full })
  expect((await run.attempt()).kind).toBe('retry')
  expect(into(run, 'vault')).toHaveLength(1)
})

test('both places lost: both are counted, and the batch is kept', async () => {
  const run = delivery({ refuse: ({ bucket }) => refusal(bucket === 'lake' ? 'AccessDenied' : 'SlowDown') })
  expect((await run.attempt()).kind).toBe('retry')
  expect(run.puts).toEqual([])
  for (const code of ['AccessDenied', 'SlowDown'])
    expect(await run.metrics.value('hydrant_destination_errors_total', { code })).toBe(1)
})

test('another object under the backup’s key sets the batch aside, after the data has landed', async () => {
  const run = delivery({ refuse: ({ bucket }) => (bucket === 'vault' ? refusal('Collision') : undefined) })
  expect((await run.attempt()).kind).toBe('finished')
  expect(run.quarantined).toBe('put: Collision')
  expect(run.outcome).toBeUndefined()
  expect(into(run, 'lake')).toHaveLength(2)
})

test('G2: wherever attempts end, each object is put under one key with one content, and all are there at the end', async () => {
  const text = fc.constantFrom('row', 'bad', 'void', '')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(12), { maxLength: 4 }),
      fc.array(fc.boolean(), { maxLength: 6 }),
      async (shape, deaths, refusals) => {
        let place = 0
        const batch = shape.map((records) =>
          frameOf(
            records.map((one) => (one === '' ? '' : `${one} ${(place += 1)}`)),
            7,
          ),
        )
        let left = deaths.pop() ?? Infinity
        const crash = (): void => {
          if ((left -= 1) === 0) throw new Error('died here')
        }
        const refuse = () => (refusals.pop() === true ? refusal() : undefined)
        const run = delivery({ frames: batch, crash, refuse })
        while ((await run.attempt()).kind === 'retry') left = deaths.pop() ?? Infinity
        const byKey = new Map(run.puts.map((put) => [put.key, put]))
        for (const put of run.puts) expect(put).toEqual(byKey.get(put.key))
        expect(new Set(run.outcome?.objects.map((object) => object.key))).toEqual(new Set(byKey.keys()))
        const all = batch.flatMap((frame) => [...frame.recordViews()].map(String)).join('')
        const backups = [...byKey.values()].filter(({ bucket }) => bucket === 'vault')
        expect(backups.map(({ body }) => gunzipSync(body).toString())).toEqual(all === '' ? [] : [all])
      },
    ),
    { numRuns: 100 },
  )
})

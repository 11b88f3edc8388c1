/** Error objects of every type, read by a script that was written for those of the real service. */
import { mkdirSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Processing } from '../../src/domain/delivery-stream.ts'
import { PROCESSORS_VERSION, type Plan } from '../../src/domain/plan.ts'
import { PARTITION_VERDICT, type Processors } from '../../src/domain/ports.ts'
import type { RecordMetadata, RecordVerdict } from '../../src/domain/record-metadata.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { readErrorObjects } from '../support/error-record-reader.ts'
import { kinesisFrame } from '../support/kinesis-frames.ts'
import { ARRIVAL_MS, oneDelivery, type OneDelivery } from '../support/one-delivery.ts'
import { partEncoder } from '../support/processed-batch.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-errors-'))
})
afterEach(() => rm(folder, { recursive: true }))

const functionArn = 'arn:aws:lambda:eu-west-1:111122223333:function:orders:live'
const lambda = {
  target: { kind: 'lambda', functionArn },
  retries: 3,
  bufferBytes: 1,
  bufferIntervalMs: 1,
} as const

const planOf = (processing: Processing): Plan => ({
  version: 1,
  destination: {
    bucket: 'lake',
    prefix: 'orders/!{partitionKeyFromQuery:k}/',
    errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
    compression: 'GZIP',
    fileExtension: '.orders',
    processing,
    partitioning: { query: '{k: .k}', objectBytes: 1 },
  },
  engine: 'js',
  engineVersion: '1',
  processorsVersion: PROCESSORS_VERSION,
  table: { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' },
})

/** Bytes that no text has, and those that end lines. */
const odd = (name: string): Buffer => Buffer.from([...Buffer.from(name), 0, 1, 0x0a, 0x0d, 0xff, 0xc3, 0x28])

const verdicts = {
  'decompression-failed': {
    code: 'Decompression failed.',
    message: 'Decompression failed because input data does not conform to cloudwatch log.',
  },
  'processing-failed': { code: 'Lambda.FunctionError', message: 'it “failed”', attemptsMade: 4 },
  'metadata-extraction-failed': {
    code: 'DynamicPartitioning.MetadataExtractionFailed',
    message: 'Non JSON record provided',
  },
  'partitioning-failed': {
    code: 'DynamicPartitioning.ActivePartitionsLimitExceeded',
    message: 'The number of active partitions has exceeded the configured limit',
  },
} as const satisfies Partial<Record<string, Omit<RecordVerdict, 'errorType'>>>

const types = Object.keys(verdicts) as (keyof typeof verdicts)[]
const names = [...types, 'refused', 'row'] as const

/** A record of each type; verdicts of partitioning come from there, the others are in the frame. */
function processors(more: Partial<RecordMetadata> = {}): Processors {
  const records = names.map((name): RecordMetadata & { data: Buffer } => ({
    data: odd(name),
    arrivalMs: ARRIVAL_MS,
    sequenceNumber: '',
    partitionKey: '',
    ...more,
    ...(name === 'decompression-failed' || name === 'processing-failed'
      ? { verdict: { errorType: name, ...verdicts[name] } }
      : {}),
  }))
  const frame = kinesisFrame(records, '')
  const before = frameOf(names.map((name) => odd(`before ${name}`)))
  return {
    async process({ frames }) {
      for await (const received of frames()) expect(received.records).toBe(names.length)
      return {
        async *frames() {
          yield await Promise.resolve(frame)
        },
        async *untransformed() {
          yield await Promise.resolve(before)
        },
        partitions: {
          objects: [{ queryKeys: { k: 'v' }, lambdaKeys: {}, part: 0, oldestArrivalMs: ARRIVAL_MS }],
          objectOf: Uint32Array.of(0xffff_ffff, 0xffff_ffff, PARTITION_VERDICT, PARTITION_VERDICT + 1, 0, 0),
          verdicts: (['metadata-extraction-failed', 'partitioning-failed'] as const).map((errorType) => ({
            errorType,
            ...verdicts[errorType],
          })),
        },
        dispose: () => Promise.resolve(),
      }
    },
  }
}

function delivery(processing: Processing, more: Partial<RecordMetadata> = {}): OneDelivery {
  return oneDelivery({
    frames: [frameOf(names.map((name) => odd(`source ${name}`)))],
    processors: processors(more),
    encoder: partEncoder,
    plan: planOf(processing),
    stagingPath: folder,
  })
}

function errorsOf({ puts }: OneDelivery) {
  const objects = puts.filter(({ key }) => key.startsWith('errors/'))
  for (const { key, contentEncoding } of objects) {
    expect(key).toMatch(/^errors\/[a-z-]+-failed\/orders-1-[\d-]{19}-[0-9a-f-]{36}$/)
    expect(contentEncoding).toBeUndefined()
  }
  return readErrorObjects(objects.map(({ key, body }) => ({ errorType: key.split('/')[1] ?? '', body })))
}

const refused = { kind: 'format-conversion-failed', code: 'Bad' }

test('a script for files of Firehose reads every type, and gets the bytes of the stage that failed', async () => {
  const run = delivery({ transform: lambda })
  await run.attempt()
  const read = errorsOf(run)
  expect(read.map(({ kind, code, attempts, function: named }) => ({ kind, code, attempts, named }))).toEqual([
    ...types.map((kind) => ({
      kind,
      code: verdicts[kind].code,
      attempts: kind === 'processing-failed' ? 4 : 1,
      named: kind === 'processing-failed' ? functionArn : null,
    })),
    { ...refused, attempts: 1, named: null },
  ])
  expect(read.slice(0, 4).map(({ message }) => message)).toEqual(types.map((kind) => verdicts[kind].message))
  expect(read.map(({ data }) => data)).toEqual([
    odd('decompression-failed'),
    odd('processing-failed'),
    odd('before metadata-extraction-failed'),
    odd('before partitioning-failed'),
    odd('refused'),
  ])
  expect(run.outcome).toMatchObject({ delivered: 1, failed: 5, dropped: 0 })
})

test('a stream that decompresses gives back the record as it was received, whatever failed after that', async () => {
  const run = delivery({ decompression: true, transform: lambda })
  await run.attempt()
  expect(errorsOf(run).map(({ data }) => data)).toEqual([
    odd('decompression-failed'),
    ...names.slice(1, 5).map((name) => odd(`source ${name}`)),
  ])
})

test('a transform by HTTP is named by no ARN', async () => {
  const target = { kind: 'http', url: 'https://transform.internal/?key=secret' } as const
  const run = delivery({ transform: { ...lambda, target } })
  await run.attempt()
  expect(errorsOf(run).map((record) => record.function)).toEqual(Array.from({ length: 5 }, () => null))
  for (const { body } of run.puts) expect(body.toString()).not.toContain('secret')
})

test('of a record from a data stream every type tells where Kinesis had it, after what the service tells', async () => {
  const run = delivery(
    { transform: lambda },
    { sequenceNumber: '4967', subSequenceNumber: 2, partitionKey: 'k' },
  )
  await run.attempt()
  expect(errorsOf(run)).toHaveLength(5)
  const lines = run.puts
    .filter(({ key }) => key.startsWith('errors/'))
    .map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>)
  for (const line of lines) expect(line).toMatchObject({ sequenceNumber: '4967', subSequenceNumber: 2 })
})

test('lines of one type that are too many for one put go to several objects, in order and each once', async () => {
  const texts = Array.from({ length: 10 }, (_, index) => `refused ${index}`)
  const { processing: _none, partitioning: _nor, ...destination } = planOf({}).destination
  const { processorsVersion: _version, ...plan } = planOf({})
  const options = {
    frames: [frameOf(texts.slice(0, 4)), frameOf(texts.slice(4))],
    encoder: partEncoder,
    plan: { ...plan, destination },
    stagingPath: folder,
    errorObjectBytes: 1_000,
  }
  const run = oneDelivery(options)
  await run.attempt()
  const objects = run.puts.filter(({ key }) => key.startsWith('errors/'))
  expect(objects.length).toBeGreaterThan(2)
  expect(new Set(objects.map(({ key }) => key)).size).toBe(objects.length)
  expect(objects.map(({ metadata }) => metadata['hydrant-part'])).toEqual(
    objects.map((_, part) => `format-conversion-failed${part === 0 ? '' : `-${part}`}`),
  )
  for (const { body } of objects.slice(0, -1)) expect(body.length).toBeGreaterThanOrEqual(1_000)
  expect(errorsOf(run).map(({ data }) => data.toString())).toEqual(texts)
  expect(run.outcome).toMatchObject({ failed: 10, errors: { Bad: 10 } })
  const again = oneDelivery(options)
  await again.attempt()
  expect(again.puts).toEqual(run.puts)
})

test('of staged lines that cannot all be removed none that can stays, and the batch is tried again', async () => {
  const { processing: _none, partitioning: _nor, ...destination } = planOf({}).destination
  const { processorsVersion: _version, ...plan } = planOf({})
  let staged: string[] = []
  const run = oneDelivery({
    // Lines of more than a mebibyte are staged; those of the first object are not.
    frames: [
      frameOf(['refused first', `refused ${'x'.repeat(2_000_000)}`, `refused ${'y'.repeat(2_000_000)}`]),
    ],
    encoder: partEncoder,
    plan: { ...plan, destination },
    stagingPath: folder,
    errorObjectBytes: 100,
    crash: (point) => {
      if (point !== 'after-error-file') return
      staged = readdirSync(folder)
      // A folder is not removed like a file.
      const [last = ''] = staged
      mkdirSync(join(folder, last.replace(/-\d+\.ndjson$/, '-0.ndjson')))
    },
  })
  expect(await run.attempt()).toMatchObject({ kind: 'retry' })
  expect(staged.map((name) => name.slice(-8))).toEqual(['1.ndjson', '2.ndjson'])
  expect(readdirSync(folder).map((name) => name.slice(-8))).toEqual(['0.ndjson'])
  expect(run.outcome).toBeUndefined()
})

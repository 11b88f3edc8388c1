/**
 * G2, G3, G4 of a batch that is processed and partitioned: whatever processors make of it, each part is a row in the object of
 * its partition or an error line, once, in order; the outcome counts source records; and a later attempt writes the same.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRawEncoder } from '../../src/convert/raw.ts'
import type { Processing } from '../../src/domain/delivery-stream.ts'
import { PROCESSORS_VERSION, type Plan } from '../../src/domain/plan.ts'
import { at } from '../conformance/store/fixture.ts'
import { kinesisFrame } from '../support/kinesis-frames.ts'
import { ARRIVAL_MS, oneDelivery, type LandedPut, type OneDelivery } from '../support/one-delivery.ts'
import {
  failedBefore,
  partEncoder,
  processedBatch,
  unkeyed,
  type BatchShape,
  type Fate,
  type Part,
  type ProcessedBatch,
} from '../support/processed-batch.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-processed-'))
})
afterEach(async () => {
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true, force: true })
})

const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:orders'
const transform = {
  target: { kind: 'lambda', functionArn },
  retries: 3,
  bufferBytes: 1_000_000,
  bufferIntervalMs: 60_000,
} as const

function planOf(processing: Processing | undefined, partitioned: boolean): Plan {
  return {
    version: 1,
    destination: {
      bucket: 'lake',
      prefix: partitioned ? 'orders/a=!{partitionKeyFromQuery:a}/b=!{partitionKeyFromQuery:b}/' : 'orders/',
      errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      compression: 'UNCOMPRESSED',
      ...(processing && { processing }),
      ...(partitioned && { partitioning: { query: '{a: .a, b: .b}', objectBytes: 1_000_000 } }),
    },
    engine: 'js',
    engineVersion: '1',
    processorsVersion: PROCESSORS_VERSION,
    table: { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' },
  }
}

interface Case {
  readonly shape: BatchShape
  readonly processing: Processing | undefined
}

const fate = fc.constantFrom<Fate>('row', 'row', 'row', 'refused', 'failed', 'dropped', 'unkeyed')
const cases = fc
  .record({
    sources: fc.array(fc.array(fc.tuple(fate, fc.nat(4)), { maxLength: 4 }), { minLength: 1, maxLength: 12 }),
    frameSizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
    partitioned: fc.boolean(),
    kept: fc.boolean(),
    decompression: fc.boolean(),
    deaggregation: fc.boolean(),
    hasTransform: fc.boolean(),
  })
  .map(({ sources, partitioned, kept, decompression, deaggregation, hasTransform, frameSizes }): Case => {
    const hasParts = decompression || deaggregation
    const possible = (one: Fate): Fate => {
      if (one === 'unkeyed' && !partitioned) return 'refused'
      return (one === 'failed' || one === 'dropped') && !hasTransform ? 'row' : one
    }
    const planned = sources.map((parts) =>
      (hasParts ? parts : [at([...parts, ['row', 0] as const], 0)]).map(([one, partition]) => ({
        fate: possible(one),
        partition,
      })),
    )
    const processing: Processing = {
      ...(decompression && { decompression: true }),
      ...(deaggregation && { deaggregation: { kind: 'json' } }),
      ...(hasTransform && { transform }),
    }
    const isProcessed = hasParts || hasTransform
    return {
      shape: { sources: planned, frameSizes, partitioned: partitioned || !isProcessed, kept },
      processing: isProcessed ? processing : undefined,
    }
  })

const of = (puts: readonly LandedPut[], part: RegExp): LandedPut[] =>
  puts.filter(({ metadata }) => part.test(metadata['hydrant-part'] ?? ''))

type Line = Record<string, unknown>

function linesOf(puts: readonly LandedPut[], errorType: string): Line[] {
  const objects = of(puts, new RegExp(`^${errorType}$`))
  for (const { key } of objects) expect(key).toContain(`errors/${errorType}/`)
  return objects.flatMap(({ body }) =>
    body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line),
  )
}

const rawOf = (line: Line): string => Buffer.from(String(line['rawData']), 'base64').toString()

/** What error lines hold of these parts, in order. */
function rawExpected(
  { parts, sources }: ProcessedBatch,
  wanted: Fate,
  processing: Processing | undefined,
): string[] {
  const failed = parts.filter((part) => part.fate === wanted)
  if (processing?.decompression === true) {
    return [...new Set(failed.map(({ source }) => source))].map((source) => at(sources, source))
  }
  const isEarlier = wanted === 'unkeyed' && processing?.transform !== undefined
  return failed.map((part) => (isEarlier ? part.before : part.text))
}

function expectRows(puts: readonly LandedPut[], { parts, partitions }: ProcessedBatch): void {
  const rows = parts.filter((part) => part.fate === 'row')
  const objects = of(puts, /^\d+$/)
  if (partitions === undefined) {
    expect(objects.flatMap(({ body }) => body.toString().split('\n'))).toEqual(rows.map(({ text }) => text))
    return
  }
  const byPartition = new Map<number, Part[]>()
  for (const part of rows) byPartition.set(part.partition, [...(byPartition.get(part.partition) ?? []), part])
  const found = new Map(
    objects.map(({ key, body }) => [/\/a=(a\d+)\/b=(b\d)\//.exec(key)?.slice(1).join(), body.toString()]),
  )
  const wanted = [...byPartition].map(
    ([partition, some]) =>
      [`a${partition},b${partition % 2}`, some.map(({ text }) => text).join('\n')] as const,
  )
  expect(objects).toHaveLength(wanted.length)
  expect(found).toEqual(new Map(wanted))
}

/** The promise of docs/guarantees.md, word by word. */
function expectedCounts({ parts, sources }: ProcessedBatch) {
  const counts = { delivered: 0, failed: 0, dropped: 0 }
  for (const [source] of sources.entries()) {
    const own = parts.filter((part) => part.source === source).map((part: Part) => part.fate)
    if (own.some((one) => one === 'refused' || one === 'failed' || one === 'unkeyed')) counts.failed += 1
    else if (own.includes('row')) counts.delivered += 1
    else counts.dropped += 1
  }
  return counts
}

test('G2, G3, G4: each part is a row of its partition or an error line, once, in order; retries repeat it', async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.array(fc.nat(14), { maxLength: 3 }), async ({ shape, processing }, ends) => {
      const deaths = [...ends]
      const batch = processedBatch(shape)
      let left = deaths.pop() ?? Infinity
      const crash = (): void => {
        if ((left -= 1) === 0) throw new Error('died here')
      }
      const { frames, processors } = batch
      const plan = planOf(processing, shape.partitioned)
      const delivery = oneDelivery({
        frames,
        processors,
        encoder: partEncoder,
        plan,
        stagingPath: folder,
        crash,
      })
      while ((await delivery.attempt()).kind === 'retry') left = deaths.pop() ?? Infinity
      expect(batch.undisposed()).toBe(0)
      const byKey = new Map(delivery.puts.map((put) => [put.key, put]))
      for (const put of delivery.puts) expect(put).toEqual(byKey.get(put.key))
      const puts = [...byKey.values()]
      expect(new Set(puts.map(({ metadata }) => metadata['hydrant-part'])).size).toBe(puts.length)
      const isDerived = processing?.transform !== undefined
      for (const { metadata } of puts) expect(metadata['hydrant-derived'] !== undefined).toBe(isDerived)

      expectRows(puts, batch)
      const types = {
        refused: 'format-conversion-failed',
        failed: 'processing-failed',
        unkeyed: unkeyed.errorType,
      }
      for (const [wanted, type] of Object.entries(types) as [Fate, string][])
        expect(linesOf(puts, type).map(rawOf)).toEqual(rawExpected(batch, wanted, processing))

      const { outcome } = delivery
      expect(outcome).toMatchObject({
        ...expectedCounts(batch),
        rows: batch.parts.filter((part) => part.fate === 'row').length,
      })
      expect(Object.values(outcome?.errors ?? {}).reduce((sum, count) => sum + count, 0)).toBe(
        outcome?.failed,
      )
      const errorRows = outcome?.objects.filter(({ kind }) => kind === 'error').map(({ rows }) => rows)
      expect(errorRows).toEqual(
        Object.values({ f: types.failed, u: types.unkeyed, r: types.refused })
          .map((type) => linesOf(puts, type).length)
          .filter((lines) => lines > 0),
      )
      expect(outcome?.objects.map(({ key }) => key).toSorted()).toEqual([...byKey.keys()].toSorted())
    }),
    { numRuns: 300 },
  )
})

function deliveryOf(
  sources: readonly (readonly Fate[])[],
  processing: Processing | undefined,
  { partitioned = false, kept = false } = {},
): OneDelivery & { readonly made: ProcessedBatch } {
  const planned = sources.map((fates, source) => fates.map((one) => ({ fate: one, partition: source })))
  const made = processedBatch({ sources: planned, frameSizes: [2], partitioned, kept })
  const { frames, processors } = made
  const plan = planOf(processing, partitioned)
  return Object.assign(oneDelivery({ frames, processors, encoder: partEncoder, plan, stagingPath: folder }), {
    made,
  })
}

test('lines of a source record’s parts name its place among the records of the batch as it was received', async () => {
  const run = deliveryOf([['row', 'row'], ['refused', 'row', 'refused'], ['refused']], {
    deaggregation: { kind: 'json' },
  })
  await run.attempt()
  const lines = linesOf(run.puts, 'format-conversion-failed')
  expect(lines.map((line) => line['sequenceNumber'])).toEqual([
    '41000000000001',
    '41000000000001',
    '41000000000002',
  ])
  expect(run.outcome).toMatchObject({ delivered: 1, failed: 2, dropped: 0, rows: 3, errors: { Bad: 2 } })
})

test('a source record whose parts fail by different codes counts once, under the first', async () => {
  const run = deliveryOf([['row', 'failed', 'refused'], ['refused']], {
    deaggregation: { kind: 'json' },
    transform,
  })
  await run.attempt()
  expect(run.outcome?.errors).toEqual({ [failedBefore.code]: 1, Bad: 1 })
})

test('a failure of a function has its attempts and its ARN with a version; others have none', async () => {
  const run = deliveryOf([['failed'], ['unkeyed'], ['row']], { transform }, { partitioned: true })
  await run.attempt()
  expect(Object.entries(at(linesOf(run.puts, 'processing-failed'), 0))).toEqual([
    ['rawData', Buffer.from('failed 0').toString('base64')],
    ['errorCode', failedBefore.code],
    ['errorMessage', failedBefore.message],
    ['attemptsMade', 4],
    ['arrivalTimestamp', 1_790_000_000_000],
    ['attemptEndingTimestamp', 1_790_000_060_000],
    ['lambdaARN', `${functionArn}:$LATEST`],
  ])
  expect(Object.entries(at(linesOf(run.puts, unkeyed.errorType), 0))).toEqual([
    ['attemptsMade', 1],
    ['arrivalTimestamp', 1_790_000_000_010],
    ['errorCode', unkeyed.code],
    ['errorMessage', unkeyed.message],
    ['attemptEndingTimestamp', 1_790_000_060_000],
    ['rawData', Buffer.from('before 1').toString('base64')],
  ])
})

test('the source digest covers the batch as it was received, also when processors have kept what they made of it', async () => {
  const read = deliveryOf([['row'], ['row'], ['row']], { transform })
  const kept = deliveryOf([['row'], ['row'], ['row']], { transform }, { kept: true })
  await read.attempt()
  await kept.attempt()
  expect(at(kept.puts, 0).metadata).toEqual(at(read.puts, 0).metadata)
  expect(kept.framesRead, 'read once, for its digest').toBe(2)
})

test('answers of a transform that are not those of an earlier attempt make another object, not the same', async () => {
  const first = deliveryOf([['row'], ['row']], { transform })
  const second = deliveryOf([['row'], ['dropped']], { transform })
  await first.attempt()
  await second.attempt()
  const [one, other] = [at(first.puts, 0), at(second.puts, 0)]
  expect(one.key).toBe(other.key)
  expect(one.metadata['hydrant-source']).toBe(other.metadata['hydrant-source'])
  expect(one.metadata['hydrant-derived']).not.toBe(other.metadata['hydrant-derived'])
})

test('processors that lose a record, or partition another number of them, land nothing', async () => {
  const fewer = deliveryOf([['row'], ['row']], { transform })
  const { made } = deliveryOf([['row']], { transform })
  for (const processors of [made.processors, withFewerObjects(fewer.made)]) {
    const run = oneDelivery({
      frames: fewer.made.frames,
      processors,
      encoder: partEncoder,
      plan: planOf({ transform }, false),
      stagingPath: folder,
    })
    expect((await run.attempt()).kind).toBe('retry')
    expect(run.puts).toEqual([])
  }
})

function withFewerObjects({ processors }: ProcessedBatch): ProcessedBatch['processors'] {
  return {
    async process(input) {
      const processed = await processors.process(input)
      const objects = [{ queryKeys: {}, lambdaKeys: {}, part: 0, oldestArrivalMs: 0 }]
      return { ...processed, partitions: { objects, objectOf: new Uint32Array(1), verdicts: [] } }
    },
  }
}

test('G3: a record of whose parts none has a byte yields nothing, one with a byte in another object is delivered', async () => {
  const raw = await openRawEncoder({ stagingPath: folder })
  const planned = [
    [{ partition: 0 }, { partition: 0 }],
    [{ partition: 0 }, { partition: 1 }],
    [{ partition: 1 }],
  ].map((parts) => parts.map((part) => ({ ...part, fate: 'row' as const })))
  const { frames, parts, processors } = processedBatch({
    sources: planned,
    frameSizes: [2],
    partitioned: true,
    kept: false,
  })
  // Partition 0 holds nothing but empty records.
  const emptied: ProcessedBatch['processors'] = {
    async process(input) {
      const processed = await processors.process(input)
      const texts = parts.map((part) => (part.partition === 0 ? '' : part.text))
      return {
        ...processed,
        async *frames() {
          await Promise.resolve()
          yield kinesisFrame(
            texts.map((data, place) => ({
              data,
              arrivalMs: ARRIVAL_MS,
              sequenceNumber: '',
              partitionKey: '',
              origin: at(parts, place).source,
            })),
            '',
          )
        },
      }
    },
  }
  const plan: Plan = { ...planOf({ deaggregation: { kind: 'json' } }, true), engine: 'raw' }
  const run = oneDelivery({ frames, processors: emptied, encoder: raw, plan, stagingPath: folder })
  expect((await run.attempt()).kind).toBe('finished')
  expect(run.puts.map(({ body }) => body.toString())).toEqual(['row 3row 4'])
  expect(run.outcome).toMatchObject({ delivered: 2, failed: 0, dropped: 1, rows: 2 })
  await raw.close()
})

test('partitions are counted, and a batch that has too many is told of', async () => {
  const run = deliveryOf([['row'], ['row'], ['row']], undefined, { partitioned: true })
  await run.attempt()
  expect(await run.metrics.value('hydrant_batch_partitions')).toBe(3)
  expect(await run.metrics.value('hydrant_partition_limit_exceeded_total')).toBe(0)

  const { frames, processors } = run.made
  const over = {
    ...unkeyed,
    errorType: 'partitioning-failed',
    code: 'DynamicPartitioning.ActivePartitionsLimitExceeded',
  } as const
  const crowded = oneDelivery({
    frames,
    processors: {
      async process(input) {
        const processed = await processors.process(input)
        const objectOf = Uint32Array.of(0, 1, 0x8000_0000)
        return {
          ...processed,
          partitions: { objects: run.made.partitions?.objects.slice(0, 2) ?? [], objectOf, verdicts: [over] },
        }
      },
    },
    encoder: partEncoder,
    plan: planOf(undefined, true),
    stagingPath: folder,
  })
  await crowded.attempt()
  expect(crowded.outcome).toMatchObject({ delivered: 2, failed: 1, errors: { [over.code]: 1 } })
  expect(await crowded.metrics.value('hydrant_partition_limit_exceeded_total')).toBe(1)
  expect(linesOf(crowded.puts, 'partitioning-failed')).toHaveLength(1)
})

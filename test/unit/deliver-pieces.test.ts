/** A batch that is landed in pieces yields what it would have yielded at once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { Processing } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import { PROCESSORS_VERSION, RAW, type Plan } from '../../src/domain/plan.ts'
import { NOT_PARTITIONED, PARTITION_VERDICT, type PartitionObject } from '../../src/domain/ports.ts'
import { neverCrash, type CrashHook, type CrashPoint } from '../../src/runtime/crash-point.ts'
import type { PieceLimits } from '../../src/process/piece.ts'
import { createProcessors } from '../../src/process/processors.ts'
import type { PartitionStage } from '../../src/process/stages.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { KeptDerivation } from '../support/kept-derivation.ts'
import { MoodyTransform } from '../support/moody-transform.ts'
import { ARRIVAL_MS, oneDelivery, type OneDelivery } from '../support/one-delivery.ts'
import { partEncoder, unkeyed } from '../support/processed-batch.ts'
import { recordsIn } from '../support/records-in.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-pieces-'))
})
afterEach(() => rm(folder, { recursive: true }))

interface Shape {
  /** Names of the parts of each record; one with `x` has no key, `drop` and `fail` are what the transform does. */
  readonly sources: readonly (readonly string[])[]
  readonly frameRecords: number
  readonly decompresses: boolean
  readonly transforms: boolean
  readonly partitions: boolean
}

const TRANSFORM = {
  target: { kind: 'http', url: 'http://127.0.0.1/' },
  retries: 0,
  bufferBytes: 1_000_000,
  bufferIntervalMs: 60_000,
} as const

function processingOf({ decompresses, transforms }: Shape): Processing {
  return {
    ...(decompresses && { decompression: true, cloudWatchLogs: { messagesOnly: true } }),
    deaggregation: { kind: 'json' },
    ...(transforms && { transform: TRANSFORM }),
  }
}

function planOf(shape: Shape): Plan {
  return {
    version: 1,
    destination: {
      bucket: 'lake',
      prefix: shape.partitions ? 'k=!{partitionKeyFromQuery:k}/' : 'all/',
      errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      compression: 'UNCOMPRESSED',
      processing: processingOf(shape),
      ...(shape.partitions && { partitioning: { query: '{k: .k}', objectBytes: 1 } }),
    },
    processorsVersion: PROCESSORS_VERSION,
    ...RAW,
  }
}

/** What cannot be decompressed is among the records, too. */
function recordOf({ decompresses }: Shape, parts: readonly string[], source: number): Buffer {
  const texts = parts.map((name, part) => JSON.stringify({ k: name, id: `${source}.${part}` }))
  if (!decompresses) return Buffer.from(texts.join(''))
  if (parts.length === 0) return Buffer.from(`no gzip ${source}`)
  const logEvents = texts.map((message, id) => ({ id: String(id), timestamp: 1, message }))
  return gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents }))
}

function framesOf(shape: Shape): Frame[] {
  const records = shape.sources.map((parts, source) => recordOf(shape, parts, source))
  const frames: Frame[] = []
  for (let first = 0; first < records.length; first += shape.frameRecords)
    frames.push(frameOf(records.slice(first, first + shape.frameRecords), ARRIVAL_MS + first))
  return frames
}

/** By the member k, so that the keys of a record are known without jq. */
const byKey: PartitionStage = {
  async partition({ frames }) {
    const objects: PartitionObject[] = []
    const indexOf = new Map<string, number>()
    const places: number[] = []
    for (const { data, verdict, isDropped } of await recordsIn(frames())) {
      const k = /"k":"([abc])"/.exec(data)?.[1]
      if (verdict !== undefined || isDropped === true) places.push(NOT_PARTITIONED)
      else if (k === undefined) places.push(PARTITION_VERDICT)
      else {
        if (!indexOf.has(k))
          indexOf.set(
            k,
            objects.push({ queryKeys: { k }, lambdaKeys: {}, part: 0, oldestArrivalMs: ARRIVAL_MS }) - 1,
          )
        places.push(indexOf.get(k) ?? 0)
      }
    }
    const dispose = (): Promise<void> => Promise.resolve()
    return { objects, objectOf: Uint32Array.from(places), verdicts: [unkeyed], dispose }
  },
}

interface World {
  readonly run: OneDelivery
  readonly transform: MoodyTransform
  readonly metrics: Metrics
}

function worldOf(shape: Shape, pieceLimits?: PieceLimits, crash: CrashHook = neverCrash): World {
  const [transform, metrics] = [new MoodyTransform(), new Metrics()]
  const processors = createProcessors({
    buffer: new KeptDerivation(),
    transform,
    partition: byKey,
    log: createLog('silent'),
    metrics,
    clock: new FakeClock(),
    ...(pieceLimits && { pieceLimits }),
  })
  const plan = planOf(shape)
  const frames = framesOf(shape)
  return {
    run: oneDelivery({ frames, processors, encoder: partEncoder, plan, stagingPath: folder, crash }),
    transform,
    metrics,
  }
}

function outcomeOf({ outcome }: OneDelivery): Outcome {
  if (outcome === undefined) throw new Error('the batch was not delivered')
  return outcome
}

/** What landed under each prefix, whatever its objects are, in their order. */
function landed(run: OneDelivery): Readonly<Record<string, string>> {
  const bodies = new Map(run.puts.map(({ key, body }) => [key, body.toString()]))
  const texts: Record<string, string> = {}
  for (const { key, kind } of outcomeOf(run).objects) {
    const prefix = key.slice(0, key.lastIndexOf('/'))
    texts[prefix] = `${texts[prefix] ?? ''}${bodies.get(key) ?? ''}${kind === 'data' ? '\n' : ''}`
  }
  return texts
}

function countsOf(run: OneDelivery) {
  const { delivered, failed, dropped, rows, errors } = outcomeOf(run)
  return { delivered, failed, dropped, rows, errors }
}

const name = fc.constantFrom('a', 'b', 'c', 'x', 'drop', 'fail', 'refused')
const shapes: fc.Arbitrary<Shape> = fc.record({
  sources: fc.array(fc.array(name, { maxLength: 6 }), { minLength: 1, maxLength: 30 }),
  frameRecords: fc.integer({ min: 1, max: 5 }),
  decompresses: fc.boolean(),
  transforms: fc.boolean(),
  partitions: fc.boolean(),
})

test('rows, error lines and counts are those of the whole batch, wherever pieces end', async () => {
  await fc.assert(
    fc.asyncProperty(
      shapes,
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      async (shape, size, isOfBytes) => {
        const limits = isOfBytes
          ? { records: Infinity, bytes: 20 * size }
          : { records: size, bytes: Infinity }
        const [whole, pieces] = [worldOf(shape), worldOf(shape, limits)]
        for (const { run } of [whole, pieces]) await run.attempt()
        expect(landed(pieces.run)).toEqual(landed(whole.run))
        expect(countsOf(pieces.run)).toEqual(countsOf(whole.run))
        const keys = outcomeOf(pieces.run).objects.map(({ key }) => key)
        expect(new Set(keys).size).toBe(keys.length)
        // Lines of one metric stand in the order in which there was first something to count.
        const metrics = async (of: typeof whole): Promise<readonly string[]> =>
          (await of.metrics.exposition()).split('\n').toSorted()
        expect(await metrics(pieces)).toEqual(await metrics(whole))
        const ofFirst = new Set(pieces.run.puts.map(({ metadata }) => metadata['hydrant-part']))
        expect(ofFirst.size).toBe(keys.length)
        expect(pieces.transform.times).toBe(shape.transforms ? 1 : 0)
        const again = worldOf(shape, limits)
        await again.run.attempt()
        expect(again.run.puts).toEqual(pieces.run.puts)
      },
    ),
    { numRuns: 150 },
  )
})

const plain: Shape = {
  sources: Array.from({ length: 9 }, () => ['a', 'b']),
  frameRecords: 1,
  decompresses: false,
  transforms: false,
  partitions: true,
}

test('each piece makes objects of its own, which say of which piece they are', async () => {
  const { run } = worldOf(plain, { records: 6, bytes: Infinity })
  await run.attempt()
  expect(run.puts.map(({ metadata }) => metadata['hydrant-part'])).toEqual([
    '0',
    '1',
    '1/0',
    '1/1',
    '2/0',
    '2/1',
  ])
  expect(outcomeOf(run)).toMatchObject({ delivered: 9, rows: 18 })
})

test('a batch whose process died between two pieces lands the same objects in its next attempt', async () => {
  for (const transforms of [false, true]) {
    const shape = { ...plain, transforms }
    for (const dies of [1, 2, 3, 4, 5]) {
      let puts = 0
      const crash = (point: CrashPoint): void => {
        if (point !== 'after-put') return
        puts += 1
        if (puts === dies) throw new Error('died')
      }
      const limits = { records: 6, bytes: Infinity }
      const [whole, { run, transform }] = [worldOf(shape, limits), worldOf(shape, limits, crash)]
      await whole.run.attempt()
      expect(await run.attempt()).toMatchObject({ kind: 'retry' })
      expect(await run.attempt()).toEqual({ kind: 'finished' })
      expect(outcomeOf(run)).toEqual(outcomeOf(whole.run))
      const bodies = new Map(whole.run.puts.map(({ key, body }) => [key, body.toString()]))
      for (const { key, body } of run.puts) expect(body.toString()).toBe(bodies.get(key))
      expect(transform.times).toBe(transforms ? 1 : 0)
    }
  }
})

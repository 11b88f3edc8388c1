/** The processors together: their order, what costs nothing, and what of a batch is kept (D5). */
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type {
  FormatConversion,
  Processing,
  S3Destination,
  Transform,
} from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { PROCESSORS_VERSION, type Plan } from '../../src/domain/plan.ts'
import { NOT_PARTITIONED, PARTITION_VERDICT, type ProcessInput } from '../../src/domain/ports.ts'
import type { RecordVerdict } from '../../src/domain/record-metadata.ts'
import { NOT_LOGS } from '../../src/process/decompress.ts'
import { createProcessors, type ProcessorsOptions } from '../../src/process/processors.ts'
import type { DisposablePartitions, PartitionInput, PartitionStage } from '../../src/process/stages.ts'
import type { CrashPoint } from '../../src/runtime/crash-point.ts'
import { frameOf, planOf } from '../conformance/store/fixture.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { KeptDerivation } from '../support/kept-derivation.ts'
import { kinesisFrame } from '../support/kinesis-frames.ts'
import { LAMBDA_FAILED, MoodyTransform } from '../support/moody-transform.ts'
import { sealed } from '../support/one-delivery.ts'
import { each, framesOf, recordsIn, shortlyIn } from '../support/records-in.ts'

const TRANSFORM: Transform = {
  target: { kind: 'http', url: 'http://127.0.0.1/' },
  retries: 3,
  bufferBytes: 1_000_000,
  bufferIntervalMs: 60_000,
}
const PARTITIONING = { query: '{a:.a}', objectBytes: 64 * 1024 * 1024 }

function planned(destination: Partial<S3Destination>): Plan {
  const plan = planOf()
  return {
    ...plan,
    destination: { ...plan.destination, ...destination },
    processorsVersion: PROCESSORS_VERSION,
  }
}

class World {
  readonly buffer = new KeptDerivation()
  readonly transform = new MoodyTransform()
  readonly metrics = new Metrics()
  readonly passed: CrashPoint[] = []
  partitioned: PartitionInput | undefined
  partitions: Partial<DisposablePartitions> = {}
  disposed = 0
  frames: readonly Frame[]
  reads = 0
  isDerived = false
  readonly plan: Plan

  constructor(destination: Partial<S3Destination>, frames: readonly Frame[]) {
    this.plan = planned(destination)
    this.frames = frames
  }

  readonly #partition: PartitionStage = {
    partition: (input) => {
      this.partitioned = input
      const nothing = { objects: [], objectOf: new Uint32Array(0), verdicts: [] }
      const dispose = (): Promise<void> => {
        this.disposed += 1
        return Promise.resolve()
      }
      return Promise.resolve({ ...nothing, ...this.partitions, dispose })
    },
  }

  get input(): ProcessInput {
    const batch = { ...sealed(this.frames), plan: this.plan }
    return {
      batch: this.isDerived ? { ...batch, isDerived: true } : batch,
      plan: this.plan,
      frames: () => {
        this.reads += 1
        return each(this.frames)
      },
      signal: new AbortController().signal,
    }
  }

  process(input = this.input): ReturnType<ReturnType<typeof createProcessors>['process']> {
    const options: ProcessorsOptions = {
      buffer: this.buffer,
      transform: this.transform,
      partition: this.#partition,
      log: createLog('silent'),
      metrics: this.metrics,
      clock: new FakeClock(),
      crash: (point) => this.passed.push(point),
    }
    return createProcessors(options).process(input)
  }
}

function logs(...messages: readonly string[]): Buffer {
  const logEvents = messages.map((message, id) => ({ id: String(id), timestamp: id, message }))
  return gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents }))
}

describe('what costs nothing', () => {
  test('a stream without processors and partitions gets the frames as they are read', async () => {
    const world = new World({}, [frameOf(['a'])])
    const { input } = world
    const processed = await world.process(input)
    expect(processed).toMatchObject({ frames: input.frames, untransformed: input.frames })
    expect(processed).not.toHaveProperty('partitions')
    await processed.dispose()
    expect(world.reads).toBe(0)
  })

  test('so does one that only partitions, or whose delimiter has no effect', async () => {
    const world = new World({ partitioning: PARTITIONING }, [frameOf(['a'])])
    const { input } = world
    expect(await world.process(input)).toMatchObject({ frames: input.frames })
    const conversion = { table: {} } as FormatConversion
    const converting = new World({ processing: { appendDelimiter: true }, conversion }, [frameOf(['a'])])
    const { input: other } = converting
    expect(await converting.process(other)).toMatchObject({ frames: other.frames })
  })
})

describe('order', () => {
  const all: Processing = {
    decompression: true,
    cloudWatchLogs: { messagesOnly: true },
    deaggregation: { kind: 'json' },
    transform: TRANSFORM,
    appendDelimiter: true,
  }
  const source = [frameOf([logs('{"n":1}', '{"n":2}'), 'bad', logs('{"drop":3}{"fail":4}'), logs()])]

  test('each processor gets what the one before made; the delimiter is the last', async () => {
    const world = new World({ processing: all, partitioning: PARTITIONING }, source)
    const processed = await world.process()
    const short = (frames: AsyncIterable<Frame>): Promise<unknown> =>
      recordsIn(frames).then((records) =>
        records.map(({ data, origin, verdict, isDropped }) => [
          data,
          origin,
          verdict?.code ?? (isDropped === true ? 'dropped' : ''),
        ]),
      )
    const untransformed = [
      ['{"n":1}', 0, ''],
      ['{"n":2}', 0, ''],
      ['bad', 1, NOT_LOGS.code],
      ['{"drop":3}', 2, ''],
      ['{"fail":4}', 2, ''],
      ['', 3, ''],
    ]
    const transformed = [
      ['{"n":1}@1', 0, ''],
      ['{"n":2}@1', 0, ''],
      ['bad', 1, NOT_LOGS.code],
      ['{"drop":3}', 2, 'dropped'],
      ['{"fail":4}', 2, LAMBDA_FAILED.code],
      ['@1', 3, ''],
    ]
    expect(await short(processed.untransformed())).toEqual(untransformed)
    expect(world.partitioned && (await short(world.partitioned.frames()))).toEqual(transformed)
    expect(await short(processed.frames())).toEqual(
      transformed.map(([data, origin, said]) => [said === '' ? `${data}\n` : data, origin, said]),
    )
  })

  test('the order in which they are told makes no difference', async () => {
    const expected = await new World({ processing: all }, source).process()
    const records = await recordsIn(expected.frames())
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(Object.keys(all), { minLength: 5 }), async (keys) => {
        const processing = Object.fromEntries(keys.map((key) => [key, all[key as keyof Processing]]))
        const processed = await new World({ processing }, source).process()
        expect(await recordsIn(processed.frames())).toEqual(records)
      }),
      { numRuns: 20 },
    )
  })

  test('the same batch gives the same frames, byte for byte, however often it is read', async () => {
    const { transform: _, ...processing } = all
    const world = new World({ processing }, source)
    const first = await world.process()
    const bytes = async (frames: AsyncIterable<Frame>): Promise<Buffer[]> =>
      (await framesOf(frames)).map(({ buffer }) => buffer)
    const expected = await bytes(first.frames())
    expect(await bytes(first.frames())).toEqual(expected)
    expect(await bytes((await world.process()).frames())).toEqual(expected)
  })
})

describe('what is counted', () => {
  test('a batch is counted once in an attempt, however often it is read, and not before its end', async () => {
    const processing: Processing = { decompression: true, deaggregation: { kind: 'json' } }
    const world = new World({ processing }, [frameOf([logs('a')]), frameOf([logs('b'), 'bad'])])
    const processed = await world.process()
    for await (const frame of processed.frames()) if (frame.records > 0) break
    expect(await world.metrics.value('hydrant_decompressed_records_total')).toBe(0)
    for (let reading = 0; reading < 3; reading += 1) await framesOf(processed.frames())
    await framesOf(processed.untransformed())
    expect(await world.metrics.value('hydrant_decompressed_records_total', { result: 'ok' })).toBe(2)
    expect(await world.metrics.value('hydrant_decompressed_records_total', { result: 'failed' })).toBe(1)
    expect(await world.metrics.value('hydrant_deaggregated_records_total', { result: 'split' })).toBe(2)
  })
})

describe('a transform', () => {
  const processing: Processing = { transform: TRANSFORM }

  test('is asked once: a later attempt reads what was kept and asks nobody', async () => {
    const world = new World({ processing }, [frameOf(['a', 'b'])])
    const first = await world.process()
    const expected = [
      ['a@1', 0],
      ['b@1', 1],
    ]
    expect(await shortlyIn(first.frames())).toEqual(expected)
    expect(await shortlyIn(first.frames())).toEqual(expected)
    world.isDerived = true
    const second = await world.process()
    expect(await shortlyIn(second.frames())).toEqual(expected)
    expect(await shortlyIn(second.untransformed())).toEqual([
      ['a', 0],
      ['b', 1],
    ])
    expect(world.transform.times).toBe(1)
    expect(world.passed).toEqual(['after-transform', 'after-derive'])
  })

  test('of an attempt that was overtaken counts for nothing: the first that is whole is read', async () => {
    const world = new World({ processing }, [frameOf(['a'])])
    const other = await new World({ processing }, [frameOf(['x'])]).process()
    world.buffer.kept = await framesOf(other.frames())
    expect(await shortlyIn((await world.process()).frames())).toEqual([['x@1', 0]])
  })

  test('that loses a record is an error, and nothing is kept', async () => {
    const world = new World({ processing }, [frameOf(['a', 'b']), frameOf(['c', 'd', 'e'])])
    world.transform.forgets = 1
    await expect(world.process()).rejects.toThrow('3 records came back of 5')
    expect(world.buffer.kept).toBeUndefined()
    expect(world.passed).toEqual([])
  })

  test('takes its own time, once, while another batch has the place, and ends when that is wanted', async () => {
    const world = new World({ processing, partitioning: PARTITIONING }, [frameOf(['a'])])
    const seen: unknown[] = []
    const wanted = new AbortController()
    const lend: ProcessInput['lend'] = async (run) => {
      const answer = await run(wanted.signal)
      seen.push({
        asked: world.transform.times,
        isKept: world.buffer.kept !== undefined,
        partitioned: world.partitioned,
      })
      return answer
    }
    await world.process({ ...world.input, lend })
    expect(seen).toEqual([{ asked: 1, isKept: true, partitioned: undefined }])
    expect(world.transform.inputs).toMatchObject([{ signal: wanted.signal }])
    world.isDerived = true
    await world.process({ ...world.input, lend })
    expect(seen).toHaveLength(1)
  })

  test('gets what belongs to its call', async () => {
    const world = new World({ processing }, [frameOf(['a'])])
    const { input } = world
    await world.process(input)
    expect(world.transform.inputs).toMatchObject([
      { batch: input.batch, plan: input.plan, transform: TRANSFORM, signal: input.signal },
    ])
  })
})

describe('partitions', () => {
  test('are decided from all records before the delimiter, and their staging is removed', async () => {
    const processing: Processing = { deaggregation: { kind: 'json' }, appendDelimiter: true }
    const world = new World({ processing, partitioning: PARTITIONING }, [frameOf(['{"a":1}{"a":2}', 'x'])])
    const { input } = world
    const verdict: RecordVerdict = { errorType: 'metadata-extraction-failed', code: 'C', message: 'M' }
    world.partitions = { objectOf: Uint32Array.of(0, 0, PARTITION_VERDICT), verdicts: [verdict] }
    const processed = await world.process(input)
    expect(world.partitioned).toMatchObject({
      batch: input.batch,
      plan: world.plan,
      partitioning: PARTITIONING,
      signal: input.signal,
    })
    expect(processed.partitions).toMatchObject(world.partitions)
    expect(await shortlyIn(processed.frames())).toEqual([
      ['{"a":1}\n', 0],
      ['{"a":2}\n', 0],
      ['x', 1],
    ])
    expect(world.passed).toEqual(['after-partition'])
    await processed.dispose()
    expect(world.disposed).toBe(1)
  })
})

describe('the delimiter', () => {
  test('is a newline behind each record that lands, also an empty one; what was decided stays', async () => {
    const verdict: RecordVerdict = { errorType: 'processing-failed', code: 'C', message: 'M' }
    const known = { arrivalMs: 5, sequenceNumber: '49', partitionKey: 'k' }
    const frame = kinesisFrame([
      { data: 'a', ...known },
      { data: 'b\n', ...known },
      { data: '', ...known },
      { data: 'failed', ...known, verdict },
      { data: 'dropped', ...known, isDropped: true },
      { data: Buffer.from([0xff, 0]), ...known },
    ])
    const world = new World({ processing: { appendDelimiter: true } }, [frame, frameOf(['z'])])
    world.partitions = { objectOf: Uint32Array.of(0, 0, 0, NOT_PARTITIONED, NOT_PARTITIONED, 0, 0) }
    const processed = await world.process()
    const texts = (await recordsIn(processed.frames())).map(({ data }) => data)
    expect(texts).toEqual(['a\n', 'b\n\n', '\n', 'failed', 'dropped', '\u00ff\0\n', 'z\n'])
    expect(await recordsIn(processed.untransformed())).toEqual(await recordsIn(each(world.frames)))
  })
})

/**
 * G2 with a transform (D5): whatever ends an attempt while records are transformed, and however otherwise the transform answers
 * the next time, what is read after the first whole answer is that answer, in every attempt and process, each source record
 * once. Here an attempt ends where a crash hook or a stage throws, and the store is opened again as a new process would.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { SealedBatch } from '../../src/domain/batch.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { PROCESSORS_VERSION, type Plan } from '../../src/domain/plan.ts'
import type { Processed } from '../../src/domain/ports.ts'
import { createProcessors } from '../../src/process/processors.ts'
import type { PartitionStage, TransformStage } from '../../src/process/stages.ts'
import { crashAt, neverCrash, type CrashHook } from '../../src/runtime/crash-point.ts'
import { openLmdbStore } from '../../src/store/lmdb/store.ts'
import {
  describeBatch,
  frameOf,
  noiseFrame,
  openWith,
  planOf,
  sealedBatch,
  streamOf,
  type Opened,
} from '../conformance/store/fixture.ts'
import { MoodyTransform } from '../support/moody-transform.ts'
import { framesOf, recordsIn, type RecordIn } from '../support/records-in.ts'

const signal = new AbortController().signal
/** More than a store takes in one step, so that a derivation is half kept while it goes on. */
const SOURCE = [
  frameOf(['{"n":0}{"n":1}', '{"drop":2}', '{"fail":3}', 'not JSON']),
  noiseFrame(2_500_000, 3),
  frameOf(['{"n":4}\n{"n":5}\n']),
  noiseFrame(2_500_000, 5),
  frameOf(['{"n":6}']),
]
const ORIGINS = [0, 0, 1, 2, 3, 4, 5, 5, 6, 7]

const plan: Plan = {
  ...planOf(),
  destination: {
    ...planOf().destination,
    processing: {
      deaggregation: { kind: 'json' },
      transform: {
        target: { kind: 'http', url: 'http://127.0.0.1/' },
        retries: 3,
        bufferBytes: 1_000_000,
        bufferIntervalMs: 60_000,
      },
    },
    partitioning: { objectBytes: 64_000_000 },
  },
  processorsVersion: PROCESSORS_VERSION,
}

class Crash extends Error {}

const crash = (): never => {
  throw new Crash('crashed')
}

interface Attempt {
  readonly transform?: TransformStage
  readonly crash?: CrashHook
}

class World {
  readonly moody = new MoodyTransform()
  readonly opened: Opened
  readonly batch: SealedBatch

  private constructor(opened: Opened, batch: SealedBatch) {
    this.opened = opened
    this.batch = batch
  }

  static async open(): Promise<World> {
    const stream = streamOf({ bytes: 50_000_000 })
    const folder = mkdtempSync(join(tmpdir(), 'hydrant-process-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const opened = await openWith(
      async ({ clock }) => {
        const path = join(folder, 'buffer')
        let opens = 0
        const openStore = (): ReturnType<typeof openLmdbStore> =>
          openLmdbStore({
            path,
            maxBytes: 200_000_000,
            perStreamShare: 1,
            clock,
            holder: `process${(opens += 1)}`,
          })
        let store = await openStore()
        return {
          store,
          reopen: async () => {
            await store.close()
            store = await openStore()
            return store
          },
          close: () => store.close(),
        }
      },
      stream,
      { maxBytes: 200_000_000 },
    )
    const batch = await sealedBatch(opened, stream, SOURCE)
    return new World(opened, batch)
  }

  /** As a delivery does it. */
  async attempt({ transform = this.moody, crash: hook = neverCrash }: Attempt = {}): Promise<Processed> {
    const { buffer } = this.opened.store
    const begun = await buffer.beginAttempt(this.batch)
    if (begun.kind !== 'begun') throw new Error('the batch is gone')
    await buffer.pin(this.batch, plan)
    const partition: PartitionStage = {
      partition: async ({ frames }) => {
        await framesOf(frames())
        return { objects: [], objectOf: new Uint32Array(0), verdicts: [], dispose: () => Promise.resolve() }
      },
    }
    const processors = createProcessors({
      buffer,
      transform,
      partition,
      log: createLog('silent'),
      metrics: new Metrics(),
      clock: this.opened.clock,
      crash: hook,
    })
    const frames = (): AsyncIterable<Frame> => buffer.read(this.batch, signal)
    return processors.process({ batch: begun.batch, plan, frames, signal })
  }

  /** Twice the same, and the time at which the transform answered it. */
  async expectWhole(): Promise<number> {
    const records = await this.#read()
    const times = new Set(records.map(({ partitionKeys }) => partitionKeys?.['time']).filter(Boolean))
    expect(times.size).toBe(1)
    const [time = ''] = times
    expect(records.map(({ origin }) => origin)).toEqual(ORIGINS)
    expect(records.map(({ isDropped }) => isDropped === true).indexOf(true)).toBe(2)
    expect(records[3]?.verdict).toMatchObject({ code: 'Lambda.FunctionError', attemptsMade: 4 })
    expect(records.flatMap(({ data }) => (data.length < 30 ? [data] : []))).toEqual([
      `{"n":0}@${time}`,
      `{"n":1}@${time}`,
      '{"drop":2}',
      '{"fail":3}',
      `not JSON@${time}`,
      `{"n":4}@${time}`,
      `{"n":5}@${time}`,
      `{"n":6}@${time}`,
    ])
    await this.opened.reopen()
    expect(await this.#read()).toEqual(records)
    return Number(time)
  }

  async #read(): Promise<RecordIn[]> {
    const processed = await this.attempt()
    const records = await recordsIn(processed.frames())
    const untransformed = await recordsIn(processed.untransformed())
    expect(untransformed.map(({ origin }) => origin)).toEqual(ORIGINS)
    expect(untransformed[4]?.data).toBe('not JSON')
    await processed.dispose()
    return records
  }
}

test.each([
  // The last step was not taken: the next attempt asks again, and its answer holds.
  ['after-transform', 2],
  // It was: nobody is asked again.
  ['after-derive', 1],
  ['after-partition', 1],
] as const)('ended %s, a batch is what the transform said the time number %i', async (point, time) => {
  const world = await World.open()
  await expect(world.attempt({ crash: crashAt(point, crash) })).rejects.toThrow(Crash)
  await world.opened.reopen()
  expect(await world.expectWhole()).toBe(time)
  expect(world.moody.times).toBe(time)
})

test('ended at any frame that the transform answers, a batch is what it says the next time', async () => {
  const frames = (await framesOf(new MoodyTransform().transform(inputOf()))).length
  expect(frames).toBe(SOURCE.length)
  for (let last = 0; last < frames; last += 1) {
    const world = await World.open()
    const dying: TransformStage = {
      async *transform(input) {
        let answered = 0
        for await (const frame of world.moody.transform(input)) {
          if (answered === last) crash()
          yield frame
          answered += 1
        }
      },
    }
    await expect(world.attempt({ transform: dying })).rejects.toThrow(Crash)
    expect(await describeBatch(world.opened.store, world.batch)).not.toHaveProperty('isDerived')
    await world.opened.reopen()
    expect(await world.expectWhole()).toBe(2)
  }
})

test('of two attempts at once one answer is kept, and both attempts that go on read it', async () => {
  const world = await World.open()
  const attempts = await Promise.allSettled([world.attempt(), world.attempt(), world.attempt()])
  const read = new Set<string>()
  for (const attempt of attempts) {
    if (attempt.status === 'fulfilled') read.add(JSON.stringify(await recordsIn(attempt.value.frames())))
    else expect(String(attempt.reason)).toContain('a later attempt has taken its place')
  }
  expect(read.size).toBe(1)
  const time = await world.expectWhole()
  expect([...read][0]).toContain(`@${time}`)
})

function inputOf(): Parameters<TransformStage['transform']>[0] {
  const { processing } = plan.destination
  if (processing?.transform === undefined) throw new Error('the plan has no transform')
  const frames = async function* (): AsyncGenerator<Frame> {
    for (const frame of SOURCE) yield await Promise.resolve(frame)
  }
  return { batch: {} as SealedBatch, plan, transform: processing.transform, frames: frames(), signal }
}

/**
 * Processing in processes of its own (G1): the records, places and pieces of the same process, and a death there is an error
 * of the parent's, not its death.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { Processing, Transform } from '../../src/domain/delivery-stream.ts'
import { PROCESSORS_VERSION, type Plan } from '../../src/domain/plan.ts'
import type { PieceStart, ProcessInput, Processors } from '../../src/domain/ports.ts'
import { isolatedStages } from '../../src/process/isolated.ts'
import { createPartition } from '../../src/process/partition/partition.ts'
import { createProcessors } from '../../src/process/processors.ts'
import { planOf } from '../conformance/store/fixture.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { KeptDerivation } from '../support/kept-derivation.ts'
import { MoodyTransform } from '../support/moody-transform.ts'
import { sealed } from '../support/one-delivery.ts'
import { framesWith, inWords } from '../support/partition-input.ts'
import { each, recordsIn } from '../support/records-in.ts'

const log = createLog('silent')
const TRANSFORM: Transform = {
  target: { kind: 'http', url: 'http://127.0.0.1/' },
  retries: 3,
  bufferBytes: 1_000_000,
  bufferIntervalMs: 60_000,
}
const DECOMPRESSING: Processing = { decompression: true, cloudWatchLogs: { messagesOnly: true } }

function logs(...messages: readonly string[]): Buffer {
  const logEvents = messages.map((message, id) => ({ id: String(id), timestamp: id, message }))
  return gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents }))
}

/** Clean ones, whose keys are read quickly, and all kinds of others. */
const orders = [
  ...Array.from({ length: 120 }, (_, n) => `{"a":"${n % 7}","n":${n}}{"a":"x${n % 3}"} {"a":${n}}`),
  'not JSON',
  '{"a":null}',
  '{"a":""}',
  '[]',
  '{"a":{"b":1}}',
  '{"a":"/../"}',
  '{"drop":1,"a":"d"}',
  '{"fail":1,"a":"f"}',
]
const framesOfLogs = framesWith([
  ...Array.from({ length: 120 }, (_, n) => logs(`{"a":"${n % 7}"}`, `{"a":"y${n}"}`)),
  'no gzip',
  gzipSync('no logs'),
  gzipSync(JSON.stringify({ messageType: 'CONTROL_MESSAGE', logEvents: [] })),
])

let stagingPath = ''
beforeEach(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-isolated-'))
})
afterEach(async () => {
  const left = await readdir(stagingPath)
  await rm(stagingPath, { recursive: true })
  expect(left).toEqual([])
})

class World {
  readonly metrics = new Metrics()
  readonly processors: Processors
  readonly #input: Omit<ProcessInput, 'frames' | 'careful'>
  readonly #frames: ReturnType<typeof framesWith>

  constructor(
    processing: Processing,
    frames = framesWith(orders),
    careful = isolatedStages({ stagingPath, log }),
  ) {
    const plan = planOf()
    const destination: Plan['destination'] = {
      ...plan.destination,
      prefix: 'orders/a=!{partitionKeyFromQuery:a}/',
      errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      processing,
      partitioning: { query: '{a: .a}', objectBytes: 2_000 },
    }
    const queryLimits = { queryMaxMs: 5_000, queryOutputMaxBytes: 1 << 24 }
    const planned = {
      ...plan,
      destination,
      processorsVersion: PROCESSORS_VERSION,
      maxPartitions: 50,
      queryLimits,
    }
    this.#frames = frames
    this.#input = {
      batch: { ...sealed(frames), plan: planned },
      plan: planned,
      signal: new AbortController().signal,
    }
    this.processors = createProcessors({
      buffer: new KeptDerivation(),
      transform: new MoodyTransform(),
      partition: createPartition({ log }),
      careful,
      log,
      metrics: this.metrics,
      clock: new FakeClock(),
      crash: (point) => this.passed.push(point),
      pieceLimits: { records: 150, bytes: 1 << 30 },
    })
  }
  readonly passed: string[] = []

  /** Of each piece: its records before and after the transform, and where they go. */
  async all(careful: boolean): Promise<unknown[]> {
    const pieces: unknown[] = []
    let piece: PieceStart | undefined
    do {
      const first = piece?.frames ?? 0
      const processed = await this.processors.process({
        ...this.#input,
        ...(piece && { piece }),
        ...(pieces.length > 0 && { batch: { ...this.#input.batch, isDerived: true } }),
        frames: () => each(this.#frames.slice(first)),
        careful,
      })
      const records = await recordsIn(processed.frames())
      const untransformed = await recordsIn(processed.untransformed())
      piece = processed.next?.()
      if (processed.partitions === undefined) throw new Error('there are no partitions')
      pieces.push({ records, untransformed, where: inWords(processed.partitions), next: piece })
      await processed.dispose()
    } while (piece !== undefined)
    return pieces
  }
}

test.each<[string, Processing, ReturnType<typeof framesWith>]>([
  ['de-aggregation', { deaggregation: { kind: 'json' } }, framesWith(orders)],
  ['a transform', { transform: TRANSFORM }, framesWith(orders)],
  [
    'de-aggregation and a transform',
    { deaggregation: { kind: 'json' }, transform: TRANSFORM },
    framesWith(orders),
  ],
  ['decompression and a delimiter', { ...DECOMPRESSING, appendDelimiter: true }, framesOfLogs],
  ['decompression and a transform', { ...DECOMPRESSING, transform: TRANSFORM }, framesOfLogs],
])('%s: a careful batch has the records, places and pieces of another', async (_, processing, frames) => {
  const ordinary = new World(processing, frames)
  const expected = await ordinary.all(false)
  expect(ordinary.passed).toContain('after-partition')
  const careful = new World(processing, frames)
  expect(await careful.all(true)).toEqual(expected)
  expect(careful.passed).not.toContain('after-partition')
  expect(await careful.metrics.exposition()).toEqual(await ordinary.metrics.exposition())
})

test.each<[string, Processing]>([
  ['local processors', { deaggregation: { kind: 'json' } }],
  ['partitioning', { appendDelimiter: true }],
])('%s that kill their process end the attempt, and quarantine the batch', async (_, processing) => {
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-child-'))
  const entry = join(folder, 'child.mjs')
  await writeFile(entry, `process.once('message', () => process.abort())`)
  const world = new World(processing, framesWith(orders), isolatedStages({ stagingPath, log, entry }))
  await expect(world.all(true)).rejects.toMatchObject({
    name: 'EncoderError',
    code: 'ChildDied',
    message: 'process batch 7-00000000deadbeef: its process died: it was killed by SIGABRT',
  })
  await rm(folder, { recursive: true })
})

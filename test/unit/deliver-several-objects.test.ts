/** Thousands of objects of one batch: a few puts at a time, none begun after the first failure or the deadline. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { journaled } from '../../src/deliver/delivered.ts'
import { severalAtATime } from '../../src/deliver/several-at-a-time.ts'
import { DestinationError } from '../../src/domain/errors.ts'
import type { DeliveredObject } from '../../src/domain/outcome.ts'
import { PROCESSORS_VERSION, type Plan } from '../../src/domain/plan.ts'
import { eventually } from '../support/eventually.ts'
import { oneDelivery, type OneDeliveryOptions } from '../support/one-delivery.ts'
import { partEncoder, processedBatch } from '../support/processed-batch.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-several-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('all are done, answered in order, and never more at a time than asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(5), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (turns, most) => {
        let [running, peak] = [0, 0]
        const answers = await severalAtATime([...turns.entries()], most, async ([index, waits]) => {
          running += 1
          peak = Math.max(peak, running)
          for (let turn = 0; turn < waits; turn += 1) await Promise.resolve()
          running -= 1
          return index
        })
        expect(answers).toEqual([...turns.keys()])
        expect(peak).toBeLessThanOrEqual(most)
      },
    ),
  )
})

test('the first failure keeps the rest from being begun, and what runs is waited for', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const release: (() => void)[] = []
  const all = severalAtATime([0, 1, 2, 3, 4], 3, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('the first')
    await new Promise<void>((resolve) => release.push(resolve))
    ended.push(item)
    if (item === 2) throw new Error('another')
  })
  let isOver = false
  const over = all.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  await Promise.resolve()
  expect([begun, isOver]).toEqual([[0, 1, 2], false])
  for (const go of release) go()
  await expect(all).rejects.toThrow('the first')
  await over
  expect([begun, ended]).toEqual([
    [0, 1, 2],
    [0, 2],
  ])
})

const PARTITIONS = 300
const plan: Plan = {
  version: 1,
  destination: {
    bucket: 'lake',
    prefix: 'a=!{partitionKeyFromQuery:a}/b=!{partitionKeyFromQuery:b}/',
    errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
    compression: 'UNCOMPRESSED',
    partitioning: { query: '{a: .a, b: .b}', objectBytes: 1_000_000 },
  },
  engine: 'js',
  engineVersion: '1',
  processorsVersion: PROCESSORS_VERSION,
}

function delivery(options: Partial<OneDeliveryOptions>) {
  const sources = Array.from({ length: PARTITIONS }, (_, partition) => [{ fate: 'row' as const, partition }])
  const { frames, processors } = processedBatch({ sources, frameSizes: [50], partitioned: true, kept: false })
  return oneDelivery({ frames, processors, encoder: partEncoder, plan, stagingPath: folder, ...options })
}

test('G2: after a put that failed among many, the next attempt puts the same objects', async () => {
  let puts = 0
  const run = delivery({
    refuse: () =>
      (puts += 1) === 100
        ? new DestinationError('put: SlowDown', { code: 'SlowDown', retryable: true })
        : undefined,
  })
  expect((await run.attempt()).kind).toBe('retry')
  const first = run.puts.map(({ key }) => key)
  expect(first.length).toBeLessThan(110)
  expect((await run.attempt()).kind).toBe('finished')
  const all = run.puts.slice(first.length).map(({ key }) => key)
  expect(new Set(all).size).toBe(PARTITIONS)
  expect(all).toEqual(expect.arrayContaining(first))
  expect(run.outcome?.objects.map(({ key }) => key)).toHaveLength(PARTITIONS)
})

test('while objects are named, other work of the process gets its turn', async () => {
  let turns = 0
  const count = (): void => {
    turns += 1
    pending = setImmediate(count)
  }
  let pending: NodeJS.Immediate | undefined
  let turnsBefore: number | undefined
  const run = delivery({
    crash: (point) => {
      if (point === 'after-encode') pending = setImmediate(count)
    },
    refuse: () => {
      turnsBefore ??= turns
      return undefined
    },
  })
  expect((await run.attempt()).kind).toBe('finished')
  clearImmediate(pending)
  expect(turnsBefore).toBeGreaterThanOrEqual(2)
})

test('puts that hang are given up at the deadline, and none is begun after it', async () => {
  let begun = 0
  const run = delivery({ hangs: () => (begun += 1) > 20 })
  const attempt = run.attempt()
  await eventually(() => expect(begun).toBe(28))
  await run.clock.advance(60_000)
  expect((await attempt).kind).toBe('retry')
  expect(begun).toBe(28)
  expect(run.puts).toHaveLength(20)
})

test('an entry of the journal keeps all objects of errors and of the backup, and as many of the data as it has room for', () => {
  const object = (kind: DeliveredObject['kind'], index: number): DeliveredObject => ({
    bucket: 'lake',
    key: `orders/customer=${index}/`.padEnd(220, 'k'),
    bytes: 1,
    rows: 1,
    kind,
  })
  const data = Array.from({ length: 10_000 }, (_, index) => object('data', index))
  const [backup, error] = [object('backup', 0), object('error', 0)]
  const outcome = { delivered: 1, failed: 0, dropped: 0, rows: 1, errors: {} }
  const few = { ...outcome, objects: [backup, ...data.slice(0, 1_500), error] }
  expect(journaled(few)).toBe(few)
  const entry = journaled({ ...outcome, objects: [backup, ...data, error] })
  expect([entry.objects.at(0), entry.objects.at(-1)]).toEqual([backup, error])
  expect(entry.objects.slice(1, -1)).toEqual(data.slice(0, entry.objects.length - 2))
  expect(entry.objects.length + (entry.objectsLeftOut ?? 0)).toBe(10_002)
  const bytes = JSON.stringify(entry).length
  expect(bytes).toBeLessThan(513 * 1024)
  expect(bytes).toBeGreaterThan(500 * 1024)
})

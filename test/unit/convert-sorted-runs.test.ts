/** Entries that are sorted in runs and merged, and failed records, which are read back in the order of the batch. */
import { mkdtemp, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FailureSpool } from '../../src/convert/failure-spool.ts'
import {
  ENTRY_HEADER_BYTES,
  SortedRuns,
  sortedEntries,
  type RunsFile,
} from '../../src/convert/sorted-runs.ts'

let folder: string
let files = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-runs-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

const newPath = (): string => join(folder, String(files++))

interface Written {
  readonly key: number
  readonly body: string
}

async function written(entries: readonly Written[]): Promise<RunsFile> {
  const runs = new SortedRuns(newPath())
  try {
    for (const { key, body } of entries) {
      const entry = Buffer.alloc(ENTRY_HEADER_BYTES + Buffer.byteLength(body))
      entry.write(body, ENTRY_HEADER_BYTES)
      await runs.add(key, entry)
    }
  } finally {
    await runs.close()
  }
  return runs.file
}

async function read(file: RunsFile): Promise<Written[]> {
  const found: Written[] = []
  for await (const { key, body } of sortedEntries(file)) found.push({ key, body: body.toString() })
  return found
}

const byKey = (a: Written, b: Written): number => a.key - b.key

test('entries come in the order of their keys, those of one key as they were written', async () => {
  const key = fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 0xffff_ffff }))
  const body = fc.oneof(
    { arbitrary: fc.string({ maxLength: 5 }), weight: 9 },
    fc.constant('x'.repeat(300_000)),
  )
  const entries = fc.array(fc.record({ key, body }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(entries, async (all) => {
      const file = await written(all)
      expect(await read(file)).toEqual(all.toSorted(byKey))
      expect(await read(file)).toEqual(all.toSorted(byKey))
    }),
    { numRuns: 100 },
  )
})

test('a thousand runs are merged', async () => {
  const all = Array.from({ length: 30_000 }, (_, n) => ({
    key: ((n % 25) << 4) + (n % 16),
    body: `entry ${n}`,
  }))
  const file = await written(all)
  expect(file.runs.length).toBeGreaterThan(1000)
  expect(await read(file)).toEqual(all.toSorted(byKey))
})

test('nothing written is nothing read, and no file', async () => {
  const file = await written([])
  expect(await read(file)).toEqual([])
  await expect(stat(file.path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a file that was cut off is an error of the encoder, not a wrong answer', async () => {
  const file = await written(Array.from({ length: 100 }, (_, n) => ({ key: n, body: 'x'.repeat(10_000) })))
  await truncate(file.path, file.length - 1)
  await expect(read(file)).rejects.toMatchObject({ name: 'EncoderError', code: 'StagingCorrupt' })
})

test('failed records come in the order of the batch, whatever the order of conversion, in runs of some thousands', async () => {
  const spool = new FailureSpool(newPath())
  const records = 50_000
  for (let n = 0; n < records; n += 1) {
    const ordinal = (n * 7919) % records
    const rawData = Buffer.from(`record ${ordinal}`)
    await spool.add({
      ordinal,
      arrivalMs: ordinal + 0.5,
      code: `code ${ordinal % 3}`,
      message: 'größe',
      rawData,
    })
    rawData.fill(0)
  }
  await spool.close()
  let expected = 0
  for await (const { ordinal, arrivalMs, code, message, rawData } of spool.entries()) {
    const isRight =
      ordinal === expected &&
      arrivalMs === ordinal + 0.5 &&
      code === `code ${ordinal % 3}` &&
      message === 'größe' &&
      Buffer.from(rawData).toString() === `record ${ordinal}`
    if (!isRight) expect([ordinal, arrivalMs, code, message]).toEqual(expected)
    expected += 1
  }
  expect(expected).toBe(records)
  expect(spool.file.runs.length).toBeGreaterThan(1)
  expect(Object.values(spool.errors).reduce((sum, count) => sum + count, 0)).toBe(records)
})

test('failed records that come in order are one run', async () => {
  const spool = new FailureSpool(newPath())
  const rawData = Buffer.alloc(100)
  for (let ordinal = 0; ordinal < 40_000; ordinal += 1)
    await spool.add({ ordinal, arrivalMs: 0, code: 'c', message: 'm', rawData })
  await spool.close()
  expect(spool.file.runs).toEqual([0])
})

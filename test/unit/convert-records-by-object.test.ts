/** The order in which encoders take the records of a batch: object by object, each in the order of the batch. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eachMetadata } from '../../src/convert/metadata-columns.ts'
import { recordsByObject } from '../../src/convert/records-by-object.ts'
import { StagingFile, stagingError } from '../../src/convert/staging.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { RecordMetadata } from '../../src/domain/record-metadata.ts'
import { inputOf, type Batch } from '../conformance/encoder/encoding.ts'
import { frameSources } from '../conformance/encoder/generated-sources.ts'

let folder: string
let files = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-objects-'))
})

afterEach(async () => {
  vi.restoreAllMocks()
  // Whatever happened, nothing stays.
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})

type Records = Omit<Batch, 'columns'>

interface Taken {
  readonly object: number
  readonly ordinal: number
  readonly arrivalMs: number
  readonly bytes: string
  readonly origin: unknown
}

/** What is compared of a record's metadata. */
const originOf = (
  shardId: string,
  { arrivalMs, sequenceNumber, subSequenceNumber, partitionKey }: RecordMetadata,
) => [shardId, arrivalMs, sequenceNumber, subSequenceNumber, partitionKey] as const

const originsOf = (frame: Frame): Iterator<unknown, undefined> =>
  eachMetadata<unknown>(frame, (record, shardId) => originOf(shardId, record), undefined)

async function taken(batch: Records, objects: readonly number[], withMetadata = false): Promise<Taken[]> {
  const input = { ...inputOf({ columns: [], ...batch }), objectOf: Uint32Array.from(objects) }
  const records = await recordsByObject(input, { path: () => join(folder, String(files++)), withMetadata })
  const all: Taken[] = []
  try {
    for await (const object of records.objects()) {
      const before = all.length
      let bytes = 0
      for await (const frame of object.frames()) {
        const origins = originsOf(frame)
        for (const record of frame.recordViews()) {
          const { ordinal, arrivalMs } = records.source(all.length, frame.arrivalMs)
          const origin: unknown = origins.next().value
          all.push({ object: object.index, ordinal, arrivalMs, bytes: record.toString('latin1'), origin })
          bytes += record.length
        }
      }
      if (!object.isWhole) expect([object.records, object.bytes]).toEqual([all.length - before, bytes])
    }
  } finally {
    await records.dispose()
    await records.dispose()
  }
  return all
}

async function expected(batch: Records, objects: readonly number[], withMetadata = false): Promise<Taken[]> {
  const all: Taken[] = []
  for await (const frame of inputOf({ columns: [], ...batch }).frames()) {
    const origins = originsOf(frame)
    for (const record of frame.recordViews()) {
      const origin: unknown = origins.next().value
      all.push({
        object: objects[all.length] ?? -1,
        ordinal: all.length,
        arrivalMs: frame.arrivalMs,
        bytes: record.toString('latin1'),
        origin: withMetadata ? origin : undefined,
      })
    }
  }
  return all.toSorted((a, b) => a.object - b.object)
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `record ${n}`)

test('any records of any objects: ordered by object, then as they came, with their bytes and their origin', async () => {
  const record = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes))
  const batches = fc.array(fc.tuple(record, fc.oneof(fc.nat(3), fc.nat(2000))), {
    minLength: 1,
    maxLength: 60,
  })
  await fc.assert(
    fc.asyncProperty(
      batches,
      fc.integer({ min: 1, max: 9 }),
      frameSources,
      fc.boolean(),
      async (all, ...rest) => {
        const [recordsPerFrame, sources, withMetadata] = rest
        const objects = all.map(([, object]) => object)
        fc.pre(new Set(objects).size > 1)
        const batch = { records: all.map(([bytes]) => bytes), recordsPerFrame, sources }
        expect(await taken(batch, objects, withMetadata)).toEqual(
          await expected(batch, objects, withMetadata),
        )
      },
    ),
    { numRuns: 60 },
  )
})

test('records of one object are read from the batch, and nothing is staged', async () => {
  const batch = { records: numbered(1000), recordsPerFrame: 7 }
  const objects = Array.from({ length: 1000 }, () => 4)
  const create = vi.spyOn(StagingFile, 'create')
  expect(await taken(batch, objects)).toEqual(await expected(batch, objects))
  expect(create).not.toHaveBeenCalled()
})

test('10,000 objects of four records', async () => {
  const batch = { records: numbered(40_000) }
  const objects = batch.records.map((_, n) => (n * 7919) % 10_000)
  expect(await taken(batch, objects)).toEqual(await expected(batch, objects))
})

test('objects of one record each, in the opposite order', async () => {
  const batch = { records: numbered(5000), recordsPerFrame: 1 }
  const objects = batch.records.map((_, n) => 4999 - n)
  expect(await taken(batch, objects)).toEqual(await expected(batch, objects))
})

test('more records than are sorted at a time, one object among them with nearly all, and records larger than a frame', async () => {
  const sizes = [10, 100_000, 40_000, 1_023_998, 3_000_000]
  const records = Array.from({ length: 400 }, (_, n) =>
    Buffer.alloc(n % 97 === 0 ? (sizes[n % 5] ?? 0) : (sizes[n % 3] ?? 0), n % 251),
  )
  const objects = records.map((_, n) => (n % 11 === 0 ? n % 7 : 3))
  const batch = { records, recordsPerFrame: 5 }
  expect(records.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(18_000_000)
  for (const withMetadata of [false, true])
    expect(await taken(batch, objects, withMetadata)).toEqual(await expected(batch, objects, withMetadata))
})

test('a frame larger than is sorted at a time', async () => {
  const batch = { records: Array.from({ length: 30 }, (_, n) => Buffer.alloc(1_000_000, n)) }
  const objects = batch.records.map((_, n) => n % 2)
  expect(await taken(batch, objects)).toEqual(await expected(batch, objects))
})

test('frames with an odd record stay marked, others do not become so', async () => {
  const batch = { records: ['a', 'b', 'two\nlines', 'c', 'd', 'e'], recordsPerFrame: 3 }
  const input = { ...inputOf({ columns: [], ...batch }), objectOf: Uint32Array.of(0, 1, 1, 2, 2, 0) }
  const records = await recordsByObject(input, { path: () => join(folder, 'odd'), withMetadata: false })
  const odd: [number, boolean][] = []
  for await (const object of records.objects())
    for await (const { isOdd } of object.frames()) odd.push([object.index, isOdd])
  await records.dispose()
  expect(odd).toEqual([[0, true], [1, true], [2, false]]) // prettier-ignore
})

test('an abort in the middle rejects with its reason', async () => {
  const abort = new AbortController()
  const input = inputOf({ columns: [], records: numbered(1000), recordsPerFrame: 10, signal: abort.signal })
  const frames = async function* (): AsyncGenerator<Frame> {
    let count = 0
    for await (const frame of input.frames()) {
      if ((count += 1) === 50) abort.abort(new Error('stopped'))
      yield frame
    }
  }
  const objectOf = Uint32Array.from({ length: 1000 }, (_, n) => n % 3)
  const options = { path: () => join(folder, 'aborted'), withMetadata: false }
  await expect(recordsByObject({ ...input, frames, objectOf }, options)).rejects.toThrow('stopped')
})

test('a staging disk that is full is an error of the encoder', async () => {
  const full = stagingError('write records', new Error('ENOSPC: no space left on device, write'))
  vi.spyOn(StagingFile.prototype, 'flush').mockRejectedValue(full)
  await expect(
    taken(
      { records: numbered(1000) },
      numbered(1000).map((_, n) => n % 3),
    ),
  ).rejects.toMatchObject({
    name: 'EncoderError',
    code: 'DiskFull',
  })
})

test('another number of records than have an object is a defect', async () => {
  for (const count of [99, 101]) {
    const objects = Array.from({ length: count }, (_, n) => n % 3)
    await expect(taken({ records: numbered(100) }, objects)).rejects.toThrow(/^sort records: /)
  }
})

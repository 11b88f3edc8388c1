/**
 * What an engine owes the Encoder port when each record has an object: the rows of each are those of a batch of its records
 * alone, and the failures are those of the batch without objects.
 */
import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame } from '../../../src/domain/frame.ts'
import type { EncodeInput, FailedRecord } from '../../../src/domain/ports.ts'
import {
  columnsOf,
  inputOf,
  outcomeOf,
  readParquet,
  type Batch,
  type Cell,
  type FrameSource,
} from './encoding.ts'
import type { Engine } from './ending-suite.ts'
import { forgetFrames } from './forgotten-frames.ts'
import { generatedBatch } from './generated-records.ts'

interface Objects {
  /** Rows by index, in the order of the objects. */
  readonly rows: readonly (readonly [object: number, rows: readonly (readonly Cell[])[]])[]
  readonly failures: readonly FailedRecord[]
  readonly errors: Readonly<Record<string, number>>
}

const withObjects = (batch: Batch, objectOf: readonly number[]): EncodeInput => ({
  ...inputOf(batch),
  objectOf: Uint32Array.from(objectOf),
})

async function objectsOf({ encoder }: Engine, batch: Batch, objectOf: readonly number[]): Promise<Objects> {
  const encoded = await encoder.encode(withObjects(batch, objectOf))
  try {
    const rows: [number, readonly (readonly Cell[])[]][] = []
    for (const { part, body, rows: count, extension } of encoded.objects) {
      const read = await readParquet(body.path ?? '', columnsOf(batch))
      expect([read.length, extension]).toEqual([count, '.parquet'])
      rows.push([part, read])
    }
    expect(encoded.rows).toBe(rows.reduce((sum, [, { length }]) => sum + length, 0))
    expect(encoded.dropped).toBe(0)
    const failures: FailedRecord[] = []
    for await (const failed of encoded.failures())
      failures.push({ ...failed, rawData: Buffer.from(failed.rawData) })
    return { rows, failures, errors: encoded.errors }
  } finally {
    await encoded.dispose()
  }
}

async function digestsOf({ encoder }: Engine, batch: Batch, objectOf: readonly number[]): Promise<string[]> {
  const encoded = await encoder.encode(withObjects(batch, objectOf))
  const digests: string[] = []
  for (const { body } of encoded.objects)
    digests.push(
      createHash('sha256')
        .update(await readFile(body.path ?? ''))
        .digest('hex'),
    )
  await encoded.dispose()
  return digests
}

/** Where a record of the batch came from, as a frame of its own. */
function sourceOfRecord(
  { sources = [], recordsPerFrame = 500 }: Batch,
  ordinal: number,
): FrameSource | undefined {
  const source = sources[Math.floor(ordinal / recordsPerFrame) % sources.length]
  const metadata = source?.records[(ordinal % recordsPerFrame) % source.records.length]
  return source === undefined || metadata === undefined ? undefined : { ...source, records: [metadata] }
}

/** The records of one object as a batch of their own. */
function batchOf(batch: Batch, objectOf: readonly number[], wanted: number): Batch {
  const ordinals = objectOf.flatMap((object, ordinal) => (object === wanted ? [ordinal] : []))
  return {
    ...batch,
    records: ordinals.map((ordinal) => batch.records[ordinal] ?? ''),
    recordsPerFrame: 1,
    sources: ordinals.map((ordinal) => sourceOfRecord(batch, ordinal)),
  }
}

/** Encodes each object's records alone, and the failures of all together. */
async function expectedOf({ encoder }: Engine, batch: Batch, objectOf: readonly number[]): Promise<Objects> {
  const rows: [number, readonly (readonly Cell[])[]][] = []
  for (const object of [...new Set(objectOf)].toSorted((a, b) => a - b)) {
    const alone = await outcomeOf(encoder, batchOf(batch, objectOf, object))
    if (alone.rows.length > 0) rows.push([object, alone.rows])
  }
  const { failures, errors } = await outcomeOf(encoder, batch)
  return { rows, failures, errors }
}

const columns = [['n', 'int'], ['a', 'string']] as const // prettier-ignore

/** Good records, and between them some of each kind that goes a way of its own. */
function mixed(count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    if (n % 13 === 0) return `{"n":"bad ${n}"}`
    if (n % 17 === 0) return `{"n":${n}}{"n":${n},"a":"second"}`
    if (n % 19 === 0) return `{"N":${n},"A":"folded"}\n`
    if (n % 23 === 0) return '{}'
    return `{"n":${n},"a":"row"}`
  })
}

export function objectsSuite(engine: Engine): void {
  forgetFrames()

  test(
    'any records in any objects: rows of each alone, failures of the batch',
    { timeout: 300_000 },
    async () => {
      const objects = fc.array(fc.oneof(fc.nat(4), fc.constantFrom(9, 70_000)), {
        minLength: 1,
        maxLength: 40,
      })
      const property = fc.asyncProperty(generatedBatch(40), objects, async (batch, some) => {
        const objectOf = batch.records.map((_, n) => some[n % some.length] ?? 0)
        const expected = await expectedOf(engine, { ...batch, careful: false }, objectOf)
        expect(await objectsOf(engine, batch, objectOf)).toEqual(expected)
      })
      await fc.assert(property, { numRuns: 25 })
    },
  )

  test.each([false, true])('a few rows or many set aside, careful: %s', async (careful) => {
    const batch: Batch = { columns, records: mixed(6000), recordsPerFrame: 77, careful }
    for (const objects of [2, 40]) {
      const objectOf = batch.records.map((_, n) => (n * n) % objects)
      const expected = await expectedOf(engine, { ...batch, careful: false }, objectOf)
      expect(await objectsOf(engine, batch, objectOf)).toEqual(expected)
    }
  })

  test('rows set aside in large objects, here and there', async () => {
    const records = Array.from({ length: 30_000 }, (_, n) =>
      n % 3001 === 0 ? `{"n":${n}}{"n":${n},"a":"second"}` : `{"n":${n},"a":"row"}`,
    )
    const objectOf = records.map((_, n) => (n < 25_000 ? n % 2 : n % 5))
    const expected = await expectedOf(engine, { columns, records }, objectOf)
    expect(await objectsOf(engine, { columns, records }, objectOf)).toEqual(expected)
  })

  test('an object of which every record fails is left out, and the others keep their indices', async () => {
    const records = ['{"n":1}', '{"n":"x"}', '{"n":2}', '', '{"n":3}{"n":4}', '[]']
    const { rows, failures } = await objectsOf(engine, { columns, records }, [7, 3, 0, 3, 7, 0])
    expect(rows).toEqual([[0, [['2', null]]], [7, [['1', null], ['3', null], ['4', null]]]]) // prettier-ignore
    expect(failures.map(({ ordinal }) => ordinal)).toEqual([1, 3, 5])
    const none = await objectsOf(engine, { columns, records: ['', '[]', '{'] }, [2, 1, 2])
    expect([none.rows, none.failures.length]).toEqual([[], 3])
  })

  test('all records in one object are the batch, under that index', async () => {
    const batch: Batch = { columns, records: mixed(1000) }
    const { rows, failures } = await outcomeOf(engine.encoder, batch)
    const alone = await objectsOf(engine, batch, batch.records.map(() => 5)) // prettier-ignore
    expect([alone.rows, alone.failures]).toEqual([[[5, rows]], failures])
  })

  test('an object for each record, and one with nearly all', async () => {
    const batch: Batch = { columns, records: mixed(300), recordsPerFrame: 9 }
    for (const objectOf of [
      batch.records.map((_, n) => 299 - n),
      batch.records.map((_, n) => (n === 150 ? 0 : 1)),
    ]) {
      const { rows, failures } = await objectsOf(engine, batch, objectOf)
      const whole = await outcomeOf(engine.encoder, batch)
      expect(failures).toEqual(whole.failures)
      expect(rows.map(([object]) => object)).toEqual(rows.map(([object]) => object).toSorted((a, b) => a - b))
      const numbers = (all: readonly (readonly Cell[])[]): string[] => all.map(String).toSorted()
      expect(numbers(rows.flatMap(([, read]) => read))).toEqual(numbers(whole.rows))
    }
  })

  test('the same objects come again, byte for byte', async () => {
    const batch: Batch = { columns, records: mixed(5000) }
    const objectOf = batch.records.map((_, n) => (n * 7919) % 11)
    const first = await objectsOf(engine, batch, objectOf)
    expect(await digestsOf(engine, batch, objectOf)).toEqual(await digestsOf(engine, batch, objectOf))
    expect(await objectsOf(engine, { ...batch, recordsPerFrame: 61 }, objectOf)).toMatchObject({
      rows: first.rows,
    })
  })

  endings(engine)
}

function endings(engine: Engine): void {
  const records = mixed(5000)
  const objectOf = records.map((_, n) => n % 50)
  const stagedFiles = async (): Promise<string[]> =>
    (await readdir(engine.stagingPath, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !/duckdb|[.]tmp/.test(entry.name))
      .map(({ name }) => name)

  test('many objects: nothing but objects and failures is staged afterwards, and dispose removes these', async () => {
    const encoded = await engine.encoder.encode(withObjects({ columns, records }, objectOf))
    expect((await stagedFiles()).length).toBe(50 + 1)
    await encoded.dispose()
    expect(await stagedFiles()).toEqual([])
  })

  test.each([false, true])(
    'many objects: an abort or a failed read leaves no files, careful: %s',
    async (careful) => {
      for (const at of [1, 30, 49]) {
        const abort = new AbortController()
        const input = withObjects(
          { columns, records, recordsPerFrame: 100, careful, signal: abort.signal },
          objectOf,
        )
        const framesUntil = (end: () => void) =>
          async function* frames(): AsyncGenerator<Frame> {
            let count = 0
            for await (const frame of input.frames()) {
              yield frame
              if ((count += 1) === at) end()
            }
          }
        const lost = framesUntil(() => {
          throw new Error('the store is gone')
        })
        await expect(engine.encoder.encode({ ...input, frames: lost })).rejects.toThrow('the store is gone')
        const stopped = framesUntil(() => abort.abort(new Error('stopped')))
        await expect(engine.encoder.encode({ ...input, frames: stopped })).rejects.toThrow('stopped')
        expect(await stagedFiles()).toEqual([])
      }
    },
  )
}

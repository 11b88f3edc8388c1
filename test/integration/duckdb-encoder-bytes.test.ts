/**
 * The native engine's objects are a function of the batch and its plan, whatever threads and memory it has: the same byte for
 * byte. Defends G2.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openDuckdbEncoder } from '../../src/convert/duckdb-encoder.ts'
import type { EncodeInput } from '../../src/domain/ports.ts'
import { inputOf, type Batch } from '../conformance/encoder/encoding.ts'
import { allMetadata, sourceOf } from '../conformance/encoder/metadata-sources.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-bytes-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** What an encoder of its own makes of a batch: of each object its rows a row group, and its bytes. */
async function objectsOf(
  input: EncodeInput,
  { threads, memoryMib }: { readonly threads: number; readonly memoryMib: number },
): Promise<readonly { readonly rows: readonly number[]; readonly digest: string }[]> {
  const encoder = await openDuckdbEncoder({
    stagingPath: folder,
    threads,
    memoryLimitBytes: memoryMib << 20,
    log: createLog('silent'),
  })
  try {
    const encoded = await encoder.encode(input)
    const objects: { rows: number[]; digest: string }[] = []
    for (const { body } of encoded.objects) {
      const bytes = await readFile(body.path ?? '')
      const { row_groups: groups } = parquetMetadata(new Uint8Array(bytes).buffer)
      objects.push({
        rows: groups.map((group) => Number(group.num_rows)),
        digest: createHash('sha256').update(bytes).digest('hex'),
      })
    }
    await encoded.dispose()
    return objects
  } finally {
    await encoder.close()
  }
}

/** Of rows so wide that a row group has 73,728 of them, which DuckDB's tables have nothing to do with. */
const wide = Array.from({ length: 24 }, (_, index) => [`unused_${index}`, 'double'] as const)
const narrow = [
  ['order_id', 'string'],
  ['amount', 'double'],
  ['quantity', 'int'],
  ['at', 'timestamp'],
] as const

type MakeRecord = (n: number, order: string) => string

const goodRecord: MakeRecord = (_, order) => order

const kinds: Readonly<Record<string, MakeRecord>> = {
  'of good records': goodRecord,
  'with bad records': (n, order) => (n % 100 === 7 ? `{"order_id":"o-${n}","amount":"abc"}` : order),
  'with a bad record now and then': (n, order) => (n % 30_011 === 7 ? '{"amount":"abc"}' : order),
  'with records of two documents': (n, order) => (n % 100 === 13 ? `${order}${order}` : order),
  'with records of nulls': (n, order) => (n % 100 === 17 ? '{}' : order),
  'with a record of nulls now and then': (n, order) => (n % 30_011 === 17 ? `{}${order}\n{}` : order),
  'with all of these': (n, order) => {
    if (n % 100 === 7) return `{"order_id":"o-${n}","amount":"abc"}`
    if (n % 100 === 13) return `{"Order_Id":"o-${n}"}{"order_id":"o-${n}b","quantity":2.50e1}`
    return n % 1000 === 17 ? '{}' : order
  },
}

function batchOf(make: MakeRecord = goodRecord, also: Partial<Batch> = {}): Batch {
  const records = Array.from({ length: 150_000 }, (_, n) =>
    make(
      n,
      `{"order_id":"o-${n}-${(n * 7919) % 1000}","amount":${n / 8},"quantity":${n % 50},"at":"2026-11-02T09:15:${String(n % 60).padStart(2, '0')}.5Z"}`,
    ),
  )
  return { columns: narrow, records, ...also }
}

const threadsAndMemory = [
  { threads: 1, memoryMib: 256 },
  { threads: 2, memoryMib: 256 },
  { threads: 4, memoryMib: 256 },
  { threads: 4, memoryMib: 1024 },
]

async function expectSameBytes(input: EncodeInput, objects: number): Promise<void> {
  const all = []
  for (const options of threadsAndMemory) all.push(await objectsOf(input, options))
  const [one, ...rest] = all
  expect(one?.length).toBe(objects)
  for (const other of rest) expect(other).toEqual(one)
}

const shapes: Readonly<Record<string, Partial<Batch>>> = {
  'of a few columns': {},
  'of many columns': { columns: [...narrow, ...wide] },
  'with metadata columns': { metadataColumns: allMetadata, sources: [sourceOf(1, 500), undefined] },
  'by the exact path': { careful: true },
  'of many columns by the exact path': { columns: [...narrow, ...wide], careful: true },
}

/** Whatever the records are, the exact path makes a file of plain values of them. */
const mixed = ['with all of these']
const few = ['of good records', 'with bad records', ...mixed]
const cases = (
  [
    ['of a few columns', Object.keys(kinds)],
    ['of many columns', few],
    ['with metadata columns', few],
    ['by the exact path', mixed],
    ['of many columns by the exact path', mixed],
  ] as const
).flatMap(([shape, ofKinds]) => ofKinds.map((kind) => [kind, shape] as const))

test.each(cases)(
  'an object %s, %s, is the same byte for byte at any number of threads',
  { timeout: 180_000 },
  async (kind, shape) => {
    await expectSameBytes(inputOf(batchOf(kinds[kind], shapes[shape])), 1)
  },
)

test.each(few)(
  'objects of partitions %s are the same byte for byte at any number of threads',
  { timeout: 180_000 },
  async (kind) => {
    const input = inputOf(batchOf(kinds[kind], { columns: [...narrow, ...wide] }))
    // One of most records, some of a few.
    const objectOf = Uint32Array.from({ length: 150_000 }, (_, n) => (n % 3 === 0 ? 1 + ((n / 3) % 7) : 0))
    await expectSameBytes({ ...input, objectOf }, 8)
  },
)

/**
 * The native engine with many objects: several row groups in each, memory that runs out, a disk that is full, what it leaves
 * behind. That rows and verdicts are right is the conformance suite's subject. Defends G2, G4 and G5.
 */
import { mkdtemp, open as openFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBConnection } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openDuckdbEncoder, type DuckdbEncoder } from '../../src/convert/duckdb-encoder.ts'
import type { EncodeInput } from '../../src/domain/ports.ts'
import {
  columnsOf,
  inputOf,
  outcomeOf,
  readParquet,
  type Batch,
  type Cell,
} from '../conformance/encoder/encoding.ts'

const MIB = 1 << 20
let folder: string
let encoder: DuckdbEncoder
const warnings: unknown[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-duckdb-objects-'))
})

afterEach(async () => {
  await encoder.close()
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})

async function open(memoryMib = 256): Promise<void> {
  warnings.length = 0
  const log = createLog('silent')
  log.warn = (_fields: unknown, message?: unknown) => void warnings.push(message)
  encoder = await openDuckdbEncoder({
    stagingPath: folder,
    threads: 2,
    memoryLimitBytes: memoryMib * MIB,
    log,
  })
}

/** Files of conversions now in the staging folders. */
async function staged(): Promise<string[]> {
  const files = await readdir(folder, { recursive: true })
  return files.filter((file) => /[/\\]\d+[/\\]/.test(file) && !file.includes('spill'))
}

/** Every tenth record fails, every seventh has two rows; the text makes them as long as is asked for. */
function orders(count: number, textBytes: number): Batch {
  const text = 'x'.repeat(textBytes)
  const records = Array.from({ length: count }, (_, n) => {
    if (n % 10 === 3) return `{"n":"bad","a":"${text}"}`
    return n % 7 === 0 ? `{"n":${n},"a":"${text}"}{"n":${n}}` : `{"n":${n},"a":"${text}"}`
  })
  return { columns: [['n', 'int'], ['a', 'string']], records } // prettier-ignore
}

function withObjects(batch: Batch, objects: number): EncodeInput {
  const objectOf = Uint32Array.from(batch.records, (_, n) => (n * 7919) % objects)
  return { ...inputOf(batch), objectOf }
}

/** The column n of each object. */
async function numbersOf(input: EncodeInput, batch: Batch): Promise<Map<number, Cell[]>> {
  const encoded = await encoder.encode(input)
  const numbers = new Map<number, Cell[]>()
  for (const { part, body } of encoded.objects) {
    const rows = await readParquet(body.path ?? '', columnsOf({ ...batch, columns: [['n', 'int']] }))
    numbers.set(
      part,
      rows.map(([n]) => n ?? null),
    )
  }
  const failed: number[] = []
  for await (const { ordinal, rawData } of encoded.failures()) {
    expect(Buffer.from(rawData).equals(Buffer.from(batch.records[ordinal] ?? ''))).toBe(true)
    failed.push(ordinal)
  }
  expect(failed).toEqual(batch.records.flatMap((_, n) => (n % 10 === 3 ? [n] : [])))
  await encoded.dispose()
  return numbers
}

/** Of the objects that have rows. */
function expectedNumbers({ records }: Batch, { objectOf }: EncodeInput): Map<number, Cell[]> {
  const numbers = new Map<number, Cell[]>()
  for (const [n] of records.entries()) {
    if (n % 10 === 3) continue
    const object = objectOf?.[n] ?? 0
    const rows = numbers.get(object) ?? []
    numbers.set(object, rows)
    rows.push(...(n % 7 === 0 ? [String(n), String(n)] : [String(n)]))
  }
  return new Map([...numbers].toSorted(([a], [b]) => a - b))
}

test('G4: objects of several row groups, of which one has nearly all records, quickly and carefully', async () => {
  await open()
  // 75 MB, of which a row group takes 32 MiB.
  const batch = orders(25_000, 3000)
  const even = withObjects(batch, 2)
  expect(await numbersOf(even, batch)).toEqual(expectedNumbers(batch, even))
  expect(await numbersOf({ ...even, careful: true }, batch)).toEqual(expectedNumbers(batch, even))
  const objectOf = Uint32Array.from(batch.records, (_, n) => (n % 20 === 0 ? 0 : n % 10 === 0 ? 2 : 1))
  const uneven = { ...even, objectOf }
  expect(await numbersOf(uneven, batch)).toEqual(expectedNumbers(batch, uneven))
  expect(warnings).toEqual([])
}, 300_000) // prettier-ignore

test.each([
  ['of one layout', (record: string) => record],
  ['of which most must be judged', (record: string, n: number) => record.replace('{', `{"k${n % 2000}":1,`)],
])('G4: small objects are read together, %s, and some have no rows', async (_, change) => {
  await open()
  const batch = orders(9000, 20)
  const changed = { ...batch, records: batch.records.map((record, n) => change(String(record), n)) }
  const input = { ...inputOf(changed), objectOf: Uint32Array.from(batch.records, (_record, n) => n % 300) }
  const expected = expectedNumbers(changed, input)
  expect(expected.size).toBe(270)
  expect(await numbersOf(input, changed)).toEqual(expected)
  expect(warnings).toEqual([])
})

test('a thousand objects: no file stays open, and only objects and failures stay', async () => {
  await open()
  const batch = orders(5000, 20)
  const before = (await readdir('/proc/self/fd')).length
  const input = withObjects(batch, 1000)
  const encoded = await encoder.encode(input)
  expect(encoded.objects.map(({ part }) => part)).toEqual([...expectedNumbers(batch, input).keys()])
  expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before + 5)
  expect((await staged()).length).toBe(encoded.objects.length + 1)
  await encoded.dispose()
  expect(await staged()).toEqual([])
})

test('too little memory is a repeat with less, object by object', async () => {
  await open(64)
  const wide = Array.from({ length: 128 }, (_, n) => [`c${n}`, n % 2 === 0 ? 'bigint' : 'double'] as const)
  const record = JSON.stringify(Object.fromEntries(wide.map(([name], n) => [name, n])))
  const batch = { columns: wide, records: Array.from({ length: 2000 }, () => record) }
  const encoded = await encoder.encode(withObjects(batch, 10))
  expect(encoded.objects.map(({ part, rows }) => [part, rows])).toEqual(
    Array.from({ length: 10 }, (_, object) => [object, 200]),
  )
  await encoded.dispose()
  expect(warnings).toEqual(['conversion is repeated carefully'])
})

test.each([false, true])(
  'an abort between two objects leaves nothing behind, careful: %s',
  async (careful) => {
    await open()
    const abort = new AbortController()
    const copies = vi.spyOn(DuckDBConnection.prototype, 'runAndReadAll')
    onTestFinished(() => copies.mockRestore())
    const isCopy = (sql: unknown): boolean => String(sql).startsWith('COPY')
    const encoding = encoder.encode({
      ...withObjects({ ...orders(20_000, 20), careful }, 300),
      signal: abort.signal,
    })
    const ended = expect(encoding).rejects.toThrow('stopped')
    await vi.waitUntil(() => copies.mock.calls.filter(([sql]) => isCopy(sql)).length > 20, {
      interval: 1,
      timeout: 30_000,
    })
    abort.abort(new Error('stopped'))
    await ended
    expect(copies.mock.calls.filter(([sql]) => isCopy(sql)).length).toBeLessThan(300)
    expect(await staged()).toEqual([])
  },
)

test('a staging disk that is full is an error of the encoder, and nothing stays behind', async () => {
  await open()
  const probe = await openFile(join(folder, 'probe'), 'w')
  await probe.close()
  await rm(join(folder, 'probe'))
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const write = vi.spyOn(Object.getPrototypeOf(probe) as typeof probe, 'writev').mockRejectedValue(full)
  try {
    await expect(encoder.encode(withObjects(orders(5000, 20), 30))).rejects.toMatchObject({
      name: 'EncoderError',
      code: 'DiskFull',
    })
  } finally {
    write.mockRestore()
  }
  expect(await staged()).toEqual([])
  expect((await outcomeOf(encoder, orders(100, 20))).failures.length).toBe(10)
})

test('a column has a dictionary where its values repeat, in a small object as in a large one', async () => {
  await open()
  const batch: Batch = {
    columns: [['n', 'int'], ['a', 'string']], // prettier-ignore
    records: Array.from({ length: 8_000 }, (_, n) => `{"n":${n},"a":"v${n % 9}"}`),
  }
  const encoded = await encoder.encode(withObjects(batch, 2))
  const connection = await DuckDBConnection.create()
  onTestFinished(() => connection.closeSync())
  for (const { body } of encoded.objects) {
    const columns = await connection.runAndReadAll(
      `SELECT path_in_schema, encodings FROM parquet_metadata('${body.path}') ORDER BY ALL`,
    )
    expect(columns.getRows()).toEqual([
      ['a', 'PLAIN_DICTIONARY'],
      ['n', 'PLAIN'],
    ])
  }
  await encoded.dispose()
})

test('a minus zero takes its row group the dictionaries, and no other', async () => {
  await open()
  // Quick or set aside: a number beyond doubt, and a record with a newline in it.
  for (const minusZero of ['{"d":-0.0,"a":"v0"}', '{"d":\n-0.0,"a":"v0"}']) {
    const records = Array.from({ length: 130_000 }, (_, n) =>
      n === 125_000 ? minusZero : `{"d":${n % 7}.5,"a":"v${n % 9}"}`,
    )
    const encoded = await encoder.encode(inputOf({ columns: [['d', 'double'], ['a', 'string']], records })) // prettier-ignore
    const connection = await DuckDBConnection.create()
    onTestFinished(() => connection.closeSync())
    const [{ body } = { body: { path: '' } }] = encoded.objects
    const groups = await connection.runAndReadAll(
      `SELECT row_group_id, bool_and(encodings = 'PLAIN_DICTIONARY') FROM parquet_metadata('${body.path}') GROUP BY ALL ORDER BY ALL`,
    )
    expect(groups.getRows()).toEqual([
      [0n, true],
      [1n, false],
    ])
    await encoded.dispose()
  }
})

/**
 * The native engine with what is too much for DuckDB at once: tables of thousands of columns and fields, long records, arrays
 * of very many elements. They land in the default memory limit, the same at any number of threads. Defends G2 and G5.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openDuckdbEncoder, type DuckdbEncoder } from '../../src/convert/duckdb-encoder.ts'
import type { Encoded } from '../../src/domain/ports.ts'
import { columnsOf, inputOf, outcomeOf, type Batch } from '../conformance/encoder/encoding.ts'
import { readWithArrowRs } from '../conformance/encoder/parquet-readers.ts'

const MIB = 1 << 20
/** What is asked of a batch of any schema. */
const ANON_MIB_MAX = 512

let stagingPath = ''
let encoder: DuckdbEncoder | undefined

beforeEach(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-wide-'))
})

afterEach(async () => {
  await encoder?.close()
  encoder = undefined
  await rm(stagingPath, { recursive: true })
})

async function open(threads: number, memoryMib = 256): Promise<DuckdbEncoder> {
  await encoder?.close()
  const log = createLog('silent')
  encoder = await openDuckdbEncoder({ stagingPath, threads, memoryLimitBytes: memoryMib * MIB, log })
  return encoder
}

async function anonMib(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
}

/** Encodes a batch, and answers what was made beside the most anonymous memory that was added meanwhile. */
async function measured(batch: Batch, threads: number): Promise<{ encoded: Encoded; addedMib: number }> {
  const opened = await open(threads)
  // The batch in memory is the test's, not the encoder's.
  const input = inputOf(batch)
  const before = await anonMib()
  let peak = before
  const timer = setInterval(() => void anonMib().then((now) => (peak = Math.max(peak, now))), 10)
  try {
    return { encoded: await opened.encode(input), addedMib: peak - before }
  } finally {
    clearInterval(timer)
  }
}

const SCALARS = [
  ['string', (n: number) => `"text ${n}"`],
  ['bigint', (n: number) => String(n)],
  ['double', (n: number) => String(n / 4)],
  ['timestamp', () => '"2026-11-02 10:30:05"'],
] as const

const NESTED = [
  ['struct<a:string,b:bigint,c:double,d:string,e:boolean>', (n: number) => `{"a":"x","b":${n},"e":true}`],
  ['array<struct<a:string,b:bigint,c:string>>', (n: number) => `[{"a":"x${n}","b":1},null,{"c":"y"}]`],
  ['map<string,array<string>>', (n: number) => `{"k":["a","b${n}"],"n":null}`],
  ['array<array<decimal(20,4)>>', (n: number) => `[[1.5,${n}],[]]`],
] as const

const cellOf = (column: number) => (column % 2 === 0 ? SCALARS : NESTED)[(column >> 1) % 4]

/** 2,000 columns, of which every other is nested, and records that have some of them. */
function wideBatch(records: number, columnsOfRecord: number): Batch {
  return {
    columns: Array.from({ length: 2000 }, (_, n) => [`c${n}`, cellOf(n)?.[0] ?? 'string'] as const),
    records: Array.from({ length: records }, (_, index) => {
      const members = Array.from({ length: columnsOfRecord }, (_every, at) => {
        const column = (index * 7 + at) % 2000
        return `"c${column}":${cellOf(column)?.[1](index + at) ?? 'null'}`
      })
      return `{${members.join()}}`
    }),
    metadataColumns: [{ field: 'arrival', name: 'arrived' }],
    sources: [{ shardId: 's', records: [{ sequenceNumber: '1', partitionKey: 'p', arrivalMs: 1_700_000_000_000 }] }],
  } // prettier-ignore
}

test('2,000 columns of which 1,000 are nested land in the default memory limit', { timeout: 120_000 }, async () => {
  const batch = wideBatch(600, 2000)
  const { encoded, addedMib } = await measured(batch, 2)
  expect(addedMib).toBeLessThan(ANON_MIB_MAX)
  const [object] = encoded.objects
  const bytes = await readFile(object?.body.path ?? '')
  const rows = await readWithArrowRs(object?.body.path ?? '', columnsOf(batch))
  expect(rows.length).toBe(600)
  expect(rows.every((row) => row.length === 2001 && row.every((cell) => cell !== null))).toBe(true)
  expect(rows[3]?.[0]).toBe(`text ${2000 - 21 + 3}`)
  expect(rows[0]?.[3]).toEqual([['x3', '1', null], null, [null, null, 'y']])
  expect(rows[599]?.[2000]).toBe('1700000000000')
  const { row_groups: groups, schema } = parquetMetadata(new Uint8Array(bytes).buffer)
  expect(groups.length).toBeGreaterThan(1)
  expect(schema[0]?.num_children).toBe(2001)
  await encoded.dispose()
}) // prettier-ignore

test('G2: a wide table’s object is the same byte for byte at any number of threads and any memory limit', { timeout: 120_000 }, async () => {
  const batch = wideBatch(700, 900)
  const objects: Buffer[] = []
  for (const [threads, memoryMib] of [[1, 256], [4, 256], [2, 1024]] as const) { // prettier-ignore
    const encoded = await (await open(threads, memoryMib)).encode(inputOf({ ...batch, recordsPerFrame: 100 * threads }))
    objects.push(await readFile(encoded.objects[0]?.body.path ?? ''))
    await encoded.dispose()
  }
  expect(objects.every((bytes) => bytes.equals(objects[0] ?? Buffer.alloc(0)))).toBe(true)
}) // prettier-ignore

test('a column of thousands of fields is written in parts, and read back as it was', { timeout: 120_000 }, async () => {
  const fields = Array.from({ length: 1500 }, (_, n) => [`f${n}`, n % 3 === 0 ? 'array<int>' : 'string'] as const)
  const struct = `struct<${fields.map(([name, type]) => `${name}:${type}`).join()}>`
  const valueOf = (n: number, from: number): string =>
    `{${fields.flatMap(([name], at) => (at < from ? [] : `"${name}":${at % 3 === 0 ? `[${n},null]` : `"v${n}"`}`)).join()}}`
  const batch = {
    columns: [['id', 'bigint'], ['a', `array<${struct}>`], ['m', `map<string,${struct}>`], ['z', 'string']] as const,
    records: [
      `{"id":1,"a":[${valueOf(1, 0)},null,${valueOf(2, 1000)}],"m":{"k":${valueOf(3, 500)},"n":null,"e":${valueOf(0, 1500)}},"z":"x"}`,
      '{"id":2,"a":null,"m":{}}',
      '{"a":[],"z":"y"}{"m":null}',
      '{"id":"none"}',
    ],
    options: { hive: { timestampFormats: [] } },
  }
  const { rows, failures } = await outcomeOf(await open(2), batch)
  expect(failures.map(({ ordinal }) => ordinal)).toEqual([3])
  const shown = (n: number, from: number): unknown[] =>
    fields.map((_, at) => (at < from ? null : at % 3 === 0 ? [String(n), null] : `v${n}`))
  expect(rows.map(([id, a, m, z]) => [id, JSON.parse(a ?? 'null'), JSON.parse(m ?? 'null'), z])).toEqual([
    ['1', [shown(1, 0), null, shown(2, 1000)], [['k', shown(3, 500)], ['n', null], ['e', shown(0, 1500)]], 'x'],
    ['2', null, [], null],
    [null, [], null, 'y'],
    [null, null, null, null],
  ])
}) // prettier-ignore

test.each([
  ['180 MB of records of 300 KB', true, 600, (n: number) => `{"s":"${String(n).padEnd(300_000, 'text ')}"}`],
  ['arrays of very many elements', false, 400, (n: number) => `{"a":[${'1,'.repeat(20_000)}${n}]}`],
  ['maps of very many members', false, 300, (n: number) =>
    `{"m":{${Array.from({ length: 5000 }, (_, key) => `"${key}":null`).join()},"n":${n}}}`],
] as const)('%s land in the default memory limit', { timeout: 120_000 }, async (_, careful, count, make) => {
  const records = Array.from({ length: count }, (_every, n) => make(n))
  const columns = [['s', 'string'], ['a', 'array<bigint>'], ['m', 'map<string,int>']] as const
  const { encoded, addedMib } = await measured({ columns, records, careful, recordsPerFrame: 10 }, 1)
  expect(encoded.rows).toBe(count)
  expect(addedMib).toBeLessThan(ANON_MIB_MAX)
  await encoded.dispose()
}) // prettier-ignore

test('a row of more elements than memory may hold is refused alone', { timeout: 60_000 }, async () => {
  const heavy = `{"a":[${'1,'.repeat(1_500_000)}1]}`
  const batch = { columns: [['a', 'array<int>']] as const, records: ['{"a":[1]}', heavy, '{"a":[2]}'] }
  for (const careful of [false, true]) {
    const { rows, failures } = await outcomeOf(await open(1), { ...batch, careful })
    expect(rows).toEqual([['["1"]'], ['["2"]']])
    expect(failures.map(({ ordinal, message }) => [ordinal, message])).toEqual([
      [1, 'Data does not match the schema. The values of a row take more than 32 MiB.'],
    ])
  }
})

/** Joined Parquet files: whoever reads them finds the rows of all of them, in order, and a footer that speaks of them. */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { parquetMetadata, type FileMetaData } from 'hyparquet'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { ParquetJoin } from '../../../src/convert/duckdb/parquet-join.ts'
import { typedColumns } from '../../../src/convert/hive-types.ts'
import { readWithArrowRs, readWithDuckdb, readWithHyparquet } from './parquet-readers.ts'

const columns = typedColumns([
  { name: 'n', type: 'bigint' },
  { name: 'kind', type: 'string' },
  { name: 'at', type: 'timestamp' },
  { name: 'tags', type: 'array<struct<name:string,size:int>>' },
])

let instance: DuckDBInstance
let connection: DuckDBConnection
let folder: string

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})

afterAll(() => {
  connection.closeSync()
  instance.closeSync()
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-join-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Rows from a number to another, without it; a column of few values has a dictionary and a Bloom filter. */
async function write(name: string, from: number, to: number): Promise<string> {
  const path = join(folder, name)
  await connection.run(
    `COPY (SELECT i AS n, 'kind-' || (i % 5) AS kind, '2026-11-02'::TIMESTAMP_MS + to_seconds(i) AS at, ` +
      `[{name: 'x' || i, size: i::INTEGER}] AS tags FROM range(${from}, ${to}) AS numbers(i)) ` +
      `TO '${path}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 2048)`,
  )
  return path
}

/** Joins files of which each one's rows follow the ones' before, and of each row the columns of those that are together. */
async function joinOf(...groups: readonly (readonly string[])[]): Promise<string> {
  const path = join(folder, 'joined')
  const joined = new ParquetJoin(path)
  try {
    for (const paths of groups) await joined.add(paths)
    const { length } = await joined.finish()
    expect(length).toBe((await stat(path)).size)
  } finally {
    await joined.close()
  }
  return path
}

async function footerOf(path: string): Promise<FileMetaData> {
  return parquetMetadata(new Uint8Array(await readFile(path)).buffer)
}

test.each([
  ['of one', [[0, 100]]],
  ['of two', [[0, 5000], [5000, 5010]]], // prettier-ignore
  ['of which some are empty', [[0, 0], [0, 3000], [3000, 3000], [3000, 6000]]], // prettier-ignore
  ['of which all are empty', [[0, 0], [0, 0]]], // prettier-ignore
  ['of many', Array.from({ length: 40 }, (_, part) => [100 * part, 100 * part + 100])],
] as const)('files %s are read as one by three readers', async (_, ranges) => {
  const paths: string[] = []
  for (const [part, [from = 0, to = 0]] of ranges.entries()) paths.push(await write(`part-${part}`, from, to))
  const whole = await write('whole', 0, ranges.at(-1)?.[1] ?? 0)
  const joined = await joinOf(...paths.map((path) => [path]))
  for (const read of [readWithDuckdb, readWithHyparquet, readWithArrowRs]) {
    expect(await read(joined, columns)).toEqual(await read(whole, columns))
  }
  const [footer, wholeFooter] = await Promise.all([footerOf(joined), footerOf(whole)])
  expect(footer.num_rows).toBe(wholeFooter.num_rows)
  expect(footer.schema).toEqual(wholeFooter.schema)
  expect((await readdir(folder)).toSorted()).toEqual(['joined', 'whole'])
})

test('a Bloom filter is found at its new place', async () => {
  const paths = [await write('part-0', 0, 100), await write('part-1', 100, 200)]
  const joined = await joinOf(...paths.map((path) => [path]))
  const found = await connection.runAndReadAll(
    `SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe('${joined}', 'kind', 'kind-3') UNION ALL ` +
      `SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe('${joined}', 'kind', 'none') ORDER BY ALL`,
  )
  expect(found.getRows()).toEqual([
    [0n, false],
    [0n, true],
    [1n, false],
    [1n, true],
  ])
})

const wideColumns = typedColumns([
  { name: 'a', type: 'bigint' },
  { name: 's', type: 'struct<x:int,y:array<string>,z:struct<p:int,q:int>>' },
  { name: 'm', type: 'map<string,struct<u:int,v:string>>' },
  { name: 'l', type: 'array<struct<u:int,v:string>>' },
  { name: 'b', type: 'string' },
])

/** Each way to write the values: all of them, or some of the columns and fields. */
const WIDE = {
  whole: `i AS a, CASE WHEN i % 3 > 0 THEN {x: i, y: ['y', NULL], z: CASE WHEN i % 2 = 0 THEN {p: i, q: NULL::INTEGER} END} END AS s, map {'k': {u: i, v: 'v' || i % 3}, 'n': NULL} AS m, CASE WHEN i % 4 > 0 THEN [{u: i, v: NULL}, NULL, {u: NULL, v: 'w'}] END AS l, 'b' AS b`,
  parts: [
    `i AS a, CASE WHEN i % 3 > 0 THEN {x: i} END AS s`,
    `CASE WHEN i % 3 > 0 THEN {y: ['y', NULL], z: CASE WHEN i % 2 = 0 THEN {p: i} END} END AS s`,
    `CASE WHEN i % 3 > 0 THEN {z: CASE WHEN i % 2 = 0 THEN {q: NULL::INTEGER} END} END AS s, map {'k': {u: i}, 'n': NULL} AS m`,
    `map {'k': {v: 'v' || i % 3}, 'n': NULL} AS m, CASE WHEN i % 4 > 0 THEN [{u: i}, NULL, {u: NULL}] END AS l`,
    `CASE WHEN i % 4 > 0 THEN [{v: NULL}, NULL, {v: 'w'}] END AS l, 'b' AS b`,
  ],
} as const

async function writeWide(name: string, selected: string, from: number, to: number): Promise<string> {
  const path = join(folder, name)
  await connection.run(
    `COPY (SELECT ${selected} FROM (SELECT i::INTEGER AS i FROM range(${from}, ${to}) AS numbers(i))) TO '${path}' (FORMAT parquet)`,
  )
  return path
}

test('files of some columns and fields each are read as one by three readers', async () => {
  const groups: string[][] = []
  for (const [group, [from, to]] of (
    [
      [0, 1000],
      [1000, 1500],
      [1500, 1501],
    ] as const
  ).entries()) {
    // prettier-ignore
    const paths: string[] = []
    for (const [part, some] of WIDE.parts.entries())
      paths.push(await writeWide(`part-${group}-${part}`, some, from, to))
    groups.push(paths)
  }
  const whole = await writeWide('whole', WIDE.whole, 0, 1501)
  const joined = await joinOf(...groups)
  for (const read of [readWithDuckdb, readWithHyparquet, readWithArrowRs]) {
    expect(await read(joined, wideColumns)).toEqual(await read(whole, wideColumns))
  }
  const [footer, wholeFooter] = await Promise.all([footerOf(joined), footerOf(whole)])
  expect(footer.schema).toEqual(wholeFooter.schema)
  expect(footer.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([1000, 500, 1])
  for (const { columns: chunks, total_byte_size, total_compressed_size } of footer.row_groups) {
    const paths = chunks.map(({ meta_data }) => meta_data?.path_in_schema)
    expect(paths).toEqual(
      wholeFooter.row_groups[0]?.columns.map(({ meta_data }) => meta_data?.path_in_schema),
    )
    const sum = (field: 'total_uncompressed_size' | 'total_compressed_size'): bigint =>
      chunks.reduce((bytes, { meta_data }) => bytes + (meta_data?.[field] ?? 0n), 0n)
    expect(total_byte_size).toBe(sum('total_uncompressed_size'))
    expect(total_compressed_size).toBe(sum('total_compressed_size'))
  }
  const orders = await connection.runAndReadAll(
    `SELECT len(column_orders) FROM parquet_file_metadata('${joined}')`,
  )
  expect(orders.getRows()).toEqual([[BigInt(footer.row_groups[0]?.columns.length ?? 0)]])
  expect((await readdir(folder)).toSorted()).toEqual(['joined', 'whole'])
})

test('files of other rows cannot be put beside each other', async () => {
  const paths = [await writeWide('part-0', 'i AS a', 0, 10), await writeWide('part-1', 'i AS b', 0, 11)]
  await expect(joinOf(paths)).rejects.toThrow('row groups of the same rows have other numbers of them')
})

test('a file that is no Parquet is an error that says so', async () => {
  const paths = [await write('part-0', 0, 10), join(folder, 'text')]
  await writeFile(paths[1] ?? '', 'text, and no more than that')
  await expect(joinOf(...paths.map((path) => [path]))).rejects.toThrow(
    /join .*joined: it does not end like a Parquet file/,
  )
})

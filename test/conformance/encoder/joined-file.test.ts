/** Joined Parquet files: whoever reads them finds the rows of all of them, in order, and a footer that speaks of them. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { parquetMetadata, type FileMetaData } from 'hyparquet'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { joinParquet } from '../../../src/convert/duckdb/parquet-join.ts'
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
  await joinParquet(paths)
  const [joined = ''] = paths
  for (const read of [readWithDuckdb, readWithHyparquet, readWithArrowRs]) {
    expect(await read(joined, columns)).toEqual(await read(whole, columns))
  }
  const [footer, wholeFooter] = await Promise.all([footerOf(joined), footerOf(whole)])
  expect(footer.num_rows).toBe(wholeFooter.num_rows)
  expect(footer.schema).toEqual(wholeFooter.schema)
  expect((await readdir(folder)).toSorted()).toEqual(['part-0', 'whole'])
})

test('a Bloom filter is found at its new place', async () => {
  const paths = [await write('part-0', 0, 100), await write('part-1', 100, 200)]
  await joinParquet(paths)
  const found = await connection.runAndReadAll(
    `SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe('${paths[0]}', 'kind', 'kind-3') UNION ALL ` +
      `SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe('${paths[0]}', 'kind', 'none') ORDER BY ALL`,
  )
  expect(found.getRows()).toEqual([
    [0n, false],
    [0n, true],
    [1n, false],
    [1n, true],
  ])
})

test('a file that is no Parquet is an error that says so', async () => {
  const paths = [await write('part-0', 0, 10), join(folder, 'text')]
  await writeFile(paths[1] ?? '', 'text, and no more than that')
  await expect(joinParquet(paths)).rejects.toThrow(/join .*part-0: it does not end like a Parquet file/)
})

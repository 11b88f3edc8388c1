/** What a Parquet file of ours says about itself. */
import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from 'vitest'
import type { Batch, Outcome } from './encoding.ts'
import { allMetadata } from './metadata-sources.ts'

const columns = [
  ['order_id', 'string'],
  ['ok', 'boolean'],
  ['t', 'tinyint'],
  ['s', 'smallint'],
  ['i', 'int'],
  ['l', 'bigint'],
  ['f', 'float'],
  ['d', 'double'],
  ['d9', 'decimal(9,2)'],
  ['d18', 'decimal(18,2)'],
  ['d38', 'decimal(38,2)'],
  ['day', 'date'],
  ['at', 'timestamp'],
] as const

const record = (n: number): string =>
  JSON.stringify({
    order_id: `o-${n}`,
    ok: n % 2 === 0,
    t: n % 100,
    s: n,
    i: n,
    l: String(9_000_000_000_000_000_000n + BigInt(n)),
    f: n / 2,
    d: n / 4,
    d9: n,
    d18: n,
    d38: `-${n}0000000000000000000000.25`,
    day: n % 3 === 0 ? null : '1969-7-20',
    at: 1_535_365_805_000 + n,
  })

export function fileSuite(encode: (batch: Batch) => Promise<Outcome>): void {
  describe('the Parquet file', () => {
    test('has every column, optional, in order, with the types that readers expect', async () => {
      const { objects } = await encode({ columns, records: ['{"order_id":"x"}'] })
      const schema = await ask(
        objects[0],
        `SELECT name, type, repetition_type, converted_type,
        regexp_replace(logical_type::VARCHAR, 'IntType.bitWidth=.*, ', 'IntType(') AS logical FROM parquet_schema('FILE') OFFSET 1`,
      )
      expect(schema.map(({ name }) => name)).toEqual(columns.map(([name]) => name))
      expect(new Set(schema.map((column) => column['repetition_type']))).toEqual(new Set(['OPTIONAL']))
      expect(schema.map(({ type, converted_type: converted }) => [type, converted])).toEqual([
        ['BYTE_ARRAY', 'UTF8'],
        ['BOOLEAN', null],
        ['INT32', 'INT_8'],
        ['INT32', 'INT_16'],
        ['INT32', 'INT_32'],
        ['INT64', 'INT_64'],
        ['FLOAT', null],
        ['DOUBLE', null],
        ['INT32', 'DECIMAL'],
        ['INT64', 'DECIMAL'],
        ['FIXED_LEN_BYTE_ARRAY', 'DECIMAL'],
        ['INT32', 'DATE'],
        ['INT64', 'TIMESTAMP_MILLIS'],
      ])
      expect(schema.at(-1)?.['logical']).toMatch(
        /TimestampType\(isAdjustedToUTC=0, unit=TimeUnit\(MILLIS=MilliSeconds/,
      )
      expect(schema[10]?.['logical']).toMatch(/DecimalType\(scale=2, precision=38\)/)
    })

    test('has metadata columns of the same types', async () => {
      const { objects } = await encode({
        columns,
        records: ['{"order_id":"x"}'],
        metadataColumns: allMetadata,
      })
      const schema = await ask(
        objects[0],
        `SELECT name, type, repetition_type, converted_type, logical_type::VARCHAR AS logical FROM parquet_schema('FILE') OFFSET 1`,
      )
      const shapeOf = (name: string): Record<string, unknown> => ({
        ...schema.find((column) => column['name'] === name),
        name: '',
      })
      expect(schema.slice(columns.length).map(({ name }) => name)).toEqual(
        allMetadata.map(({ name }) => name),
      )
      for (const name of ['shard', 'sequence', 'key']) expect(shapeOf(name)).toEqual(shapeOf('order_id'))
      expect(shapeOf('sub')).toEqual(shapeOf('i'))
      expect(shapeOf('arrived')).toEqual(shapeOf('at'))
    })

    test('is read as the types of the table', async () => {
      const { objects } = await encode({ columns, records: [record(1)] })
      const described = await ask(objects[0], `DESCRIBE SELECT * FROM 'FILE'`)
      expect(described.map((column) => column['column_type'])).toEqual([
        'VARCHAR', 'BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL(9,2)', 'DECIMAL(18,2)',
        'DECIMAL(38,2)', 'DATE', 'TIMESTAMP_MS',
      ].map((type) => type === 'TIMESTAMP_MS' ? (expect.stringMatching(/^TIMESTAMP(_MS)?$/) as string) : type)) // prettier-ignore
    })

    test.each(['SNAPPY', 'GZIP', 'UNCOMPRESSED'] as const)(
      'is compressed with %s',
      async (parquetCompression) => {
        const records = Array.from({ length: 5000 }, (_, n) => record(n))
        const { rows, objects } = await encode({ columns, records, parquetCompression })
        expect(rows.length).toBe(5000)
        expect(rows[4999]?.slice(0, 6)).toEqual([
          'o-4999',
          'false',
          '99',
          '4999',
          '4999',
          '9000000000000004999',
        ])
        expect(rows[4999]?.slice(10)).toEqual([
          '-49990000000000000000000000.25',
          '1969-07-20',
          '1535365809999',
        ])
        const codecs = await ask(objects[0], `SELECT DISTINCT compression FROM parquet_metadata('FILE')`)
        expect(codecs).toEqual([{ compression: parquetCompression }])
      },
    )

    test('has null counts that are right, and a size that is', async () => {
      const records = Array.from({ length: 3000 }, (_, n) => record(n))
      const { objects } = await encode({ columns, records })
      const counts = await ask(
        objects[0],
        `SELECT path_in_schema AS name, sum(stats_null_count)::INT AS nulls, sum(num_values)::INT AS count
        FROM parquet_metadata('FILE') GROUP BY ALL ORDER BY min(column_id)`,
      )
      expect(counts).toEqual(
        columns.map(([name]) => ({ name, nulls: name === 'day' ? 1000 : 0, count: 3000 })),
      )
    })

    test('holds a column of nulls, and nulls in runs and in turn', async () => {
      const nullable = [['a', 'string'], ['b', 'boolean'], ['c', 'int']] as const // prettier-ignore
      const records = Array.from({ length: 3000 }, (_, n) =>
        JSON.stringify({ b: n % 2 === 0 ? true : null, c: Math.floor(n / 9) % 3 === 0 ? n : null }),
      )
      const { rows } = await encode({ columns: nullable, records })
      expect(rows).toEqual(
        records.map((_, n) => [
          null,
          n % 2 === 0 ? 'true' : null,
          Math.floor(n / 9) % 3 === 0 ? String(n) : null,
        ]),
      )
    })
  })
}

/** Asks DuckDB about a file. */
async function ask(bytes: Buffer | undefined, sql: string): Promise<Record<string, unknown>[]> {
  if (bytes === undefined) throw new Error('there is no object')
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-file-'))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const path = join(folder, 'object.parquet')
    await writeFile(path, bytes)
    return (await connection.runAndReadAll(sql.replace('FILE', path))).getRowObjectsJS()
  } finally {
    connection.closeSync()
    instance.closeSync()
    await rm(folder, { recursive: true })
  }
}

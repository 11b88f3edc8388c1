/** What each engine converts to, judged when a stream is configured. */
import { expect, test } from 'vitest'
import { unsupportedColumns } from '../../src/convert/served-columns.ts'
import type { FormatConversion } from '../../src/domain/delivery-stream.ts'

const conversion: FormatConversion = {
  table: { databaseName: 'sales', tableName: 'orders', region: 'eu-west-1', versionId: 'LATEST' },
  caseInsensitive: true,
  parquetCompression: 'SNAPPY',
}
const hive = { timestampFormats: [] }

const columnsOf = (...types: readonly string[]) => types.map((type, index) => ({ name: `c${index}`, type }))

const FLAT = columnsOf('int', 'varchar(5)', 'char(5)', 'decimal(38,10)', 'timestamp', 'date', 'string')
const NESTED = columnsOf('int', 'map<string,array<struct<a:int>>>')

test('DuckDB converts to every type, the JavaScript engine to flat ones', () => {
  expect(unsupportedColumns('duckdb', FLAT, conversion)).toBeUndefined()
  expect(unsupportedColumns('duckdb', NESTED, conversion)).toBeUndefined()
  expect(unsupportedColumns('js', FLAT, conversion)).toBeUndefined()
  expect(unsupportedColumns('js', columnsOf('binary'), { ...conversion, hive })).toBeUndefined()
  expect(unsupportedColumns('js', FLAT, { ...conversion, timestampUnit: 'micros' })).toBeUndefined()
  expect(unsupportedColumns('js', NESTED, conversion)).toBe(
    'convert.engine js does not serve column "c1", which is of type map; set convert.engine to duckdb, or do without',
  )
})

test('the JavaScript engine has neither ZSTD nor the writer version V2', () => {
  const zstd = { ...conversion, parquetCompression: 'ZSTD' } as const
  const second = { ...conversion, parquetVersion: 2 } as const
  expect(unsupportedColumns('duckdb', FLAT, zstd)).toBeUndefined()
  expect(unsupportedColumns('duckdb', FLAT, second)).toBeUndefined()
  expect(unsupportedColumns('js', FLAT, zstd)).toMatch(
    /^convert\.engine js does not serve the compression ZSTD;/,
  )
  expect(unsupportedColumns('js', FLAT, second)).toMatch(/^convert\.engine js does not serve the .* V2;/)
})

test.each(['duckdb', 'js'] as const)(
  '%s: bytes are refused in AWS’s words but under Hive, types that are none everywhere',
  (engine) => {
    const words = 'One or more columns have types that are not supported by org.openx.data.JsonSerDe'
    expect(unsupportedColumns(engine, columnsOf('int', 'binary'), conversion)).toBe(words)
    expect(unsupportedColumns(engine, columnsOf('struct<a:array<binary>>'), conversion)).toBe(words)
    expect(unsupportedColumns(engine, columnsOf('uniontype<int,string>'), { ...conversion, hive })).toMatch(
      /^read type "uniontype<int,string>":/,
    )
  },
)

/**
 * The Parquet file of every type, nested ones among them: its footer is what Athena, Spark and Trino expect, and three readers
 * that we did not write read every value back.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetMetadata, type FileMetaData } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { openDuckdbEncoder } from '../../../src/convert/duckdb-encoder.ts'
import { inputOf, outcomeOf, type Batch, type OpenedEncoder, type Outcome } from './encoding.ts'

let stagingPath = ''
let encoder: OpenedEncoder

beforeAll(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-nested-'))
  encoder = await openDuckdbEncoder({
    stagingPath,
    threads: 2,
    memoryLimitBytes: 256 * 1024 * 1024,
    log: createLog('silent'),
  })
})

afterAll(async () => {
  await encoder.close()
  await rm(stagingPath, { recursive: true })
})

/** By HiveJsonSerDe, which alone reads bytes. */
const hive = { timestampFormats: ['millis'] }
const encode = (batch: Batch): Promise<Outcome> =>
  outcomeOf(encoder, { ...batch, options: { hive, ...batch.options } })

const columns = [
  ['s', 'string'],
  ['v', 'varchar(5)'],
  ['c', 'char(4)'],
  ['bin', 'binary'],
  ['ok', 'boolean'],
  ['t', 'tinyint'],
  ['sm', 'smallint'],
  ['i', 'int'],
  ['l', 'bigint'],
  ['f', 'float'],
  ['d', 'double'],
  ['d9', 'decimal(9,2)'],
  ['d18', 'decimal(18,4)'],
  ['d38', 'decimal(38,10)'],
  ['day', 'date'],
  ['at', 'timestamp'],
  ['tags', 'array<string>'],
  ['counts', 'map<string,int>'],
  ['who', 'struct<name:string,born:date,at:timestamp,bin:binary>'],
  ['deep', 'array<struct<k:map<string,array<decimal(5,1)>>>>'],
  ['byid', 'map<int,double>'],
] as const

const ROOT = { repetition_type: 'REQUIRED', num_children: columns.length }
const optional = (name: string, more: object): object => ({ name, repetition_type: 'OPTIONAL', ...more })
const group = (name: string, children: number, converted?: string): object =>
  optional(name, {
    num_children: children,
    ...(converted === undefined ? {} : { converted_type: converted }),
  })
const repeated = (name: string, children: number): object => ({
  name,
  repetition_type: 'REPEATED',
  num_children: children,
})
const text = (name: string): object => optional(name, { type: 'BYTE_ARRAY', converted_type: 'UTF8' })
const textKey = { ...text('key'), repetition_type: 'REQUIRED' }
const decimal = (name: string, type: string, precision: number, scale: number): object =>
  optional(name, {
    type,
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  })
const timestamp = (name: string, unit: 'MILLIS' | 'MICROS'): object =>
  optional(name, {
    type: 'INT64',
    converted_type: `TIMESTAMP_${unit}`,
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit },
  })

const schemaWith = (unit: 'MILLIS' | 'MICROS'): readonly object[] => [
  text('s'),
  text('v'),
  text('c'),
  optional('bin', { type: 'BYTE_ARRAY' }),
  optional('ok', { type: 'BOOLEAN' }),
  optional('t', { type: 'INT32', converted_type: 'INT_8' }),
  optional('sm', { type: 'INT32', converted_type: 'INT_16' }),
  optional('i', { type: 'INT32', converted_type: 'INT_32' }),
  optional('l', { type: 'INT64', converted_type: 'INT_64' }),
  optional('f', { type: 'FLOAT' }),
  optional('d', { type: 'DOUBLE' }),
  decimal('d9', 'INT32', 9, 2),
  decimal('d18', 'INT64', 18, 4),
  { ...decimal('d38', 'FIXED_LEN_BYTE_ARRAY', 38, 10), type_length: 16 },
  optional('day', { type: 'INT32', converted_type: 'DATE' }),
  timestamp('at', unit),
  group('tags', 1, 'LIST'),
  repeated('list', 1),
  text('element'),
  group('counts', 1, 'MAP'),
  repeated('key_value', 2),
  textKey,
  optional('value', { type: 'INT32', converted_type: 'INT_32' }),
  group('who', 4),
  text('name'),
  optional('born', { type: 'INT32', converted_type: 'DATE' }),
  timestamp('at', unit),
  optional('bin', { type: 'BYTE_ARRAY' }),
  group('deep', 1, 'LIST'),
  repeated('list', 1),
  group('element', 1),
  group('k', 1, 'MAP'),
  repeated('key_value', 2),
  textKey,
  group('value', 1, 'LIST'),
  repeated('list', 1),
  decimal('element', 'INT32', 5, 1),
  group('byid', 1, 'MAP'),
  repeated('key_value', 2),
  { name: 'key', repetition_type: 'REQUIRED', type: 'INT32', converted_type: 'INT_32' },
  optional('value', { type: 'DOUBLE' }),
]

/** Without what is not there. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function footerOf({ objects }: Outcome): FileMetaData {
  const [bytes] = objects
  if (bytes === undefined) throw new Error('there is no object')
  return parquetMetadata(new Uint8Array(bytes).buffer)
}

const RECORD = JSON.stringify({
  s: 'é😀\ufeff',
  v: 'abcdefg',
  c: 'äb',
  bin: 'ab\u0000',
  ok: true,
  t: -128,
  sm: 32_767,
  i: -2_147_483_648,
  l: 0,
  f: 0.1,
  d: -0.5,
  d9: '-1234567.89',
  d18: '99999999999999.9999',
  d38: '-9999999999999999999999999999.9999999999',
  day: '0001-01-01',
  at: '9999-12-31 23:59:59.999999',
  tags: ['a', null, '', 'ünï', 5, true],
  counts: { a: 1, B: null, c: 3 },
  who: { name: null, born: '1969-07-20', at: 1_535_365_805_000, bin: 'x' },
  deep: [{ k: { x: [1.5, null, '-2.25'], y: [] } }, null, { k: null }, {}],
  byid: { 7: 1.5, '-1': null },
}).replace('"l":0', '"l":9223372036854775807')

const row = (at: string, inner: string): readonly (string | null)[] => [
  'é😀\ufeff',
  'abcde',
  'äb  ',
  '616200',
  'true',
  '-128',
  '32767',
  '-2147483648',
  '9223372036854775807',
  '0.10000000149011612',
  '-0.5',
  '-1234567.89',
  '99999999999999.9999',
  '-9999999999999999999999999999.9999999999',
  '0001-01-01',
  at,
  '["a",null,"","ünï","5","true"]',
  '[["a","1"],["B",null],["c","3"]]',
  `[null,"1969-07-20","${inner}","78"]`,
  '[[[["x",["1.5",null,"-2.3"]],["y",[]]]],null,[null],[null]]',
  '[["7","1.5"],["-1",null]]',
]

const nothing = columns.map(() => null)

describe.each([
  ['milliseconds', 'MILLIS', {}, '253402300799999', '1535365805000'],
  ['microseconds', 'MICROS', { timestampUnit: 'micros' }, '253402300799999999', '1535365805000000'],
] as const)('with timestamps in %s', (_, unit, options, at, inner) => {
  test('the footer has every column, optional, in order, with lists and maps of three levels', async () => {
    const footer = footerOf(await encode({ columns, records: ['{"s":"x"}'], options }))
    const [root, ...elements] = footer.schema
    expect(plain(root)).toMatchObject(ROOT)
    expect(plain(elements)).toEqual(schemaWith(unit))
  })

  test.each([false, true])('every type is read back (careful: %s)', async (careful) => {
    const { rows, failures } = await encode({ columns, records: [RECORD, '{}', RECORD], options, careful })
    expect(failures).toEqual([])
    expect(rows).toEqual([row(at, inner), nothing, row(at, inner)])
  })
})

const many = Array.from({ length: 5000 }, (_, n) =>
  JSON.stringify({
    s: `word ${n % 7}`,
    i: n,
    d: n / 4,
    tags: n % 5 === 0 ? null : [`t${n % 3}`],
    who: { name: 'x' },
  }),
)

test.each(['SNAPPY', 'GZIP', 'UNCOMPRESSED', 'ZSTD'] as const)(
  '%s: pages, statistics and dictionaries',
  async (parquetCompression) => {
    const outcome = await encode({ columns, records: many, parquetCompression })
    expect(outcome.rows[4999]?.slice(16, 19)).toEqual(['["t1"]', null, '["x",null,null,null]'])
    const footer = footerOf(outcome)
    expect(footer.created_by).toMatch(/^DuckDB version v[0-9.]+ \(build [0-9a-f]+\)$/)
    expect(Number(footer.num_rows)).toBe(5000)
    const chunks = footer.row_groups.flatMap((rowGroup) => rowGroup.columns.map((column) => column.meta_data))
    expect(new Set(chunks.map((chunk) => chunk?.codec))).toEqual(new Set([parquetCompression]))
    const of = (...path: string[]): (typeof chunks)[number] =>
      chunks.find((chunk) => chunk?.path_in_schema.join() === path.join())
    expect(of('s')?.dictionary_page_offset).toBeGreaterThan(0n)
    expect(of('s')?.encodings).toEqual(['PLAIN_DICTIONARY'])
    expect(of('i')?.statistics).toMatchObject({ min_value: 0, max_value: 4999, null_count: 0n })
    expect(of('s')?.statistics).toMatchObject({ min_value: 'word 0', max_value: 'word 6', null_count: 0n })
    expect(of('tags', 'list', 'element')?.statistics).toMatchObject({ min_value: 't0', max_value: 't2' })
    expect(of('d9')?.statistics).toMatchObject({ null_count: 5000n })
  },
)

test('statistics are in the order of the type, and know no NaN', async () => {
  const typed = [['ts', 'timestamp'], ['dt', 'date'], ['dec', 'decimal(10,2)'], ['dbl', 'double'], ['nan', 'double'], ['b', 'boolean']] as const // prettier-ignore
  const records = [
    '{"ts":"1969-12-31 23:59:59.999","dt":"1969-12-31","dec":-1.5,"dbl":-2.5,"nan":"NaN","b":true}',
    '{"ts":"2026-11-02 09:15:00.123","dt":"2026-11-02","dec":9.25,"dbl":1e300,"nan":1,"b":false}',
    '{"ts":"1970-01-01 00:00:00","dt":"0001-01-01","dec":-12.5,"dbl":0,"nan":-1,"b":true}',
  ]
  const [rowGroup] = footerOf(await outcomeOf(encoder, { columns: typed, records })).row_groups
  const bounds = rowGroup?.columns.map(({ meta_data }) => {
    const { min_value, max_value } = meta_data?.statistics ?? {}
    return [min_value, max_value]
  })
  expect(bounds).toEqual([
    [new Date('1969-12-31T23:59:59.999Z'), new Date('2026-11-02T09:15:00.123Z')],
    [new Date('0001-01-01'), new Date('2026-11-02')],
    [-12.5, 9.25],
    [-2.5, 1e300],
    [undefined, undefined],
    [false, true],
  ])
})

test('WriterVersion V2 has the encodings of format 2, and the same rows', async () => {
  const batch = { columns, records: many }
  const first = await encode(batch)
  const second = await encode({ ...batch, options: { parquetVersion: 2 } })
  expect(second.rows).toEqual(first.rows)
  const encodingsOf = (outcome: Outcome): ReadonlySet<string> =>
    new Set(
      footerOf(outcome).row_groups.flatMap(({ columns: all }) =>
        all.flatMap((column) => column.meta_data?.encodings ?? []),
      ),
    )
  expect(encodingsOf(first)).toEqual(new Set(['PLAIN', 'PLAIN_DICTIONARY']))
  expect(encodingsOf(second)).toContain('RLE_DICTIONARY')
})

test('every leaf has an order for its statistics', async () => {
  const { objects } = await encode({ columns, records: [RECORD] })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const path = join(stagingPath, 'orders.parquet')
  try {
    await writeFile(path, objects[0] ?? '')
    const orders = await connection.runAndReadAll(
      `SELECT column_orders FROM parquet_file_metadata('${path}')`,
    )
    const [[all]] = orders.getRowsJS() as [[unknown[]]]
    expect(new Set(all.map(String))).toEqual(new Set(['ColumnOrder(TYPE_ORDER=TypeDefinedOrder())']))
  } finally {
    connection.closeSync()
    instance.closeSync()
    await rm(path, { force: true })
  }
})

test('names of columns and fields made of SQL, quotes and other scripts are only names', async () => {
  const names = ['select', 'a b', "it's", '"quoted"', '); drop table t; --', 'naïve', '名前', "'", '$.x', 'k']
  const struct = `struct<${names
    .filter((name) => !/[:,()<>]/.test(name))
    .map((name) => `${name}:int`)
    .join()}>`
  const fields = names.filter((name) => !/[:,()<>]/.test(name))
  const value = `{${fields.map((name, index) => `${JSON.stringify(name)}:${index}`).join()}}`
  for (const careful of [false, true]) {
    const { rows, failures } = await encode({
      columns: names.map((name) => [name, struct] as const),
      records: [`{${names.map((name) => `${JSON.stringify(name)}:${value}`).join()}}`],
      careful,
    })
    expect(failures).toEqual([])
    expect(rows).toEqual([names.map(() => JSON.stringify(fields.map((_, index) => String(index))))])
  }
})

/** A table of so many columns, every tenth of them nested, with one value in each record. */
function wideBatch(width: number, records: number): Batch {
  return {
    columns: Array.from(
      { length: width },
      (_, n) => [`c${n}`, n % 10 === 7 ? 'array<string>' : 'bigint'] as const,
    ),
    records: Array.from({ length: records }, (_, n) => `{"c${n % width}":${n % 10 === 7 ? '["x"]' : n}}`),
  }
}

test('2,000 columns, 200 of them nested', { timeout: 60_000 }, async () => {
  const { rows } = await encode(wideBatch(2000, 100))
  expect(rows.length).toBe(100)
  expect(rows[7]?.slice(6, 9)).toEqual([null, '["x"]', null])
})

test('row groups of a wide table are smaller, so that memory holds them', { timeout: 60_000 }, async () => {
  const encoded = await encoder.encode(inputOf(wideBatch(300, 30_000)))
  const path = encoded.objects[0]?.body.path ?? ''
  const { row_groups: groups } = parquetMetadata(new Uint8Array(await readFile(path)).buffer)
  await encoded.dispose()
  const rows = groups.map((rowGroup) => Number(rowGroup.num_rows))
  expect(rows.reduce((sum, count) => sum + count, 0)).toBe(30_000)
  expect(Math.max(...rows)).toBeLessThan(15_000)
})

test('types 100 deep', async () => {
  const depth = 99
  const type = `${'array<'.repeat(depth)}int${'>'.repeat(depth)}`
  const nested = (inside: string): string => '['.repeat(depth) + inside + ']'.repeat(depth)
  const records = [`{"a":${nested('7,null')}}`, '{"a":null}', '{"a":5}']
  const { rows } = await outcomeOf(encoder, { columns: [['a', type]], records })
  expect(rows).toEqual([[nested('"7",null')], [null], [nested('"5"')]])
})

const within = (depth: number, inside: string, [open, close]: readonly [string, string]): string =>
  open.repeat(depth) + inside + close.repeat(depth)

test('numbers, maps and bytes as deep as types go are written in good time', async () => {
  const arrays = ['array<', '>'] as const
  const maps = ['map<string,', '>'] as const
  const structs = ['struct<x:', '>'] as const
  const lists = ['[', ']'] as const
  const objects = ['{"x":', '}'] as const
  const deep = [
    ['a', within(99, 'double', arrays)],
    ['m', within(98, 'map<int,int>', arrays)],
    ['n', within(99, 'binary', maps)],
    ['b', within(99, 'binary', arrays)],
    ['s', within(99, 'binary', structs)],
    ['y', within(33, within(33, within(33, 'binary', arrays), maps), structs)],
  ] as const
  const record = `{${[
    `"a":${within(99, '-0.0,1.5', lists)}`,
    `"m":${within(98, '{"2":1,"1":null}', lists)}`,
    `"n":${within(98, '{"x":"a\\u0000","":null}', objects)}`,
    `"b":${within(99, '"é",null', lists)}`,
    `"s":${within(99, '"\\\\x41"', objects)}`,
    `"y":${within(33, within(33, within(33, '"\\"\'"', lists), objects), objects)}`,
  ].join()}}`
  // As it is shown, a map is a list of pairs and a struct a list of values.
  const pairs = ['[["x",', ']]'] as const
  const deepRow = [
    within(99, '"-0","1.5"', lists),
    within(98, '[["2","1"],["1",null]]', lists),
    within(98, '[["x","6100"],["",null]]', pairs),
    within(99, '"c3a9",null', lists),
    within(99, '"5c783431"', lists),
    within(33, within(33, within(33, '"2227"', lists), pairs), lists),
  ]
  for (const careful of [false, true]) {
    const { rows, failures } = await encode({ columns: deep, records: [record, '{"a":null}'], careful })
    expect(failures).toEqual([])
    expect(rows).toEqual([deepRow, deep.map(() => null)])
  }
})

test('every byte and odd keys of maps are kept in nested values, whatever else is in the batch', async () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
  const keys = [
    '',
    '"',
    "'",
    '\\',
    '\\x00',
    '\u0000',
    '=',
    '{}',
    '[k: 1]',
    'NULL',
    'é',
    '\u{1f600}',
    '1',
    '0',
  ]
  const map = Object.fromEntries(keys.map((key) => [key, key]))
  const shownKeys = Object.keys(map)
  const odd = JSON.stringify({ b: [{ x: bytes }], m: { m: map }, k: bytes })
  const odds = [['b', 'array<struct<x:binary>>'], ['m', 'map<string,map<string,binary>>'], ['k', 'binary']] as const // prettier-ignore
  const hex = (characters: string): string => Buffer.from(characters).toString('hex')
  for (const records of [[odd], [odd, '{"b":[{"x":"a"}],"m":{"z":{"y":"b"}},"k":"c"}{"b":[]}', odd]]) {
    for (const careful of [false, true]) {
      const { rows } = await encode({ columns: odds, records, careful })
      expect(rows[0]?.map((cell, at) => (at === 2 ? cell : (JSON.parse(cell ?? '') as unknown)))).toEqual([
        [[hex(bytes)]],
        [['m', shownKeys.map((key) => [key, hex(key)])]],
        hex(bytes),
      ])
      expect(rows.length).toBe(records.length === 1 ? 1 : 4)
    }
  }
})

test('a record of which a few bytes stand for far too much is refused on either path', async () => {
  const fields = Array.from({ length: 100 }, (_, n) => `field_with_a_long_name_${n}:int`).join()
  const heavy = `{"a":[${Array.from({ length: 20_000 }, () => '{}').join()}]}`
  const deep = [['a', `array<struct<${fields}>>`]] as const
  for (const careful of [false, true]) {
    const { rows, failures } = await encode({
      columns: deep,
      records: ['{"a":[]}', heavy, '{"a":[]}'],
      careful,
    })
    expect(rows).toEqual([['[]'], ['[]']])
    expect(failures.map(({ ordinal, code }) => [ordinal, code])).toEqual([
      [1, 'DataFormatConversion.MalformedData'],
    ])
  }
})

test('a record that is cut short takes nothing from the one after it', async () => {
  const nested = [['a', 'array<varchar(3)>'], ['b', 'map<string,int>']] as const // prettier-ignore
  const records = [
    '{"a":[',
    '{"a":["12345"],"b":{"x":1e0}}',
    '{"a":',
    '{"b":{"y":2}}',
    '{"a":["x"',
    '{"b":[]}',
  ]
  const metadataColumns = [{ name: 'shard', field: 'shardId' }] as const
  for (const more of [{}, { metadataColumns }]) {
    const { rows, failures } = await outcomeOf(encoder, { columns: nested, records, ...more })
    expect(rows.map(([a, b]) => [a, b])).toEqual([
      ['["123"]', '[["x","1"]]'],
      [null, '[["y","2"]]'],
    ])
    expect(failures.map(({ ordinal }) => ordinal)).toEqual([0, 2, 4, 5])
  }
})

test('columns named like what a conversion has beside them are only columns', async () => {
  const own = ['line', 'doubt', 'place', 'rowid', 'r0', 'v0', 'p0', 'x0', 'k0'].map(
    (name) => [name, 'array<int>'] as const,
  )
  const record = `{${own.map(([name], index) => `"${name}":[${index}]`).join()}}`
  const { rows, failures } = await encode({ columns: own, records: [record, `${record}{}`, '{', record] })
  const values = own.map((_, index) => `["${index}"]`)
  expect(rows).toEqual([values, values, own.map(() => null), values])
  expect(failures.map(({ ordinal }) => ordinal)).toEqual([2])
})

test('keys that no table could have are read all the same', async () => {
  const keys = ['', 'b\u0001', 'B', '\u0001LINE']
  const odd = keys.map((_, index) => [`c${index}`, 'array<int>'] as const)
  const jsonKeys = Object.fromEntries(keys.map((key, index) => [`c${index}`, key]))
  const own = [...odd, ['b', 'array<int>']] as const
  const record = `{${[...keys, 'b'].map((key, index) => `${JSON.stringify(key)}:[${index}]`).join()}}`
  for (const careful of [false, true]) {
    const batch = { columns: own, records: [record, '{}', record], careful, caseInsensitive: false }
    const { rows } = await outcomeOf(encoder, { ...batch, options: { caseInsensitive: false, jsonKeys } })
    const values = own.map((_, index) => `["${index}"]`)
    expect(rows).toEqual([values, own.map(() => null), values])
  }
})

/**
 * Values that their form proves are read strictly by DuckDB, beside values that are read exactly: the rows are those of the
 * exact path, whatever the type, and nothing had to be judged or repeated.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBConnection } from '@duckdb/node-api'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openDuckdbEncoder } from '../../../src/convert/duckdb-encoder.ts'
import { lineTable } from '../../../src/convert/duckdb/line-columns.ts'
import { epochForm, provedForm } from '../../../src/convert/duckdb/proved-values.ts'
import { Mark, recordJudge } from '../../../src/convert/duckdb/raw-doubt.ts'
import { isNested, parseHiveType, typedColumns, type ScalarType } from '../../../src/convert/hive-types.ts'
import type { FormatConversion } from '../../../src/domain/delivery-stream.ts'
import { framesOf, outcomeOf, type Batch, type OpenedEncoder } from './encoding.ts'
import { repeatsLog } from './repeats-log.ts'

const repeats = repeatsLog()
const layout = { judgedAfter: 1 }
const queries = vi.spyOn(DuckDBConnection.prototype, 'run')
let stagingPath = ''
let encoder: OpenedEncoder

beforeAll(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-proved-'))
  const options = { stagingPath, threads: 1, memoryLimitBytes: 256 << 20, log: repeats.log }
  encoder = await openDuckdbEncoder({ ...options, layout })
})

afterAll(async () => {
  await encoder.close()
  await rm(stagingPath, { recursive: true })
  queries.mockRestore()
})

afterEach(repeats.expectNone)

const TYPES = ['boolean', 'tinyint', 'smallint', 'int', 'bigint', 'float', 'double', 'decimal(5,2)', 'decimal(38,10)', 'decimal(3,3)', 'decimal(9,0)', 'string', 'varchar(3)', 'char(4)', 'binary', 'date', 'timestamp'] // prettier-ignore

/** The edges of what some type takes, and what is near them. */
const EDGES = [
  'null', 'true', 'false', '"true"', '"FALSE"', '""', '" "', '"a"', '"grüße 😀"', '"null"', '"2026"', '"1970-01-01"',
  ...['0', '1', '9', '10', '99', '126', '127', '128', '129', '32766', '32767', '32768', '2139999999', '2140000000', '2147483647', '2147483648', '999999999', '1000000000', '1999999999', '9219999999999999999', '9220000000000000000', '9223372036854775807', '9223372036854775808', '999999999999999999', '123456789012345', '1234567890123456', '9007199254740993'].flatMap((n) => [n, `-${n}`, `"${n}"`, `"-${n}"`]),
  ...['0.0', '0.5', '0.10', '0.1', '1.10', '99.99', '999.99', '1000.00', '0.999', '0.0000001', '0.00000000000001', '0.0000000000000001', '0.00000000000000001', '16777217', '16777217.5', '0.30000001192092896', '3.4028235e38', '3.4028236e38', '1e2', '1E+5', '1e-7', '1e99', '1e-99', '1e100', '1.7976931348623157e308', '0e5', '0.30000000000000004', '123456789.123456789', '1234567.1234567', '00.5', '0.', '7.0'].flatMap((n) => [n, `-${n}`, `"${n}"`, `"-${n}"`]),
  ...['0000-01-01', '0001-01-01', '9999-12-31', '2024-02-29', '2023-02-29', '2000-02-29', '1900-02-29', '2026-02-28', '2026-02-30', '2026-04-30', '2026-04-31', '2026-12-31', '1969-12-31', '2026-13-01', '2026-1-2', '2026-00-10', '2026-10-00'].flatMap((day) => [
    `"${day}"`, `"${day} 00:00:00"`, `"${day} 23:59:59.999"`, `"${day}T12:30:00Z"`, `"${day}T23:59:59.9999995Z"`, `"${day} 01:02:03.123456"`, `"${day} 01:02:03.123456789"`, `"${day}T01:02:03.1Z"`, `"${day}T24:00:00Z"`, `"${day}T01:02:03"`,
  ]),
  ...['1', '99999999999', '100000000000', '253402300799', '253402300800', '999999999999', '1000000000000', '1535365805', '1535365805123', '99999999999999', '100000000000000', '253402300799999', '1535365805.5', '1.5e9', '01'].flatMap((n) => [n, `-${n}`, `"${n}"`]),
] // prettier-ignore

const nearby = fc.oneof(
  fc.stringMatching(/^"?-?[0-9]{1,20}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?"?$/),
  fc.stringMatching(
    /^"[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z?)?"$/,
  ),
  fc.stringMatching(/^"[ -!#-[\]-~]{0,8}"$/),
)

const isJson = (text: string): boolean => {
  try {
    return JSON.parse(text) !== undefined
  } catch {
    return false
  }
}

/** The edges and some hundred others; of those that are proved, three times as many as of all others. */
function valuesOf(form: string): { readonly values: readonly string[]; readonly proved: number } {
  const isProved = (value: string): boolean =>
    new RegExp(`^(?:${form})$`).test(Buffer.from(value).toString('latin1'))
  const all = [...EDGES, ...fc.sample(nearby, 200)].filter(isJson)
  const proved = all.filter(isProved)
  const others = all.filter((value) => !isProved(value)).slice(0, 120)
  const values = proved.slice(0, 40)
  for (let at = 0; at < Math.max(proved.length, 3 * others.length); at += 1) {
    values.push(proved[at % proved.length] ?? 'null')
    if (at % 3 === 0) values.push(others[at / 3] ?? 'null')
  }
  return { values, proved: values.filter(isProved).length }
}

/** Encodes quickly, with nothing judged, and exactly: the same comes of both. */
async function expectProved(batch: Batch, proved: number): Promise<void> {
  const options = { caseInsensitive: true, ...batch.options }
  const frames = framesOf(batch)
  const table = lineTable(
    typedColumns(
      batch.columns.map(([name, type]) => ({ name, type })),
      options,
    ),
    options,
    frames[0],
  )
  if (table === undefined) throw new Error('two columns are of one key')
  const judge = recordJudge(table, options, layout)
  const marks = frames.flatMap((frame) => [...judge(frame).marks])
  expect(marks.filter((mark) => mark === Mark.proved).length).toBe(proved)
  queries.mockClear()
  const { rows, failures } = await outcomeOf(encoder, batch)
  expect(queries.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('TABLE'))).toEqual([])
  const exactly = await outcomeOf(encoder, { ...batch, careful: true })
  const verdicts = (of: typeof failures): unknown =>
    of.map(({ ordinal, code, message }) => [ordinal, code, message])
  expect(rows).toEqual(exactly.rows)
  expect(verdicts(failures)).toEqual(verdicts(exactly.failures))
}

const RULES: readonly (readonly [string, Partial<FormatConversion>])[] = [
  ['OpenX', {}],
  ['OpenX, microseconds', { timestampUnit: 'micros' }],
  ['Hive', { hive: { timestampFormats: [] } }],
  ['Hive with millis', { hive: { timestampFormats: ['millis'] } }],
]

describe.each(RULES)('%s', (_, options) => {
  // OpenX takes no bytes.
  const types = options.hive === undefined ? TYPES.filter((type) => type !== 'binary') : TYPES
  const scalar = (name: string): ScalarType => {
    const [column] = typedColumns([{ name: 'c', type: name }], options)
    const type = column?.type ?? parseHiveType(name)
    if (isNested(type)) throw new Error(`${name} is nested`)
    return type
  }

  test.each(types)('%s in a column', async (type) => {
    const { values, proved } = valuesOf(provedForm(scalar(type), options.hive, true))
    expect(proved).toBeGreaterThan(100)
    const ends = ['', '\n', '\r\n', ' ']
    const records = values.map((value, n) => `{"c":${value}, "other":{"d":1.50}}${ends[n % 4] ?? ''}`)
    await expectProved({ columns: [['c', type]], records, options, recordsPerFrame: 2_000 }, proved)
  })

  test.each(types)('%s inside other values', async (type) => {
    const { values, proved } = valuesOf(provedForm(scalar(type), options.hive, false))
    const records = values.map((v) => `{"s":{"fooBar":${v}},"l":[${v},null,${v}],"m":{"k":${v}},"d":[{"f":${v},"g":[${v}],"h":{"x":${v},"y":${v}}}]}`) // prettier-ignore
    const columns = [
      ['s', `struct<foobar:${type}>`],
      ['l', `array<${type}>`],
      ['m', `map<string,${type}>`],
      ['d', `array<struct<f:${type},g:array<${type}>,h:map<string,${type}>>>`],
    ] as const
    await expectProved({ columns, records, options, recordsPerFrame: 2_000 }, proved)
  })
})

test.each([
  ['OpenX', {}],
  ['OpenX, microseconds', { timestampUnit: 'micros' }],
  ['Hive with millis', { hive: { timestampFormats: ['millis'] } }],
] as const)(
  '%s: timestamps that are numbers, in another spelling of their key',
  async (_, options: Partial<FormatConversion>) => {
    const { values, proved } = valuesOf(epochForm(options.hive))
    expect(proved).toBeGreaterThan(20)
    const records = values.map((value) => `{"createdAt":${value},"updated_at":"2026-01-02 03:04:05"}\n`)
    const columns = [
      ['createdat', 'timestamp'],
      ['updated_at', 'timestamp'],
    ] as const
    await expectProved({ columns, records, options, recordsPerFrame: 2_000 }, proved)
  },
)

test('keys of maps that would be folded, or that were not seen, are proved of none', async () => {
  const usual = Array.from({ length: 40 }, (_, n) => `{"m":{"a":${n},"b":null}}`)
  const others = ['{"m":{"A":1}}', '{"m":{"a":1,"a":2}}', '{"m":{"c":1}}', '{"m":{"b":1,"a":2}}', '{"m":{"é":1}}', '{"m":{"a":1,"A":2}}'] // prettier-ignore
  const records = [...usual, ...others, '{"m":{}}', '{"m":null}', '{}', '{"m":{"b":2}}']
  await expectProved({ columns: [['m', 'map<string,int>']], records }, 44)
  const capital = usual.flatMap((record) => [record, record.replace('"a"', '"A"')])
  const kept = { columns: [['m', 'map<string,int>']], records: capital, caseInsensitive: false } as const
  await expectProved({ ...kept, options: { caseInsensitive: false } }, 80)
})

test('a record whose keys are like those of metadata is proved beside its own', async () => {
  const columns = [['c', 'int']] as const
  const metadataColumns = [
    { field: 'sequenceNumber', name: 'seq' },
    { field: 'arrival', name: 'arr' },
  ] as const
  const records = Array.from({ length: 60 }, (_, n) => `{"c":${n},"m0":"x","m1":${n},"seq":"y","arr":0}`)
  const source = { shardId: 'shardId-0', records: [{ sequenceNumber: '42', subSequenceNumber: 0, partitionKey: 'k', arrivalMs: 1 }] } // prettier-ignore
  await expectProved({ columns, metadataColumns, records, sources: [source] }, 60)
})

test('escapes that would make a pattern too long are read exactly, and the others stay proved', async () => {
  const names = Array.from({ length: 60 }, (_, n) => `column_number_${n}`)
  const record = (n: number): string =>
    JSON.stringify(Object.fromEntries(names.map((name) => [name, n % 20 === 3 ? 'a\nb' : 'a'])))
  const records = Array.from({ length: 100 }, (_, n) => record(n))
  await expectProved({ columns: names.map((name) => [name, 'string'] as const), records }, 95)
})

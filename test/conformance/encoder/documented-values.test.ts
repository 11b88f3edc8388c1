/**
 * The tables of values in docs/firehose-compatibility.md are the specification: each line of them is a test of the exact
 * reader, and of both engines where the type is flat.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { plainWriter } from '../../../src/convert/duckdb/plain-json.ts'
import { openDuckdbEncoder } from '../../../src/convert/duckdb-encoder.ts'
import { unsupportedColumns } from '../../../src/convert/served-columns.ts'
import { isNested, parseHiveType, typedColumns, type ScalarType } from '../../../src/convert/hive-types.ts'
import { recordReader } from '../../../src/convert/json-record.ts'
import type { ConversionRules } from '../../../src/convert/json-rules.ts'
import { openParquetjsEncoder } from '../../../src/convert/parquetjs-encoder.ts'
import { REFUSED, acceptedText } from './accepted-text.ts'
import { documentedValues, type Documented, type SerDe } from './documented-values.ts'
import { outcomeOf, type OpenedEncoder } from './encoding.ts'

const rules: Readonly<Record<SerDe, ConversionRules>> = {
  OpenXJsonSerDe: { caseInsensitive: true },
  HiveJsonSerDe: { caseInsensitive: true, hive: { timestampFormats: [] } },
}

const serdes: readonly SerDe[] = ['OpenXJsonSerDe', 'HiveJsonSerDe']
const of = (serde: SerDe): readonly Documented[] => documentedValues.filter((each) => each.serde === serde)

describe.each(serdes)('%s', (serde) => {
  const taken = of(serde).filter(({ isRefused }) => isRefused === undefined)

  test.each(taken)('$type makes of $json what the page says', ({ type, json, value, verdict }) => {
    const columns = typedColumns([{ name: 'v', type }], rules[serde])
    const { rows, verdict: ours } = recordReader(columns, rules[serde])(Buffer.from(`{"v":${json}}`))
    const made = rows?.[0]?.[0]
    const write = plainWriter(parseHiveType(type))
    expect(ours ?? (made === null || made === undefined ? 'null' : write(made))).toEqual(verdict ?? value)
  })
})

test('a type that the page says is refused, is', () => {
  const refused = documentedValues.filter(({ isRefused }) => isRefused)
  expect(new Set(refused.map(({ type, serde }) => `${serde} ${type}`))).toEqual(
    new Set(['OpenXJsonSerDe binary']),
  )
  const table = { databaseName: 'd', tableName: 't', region: 'eu-west-1', versionId: 'LATEST' }
  const conversion = { ...rules.OpenXJsonSerDe, table, parquetCompression: 'SNAPPY' } as const
  expect(unsupportedColumns('duckdb', [{ name: 'v', type: 'binary' }], conversion)).toBe(
    'One or more columns have types that are not supported by org.openx.data.JsonSerDe',
  )
})

/** As the readers of Parquet files show a value. */
function shown(type: ScalarType, plain: string): string | null {
  if (plain === 'null') return null
  const text = plain.startsWith('"') ? (JSON.parse(plain) as string) : plain
  if (type.kind === 'timestamp') return String(Date.parse(text))
  if (type.kind === 'binary') return Buffer.from(text, 'base64').toString('hex')
  return text === '-0.0' ? '-0' : text
}

describe('both engines', () => {
  let stagingPath = ''
  const engines: OpenedEncoder[] = []

  beforeAll(async () => {
    stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-documented-'))
    const log = createLog('silent')
    engines.push(
      await openDuckdbEncoder({ stagingPath, threads: 1, memoryLimitBytes: 256 * 1024 * 1024, log }),
      await openParquetjsEncoder({ stagingPath, log }),
    )
  })

  afterAll(async () => {
    for (const engine of engines) await engine.close()
    await rm(stagingPath, { recursive: true })
  })

  const flat = [...new Set(documentedValues.map(({ type }) => type))].filter(
    (type) => !isNested(parseHiveType(type)),
  )

  test.each(flat.flatMap((type) => serdes.map((serde) => [type, serde] as const)))(
    'make of %s under %s what the page says',
    async (type, serde) => {
      const cases = of(serde).filter((each) => each.type === type && each.isRefused === undefined)
      if (cases.length === 0) return
      const columns = [['n', 'int'], ['v', type]] as const // prettier-ignore
      const records = cases.map(({ json }, index) => `{"n":${index},"v":${json}}`)
      const { caseInsensitive, ...options } = rules[serde]
      for (const engine of engines) {
        const { rows, failures } = await outcomeOf(engine, { columns, records, caseInsensitive, options })
        const made = new Map(rows.map(([n, value]) => [Number(n), value]))
        const failed = new Map(failures.map(({ ordinal, code, message }) => [ordinal, { code, message }]))
        const scalar = parseHiveType(type) as ScalarType
        expect(cases.map((_, index) => failed.get(index) ?? made.get(index))).toEqual(
          cases.map(({ value, verdict }) => verdict ?? shown(scalar, value ?? '')),
        )
      }
    },
  )

  test('keep microseconds where they are asked to, of records and of metadata', async () => {
    const batch = {
      columns: [['at', 'timestamp']] as const,
      records: [
        '{"at":"2018-08-27T10:30:05.123456789Z"}',
        '{"at":-0.0000015}',
        '{"at":"0001-01-01 00:00:00"}',
      ],
      metadataColumns: [{ field: 'arrival', name: 'arrived' }] as const,
      sources: [
        { shardId: 's', records: [{ sequenceNumber: '1', partitionKey: 'p', arrivalMs: 1_535_365_805_123 }] },
      ],
      options: { timestampUnit: 'micros' } as const,
    }
    for (const engine of engines) {
      const { rows } = await outcomeOf(engine, batch)
      expect(rows).toEqual([
        ['1535365805123456', '1535365805123000'],
        ['-2', '1535365805123000'],
        ['-62135596800000000', '1535365805123000'],
      ])
    }
  })
})

test('the page and the longer table of accepted text say the same of what both hold', () => {
  const longer = new Map(
    Object.entries(acceptedText).flatMap(([type, cases]) =>
      cases.map(([json, value]) => [`${type} ${json}`, value] as const),
    ),
  )
  const both = of('OpenXJsonSerDe').filter(({ type, json }) => longer.has(`${type} ${json}`))
  expect(both.length).toBeGreaterThan(40)
  for (const { type, json, value } of both) {
    const expected = longer.get(`${type} ${json}`)
    const ours = value === undefined ? REFUSED : shown(parseHiveType(type) as ScalarType, value)
    expect([type, json, ours]).toEqual([type, json, expected])
  }
})

test('the page has examples of every type, and so has the longer table of every flat one', () => {
  const kinds = (types: readonly string[]): Set<string> =>
    new Set(types.map((type) => parseHiveType(type).kind))
  const flat = [
    'boolean', 'tinyint', 'smallint', 'int', 'bigint', 'float', 'double', 'decimal', 'string', 'varchar', 'char', 'binary', 'date',
    'timestamp',
  ] // prettier-ignore
  expect(kinds(documentedValues.map(({ type }) => type))).toEqual(
    new Set([...flat, 'array', 'map', 'struct']),
  )
  expect(new Set([...kinds(Object.keys(acceptedText)), 'binary'])).toEqual(new Set(flat))
})

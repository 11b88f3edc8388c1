/**
 * The exact reader against the reference interpreter in test/support: whatever the schema, the rules and the record, the same
 * rows in the same plain forms, or the same verdict. Set HYDRANT_REFERENCE_RUNS for more, HYDRANT_REFERENCE_SEED to repeat.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainWriter } from '../../../src/convert/duckdb/plain-json.ts'
import { typedColumns } from '../../../src/convert/hive-types.ts'
import { recordReader } from '../../../src/convert/json-record.ts'
import { referenceOutcome, type ReferenceColumns, type ReferenceType } from '../../support/hive-reference.ts'
import { generatedCase, type GeneratedCase } from '../../support/hive-cases.ts'

const RUNS = Number(process.env['HYDRANT_REFERENCE_RUNS'] ?? 4_000)
const seed = process.env['HYDRANT_REFERENCE_SEED']

function outcome({ columns, rules, record }: GeneratedCase): unknown {
  const typed = typedColumns(
    columns.map(([name, type]) => ({ name, type: nameOf(type) })),
    rules,
  )
  const write = typed.map(({ type }) => plainWriter(type))
  const read = recordReader(typed, rules)
  // What one record was must not matter to the next.
  read(record.subarray(0, -2))
  const { rows, verdict } = read(record)
  if (verdict !== undefined) return [verdict.code, verdict.message]
  return rows.map((row) => row.map((value, index) => (value === null ? 'null' : write[index]?.(value))))
}

function nameOf(type: ReferenceType): string {
  if (typeof type === 'string') return type
  if ('array' in type) return `array<${nameOf(type.array)}>`
  if ('map' in type) return `map<${type.map[0]},${nameOf(type.map[1])}>`
  return `struct<${type.struct.map(([name, field]) => `${name}:${nameOf(field)}`).join(',')}>`
}

test.each(['OpenX', 'Hive'] as const)(
  '%s: rows and verdicts are those of the rules',
  { timeout: 300_000 },
  (serde) => {
    let rows = 0
    let refused = 0
    fc.assert(
      fc.property(generatedCase(serde), (generated) => {
        const expected = referenceOutcome(generated.columns, generated.rules, generated.record)
        expect(outcome(generated)).toEqual(expected)
        if (typeof expected[0] === 'string') refused += 1
        else rows += 1
      }),
      { numRuns: RUNS, ...(seed === undefined ? {} : { seed: Number(seed) }) },
    )
    // The generator is worth its time only while it meets both.
    expect(rows).toBeGreaterThan(RUNS / 5)
    expect(refused).toBeGreaterThan(RUNS / 5)
  },
)

test('the reference says what it is meant to', () => {
  const columns: ReferenceColumns = [
    ['a', { array: { struct: [['x', 'decimal(5,2)'], ['y', 'timestamp']] } }],
    ['m', { map: ['int', 'char(2)'] }],
  ] // prettier-ignore
  const record = Buffer.from('{"A":{"Y":1.5,"x":"1.005"},"m":{"1":"é","01":"z"}}')
  expect(referenceOutcome(columns, { caseInsensitive: true }, record)).toEqual([
    ['[{"x":"1.01","y":"1970-01-01T00:00:01.500Z"}]', '{"1":"é "}'],
  ])
  expect(referenceOutcome(columns, { caseInsensitive: false }, Buffer.from('{"m":[]}'))).toEqual([
    'DataFormatConversion.MalformedData',
    'Data does not match the schema. org.openx.data.jsonserde.json.JSONArray cannot be cast to org.openx.data.jsonserde.json.JSONObject',
  ])
})

test.each<readonly [text: string, read?: string]>([
  // By `millis`, and no number.
  ['9'.repeat(400)],
  [`-${'9'.repeat(400)}`],
  // Years that Joda-Time has and a timestamp has not: the format that reads them is the last word.
  ['100001'],
  ['-292275054'],
  ['292278993'],
  // A year that Joda-Time has not is milliseconds.
  ['292278994', '1970-01-04T09:11:18.994Z'],
  ['999999999', '1970-01-12T13:46:39.999Z'],
])('a moment that no clock has is the same to both: %s', (text, read) => {
  const columns: ReferenceColumns = [['t', 'timestamp']]
  const rules = { caseInsensitive: true, hive: { timestampFormats: ['yyyy', 'millis'] } }
  const record = Buffer.from(`{"t":"${text}"}`)
  const expected = referenceOutcome(columns, rules, record)
  if (read === undefined) expect(expected[0]).toBe('DataFormatConversion.MalformedData')
  else expect(expected).toEqual([[`"${read}"`]])
  expect(outcome({ columns, rules, record })).toEqual(expected)
})

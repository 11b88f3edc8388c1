/**
 * Two independent engines of one contract: whatever the records, their rows and verdicts are equal. Set
 * HYDRANT_DIFFERENTIAL_BATCHES for more than the default, HYDRANT_DIFFERENTIAL_SEED to repeat a run.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openDuckdbEncoder } from '../../../src/convert/duckdb-encoder.ts'
import { openParquetjsEncoder } from '../../../src/convert/parquetjs-encoder.ts'
import { outcomeOf, type Batch, type OpenedEncoder } from './encoding.ts'
import { nestedBatch } from './generated-nested.ts'
import { generatedBatch } from './generated-records.ts'
import { referenceRows } from './reference-rows.ts'
import { repeatsLog } from './repeats-log.ts'

const BATCHES = Number(process.env['HYDRANT_DIFFERENTIAL_BATCHES'] ?? 120)
const RECORDS_MAX = 80
const CASES_MIN = 2000

const repeats = repeatsLog()
let stagingPath = ''
/** Reads what is written as most records are without judging it. */
let duckdb: OpenedEncoder
/** Has DuckDB judge every record. */
let judging: OpenedEncoder
let js: OpenedEncoder

beforeAll(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-differential-'))
  const { log } = repeats
  const options = { stagingPath, threads: 1, memoryLimitBytes: 256 << 20, log }
  duckdb = await openDuckdbEncoder({ ...options, layout: { judgedAfter: RECORDS_MAX / 4 } })
  judging = await openDuckdbEncoder({ ...options, layout: { judgedAfter: Infinity } })
  js = await openParquetjsEncoder({ stagingPath, log })
})

afterAll(async () => {
  await duckdb.close()
  await judging.close()
  await js.close()
  await rm(stagingPath, { recursive: true })
})

afterEach(repeats.expectNone)

async function shown(encoder: OpenedEncoder, batch: Batch): Promise<unknown> {
  const { rows, failures } = await outcomeOf(encoder, batch)
  return { rows, verdicts: failures.map(({ ordinal, code, message }) => [ordinal, code, message]) }
}

const runs = (batches: number): { numRuns: number; seed?: number } => {
  const seed = process.env['HYDRANT_DIFFERENTIAL_SEED']
  return { numRuns: batches, ...(seed === undefined ? {} : { seed: Number(seed) }) }
}

test(
  'both engines make the same rows and the same verdicts of the same records',
  { timeout: 600_000 },
  async () => {
    let cases = 0
    await fc.assert(
      fc.asyncProperty(generatedBatch(RECORDS_MAX), async (batch) => {
        cases += batch.records.length
        const expected = await shown(js, batch)
        expect(await shown(duckdb, batch)).toEqual(expected)
        expect(await shown(judging, batch)).toEqual(expected)
      }),
      runs(BATCHES),
    )
    expect(cases).toBeGreaterThanOrEqual(Math.min(CASES_MIN, BATCHES * 10))
  },
)

test('numbers too large for a map of floats are refused by both paths', async () => {
  const records = ['{"d":{"a":1e400}}', '{"d":{"a":-1e400,"b":1}}', `{"d":{"a":${'9'.repeat(310)}}}`, '{"f":{"a":1e39}}', '{"f":{"a":3.5e38,"b":null}}', '{"d":{"a":1e300},"f":{"a":3.4e38}}'] // prettier-ignore
  const columns = [['d', 'map<string,double>'], ['f', 'map<string,float>']] as const // prettier-ignore
  const batch = { columns, records: [...records, ...records] }
  const { rows, failures } = await outcomeOf(duckdb, batch)
  expect([rows.length, failures.map(({ ordinal }) => ordinal)]).toEqual([2, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]])
  expect(await shown(duckdb, batch)).toEqual(await shown(duckdb, { ...batch, careful: true }))
})

test('records that are cut short beside others with escapes are no reason to repeat a conversion', async () => {
  const whole = JSON.stringify({ id: 7, text: 'line one\nline two', nested: { a: ['x\ny'] } })
  const records = Array.from({ length: whole.length * 3 }, (_, n) =>
    n % 3 === 1 ? whole.slice(0, Math.floor(n / 3)) : whole,
  )
  const columns = [['id', 'int'], ['text', 'string'], ['nested', 'struct<a:array<string>>']] as const // prettier-ignore
  const batch = { columns, records }
  const expected = await shown(judging, { ...batch, careful: true })
  expect(await shown(judging, batch)).toEqual(expected)
  expect(await shown(duckdb, batch)).toEqual(expected)
})

test(
  'nested columns: the quick path, the careful path and the reference make the same rows and verdicts',
  { timeout: 3_600_000 },
  async () => {
    let cases = 0
    await fc.assert(
      fc.asyncProperty(nestedBatch(RECORDS_MAX), async ({ options, ...batch }) => {
        cases += batch.records.length
        const expected = referenceRows({ options, ...batch })
        const quick = { ...batch, caseInsensitive: options.caseInsensitive, options }
        expect(await shown(duckdb, quick)).toEqual(expected)
        expect(await shown(judging, quick)).toEqual(expected)
        expect(await shown(duckdb, { ...quick, careful: true })).toEqual(expected)
      }),
      runs(BATCHES),
    )
    expect(cases).toBeGreaterThanOrEqual(Math.min(CASES_MIN, BATCHES * 10))
  },
)

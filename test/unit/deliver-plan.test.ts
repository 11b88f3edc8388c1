/** D5: a plan has one digest, wherever it was read back from. */
import { expect, test } from 'vitest'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { EncoderError } from '../../src/domain/errors.ts'
import type { PlannedEngine } from '../../src/domain/ports.ts'
import { makePlan, planDigest } from '../../src/deliver/plan.ts'

const stream = {
  name: 'orders',
  version: 3,
  destination: {
    bucket: 'lake',
    prefix: 'orders/',
    errorOutputPrefix: '',
    compression: 'UNCOMPRESSED',
    conversion: {
      table: { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' },
      caseInsensitive: true,
      parquetCompression: 'SNAPPY',
    },
  },
} as unknown as DeliveryStream

const columns = () => Promise.resolve([{ name: 'order_id', type: 'string' }])
const queryLimits = { queryMaxMs: 5_000, queryOutputMaxBytes: 1 << 24 }
const limits = { maxPartitions: 5_000, queryLimits }
const engine: PlannedEngine = { engine: 'duckdb', version: '1.5.5', checkColumns: () => {} }

test('a converting stream plans the engine, its version and the columns of its table', async () => {
  const plan = await makePlan(stream, columns, engine, limits)
  expect(plan).toMatchObject({
    version: 3,
    engine: 'duckdb',
    engineVersion: '1.5.5',
    columns: [{ name: 'order_id' }],
  })
})

test('what cannot be converted to is never planned: the batch waits for its table to be corrected', async () => {
  const refusing: PlannedEngine = {
    ...engine,
    checkColumns(found, conversion) {
      expect([found, conversion]).toEqual([
        [{ name: 'order_id', type: 'string' }],
        stream.destination.conversion,
      ])
      throw new EncoderError('not this table', { code: 'DataFormatConversion.InvalidSchema' })
    },
  }
  await expect(makePlan(stream, columns, refusing, limits)).rejects.toThrow('not this table')
  const { conversion: _conversion, ...destination } = stream.destination
  expect(await makePlan({ ...stream, destination }, columns, refusing, limits)).toMatchObject({
    engine: 'raw',
  })
})

test('what processes or partitions records is planned by its version, and partitions with how many there may be', async () => {
  const { conversion: _conversion, ...destination } = stream.destination
  const plan = (added: object, maxPartitions = 5_000) =>
    makePlan({ ...stream, destination: { ...destination, ...added } }, columns, engine, {
      ...limits,
      maxPartitions,
    })
  expect(await plan({ processing: { appendDelimiter: true } })).toEqual({
    version: 3,
    destination: { ...destination, processing: { appendDelimiter: true } },
    engine: 'raw',
    engineVersion: '1',
    processorsVersion: '2',
  })
  const partitioning = { query: '{a}', objectBytes: 64 }
  expect(await plan({ partitioning })).toMatchObject({
    processorsVersion: '2',
    maxPartitions: 5_000,
    queryLimits,
  })
  expect(await plan({ partitioning: { objectBytes: 64 } })).not.toHaveProperty('queryLimits')
  expect(await plan({ partitioning }, 0)).toMatchObject({ maxPartitions: 0 })
  const converting = await makePlan(
    { ...stream, destination: { ...stream.destination, partitioning } },
    columns,
    engine,
    { ...limits, maxPartitions: 7 },
  )
  expect(converting).toMatchObject({
    engine: 'duckdb',
    processorsVersion: '2',
    maxPartitions: 7,
  })
})

test('a stream without conversion plans raw delivery and asks no catalog', async () => {
  const { conversion: _conversion, ...destination } = stream.destination
  const plan = await makePlan(
    { ...stream, destination },
    () => Promise.reject(new Error('asked')),
    engine,
    limits,
  )
  expect(plan).toMatchObject({ engine: 'raw' })
  expect(plan.columns).toBeUndefined()
})

test('the digest does not depend on the order of keys, and changes with any value', async () => {
  const plan = await makePlan(stream, columns, engine, limits)
  const reordered = Object.fromEntries(Object.entries(plan).toReversed()) as unknown as typeof plan
  expect(planDigest(JSON.parse(JSON.stringify(reordered)) as typeof plan)).toBe(planDigest(plan))
  expect(planDigest({ ...plan, version: 4 })).not.toBe(planDigest(plan))
  expect(planDigest(plan)).toMatch(/^[0-9a-f]{64}$/)
})

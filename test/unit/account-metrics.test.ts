import { expect, test } from 'vitest'
import { Metrics, metricsTable } from '../../src/account/metrics.ts'

test('every metric says in its name what it counts, in base units', () => {
  for (const [name, { kind }] of Object.entries(metricsTable)) {
    expect(name).toMatch(/^hydrant_[a-z_]+$/)
    expect(name.endsWith('_total')).toBe(kind === 'counter')
    if (kind === 'histogram') expect(name).toMatch(/_seconds$/)
  }
})

test('value sums the samples that carry the wanted labels', async () => {
  const metrics = new Metrics()
  metrics.count('hydrant_requests_total', { operation: 'PutRecord', result: 'ok' }, 3)
  metrics.count('hydrant_requests_total', { operation: 'PutRecord', result: 'ServiceUnavailableException' })
  metrics.count('hydrant_requests_total', { operation: 'PutRecordBatch', result: 'ok' })
  expect(await metrics.value('hydrant_requests_total')).toBe(5)
  expect(await metrics.value('hydrant_requests_total', { operation: 'PutRecord' })).toBe(4)
  expect(await metrics.value('hydrant_requests_total', { operation: 'PutRecord', result: 'ok' })).toBe(3)
})

test('two sets of metrics in one process do not mix', async () => {
  const [one, other] = [new Metrics(), new Metrics()]
  one.count('hydrant_rows_total', { delivery_stream: 'a' })
  expect(await other.value('hydrant_rows_total')).toBe(0)
})

test('the process shows its own memory and processor time when it is asked to', async () => {
  const metrics = new Metrics()
  expect(await metrics.exposition()).not.toContain('process_cpu_seconds_total')
  metrics.includeProcess()
  expect(await metrics.exposition()).toContain('process_cpu_seconds_total')
})

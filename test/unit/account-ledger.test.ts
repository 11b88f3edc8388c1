import { expect, test } from 'vitest'
import { exportLedger } from '../../src/account/ledger.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import type { Totals } from '../../src/domain/outcome.ts'

const totals: Totals = {
  accepted: 100,
  delivered: 60,
  failed: 8,
  dropped: 2,
  pending: 30,
  rows: 61,
  acceptedBytes: 19_000,
  pendingBytes: 5_700,
  sealedBatches: 3,
  quarantinedBatches: 1,
  oldestPendingAgeMs: 4_500,
}

function open() {
  const metrics = new Metrics()
  const kept = new Map<string, Totals>([['orders', totals]])
  const errors: unknown[] = []
  let broken: Error | undefined
  exportLedger({
    metrics,
    onError: (error) => errors.push(error),
    registry: {
      list: () =>
        broken === undefined
          ? Promise.resolve([...kept.keys()].map((name) => ({ name, incarnation: '0' }) as DeliveryStream))
          : Promise.reject(broken),
    },
    buffer: { totals: ({ name }) => Promise.resolve(kept.get(name)) },
  })
  return { metrics, kept, errors, fail: (error: Error | undefined) => (broken = error) }
}

test('G3: the exposition shows the ledger as the store has it', async () => {
  const { metrics } = open()
  const lines = (await metrics.exposition()).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'hydrant_ledger_records{delivery_stream="orders",state="accepted"} 100',
      'hydrant_ledger_records{delivery_stream="orders",state="delivered"} 60',
      'hydrant_ledger_records{delivery_stream="orders",state="failed"} 8',
      'hydrant_ledger_records{delivery_stream="orders",state="dropped"} 2',
      'hydrant_ledger_records{delivery_stream="orders",state="pending"} 30',
      'hydrant_pending_bytes{delivery_stream="orders"} 5700',
      'hydrant_sealed_batches{delivery_stream="orders"} 3',
      'hydrant_quarantined_batches{delivery_stream="orders"} 1',
      'hydrant_data_freshness_seconds{delivery_stream="orders"} 4.5',
      'hydrant_ledger_readable 1',
    ]),
  )
})

test('a deleted delivery stream leaves the exposition', async () => {
  const { metrics, kept } = open()
  expect(await metrics.exposition()).toContain('delivery_stream="orders"')
  kept.clear()
  expect(await metrics.exposition()).not.toContain('delivery_stream="orders"')
})

test('a store that cannot be read costs the ledger, not the exposition, and the error is passed on', async () => {
  const { metrics, errors, fail } = open()
  await metrics.exposition()
  fail(new Error('list delivery streams: connection refused'))
  metrics.count('hydrant_rows_total', { delivery_stream: 'orders' }, 7)
  const exposition = await metrics.exposition()
  expect(exposition).toContain('hydrant_ledger_readable 0')
  expect(exposition).not.toContain('hydrant_ledger_records{')
  expect(exposition).toContain('hydrant_rows_total{delivery_stream="orders"} 7')
  expect(errors).toHaveLength(1)
  fail(undefined)
  expect(await metrics.exposition()).toContain('hydrant_ledger_readable 1')
})

/**
 * The ledger as metrics: what the store has counted for each delivery stream, read anew for each exposition. Every process
 * shows the same figures, so a query takes their maximum, not their sum.
 */
import type { Totals } from '../domain/outcome.ts'
import type { Buffer, Registry } from '../domain/ports.ts'
import type { MetricName, Metrics } from './metrics.ts'

export interface LedgerSources {
  readonly registry: Pick<Registry, 'list'>
  readonly buffer: Pick<Buffer, 'totals'>
  readonly metrics: Metrics
  /** The store could not be read; the exposition goes on without the ledger, and says so. */
  readonly onError: (error: unknown) => void
}

const ledgerGauges = [
  'hydrant_ledger_records',
  'hydrant_pending_bytes',
  'hydrant_sealed_batches',
  'hydrant_quarantined_batches',
  'hydrant_data_freshness_seconds',
] as const satisfies readonly MetricName[]

export function exportLedger({ registry, buffer, metrics, onError }: LedgerSources): void {
  const read = async (): Promise<readonly (readonly [string, Totals])[]> => {
    const streams = await registry.list()
    const all = await Promise.all(
      streams.map(async (stream) => [stream.name, await buffer.totals(stream)] as const),
    )
    return all.flatMap(([name, totals]) => (totals === undefined ? [] : [[name, totals] as const]))
  }
  metrics.onCollect(async () => {
    try {
      const ledger = await read()
      for (const gauge of ledgerGauges) metrics.reset(gauge)
      for (const [name, totals] of ledger) setLedger(metrics, name, totals)
      metrics.set('hydrant_ledger_readable', {}, 1)
    } catch (error) {
      for (const gauge of ledgerGauges) metrics.reset(gauge)
      metrics.set('hydrant_ledger_readable', {}, 0)
      onError(error)
    }
  })
}

function setLedger(metrics: Metrics, stream: string, totals: Totals): void {
  const labels = { delivery_stream: stream }
  for (const state of ['accepted', 'delivered', 'failed', 'dropped', 'pending'] as const) {
    metrics.set('hydrant_ledger_records', { ...labels, state }, totals[state])
  }
  metrics.set('hydrant_pending_bytes', labels, totals.pendingBytes)
  metrics.set('hydrant_sealed_batches', labels, totals.sealedBatches)
  metrics.set('hydrant_quarantined_batches', labels, totals.quarantinedBatches)
  metrics.set('hydrant_data_freshness_seconds', labels, (totals.oldestPendingAgeMs ?? 0) / 1000)
}

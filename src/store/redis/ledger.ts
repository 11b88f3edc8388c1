/** The ledger of a stream: its counters, read in one step. */
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { Totals } from '../../domain/outcome.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { scripts } from './scripts.ts'

export async function readTotals(
  connection: Connection,
  keys: Keys,
  stream: StreamRef,
  now: () => number,
): Promise<Totals | undefined> {
  const { base, stream: hash, sealed, quarantined } = keys.stream(stream)
  const doing = `read totals of ${stream.name}`
  const answer = await connection.script(doing, scripts.totals, [hash, sealed, quarantined], [base])
  const values = answer as readonly string[]
  if (values.length === 0) return undefined
  const number = (index: number): number => Number(values[index])
  const oldest = values[10]
  return {
    accepted: number(0),
    delivered: number(1),
    failed: number(2),
    dropped: number(3),
    pending: number(4),
    rows: number(5),
    acceptedBytes: number(6),
    pendingBytes: number(7),
    sealedBatches: number(8),
    quarantinedBatches: number(9),
    oldestPendingAgeMs:
      oldest === undefined || oldest === '' ? undefined : Math.max(0, now() - Number(oldest)),
  }
}

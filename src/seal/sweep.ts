/**
 * The sweep: what a crash may have left half done is done again. Sealed batches without a job get one, deletions that were
 * interrupted go on, and a stream whose oldest record has waited past the retention raises an alarm (nothing is dropped).
 */
import type { Log } from '../account/log.ts'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import type { Clock, Dispatch, Store } from '../domain/ports.ts'
import { startLoop, type Loop } from '../runtime/loop.ts'

export interface SweepOptions {
  readonly store: Pick<Store, 'buffer' | 'registry' | 'leases'>
  readonly dispatch: Dispatch
  readonly clock: Clock
  readonly log: Log
  /** Age from which an undelivered record is an alarm. */
  readonly retentionMs: number
  readonly everyMs?: number
}

const ALARM_EVERY_MS = 600_000

export function startSweep(options: SweepOptions): Loop {
  const { store, clock, log, everyMs = 5_000 } = options
  const alarmedAtMs = new Map<string, number>()
  return startLoop({
    everyMs,
    clock,
    onError: (err) => log.warn({ err }, 'sweep failed and tries on'),
    onRecovery: () => log.info('sweep works again'),
    round: async (signal) => {
      if ((await store.leases.acquire('sweep', everyMs * 2)) === undefined) return
      for (const stream of await store.registry.list()) {
        if (signal.aborted) return
        await sweepStream(options, stream, alarmedAtMs)
      }
    },
  })
}

async function sweepStream(
  { store, dispatch, clock, log, retentionMs }: SweepOptions,
  stream: DeliveryStream,
  alarmedAtMs: Map<string, number>,
): Promise<void> {
  if (stream.status === 'DELETING') {
    const totals = await store.registry.remove(stream)
    if (totals !== undefined) log.info({ deliveryStream: stream.name, totals }, 'delivery stream removed')
    return
  }
  await dispatch(stream)
  const totals = await store.buffer.totals(stream)
  const ageMs = totals?.oldestPendingAgeMs
  if (totals === undefined || ageMs === undefined) return
  if (ageMs < retentionMs || clock.monotonicMs() < (alarmedAtMs.get(stream.incarnation) ?? -Infinity)) return
  alarmedAtMs.set(stream.incarnation, clock.monotonicMs() + ALARM_EVERY_MS)
  log.error(
    {
      deliveryStream: stream.name,
      ageMs,
      retentionMs,
      pendingRecords: totals.pending,
      hint: 'nothing is dropped; mend the destination named in the delivery warnings, or delete the stream to drop its records',
    },
    'records waited past the retention',
  )
}

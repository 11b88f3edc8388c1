/**
 * The sealer: seals open batches that have reached their age.
 *
 * Every delivery process runs one; the holder of a lease does the work. The lease only saves work: two sealers at once are
 * harmless, because sealing is atomic and one of them wins. Due times are hints that a crash may lose, so the holder asks
 * every stream now and then.
 */
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import type { StreamRef } from '../domain/delivery-stream.ts'
import type { Clock, Dispatch, Store } from '../domain/ports.ts'
import { startLoop, type Loop } from '../runtime/loop.ts'

export interface SealerOptions {
  readonly store: Pick<Store, 'buffer' | 'registry' | 'leases'>
  readonly dispatch: Dispatch
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  /** How late an interval may be noticed. */
  readonly pollMs?: number
  readonly leaseMs?: number
  /** Every stream is asked this often, whatever the hints say. */
  readonly scanEveryMs?: number
}

export function startSealer(options: SealerOptions): Loop {
  const { store, clock, log, pollMs = 100, leaseMs = 3_000, scanEveryMs = 30_000 } = options
  let renewAtMs = -Infinity
  let scanAtMs = -Infinity
  let holds = false

  const holdsLease = async (): Promise<boolean> => {
    if (clock.monotonicMs() < renewAtMs) return holds
    const held = (await store.leases.acquire('sealer', leaseMs)) !== undefined
    renewAtMs = clock.monotonicMs() + leaseMs / 3
    if (held && !holds) {
      log.info('sealer lease acquired')
      scanAtMs = -Infinity
    }
    holds = held
    return holds
  }

  return startLoop({
    everyMs: pollMs,
    clock,
    onError: (err) => log.warn({ err }, 'sealer failed and tries on'),
    onRecovery: () => {
      // The store may have come back without its hints.
      scanAtMs = -Infinity
      log.info('sealer works again')
    },
    round: async () => {
      if (!(await holdsLease())) return
      let streams: readonly StreamRef[]
      if (clock.monotonicMs() >= scanAtMs) {
        streams = (await store.registry.list()).filter((stream) => stream.status === 'ACTIVE')
        scanAtMs = clock.monotonicMs() + scanEveryMs
      } else {
        streams = await store.buffer.due()
      }
      for (const stream of streams) await sealStream(options, stream)
    },
  })
}

async function sealStream(
  { store, dispatch, metrics, log }: SealerOptions,
  stream: StreamRef,
): Promise<void> {
  const sealed = await store.buffer.sealDue(stream)
  if (sealed.kind !== 'sealed') return
  metrics.count('hydrant_sealed_batches_total', { delivery_stream: stream.name, trigger: 'interval' })
  log.info(
    { deliveryStream: stream.name, batchId: sealed.batch.batchId, trigger: 'interval' },
    'batch sealed',
  )
  await dispatch(stream)
}

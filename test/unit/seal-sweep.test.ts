/** Defends G1: batches without a job get one, interrupted deletions go on, old records raise an alarm. */
import { afterEach, expect, test } from 'vitest'
import type { Log } from '../../src/account/log.ts'
import type { Totals } from '../../src/domain/outcome.ts'
import type { Store } from '../../src/domain/ports.ts'
import type { Loop } from '../../src/runtime/loop.ts'
import { startSweep } from '../../src/seal/sweep.ts'
import { FakeClock } from '../support/fake-clock.ts'

let running: Loop | undefined
let clock: FakeClock
afterEach(async () => {
  const stopped = running?.stop()
  await clock.advance(1)
  await stopped
})

function totals(oldestPendingAgeMs: number): Totals {
  return {
    accepted: 5,
    delivered: 0,
    failed: 0,
    dropped: 0,
    pending: 5,
    rows: 0,
    acceptedBytes: 50,
    pendingBytes: 50,
    sealedBatches: 1,
    quarantinedBatches: 0,
    oldestPendingAgeMs,
  }
}

function start(streams: { name: string; status: string }[], ageMs: number) {
  clock = new FakeClock()
  const seen = { dispatched: [] as string[], removed: [] as string[], alarms: [] as string[] }
  const store = {
    leases: { acquire: () => Promise.resolve({ name: 'sweep', counter: 1 }) },
    registry: {
      list: () => Promise.resolve(streams.map((stream) => ({ ...stream, incarnation: `${stream.name}-1` }))),
      remove: (stream: { name: string }) => {
        seen.removed.push(stream.name)
        return Promise.resolve(undefined)
      },
    },
    buffer: { totals: () => Promise.resolve(totals(ageMs)) },
  } as unknown as Store
  running = startSweep({
    store,
    clock,
    retentionMs: 24 * 3_600_000,
    dispatch: (stream) => {
      seen.dispatched.push(stream.name)
      return Promise.resolve()
    },
    log: {
      error: (fields: { deliveryStream: string }) => seen.alarms.push(fields.deliveryStream),
      info: () => undefined,
      warn: () => undefined,
    } as unknown as Log,
  })
  return seen
}

test('every active stream is dispatched and a stream left DELETING is removed', async () => {
  const seen = start(
    [
      { name: 'orders', status: 'ACTIVE' },
      { name: 'old', status: 'DELETING' },
    ],
    1_000,
  )
  await clock.advance(10)
  expect(seen).toEqual({ dispatched: ['orders'], removed: ['old'], alarms: [] })
})

test('records past the retention raise an alarm, at most every ten minutes, and are kept', async () => {
  const seen = start([{ name: 'orders', status: 'ACTIVE' }], 25 * 3_600_000)
  await clock.advance(60_000)
  expect(seen.alarms).toEqual(['orders'])
  expect(seen.removed).toEqual([])
  await clock.advance(600_000)
  expect(seen.alarms).toEqual(['orders', 'orders'])
})

/** The main job, measured: records in by PutRecordBatch, rows landed as Parquet, CPU and memory of every process. */
import { setTimeout as wait } from 'node:timers/promises'
import { install, STREAM, type Installation, type Shape } from './installation.ts'
import type { LoadReport } from './load.ts'
import type { Usage } from './meter.ts'

export interface EndToEnd {
  readonly load: LoadReport
  /** Landed while the load ran, per second of it. */
  readonly landedPerSecond: number
  /** Everything landed, per second from the first put until nothing was pending. */
  readonly drainedPerSecond: number
  readonly landed: number
  readonly usage: Record<string, Usage>
}

const DRAIN_MAX_MS = 180_000

export const landedBy = async ({ delivery }: Installation): Promise<number> =>
  (await delivery.metric('hydrant_delivered_records_total')) +
  (await delivery.metric('hydrant_failed_records_total'))

const pendingAt = ({ delivery }: Installation): Promise<number> =>
  delivery.metric('hydrant_ledger_records', { delivery_stream: STREAM, state: 'pending' })

export async function untilDrained(installation: Installation): Promise<void> {
  const endMs = performance.now() + DRAIN_MAX_MS
  while ((await pendingAt(installation)) > 0) {
    if (performance.now() > endMs) throw new Error('the buffer was not drained in time')
    await wait(100)
  }
}

/** Full speed for `seconds`. */
export async function endToEnd(shape: Shape, seconds: number, signed = false): Promise<EndToEnd> {
  const installation = await install({
    shape,
    signed,
    sizeInMBs: 128,
    intervalInSeconds: 5,
    buckets: ['lake'],
  })
  try {
    await installation.load({
      operation: 'PutRecordBatch',
      connections: 4,
      seconds: 3,
      records: 500,
      badShare: 0.01,
    })
    await untilDrained(installation)
    const before = await landedBy(installation)
    const meters = installation.measure()
    const startMs = performance.now()
    const load = await installation.load({
      operation: 'PutRecordBatch',
      connections: 8,
      seconds,
      records: 500,
      badShare: 0.01,
    })
    const during = (await landedBy(installation)) - before
    await untilDrained(installation)
    const drainedSeconds = (performance.now() - startMs) / 1000
    const landed = (await landedBy(installation)) - before
    if (landed !== load.records)
      throw new Error(`${load.records} records were acknowledged, ${landed} landed`)
    return {
      load,
      landedPerSecond: during / load.seconds,
      drainedPerSecond: landed / drainedSeconds,
      landed,
      usage: meters.read(),
    }
  } finally {
    await installation.close()
  }
}

/** PutRecord, one record a call. */
export async function putRecord(shape: Shape, seconds: number, signed = false): Promise<LoadReport> {
  const installation = await install({
    shape,
    signed,
    sizeInMBs: 128,
    intervalInSeconds: 5,
    buckets: ['lake'],
  })
  try {
    await installation.load({ operation: 'PutRecord', connections: 64, seconds: 2, records: 1, badShare: 0 })
    return await installation.load({
      operation: 'PutRecord',
      connections: 64,
      seconds,
      records: 1,
      badShare: 0,
    })
  } finally {
    await installation.close()
  }
}

/** The bucket is missing until `backlogBytes` of records wait; then it is made, and everything lands. */
export async function backlog(
  shape: Shape,
  backlogBytes: number,
): Promise<{ seconds: number; usage: Record<string, Usage> }> {
  const installation = await install({
    shape,
    sizeInMBs: 128,
    intervalInSeconds: 5,
    buckets: ['other'],
    maxBytes: '8GiB',
  })
  try {
    const meters = installation.measure()
    const pendingBytes = (): Promise<number> =>
      installation.delivery.metric('hydrant_pending_bytes', { delivery_stream: STREAM })
    while ((await pendingBytes()) < backlogBytes) {
      await installation.load({
        operation: 'PutRecordBatch',
        connections: 8,
        seconds: 5,
        records: 500,
        badShare: 0.01,
      })
    }
    const startMs = performance.now()
    await fetch(`http://127.0.0.1:${installation.s3Port}/lake`, {
      method: 'PUT',
      headers: { authorization: 'AWS4-HMAC-SHA256 bench' },
    })
    await untilDrained(installation)
    return { seconds: (performance.now() - startMs) / 1000, usage: meters.read() }
  } finally {
    await installation.close()
  }
}

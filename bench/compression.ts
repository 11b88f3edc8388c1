/** Delivery without conversion, in each format of compression: from frames to a staged object. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { openRawEncoder } from '../src/convert/raw.ts'
import type { Compression } from '../src/domain/delivery-stream.ts'
import { RAW } from '../src/domain/plan.ts'
import type { EncodeInput, Encoder } from '../src/domain/ports.ts'
import { inputOf, orderFrames } from './convert.ts'

const MIB = 1024 ** 2
/** About 128 MiB of orders, the largest batch of AWS. */
const RECORDS = 700_000
const RUNS = 5
const formats: readonly Compression[] = ['UNCOMPRESSED', 'GZIP', 'ZIP', 'Snappy', 'HADOOP_SNAPPY']

interface CompressionRun {
  readonly mibPerSecond: number
  readonly cpuSeconds: number
  /** Time that the event loop was at work for it. */
  readonly loopSeconds: number
  /** How late the event loop came, 99 of 100 times. */
  readonly loopLateMs: number
  /** Bytes of the object for each byte of the records. */
  readonly ratio: number
}

/** Every format by turns, after a round that warms up. */
export async function benchCompression(): Promise<ReadonlyMap<Compression, readonly CompressionRun[]>> {
  const stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-bench-'))
  const encoder = await openRawEncoder({ stagingPath })
  try {
    const { plan, ...input } = inputOf(orderFrames(false, RECORDS), [])
    const runs = new Map<Compression, readonly CompressionRun[]>()
    for (let round = 0; round <= RUNS; round += 1) {
      for (const compression of formats) {
        const destination = { ...plan.destination, compression }
        const run = await encodeOnce(encoder, { ...input, plan: { ...plan, ...RAW, destination } })
        if (round > 0) runs.set(compression, [...(runs.get(compression) ?? []), run])
      }
    }
    return runs
  } finally {
    await encoder.close()
    await rm(stagingPath, { recursive: true })
  }
}

async function encodeOnce(encoder: Encoder, input: EncodeInput): Promise<CompressionRun> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const loop = performance.eventLoopUtilization()
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  delay.enable()
  const encoded = await encoder.encode(input)
  delay.disable()
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const { active } = performance.eventLoopUtilization(loop)
  const body = encoded.objects[0]?.body
  await encoded.dispose()
  if (body?.path === undefined || encoded.rows !== input.batch.records)
    throw new Error(`bench compression: ${encoded.rows} records in no file`)
  return {
    mibPerSecond: input.batch.bytes / MIB / seconds,
    cpuSeconds: (user + system) / 1e6,
    loopSeconds: active / 1000,
    loopLateMs: delay.percentile(99) / 1e6 - 1,
    ratio: body.length / input.batch.bytes,
  }
}

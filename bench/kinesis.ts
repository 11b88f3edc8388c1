/** A data stream as the source, measured: prebuilt answers of GetRecords in, records landed as Parquet, CPU of every process. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { FakeKinesisCost } from '../test/support/fake-kinesis.ts'
import { landedBy, untilDrained } from './end-to-end.ts'
import {
  firstLine,
  install,
  script,
  type FakeDataStream,
  type Installation,
  type Shape,
} from './installation.ts'
import { Meter, type Usage } from './meter.ts'

const WITHIN_MS = 300_000
/** What AWS allows is raised: the fake limits nothing. */
const UNLIMITED = { shardBytesPerSecond: '1GiB', readsPerSecond: 100 }
const METADATA_COLUMNS = {
  shardId: 'shard_id',
  sequenceNumber: 'sequence_number',
  subSequenceNumber: 'sub_sequence_number',
  partitionKey: 'partition_key',
  arrival: 'arrived_at',
}

export interface KinesisRun {
  readonly records: number
  readonly seconds: number
  readonly usage: Record<string, Usage>
}

interface FakeOptions {
  readonly shards: number
  readonly recordsPerShard: number
  readonly recordsPerSecond?: number
  readonly recordsPerAnswer?: number
  readonly paddingBytes?: number
}

class FakeProcess {
  readonly child: ChildProcess
  readonly port: number
  readonly arn: string

  private constructor(child: ChildProcess, { port, arn }: { port: number; arn: string }) {
    this.child = child
    this.port = port
    this.arn = arn
  }

  static async start(options: FakeOptions): Promise<FakeProcess> {
    const { shards, recordsPerShard, recordsPerSecond, recordsPerAnswer = 10_000, paddingBytes = 0 } = options
    const rate = recordsPerSecond === undefined ? [] : ['--rate', String(recordsPerSecond)]
    const size = ['--shards', String(shards), '--records', String(recordsPerShard), '--held']
    const form = ['--answer', String(recordsPerAnswer), '--padding', String(paddingBytes)]
    const child = spawn(
      process.execPath,
      [...script('../test/support/fake-kinesis-main.ts'), ...size, ...form, ...rate],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    return new FakeProcess(child, JSON.parse(await firstLine(child)) as { port: number; arn: string })
  }

  async ask<T>(path: string, method = 'POST'): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, { method })
    return (await answer.json()) as T
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await ended
  }
}

/** Waits until every shard has its reader. */
async function untilHeld({ api }: Installation, shards: number): Promise<void> {
  const acquired = (): Promise<number> =>
    api.metric('hydrant_kinesis_lease_moves_total', { move: 'acquired' })
  await until(async () => (await acquired()) >= shards)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WITHIN_MS
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error('it did not happen in time')
    await wait(50)
  }
}

async function measured(
  shape: Shape,
  fakeOptions: FakeOptions,
  dataStream: Omit<FakeDataStream, 'port' | 'arn'>,
): Promise<KinesisRun> {
  const fake = await FakeProcess.start(fakeOptions)
  try {
    const installation = await install({
      shape,
      sizeInMBs: 128,
      intervalInSeconds: 5,
      buckets: ['lake'],
      dataStream: { port: fake.port, arn: fake.arn, ...dataStream },
    })
    try {
      await untilHeld(installation, fakeOptions.shards)
      const meters = installation.measure()
      const fakeMeter = new Meter(fake.child.pid ?? 0)
      const startMs = performance.now()
      await fake.ask('/-/release')
      await until(async () => (await fake.ask<FakeKinesisCost>('/-/cost', 'GET')).isServed)
      await untilDrained(installation)
      const seconds = (performance.now() - startMs) / 1000
      const records = await landedBy(installation)
      const expected = fakeOptions.shards * fakeOptions.recordsPerShard
      if (records !== expected) throw new Error(`${expected} records were served, ${records} landed`)
      return { records, seconds, usage: { ...meters.read(), 'fake kinesis': fakeMeter.read() } }
    } finally {
      await installation.close()
    }
  } finally {
    await fake.stop()
  }
}

/** Eight shards as fast as they are read. @param records of all shards */
export function eightShards(shape: Shape, records: number, withMetadata: boolean): Promise<KinesisRun> {
  const metadataColumns = withMetadata ? METADATA_COLUMNS : {}
  return measured(
    shape,
    { shards: 8, recordsPerShard: Math.ceil(records / 8) },
    { settings: UNLIMITED, metadataColumns },
  )
}

/**
 * One shard that gets 2 MB of orders a second, read at AWS's pace.
 *
 * @param orderBytes 190, or more: of 2,000 bytes a shard takes 1,000 a second, which is as many records as AWS lets in
 */
export function oneShard(shape: Shape, seconds: number, orderBytes: number): Promise<KinesisRun> {
  const recordsPerSecond = Math.round(2_000_000 / orderBytes)
  return measured(
    shape,
    {
      shards: 1,
      recordsPerShard: recordsPerSecond * seconds,
      recordsPerSecond,
      recordsPerAnswer: Math.min(10_000, recordsPerSecond),
      paddingBytes: orderBytes - ORDER_BYTES,
    },
    { settings: {}, metadataColumns: {} },
  )
}

/** Of the fake's orders. */
export const ORDER_BYTES = 190

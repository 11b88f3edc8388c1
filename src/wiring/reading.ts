/** Where records come in from data streams. */
import type { AcceptFromShard } from '../domain/ports.ts'
import { startConsumer } from '../receive/kinesis/consumer.ts'
import type { DataStream } from '../receive/kinesis/data-stream.ts'
import type { Kinesis } from '../receive/kinesis/kinesis-client.ts'
import type { KinesisSettings } from '../receive/kinesis/kinesis-client-config.ts'
import { createReadTurns } from '../receive/kinesis/read-turns.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import type { Parts } from './parts.ts'

/** The kinesis role. Nothing is asked of Kinesis, and its client not loaded, before there is a delivery stream that it feeds. */
export function startReading(
  { config, store, metrics, log, crash, onStop }: Parts,
  accept: AcceptFromShard,
): void {
  const { leaseSeconds, pollSeconds, readsPerSecond, shardBytesPerSecond, concurrentReads, ...settings } =
    config.kinesis
  let kinesis: Promise<Kinesis> | undefined
  onStop(async () => (await kinesis)?.close())
  const open = (): Promise<Kinesis> => (kinesis ??= loadKinesis({ ...settings, log }))
  const consumer = startConsumer({
    ...store,
    accept,
    openDataStream: ({ streamArn }) => dataStream(streamArn, open),
    leaseMs: leaseSeconds * 1_000,
    turns: createReadTurns(concurrentReads),
    pace: {
      idleMs: pollSeconds * 1_000,
      busyMs: 1_000 / readsPerSecond,
      bytesPerSecond: shardBytesPerSecond,
    },
    clock,
    metrics,
    log,
    crash,
    random: Math.random,
  })
  onStop(() => consumer.stop())
}

async function loadKinesis(settings: KinesisSettings): Promise<Kinesis> {
  const { openKinesis } = await import('../receive/kinesis/kinesis-client.ts')
  return openKinesis(settings)
}

function dataStream(arn: string, open: () => Promise<Kinesis>): DataStream {
  let opened: Promise<DataStream> | undefined
  const stream = (): Promise<DataStream> => (opened ??= open().then((kinesis) => kinesis.stream(arn)))
  return {
    arn,
    createdAt: async (...asked) => (await stream()).createdAt(...asked),
    listShards: async (...asked) => (await stream()).listShards(...asked),
    iterator: async (...asked) => (await stream()).iterator(...asked),
    read: async (...asked) => (await stream()).read(...asked),
  }
}

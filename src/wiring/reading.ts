/** Where records come in from data streams. */
import type { AcceptFromShard } from '../domain/ports.ts'
import { startConsumer } from '../receive/kinesis/consumer.ts'
import type { DataStream } from '../receive/kinesis/data-stream.ts'
import type { Kinesis } from '../receive/kinesis/kinesis-client.ts'
import type { KinesisSettings } from '../receive/kinesis/kinesis-client-config.ts'
import { createReadTurns } from '../receive/kinesis/read-turns.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import { Lazy } from '../runtime/lazy.ts'
import type { Parts } from './parts.ts'

/** The kinesis role. Nothing is asked of Kinesis, and its client not loaded, before there is a delivery stream that it feeds. */
export function startReading(
  { config, store, metrics, log, crash, onStop }: Parts,
  accept: AcceptFromShard,
): void {
  const { leaseSeconds, pollSeconds, readsPerSecond, shardBytesPerSecond, concurrentReads, ...settings } =
    config.kinesis
  const kinesis = new Lazy(() => loadKinesis({ ...settings, log }))
  onStop(async () => (await kinesis.opened())?.close())
  const consumer = startConsumer({
    ...store,
    accept,
    openDataStream: ({ streamArn }) => dataStream(streamArn, kinesis),
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

function dataStream(arn: string, kinesis: Lazy<Kinesis>): DataStream {
  const stream = new Lazy(async () => (await kinesis.get()).stream(arn))
  return {
    arn,
    createdAt: async (...asked) => (await stream.get()).createdAt(...asked),
    listShards: async (...asked) => (await stream.get()).listShards(...asked),
    iterator: async (...asked) => (await stream.get()).iterator(...asked),
    read: async (...asked) => (await stream.get()).read(...asked),
  }
}

/** Where records come in from data streams. */
import type { AcceptFromShard } from '../domain/ports.ts'
import { startConsumer } from '../receive/kinesis/consumer.ts'
import { openKinesis } from '../receive/kinesis/kinesis-client.ts'
import { createReadTurns } from '../receive/kinesis/read-turns.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import type { Parts } from './parts.ts'

/** The kinesis role. Nothing is asked of Kinesis before there is a delivery stream that it feeds. */
export function startReading(
  { config, store, metrics, log, crash, onStop }: Parts,
  accept: AcceptFromShard,
): void {
  const { leaseSeconds, pollSeconds, readsPerSecond, shardBytesPerSecond, concurrentReads, ...settings } =
    config.kinesis
  const kinesis = openKinesis({ ...settings, log })
  onStop(async () => kinesis.close())
  const consumer = startConsumer({
    ...store,
    accept,
    openDataStream: ({ streamArn }) => kinesis.stream(streamArn),
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

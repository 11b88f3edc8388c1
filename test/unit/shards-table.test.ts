/** The table of `hydrant shards`: what an operator reads, line by line. */
import { expect, test } from 'vitest'
import type { ShardEntry } from '../../src/admin/shards.ts'
import { humaneDuration, shardsTable } from '../../src/shards-table.ts'

const NOW_MS = Date.UTC(2026, 10, 2, 9, 15, 0)

function shard(number: number, more: Partial<ShardEntry>): ShardEntry {
  const shardId = `shardId-${String(number).padStart(12, '0')}`
  return {
    shardId,
    key: `${NOW_MS}/${shardId}`,
    status: 'free',
    parents: [],
    children: [],
    hashRange: ['0', '1'],
    leaseCounter: 1,
    leaseMs: 0,
    checkpoint: 'TRIM_HORIZON',
    checkpointAgeMs: 0,
    ...more,
  }
}

function stream(deliveryStream: string, shards: readonly ShardEntry[]) {
  const dataStream = `arn:aws:kinesis:us-east-1:000000000000:stream/${deliveryStream}-source`
  return { deliveryStream, incarnation: '00000000000000a1', dataStream, shards }
}

test('each shard is a line under its titles, aligned, with nothing behind the last word', () => {
  const table = shardsTable({
    deliveryStreams: [
      stream('company-orders', [
        shard(0, { status: 'ended', checkpoint: 'SHARD_END', checkpointAgeMs: 93_784_000, behindMs: 5 }),
        shard(1, {
          status: 'leased',
          holder: 'host-a-71',
          checkpoint: '49590338271490256608559692538361571095759215704000000002',
          checkpointAgeMs: 800,
          behindMs: 0,
        }),
        shard(2, { status: 'waiting' }),
      ]),
      stream('b', [shard(0, { checkpoint: `AT_TIMESTAMP:${NOW_MS + 789}`, behindMs: 65_000 })]),
    ],
  })
  expect(table).toBe(
    [
      'DELIVERY STREAM  SHARD                 STATUS   OWNER      CHECKPOINT                         AGE    BEHIND',
      'company-orders   shardId-000000000000  ended    -          SHARD_END                          1d2h   -',
      'company-orders   shardId-000000000001  leased   host-a-71  4959033827…4000000002              800ms  0s',
      'company-orders   shardId-000000000002  waiting  -          TRIM_HORIZON                       0s     -',
      'b                shardId-000000000000  free     -          AT_TIMESTAMP:2026-11-02T09:15:00Z  0s     1m5s',
      '',
    ].join('\n'),
  )
})

test('a delivery stream whose data stream was not listed yet is not passed over in silence', () => {
  const unlisted = 'late: no shard of arn:aws:kinesis:us-east-1:000000000000:stream/late-source is known yet;'
  const lines = shardsTable({ deliveryStreams: [stream('late', []), stream('b', [shard(0, {})])] }).split(
    '\n',
  )
  expect(lines).toHaveLength(4)
  expect(lines[2]).toContain(unlisted)
  expect(shardsTable({ deliveryStreams: [stream('late', [])] })).toMatch(new RegExp(`^${unlisted}.*\n$`))
})

test('where nothing reads from Kinesis, that is said', () => {
  expect(shardsTable({ deliveryStreams: [] })).toBe(
    'no delivery stream has a Kinesis data stream as its source\n',
  )
})

test('a checkpoint that is no time of any calendar is shown as it is', () => {
  const checkpoint = 'AT_TIMESTAMP:99999999999999999999'
  expect(shardsTable({ deliveryStreams: [stream('a', [shard(0, { checkpoint })])] })).toContain(
    'AT_TIMESTA…9999999999',
  )
})

test('ten thousand shards make a table', () => {
  const shards = Array.from({ length: 10_000 }, (_, number) => shard(number, {}))
  expect(shardsTable({ deliveryStreams: [stream('a', shards)] }).split('\n')).toHaveLength(10_002)
})

test.each([
  [0, '0s'],
  [1, '1ms'],
  [999, '999ms'],
  [1000, '1s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [200_000, '3m20s'],
  [3_600_000, '1h'],
  [3_605_000, '1h'],
  [7_500_000, '2h5m'],
  [86_400_000, '1d'],
  [365 * 86_400_000 + 3_600_000, '365d1h'],
])('%d ms are %s', (ms, text) => {
  expect(humaneDuration(ms)).toBe(text)
})

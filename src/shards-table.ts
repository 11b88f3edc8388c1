/** The shards of all delivery streams as a table for people: a line a shard, no blanks inside a value. */
import type { ShardEntry, ShardsAnswer } from './admin/shards.ts'
import { aligned } from './aligned.ts'
import { timestampOf } from './domain/shard.ts'

const TITLES = ['DELIVERY STREAM', 'SHARD', 'STATUS', 'OWNER', 'CHECKPOINT', 'AGE', 'BEHIND']
const NOTHING = '-'
/** What is left of a sequence number's digits at either end. */
const DIGITS_SHOWN = 10
const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** The lines to print, each with its newline. */
export function shardsTable({ deliveryStreams }: ShardsAnswer): string {
  if (deliveryStreams.length === 0) return 'no delivery stream has a Kinesis data stream as its source\n'
  const rows = deliveryStreams.flatMap(({ deliveryStream, shards }) =>
    shards.map((shard) => [deliveryStream, ...cellsOf(shard)]),
  )
  const unlisted = deliveryStreams
    .filter(({ shards }) => shards.length === 0)
    .map(
      ({ deliveryStream, dataStream }) =>
        `${deliveryStream}: no shard of ${dataStream} is known yet; if that lasts, the log of a process with the role kinesis says why`,
    )
  const table = rows.length === 0 ? [] : aligned([TITLES, ...rows])
  return [...table, ...unlisted].map((line) => `${line}\n`).join('')
}

function cellsOf(shard: ShardEntry): string[] {
  const { shardId, status, holder, checkpoint, checkpointAgeMs, behindMs } = shard
  const behind = behindMs === undefined || status === 'ended' ? NOTHING : humaneDuration(behindMs)
  return [shardId, status, holder ?? NOTHING, shortened(checkpoint), humaneDuration(checkpointAgeMs), behind]
}

function shortened(checkpoint: string): string {
  const from = new Date(timestampOf(checkpoint) ?? Number.NaN)
  if (!Number.isNaN(from.getTime())) return `AT_TIMESTAMP:${from.toISOString().replace(/\.\d+/, '')}`
  if (checkpoint.length <= 2 * DIGITS_SHOWN + 1) return checkpoint
  return `${checkpoint.slice(0, DIGITS_SHOWN)}…${checkpoint.slice(-DIGITS_SHOWN)}`
}

/** The largest unit and the one below it: `450ms`, `12s`, `3m20s`, `2h5m`, `4d`. @param ms whole and not negative */
export function humaneDuration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${ms}ms`
  let seconds = Math.floor(ms / 1000)
  const largest = UNITS.findIndex(([, size]) => seconds >= size)
  if (largest === -1) return '0s'
  const parts = UNITS.slice(largest, largest + 2).map(([unit, size]) => {
    const count = Math.floor(seconds / size)
    seconds -= count * size
    return count === 0 ? '' : `${count}${unit}`
  })
  return parts.join('')
}

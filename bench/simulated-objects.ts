/**
 * How many objects of which size the partitions of a stream make, by the rules alone: records of given sizes arrive by a
 * simulated clock, batches are sealed as the stores seal them, and each batch is assigned to its objects.
 */
import { BATCH_RECORDS_SEALED } from '../src/domain/batch.ts'
import { Assignment } from '../src/process/partition/assignment.ts'
import { seeded } from './orders.ts'

export interface SimulationOptions {
  readonly recordsPerSecond: number
  readonly seconds: number
  readonly partitions: number
  /** Records are half as long up to one and a half times as long as this. */
  readonly recordBytes: number
  readonly intervalSeconds: number
  /** `buffer.partitionedBatchBytes` */
  readonly batchBytes: number
  /** SizeInMBs, in bytes. */
  readonly objectBytes: number
}

export interface SimulatedObjects {
  readonly batches: number
  readonly objects: number
  /** Of one partition within one interval, at the most. */
  readonly mostPerInterval: number
  /** Record bytes: the smallest, the median and the largest object. */
  readonly bytes: readonly [least: number, median: number, most: number]
}

interface Sealed {
  readonly bytes: number
  readonly partition: number
  readonly sealedAtMs: number
}

export function simulatedObjects(options: SimulationOptions): SimulatedObjects {
  const { recordsPerSecond, seconds, partitions, recordBytes, batchBytes, objectBytes } = options
  const intervalMs = 1_000 * options.intervalSeconds
  const random = seeded(13)
  const objects: Sealed[] = []
  let batches = 0
  let batch = new Assignment({ objectBytes, maxPartitions: 0 })
  let [openedAtMs, bytes, records] = [0, 0, 0]
  const seal = (nowMs: number): void => {
    if (records === 0) return
    batches += 1
    for (let index = 0; index < batch.objects; index += 1)
      objects.push({ ...batch.object(index), sealedAtMs: nowMs })
    batch = new Assignment({ objectBytes, maxPartitions: 0 })
    bytes = 0
    records = 0
  }
  for (let index = 0; index < recordsPerSecond * seconds; index += 1) {
    const nowMs = (1_000 * index) / recordsPerSecond
    if (records > 0 && nowMs - openedAtMs >= intervalMs) seal(nowMs)
    if (records === 0) openedAtMs = nowMs
    const length = Math.round(recordBytes * (0.5 + random()))
    batch.assign(Math.floor(random() * partitions), length, nowMs)
    bytes += length
    records += 1
    if (bytes >= batchBytes || records >= BATCH_RECORDS_SEALED) seal(nowMs)
  }
  seal(1_000 * seconds)
  const sizes = objects.map((object) => object.bytes).toSorted((a, b) => a - b)
  return {
    batches,
    objects: objects.length,
    mostPerInterval: mostPerInterval(objects, intervalMs, 1_000 * seconds),
    bytes: [sizes[0] ?? 0, sizes[Math.floor(sizes.length / 2)] ?? 0, sizes.at(-1) ?? 0],
  }
}

/**
 * Intervals are counted from the start of the stream; an object is of the one that its batch was sealed in. What is open when
 * the stream ends is sealed later.
 */
function mostPerInterval(objects: readonly Sealed[], intervalMs: number, endMs: number): number {
  const counts = new Map<string, number>()
  for (const { partition, sealedAtMs } of objects) {
    if (sealedAtMs === endMs) continue
    const place = `${partition} ${Math.ceil(sealedAtMs / intervalMs)}`
    counts.set(place, (counts.get(place) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

/** Ten minutes of 50,000 orders a second in 100 partitions, by the defaults, at several intervals. */
export const SIMULATED = {
  recordsPerSecond: 50_000,
  seconds: 600,
  partitions: 100,
  recordBytes: 190,
  batchBytes: 1024 ** 3,
  objectBytes: 128 * 1024 ** 2,
} as const
export const SIMULATED_INTERVALS = [60, 120, 240, 300, 900] as const

export function sayObjects(say: (line: string) => void): void {
  const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1)
  say('\nobjects: ten minutes of 50,000 orders of 190 bytes a second, 100 partitions, simulated clock')
  say('  interval  batches  objects  of a partition and interval  MiB of records: least, median, most')
  for (const intervalSeconds of SIMULATED_INTERVALS) {
    const {
      batches,
      objects,
      mostPerInterval: most,
      bytes,
    } = simulatedObjects({ ...SIMULATED, intervalSeconds })
    say(
      `  ${String(intervalSeconds).padStart(6)} s  ${String(batches).padStart(7)}  ${String(objects).padStart(7)}  ` +
        `at most ${String(most).padEnd(20)} ${bytes.map(mib).join(', ')}`,
    )
  }
}

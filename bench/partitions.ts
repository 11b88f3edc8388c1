/**
 * Dynamic partitioning as a whole (partitioned.ts), then conversion into many objects alone: a batch of 128 MiB in one object
 * and in 100, by turns, and batches of a gigabyte in 10,000, for their time and memory.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createLog } from '../src/account/log.ts'
import { openDuckdbEncoder } from '../src/convert/duckdb-encoder.ts'
import { openRawEncoder } from '../src/convert/raw.ts'
import type { Frame } from '../src/domain/frame.ts'
import { RAW } from '../src/domain/plan.ts'
import type { EncodeInput, Encoder } from '../src/domain/ports.ts'
import { inputOf, orderFrames, rssAnonMib } from './convert.ts'
import { eightColumns, seeded } from './orders.ts'
import { benchPartitioned } from './partitioned.ts'

const MIB = 1024 ** 2
/** About 128 MiB of orders. */
const RECORDS = 700_000
const RECORDS_PER_FRAME = 500
const RUNS = 5
/** A gigabyte of small records. */
const MANY_RECORDS = 5_600_000
const MANY_OBJECTS = 10_000

export interface PartitionFigure {
  readonly name: string
  readonly objects: number
  /** CPU seconds per million records: median, least and most of the runs. */
  readonly cpu: readonly [median: number, least: number, most: number]
  readonly seconds: number
  readonly peakAnonMib: number
}

/** Random objects, as keys that do not come in order. */
function objectsOf(records: number, objects: number): Uint32Array {
  const random = seeded(11)
  return Uint32Array.from({ length: records }, () => Math.floor(random() * objects))
}

/** A batch of so many records that few of them are in memory: the same frames again and again. */
function longInput(records: number): EncodeInput {
  const frames = orderFrames(true, 20 * RECORDS_PER_FRAME)
  const input = inputOf(frames, eightColumns)
  const repeats = Math.ceil(records / input.batch.records)
  const batch = { ...input.batch, records, bytes: repeats * input.batch.bytes }
  return {
    ...input,
    batch,
    async *frames(): AsyncGenerator<Frame> {
      await Promise.resolve()
      for (let count = 0; count < records; count += RECORDS_PER_FRAME) {
        const frame = frames[(count / RECORDS_PER_FRAME) % frames.length]
        if (frame !== undefined) yield frame
      }
    },
  }
}

interface Run {
  readonly objects: number
  readonly cpu: number
  readonly seconds: number
  readonly peakAnonMib: number
}

async function encodeOnce(encoder: Encoder, input: EncodeInput): Promise<Run> {
  let peak = await rssAnonMib()
  const timer = setInterval(() => void rssAnonMib().then((now) => (peak = Math.max(peak, now))), 5)
  const cpuBefore = process.cpuUsage()
  const before = performance.now()
  const encoded = await encoder.encode(input)
  let last = -1
  let failures = 0
  for await (const { ordinal } of encoded.failures()) {
    if (ordinal <= last) throw new Error('bench partitions: failures are out of order')
    last = ordinal
    failures += 1
  }
  const { user, system } = process.cpuUsage(cpuBefore)
  const seconds = (performance.now() - before) / 1000
  clearInterval(timer)
  if (encoded.rows + failures !== input.batch.records)
    throw new Error(`bench partitions: ${encoded.rows} rows and ${failures} failures`)
  await encoded.dispose()
  const objects = encoded.objects.length
  return { objects, cpu: (user + system) / input.batch.records, seconds, peakAnonMib: peak }
}

interface Contender {
  readonly name: string
  readonly runs: number
  readonly run: () => Promise<Run>
}

/** By turns. One that runs more than once has a run before that warms up. */
async function measure(contenders: readonly Contender[]): Promise<PartitionFigure[]> {
  const samples = new Map<string, Run[]>()
  for (let round = 0; round <= RUNS; round += 1) {
    for (const { name, runs, run } of contenders) {
      if (round >= (runs === 1 ? 1 : runs + 1)) continue
      const sample = await run()
      if (round > 0 || runs === 1) samples.set(name, [...(samples.get(name) ?? []), sample])
    }
  }
  return [...samples].map(([name, runs]) => {
    const cpu = runs.map((run) => run.cpu).toSorted((a, b) => a - b)
    const middle = Math.floor(runs.length / 2)
    return {
      name,
      objects: runs[0]?.objects ?? 0,
      cpu: [cpu[middle] ?? 0, cpu[0] ?? 0, cpu.at(-1) ?? 0] as const,
      seconds: runs.map((run) => run.seconds).toSorted((a, b) => a - b)[middle] ?? 0,
      peakAnonMib: Math.max(...runs.map((run) => run.peakAnonMib)),
    }
  })
}

const unconverted = ({ plan, ...input }: EncodeInput): EncodeInput => ({
  ...input,
  plan: { ...plan, ...RAW },
})

/** Prints the figures and gives them back. */
export async function benchPartitions(): Promise<readonly PartitionFigure[]> {
  await benchPartitioned((line) => process.stdout.write(`${line}\n`))
  const stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-bench-'))
  const log = createLog('warn')
  const options = { stagingPath, threads: 1, memoryLimitBytes: 256 * MIB, log }
  const duckdb = await openDuckdbEncoder(options)
  const raw = await openRawEncoder(options)
  const batch = longInput(RECORDS)
  const many = longInput(MANY_RECORDS)
  const into = (input: EncodeInput, objects: number): EncodeInput => ({
    ...input,
    objectOf: objectsOf(input.batch.records, objects),
  })
  const hundred = into(batch, 100)
  const thousands = into(many, MANY_OBJECTS)
  process.stdout.write(`objects, ${RECORDS} and ${MANY_RECORDS} orders, one thread, ${RUNS} runs\n`)
  try {
    const figures = await measure([
      { name: 'DuckDB, one object', runs: RUNS, run: () => encodeOnce(duckdb, batch) },
      { name: 'DuckDB, 100 objects', runs: RUNS, run: () => encodeOnce(duckdb, hundred) },
      { name: 'DuckDB, 10,000 objects', runs: 1, run: () => encodeOnce(duckdb, thousands) },
      { name: 'raw, one object', runs: RUNS, run: () => encodeOnce(raw, unconverted(batch)) },
      { name: 'raw, 100 objects', runs: RUNS, run: () => encodeOnce(raw, unconverted(hundred)) },
      { name: 'raw, 10,000 objects', runs: 1, run: () => encodeOnce(raw, unconverted(thousands)) },
    ])
    for (const { name, objects, cpu, seconds, peakAnonMib } of figures) {
      const [median, least, most] = cpu.map((value) => value.toFixed(2))
      process.stdout.write(
        `  ${name.padEnd(28)} ${String(objects).padStart(6)} objects  ${median} CPU s per million (${least}-${most})  ` +
          `${seconds.toFixed(1)} s  RssAnon peak ${peakAnonMib.toFixed(0)} MiB\n`,
      )
    }
    return figures
  } finally {
    for (const encoder of [duckdb, raw]) await encoder.close()
    await rm(stagingPath, { recursive: true, force: true })
  }
}

/**
 * Dynamic partitioning as a whole: from frames by the keys of one path to 100 objects and the list of failed records, beside
 * DuckDB's bare read_json -> COPY of the same orders in the same run, into one file and with PARTITION_BY.
 *
 * It is counted in three ways. From frames: all of it, from the frames of a batch to closed objects and read error records. From
 * the staged lines, as for conversion and as DuckDB: all that begins once lines are staged, which is whatever DuckDB does and what
 * is done with its answers; patterns on the bytes of frames, the sort by objects, staging and jq are before that. And this with
 * reading the keys and finding the objects, which is before it too.
 *
 * Then what one odd record in a hundred adds.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { createLog } from '../src/account/log.ts'
import { openDuckdbEncoder, type DuckdbEncoder } from '../src/convert/duckdb-encoder.ts'
import { columnType, quotedText } from '../src/convert/duckdb/column-sql.ts'
import { typedColumns } from '../src/convert/hive-types.ts'
import type { Frame } from '../src/domain/frame.ts'
import { objectsOfUndecided } from '../src/deliver/partition-objects.ts'
import { DecidedRecords } from '../src/deliver/decided-records.ts'
import { createPartition } from '../src/process/partition/partition.ts'
import { framesOf, inputOf } from './convert.ts'
import { eightColumns, order } from './orders.ts'
import { TurnMeter, cpuSeconds } from './turn-meter.ts'

/** About 128 MiB of orders. */
const RECORDS = 700_000
const PARTITIONS = 100
const RUNS = 7
const MIB = 1024 ** 2

/** CPU seconds. */
interface PartitionedRun {
  readonly fromFrames: number
  readonly fromStagedLines: number
  /** Parts of the former. */
  readonly keys: number
  readonly conversion: number
  /** Records without a row. */
  readonly failed: number
}

/** An order with the region that it is partitioned by. */
function regionalOrder(sequence: number, random: () => number): string {
  const region = `region-${Math.floor(random() * PARTITIONS)}`
  return `${order(sequence, random).slice(0, -1)},"region":"${region}"}`
}

/** A batch from its frames to closed objects, as a delivery does it. */
async function deliverOnce(
  encoder: DuckdbEncoder,
  frames: readonly Frame[],
  meter: TurnMeter,
): Promise<PartitionedRun> {
  const partitioning = { query: '{region: .region}', objectBytes: 128 * MIB }
  const input = inputOf(frames, eightColumns)
  const plan = {
    ...input.plan,
    destination: { ...input.plan.destination, prefix: '!{partitionKeyFromQuery:region}/', partitioning },
    maxPartitions: 5_000,
    queryLimits: { queryMaxMs: 5_000, queryOutputMaxBytes: 16 * MIB },
  }
  const stage = createPartition({ log: createLog('warn') })
  meter.seconds = 0
  const before = cpuSeconds()
  const partitions = await stage.partition({ ...input, plan, partitioning })
  const between = cpuSeconds()
  const decided = new DecidedRecords({ partitions })
  const encoded = await encoder.encode({
    ...input,
    plan,
    frames: () => decided.without(input.frames()),
    objectOf: objectsOfUndecided(partitions),
  })
  let failures = 0
  for await (const { rawData } of encoded.failures()) failures += rawData.length > 0 ? 1 : 0
  const after = cpuSeconds()
  const failed = failures + decided.found.records['metadata-extraction-failed']
  if (encoded.objects.length !== PARTITIONS || encoded.rows + failed !== RECORDS)
    throw new Error(
      `bench partitions: ${encoded.objects.length} objects, ${encoded.rows} rows, ${failed} failures`,
    )
  await encoded.dispose()
  await partitions.dispose()
  return {
    fromFrames: after - before,
    fromStagedLines: meter.seconds,
    keys: between - before,
    conversion: after - between,
    failed,
  }
}

interface BareCopies {
  readonly connection: DuckDBConnection
  /** Statements of a COPY into one file, and into one for each region. */
  readonly one: string
  readonly many: string
}

async function bareCopies(folder: string): Promise<BareCopies> {
  const clean = join(folder, 'clean.ndjson')
  const frames = framesOf(regionalOrder, { bad: false, odd: false }, RECORDS)
  await writeFile(clean, Buffer.concat(frames.map((frame) => frame.payload)))
  const types = typedColumns(eightColumns).map(({ name, type }) => `${name}: ${quotedText(columnType(type))}`)
  const read = (columns: readonly string[]): string =>
    `SELECT * FROM read_json('${clean}', format='newline_delimited', columns={${columns.join(', ')}})`
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MiB' })
  const options = 'FORMAT parquet, COMPRESSION snappy'
  const partitioned = [...types, `region: 'VARCHAR'`]
  return {
    connection: await instance.connect(),
    one: `COPY (${read(types)}) TO '${join(folder, 'bare.parquet')}' (${options})`,
    many: `COPY (${read(partitioned)}) TO '${join(folder, 'bare')}' (${options}, PARTITION_BY (region), OVERWRITE)`,
  }
}

/** CPU seconds per million records. */
type Round = Readonly<Record<string, number>>

interface Batches {
  readonly ours: readonly Frame[]
  readonly odd: readonly Frame[]
}

async function measureRound(
  bare: BareCopies,
  encoder: DuckdbEncoder,
  batches: Batches,
  meter: TurnMeter,
): Promise<Round> {
  const times = [cpuSeconds()]
  for (const copy of [bare.one, bare.many]) {
    await bare.connection.run(copy)
    times.push(cpuSeconds())
  }
  const [start = 0, middle = 0, end = 0] = times
  const ours = await deliverOnce(encoder, batches.ours, meter)
  if (ours.failed * 100 !== RECORDS) throw new Error(`bench partitions: ${ours.failed} failures`)
  const odd = await deliverOnce(encoder, batches.odd, meter)
  const keysAndLines = ours.keys + ours.fromStagedLines
  return { ...ours, keysAndLines, one: middle - start, many: end - middle, odd: odd.fromFrames }
}

/** Median, least and most. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const [median, least, most] = [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)].map(
    (value) => (value ?? Number.NaN).toFixed(2),
  )
  return `${median} (${least}-${most})`
}

function sayRounds(say: (line: string) => void, rounds: readonly Round[]): void {
  say(
    `partitions: ${RECORDS} orders, 1 % bad, to ${PARTITIONS} objects by one path, one thread, ${RUNS} rounds`,
  )
  say('  CPU seconds per million records, median (least-most)')
  for (const [name, figure] of [
    ['DuckDB read_json -> COPY, clean, one file', 'one'],
    ['DuckDB, clean, PARTITION_BY', 'many'],
    ['ours, from frames', 'fromFrames'],
    ['  of it keys and objects', 'keys'],
    ['  of it conversion', 'conversion'],
    ['ours, from the staged lines', 'fromStagedLines'],
    ['ours, from frames, with 1 % odd besides', 'odd'],
  ] as const) {
    const seconds = rounds.map((round) => (1e6 * (round[figure] ?? Number.NaN)) / RECORDS)
    say(`  ${name.padEnd(44)} ${spread(seconds)}`)
  }
  say('  DuckDB, one file, in shares of ours in the same round')
  for (const [name, figure] of [
    ['ratio from frames', 'fromFrames'],
    ['ratio from the staged lines, with keys', 'keysAndLines'],
    ['ratio from the staged lines', 'fromStagedLines'],
  ] as const) {
    const ratios = rounds.map((round) => (round['one'] ?? Number.NaN) / (round[figure] ?? Number.NaN))
    say(`  ${name.padEnd(44)} ${spread(ratios)}`)
  }
  const times = rounds.map(({ odd = Number.NaN, fromFrames = Number.NaN }) => odd / fromFrames)
  say(`  ${'with 1 % odd, times'.padEnd(44)} ${spread(times)}`)
}

/** By turns; the first round warms up. Prints the figures. */
export async function benchPartitioned(say: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-bench-'))
  const options = { stagingPath: folder, threads: 1, memoryLimitBytes: 256 * MIB, log: createLog('warn') }
  const encoder = await openDuckdbEncoder(options)
  const meter = new TurnMeter()
  const rounds: Round[] = []
  try {
    const bare = await bareCopies(folder)
    const batches = {
      ours: framesOf(regionalOrder, { bad: true, odd: false }, RECORDS),
      odd: framesOf(regionalOrder, { bad: true, odd: true }, RECORDS),
    }
    meter.start()
    for (let round = 0; round <= RUNS; round += 1) {
      const measured = await measureRound(bare, encoder, batches, meter)
      if (round > 0) rounds.push(measured)
    }
    sayRounds(say, rounds)
  } finally {
    meter.stop()
    await encoder.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Conversion alone: a batch of orders to Parquet and the list of its bad records, beside DuckDB's bare read_json -> COPY of
 * the same orders in the same run. CPU time is the process's, so that work moved to another thread is not forgotten.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DuckDBInstance } from '@duckdb/node-api'
import { createLog } from '../src/account/log.ts'
import { openDuckdbEncoder } from '../src/convert/duckdb-encoder.ts'
import { columnType, quotedText } from '../src/convert/duckdb/column-sql.ts'
import { typedColumns } from '../src/convert/hive-types.ts'
import { openParquetjsEncoder } from '../src/convert/parquetjs-encoder.ts'
import type { Column } from '../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../src/domain/frame.ts'
import type { EncodeInput, Encoder } from '../src/domain/ports.ts'
import {
  badOrder,
  eightColumns,
  nestedColumns,
  nestedOrder,
  oddOrder,
  order,
  seeded,
  twoColumns,
} from './orders.ts'
import { TurnMeter, cpuSeconds } from './turn-meter.ts'

const RECORDS = 500_000
const RECORDS_PER_FRAME = 500
const RUNS = 7

export interface ConvertFigure {
  readonly name: string
  /** CPU seconds per million records: median, least and most of the runs. */
  readonly cpu: readonly [median: number, least: number, most: number]
  /** Records a second of wall clock, median. */
  readonly recordsPerSecond: number
}

type MakeOrder = (sequence: number, random: () => number) => string

/** Of each hundred records one is bad, if there are any, and one is odd. */
interface Impurity {
  readonly bad: boolean
  readonly odd: boolean
}

export function framesOf(make: MakeOrder, { bad, odd }: Impurity, count = RECORDS): Frame[] {
  const random = seeded(7)
  const frames: Frame[] = []
  for (let first = 0; first < count; first += RECORDS_PER_FRAME) {
    const records = Array.from({ length: RECORDS_PER_FRAME }, (_, at) => {
      const index = first + at
      const text = make(index, random)
      if (bad && index % 100 === 50) return Buffer.from(badOrder(Math.floor(index / 100), text))
      if (odd && index % 100 === 20) return Buffer.from(oddOrder(Math.floor(index / 100), text))
      return Buffer.from(text)
    })
    const builder = new FrameBuilder(
      records.length,
      records.reduce((sum, record) => sum + record.length, 0),
    )
    for (const record of records) builder.addBytes(record)
    frames.push(builder.finish(1_793_610_900_000))
  }
  return frames
}

export function orderFrames(bad: boolean, count = RECORDS): Frame[] {
  return framesOf(order, { bad, odd: false }, count)
}

export function inputOf(frames: readonly Frame[], columns: readonly Column[]): EncodeInput {
  const table = { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' }
  const bytes = frames.reduce((sum, frame) => sum + frame.recordBytes, 0)
  return {
    batch: {
      stream: { name: 'orders', incarnation: '0123456789abcdef' },
      batchId: '1-0123456789abcdef',
      state: 'planned',
      trigger: 'size',
      records: frames.reduce((sum, frame) => sum + frame.records, 0),
      bytes,
      storedBytes: bytes,
      frames: frames.length,
      firstAppend: 0,
      lastAppend: frames.length - 1,
      oldestArrivalMs: 1_793_610_900_000,
      openedAtMs: 0,
      sealedAtMs: 0,
      attempts: 1,
      deaths: 0,
    },
    plan: {
      version: 1,
      engine: 'duckdb',
      engineVersion: 'bench',
      columns,
      table,
      destination: {
        bucket: 'lake',
        prefix: '',
        errorOutputPrefix: '',
        compression: 'UNCOMPRESSED',
        conversion: { table, caseInsensitive: true, parquetCompression: 'SNAPPY' },
      },
    },
    async *frames() {
      await Promise.resolve()
      yield* frames
    },
    careful: false,
    signal: new AbortController().signal,
  }
}

/** Encodes once and reads the failures, as a delivery does. */
async function encodeOnce(encoder: Encoder, input: EncodeInput): Promise<void> {
  const encoded = await encoder.encode(input)
  let failures = 0
  for await (const failure of encoded.failures()) failures += failure.rawData.length > 0 ? 1 : 0
  await encoded.dispose()
  // An odd record may have a second row.
  const isComplete = encoded.rows + failures >= input.batch.records
  if (failures * 100 !== input.batch.records || !isComplete) {
    throw new Error(`bench convert: ${encoded.rows} rows and ${failures} failures`)
  }
}

interface Contender {
  readonly name: string
  readonly runs: number
  /** Answers the CPU seconds that count where not all of them do. */
  readonly run: () => Promise<number | void>
}

/** The contenders take turns, so that a slow minute of the machine hits all of them. */
async function measure(contenders: readonly Contender[]): Promise<ConvertFigure[]> {
  const samples = new Map<string, { cpu: number; wall: number }[]>()
  for (let round = 0; round <= RUNS; round += 1) {
    for (const { name, runs, run } of contenders) {
      if (round > runs) continue
      const before = cpuSeconds()
      const wallBefore = performance.now()
      const seconds = (await run()) ?? cpuSeconds() - before
      const sample = { cpu: (1e6 * seconds) / RECORDS, wall: (performance.now() - wallBefore) / 1000 }
      // The first round warms up.
      if (round > 0) samples.set(name, [...(samples.get(name) ?? []), sample])
    }
  }
  return [...samples].map(([name, runs]) => {
    const cpu = runs.map((run) => run.cpu).toSorted((a, b) => a - b)
    const wall = runs.map((run) => run.wall).toSorted((a, b) => a - b)
    const middle = Math.floor(runs.length / 2)
    return {
      name,
      cpu: [cpu[middle] ?? 0, cpu[0] ?? 0, cpu.at(-1) ?? 0],
      recordsPerSecond: RECORDS / (wall[middle] ?? 1),
    }
  })
}

async function contendersFor(columns: readonly Column[], folder: string): Promise<Contender[]> {
  const isNestedTable = columns === nestedColumns
  const make = isNestedTable ? nestedOrder : order
  const clean = join(folder, 'clean.ndjson')
  const frames = framesOf(make, { bad: true, odd: false })
  await writeFile(
    clean,
    Buffer.concat(framesOf(make, { bad: false, odd: false }).map((frame) => frame.payload)),
  )
  const input = inputOf(frames, columns)
  const ended: MakeOrder = (sequence, random) => `${make(sequence, random)}\n`
  const endedInput = inputOf(framesOf(ended, { bad: true, odd: false }), columns)
  const oddInput = inputOf(framesOf(make, { bad: true, odd: true }), columns)
  const bare = await (
    await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MiB' })
  ).connect()
  const target = join(folder, 'bare.parquet')
  const typed = typedColumns(columns)
  const types = typed.map(({ name, type }) => `${name}: ${quotedText(columnType(type))}`).join(', ')
  const log = createLog('warn')
  const duckdb = await openDuckdbEncoder({
    stagingPath: folder,
    threads: 1,
    memoryLimitBytes: 256 << 20,
    log,
  })
  const js = await openParquetjsEncoder({ stagingPath: folder, log })
  return [
    {
      name: 'DuckDB read_json -> COPY, clean records',
      runs: RUNS,
      async run() {
        await bare.run(
          `COPY (SELECT * FROM read_json('${clean}', format='newline_delimited', columns={${types}})) ` +
            `TO '${target}' (FORMAT parquet, COMPRESSION snappy)`,
        )
      },
    },
    {
      name: 'ours, staged lines -> Parquet and error records, 1 % bad',
      runs: RUNS,
      async run() {
        const meter = new TurnMeter()
        meter.start()
        try {
          await encodeOnce(duckdb, input)
        } finally {
          meter.stop()
        }
        return meter.seconds
      },
    },
    {
      name: 'ours, frames -> Parquet and error records, 1 % bad',
      runs: RUNS,
      run: () => encodeOnce(duckdb, input),
    },
    {
      name: 'ours, the same with 1 % odd records besides',
      runs: RUNS,
      run: () => encodeOnce(duckdb, oddInput),
    },
    {
      name: 'ours, the same when each record ends in a newline',
      runs: RUNS,
      run: () => encodeOnce(duckdb, endedInput),
    },
    ...(isNestedTable
      ? []
      : [{ name: 'parquetjs-lite, without the odd', runs: 1, run: () => encodeOnce(js, input) }]),
  ]
}

/** Anonymous memory of this process now, in MiB. */
export async function rssAnonMib(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** Peak of anonymous memory over one batch of 128 MiB with a limit of 256 MiB: before, peak. */
export async function benchConvertMemory(
  columns: readonly Column[],
): Promise<readonly [beforeMib: number, peakMib: number]> {
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-bench-'))
  const encoder = await openDuckdbEncoder({
    stagingPath: folder,
    threads: 2,
    memoryLimitBytes: 256 << 20,
    log: createLog('warn'),
  })
  const make = columns === nestedColumns ? nestedOrder : order
  const part = framesOf(make, { bad: true, odd: false }, 20 * RECORDS_PER_FRAME)
  const repeat = Math.ceil((128 << 20) / part.reduce((sum, frame) => sum + frame.recordBytes, 0))
  const input = inputOf(Array.from({ length: repeat }, () => part).flat(), columns)
  const before = await rssAnonMib()
  let peak = before
  const timer = setInterval(() => void rssAnonMib().then((now) => (peak = Math.max(peak, now))), 5)
  await encodeOnce(encoder, input)
  clearInterval(timer)
  await encoder.close()
  await rm(folder, { recursive: true, force: true })
  return [before, peak]
}

/** Prints the figures and gives them back. */
export async function benchConvert(): Promise<readonly ConvertFigure[]> {
  process.stdout.write(
    `conversion, ${RECORDS} orders, one thread, ${RUNS} runs, ${cpus()[0]?.model ?? 'unknown machine'}, Node ${process.version}\n`,
  )
  // First, while nothing else has left its garbage.
  for (const columns of [eightColumns, nestedColumns]) {
    const [before, peak] = await benchConvertMemory(columns)
    process.stdout.write(
      `  128 MiB batch, ${columns.length} columns${columns === nestedColumns ? ', nested' : ''}, limit 256 MiB: ` +
        `anonymous memory ${before.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at the peak\n`,
    )
  }
  const all: ConvertFigure[] = []
  for (const columns of [twoColumns, eightColumns, nestedColumns]) {
    const folder = await mkdtemp(join(tmpdir(), 'hydrant-bench-'))
    const figures = await measure(await contendersFor(columns, folder))
    await rm(folder, { recursive: true, force: true })
    const bare = figures[0]?.cpu[0] ?? 0
    for (const { name, cpu, recordsPerSecond } of figures) {
      const [median, least, most] = cpu.map((seconds) => seconds.toFixed(2))
      process.stdout.write(
        `  ${columns === nestedColumns ? 'nested   ' : `${columns.length} columns`}  ${name.padEnd(58)} ${median} CPU s per million (${least}-${most})  ` +
          `${Math.round(recordsPerSecond / 1000)}k records/s  ratio ${(bare / cpu[0]).toFixed(2)}\n`,
      )
    }
    all.push(...figures)
  }
  return all
}

/**
 * The memory of batches whose records are small, or become many: as many as seal a batch, or several pieces, through the whole
 * landing (processors, keys, objects, error output) into a destination that keeps nothing. One case a process, since a
 * peak is that of a process: `npm run bench -- small` runs them one after another.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { createLog } from '../src/account/log.ts'
import { Metrics } from '../src/account/metrics.ts'
import { openDuckdbEncoder } from '../src/convert/duckdb-encoder.ts'
import { openRawEncoder } from '../src/convert/raw.ts'
import type { DeliveryAttempt } from '../src/deliver/attempt.ts'
import { land } from '../src/deliver/landing.ts'
import { SourceDigest } from '../src/deliver/source-digest.ts'
import { BATCH_RECORDS_SEALED, type SealedBatch } from '../src/domain/batch.ts'
import type { Column, Processing } from '../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../src/domain/frame.ts'
import { PROCESSORS_VERSION, RAW, type Plan } from '../src/domain/plan.ts'
import { createPartition } from '../src/process/partition/partition.ts'
import { createProcessors } from '../src/process/processors.ts'
import { rssAnonMib } from './convert.ts'

const MIB = 1024 ** 2
const RECORDS_PER_FRAME = 500
const ARRIVAL_MS = 1_790_000_000_000

interface SmallCase {
  readonly record: (index: number) => Buffer
  readonly records: number
  readonly processing?: Processing
  readonly converts?: boolean
  readonly isKeyed?: boolean
}

/** Sixteen bytes, one of a hundred partitions. */
const tiny = (index: number): Buffer => Buffer.from(`{"k":${100 + (index % 100)},"v":1}`)
/** The most that may be taken apart, two bytes each. */
const nothings = Buffer.from('{}'.repeat(500))
const somethings = Buffer.from(Array.from({ length: 500 }, (_, k) => `{"k":${100 + (k % 100)}}`).join(''))
const bomb = gzipSync(
  JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: [{ message: 'x'.repeat(31 * MIB) }] }),
)
const deaggregating: Processing = { deaggregation: { kind: 'json' } }

const CASES: Readonly<Record<string, SmallCase>> = {
  'as many as seal a batch, as they are': { record: tiny, records: BATCH_RECORDS_SEALED },
  'as many as seal a batch, to Parquet': { record: tiny, records: BATCH_RECORDS_SEALED, converts: true },
  'as many as seal a batch, without a key': {
    record: () => Buffer.from('{"v":1}'),
    records: BATCH_RECORDS_SEALED,
  },
  'nine bytes each, de-aggregated, as they are': {
    record: () => somethings,
    records: Math.ceil((256 * MIB) / somethings.length),
    processing: deaggregating,
  },
  'nine bytes each, de-aggregated, to Parquet': {
    record: () => somethings,
    records: Math.ceil((256 * MIB) / somethings.length),
    processing: deaggregating,
    converts: true,
  },
  'two bytes each, de-aggregated, without a key': {
    record: () => nothings,
    records: Math.ceil((16 * MIB) / nothings.length),
    processing: deaggregating,
  },
  '128 MiB of bombs': {
    record: () => bomb,
    records: Math.ceil((128 * MIB) / bomb.length),
    processing: { decompression: true },
    isKeyed: false,
  },
}

/** The same few frames again and again, so that next to none are in memory. */
async function* framesOf({ record, records }: SmallCase): AsyncGenerator<Frame> {
  const frames: Frame[] = []
  for (let first = 0; first < records; first += RECORDS_PER_FRAME) {
    const place = (first / RECORDS_PER_FRAME) % 4
    const count = Math.min(RECORDS_PER_FRAME, records - first)
    const known = frames[place]
    yield known?.records === count ? known : (frames[place] = frameOf(record, first, count))
    if (place === 0) await Promise.resolve()
  }
}

function frameOf(record: SmallCase['record'], first: number, count: number): Frame {
  const all = Array.from({ length: count }, (_, index) => record(first + index))
  const builder = new FrameBuilder(
    count,
    all.reduce((sum, { length }) => sum + length, 0),
  )
  for (const bytes of all) builder.addBytes(bytes)
  return builder.finish(ARRIVAL_MS)
}

async function batchOf(given: SmallCase): Promise<SealedBatch> {
  let [frames, bytes] = [0, 0]
  for await (const frame of framesOf(given)) {
    frames += 1
    bytes += frame.recordBytes
  }
  return {
    stream: { name: 'orders', incarnation: '0123456789abcdef' },
    batchId: '1-0123456789abcdef',
    state: 'planned',
    trigger: 'size',
    records: given.records,
    bytes,
    storedBytes: bytes,
    frames,
    firstAppend: 0,
    lastAppend: frames - 1,
    oldestArrivalMs: ARRIVAL_MS,
    openedAtMs: ARRIVAL_MS,
    sealedAtMs: ARRIVAL_MS,
    attempts: 1,
    deaths: 0,
  }
}

function planOf({ processing, converts = false, isKeyed = true }: SmallCase): Plan {
  const table = { databaseName: 'sales', tableName: 'orders', region: 'us-east-1', versionId: 'LATEST' }
  const columns: readonly Column[] = [
    { name: 'k', type: 'int' },
    { name: 'v', type: 'bigint' },
  ]
  return {
    version: 1,
    destination: {
      bucket: 'lake',
      prefix: isKeyed ? 'k=!{partitionKeyFromQuery:k}/' : 'all/',
      errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      compression: 'UNCOMPRESSED',
      ...(processing && { processing }),
      ...(isKeyed && { partitioning: { query: '{k: .k}', objectBytes: 128 * MIB } }),
      ...(converts && { conversion: { table, caseInsensitive: true, parquetCompression: 'SNAPPY' } }),
    },
    processorsVersion: PROCESSORS_VERSION,
    maxPartitions: 5_000,
    queryLimits: { queryMaxMs: 5_000, queryOutputMaxBytes: 16 * MIB },
    ...(converts ? { engine: 'duckdb' as const, engineVersion: 'bench', columns, table } : RAW),
  }
}

/** In this process. Says what came of it. */
export async function runSmallCase(name: string): Promise<void> {
  const given = CASES[name]
  if (given === undefined) throw new Error(`bench small: there is no case ${name}`)
  const stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-bench-'))
  const log = createLog('error')
  const duckdb = await openDuckdbEncoder({ stagingPath, threads: 1, memoryLimitBytes: 256 * MIB, log })
  const raw = await openRawEncoder({ stagingPath })
  const [batch, plan, metrics] = [await batchOf(given), planOf(given), new Metrics()]
  const unused = (): never => {
    throw new Error('bench small: nothing is derived')
  }
  const digest = new SourceDigest()
  const attempt: DeliveryAttempt = {
    batch,
    plan,
    planDigest: 'bench',
    frames: () => digest.over(framesOf(given)),
    digest,
    careful: false,
    signal: new AbortController().signal,
  }
  let peak = await rssAnonMib()
  const timer = setInterval(() => void rssAnonMib().then((now) => (peak = Math.max(peak, now))), 20)
  const startedMs = performance.now()
  try {
    const { outcome } = await land(
      {
        stagingPath,
        log,
        crash: () => undefined,
        encoderFor: () => Promise.resolve(plan.engine === 'raw' ? raw : duckdb),
        destination: { put: () => Promise.resolve(0), check: unused },
        processors: createProcessors({
          buffer: { derive: unused, readDerived: unused },
          transform: { transform: unused },
          partition: createPartition({ log }),
          log,
          metrics,
          clock: { monotonicMs: () => performance.now() },
        }),
      },
      attempt,
    )
    const { delivered, failed, objects, rows } = outcome
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
    process.stdout.write(
      `  ${name}: ${batch.records} records of ${(batch.bytes / MIB).toFixed(0)} MiB, ${rows} rows, ` +
        `${delivered} delivered, ${failed} failed, ${objects.length} objects, ${seconds} s, RssAnon peak ${peak.toFixed(0)} MiB\n`,
    )
  } finally {
    clearInterval(timer)
    for (const encoder of [duckdb, raw]) await encoder.close()
    await rm(stagingPath, { recursive: true, force: true })
  }
}

/** Each case in a process of its own. */
export async function benchSmallRecords(say: (line: string) => void): Promise<void> {
  say('\nsmall records: the whole landing, one thread, 256 MiB for DuckDB')
  const self = fileURLToPath(import.meta.url)
  for (const name of Object.keys(CASES)) {
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, self, name])
    say(stdout.trimEnd())
  }
}

const [, script, name] = process.argv
if (script === fileURLToPath(import.meta.url) && name !== undefined) await runSmallCase(name)

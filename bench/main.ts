/**
 * npm run bench [-- NAME…] [-- --seconds N]: speed and memory, beside the limit measured in the same run. Names: convert
 * (with the limit, DuckDB alone), partitions, keys, objects, small, transform, compression, embedded, redis, sigv4, put-record, backlog, kinesis. Without a name: all of them.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { benchCompression } from './compression.ts'
import { benchConvert } from './convert.ts'
import { backlog, endToEnd, putRecord, type EndToEnd } from './end-to-end.ts'
import { eightShards, oneShard, ORDER_BYTES, type KinesisRun } from './kinesis.ts'
import type { Shape } from './installation.ts'
import type { Usage } from './meter.ts'
import { benchKeys } from './keys.ts'
import { benchPartitions } from './partitions.ts'
import { benchTransform } from './transform.ts'
import { sayObjects } from './simulated-objects.ts'
import { benchSmallRecords } from './small-records.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, runs: { type: 'string', default: '3' } },
})
const seconds = Number(values.seconds)
const runs = Number(values.runs)
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name)

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Median, and the spread from least to most. */
function spread(values_: readonly number[], show: (value: number) => string = whole): string {
  const sorted = values_.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  return `${show(median)} (${show(sorted[0] ?? 0)}-${show(sorted.at(-1) ?? 0)})`
}

function sayUsage(usage: Record<string, Usage>, records?: number): void {
  for (const [name, { cpuSeconds, peakAnonMiB, earlyAnonMiB, lateAnonMiB }] of Object.entries(usage)) {
    const cpu =
      records === undefined ? '' : `${((cpuSeconds / records) * 1e6).toFixed(2)} CPU s per million, `
    say(
      `  ${name}: ${cpu}RssAnon peak ${peakAnonMiB} MiB (second quarter ${earlyAnonMiB}, last ${lateAnonMiB})`,
    )
  }
}

async function benchEndToEnd(shape: Shape): Promise<void> {
  const results: EndToEnd[] = []
  for (let run = 0; run < runs; run += 1) results.push(await endToEnd(shape, seconds))
  say(`\n${shape}: 500-record requests, ${seconds} s, ${runs} runs, every record landed`)
  say(`  in:     ${spread(results.map(({ load }) => load.records / load.seconds))} records/s`)
  say(
    `  landed: ${spread(results.map(({ landedPerSecond }) => landedPerSecond))} records/s while the load ran`,
  )
  say(
    `  landed: ${spread(results.map(({ drainedPerSecond }) => drainedPerSecond))} records/s to the last record`,
  )
  const last = results.at(-1)
  if (last === undefined) return
  say(
    `  request p50 ${last.load.p50Ms.toFixed(1)} ms, p99 ${last.load.p99Ms.toFixed(1)} ms, throttled ${last.load.throttled}`,
  )
  say(`  load generator: ${((last.load.cpuSeconds / last.load.records) * 1e6).toFixed(2)} CPU s per million`)
  sayUsage(last.usage, last.landed)
}

/** With signatures and without, by turns. */
async function benchSignatures(shape: Shape): Promise<void> {
  const plain: EndToEnd[] = []
  const signed: EndToEnd[] = []
  for (let run = 0; run < runs; run += 1) {
    plain.push(await endToEnd(shape, seconds))
    signed.push(await endToEnd(shape, seconds, true))
  }
  say(`\nsigv4, ${shape}: 500-record requests, ${seconds} s, ${runs} runs, every record landed`)
  for (const [name, results] of [
    ['not signed', plain],
    ['signed', signed],
  ] as const) {
    say(`  ${name}: ${spread(results.map((result) => result.drainedPerSecond))} records/s to the last record`)
    const last = results.at(-1)
    if (last !== undefined) sayUsage(last.usage, last.landed)
  }
  const shares = signed.map(
    (result, run) => result.drainedPerSecond / (plain[run]?.drainedPerSecond ?? Number.NaN),
  )
  say(`  signed / not signed: ${spread(shares, (share) => share.toFixed(2))}`)
}

async function benchKinesis(shape: Shape, withMetadata: boolean): Promise<void> {
  const results: KinesisRun[] = []
  for (let run = 0; run < runs; run += 1)
    results.push(await eightShards(shape, seconds * KINESIS_RECORDS_PER_SECOND, withMetadata))
  const columns = withMetadata ? 'with five metadata columns' : 'without metadata columns'
  say(`\nkinesis, ${shape}: 8 shards of a fake, ${columns}, ${runs} runs, every record landed`)
  say(`  landed: ${spread(results.map((run) => run.records / run.seconds))} records/s to the last record`)
  const last = results.at(-1)
  if (last !== undefined) sayUsage(last.usage, last.records)
}

async function benchOneShard(shape: Shape, orderBytes: number): Promise<void> {
  const run = await oneShard(shape, seconds, orderBytes)
  say(
    `\nkinesis, ${shape}: one shard that gets 2 MB of orders of ${orderBytes} bytes a second, ${whole(run.records / run.seconds)} records/s`,
  )
  for (const [name, { cpuSeconds }] of Object.entries(run.usage))
    say(`  ${name}: ${((100 * cpuSeconds) / run.seconds).toFixed(1)} % of a core`)
}

async function sayTransform(): Promise<void> {
  const results = await benchTransform()
  say('\ntransform: 500,000 orders to a fake of Lambda and back, calls of 1 MiB, five at a time')
  say(`  ${spread(results.map(({ recordsPerSecond }) => recordsPerSecond))} records/s`)
  const cpu = spread(
    results.map(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion),
    (value) => value.toFixed(2),
  )
  say(`  ${cpu} CPU s per million, of the process that calls`)
}

async function sayCompression(): Promise<void> {
  say('\ncompression: 128 MiB of orders from frames to a staged object')
  for (const [compression, all] of await benchCompression()) {
    const mib = spread(all.map(({ mibPerSecond }) => mibPerSecond))
    const [cpu, loop, late] = (['cpuSeconds', 'loopSeconds', 'loopLateMs'] as const).map((figure) =>
      spread(
        all.map((run) => run[figure]),
        (value) => value.toFixed(2),
      ),
    )
    const ratio = spread(
      all.map((run) => run.ratio),
      (value) => value.toFixed(3),
    )
    say(`  ${compression}: ${mib} MiB/s, CPU ${cpu} s, event loop ${loop} s, late ${late} ms, ratio ${ratio}`)
  }
}

/** Makes a run about as long as was asked for. */
const KINESIS_RECORDS_PER_SECOND = 150_000

say(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`)
if (wanted('convert')) await benchConvert()
if (wanted('partitions')) await benchPartitions()
if (wanted('transform')) await sayTransform()
if (wanted('keys')) await benchKeys(say)
if (wanted('objects')) sayObjects(say)
if (wanted('small')) await benchSmallRecords(say)
if (wanted('compression')) await sayCompression()
if (wanted('embedded')) await benchEndToEnd('embedded')
if (wanted('redis')) await benchEndToEnd('redis')
if (wanted('sigv4')) for (const shape of ['embedded', 'redis'] as const) await benchSignatures(shape)
if (wanted('put-record')) {
  for (const shape of ['embedded', 'redis'] as const)
    for (const signed of [false, true]) {
      const report = await putRecord(shape, Math.min(seconds, 15), signed)
      say(`\nPutRecord one by one, 64 connections, ${signed ? 'signed' : 'not signed'}, ${shape}`)
      say(
        `  ${whole(report.records / report.seconds)} records/s, p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms`,
      )
    }
}
if (wanted('backlog')) {
  for (const shape of ['embedded', 'redis'] as const) {
    const result = await backlog(shape, 2 * 1024 ** 3)
    say(`\nbacklog of 2 GiB, then its bucket appears, ${shape}: landed in ${result.seconds.toFixed(0)} s`)
    sayUsage(result.usage)
  }
}
if (wanted('kinesis')) {
  await benchKinesis('embedded', false)
  await benchKinesis('embedded', true)
  await benchKinesis('redis', false)
  for (const shape of ['embedded', 'redis'] as const)
    for (const orderBytes of [ORDER_BYTES, 2_000]) await benchOneShard(shape, orderBytes)
}

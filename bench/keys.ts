/**
 * What dynamic partitioning costs before a record is converted: keys read quickly and by jq, and the assignment to objects.
 */
import { performance } from 'node:perf_hooks'
import { createLog } from '../src/account/log.ts'
import { FrameBuilder, type Frame } from '../src/domain/frame.ts'
import { createPartition } from '../src/process/partition/partition.ts'
import type { PartitionInput } from '../src/process/stages.ts'
import { inputOf } from './convert.ts'
import { eightColumns, order, seeded } from './orders.ts'

const RECORDS = 500_000
const JQ_RECORDS = 50_000
const RECORDS_PER_FRAME = 500
const ARRIVAL_MS = 1_790_000_000_000
const RUNS = 5

const QUERIES = [
  ['one path', '{k: .region}'],
  ['a path further in', '{k: .customer.id}'],
  ['two paths and a date', '{k: .region, d: (.ts | strftime("%Y-%m-%d"))}'],
  ['jq: a function', '{k: (.region | ascii_downcase)}'],
] as const

function frames(records: number): Frame[] {
  const random = seeded(17)
  return Array.from({ length: Math.ceil(records / RECORDS_PER_FRAME) }, (_, frame) => {
    const lines = Array.from({ length: RECORDS_PER_FRAME }, (_unused, index) => {
      const region = `r${Math.floor(random() * 100)}`
      const more = `"region":"${region}","customer":{"id":"c-${region}","vip":false},"ts":${1_790_000_000 + Math.floor(random() * 86_400)}`
      return Buffer.from(`${order(frame * RECORDS_PER_FRAME + index, random).slice(0, -1)},${more}}`)
    })
    const builder = new FrameBuilder(
      lines.length,
      lines.reduce((sum, { length }) => sum + length, 0),
    )
    for (const line of lines) builder.addBytes(line)
    return builder.finish(ARRIVAL_MS)
  })
}

function inputFor(query: string, all: readonly Frame[]): PartitionInput {
  const { batch, plan, signal } = inputOf(all, eightColumns)
  const prefix = query.includes('d:')
    ? '!{partitionKeyFromQuery:k}/!{partitionKeyFromQuery:d}/'
    : '!{partitionKeyFromQuery:k}/'
  const partitioning = { query, objectBytes: 128 * 1024 ** 2 }
  return {
    batch,
    plan: {
      ...plan,
      destination: { ...plan.destination, prefix, partitioning },
      maxPartitions: 5_000,
      queryLimits: { queryMaxMs: 5_000, queryOutputMaxBytes: 16 * 1024 ** 2 },
    },
    partitioning,
    async *frames() {
      await Promise.resolve()
      yield* all
    },
    signal,
  }
}

/** CPU microseconds a record, and records a second. */
async function measured(
  input: PartitionInput,
  onlyJq: boolean,
): Promise<readonly [cpu: number, perSecond: number]> {
  const stage = createPartition({ onlyJq, log: createLog('warn') })
  const cpuBefore = process.cpuUsage()
  const before = performance.now()
  const partitions = await stage.partition(input)
  const { user, system } = process.cpuUsage(cpuBefore)
  const seconds = (performance.now() - before) / 1_000
  const { records } = input.batch
  if (partitions.verdicts.length > 0) throw new Error(`bench keys: ${partitions.verdicts[0]?.message}`)
  await partitions.dispose()
  return [(user + system) / records, records / seconds]
}

export async function benchKeys(say: (line: string) => void): Promise<void> {
  say(`\nkeys: ${RECORDS} orders of 300 bytes, median of ${RUNS} runs; jq: ${JQ_RECORDS}`)
  const many = frames(RECORDS)
  const some = frames(JQ_RECORDS)
  for (const [name, query] of QUERIES) {
    const isQuick = !name.startsWith('jq')
    const runs: (readonly [number, number])[] = []
    for (let run = 0; run <= RUNS; run += 1) {
      const result = await measured(inputFor(query, isQuick ? many : some), false)
      if (run > 0) runs.push(result)
    }
    sayRuns(say, name, runs)
    if (isQuick) sayRuns(say, `${name}, by jq`, [await measured(inputFor(query, some), true)])
  }
}

function sayRuns(
  say: (line: string) => void,
  name: string,
  runs: readonly (readonly [number, number])[],
): void {
  const [cpu, perSecond] = runs.toSorted(([a], [b]) => a - b)[Math.floor(runs.length / 2)] ?? [0, 0]
  say(
    `  ${name.padEnd(30)} ${cpu.toFixed(2)} µs CPU a record, ${Math.round(perSecond).toLocaleString('en-US')} records/s`,
  )
}

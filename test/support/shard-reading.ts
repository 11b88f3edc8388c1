/**
 * A shard reader between a data stream and a store that do what a test says: each call takes the next scripted answer, or
 * without one succeeds. All calls are kept in one journal, with their times on a clock that the test moves.
 */
import type { Log } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { AcceptFromShard, Accepted, Ended, OutOfPlace } from '../../src/domain/ports.ts'
import { SHARD_END, type Checkpoint, type NewShard, type ShardPosition } from '../../src/domain/shard.ts'
import {
  DataStreamError,
  type DataStream,
  type DataStreamErrorKind,
  type ListedShard,
  type ReadAnswer,
  type SourceRecord,
} from '../../src/receive/kinesis/data-stream.ts'
import { createReadTurns } from '../../src/receive/kinesis/read-turns.ts'
import {
  startShardReader,
  type ReaderEnd,
  type ShardReader,
  type ShardReaderOptions,
} from '../../src/receive/kinesis/shard-reader.ts'
import { FakeClock } from './fake-clock.ts'

type Answer<T> = T | Error | (() => T | Promise<T>)

export const stream = { name: 'orders', incarnation: '0123456789abcdef' }
export const KEY = '1790000000000/shardId-000000000003'
const HASH_RANGE = ['0', String(2n ** 128n - 1n)] as const

export interface Script {
  readonly iterators: Answer<string>[]
  readonly reads: Answer<ReadAnswer>[]
  readonly lists: Answer<readonly ListedShard[]>[]
  readonly same: Answer<boolean>[]
  readonly children: Answer<readonly NewShard[]>[]
  readonly appends: Answer<Accepted | OutOfPlace>[]
  readonly ends: Answer<Ended>[]
}

export interface ReaderWorld {
  readonly script: Script
  readonly clock: FakeClock
  readonly metrics: Metrics
  /** Calls and crash points in order, such as `read it-1` or `append TRIM_HORIZON > 2: a b`. */
  readonly journal: string[]
  readonly lines: { readonly level: string; readonly message: string; readonly fields: Fields }[]
  /** What the store has. */
  readonly store: { checkpoint: Checkpoint; records: string[] }
  /** The store takes frames as it does without a script: for answers that are lost. */
  readonly append: (frames: readonly Frame[], position: ShardPosition) => Accepted | OutOfPlace
  start(over?: Partial<ShardReaderOptions>): ShardReader
  /** Times of the calls that begin so, since the start. */
  times(call: string): number[]
  /** Of the latest reader, or undefined while it reads. */
  end(): ReaderEnd | undefined
}

type Fields = Readonly<Record<string, unknown>>

export function readerWorld(checkpoint: Checkpoint = 'TRIM_HORIZON'): ReaderWorld {
  const script: Script = {
    iterators: [],
    reads: [],
    lists: [],
    same: [],
    children: [],
    appends: [],
    ends: [],
  }
  const clock = new FakeClock()
  const startedMs = clock.now()
  const journal: string[] = []
  const calls: { readonly call: string; readonly atMs: number }[] = []
  const store = { checkpoint, records: [] as string[] }
  const metrics = new Metrics()
  const lines: ReaderWorld['lines'] = []
  let ended: ReaderEnd | undefined

  async function called<T>(
    call: string,
    queue: Answer<T>[],
    fallback: () => T,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted()
    journal.push(call)
    calls.push({ call, atMs: clock.now() - startedMs })
    const next = queue.shift() ?? fallback
    if (next instanceof Error) throw next
    if (typeof next !== 'function') return next
    return await unlessAborted(Promise.resolve((next as () => T | Promise<T>)()), signal)
  }

  const append: ReaderWorld['append'] = (frames, { after, last }) => {
    if (after !== store.checkpoint) return { kind: 'gap', checkpoint: store.checkpoint }
    store.checkpoint = last
    store.records.push(...textsOf(frames))
    return { kind: 'accepted', appendSequence: 1 }
  }
  const accept: AcceptFromShard = (frames, position) =>
    called(`append ${position.after} > ${position.last}: ${textsOf(frames).join(' ')}`, script.appends, () =>
      append(frames, position),
    )
  let iterators = 0
  const dataStream: DataStream = {
    arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/orders',
    createdAt: () => Promise.reject(new Error('a reader does not ask this')),
    listShards: (openAt, signal) => called(`list ${openAt ?? 'all'}`, script.lists, () => [], signal),
    iterator: (shardId, from, signal) =>
      called(`locate ${shardId} ${from}`, script.iterators, () => `it-${(iterators += 1)}`, signal),
    read: (iterator, signal, most) => {
      const call = most === undefined ? `read ${iterator}` : `read ${iterator} most ${most}`
      return called(call, script.reads, () => answer([], iterator), signal)
    },
  }
  const start = (over: Partial<ShardReaderOptions> = {}): ShardReader => {
    const key = over.shard?.key ?? KEY
    const reader = startShardReader({
      dataStream,
      shard: { key, hashRange: HASH_RANGE },
      outOfRangeRecords: 'keep',
      acquired: { lease: { stream, key, counter: 1 }, checkpoint: store.checkpoint },
      accept,
      shards: {
        end: (_, after, children) =>
          called(`end ${after} [${children.map((one) => one.key).join(' ')}]`, script.ends, () => {
            store.checkpoint = SHARD_END
            return { kind: 'ended' }
          }),
      },
      isSameDataStream: (signal) => called('same', script.same, () => true, signal),
      childrenOf: (named, signal) =>
        called(
          `children [${named.map(({ shardId }) => shardId).join(' ')}]`,
          script.children,
          () => named.map(({ shardId }) => child(shardId)),
          signal,
        ),
      turns: createReadTurns(2),
      pace: { idleMs: 1_000, busyMs: 250, bytesPerSecond: 2 * 1024 * 1024 },
      clock,
      metrics,
      log: keepingLog(lines),
      crash: (point) => void journal.push(`(${point})`),
      random: () => 0.5,
      ...over,
    })
    void reader.ended.then((end) => (ended = end))
    return reader
  }
  const times = (call: string): number[] =>
    calls.filter((one) => one.call.startsWith(call)).map(({ atMs }) => atMs)
  return { script, clock, metrics, journal, lines, store, append, start, times, end: () => ended }
}

async function unlessAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal?.reason as Error)))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([pending, aborted])
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function textsOf(frames: readonly Frame[]): string[] {
  return frames.flatMap((frame) => [...frame.recordViews()].map((view) => view.toString()))
}

function keepingLog(lines: ReaderWorld['lines']): Log {
  const at = (level: string) => (fields: Fields, message: string) =>
    void lines.push({ level, message, fields })
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') } as unknown as Log
}

/** A record of sequence number `n` whose data are `r<n>`, unless told otherwise. */
export function sourceRecord(n: number, fields: Partial<SourceRecord> = {}): SourceRecord {
  return {
    data: Buffer.from(`r${n}`),
    partitionKey: `k${n}`,
    sequenceNumber: String(n),
    arrivalMs: n,
    ...fields,
  }
}

/** An answer of GetRecords: these records, or those of these sequence numbers, and nothing more to give. */
export function answer(
  records: readonly (number | SourceRecord)[],
  nextIterator: string | undefined,
  fields: Partial<ReadAnswer> = {},
): ReadAnswer {
  const made = records.map((record) => (typeof record === 'number' ? sourceRecord(record) : record))
  const bytes = made.reduce((sum, { data }) => sum + data.length, 0)
  return { records: made, nextIterator, behindMs: 0, children: [], bytes, ...fields }
}

export function failure(kind: DataStreamErrorKind, hint?: string): DataStreamError {
  return new DataStreamError(`read shard: ${kind}`, {
    kind,
    code: kind,
    ...(hint === undefined ? {} : { hint }),
  })
}

export function listed(shardId: string): ListedShard {
  return { shardId, parents: [], hashRange: HASH_RANGE, isClosed: false }
}

export function child(shardId: string): NewShard {
  return {
    key: `1790000000000/${shardId}`,
    parents: [KEY],
    hashRange: HASH_RANGE,
    checkpoint: 'TRIM_HORIZON',
  }
}

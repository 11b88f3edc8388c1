/**
 * A data stream of Kinesis in memory, on a clock that a test moves: shards with splits, merges and trimming, iterators
 * that expire, and a stream that can be deleted and made again under its name. What AWS leaves open (whether the last
 * records come with the end of the shard, whether the end names the children, what it says of a trimmed sequence number)
 * is a setting.
 */
import { isSequenceNumber, timestampOf, TRIM_HORIZON, type Checkpoint } from '../../src/domain/shard.ts'
import {
  DataStreamError,
  type DataStream,
  type DataStreamErrorKind,
  type ListedShard,
  type ReadAnswer,
  type SourceRecord,
} from '../../src/receive/kinesis/data-stream.ts'

const KEY_SPACE = 2n ** 128n
const ITERATOR_MS = 300_000

export interface SimulatedDataStreamOptions {
  readonly clock: { now(): number }
  readonly name?: string
  readonly shards: number
  /** Most records of one answer. */
  readonly recordsPerRead?: number
}

export interface SimulatedShard {
  readonly id: string
  readonly parents: readonly string[]
  readonly first: bigint
  readonly last: bigint
  readonly openedAtMs: number
  closedAtMs: number | undefined
  /** All records ever put, trimmed ones too. */
  readonly records: SourceRecord[]
  /** How many of them, from the first, are trimmed. */
  trimmed: number
}

export type DataStreamVerb = 'createdAt' | 'listShards' | 'iterator' | 'read'

export interface DataStreamCall {
  readonly dataStream: string
  readonly verb: DataStreamVerb
  /** Of an iterator or a read. */
  readonly shardId?: string
}

/** Carries a call out by calling `step`, which takes effect at once; a simulation puts delays and failures here. */
export type CarryCall = <T>(call: DataStreamCall, signal: AbortSignal, step: () => T) => Promise<T>

/** One life of the data stream: between its creation and its deletion. */
export interface Life {
  readonly createdAtMs: number
  readonly shards: Map<string, SimulatedShard>
  /** Records older than this are trimmed. */
  horizonMs: number
}

export class SimulatedDataStream {
  readonly arn: string
  /** The answer at the end of a shard names its children. */
  namesChildren = true
  /** ListShards knows `openAt`. */
  knowsFilters = true
  /** The end of a shard is told with its last records; otherwise by an empty answer after them. */
  endsWithRecords = true
  /** A trimmed sequence number is refused; otherwise reading begins at the oldest record. */
  refusesTrimmed = false
  /** Says that an answer holds nothing though there is more to come. */
  answersEmpty: () => boolean = () => false
  /** Leaves a shard out of a listing. */
  hides: (shard: SimulatedShard) => boolean = () => false
  /** All lives, the last one is the present one. */
  readonly lives: Life[] = []
  #isDeleted = false
  #sequence = 0
  readonly #options: SimulatedDataStreamOptions

  constructor(options: SimulatedDataStreamOptions) {
    this.#options = options
    this.arn = `arn:aws:kinesis:us-east-1:000000000000:stream/${options.name ?? 'orders'}`
    this.#create(options.shards)
  }

  get now(): number {
    return this.#options.clock.now()
  }

  get life(): Life {
    const life = this.lives.at(-1)
    if (life === undefined) throw new Error('a data stream has a life')
    return life
  }

  get open(): SimulatedShard[] {
    return [...this.life.shards.values()].filter(({ closedAtMs }) => closedAtMs === undefined)
  }

  shard(id: string): SimulatedShard {
    const shard = this.life.shards.get(id)
    if (shard === undefined) throw new Error(`there is no shard ${id}`)
    return shard
  }

  put(data: string, hashKey: bigint = 0n): { shardId: string; sequenceNumber: string } {
    const shard = this.open.find(({ first, last }) => first <= hashKey && hashKey <= last)
    if (shard === undefined) throw new Error(`no open shard has the hash key ${hashKey}`)
    this.#sequence += 1
    const sequenceNumber = `4966${String(this.#sequence).padStart(52, '0')}`
    shard.records.push({ data: Buffer.from(data), partitionKey: data, sequenceNumber, arrivalMs: this.now })
    return { shardId: shard.id, sequenceNumber }
  }

  /** @returns the ids of the two children */
  split(id: string): [string, string] {
    const { first, last } = this.#close(id)
    const middle = (first + last) / 2n
    return [this.#add([id], first, middle), this.#add([id], middle + 1n, last)]
  }

  /** Of two shards that lie beside each other. @returns the id of the child */
  merge(left: string, right: string): string {
    if (this.shard(left).last + 1n !== this.shard(right).first) throw new Error('shards are not neighbours')
    const { first } = this.#close(left)
    const { last } = this.#close(right)
    return this.#add([left, right], first, last)
  }

  /** Open shards that lie beside each other. */
  neighbours(): [SimulatedShard, SimulatedShard][] {
    const open = this.open.toSorted((a, b) => (a.first < b.first ? -1 : 1))
    return open.slice(1).flatMap((right, index) => {
      const left = open[index]
      return left === undefined ? [] : [[left, right] as [SimulatedShard, SimulatedShard]]
    })
  }

  /** Records that are older go, and the closed shards that hold none any more. */
  trim(horizonMs: number): void {
    this.life.horizonMs = Math.max(this.life.horizonMs, horizonMs)
    for (const shard of this.life.shards.values()) {
      const kept = shard.records.findIndex(({ arrivalMs }) => arrivalMs >= this.life.horizonMs)
      shard.trimmed = kept < 0 ? shard.records.length : kept
    }
  }

  isExpired({ closedAtMs }: SimulatedShard): boolean {
    return closedAtMs !== undefined && closedAtMs < this.life.horizonMs
  }

  delete(): void {
    this.#isDeleted = true
  }

  /** Shard ids begin anew. */
  recreate(shards: number): void {
    this.#isDeleted = false
    this.#create(shards)
  }

  /** As a process sees it. */
  as(carry: CarryCall = async (_call, _signal, step) => step()): DataStream {
    const dataStream = this.#options.name ?? 'orders'
    return {
      arn: this.arn,
      createdAt: (signal) =>
        carry({ dataStream, verb: 'createdAt' }, signal, () => this.#there('describe').createdAtMs),
      listShards: (openAt, signal) =>
        carry({ dataStream, verb: 'listShards' }, signal, () => this.#list(openAt)),
      iterator: (shardId, checkpoint, signal) =>
        carry({ dataStream, verb: 'iterator', shardId }, signal, () => this.#iterator(shardId, checkpoint)),
      read: (iterator, signal, limit) => {
        const shardId = iterator.split(' ')[1] ?? ''
        return carry({ dataStream, verb: 'read', shardId }, signal, () => this.#read(iterator, limit))
      },
    }
  }

  #create(count: number): void {
    const after = (this.lives.at(-1)?.createdAtMs ?? 0) + 1
    const createdAtMs = Math.max(this.now, after)
    this.lives.push({ createdAtMs, shards: new Map(), horizonMs: 0 })
    const width = KEY_SPACE / BigInt(count)
    for (let index = 0n; index < BigInt(count); index += 1n) {
      const last = index === BigInt(count) - 1n ? KEY_SPACE - 1n : (index + 1n) * width - 1n
      this.#add([], index * width, last)
    }
  }

  #add(parents: readonly string[], first: bigint, last: bigint): string {
    const id = `shardId-${String(this.life.shards.size).padStart(12, '0')}`
    const shard = {
      id,
      parents,
      first,
      last,
      openedAtMs: this.now,
      closedAtMs: undefined,
      records: [],
      trimmed: 0,
    }
    this.life.shards.set(id, shard)
    return id
  }

  #close(id: string): SimulatedShard {
    const shard = this.shard(id)
    if (shard.closedAtMs !== undefined) throw new Error(`shard ${id} is closed`)
    shard.closedAtMs = this.now
    return shard
  }

  #there(doing: string): Life {
    if (this.#isDeleted) throw failure('gone', `${doing} ${this.arn}: there is no such data stream`)
    return this.life
  }

  #list(openAt: Checkpoint | undefined): readonly ListedShard[] {
    const life = this.#there('list shards of')
    const shards = [...life.shards.values()].filter((shard) => !this.isExpired(shard) && !this.hides(shard))
    if (openAt === undefined) return shards.map(listed)
    if (!this.knowsFilters) throw failure('invalid', 'list shards: unknown filter')
    const wantedMs = openAt === TRIM_HORIZON ? 0 : (timestampOf(openAt) ?? NaN)
    if (!(wantedMs <= this.now)) throw failure('invalid', 'list shards: the time has not come')
    const atMs = Math.max(wantedMs, life.horizonMs, life.createdAtMs)
    return shards
      .filter(
        ({ openedAtMs, closedAtMs }) =>
          openedAtMs <= atMs && (closedAtMs === undefined || closedAtMs >= atMs),
      )
      .map(listed)
  }

  #iterator(id: string, checkpoint: Checkpoint): string {
    const life = this.#there('find a place in')
    const shard = life.shards.get(id)
    if (shard === undefined || this.isExpired(shard))
      throw failure('gone', `find ${id}: there is no such shard`)
    return `${life.createdAtMs} ${id} ${this.#placeOf(shard, checkpoint)} ${this.now}`
  }

  #placeOf(shard: SimulatedShard, checkpoint: Checkpoint): number {
    const { records, trimmed } = shard
    if (checkpoint === TRIM_HORIZON) return trimmed
    const sinceMs = timestampOf(checkpoint)
    if (sinceMs !== undefined) {
      if (sinceMs > this.now) throw failure('invalid', 'find a place: the time has not come')
      const index = records.findIndex(({ arrivalMs }) => arrivalMs >= sinceMs)
      return index < 0 ? records.length : Math.max(index, trimmed)
    }
    if (!isSequenceNumber(checkpoint)) throw new Error(`no place in a shard: ${checkpoint}`)
    const index = records.findIndex(({ sequenceNumber }) => sequenceNumber === checkpoint)
    if (index < 0) throw failure('invalid', `find ${checkpoint}: not of this shard`)
    if (index < trimmed && this.refusesTrimmed) throw failure('invalid', `find ${checkpoint}: trimmed`)
    return Math.max(index + 1, trimmed)
  }

  #read(iterator: string, limit = 10_000): ReadAnswer {
    const life = this.#there('read')
    const [created, id = '', place, bornMs] = iterator.split(' ')
    if (this.now - Number(bornMs) > ITERATOR_MS) throw failure('expired', 'read: the iterator has expired')
    const shard = life.shards.get(id)
    if (Number(created) !== life.createdAtMs || shard === undefined || this.isExpired(shard))
      throw failure('gone', `read ${id}: there is no such shard`)
    const from = Math.max(Number(place), shard.trimmed)
    const most = this.answersEmpty() ? 0 : Math.min(limit, this.#options.recordsPerRead ?? 10_000)
    const records = shard.records.slice(from, from + most)
    const to = from + records.length
    const next = shard.records[to]
    const isEnd =
      shard.closedAtMs !== undefined && next === undefined && (this.endsWithRecords || records.length === 0)
    return {
      records,
      nextIterator: isEnd ? undefined : `${life.createdAtMs} ${id} ${to} ${this.now}`,
      behindMs: next === undefined ? 0 : Math.max(1, this.now - next.arrivalMs),
      children:
        isEnd && this.namesChildren
          ? [...life.shards.values()].filter(({ parents }) => parents.includes(id)).map(listed)
          : [],
      bytes: records.reduce((sum, { data }) => sum + data.length, 0),
    }
  }
}

function listed({ id, parents, first, last, closedAtMs }: SimulatedShard): ListedShard {
  const hashRange = [String(first), String(last)] as const
  return { shardId: id, parents, hashRange, isClosed: closedAtMs !== undefined }
}

export function failure(kind: DataStreamErrorKind, message: string): DataStreamError {
  return new DataStreamError(message, { kind, code: `Simulated-${kind}` })
}

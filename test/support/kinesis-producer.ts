/**
 * A producer into a data stream that knows where each of its records went, and the judge of what became of them. It sends
 * each id once (no retries), alone or within aggregates as the Kinesis Producer Library writes them, and keeps apart what
 * was acknowledged, what was refused, and what it never heard of again.
 */
import { PutRecordsCommand, type KinesisClient, type PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import { compareSequenceNumbers } from '../../src/domain/shard.ts'
import { aggregateOf } from './kpl.ts'

/** Where an acknowledged record is. */
export interface ProducedRecord {
  readonly id: string
  readonly partitionKey: string
  readonly shardId: string
  readonly sequenceNumber: string
  /** Its place in its aggregate, from 0; undefined for one that was sent alone. */
  readonly subSequence: number | undefined
  /** Counts the producer's calls: of one key, what an earlier call brought comes before what a later one did. */
  readonly call: number
}

interface SendOptions {
  /** User records in each record of Kinesis; 0, the default, sends them alone. */
  readonly perAggregate?: number
  /** So many, the first, cannot be converted. */
  readonly bad?: number
  /** Bytes that each order gets in addition. */
  readonly padding?: number
}

interface Order {
  readonly id: string
  readonly partitionKey: string
  readonly data: Buffer
}

export class KinesisProducer {
  /** By id. */
  readonly acknowledged = new Map<string, ProducedRecord>()
  /** Ids whose answer was lost: they may land once, or not. */
  readonly unknown = new Set<string>()
  readonly refused = new Set<string>()
  readonly #client: KinesisClient
  readonly #arn: string
  readonly #name: string
  readonly #keys: number
  #sequence = 0
  #calls = 0

  /** @param keys partition keys that its records take by turns */
  constructor(client: KinesisClient, arn: string, { name = 'p', keys = 16 } = {}) {
    this.#client = client
    this.#arn = arn
    this.#name = name
    this.#keys = keys
  }

  /** Sends `count` orders in one PutRecords, at most 500 records of Kinesis. One call at a time. Never rejects. */
  async send(count: number, options: SendOptions = {}): Promise<void> {
    const call = (this.#calls += 1)
    const orders = Array.from({ length: count }, (_, index) => this.#order(index, options))
    const groups = grouped(orders, options.perAggregate ?? 0)
    const isAggregated = options.perAggregate !== undefined && options.perAggregate > 0
    const entries = groups.map((group) => ({
      Data: isAggregated ? aggregateOf(group) : group[0]?.data,
      PartitionKey: group[0]?.partitionKey,
    }))
    let answers: readonly PutRecordsResultEntry[] = []
    try {
      const command = new PutRecordsCommand({ StreamARN: this.#arn, Records: entries })
      answers = (await this.#client.send(command)).Records ?? []
    } catch {
      // Without an answer nothing is known of any.
    }
    groups.forEach((group, index) => this.#note(group, answers[index], call, isAggregated))
  }

  #order(index: number, { bad = 0, padding = 10 }: SendOptions): Order {
    const id = `${this.#name}-${(this.#sequence += 1)}`
    const fields =
      index < bad ? { amount: 'not a number' } : { amount: index + 0.5, note: 'x'.repeat(padding) }
    return {
      id,
      partitionKey: `${this.#name}-key-${this.#sequence % this.#keys}`,
      data: Buffer.from(JSON.stringify({ order_id: id, ...fields })),
    }
  }

  #note(
    group: readonly Order[],
    answer: PutRecordsResultEntry | undefined,
    call: number,
    isAggregated: boolean,
  ): void {
    const { ShardId: shardId, SequenceNumber: sequenceNumber, ErrorCode: code } = answer ?? {}
    group.forEach(({ id, partitionKey }, index) => {
      if (shardId !== undefined && sequenceNumber !== undefined) {
        const subSequence = isAggregated ? index : undefined
        this.acknowledged.set(id, { id, partitionKey, shardId, sequenceNumber, subSequence, call })
      } else if (code === undefined || code === 'InternalFailure') this.unknown.add(id)
      else this.refused.add(id)
    })
  }
}

/** Records of one partition key in each group, as many as fit: an aggregate then has no record of another shard. */
function grouped(orders: readonly Order[], perAggregate: number): readonly (readonly Order[])[] {
  if (perAggregate < 1) return orders.map((order) => [order])
  const byKey = new Map<string, Order[]>()
  for (const order of orders) {
    const group = byKey.get(order.partitionKey)
    if (group === undefined) byKey.set(order.partitionKey, [order])
    else group.push(order)
  }
  return [...byKey.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / perAggregate) }, (_, index) =>
      group.slice(index * perAggregate, (index + 1) * perAggregate),
    ),
  )
}

/** A record that was found in an object, with what the object says of its source, if it does. */
export interface LandedRecord {
  readonly id: string
  readonly shardId?: string
  readonly sequenceNumber?: string
  readonly subSequence?: number | undefined
}

/**
 * The oracle. Each list holds what landed in one place, in its order: one list for the objects in the order of their batches,
 * one for the error records. Over all lists together acknowledged ids landed exactly once, unknown ones at most once, and
 * no other id at all; within each list the records of a shard stand in the order of their sequence numbers, and those of a
 * partition key in the order of the calls that sent them, whatever was split or merged meanwhile.
 *
 * @returns problems, the first of each kind
 */
export function judgeShards(
  producers: readonly KinesisProducer[],
  ...lists: readonly (readonly LandedRecord[])[]
): string[] {
  const sent = new Map(producers.flatMap(({ acknowledged }) => [...acknowledged]))
  return [
    ...countProblems(producers, lists.flat()).slice(0, 20),
    ...lists.flatMap((list) => sourceProblems(sent, list).slice(0, 5)),
    ...lists.flatMap((list) => orderProblems(sent, list).slice(0, 5)),
  ]
}

function countProblems(producers: readonly KinesisProducer[], landed: readonly LandedRecord[]): string[] {
  const problems: string[] = []
  const counts = new Map<string, number>()
  for (const { id } of landed) counts.set(id, (counts.get(id) ?? 0) + 1)
  for (const { acknowledged, unknown, refused } of producers) {
    for (const record of acknowledged.values()) {
      const times = counts.get(record.id) ?? 0
      if (times !== 1) problems.push(`acknowledged ${placeOf(record)} landed ${times} times`)
      counts.delete(record.id)
    }
    for (const id of unknown) {
      if ((counts.get(id) ?? 0) > 1) problems.push(`unknown ${id} landed ${counts.get(id)} times`)
      counts.delete(id)
    }
    for (const id of refused) if (counts.delete(id)) problems.push(`refused ${id} landed`)
  }
  for (const id of counts.keys()) problems.push(`${id} landed but was never sent`)
  return problems
}

/** Where an object says that a record came from is where it was put. */
function sourceProblems(
  sent: ReadonlyMap<string, ProducedRecord>,
  landed: readonly LandedRecord[],
): string[] {
  return landed.flatMap((found) => {
    const record = sent.get(found.id)
    if (record === undefined) return []
    const wrong = (['shardId', 'sequenceNumber', 'subSequence'] as const).filter(
      (name) => name in found && found[name] !== record[name],
    )
    return wrong.map((name) => `${placeOf(record)} landed with ${name} ${String(found[name])}`)
  })
}

function orderProblems(sent: ReadonlyMap<string, ProducedRecord>, landed: readonly LandedRecord[]): string[] {
  const problems: string[] = []
  const lastOfShard = new Map<string, ProducedRecord>()
  const lastOfKey = new Map<string, ProducedRecord>()
  for (const { id } of landed) {
    const record = sent.get(id)
    if (record === undefined) continue
    const before = lastOfShard.get(record.shardId)
    if (before !== undefined && compare(before, record) >= 0)
      problems.push(`${placeOf(record)} landed after ${placeOf(before)}`)
    const earlier = lastOfKey.get(record.partitionKey)
    if (earlier !== undefined && earlier.call > record.call)
      problems.push(
        `${placeOf(record)} of call ${record.call} landed after ${placeOf(earlier)} of call ${earlier.call}`,
      )
    lastOfShard.set(record.shardId, record)
    lastOfKey.set(record.partitionKey, record)
  }
  return problems
}

function compare(a: ProducedRecord, b: ProducedRecord): number {
  const bySequence = compareSequenceNumbers(a.sequenceNumber, b.sequenceNumber)
  return bySequence === 0 ? (a.subSequence ?? 0) - (b.subSequence ?? 0) : bySequence
}

function placeOf({ id, shardId, sequenceNumber, subSequence }: ProducedRecord): string {
  return `${id} (${shardId} ${sequenceNumber}${subSequence === undefined ? '' : `.${subSequence}`})`
}

/**
 * A producer that sends each id once (no retries), and remembers what it was told of each: acknowledged, refused, or
 * nothing. The oracle compares that with what landed.
 */
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'

export function firehoseClient(endpoint: string): FirehoseClient {
  return new FirehoseClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
}

export class Producer {
  readonly acknowledged = new Set<string>()
  /** Ids whose answer was lost: they may land once, or not. */
  readonly unknown = new Set<string>()
  readonly refused = new Set<string>()
  readonly #stream: string
  readonly #name: string
  #sequence = 0

  constructor(stream: string, name = 'p') {
    this.#stream = stream
    this.#name = name
  }

  /** Sends `count` orders in one PutRecordBatch; `bad` of them cannot be converted. Never rejects. */
  async send(
    client: FirehoseClient,
    count: number,
    options: { bad?: number; padding?: number } = {},
  ): Promise<void> {
    const ids = Array.from({ length: count }, () => `${this.#name}-${(this.#sequence += 1)}`)
    const note = 'x'.repeat(options.padding ?? 10)
    const records = ids.map((id, index) => ({
      Data: Buffer.from(
        index < (options.bad ?? 0)
          ? JSON.stringify({ order_id: id, amount: 'not a number' })
          : JSON.stringify({ order_id: id, amount: index + 0.5, note }),
      ),
    }))
    try {
      const answer = await client.send(
        new PutRecordBatchCommand({ DeliveryStreamName: this.#stream, Records: records }),
      )
      for (const [index, id] of ids.entries()) {
        const response = answer.RequestResponses?.[index]
        ;(response?.RecordId === undefined ? this.refused : this.acknowledged).add(id)
      }
    } catch {
      for (const id of ids) this.unknown.add(id)
    }
  }
}

/** Acknowledged ids that did not land. */
export function missingOf(producers: readonly Producer[], landedIds: readonly string[]): string[] {
  const landed = new Set(landedIds)
  return producers.flatMap(({ acknowledged }) => [...acknowledged].filter((id) => !landed.has(id)))
}

/** Asserts the oracle: acknowledged ids landed exactly once, unknown ones at most once, no other id at all. */
export function judge(producers: readonly Producer[], landedIds: readonly string[]): string[] {
  const problems: string[] = []
  const counts = new Map<string, number>()
  for (const id of landedIds) counts.set(id, (counts.get(id) ?? 0) + 1)
  for (const { acknowledged, unknown, refused } of producers) {
    for (const id of acknowledged) {
      if (counts.get(id) !== 1) problems.push(`acknowledged ${id} landed ${counts.get(id) ?? 0} times`)
      counts.delete(id)
    }
    for (const id of unknown) {
      if ((counts.get(id) ?? 0) > 1) problems.push(`unknown ${id} landed ${counts.get(id)} times`)
      counts.delete(id)
    }
    for (const id of refused) if (counts.has(id)) problems.push(`refused ${id} landed`)
  }
  for (const id of counts.keys()) problems.push(`${id} landed but was never sent`)
  return problems.slice(0, 20)
}

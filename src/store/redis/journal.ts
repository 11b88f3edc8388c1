/** What became of discarded batches. Written by the discard script, read here. */
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { JournalEntry, Outcome } from '../../domain/outcome.ts'
import type { Journal } from '../../domain/ports.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'

export const JOURNAL_KEPT_MS = 7 * 24 * 3_600_000
/** Most that the journal of one stream holds; then the oldest entries go before their time. */
export const JOURNAL_BYTES_MAX = 4 * 1024 * 1024

export class RedisJournal implements Journal {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #now: () => number

  constructor(connection: Connection, keys: Keys, now: () => number) {
    this.#connection = connection
    this.#keys = keys
    this.#now = now
  }

  async entries(stream: StreamRef, limit: number): Promise<readonly JournalEntry[]> {
    const keys = this.#keys.stream(stream)
    const doing = `read journal of ${stream.name}`
    if (limit <= 0) return []
    const ids = await this.#connection.call(doing, (client) =>
      client.zrevrange(keys.journalTimes, 0, limit - 1),
    )
    if (ids.length === 0) return []
    const texts = await this.#connection.call(doing, (client) => client.hmget(keys.journal, ...ids))
    return ids.flatMap((id, index) => this.#entry(stream, id, texts[index] ?? null) ?? [])
  }

  async find(stream: StreamRef, appendSequence: number): Promise<JournalEntry | undefined> {
    const keys = this.#keys.stream(stream)
    const doing = `read journal of ${stream.name}`
    const [id] = await this.#connection.call(doing, (client) =>
      client.zrangebyscore(keys.journalAppends, appendSequence, '+inf', 'LIMIT', 0, 1),
    )
    if (id === undefined) return undefined
    const text = await this.#connection.call(doing, (client) => client.hget(keys.journal, id))
    const entry = this.#entry(stream, id, text)
    return entry !== undefined && entry.firstAppend <= appendSequence ? entry : undefined
  }

  #entry(stream: StreamRef, batchId: string, text: string | null): JournalEntry | undefined {
    if (text === null) return undefined
    const match = /^(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) \S+ (.*)$/s.exec(text)
    if (match === null)
      throw new Error(`read journal of ${stream.name}: the entry of ${batchId} cannot be read`)
    const number = (group: number): number => Number(match[group])
    const discardedAtMs = number(7)
    if (discardedAtMs < this.#now() - JOURNAL_KEPT_MS) return undefined
    return {
      stream: { name: stream.name, incarnation: stream.incarnation },
      batchId,
      firstAppend: number(1),
      lastAppend: number(2),
      records: number(3),
      bytes: number(4),
      oldestArrivalMs: number(5),
      sealedAtMs: number(6),
      discardedAtMs,
      outcome: JSON.parse(match[8] ?? '') as Outcome,
    }
  }
}

/** The durable buffer on Redis. Each method is one script, and each script one atomic, idempotent step. */
import { randomUUID } from 'node:crypto'
import type { BatchRef, SealedBatch } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import type { Outcome, Totals } from '../../domain/outcome.ts'
import type { Plan } from '../../domain/plan.ts'
import type {
  AppendId,
  Appended,
  Attempt,
  Buffer as BufferPort,
  OutOfPlace,
  Pinned,
  Sealed,
} from '../../domain/ports.ts'
import type { ShardPosition } from '../../domain/shard.ts'
import { RedisAppend, type AppendOptions } from './append.ts'
import { readBatch, readDerivedBatch } from './batch-reader.ts'
import type { Connection } from './connection.ts'
import { deriveBatch } from './derivation.ts'
import { JOURNAL_BYTES_MAX, JOURNAL_KEPT_MS } from './journal.ts'
import { dueMember, parseDueMember, type Keys } from './keys.ts'
import { readTotals } from './ledger.ts'
import { scripts } from './scripts.ts'
import { parseSealedBatch } from './sealed-batch.ts'

export interface BufferOptions extends AppendOptions {
  /** For batches and what is derived of them, and `ingest` for all else: a slice of megabytes must not hold up an append. */
  readonly bulk: Connection
}

/** Streams named in one answer of `due`. */
const DUE_MAX = 1000

export class RedisBuffer implements BufferPort {
  readonly #options: BufferOptions
  readonly #append: RedisAppend
  readonly #ingest: Connection
  readonly #keys: Keys
  /** The name of this process' running attempt of a batch. `begun` is false while its answer is missing. */
  readonly #attempts = new Map<string, { readonly name: string; begun: boolean }>()

  constructor(options: BufferOptions) {
    this.#options = options
    this.#append = new RedisAppend(options)
    this.#ingest = options.ingest
    this.#keys = options.keys
  }

  append(stream: StreamRef, frames: readonly Frame[], id: AppendId): Promise<Appended> {
    return this.#append.frames(stream, frames, id)
  }

  appendFromShard(frames: readonly Frame[], position: ShardPosition): Promise<Appended | OutOfPlace> {
    return this.#append.fromShard(frames, position)
  }

  async sealDue(stream: StreamRef): Promise<Sealed> {
    const { base, stream: hash, sealed } = this.#keys.stream(stream)
    const answer = await this.#ingest.script(
      `seal batch of ${stream.name}`,
      scripts.sealDue,
      [hash, sealed, this.#keys.due],
      [this.#options.now(), base, dueMember(stream), randomUUID()],
    )
    const [kind, value] = answer as ['sealed', string] | ['waiting', number] | ['empty', undefined]
    switch (kind) {
      case 'sealed':
        return { kind, batch: { stream: refOf(stream), batchId: value } }
      case 'waiting':
        return { kind, dueInMs: value }
      case 'empty':
        return { kind }
      default:
        return unreachable(kind)
    }
  }

  async due(): Promise<readonly StreamRef[]> {
    const now = this.#options.now()
    const members = await this.#ingest.call('read due streams', (client) =>
      client.zrangebyscore(this.#keys.due, '-inf', now, 'LIMIT', 0, DUE_MAX),
    )
    return members.map(parseDueMember)
  }

  async sealed(stream: StreamRef, limit: number): Promise<readonly BatchRef[]> {
    if (limit <= 0) return []
    const { sealed } = this.#keys.stream(stream)
    const doing = `list batches of ${stream.name}`
    const ids = await this.#ingest.call(doing, (client) => client.zrange(sealed, 0, String(limit - 1)))
    return ids.map((batchId) => ({ stream: refOf(stream), batchId }))
  }

  async describe(batch: BatchRef): Promise<SealedBatch | undefined> {
    const { batch: hash } = this.#keys.batch(batch)
    const doing = `describe batch ${batch.batchId}`
    const fields = await this.#ingest.call(doing, (client) => client.call('HGETALL', hash))
    return parseSealedBatch(batch, fields as readonly string[])
  }

  read(batch: BatchRef, signal: AbortSignal): AsyncIterable<Frame> {
    return readBatch(this.#options.bulk, this.#keys, batch, signal)
  }

  derive(batch: BatchRef, frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<void> {
    return deriveBatch(this.#options.bulk, this.#keys, batch, frames, signal)
  }

  readDerived(batch: BatchRef, signal: AbortSignal): AsyncIterable<Frame> {
    return readDerivedBatch(this.#options.bulk, this.#keys, batch, signal)
  }

  async beginAttempt(batch: BatchRef): Promise<Attempt> {
    const key = attemptKey(batch)
    const unanswered = this.#attempts.get(key)
    // One whose answer was lost may have been counted: asking again under its name does not count a death.
    const attempt = unanswered?.begun === false ? unanswered : { name: randomUUID(), begun: false }
    this.#attempts.set(key, attempt)
    const fields = await this.#ingest.script(
      `begin attempt of ${batch.batchId}`,
      scripts.beginAttempt,
      [this.#keys.batch(batch).batch, this.#keys.stream(batch.stream).stream],
      [attempt.name],
    )
    const described = parseSealedBatch(batch, fields as readonly string[])
    if (described === undefined) {
      this.#attempts.delete(key)
      return { kind: 'finished' }
    }
    attempt.begun = true
    return { kind: 'begun', batch: described }
  }

  async endAttempt(batch: BatchRef): Promise<void> {
    const name = this.#attempts.get(attemptKey(batch))?.name ?? ''
    const keys = [this.#keys.batch(batch).batch]
    await this.#ingest.script(`end attempt of ${batch.batchId}`, scripts.endAttempt, keys, [name])
    this.#attempts.delete(attemptKey(batch))
  }

  async pin(batch: BatchRef, plan: Plan): Promise<Pinned> {
    const answer = await this.#ingest.script(
      `pin plan of ${batch.batchId}`,
      scripts.pin,
      [this.#keys.batch(batch).batch, this.#keys.stream(batch.stream).stream],
      [plan.version, JSON.stringify(plan)],
    )
    const [kind, pinned] = answer as ['pinned', string] | ['stale' | 'finished', undefined]
    return kind === 'pinned' ? { kind, plan: JSON.parse(pinned) as Plan } : { kind }
  }

  async discard(batch: BatchRef, outcome: Outcome): Promise<boolean> {
    const { batchId, stream } = batch
    const keys = this.#keys.stream(stream)
    const discarded = await this.#ingest.script(
      `discard batch ${batchId}`,
      scripts.discard,
      [
        this.#keys.batch(batch).batch,
        keys.stream,
        keys.sealed,
        this.#keys.due,
        this.#keys.budget,
        keys.journal,
        keys.journalTimes,
        keys.journalAppends,
      ],
      [
        this.#options.now(),
        randomUUID(),
        batchId,
        keys.base,
        dueMember(stream),
        outcome.delivered,
        outcome.failed,
        outcome.dropped,
        outcome.rows,
        JSON.stringify(outcome),
        JOURNAL_BYTES_MAX,
        JOURNAL_KEPT_MS,
      ],
    )
    this.#attempts.delete(attemptKey(batch))
    return discarded === 1
  }

  async quarantine(batch: BatchRef, reason: string): Promise<void> {
    const { stream: hash, sealed, quarantined } = this.#keys.stream(batch.stream)
    const { batch: own, derived, derivedSizes } = this.#keys.batch(batch)
    await this.#ingest.script(
      `quarantine batch ${batch.batchId}`,
      scripts.quarantine,
      [own, hash, sealed, quarantined, this.#keys.due, this.#keys.budget, derived, derivedSizes],
      [this.#options.now(), batch.batchId, reason, dueMember(batch.stream)],
    )
    this.#attempts.delete(attemptKey(batch))
  }

  async quarantined(stream: StreamRef, limit: number): Promise<readonly SealedBatch[]> {
    if (limit <= 0) return []
    const { quarantined } = this.#keys.stream(stream)
    const doing = `list quarantined batches of ${stream.name}`
    const ids = await this.#ingest.call(doing, (client) => client.zrange(quarantined, 0, String(limit - 1)))
    const described = await Promise.all(
      ids.map((batchId) => this.describe({ stream: refOf(stream), batchId })),
    )
    return described.flatMap((batch) => (batch?.state === 'quarantined' ? [batch] : []))
  }

  async release(batch: BatchRef): Promise<boolean> {
    const { sealed, quarantined } = this.#keys.stream(batch.stream)
    const released = await this.#ingest.script(
      `release batch ${batch.batchId}`,
      scripts.releaseBatch,
      [this.#keys.batch(batch).batch, sealed, quarantined],
      [batch.batchId, randomUUID()],
    )
    return released === 1
  }

  totals(stream: StreamRef): Promise<Totals | undefined> {
    return readTotals(this.#ingest, this.#keys, stream, this.#options.now)
  }
}

function attemptKey({ stream, batchId }: BatchRef): string {
  return `${stream.incarnation} ${batchId}`
}

function refOf({ name, incarnation }: StreamRef): StreamRef {
  return { name, incarnation }
}

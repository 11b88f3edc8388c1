/**
 * One sync: registers the shards to begin with, or those that were missed; forgets those that are over; or, when the data
 * stream was deleted and made again under its name, begins anew with all of its shards. The decisions are in lineage.ts.
 */
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { KinesisSource, StreamRef } from '../../domain/delivery-stream.ts'
import type { Clock, Shards } from '../../domain/ports.ts'
import { shardIdOf, TRIM_HORIZON, type NewShard, type ShardState } from '../../domain/shard.ts'
import type { Creation } from './creation.ts'
import { DataStreamError, type DataStream, type ListedShard } from './data-stream.ts'
import { hasHole } from './hash-range.ts'
import { creationOf, forgettableShards, missingShards, newestCreation, startShards } from './lineage.ts'

/** At the start a listing that leaves a part of the key space uncovered is asked for again: a reshard may be under way. */
const LISTINGS_MAX = 3
const LIST_AGAIN_MS = 1_000
/** A log line names no more shards than these. */
const NAMED_SHARDS_MAX = 20

export interface ShardRegistrationOptions {
  readonly stream: StreamRef
  readonly source: KinesisSource
  readonly dataStream: DataStream
  readonly creation: Creation
  readonly shards: Pick<Shards, 'list' | 'register' | 'forget'>
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  /** Shards were registered or forgotten. */
  readonly onChange: () => void
}

type Listing = readonly ListedShard[]

export class ShardRegistration {
  readonly #options: ShardRegistrationOptions
  /** The latest listing left a part of the key space uncovered. */
  #hasHole = false

  constructor(options: ShardRegistrationOptions) {
    this.#options = options
  }

  /** Answers whether the listing covered all hash keys. Rejects with DataStreamError or BufferUnavailableError. */
  async sync(signal: AbortSignal): Promise<boolean> {
    const { shards, stream, creation } = this.#options
    // What is known is read first, so that a shard that has ended by then and is not listed afterwards was trimmed. One
    // that ended later might not have been there yet when the listing was made.
    const states = await shards.list(stream)
    const createdAtMs = await creation.createdAt(signal)
    const newest = newestCreation(states)
    if (newest === undefined) await this.#begin(createdAtMs, signal)
    else if (newest < createdAtMs) await this.#beginAnew(states, createdAtMs, signal)
    else await this.#audit(states, createdAtMs, signal)
    return !this.#hasHole
  }

  async #begin(createdAtMs: number, signal: AbortSignal): Promise<void> {
    const { start } = this.#options.source
    const listed = await this.#listStart(signal)
    await this.#confirm(createdAtMs, listed, signal)
    await this.#register(startShards(listed, createdAtMs, start), 'shards to begin with were registered')
  }

  /** The shards that were open at the start; if they are not told, all that are listed, which are more than enough. */
  async #listStart(signal: AbortSignal): Promise<Listing> {
    const { dataStream, source, clock } = this.#options
    for (let listings = 1; listings <= LISTINGS_MAX; listings += 1) {
      if (listings > 1) await clock.sleep(LIST_AGAIN_MS, signal)
      const listed = await listOpenAt(dataStream, source.start, signal)
      if (listed === undefined) break
      if (this.#covers(listed)) return listed
    }
    const listed = await dataStream.listShards(undefined, signal)
    this.#covers(listed)
    return listed
  }

  async #beginAnew(states: readonly ShardState[], createdAtMs: number, signal: AbortSignal): Promise<void> {
    const { stream, source, dataStream, log } = this.#options
    const listed = await dataStream.listShards(undefined, signal)
    await this.#confirm(createdAtMs, listed, signal)
    this.#covers(listed)
    const added = startShards(listed, createdAtMs, TRIM_HORIZON)
    if (!(await this.#register(added, 'shards of the new data stream were registered'))) return
    const createdAt = new Date(createdAtMs).toISOString()
    log.warn(
      { deliveryStream: stream.name, dataStream: source.streamArn, createdAt },
      'data stream was deleted and made again, and is read from its beginning',
    )
    await this.#forget(states.map(({ key }) => key))
  }

  async #audit(states: readonly ShardState[], createdAtMs: number, signal: AbortSignal): Promise<void> {
    const listed = await this.#options.dataStream.listShards(undefined, signal)
    await this.#confirm(createdAtMs, listed, signal)
    const isWhole = this.#covers(listed.filter(({ isClosed }) => !isClosed))
    await this.#register(missingShards(listed, states, createdAtMs), 'missed shards were registered')
    const old = states.filter(({ key }) => creationOf(key) < createdAtMs).map(({ key }) => key)
    await this.#forget([...old, ...(isWhole ? forgettableShards(listed, states, createdAtMs) : [])])
  }

  /** Sees to it that the listing is of the data stream that was created then; shard ids do not tell. */
  async #confirm(createdAtMs: number, listed: Listing, signal: AbortSignal): Promise<void> {
    const { creation, source } = this.#options
    if (listed.length > 0 && (await creation.createdAt(signal)) === createdAtMs) return
    const what = listed.length === 0 ? 'there are none' : 'the data stream was made again meanwhile'
    const options = { kind: 'unavailable', code: 'Changing', hint: 'they are listed again' } as const
    throw new DataStreamError(`list shards of ${source.streamArn}: ${what}`, options)
  }

  #covers(listed: Listing): boolean {
    const { stream, metrics, log } = this.#options
    const isWhole = !hasHole(listed.map(({ hashRange }) => hashRange))
    const labels = { delivery_stream: stream.name, result: isWhole ? 'ok' : 'hole' }
    metrics.count('hydrant_kinesis_syncs_total', labels)
    const fields = { deliveryStream: stream.name, shards: listed.length }
    if (isWhole && this.#hasHole) log.info(fields, 'listed shards covered all hash keys again')
    if (!isWhole && !this.#hasHole) {
      const hint = 'the data stream may be resharding; they are listed again'
      log.warn({ ...fields, hint }, 'listed shards left a part of the hash keys uncovered')
    }
    this.#hasHole = !isWhole
    return isWhole
  }

  /** False when the delivery stream is gone. */
  async #register(added: readonly NewShard[], what: string): Promise<boolean> {
    const { stream, shards, log, onChange } = this.#options
    if (added.length === 0) return true
    if (!(await shards.register(stream, added))) return false
    const shardIds = added.slice(0, NAMED_SHARDS_MAX).map(({ key }) => shardIdOf(key))
    const from = added[0]?.checkpoint
    log.info({ deliveryStream: stream.name, shards: added.length, shardIds, from }, what)
    onChange()
    return true
  }

  async #forget(keys: readonly string[]): Promise<void> {
    const { stream, shards, log, onChange } = this.#options
    if (keys.length === 0) return
    await shards.forget(stream, keys)
    log.info({ deliveryStream: stream.name, shards: keys.length }, 'shards that are over were forgotten')
    onChange()
  }
}

/** Undefined when the server does not tell: it knows no filter, or by its clock the time has not come. */
async function listOpenAt(
  dataStream: DataStream,
  start: string,
  signal: AbortSignal,
): Promise<Listing | undefined> {
  try {
    return await dataStream.listShards(start, signal)
  } catch (error) {
    if (error instanceof DataStreamError && error.kind === 'invalid') return undefined
    throw error
  }
}

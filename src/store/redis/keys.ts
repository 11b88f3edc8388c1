/**
 * Names of keys. All keys of one incarnation of a stream share a hash tag, `{<name>.<incarnation>}`:
 *
 *     <stream>stream        hash    state, hints, counters, the open batch
 *     <stream>writers       hash    process epoch -> its last append and the answer
 *     <stream>sealed        zset    batches to be delivered, by number
 *     <stream>quarantined   zset    batches set aside, by number
 *     <stream>batch:<id>    hash    a sealed batch
 *     <stream>frames:<id>   list    its packed frames, in append order
 *     <stream>sizes:<id>    string  the size of each, 32 bits little endian
 *     <stream>derived:<id>  list    packed frames that a transform made of them, whole where the batch's hash says `derived`,
 *                                   else those of the derivation that it names `deriving`; derived-sizes:<id> as above
 *     <stream>shards        zset    keys of the shards that feed it, in their order
 *     <stream>shard:<key>   hash    a shard: what it came from, its checkpoint, its lease
 *     <stream>journal       hash    batch id -> entry; journal-times and journal-appends are zsets over it
 *
 * and beside them `due` (zset: hints), `budget` (bytes of frames held, derived ones too), `registry` (hash: definitions), `clock` (hash: the
 * time last read), `attendance` (zset: processes that read shards, by expiry) and `lease:<name>`.
 */
import type { BatchRef } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'

export interface StreamKeys {
  /** What all of them begin with. */
  readonly base: string
  readonly stream: string
  readonly writers: string
  readonly sealed: string
  readonly quarantined: string
  readonly shards: string
  readonly journal: string
  readonly journalTimes: string
  readonly journalAppends: string
}

export interface BatchKeys {
  readonly batch: string
  readonly frames: string
  readonly sizes: string
  readonly derived: string
  readonly derivedSizes: string
}

export class Keys {
  readonly due: string
  readonly budget: string
  readonly registry: string
  readonly clock: string
  readonly attendance: string
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
    this.due = `${prefix}:due`
    this.budget = `${prefix}:budget`
    this.registry = `${prefix}:registry`
    this.clock = `${prefix}:clock`
    this.attendance = `${prefix}:attendance`
  }

  stream(stream: StreamRef): StreamKeys {
    const base = `${this.#prefix}:{${stream.name}.${stream.incarnation}}:`
    return {
      base,
      stream: `${base}stream`,
      writers: `${base}writers`,
      sealed: `${base}sealed`,
      quarantined: `${base}quarantined`,
      shards: `${base}shards`,
      journal: `${base}journal`,
      journalTimes: `${base}journal-times`,
      journalAppends: `${base}journal-appends`,
    }
  }

  batch({ stream, batchId }: BatchRef): BatchKeys {
    const { base } = this.stream(stream)
    return {
      batch: `${base}batch:${batchId}`,
      frames: `${base}frames:${batchId}`,
      sizes: `${base}sizes:${batchId}`,
      derived: `${base}derived:${batchId}`,
      derivedSizes: `${base}derived-sizes:${batchId}`,
    }
  }

  shard(stream: StreamRef, key: string): string {
    return `${this.stream(stream).base}shard:${key}`
  }

  lease(name: string): string {
    return `${this.#prefix}:lease:${name}`
  }
}

/** How a stream is named in `due`. */
export function dueMember(stream: StreamRef): string {
  return `${stream.incarnation} ${stream.name}`
}

export function parseDueMember(member: string): StreamRef {
  return { incarnation: member.slice(0, 16), name: member.slice(17) }
}

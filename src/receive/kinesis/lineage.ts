/**
 * Which shards of a data stream are to be read, from where, and in what order. Pure: a listing of the data stream and the
 * shards that the store knows go in, what to register, to read or to forget comes out.
 *
 * What holds, and every function here keeps it: **an ancestor of a known shard that is itself unknown is done**. Either it
 * was closed before our start, or it was read to its end and forgotten, or its records have been trimmed. Whoever makes a
 * shard known therefore makes known, in the same step, all of its unknown ancestors that are not done. This is what allows
 * a shard to be read as soon as the parents that are known have ended, and a parent that is not known to count as done.
 *
 * Of the listed shards that are not known:
 * - done: those with a known descendant, and those that an ended shard has registered (since forgotten);
 * - later: those below a known shard that has not ended, down a chain of unknown ones. They are registered when the chain
 *   above them ends, in the step that ends it;
 * - missing: all others. Nobody else will register them.
 *
 * A shard that is registered after the start begins at its beginning (TRIM_HORIZON), never at the tip: what was written
 * between a reshard and its discovery is in it.
 */
import {
  isSequenceNumber,
  SHARD_END,
  shardKey,
  TRIM_HORIZON,
  type Checkpoint,
  type NewShard,
  type ShardState,
} from '../../domain/shard.ts'
import type { ListedShard } from './data-stream.ts'

/** The shards that a delivery stream begins with, each from `checkpoint`. */
export function startShards(
  listed: readonly ListedShard[],
  createdAtMs: number,
  checkpoint: Checkpoint,
): NewShard[] {
  return listed.map((shard) => newShard(shard, createdAtMs, checkpoint))
}

/**
 * The shards that may be read now: not ended, and every parent that is known has ended. Shards of a data stream that was
 * deleted and made anew under its name are not among them: their records are gone, and their ids now name other shards.
 */
export function readyShards(states: readonly ShardState[]): ShardState[] {
  const ended = new Map(states.map((state) => [state.key, hasEnded(state)]))
  const newest = newestCreation(states)
  return states.filter(
    (state) =>
      !hasEnded(state) &&
      creationOf(state.key) === newest &&
      state.parents.every((parent) => ended.get(parent) ?? true),
  )
}

/** Creation time of the latest data stream that shards are known of, epoch ms; undefined when there are none. */
export function newestCreation(states: readonly ShardState[]): number | undefined {
  return states.length === 0 ? undefined : Math.max(...states.map(({ key }) => creationOf(key)))
}

/** Creation time of the data stream that a shard's key names, epoch ms. */
export function creationOf(key: string): number {
  return Number(key.slice(0, key.indexOf('/')))
}

/** The listed shards that nobody else will register. */
export function missingShards(
  listed: readonly ListedShard[],
  states: readonly ShardState[],
  createdAtMs: number,
): NewShard[] {
  const family = new Family(listed, states, createdAtMs)
  const later = family.later()
  return family
    .unread()
    .filter(({ key }) => !later.has(key))
    .map(({ shard }) => newShard(shard, createdAtMs, TRIM_HORIZON))
}

/**
 * What is to be registered when the shard `key` ends: its children, and what a child needs to be read in its turn. That is
 * the other parent of a merge, when it is not known yet, and that one's own unknown ancestors: they may have been written,
 * closed and merged while nobody read, and lie below a shard that has not ended. Without them the child would not wait
 * for them; and once it is known they would count as done.
 *
 * `named` are the children that GetRecords named; `listed` is all that ListShards answers, undefined when it was not
 * asked. It is needed if this answers undefined: no child was named, or the other parent of one is unknown.
 */
export function childShards(
  key: string,
  named: readonly ListedShard[],
  listed: readonly ListedShard[] | undefined,
  states: readonly ShardState[],
): NewShard[] | undefined {
  const createdAtMs = creationOf(key)
  const family = new Family([...named, ...(listed ?? [])], states, createdAtMs)
  const children = family.childrenOf(key)
  const otherParents = children.flatMap((child) => family.parentsOf(child)).filter((parent) => parent !== key)
  if (
    listed === undefined &&
    (children.length === 0 || !otherParents.every((parent) => family.knows(parent)))
  )
    return undefined
  const unread = new Map(family.unread().map((entry) => [entry.key, entry.shard]))
  const registered = new Map<string, NewShard>()
  for (const child of children) {
    const shard = family.listedShard(child)
    if (shard !== undefined) registered.set(child, newShard(shard, createdAtMs, TRIM_HORIZON))
  }
  const above = [...otherParents]
  for (let parent = above.pop(); parent !== undefined; parent = above.pop()) {
    const shard = unread.get(parent)
    if (shard === undefined || registered.has(parent)) continue
    registered.set(parent, newShard(shard, createdAtMs, TRIM_HORIZON))
    above.push(...family.parentsOf(parent))
  }
  return [...registered.values()]
}

/**
 * The ended shards that need not be remembered: they are no longer listed, their children are being read or were forgotten
 * themselves, and their parents are neither known nor listed. One that is listed stays, or it would look like one that was
 * missed; one whose parent is listed stays, because it tells that the parent is done.
 */
export function forgettableShards(
  listed: readonly ListedShard[],
  states: readonly ShardState[],
  createdAtMs: number,
): string[] {
  const family = new Family(listed, states, createdAtMs)
  const known = new Map(states.map((state) => [state.key, state]))
  return states
    .filter(
      (state) =>
        hasEnded(state) &&
        creationOf(state.key) === createdAtMs &&
        family.listedShard(state.key) === undefined &&
        state.parents.every((parent) => !known.has(parent) && family.listedShard(parent) === undefined) &&
        state.children.every((child) => hasLeftItsStart(known.get(child))),
    )
    .map(({ key }) => key)
}

/** A child that is not known was registered by its parent's end, and has been forgotten since. */
function hasLeftItsStart(child: ShardState | undefined): boolean {
  return child === undefined || hasEnded(child) || isSequenceNumber(child.checkpoint)
}

function hasEnded({ checkpoint }: NewShard): boolean {
  return checkpoint === SHARD_END
}

function newShard(shard: ListedShard, createdAtMs: number, checkpoint: Checkpoint): NewShard {
  return {
    key: shardKey(createdAtMs, shard.shardId),
    parents: shard.parents.map((parent) => shardKey(createdAtMs, parent)),
    hashRange: shard.hashRange,
    checkpoint,
  }
}

interface Entry {
  readonly key: string
  readonly shard: ListedShard
}

/** The shards of one life of a data stream, listed and known, and how they descend from each other. */
class Family {
  readonly #createdAtMs: number
  readonly #listed = new Map<string, ListedShard>()
  readonly #known = new Map<string, ShardState>()
  /** Keys of the listed shards that descend from a key. */
  readonly #children = new Map<string, string[]>()
  readonly #done: ReadonlySet<string>

  constructor(listed: readonly ListedShard[], states: readonly ShardState[], createdAtMs: number) {
    this.#createdAtMs = createdAtMs
    for (const state of states) this.#known.set(state.key, state)
    for (const shard of listed) {
      const key = shardKey(createdAtMs, shard.shardId)
      if (this.#listed.has(key)) continue
      this.#listed.set(key, shard)
      for (const parent of shard.parents) {
        const parentKey = shardKey(createdAtMs, parent)
        const children = this.#children.get(parentKey)
        if (children === undefined) this.#children.set(parentKey, [key])
        else children.push(key)
      }
    }
    this.#done = this.#findDone()
  }

  knows(key: string): boolean {
    return this.#known.has(key)
  }

  listedShard(key: string): ListedShard | undefined {
    return this.#listed.get(key)
  }

  /** Of those that are listed. */
  childrenOf(key: string): readonly string[] {
    return this.#children.get(key) ?? []
  }

  /** Keys; they need be neither listed nor known. */
  parentsOf(key: string): readonly string[] {
    const known = this.#known.get(key)?.parents
    return known ?? this.#listed.get(key)?.parents.map((id) => shardKey(this.#createdAtMs, id)) ?? []
  }

  /** The listed shards that are neither known nor done. */
  unread(): Entry[] {
    return [...this.#listed.keys()].flatMap((key) => this.#unread(key))
  }

  /** Those that a known shard will register when it, and the chain down to them, has ended. */
  later(): ReadonlySet<string> {
    const later = new Set<string>()
    const above = [...this.#known.values()].filter((state) => !hasEnded(state)).map(({ key }) => key)
    for (let parent = above.pop(); parent !== undefined; parent = above.pop()) {
      for (const { key } of this.childrenOf(parent).flatMap((child) => this.#unread(child))) {
        if (later.has(key)) continue
        later.add(key)
        above.push(key)
      }
    }
    return later
  }

  #unread(key: string): Entry[] {
    const shard = this.#listed.get(key)
    return shard === undefined || this.#known.has(key) || this.#done.has(key) ? [] : [{ key, shard }]
  }

  #findDone(): ReadonlySet<string> {
    const done = new Set<string>()
    const above = [...this.#known.values()].flatMap(({ parents, children }) => [...parents, ...children])
    for (let key = above.pop(); key !== undefined; key = above.pop()) {
      if (this.#known.has(key) || done.has(key)) continue
      done.add(key)
      above.push(...this.parentsOf(key))
    }
    return done
  }
}

/**
 * Who reads which shards: an even share for every process, over all delivery streams together. Pure, and decided by each
 * process for itself: there is no leader, and nobody takes what another holds.
 *
 * With n shards and N processes a share is n/N rounded down, and for some one more. A process
 * - takes free shards up to its share, and one beyond it where no other process needs that one to reach its own;
 * - gives up what it holds beyond the one more;
 * - gives up the one more if another process is below its share and too few shards are free, or about to be: those that
 *   hold more than their share do so in the order of the holders, just as many as are needed.
 *
 * Once every share is met none of this applies, so the shards come to rest; what a process gave up nobody else gives up
 * for. Views that differ for a while cost a move too many, never a shard: an acquire is atomic in the store.
 */
export interface AssignableShard {
  /** Incarnation of the delivery stream. */
  readonly stream: string
  readonly key: string
  /** Absent when it is free. */
  readonly holder?: string | undefined
  /**
   * This process is giving it up, or has just had it and leaves it to the others for a while. It counts as free, and is
   * not taken.
   */
  readonly isLeft?: boolean
}

export interface Moves<S> {
  readonly take: readonly S[]
  readonly giveUp: readonly S[]
}

/**
 * @param holders all processes that read shards, in the same order for each of them, `me` among them
 * @param shards all that are ready to be read, whoever holds them
 */
export function assign<S extends AssignableShard>(
  holders: readonly string[],
  me: string,
  shards: readonly S[],
): Moves<S> {
  const share = Math.floor(shards.length / holders.length)
  const most = Math.ceil(shards.length / holders.length)
  const held = new Map(holders.map((holder) => [holder, 0]))
  let free = 0
  for (const { holder, isLeft } of shards) {
    const count = holder === undefined || isLeft === true ? undefined : held.get(holder)
    // A holder that is no longer there counts for nothing: its leases run out.
    if (holder === undefined || count === undefined) free += 1
    else held.set(holder, count + 1)
  }
  const mine = shards.filter(({ holder, isLeft }) => holder === me && isLeft !== true)
  const needs = (count: number): number => Math.max(0, share - count)
  const needed = [...held.values()].reduce((sum, count) => sum + needs(count), 0)

  if (mine.length > share) {
    const surplus = [...held.values()].reduce((sum, count) => sum + Math.max(0, count - most), 0)
    const above = holders.filter((holder) => (held.get(holder) ?? 0) > share)
    const givesOne = most > share && above.indexOf(me) < needed - free - surplus
    const count = Math.max(0, mine.length - most) + (givesOne ? 1 : 0)
    return { take: [], giveUp: mostHeld(mine, count, me) }
  }
  const takeable = shards.filter(({ holder, isLeft }) => holder === undefined && isLeft !== true)
  // While shares are being filled, only as many reach for one more as there are odd ones; later whoever has room.
  const below = holders.filter((holder) => (held.get(holder) ?? 0) <= share)
  const mayHaveMore = mine.length >= share || below.indexOf(me) < free - needed
  const oneMore = most > share && free > needed && mayHaveMore ? 1 : 0
  return { take: leastHeld(takeable, mine, needs(mine.length) + oneMore, me), giveUp: [] }
}

/** Of the streams of which I hold least: so the shards of one stream are spread over the processes. */
function leastHeld<S extends AssignableShard>(
  free: readonly S[],
  mine: readonly S[],
  count: number,
  me: string,
): S[] {
  const held = new Map([...byStream(mine, me)].map(([stream, shards]) => [stream, shards.length]))
  return drawn(byStream(free, me), count, (stream, _left, taken) => (held.get(stream) ?? 0) + taken)
}

/** Of the streams of which I hold most. */
function mostHeld<S extends AssignableShard>(mine: readonly S[], count: number, me: string): S[] {
  return drawn(byStream(mine, me), count, (_stream, left) => -left)
}

/** Takes `count` shards, each from the stream with the lowest rank by then. */
function drawn<S>(
  streams: ReadonlyMap<string, readonly S[]>,
  count: number,
  rank: (stream: string, left: number, taken: number) => number,
): S[] {
  const taken = new Map<string, number>()
  const drawnShards: S[] = []
  while (drawnShards.length < count) {
    let lowest: { readonly stream: string; readonly shard: S; readonly rank: number } | undefined
    for (const [stream, shards] of streams) {
      const already = taken.get(stream) ?? 0
      const shard = shards[already]
      const ranked = rank(stream, shards.length - already, already)
      if (shard !== undefined && (lowest === undefined || ranked < lowest.rank))
        lowest = { stream, shard, rank: ranked }
    }
    if (lowest === undefined) break
    drawnShards.push(lowest.shard)
    taken.set(lowest.stream, (taken.get(lowest.stream) ?? 0) + 1)
  }
  return drawnShards
}

/** The shards of each stream, streams and shards in an order of this process's own. */
function byStream<S extends AssignableShard>(shards: readonly S[], me: string): Map<string, S[]> {
  const streams = new Map<string, S[]>()
  for (const shard of shuffled(shards, me)) {
    const known = streams.get(shard.stream)
    if (known === undefined) streams.set(shard.stream, [shard])
    else known.push(shard)
  }
  return streams
}

/** In an order of this process's own, so that two of them do not reach for the same free shard in every round. */
function shuffled<S extends AssignableShard>(shards: readonly S[], me: string): S[] {
  return shards
    .map((shard) => ({ shard, rank: hash(`${me} ${shard.stream} ${shard.key}`) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ shard }) => shard)
}

/** FNV-1a of 32 bits, mixed so that texts that differ at their end only are far apart. */
function hash(text: string): number {
  let hashed = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1)
    hashed = Math.imul(hashed ^ text.charCodeAt(index), 0x01000193)
  hashed = Math.imul(hashed ^ (hashed >>> 16), 0x85ebca6b)
  return (hashed ^ (hashed >>> 13)) >>> 0
}

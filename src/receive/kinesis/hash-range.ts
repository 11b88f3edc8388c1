/**
 * The key space of a data stream: hash keys from 0 to 2^128 - 1, of which each shard takes a range.
 *
 * Shards that were open at one moment cover all of it. So a listing that leaves a part uncovered forgot a shard, and this
 * is the cheapest way to notice.
 */
type HashRange = readonly [first: string, last: string]

const KEY_SPACE_END = 2n ** 128n

/** True when a hash key lies in none of the ranges. They may overlap, as those of a parent and its children do. */
export function hasHole(ranges: readonly HashRange[]): boolean {
  const sorted = ranges
    .map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  let covered = 0n
  for (const { first, last } of sorted) {
    if (first > covered) return true
    if (last >= covered) covered = last + 1n
  }
  return covered < KEY_SPACE_END
}

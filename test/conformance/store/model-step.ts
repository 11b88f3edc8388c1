/** What a process may do to a delivery stream, drawn at random. */
import {
  array,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  record as recordOf,
  type Arbitrary,
} from 'fast-check'

export const INTERVAL_MS = 5000

/**
 * Where an append from a shard stands: behind the checkpoint, ahead of it, sent again, under another counter, or behind the
 * checkpoint under a lease that was not asked for again and may have run out.
 */
export type ShardPlace = 'right' | 'ahead' | 'again' | 'fenced' | 'stale'
const shardPlace = constantFrom<ShardPlace>('right', 'right', 'ahead', 'again', 'fenced', 'stale')

const frames = array(integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 })

export const step = oneof(
  {
    weight: 6,
    arbitrary: recordOf({ kind: constant('append' as const), frames }),
  },
  {
    weight: 6,
    arbitrary: recordOf({ kind: constant('shardAppend' as const), frames, place: shardPlace }),
  },
  { weight: 1, arbitrary: recordOf({ kind: constant('shardAcquire' as const) }) },
  { weight: 2, arbitrary: recordOf({ kind: constant('shardEnd' as const), place: shardPlace }) },
  { weight: 2, arbitrary: recordOf({ kind: constant('repeat' as const) }) },
  {
    weight: 2,
    arbitrary: recordOf({
      kind: constant('advance' as const),
      ms: constantFrom(1, 1000, INTERVAL_MS),
    }),
  },
  { weight: 3, arbitrary: recordOf({ kind: constant('seal' as const) }) },
  { weight: 1, arbitrary: recordOf({ kind: constant('reopen' as const) }) },
  {
    weight: 8,
    arbitrary: recordOf({
      kind: constantFrom(
        'attempt' as const,
        'end' as const,
        'pin' as const,
        'discard' as const,
        'quarantine' as const,
        'release' as const,
        'read' as const,
        'derive' as const,
        'deriveCut' as const,
        'deriveLeft' as const,
      ),
      pick: nat(5),
    }),
  },
)
export type Step = typeof step extends Arbitrary<infer T> ? T : never

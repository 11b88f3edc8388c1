/** Walks over the records of a batch by ordinal, millions of them, and gives other work of the process its turn between. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Some milliseconds of quick steps. */
const TURN_RECORDS = 16_384

/** Calls `step` with each number from 0 to before `count`, in order. Rejects with the signal's reason once it aborts. */
export async function eachOrdinal(
  count: number,
  signal: AbortSignal,
  step: (ordinal: number) => void,
  most = TURN_RECORDS,
): Promise<void> {
  for (let first = 0; first < count; first += most) {
    if (first > 0) await nextTurn()
    signal.throwIfAborted()
    const end = Math.min(count, first + most)
    for (let ordinal = first; ordinal < end; ordinal += 1) step(ordinal)
  }
}

/**
 * What the shard readers of a process share: a bounded number of turns to read, so that the records held in memory are
 * bounded however many shards there are. A turn lasts from GetRecords until the records are in the buffer.
 */

export interface ReadTurns {
  /**
   * Resolves when it is this reader's turn, in the order of asking; with undefined once the signal aborts. While the
   * last read of a group has failed, its turns come one at a time, so that a data stream that hangs, or a full buffer of
   * one delivery stream, does not hold them all.
   *
   * @param group readers that succeed and fail together: those of one delivery stream
   */
  take(group: string, signal: AbortSignal): Promise<ReadTurn | undefined>
}

export interface ReadTurn {
  /** Gives the turn back. `unused`: nothing was read. */
  end(outcome: 'done' | 'failed' | 'unused'): void
}

/** @param most turns at a time */
export function createReadTurns(_most: number): ReadTurns {
  throw new Error('create read turns: not written yet')
}

/** What became of each discarded batch, kept for a time and under a budget of bytes, whichever ends first. */
import type { StreamRef } from '../../domain/delivery-stream.ts'
import type { JournalEntry, Outcome } from '../../domain/outcome.ts'
import type { Journal } from '../../domain/ports.ts'
import type { LmdbDatabase } from './database.ts'
import type { StoredBatch } from './layout.ts'

/** Entries forgotten by one discard: more than it writes, so that the journal shrinks when it is over its budget. */
const FORGET_MAX = 64

export interface JournalLimits {
  readonly maxBytes: number
  readonly keepMs: number
}

export class LmdbJournal implements Journal {
  readonly #db: LmdbDatabase
  readonly #limits: JournalLimits

  constructor(db: LmdbDatabase, limits: JournalLimits) {
    this.#db = db
    this.#limits = limits
  }

  /** Only inside a `write`. */
  write(stream: StreamRef, batch: StoredBatch, outcome: Outcome, discardedAtMs: number): void {
    const entry: JournalEntry = {
      stream: { name: stream.name, incarnation: stream.incarnation },
      batchId: batch.batchId,
      firstAppend: batch.firstAppend,
      lastAppend: batch.lastAppend,
      records: batch.records,
      bytes: batch.bytes,
      oldestArrivalMs: batch.oldestArrivalMs,
      sealedAtMs: batch.sealedAtMs,
      discardedAtMs,
      outcome,
    }
    const bytes = Buffer.byteLength(JSON.stringify(entry))
    void this.#db.journal.put([stream.incarnation, batch.lastAppend], entry)
    void this.#db.journalTimes.put([discardedAtMs, stream.incarnation, batch.lastAppend], bytes)
    const totals = this.#db.totals
    const journalBytes = this.#forget(totals.journalBytes + bytes, discardedAtMs - this.#limits.keepMs)
    this.#db.putTotals({ ...totals, journalBytes, nowMs: discardedAtMs })
  }

  /** Answers the bytes that are left. */
  #forget(journalBytes: number, discardedBeforeMs: number): number {
    let left = journalBytes
    const oldest = [...this.#db.journalTimes.getRange({ limit: FORGET_MAX })]
    for (const { key, value } of oldest) {
      const [discardedAtMs, incarnation, lastAppend] = key
      if (left <= this.#limits.maxBytes && discardedAtMs >= discardedBeforeMs) break
      void this.#db.journal.remove([incarnation, lastAppend])
      void this.#db.journalTimes.remove(key)
      left -= value
    }
    return left
  }

  async entries(stream: StreamRef, limit: number): Promise<readonly JournalEntry[]> {
    this.#db.assertOpen(`read journal of ${stream.name}`)
    const start = [stream.incarnation, Number.MAX_VALUE]
    const range = this.#db.journal.getRange({ start, end: [stream.incarnation, 0], reverse: true, limit })
    return Array.from(range, ({ value }) => value)
  }

  async find(stream: StreamRef, appendSequence: number): Promise<JournalEntry | undefined> {
    this.#db.assertOpen(`read journal of ${stream.name}`)
    const start = [stream.incarnation, appendSequence]
    const [found] = this.#db.journal.getRange({
      start,
      end: [stream.incarnation, Number.MAX_VALUE],
      limit: 1,
    })
    return found !== undefined && found.value.firstAppend <= appendSequence ? found.value : undefined
  }
}

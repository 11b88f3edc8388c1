/**
 * What a shard reader knows between its steps: where it is, how fast it may go, what went wrong. Its steps are in
 * shard-reading.ts and shard-ending.ts, its story in shard-reader.ts.
 *
 * `stored` is the last checkpoint that is known to be in the store. An iterator may be ahead of it, by records that
 * yielded nothing; whenever there is doubt the reader goes back to `stored` with a new one, and nothing is lost or taken
 * twice, because each append names the checkpoint that it follows.
 */
import type { StreamRef } from '../../domain/delivery-stream.ts'
import { SHARD_END, shardIdOf, type Checkpoint } from '../../domain/shard.ts'
import type { DataStreamError, ListedShard } from './data-stream.ts'
import { afterFailure, afterPause, startingPace, type Pace } from './pace.ts'
import type { ReaderEnd, ShardReaderOptions } from './shard-reader.ts'

export type Step =
  /** Ask for an iterator behind this checkpoint: the stored one, or TRIM_HORIZON when that was trimmed. */
  | { readonly kind: 'locate'; readonly from: Checkpoint }
  /** Read on with an iterator that was given at this time of the monotonic clock. */
  | { readonly kind: 'read'; readonly iterator: string; readonly sinceMs: number }
  /** Kinesis does not know the shard, or not the checkpoint (`from`, if that was asked for): find out why. */
  | { readonly kind: 'doubt'; readonly error: DataStreamError; readonly from: Checkpoint | undefined }
  /** All records are in the store: register the children and end the shard. `named`: those that Kinesis named. */
  | { readonly kind: 'end'; readonly named: readonly ListedShard[] }

/** A read that the buffer did not take is followed by one of so many times fewer records. */
const FEWER = 8
/** The most that Kinesis answers. */
const READ_RECORDS_MAX = 10_000

export type RewindReason = 'gap' | 'buffer-full' | 'buffer-unavailable' | 'expired' | 'trimmed'

export class ShardRun {
  readonly options: ShardReaderOptions
  readonly signal: AbortSignal
  readonly stream: StreamRef
  readonly shardId: string
  stored: Checkpoint
  pace: Pace
  behindMs: number | undefined
  /** Iterators that expired since the last read. */
  expirations = 0
  /** Since when Kinesis neither finds nor lists the shard, by the monotonic clock. */
  unknownSinceMs: number | undefined
  /** Records to ask for; undefined asks for as many as there may be. */
  most: number | undefined
  readonly #told = new Set<string>()

  constructor(options: ShardReaderOptions, signal: AbortSignal) {
    this.options = options
    this.signal = signal
    this.stream = options.acquired.lease.stream
    this.shardId = shardIdOf(options.shard.key)
    this.stored = options.acquired.checkpoint
    this.pace = startingPace(options.clock.monotonicMs())
  }

  get labels(): { delivery_stream: string } {
    return { delivery_stream: this.stream.name }
  }

  get logFields(): { deliveryStream: string; shardId: string } {
    return { deliveryStream: this.stream.name, shardId: this.shardId }
  }

  /** Turns and troubles are those of the delivery stream. */
  get group(): string {
    return this.stream.incarnation
  }

  locate(): Step {
    return { kind: 'locate', from: this.stored }
  }

  /** Back to what is stored. */
  rewind(reason: RewindReason): Step {
    this.options.metrics.count('hydrant_kinesis_rewinds_total', { ...this.labels, reason })
    return this.locate()
  }

  /** Goes on from where the store has the shard. */
  goOnFrom(checkpoint: Checkpoint): Step | ReaderEnd {
    if (checkpoint === SHARD_END) return 'fenced'
    const { log } = this.options
    log.warn(
      { ...this.logFields, expected: this.stored, checkpoint },
      'shard went on from another checkpoint',
    )
    this.stored = checkpoint
    return this.rewind('gap')
  }

  /** Kinesis gave no answer that helps: waits longer each time. Told once for all shards of the delivery stream. */
  fail(error: DataStreamError, hint?: string): void {
    const { clock, random, turns, log } = this.options
    this.pace = afterFailure(this.pace, clock.monotonicMs(), random())
    if (turns.troubles.begin(`${this.group} data stream`, error.kind, this.options.shard.key))
      log.warn(
        { ...this.logFields, err: error, ...(hint === undefined ? {} : { hint }) },
        'shards could not be read',
      )
  }

  /** Since the shard was first neither found nor listed; 0 the first time. */
  unknownForMs(): number {
    const nowMs = this.options.clock.monotonicMs()
    this.unknownSinceMs ??= nowMs
    return nowMs - this.unknownSinceMs
  }

  /** Kinesis answered. */
  wasRead(): void {
    this.expirations = 0
    this.unknownSinceMs = undefined
    if (this.options.turns.troubles.end(`${this.group} data stream`, this.options.shard.key))
      this.options.log.info(this.logFields, 'shards could be read again')
  }

  /** The buffer took nothing: waits longer each time, without records in memory. */
  pause(reason: 'buffer-full' | 'buffer-unavailable', err?: unknown): void {
    const { clock, random, turns, log } = this.options
    this.pace = afterPause(this.pace, clock.monotonicMs(), random())
    if (!turns.troubles.begin(`${this.group} buffer`, reason, this.options.shard.key)) return
    const hint =
      reason === 'buffer-full'
        ? 'deliver faster or raise buffer.maxBytes; meanwhile the records wait in Kinesis, for as long as its retention'
        : 'the shards go on by themselves once the store answers'
    log.warn({ ...this.logFields, ...(err === undefined ? {} : { err }), hint }, 'shards were paused')
  }

  /**
   * The buffer did not take a read of so many records, all of which or none must be taken: it may never have room for so
   * many, though it has some. So fewer are asked for, down to one.
   */
  wasTooMuch(records: number): void {
    this.most = Math.max(1, Math.floor(records / FEWER))
  }

  /** The buffer took records. */
  wasTaken(): void {
    if (this.most !== undefined) this.most = this.most * 2 < READ_RECORDS_MAX ? this.most * 2 : undefined
    if (this.options.turns.troubles.end(`${this.group} buffer`, this.options.shard.key))
      this.options.log.info(this.logFields, 'shards went on after a pause')
  }

  /** True the first time. */
  tell(what: string): boolean {
    if (this.#told.has(what)) return false
    this.#told.add(what)
    return true
  }

  /** This reader's troubles are nobody's any more. */
  leave(): void {
    this.options.turns.troubles.end(`${this.group} data stream`, this.options.shard.key)
    this.options.turns.troubles.end(`${this.group} buffer`, this.options.shard.key)
  }
}

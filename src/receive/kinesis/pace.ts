/**
 * When the next read of a shard may begin, judged from what came of the last ones. Pure: times come in, a time comes out.
 *
 * All consumers of a shard share 5 calls and 2 MiB a second. One that reads at the rate of its records is never refused;
 * one that is refused waits longer each time, by chance, so that consumers refused together do not come back together.
 */
import { backoffMs } from '../../runtime/backoff.ts'

export interface PaceOptions {
  /** Between two reads of a shard that has nothing more to give: 1,000, as Firehose reads once a second. */
  readonly idleMs: number
  /** Between two reads of a shard that lags: 250 takes 4 of the 5 calls a second that all consumers of a shard share. */
  readonly busyMs: number
  /** What a shard gives: 2 MiB/s on AWS, where the calls after a larger answer fail until it is paid for. */
  readonly bytesPerSecond: number
}

/** Times are the monotonic clock's. */
export interface Pace {
  /** Nothing is asked before. */
  readonly nextMs: number
  /** When the bytes of all answers until now are paid for. */
  readonly paidMs: number
  /** Refusals for too many calls or bytes, less those that successes made up for. */
  readonly throttles: number
  /** Other failures since the last success. */
  readonly failures: number
  /** Appends that the buffer did not take since the last that it took. */
  readonly pauses: number
}

export interface ReadDone {
  readonly startedMs: number
  readonly endedMs: number
  readonly bytes: number
  /** How far behind the tip of the shard it was; 0 has nothing more to give. */
  readonly behindMs: number
}

/** A refusal for too many calls or bytes lasts a second at least. */
const THROTTLED_FIRST_MS = 1_000
const THROTTLED_CAP_MS = 10_000
const FAILED = { firstMs: 1_000, capMs: 30_000 }

export function startingPace(nowMs: number): Pace {
  return { nextMs: nowMs, paidMs: nowMs, throttles: 0, failures: 0, pauses: 0 }
}

/** After an answer, empty or not: an empty one that lags is a stretch to cross, and is followed at once. */
export function afterRead(pace: Pace, read: ReadDone, options: PaceOptions): Pace {
  const { idleMs, busyMs, bytesPerSecond } = options
  const costMs = (read.bytes / bytesPerSecond) * 1000
  // From the end of the read: when the service counted the bytes, between its start and its end, is not known.
  const paidMs = costMs === 0 ? pace.paidMs : Math.max(pace.paidMs, read.endedMs) + costMs
  const nextMs = Math.max(read.startedMs + (read.behindMs > 0 ? busyMs : idleMs), paidMs)
  return { ...pace, nextMs, paidMs, throttles: Math.max(0, pace.throttles - 1), failures: 0 }
}

/** After the last answer of a shard: what follows asks for no records. */
export function afterLastRead(pace: Pace, nowMs: number): Pace {
  return { ...pace, nextMs: nowMs }
}

/** @param random in [0, 1) */
export function afterThrottle(pace: Pace, nowMs: number, random: number): Pace {
  const throttles = Math.min(pace.throttles + 1, 30)
  const ceilingMs = Math.min(THROTTLED_CAP_MS, THROTTLED_FIRST_MS * 2 ** throttles)
  const waitMs = THROTTLED_FIRST_MS + Math.round(random * (ceilingMs - THROTTLED_FIRST_MS))
  return { ...pace, throttles, nextMs: Math.max(nowMs + waitMs, pace.paidMs) }
}

/** After a call that failed otherwise. @param random in [0, 1) */
export function afterFailure(pace: Pace, nowMs: number, random: number): Pace {
  const failures = pace.failures + 1
  return { ...pace, failures, nextMs: Math.max(nowMs + backoffMs(FAILED, failures, random), pace.paidMs) }
}

/** After an append that the buffer did not take. @param random in [0, 1) */
export function afterPause(pace: Pace, nowMs: number, random: number): Pace {
  const pauses = pace.pauses + 1
  return { ...pace, pauses, nextMs: Math.max(nowMs + backoffMs(FAILED, pauses, random), pace.paidMs) }
}

/** After an append that the buffer took. */
export function afterAppend(pace: Pace): Pace {
  return { ...pace, pauses: 0 }
}

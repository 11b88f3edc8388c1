/**
 * The shared front door: whatever comes in, by HTTP or from a shard, becomes durable here.
 *
 * Group commit: of each delivery stream one append is in flight, and the frames that arrive meanwhile make the next one.
 * So the cost of a durable write is shared by all that wait for it, and frames of one process keep their order. The bytes
 * that wait are bounded by the callers, each of whom waits for its own frame.
 *
 * Records of a shard are appended on their own, because its checkpoint moves with them; a shard has one append in flight.
 *
 * Each other append gets a sequence number that this process has never used before. The store remembers the last one of each
 * process, so a command that a client library sends twice is taken once. An append whose outcome is unknown is given up:
 * its number is not used again, for the same frames or others.
 */
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import type { StreamRef } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import { MIB } from '../domain/limits.ts'
import type {
  Accept,
  Accepted,
  AcceptFromShard,
  Appended,
  Buffer as BufferPort,
  Clock,
  Dispatch,
  OutOfPlace,
} from '../domain/ports.ts'

/** What one append may carry; a single frame may be larger. */
const GROUP_FRAMES_MAX = 64
const GROUP_BYTES_MAX = 4 * MIB

export interface AcceptOptions {
  readonly buffer: BufferPort
  readonly dispatch: Dispatch
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  /** Names this process in append ids; never used by another process, or by this one after a restart. */
  readonly epoch: string
}

export interface FrontDoor {
  readonly accept: Accept
  readonly acceptFromShard: AcceptFromShard
  /** Resolves once no append is in flight and every sealed batch has been dispatched or left to the sweep. */
  readonly drain: () => Promise<void>
}

interface Waiting {
  readonly frame: Frame
  readonly resolve: (accepted: Accepted) => void
  readonly reject: (reason: unknown) => void
}

/** The frames of one delivery stream on their way into the buffer. */
interface Lane {
  readonly stream: StreamRef
  waiting: Waiting[]
  framesMax: number
}

export function createAccept(options: AcceptOptions): FrontDoor {
  const lanes = new Map<string, Lane>()
  const running = new Set<Promise<void>>()
  const booked = createBooking(options, track)
  let sequence = 0

  function track(work: Promise<void>): void {
    running.add(work)
    void work.finally(() => running.delete(work))
  }

  async function run(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const group = takeGroup(lane)
      try {
        sequence += 1
        const id = { epoch: options.epoch, sequence }
        const frames = group.map(({ frame }) => frame)
        const append = (): Promise<Appended> => options.buffer.append(lane.stream, frames, id)
        const answer = await booked(lane.stream, frames, append, 'records')
        if (answer.kind === 'throttled' && group.length === 1)
          countThrottled(options.metrics, lane.stream, frames)
        settle(lane, group, answer)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    lanes.delete(lane.stream.incarnation)
  }

  const accept: Accept = (stream, frame) =>
    new Promise((resolve, reject) => {
      const waiting = { frame, resolve, reject }
      const lane = lanes.get(stream.incarnation)
      if (lane !== undefined) {
        lane.waiting.push(waiting)
        return
      }
      const opened = { stream, waiting: [waiting], framesMax: GROUP_FRAMES_MAX }
      lanes.set(stream.incarnation, opened)
      track(run(opened))
    })

  const acceptFromShard: AcceptFromShard = async (frames, position) => {
    const append = (): Promise<Appended | OutOfPlace> => options.buffer.appendFromShard(frames, position)
    const appending = booked(position.lease.stream, frames, append, 'time')
    track(appending.then(ignore, ignore))
    const answer = await appending
    return answer.kind === 'appended' ? { kind: 'accepted', appendSequence: answer.firstSequence } : answer
  }

  return {
    accept,
    acceptFromShard,
    drain: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}

/** What is told to a caller, that is: a group that did not fit is tried again one by one. */
function countThrottled(metrics: Metrics, { name }: StreamRef, frames: readonly Frame[]): void {
  metrics.count('hydrant_throttled_records_total', { delivery_stream: name }, sum(frames, 'records'))
}

/** The frames of the next append, in order. */
function takeGroup(lane: Lane): Waiting[] {
  let bytes = 0
  let count = 0
  for (const { frame } of lane.waiting) {
    bytes += frame.buffer.length
    if (count > 0 && (count >= lane.framesMax || bytes > GROUP_BYTES_MAX)) break
    count += 1
  }
  return lane.waiting.splice(0, count)
}

/** Tells each caller what became of its frame. */
function settle(lane: Lane, group: readonly Waiting[], appended: Appended): void {
  if (appended.kind === 'throttled' && group.length > 1) {
    // The group did not fit, but a frame of it may: whether a frame is taken must not depend on its neighbours.
    lane.waiting.unshift(...group)
    lane.framesMax = 1
    return
  }
  for (const [index, { resolve }] of group.entries()) {
    if (appended.kind === 'appended')
      resolve({ kind: 'accepted', appendSequence: appended.firstSequence + index })
    else resolve(appended)
  }
  if (appended.kind === 'appended') lane.framesMax = Math.min(GROUP_FRAMES_MAX, lane.framesMax * 2)
}

const ignore = (): undefined => undefined

type Book = <A extends Appended | OutOfPlace>(
  stream: StreamRef,
  frames: readonly Frame[],
  append: () => Promise<A>,
  /** Whoever waits is answered that it is lost; the records of a shard are read again, and their reader tells why. */
  lost: 'records' | 'time',
) => Promise<A>

/** Carries out an append, counts what it took, and dispatches the batches that it sealed. */
function createBooking(
  { dispatch, clock, metrics, log }: AcceptOptions,
  track: (work: Promise<void>) => void,
): Book {
  let reachable = true

  async function dispatchSealed(stream: StreamRef): Promise<void> {
    try {
      await dispatch(stream)
    } catch (err) {
      metrics.count('hydrant_buffer_errors_total', { operation: 'dispatch' })
      log.warn({ deliveryStream: stream.name, err }, 'sealed batch was left to the sweep')
    }
  }

  function appended(stream: StreamRef, frames: readonly Frame[], sealed: number): void {
    const labels = { delivery_stream: stream.name }
    metrics.count('hydrant_accepted_records_total', labels, sum(frames, 'records'))
    metrics.count('hydrant_accepted_bytes_total', labels, sum(frames, 'recordBytes'))
    if (sealed === 0) return
    metrics.count('hydrant_sealed_batches_total', { ...labels, trigger: 'size' }, sealed)
    log.info({ deliveryStream: stream.name, trigger: 'size', batches: sealed }, 'batch sealed')
    track(dispatchSealed(stream))
  }

  return async (stream, frames, append, lost) => {
    const started = clock.monotonicMs()
    try {
      const answer = await append()
      metrics.observe('hydrant_append_seconds', {}, (clock.monotonicMs() - started) / 1000)
      if (!reachable) log.info({}, 'buffer was reachable again')
      reachable = true
      if (answer.kind === 'appended') appended(stream, frames, answer.sealed)
      return answer
    } catch (err) {
      metrics.count('hydrant_buffer_errors_total', { operation: 'append' })
      if (lost === 'records') {
        if (reachable) log.error({ deliveryStream: stream.name, err }, 'append was lost')
        reachable = false
      }
      throw err
    }
  }
}

function sum(frames: readonly Frame[], measure: 'records' | 'recordBytes'): number {
  return frames.reduce((total, frame) => total + frame[measure], 0)
}

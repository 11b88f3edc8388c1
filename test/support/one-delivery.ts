/** One sealed batch in memory, delivered by the real delivery with an encoder of the test's, and what it left behind. */
import { readFileSync } from 'node:fs'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { createDelivery, type DeliveryOptions } from '../../src/deliver/delivery.ts'
import type { DeliveryResult, Lend } from '../../src/deliver/queue.ts'
import type { SealedBatch } from '../../src/domain/batch.ts'
import { DestinationError } from '../../src/domain/errors.ts'
import type { Frame } from '../../src/domain/frame.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Plan } from '../../src/domain/plan.ts'
import type { Encoder, ObjectToPut, Processors } from '../../src/domain/ports.ts'
import { neverCrash, type CrashHook } from '../../src/runtime/crash-point.ts'
import { FakeClock } from './fake-clock.ts'
import { noProcessors } from './no-processors.ts'

export interface LandedPut extends Omit<ObjectToPut, 'body'> {
  readonly body: Buffer
}

export interface OneDeliveryOptions {
  readonly frames: readonly Frame[]
  readonly encoder: Encoder
  readonly plan: Plan
  readonly stagingPath: string
  /** Default: none, and none are asked. */
  readonly processors?: Processors
  /** Encodes backups. Default: the encoder. */
  readonly rawEncoder?: Encoder
  /** Why the destination does not take an object. Default: it takes all. */
  readonly refuse?: (object: ObjectToPut) => DestinationError | undefined
  /** Objects whose puts are not answered before they are given up. Default: none. */
  readonly hangs?: (object: ObjectToPut) => boolean
  readonly errorObjectBytes?: number
  /** Throws to end an attempt where it is. */
  readonly crash?: CrashHook
}

export interface OneDelivery {
  readonly batch: SealedBatch
  /** Every put of every attempt that was taken. */
  readonly puts: readonly LandedPut[]
  readonly metrics: Metrics
  readonly clock: FakeClock
  /** What the batch was discarded with. */
  readonly outcome: Outcome | undefined
  /** Why the batch was set aside. */
  readonly quarantined: string | undefined
  /** Frames that were read from the buffer, in all. */
  readonly framesRead: number
  /** Runs the next attempt. @param lend default: its place is kept */
  attempt(lend?: Lend): Promise<DeliveryResult>
}

export const ARRIVAL_MS = 1_790_000_000_000

/** The batch is held as a store would hold it: read again from its start each time, in turns of the event loop. */
export function oneDelivery(options: OneDeliveryOptions): OneDelivery {
  const { frames, plan } = options
  const metrics = new Metrics()
  const clock = new FakeClock()
  const puts: LandedPut[] = []
  let batch = sealed(frames)
  let outcome: Outcome | undefined
  let quarantined: string | undefined
  let framesRead = 0
  const finished = { kind: 'finished' } as const
  const buffer: Partial<DeliveryOptions['store']['buffer']> = {
    beginAttempt: () => {
      batch = { ...batch, attempts: batch.attempts + 1 }
      return Promise.resolve(outcome === undefined ? { kind: 'begun', batch } : finished)
    },
    endAttempt: () => Promise.resolve(),
    async *read() {
      for (const frame of frames) {
        await Promise.resolve()
        framesRead += 1
        yield frame
      }
    },
    quarantine: (_batch, reason) => {
      quarantined = reason
      return Promise.resolve()
    },
    discard: (_batch, booked) => {
      outcome = booked
      return Promise.resolve(true)
    },
  }
  const deliver = createDelivery({
    store: { buffer, registry: {} } as unknown as DeliveryOptions['store'],
    resolveColumns: () => Promise.resolve([]),
    engine: { engine: 'duckdb', version: '1', checkColumns: () => {} },
    planLimits: { maxPartitions: 5000, queryLimits: { queryMaxMs: 5000, queryOutputMaxBytes: 1 << 24 } },
    encoderFor: ({ destination }) =>
      Promise.resolve(
        destination === plan.destination.backup ? (options.rawEncoder ?? options.encoder) : options.encoder,
      ),
    processors: options.processors ?? noProcessors,
    destination: {
      check: () => Promise.resolve(),
      put: async (object, signal) => {
        if (options.hangs?.(object) === true) throw await aborted(signal)
        const refusal = options.refuse?.(object)
        if (refusal !== undefined) throw refusal
        const body = bytesOf(object)
        puts.push({ ...object, body })
        return body.length
      },
    },
    dispatch: () => Promise.resolve(),
    clock,
    stagingPath: options.stagingPath,
    metrics,
    log: createLog('silent'),
    crash: options.crash ?? neverCrash,
    ...(options.errorObjectBytes === undefined ? {} : { errorObjectBytes: options.errorObjectBytes }),
    attemptMaxMs: 60_000,
  })
  return {
    get batch() {
      return batch
    },
    puts,
    metrics,
    clock,
    get outcome() {
      return outcome
    },
    get quarantined() {
      return quarantined
    },
    get framesRead() {
      return framesRead
    },
    attempt: (lend) => {
      batch = { ...batch, plan }
      return deliver(batch, new AbortController().signal, lend)
    },
  }
}

async function aborted(signal: AbortSignal): Promise<DestinationError> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  return new DestinationError('put: given up', { code: 'Aborted', retryable: true })
}

function bytesOf({ body }: ObjectToPut): Buffer {
  if (body.bytes !== undefined) return Buffer.from(body.bytes)
  const bytes = readFileSync(body.path)
  if (bytes.length !== body.length) throw new Error(`put: ${bytes.length} bytes, not ${body.length}`)
  return bytes
}

export function sealed(frames: readonly Frame[]): SealedBatch {
  const sum = (of: (frame: Frame) => number): number => frames.reduce((total, frame) => total + of(frame), 0)
  return {
    stream: { name: 'orders', incarnation: '0123456789abcdef' },
    batchId: '7-00000000deadbeef',
    state: 'planned',
    trigger: 'interval',
    records: sum((frame) => frame.records),
    bytes: sum((frame) => frame.recordBytes),
    storedBytes: sum((frame) => frame.buffer.length),
    frames: frames.length,
    firstAppend: 41,
    lastAppend: 40 + frames.length,
    oldestArrivalMs: ARRIVAL_MS,
    openedAtMs: ARRIVAL_MS,
    sealedAtMs: ARRIVAL_MS + 60_000,
    attempts: 0,
    deaths: 0,
  }
}

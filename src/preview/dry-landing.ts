/**
 * The landing of a sample as a batch of a delivery stream, by the same code as a delivery's, into nothing: the destination
 * notes what is put, and what a transform answers is kept in memory.
 */
import { randomBytes } from 'node:crypto'
import type { Log } from '../account/log.ts'
import { recordsOf } from '../deliver/decided-records.ts'
import { land, type LandingOptions } from '../deliver/landing.ts'
import type { LocatedFailure } from '../deliver/failed-records.ts'
import { planDigest } from '../deliver/plan.ts'
import { SourceDigest } from '../deliver/source-digest.ts'
import { newBatchId, type SealedBatch } from '../domain/batch.ts'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Plan } from '../domain/plan.ts'
import type { Buffer as BufferPort, Destination, Partitions, Processors } from '../domain/ports.ts'
import type { ErrorType } from '../domain/record-metadata.ts'
import { neverCrash } from '../runtime/crash-point.ts'

export interface DryLandingOptions {
  readonly encoderFor: LandingOptions['encoderFor']
  readonly processors: Processors
  /** A folder that is removed by the caller. */
  readonly stagingPath: string
  readonly log: Log
}

/** What would become of one record, or of one of the records that a record is made into. */
export interface PreviewedRecord {
  /** Of the line in the sample, from 1. */
  readonly record: number
  /** Which of the records that it was made into, from 1; absent when it stays one. */
  readonly part?: number
  /** Key of the object that its rows go to. */
  readonly key?: string
  readonly failure?: PreviewedFailure
}

export interface PreviewedFailure {
  readonly errorType: ErrorType
  readonly code: string
  readonly message: string
}

export interface DryLanding {
  readonly batch: SealedBatch
  readonly outcome: Outcome
  /** In order. One that has neither key nor failure yields nothing. */
  readonly records: readonly PreviewedRecord[]
}

/** A buffer that keeps derivations as long as it lives. */
export function keptInMemory(): Pick<BufferPort, 'derive' | 'readDerived'> {
  let kept: readonly Frame[] = []
  return {
    async derive(_batch, frames) {
      const derived: Frame[] = []
      for await (const frame of frames) derived.push(frame)
      kept = derived
    },
    async *readDerived() {
      for (const frame of kept) yield await Promise.resolve(frame)
    },
  }
}

export async function landDry(
  stream: DeliveryStream,
  plan: Plan,
  frames: readonly Frame[],
  options: DryLandingOptions,
): Promise<DryLanding> {
  const batch = batchOf(stream, frames)
  const digest = new SourceDigest()
  const failures = new Map<number, PreviewedFailure>()
  const keys = new Map<string, string>()
  const made = new MadeRecords(options.processors)
  const { outcome } = await land(
    {
      ...options,
      processors: made.processors,
      destination: noting(keys),
      crash: neverCrash,
      onFailure: ({ place, errorType, code, message }: LocatedFailure) =>
        failures.set(place, { errorType, code, message }),
    },
    {
      batch,
      plan,
      planDigest: planDigest(plan),
      frames: () => digest.over(each(frames)),
      digest,
      careful: false,
      signal: new AbortController().signal,
    },
  )
  const places = made.places ?? (await placesOf(each(frames)))
  return { batch, outcome, records: listed(places, { failures, keys, partitions: made.partitions }) }
}

function batchOf({ name, incarnation }: DeliveryStream, frames: readonly Frame[]): SealedBatch {
  const sum = (of: (frame: Frame) => number): number => frames.reduce((total, frame) => total + of(frame), 0)
  const arrivalMs = frames[0]?.arrivalMs ?? 0
  return {
    stream: { name, incarnation },
    batchId: newBatchId(1, randomBytes(8).toString('hex')),
    state: 'planned',
    trigger: 'interval',
    records: sum(({ records }) => records),
    bytes: sum(({ recordBytes }) => recordBytes),
    storedBytes: sum(({ buffer }) => buffer.length),
    frames: frames.length,
    firstAppend: 1,
    lastAppend: frames.length,
    oldestArrivalMs: arrivalMs,
    openedAtMs: arrivalMs,
    sealedAtMs: arrivalMs,
    attempts: 1,
    deaths: 0,
  }
}

/** @param keys of objects by their part, filled as they come */
function noting(keys: Map<string, string>): Destination {
  return {
    put({ key, body, metadata }) {
      keys.set(metadata['hydrant-part'] ?? '', key)
      return Promise.resolve(body.bytes === undefined ? body.length : body.bytes.length)
    },
    check: () => Promise.resolve(),
  }
}

async function* each(frames: readonly Frame[]): AsyncGenerator<Frame> {
  for (const frame of frames) yield await Promise.resolve(frame)
}

/** What a record of a place was made from. */
interface Place {
  /** Of the sample, from 1. */
  readonly record: number
  readonly isDropped: boolean
}

/** Looks at what processors give, on its way to the landing. */
class MadeRecords {
  readonly processors: Processors
  places: readonly Place[] | undefined
  partitions: Partitions | undefined

  constructor(processors: Processors) {
    this.processors = {
      process: async (input) => {
        const processed = await processors.process(input)
        this.places = await placesOf(processed.frames())
        this.partitions = processed.partitions
        return processed
      },
    }
  }
}

async function placesOf(frames: AsyncIterable<Frame>): Promise<readonly Place[]> {
  const places: Place[] = []
  for await (const frame of frames) {
    for (const { metadata } of recordsOf(frame))
      places.push({
        record: (metadata?.origin ?? places.length) + 1,
        isDropped: metadata?.isDropped === true,
      })
  }
  return places
}

function listed(
  places: readonly Place[],
  {
    failures,
    keys,
    partitions,
  }: {
    readonly failures: ReadonlyMap<number, PreviewedFailure>
    readonly keys: ReadonlyMap<string, string>
    readonly partitions: Partitions | undefined
  },
): PreviewedRecord[] {
  const parts = new Map<number, number>()
  for (const { record } of places) parts.set(record, (parts.get(record) ?? 0) + 1)
  let [last, part] = [0, 0]
  return places.map(({ record, isDropped }, place) => {
    part = record === last ? part + 1 : 1
    last = record
    const failure = failures.get(place)
    const key = isDropped ? undefined : keys.get(String(partitions?.objectOf[place] ?? 0))
    return {
      record,
      ...(parts.get(record) === 1 ? {} : { part }),
      ...(failure === undefined ? (key === undefined ? {} : { key }) : { failure }),
    }
  })
}

/** What the store conformance suite builds its tests from: delivery streams, frames, plans, outcomes and an opened store. */
import { expect, onTestFinished } from 'vitest'
import type { BatchRef, SealedBatch } from '../../../src/domain/batch.ts'
import type { DeliveryStream, StreamRef } from '../../../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import type { Outcome, Totals } from '../../../src/domain/outcome.ts'
import type { Plan } from '../../../src/domain/plan.ts'
import type { AppendId, Appended, Leases, Shards, Store } from '../../../src/domain/ports.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export interface StoreOptions {
  readonly clock: FakeClock
  readonly maxBytes?: number
  readonly perStreamShare?: number
}

export interface StoreUnderTest {
  readonly store: Store
  /** Closes the store and opens it again as a new process would; afterwards only the returned one is used. */
  reopen(): Promise<Store>
  /** Closes whatever is open and removes what is kept. */
  close(): Promise<void>
  /** The same leases as another process sees them. */
  otherLeases?(): Promise<Leases>
  /** The same shards as another process sees them. */
  otherShards?(): Promise<Shards>
  /** Changes the stored bytes of a batch's first frame behind the store's back. */
  rewriteFirstFrame?(batch: BatchRef, rewrite: (stored: Buffer) => Buffer): Promise<void>
  /** The same of what was derived of it. */
  rewriteFirstDerived?(batch: BatchRef, rewrite: (stored: Buffer) => Buffer): Promise<void>
  /** Frames that are kept, derived ones too, once what is gone has been removed. */
  storedFrames?(): Promise<number>
  /** The answer to the next command that changes something is lost on its way; the client library sends it again. */
  loseNextAnswer?(): void | Promise<void>
  /** Keeps a copy of what is stored. What it answers sets the store back to that; afterwards only the answer is used. */
  copy?(): Promise<() => Promise<Store>>
}

export type MakeStore = (options: StoreOptions) => Promise<StoreUnderTest>

/** A store with its clock, closed when the test ends. */
export interface Opened {
  readonly clock: FakeClock
  readonly under: StoreUnderTest
  /** The store now open: another one after `reopen`. */
  store: Store
  reopen(): Promise<void>
}

export async function openStore(make: MakeStore, options: Omit<StoreOptions, 'clock'> = {}): Promise<Opened> {
  const clock = new FakeClock()
  const under = await make({ clock, ...options })
  onTestFinished(() => under.close())
  const opened: Opened = {
    clock,
    under,
    store: under.store,
    reopen: async () => {
      opened.store = await under.reopen()
    },
  }
  return opened
}

export interface StreamOptions {
  readonly name?: string
  readonly incarnation?: string
  readonly bytes?: number
  readonly intervalMs?: number
  readonly version?: number
  readonly revision?: number
}

export function streamOf(options: StreamOptions = {}): DeliveryStream {
  const name = options.name ?? 'orders'
  return {
    name,
    incarnation: options.incarnation ?? '00000000000000a1',
    arn: `arn:aws:firehose:us-east-1:000000000000:deliverystream/${name}`,
    type: 'DirectPut',
    status: 'ACTIVE',
    version: options.version ?? 1,
    revision: options.revision ?? 1,
    createdAtMs: 1_790_000_000_000,
    hints: { bytes: options.bytes ?? 1_000_000, intervalMs: options.intervalMs ?? 60_000 },
    destination: {
      bucket: 'lake',
      prefix: 'orders/',
      errorOutputPrefix: 'errors/',
      compression: 'UNCOMPRESSED',
    },
    description: { BucketARN: 'arn:aws:s3:::lake', Prefix: 'orders/', Ünicode: ['✓', null, 1.5] },
    declarations: ['0'.repeat(64)],
  }
}

/** Opens a store in which `stream` is declared. */
export async function openWith(
  make: MakeStore,
  stream: DeliveryStream,
  options: Omit<StoreOptions, 'clock'> = {},
): Promise<Opened> {
  const opened = await openStore(make, options)
  expect(await opened.store.registry.create(stream)).toBe('created')
  return opened
}

export function frameOf(records: readonly (string | Uint8Array)[], arrivalMs = 1_790_000_000_000): Frame {
  const bytes = records.map((record) => Buffer.from(record))
  const builder = new FrameBuilder(
    bytes.length,
    bytes.reduce((sum, record) => sum + record.length, 0),
  )
  for (const record of bytes) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

/** One record of `bytes` bytes that no codec makes smaller, the same for the same `seed`. */
export function noiseFrame(bytes: number, seed = 1): Frame {
  const noise = Buffer.alloc(bytes)
  let state = seed >>> 0 || 1
  for (let index = 0; index < bytes; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    noise[index] = state & 0xff
  }
  return frameOf([noise])
}

/** The element that a test knows to be there. */
export function at<T>(list: readonly T[], index: number): T {
  const element = list[index]
  if (element === undefined) throw new Error(`there are ${list.length} elements, none at ${index}`)
  return element
}

let epochs = 0

/** Append ids of one process. */
export function appendIds(epoch = `epoch${(epochs += 1)}`): () => AppendId {
  let sequence = 0
  return () => ({ epoch, sequence: (sequence += 1) })
}

export function planOf(version = 1, bucket = 'lake'): Plan {
  return {
    version,
    destination: { bucket, prefix: 'orders/', errorOutputPrefix: 'errors/', compression: 'UNCOMPRESSED' },
    engine: 'raw',
    engineVersion: '1',
    columns: [{ name: 'order_id', type: 'string' }],
  }
}

/** All delivered but `failed` and `dropped`. */
export function outcomeOf(batch: SealedBatch, failed = 0, dropped = 0): Outcome {
  return {
    delivered: batch.records - failed - dropped,
    failed,
    dropped,
    rows: 2 * (batch.records - failed - dropped),
    errors: failed === 0 ? {} : { 'DataFormatConversion.ParseError': failed },
    objects: [{ bucket: 'lake', key: `orders/${batch.batchId}`, bytes: 10, rows: 2, kind: 'data' }],
  }
}

export async function expectAppended(
  store: Store,
  stream: StreamRef,
  frames: readonly Frame[],
  id: AppendId,
): Promise<Extract<Appended, { kind: 'appended' }>> {
  const answer = await store.buffer.append(stream, frames, id)
  if (answer.kind !== 'appended') throw new Error(`append to ${stream.name}: ${answer.kind}`)
  return answer
}

export async function describeBatch(store: Store, batch: BatchRef): Promise<SealedBatch> {
  const described = await store.buffer.describe(batch)
  if (described === undefined) throw new Error(`describe batch ${batch.batchId}: it is not there`)
  return described
}

/** Appends one frame a list of records and seals what is open by letting its interval pass. */
export async function sealedBatch(
  opened: Opened,
  stream: DeliveryStream,
  frames: readonly Frame[],
  nextId = appendIds(),
): Promise<SealedBatch> {
  await expectAppended(opened.store, stream, frames, nextId())
  await opened.clock.advance(stream.hints.intervalMs)
  const sealed = await opened.store.buffer.sealDue(stream)
  if (sealed.kind !== 'sealed') throw new Error(`seal ${stream.name}: ${sealed.kind}`)
  return describeBatch(opened.store, sealed.batch)
}

/** A store whose only stream has one sealed batch: a, b, c. */
export async function oneBatch(make: MakeStore): Promise<Opened & { batch: SealedBatch }> {
  const stream = streamOf()
  const opened = await openWith(make, stream)
  return Object.assign(opened, { batch: await sealedBatch(opened, stream, [frameOf(['a', 'b', 'c'])]) })
}

/** Takes a sealed batch to its end: attempt, pin, discard. */
export async function deliver(store: Store, batch: BatchRef, failed = 0, dropped = 0): Promise<void> {
  const attempt = await store.buffer.beginAttempt(batch)
  if (attempt.kind !== 'begun') throw new Error(`begin attempt of ${batch.batchId}: ${attempt.kind}`)
  expect((await store.buffer.pin(batch, planOf())).kind).toBe('pinned')
  expect(await store.buffer.discard(batch, outcomeOf(attempt.batch, failed, dropped))).toBe(true)
}

export async function readRecords(store: Store, batch: BatchRef): Promise<Buffer[]> {
  const records: Buffer[] = []
  for await (const frame of store.buffer.read(batch, new AbortController().signal)) {
    for (const record of frame.recordViews()) records.push(Buffer.from(record))
  }
  return records
}

export async function readTexts(store: Store, batch: BatchRef): Promise<string[]> {
  return (await readRecords(store, batch)).map((record) => record.toString('utf8'))
}

/** G3: accepted = delivered + failed + dropped + pending, counted on their own. */
export async function expectBalanced(store: Store, stream: StreamRef): Promise<Totals> {
  const totals = await store.buffer.totals(stream)
  if (totals === undefined) throw new Error(`totals of ${stream.name}: it is not there`)
  expect(totals.delivered + totals.failed + totals.dropped + totals.pending).toBe(totals.accepted)
  return totals
}

/** What a transform made of a batch: kept whole or not at all, once, whoever is interrupted (D5), and freed with its batch. */
import { expect, test } from 'vitest'
import type { SealedBatch } from '../../../src/domain/batch.ts'
import { FrameError } from '../../../src/domain/errors.ts'
import type { Frame } from '../../../src/domain/frame.ts'
import { MIB } from '../../../src/domain/limits.ts'
import type { Store } from '../../../src/domain/ports.ts'
import {
  appendIds,
  describeBatch,
  expectAppended,
  expectBalanced,
  frameOf,
  noiseFrame,
  oneBatch,
  openWith,
  outcomeOf,
  planOf,
  readTexts,
  sealedBatch,
  streamOf,
  type MakeStore,
  type Opened,
} from './fixture.ts'
import { each, FramesByHand } from './frames-by-hand.ts'

/** More than one step takes, so that each such frame is a step. */
const STEP = 2 * MIB + 1
const never = new AbortController().signal
const TIMEOUT = { timeout: 60_000 }

export function deriveSuite(make: MakeStore): void {
  wholeSuite(make)
  interruptedSuite(make)
  attemptsSuite(make)
  heldSuite(make)
  lostAnswerSuite(make)
}

type Planned = Opened & { batch: SealedBatch }

/** One batch of a, b, c whose plan is pinned. */
async function plannedBatch(make: MakeStore): Promise<Planned> {
  const opened = await oneBatch(make)
  await opened.store.buffer.pin(opened.batch, planOf())
  return opened
}

function derive(store: Store, batch: SealedBatch, frames: AsyncIterable<Frame>): Promise<void> {
  return store.buffer.derive(batch, frames, never)
}

/** The records of each derived frame, as text or, if they are long, as their length and beginning. */
async function derivedTexts(store: Store, batch: SealedBatch): Promise<string[]> {
  const texts: string[] = []
  for await (const frame of store.buffer.readDerived(batch, never)) {
    for (const record of frame.recordViews()) texts.push(shown(record))
  }
  return texts
}

function shown(record: Buffer): string {
  return record.length < 100
    ? record.toString()
    : `${record.length} bytes: ${record.toString('hex', 0, 16)}…${record.toString('hex', record.length - 4)}`
}

function textsOf(frames: readonly Frame[]): string[] {
  return frames.flatMap((frame) => [...frame.recordViews()].map(shown))
}

function storedBytes(frames: readonly Frame[]): number {
  return frames.reduce((sum, frame) => sum + frame.buffer.length, 0)
}

const noise = (seed: number): Frame => noiseFrame(STEP, seed)

function wholeSuite(make: MakeStore): void {
  test(
    'what a transform made of a batch is read back in order, beside the batch as it came',
    TIMEOUT,
    async () => {
      const { store, batch } = await plannedBatch(make)
      const frames = [
        ...Array.from({ length: 1100 }, (_, index) => frameOf([`made ${index}`, ''], 1000 + index)),
        noise(1),
        frameOf(['a\nb\0']),
        noise(2),
      ]
      await derive(store, batch, each(frames))
      expect(await derivedTexts(store, batch)).toEqual(textsOf(frames))
      expect(await derivedTexts(store, batch)).toHaveLength(2203)
      const arrivals: number[] = []
      for await (const frame of store.buffer.readDerived(batch, never)) arrivals.push(frame.arrivalMs)
      expect(arrivals.slice(0, 1100)).toEqual(frames.slice(0, 1100).map((frame) => frame.arrivalMs))
      expect(await readTexts(store, batch)).toEqual(['a', 'b', 'c'])
      expect(await describeBatch(store, batch)).toMatchObject({ isDerived: true, frames: 1, records: 3 })
      expect(await store.buffer.beginAttempt(batch)).toMatchObject({ batch: { isDerived: true } })
    },
  )

  test('a derivation outlives its process', async () => {
    const opened = await plannedBatch(make)
    await derive(opened.store, opened.batch, each([frameOf(['A', 'B', 'C'])]))
    await opened.reopen()
    expect(await derivedTexts(opened.store, opened.batch)).toEqual(['A', 'B', 'C'])
    expect(await opened.store.buffer.beginAttempt(opened.batch)).toMatchObject({ batch: { isDerived: true } })
  })

  test('there is nothing to read before one is whole, and the batch does not say so', async () => {
    const { store, batch } = await plannedBatch(make)
    expect(await describeBatch(store, batch)).not.toHaveProperty('isDerived')
    await expect(derivedTexts(store, batch)).rejects.toThrow(batch.batchId)
    const frames = new FramesByHand()
    const deriving = derive(store, batch, frames)
    await frames.give(noise(1), noise(2))
    expect(await describeBatch(store, batch)).not.toHaveProperty('isDerived')
    await expect(derivedTexts(store, batch)).rejects.toThrow('there are none')
    await frames.end()
    await deriving
    expect(await derivedTexts(store, batch)).toEqual(textsOf([noise(1), noise(2)]))
  })

  test('the first whole derivation stays; a later call is answered without reading its frames', async () => {
    const { store, batch } = await plannedBatch(make)
    await derive(store, batch, each([frameOf(['first'])]))
    const unread = new FramesByHand()
    await derive(store, batch, unread)
    expect(unread.isAsked).toBe(false)
    expect(await derivedTexts(store, batch)).toEqual(['first'])
  })

  test('nothing is derived of a batch without a plan, of a quarantined one, or of one that is gone', async () => {
    const { store, batch } = await oneBatch(make)
    const unread = new FramesByHand()
    await expect(derive(store, batch, unread)).rejects.toThrow('plan is not pinned')
    await store.buffer.pin(batch, planOf())
    await store.buffer.quarantine(batch, 'reason')
    await expect(derive(store, batch, unread)).rejects.toThrow('quarantined')
    await store.buffer.release(batch)
    await expect(derive(store, batch, each([]))).rejects.toThrow('there are no frames')
    await store.buffer.discard(batch, outcomeOf(batch))
    await expect(derive(store, batch, unread)).rejects.toThrow('gone')
    await expect(derivedTexts(store, batch)).rejects.toThrow('gone')
    expect(unread.isAsked).toBe(false)
  })

  test('a damaged derived frame is an error', async (context) => {
    const { store, batch, under } = await plannedBatch(make)
    await derive(store, batch, each([frameOf(['one', 'two'])]))
    if (under.rewriteFirstDerived === undefined)
      return context.skip('stored frames cannot be reached from outside')
    await under.rewriteFirstDerived(batch, (stored) => {
      const damaged = Buffer.from(stored)
      damaged.writeUInt8(damaged.readUInt8(damaged.length - 2) ^ 1, damaged.length - 2)
      return damaged
    })
    await expect(derivedTexts(store, batch)).rejects.toThrow(FrameError)
    return undefined
  })
}

function interruptedSuite(make: MakeStore): void {
  test('a derivation whose frames fail leaves nothing', TIMEOUT, async () => {
    const { store, batch, under } = await plannedBatch(make)
    const frames = new FramesByHand()
    const deriving = derive(store, batch, frames)
    deriving.catch(() => undefined)
    await frames.give(noise(1), noise(2))
    expect((await describeBatch(store, batch)).storedBytes).toBeGreaterThan(STEP)
    await frames.fail(new Error('the function is gone'))
    await expect(deriving).rejects.toThrow('the function is gone')
    expect(await describeBatch(store, batch)).toEqual({ ...batch, state: 'planned', plan: planOf() })
    if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(1)
    await derive(store, batch, each([frameOf(['again'])]))
    expect(await derivedTexts(store, batch)).toEqual(['again'])
  })

  test('a derivation ends when its signal aborts', TIMEOUT, async () => {
    const { store, batch } = await plannedBatch(make)
    const abort = new AbortController()
    const frames = new FramesByHand()
    const deriving = store.buffer.derive(batch, frames, abort.signal)
    deriving.catch(() => undefined)
    await frames.give(noise(1), noise(2))
    abort.abort(new Error('deadline'))
    await frames.giveLast(noise(3))
    await expect(deriving).rejects.toThrow('deadline')
    expect((await describeBatch(store, batch)).storedBytes).toBe(batch.storedBytes)
  })

  test('what a dead process has left is removed by the next derivation', TIMEOUT, async () => {
    const opened = await plannedBatch(make)
    const { batch, under } = opened
    const frames = new FramesByHand()
    const dead = derive(opened.store, batch, frames)
    dead.catch(() => undefined)
    await frames.give(noise(1), noise(2), noise(3))
    await opened.reopen()
    const left = await describeBatch(opened.store, batch)
    expect(left.storedBytes).toBe(batch.storedBytes + storedBytes([noise(1), noise(2)]))
    expect(left).not.toHaveProperty('isDerived')
    await derive(opened.store, batch, each([noise(4), frameOf(['whole'])]))
    await frames.giveLast(noise(5))
    await expect(dead).rejects.toThrow()
    expect(await derivedTexts(opened.store, batch)).toEqual(textsOf([noise(4), frameOf(['whole'])]))
    expect((await describeBatch(opened.store, batch)).storedBytes).toBe(
      batch.storedBytes + storedBytes([noise(4), frameOf(['whole'])]),
    )
    if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(3)
  })

  test('what a dead process has left goes with its batch, and with its stream', TIMEOUT, async () => {
    for (const end of ['discard', 'remove'] as const) {
      const opened = await plannedBatch(make)
      const { batch, under } = opened
      const frames = new FramesByHand()
      derive(opened.store, batch, frames).catch(() => undefined)
      await frames.give(noise(1), noise(2))
      await opened.reopen()
      if (end === 'discard') await opened.store.buffer.discard(batch, outcomeOf(batch))
      else expect(await opened.store.registry.remove(batch.stream)).toMatchObject({ dropped: 3, pending: 0 })
      await frames.end()
      if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(0)
    }
  })
}

function attemptsSuite(make: MakeStore): void {
  test(
    'a later attempt takes the place of an earlier one, which is refused from then on',
    TIMEOUT,
    async () => {
      const { store, batch, under } = await plannedBatch(make)
      const [earlier, later] = [new FramesByHand(), new FramesByHand()]
      const first = derive(store, batch, earlier)
      first.catch(() => undefined)
      await earlier.give(noise(1), noise(2))
      const second = derive(store, batch, later)
      await later.give(noise(11), noise(12))
      await earlier.giveLast(noise(3))
      await expect(first).rejects.toThrow('later attempt')
      await later.give(noise(13))
      await later.end()
      await second
      expect(await derivedTexts(store, batch)).toEqual(textsOf([noise(11), noise(12), noise(13)]))
      expect((await describeBatch(store, batch)).storedBytes).toBe(
        batch.storedBytes + storedBytes([noise(11), noise(12), noise(13)]),
      )
      if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(4)
    },
  )

  test(
    'an earlier attempt that is whole before the later one has given a frame is the one that is kept',
    TIMEOUT,
    async () => {
      const { store, batch } = await plannedBatch(make)
      const [earlier, later] = [new FramesByHand(), new FramesByHand()]
      const first = derive(store, batch, earlier)
      await earlier.give(noise(1), noise(2))
      const second = derive(store, batch, later)
      await later.give(noise(11))
      await earlier.end()
      await first
      await later.giveLast(noise(12))
      await second
      expect(await derivedTexts(store, batch)).toEqual(textsOf([noise(1), noise(2)]))
      expect((await describeBatch(store, batch)).storedBytes).toBe(
        batch.storedBytes + storedBytes([noise(1), noise(2)]),
      )
    },
  )

  test('of many attempts at once one is kept, whole, and none of the others', TIMEOUT, async () => {
    const { store, batch, under } = await plannedBatch(make)
    const made = Array.from({ length: 6 }, (_, index) => [noise(10 * index + 1), noise(10 * index + 2)])
    const ended = await Promise.allSettled(made.map((frames) => derive(store, batch, each(frames))))
    expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true)
    expect(made.map(textsOf)).toContainEqual(await derivedTexts(store, batch))
    expect((await describeBatch(store, batch)).storedBytes).toBe(
      batch.storedBytes + storedBytes([noise(1), noise(2)]),
    )
    if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(3)
  })

  test('a quarantine ends a derivation that is not whole and removes what it left', TIMEOUT, async () => {
    const { store, batch, under } = await plannedBatch(make)
    const frames = new FramesByHand()
    const deriving = derive(store, batch, frames)
    deriving.catch(() => undefined)
    await frames.give(noise(1), noise(2))
    await store.buffer.quarantine(batch, 'reason')
    expect((await describeBatch(store, batch)).storedBytes).toBe(batch.storedBytes)
    await store.buffer.release(batch)
    await frames.giveLast(noise(3))
    await expect(deriving).rejects.toThrow('taken its place')
    expect((await describeBatch(store, batch)).storedBytes).toBe(batch.storedBytes)
    if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(1)
  })

  test('a whole derivation stays through quarantine and release', async () => {
    const { store, batch } = await plannedBatch(make)
    await derive(store, batch, each([frameOf(['made'])]))
    await store.buffer.quarantine(batch, 'reason')
    expect(await store.buffer.quarantined(batch.stream, 5)).toMatchObject([{ isDerived: true }])
    expect(await derivedTexts(store, batch)).toEqual(['made'])
    await store.buffer.release(batch)
    expect(await store.buffer.beginAttempt(batch)).toMatchObject({
      batch: { isDerived: true, state: 'planned' },
    })
    expect(await derivedTexts(store, batch)).toEqual(['made'])
  })
}

function heldSuite(make: MakeStore): void {
  const opened = async (): Promise<Planned> => {
    const stream = streamOf({ bytes: 8 * MIB })
    const fresh = await openWith(make, stream, { maxBytes: 4 * MIB, perStreamShare: 1 })
    const batch = await sealedBatch(fresh, stream, [frameOf(['a', 'b', 'c'])])
    await fresh.store.buffer.pin(batch, planOf())
    return Object.assign(fresh, { batch })
  }

  test(
    'derived bytes throttle appends of all streams, are not refused themselves, and leave with the batch',
    TIMEOUT,
    async () => {
      const { store, batch, under } = await opened()
      const other = streamOf({ name: 'other', incarnation: '00000000000000a2' })
      await store.registry.create(other)
      const frames = new FramesByHand()
      const deriving = derive(store, batch, frames)
      await frames.give(noise(1), noise(2), noise(3), noise(4))
      const nextId = appendIds()
      for (const stream of [batch.stream, other])
        expect(await store.buffer.append(stream, [noiseFrame(MIB)], nextId())).toEqual({ kind: 'throttled' })
      await frames.end()
      await deriving
      expect(await store.buffer.append(other, [noiseFrame(1000)], nextId())).toEqual({ kind: 'throttled' })
      expect(await expectBalanced(store, batch.stream)).toMatchObject({
        accepted: 3,
        pending: 3,
        pendingBytes: 3,
        rows: 0,
      })
      await store.buffer.discard(batch, outcomeOf(batch))
      if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(0)
      await expectAppended(store, batch.stream, [noiseFrame(4 * MIB - 200)], nextId())
      expect(await store.buffer.append(other, [noiseFrame(1000)], nextId())).toEqual({ kind: 'throttled' })
      expect(await expectBalanced(store, batch.stream)).toMatchObject({
        accepted: 4,
        delivered: 3,
        pending: 1,
      })
    },
  )

  test('derived bytes leave with a stream that is removed', TIMEOUT, async () => {
    const { store, batch, under } = await opened()
    await derive(store, batch, each([noise(1), noise(2)]))
    expect(await store.registry.remove(batch.stream)).toMatchObject({ accepted: 3, dropped: 3, pending: 0 })
    if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(0)
    const again = streamOf({ bytes: 8 * MIB, incarnation: '00000000000000b1' })
    await store.registry.create(again)
    await expectAppended(store, again, [noiseFrame(4 * MIB - 200)], appendIds()())
  })
}

function lostAnswerSuite(make: MakeStore): void {
  test('a step whose answer is lost and that is sent again is taken once', TIMEOUT, async (context) => {
    const { store, batch, under } = await plannedBatch(make)
    if (under.loseNextAnswer === undefined) return context.skip('there is nothing between client and store')
    const lose = under.loseNextAnswer.bind(under)
    const failing = new FramesByHand()
    const failed = derive(store, batch, failing)
    failed.catch(() => undefined)
    await failing.give(noise(8), noise(9))
    await lose()
    await failing.fail(new Error('ended'))
    await expect(failed).rejects.toThrow('ended')
    expect((await describeBatch(store, batch)).storedBytes).toBe(batch.storedBytes)
    const frames = new FramesByHand()
    await lose()
    const deriving = derive(store, batch, frames)
    await frames.give(noise(1))
    for (const seed of [2, 3, 4]) {
      await lose()
      await frames.give(noise(seed))
    }
    await lose()
    await frames.end()
    await deriving
    const made = [noise(1), noise(2), noise(3), noise(4)]
    expect(await derivedTexts(store, batch)).toEqual(textsOf(made))
    expect((await describeBatch(store, batch)).storedBytes).toBe(batch.storedBytes + storedBytes(made))
    await lose()
    await store.buffer.discard(batch, outcomeOf(batch))
    if (under.storedFrames !== undefined) expect(await under.storedFrames()).toBe(0)
    return undefined
  })
}

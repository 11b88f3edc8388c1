/** Seal: by size at the frame that reaches it, by interval, at once with interval 0, and by exactly one of many. */
import { expect, test } from 'vitest'
import { BATCH_RECORDS_SEALED } from '../../../src/domain/batch.ts'
import { FrameBuilder } from '../../../src/domain/frame.ts'
import {
  appendIds,
  at,
  deliver,
  describeBatch,
  expectAppended,
  expectBalanced,
  frameOf,
  noiseFrame,
  openStore,
  openWith,
  readTexts,
  streamOf,
  type MakeStore,
} from './fixture.ts'

export function sealSuite(make: MakeStore): void {
  sizeSuite(make)
  intervalSuite(make)
  intervalZeroSuite(make)
}

function sizeSuite(make: MakeStore): void {
  test('the frame that reaches the size is the last of its batch, and the next one opens another', async () => {
    const stream = streamOf({ bytes: 10 })
    const { store } = await openWith(make, stream)
    const nextId = appendIds()
    expect(await expectAppended(store, stream, [frameOf(['123456789'])], nextId())).toMatchObject({
      sealed: 0,
    })
    expect(await expectAppended(store, stream, [frameOf(['0']), frameOf(['next'])], nextId())).toMatchObject({
      sealed: 1,
    })
    const sealed = await store.buffer.sealed(stream, 10)
    expect(sealed).toHaveLength(1)
    const batch = await describeBatch(store, at(sealed, 0))
    expect(batch).toMatchObject({ trigger: 'size', state: 'sealed', records: 2, bytes: 10, frames: 2 })
    expect(await readTexts(store, batch)).toEqual(['123456789', '0'])
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 3, pending: 3, sealedBatches: 1 })
  })

  test('G5: a batch of tiny records is sealed by their number', async () => {
    const stream = streamOf({ bytes: 128 * 1024 * 1024 })
    const { store } = await openWith(make, stream)
    const nextId = appendIds()
    const builder = new FrameBuilder(BATCH_RECORDS_SEALED / 4, 0)
    for (let record = 0; record < BATCH_RECORDS_SEALED / 4; record += 1) builder.addBytes(new Uint8Array(0))
    const frame = builder.finish(1_790_000_000_000)
    for (let append = 0; append < 3; append += 1) {
      expect(await expectAppended(store, stream, [frame], nextId())).toMatchObject({ sealed: 0 })
    }
    expect(await expectAppended(store, stream, [frame], nextId())).toMatchObject({ sealed: 1 })
    const batch = await describeBatch(store, at(await store.buffer.sealed(stream, 10), 0))
    expect(batch).toMatchObject({ trigger: 'size', records: BATCH_RECORDS_SEALED, bytes: 0 })
  })

  test('one append may seal several batches', async () => {
    const stream = streamOf({ bytes: 10 })
    const { store } = await openWith(make, stream)
    const frames = [
      noiseFrame(25, 1),
      noiseFrame(4, 2),
      noiseFrame(6, 3),
      noiseFrame(10, 4),
      noiseFrame(1, 5),
    ]
    const answer = await expectAppended(store, stream, frames, appendIds()())
    expect(answer.sealed).toBe(3)
    const sealed = await store.buffer.sealed(stream, 10)
    const batches = await Promise.all(sealed.map((batch) => describeBatch(store, batch)))
    expect(batches.map((batch) => batch.bytes)).toEqual([25, 10, 10])
    const first = answer.firstSequence
    expect(batches.map((batch) => [batch.firstAppend, batch.lastAppend])).toEqual([
      [first, first],
      [first + 1, first + 2],
      [first + 3, first + 3],
    ])
    expect(await expectBalanced(store, stream)).toMatchObject({ pending: 5, sealedBatches: 3 })
  })

  test('batch ids count upwards and end in 16 hexadecimal digits', async () => {
    const stream = streamOf({ bytes: 1 })
    const { store } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a']), frameOf(['b']), frameOf(['c'])], appendIds()())
    const ids = (await store.buffer.sealed(stream, 10)).map((batch) => batch.batchId)
    for (const id of ids) expect(id).toMatch(/^\d+-[0-9a-f]{16}$/)
    const sequences = ids.map((id) => Number.parseInt(id, 10))
    expect(sequences).toEqual([0, 1, 2].map((index) => at(sequences, 0) + index))
    expect(new Set(ids.map((id) => id.split('-')[1])).size).toBe(3)
  })

  test('sealed batches are listed oldest first, as many as asked for', async () => {
    const stream = streamOf({ bytes: 1 })
    const { store } = await openWith(make, stream)
    const frames = Array.from({ length: 12 }, (_, index) => frameOf([`record ${index}`]))
    await expectAppended(store, stream, frames, appendIds()())
    const three = await store.buffer.sealed(stream, 3)
    expect(await Promise.all(three.map((batch) => readTexts(store, batch)))).toEqual([
      ['record 0'],
      ['record 1'],
      ['record 2'],
    ])
    expect(await store.buffer.sealed(stream, 100)).toHaveLength(12)
    expect(three[0]).toMatchObject({ stream: { name: stream.name, incarnation: stream.incarnation } })
  })

  test('a smaller size acts on the batch that is already open', async () => {
    const stream = streamOf({ bytes: 1000 })
    const { store } = await openWith(make, stream)
    const nextId = appendIds()
    await expectAppended(store, stream, [noiseFrame(50)], nextId())
    const smaller = { ...stream, version: 2, hints: { ...stream.hints, bytes: 60 } }
    expect(await store.registry.replace(smaller)).toBe('replaced')
    expect(await expectAppended(store, stream, [noiseFrame(10)], nextId())).toMatchObject({ sealed: 1 })
  })
}

function intervalSuite(make: MakeStore): void {
  test('an open batch waits for its interval, counted from its first record', async () => {
    const stream = streamOf({ intervalMs: 60_000 })
    const { store, clock } = await openWith(make, stream)
    const nextId = appendIds()
    expect(await store.buffer.sealDue(stream)).toEqual({ kind: 'empty' })
    await expectAppended(store, stream, [frameOf(['a'])], nextId())
    await clock.advance(59_000)
    await expectAppended(store, stream, [frameOf(['b'])], nextId())
    const waiting = await store.buffer.sealDue(stream)
    if (waiting.kind !== 'waiting') throw new Error(waiting.kind)
    expect(waiting.dueInMs).toBeGreaterThan(0)
    expect(waiting.dueInMs).toBeLessThanOrEqual(1000)
    await clock.advance(1000)
    const sealed = await store.buffer.sealDue(stream)
    if (sealed.kind !== 'sealed') throw new Error(sealed.kind)
    const batch = await describeBatch(store, sealed.batch)
    expect(batch).toMatchObject({ trigger: 'interval', records: 2, attempts: 0, deaths: 0 })
    expect(batch.sealedAtMs - batch.openedAtMs).toBeGreaterThanOrEqual(60_000)
    expect(await store.buffer.sealDue(stream)).toEqual({ kind: 'empty' })
    expect(await expectBalanced(store, stream)).toMatchObject({ pending: 2, sealedBatches: 1 })
  })

  test('of many sealers exactly one wins', async () => {
    const stream = streamOf({ intervalMs: 5000 })
    const { store, clock } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a'])], appendIds()())
    await clock.advance(5000)
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.buffer.sealDue(stream)))
    expect(answers.filter((answer) => answer.kind === 'sealed')).toHaveLength(1)
    expect(answers.filter((answer) => answer.kind === 'empty')).toHaveLength(19)
    expect(await store.buffer.sealed(stream, 10)).toHaveLength(1)
  })

  test('appends and seals at the same time lose nothing and seal nothing twice', async () => {
    const stream = streamOf({ intervalMs: 0, bytes: 40 })
    const { store, clock } = await openWith(make, stream)
    const nextId = appendIds()
    const work: Promise<unknown>[] = []
    for (let turn = 0; turn < 30; turn += 1) {
      work.push(
        store.buffer.append(stream, [frameOf([`record ${turn}`])], nextId()),
        store.buffer.sealDue(stream),
      )
    }
    await Promise.all(work)
    await clock.advance(1000)
    await store.buffer.sealDue(stream)
    const texts: string[] = []
    for (const batch of await store.buffer.sealed(stream, 100)) texts.push(...(await readTexts(store, batch)))
    expect(texts.toSorted()).toEqual(Array.from({ length: 30 }, (_, turn) => `record ${turn}`).toSorted())
    expect(await expectBalanced(store, stream)).toMatchObject({ accepted: 30, pending: 30 })
  })

  test('nothing is sealed in an unknown stream or another incarnation', async () => {
    const stream = streamOf({ intervalMs: 5000 })
    const { store, clock } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a'])], appendIds()())
    await clock.advance(5000)
    expect(await store.buffer.sealDue({ name: stream.name, incarnation: '00000000000000ff' })).toEqual({
      kind: 'empty',
    })
    expect(await store.buffer.sealDue({ ...stream, name: 'unknown' })).toEqual({ kind: 'empty' })
    expect(await store.buffer.sealed({ ...stream, incarnation: '00000000000000ff' }, 5)).toEqual([])
    expect((await store.buffer.sealDue(stream)).kind).toBe('sealed')
  })

  test('streams with a due batch are hinted at, others are not', async () => {
    const soon = streamOf({ name: 'soon', intervalMs: 5000 })
    const later = streamOf({ name: 'later', incarnation: '00000000000000b2', intervalMs: 60_000 })
    const { store, clock } = await openWith(make, soon)
    await store.registry.create(later)
    const nextId = appendIds()
    expect(await store.buffer.due()).toEqual([])
    await expectAppended(store, soon, [frameOf(['a'])], nextId())
    await expectAppended(store, later, [frameOf(['b'])], nextId())
    expect(await store.buffer.due()).toEqual([])
    await clock.advance(5000)
    expect(await store.buffer.due()).toEqual([{ name: 'soon', incarnation: soon.incarnation }])
    expect((await store.buffer.sealDue(soon)).kind).toBe('sealed')
    expect(await store.buffer.due()).toEqual([])
  })

  test('totals name the age of the oldest pending batch', async () => {
    const stream = streamOf({ intervalMs: 5000 })
    const { store, clock } = await openWith(make, stream)
    const age = async (): Promise<number | undefined> =>
      (await expectBalanced(store, stream)).oldestPendingAgeMs
    expect(await age()).toBeUndefined()
    const nextId = appendIds()
    await expectAppended(store, stream, [frameOf(['a'])], nextId())
    await clock.advance(5000)
    const sealed = await store.buffer.sealDue(stream)
    if (sealed.kind !== 'sealed') throw new Error(sealed.kind)
    await clock.advance(2000)
    await expectAppended(store, stream, [frameOf(['b'])], nextId())
    await clock.advance(1000)
    expect(await age()).toBeGreaterThanOrEqual(8000)
    expect(await age()).toBeLessThan(9000)
    await deliver(store, sealed.batch)
    expect(await age()).toBeGreaterThanOrEqual(1000)
    expect(await age()).toBeLessThan(2000)
    await clock.advance(5000)
    const second = await store.buffer.sealDue(stream)
    if (second.kind !== 'sealed') throw new Error(second.kind)
    await deliver(store, second.batch)
    expect(await age()).toBeUndefined()
  })
}

function intervalZeroSuite(make: MakeStore): void {
  test('interval 0: sealed at once while nothing of the stream is sealed', async () => {
    const stream = streamOf({ intervalMs: 0 })
    const { store } = await openWith(make, stream)
    await expectAppended(store, stream, [frameOf(['a'])], appendIds()())
    expect(await store.buffer.due()).toHaveLength(1)
    expect((await store.buffer.sealDue(stream)).kind).toBe('sealed')
  })

  test('interval 0: while a batch is sealed the next one waits for it, at the latest one second', async () => {
    const stream = streamOf({ intervalMs: 0 })
    const { store, clock } = await openWith(make, stream)
    const nextId = appendIds()
    await expectAppended(store, stream, [frameOf(['a'])], nextId())
    const first = await store.buffer.sealDue(stream)
    if (first.kind !== 'sealed') throw new Error(first.kind)
    await expectAppended(store, stream, [frameOf(['b'])], nextId())
    const waiting = await store.buffer.sealDue(stream)
    if (waiting.kind !== 'waiting') throw new Error(waiting.kind)
    expect(waiting.dueInMs).toBeLessThanOrEqual(1000)
    await clock.advance(1000)
    expect((await store.buffer.sealDue(stream)).kind).toBe('sealed')
    for (const batch of await store.buffer.sealed(stream, 10)) await deliver(store, batch)
    await expectAppended(store, stream, [frameOf(['c'])], nextId())
    expect((await store.buffer.sealDue(stream)).kind).toBe('sealed')
  })

  test('interval 0: a quarantined batch holds nothing up', async () => {
    const stream = streamOf({ intervalMs: 0 })
    const { store } = await openWith(make, stream)
    const nextId = appendIds()
    await expectAppended(store, stream, [frameOf(['a'])], nextId())
    const first = await store.buffer.sealDue(stream)
    if (first.kind !== 'sealed') throw new Error(first.kind)
    await store.buffer.quarantine(first.batch, 'it killed two processes')
    await expectAppended(store, stream, [frameOf(['b'])], nextId())
    expect((await store.buffer.sealDue(stream)).kind).toBe('sealed')
  })

  test('nothing is due in a store without streams', async () => {
    const { store } = await openStore(make)
    expect(await store.buffer.due()).toEqual([])
    await store.check()
    expect(store.promise).not.toBe('')
  })
}

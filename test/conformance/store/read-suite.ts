/** Read: exact bytes, bounded memory, damage found. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { FrameError } from '../../../src/domain/errors.ts'
import type { Frame } from '../../../src/domain/frame.ts'
import { MIB } from '../../../src/domain/limits.ts'
import type { Store } from '../../../src/domain/ports.ts'
import type { BatchRef } from '../../../src/domain/batch.ts'
import {
  appendIds,
  deliver,
  describeBatch,
  expectAppended,
  frameOf,
  noiseFrame,
  openWith,
  readRecords,
  readTexts,
  sealedBatch,
  streamOf,
  type MakeStore,
} from './fixture.ts'

// Memory can only be judged when what is no longer used is gone.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

export function readSuite(make: MakeStore): void {
  bytesSuite(make)
  damageSuite(make)
}

function bytesSuite(make: MakeStore): void {
  test('records keep their exact bytes: empty, newlines, NUL, no UTF-8, compressible', async () => {
    const records = [
      Buffer.alloc(0),
      Buffer.from('\n'),
      Buffer.from('a\r\nb\0\u0001'),
      Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      Buffer.from('{"order_id":"✓"}'),
      Buffer.from('abc'.repeat(20_000)),
      Buffer.alloc(0),
    ]
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const batch = await sealedBatch(opened, stream, [
      frameOf(records),
      frameOf([Buffer.alloc(0)]),
      frameOf(records),
    ])
    expect(await readRecords(opened.store, batch)).toEqual([...records, Buffer.alloc(0), ...records])
    expect(batch.records).toBe(15)
  })

  test('flags and arrivals of frames are kept', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const batch = await sealedBatch(opened, stream, [frameOf(['clean'], 1000), frameOf(['a\nb'], 2000)])
    const seen: unknown[] = []
    for await (const frame of opened.store.buffer.read(batch, new AbortController().signal)) {
      seen.push([frame.arrivalMs, frame.isOdd, frame.records])
    }
    expect(seen).toEqual([
      [1000, false, 1],
      [2000, true, 1],
    ])
  })

  test('a batch can be read again, and by several readers at once', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const frames = Array.from({ length: 70 }, (_, index) => frameOf([`record ${index}`]))
    const batch = await sealedBatch(opened, stream, frames)
    const [first, second] = await Promise.all([
      readTexts(opened.store, batch),
      readTexts(opened.store, batch),
    ])
    expect(first).toEqual(Array.from({ length: 70 }, (_, index) => `record ${index}`))
    expect(second).toEqual(first)
  })

  test('a large batch is read with bounded memory, and what was read stays as it was', async () => {
    const stream = streamOf({ bytes: 32 * MIB })
    const { store } = await openWith(make, stream, { maxBytes: 128 * MIB, perStreamShare: 1 })
    const nextId = appendIds()
    for (let turn = 0; turn < 16; turn += 1) {
      await expectAppended(store, stream, [noiseFrame(MIB, turn + 1), noiseFrame(MIB, turn + 101)], nextId())
    }
    const [batch] = await store.buffer.sealed(stream, 1)
    if (batch === undefined) throw new Error('nothing was sealed')
    const before = process.memoryUsage().arrayBuffers
    let peak = 0
    let bytes = 0
    let first: Frame | undefined
    for await (const frame of store.buffer.read(batch, new AbortController().signal)) {
      first ??= frame
      bytes += frame.recordBytes
      collectGarbage()
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
    expect(bytes).toBe(32 * MIB)
    expect(peak).toBeLessThan(20 * MIB)
    expect(first?.buffer.equals(noiseFrame(MIB, 1).buffer)).toBe(false)
    expect(first?.payload.equals(noiseFrame(MIB, 1).payload)).toBe(true)
  })

  test('a reader that leaves early, or whose signal aborts, ends', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const frames = Array.from({ length: 50 }, (_, index) => noiseFrame(1000, index + 1))
    const batch = await sealedBatch(opened, stream, frames)
    let seen = 0
    for await (const frame of opened.store.buffer.read(batch, new AbortController().signal)) {
      seen += frame.records
      if (seen === 3) break
    }
    expect(seen).toBe(3)
    const abort = new AbortController()
    const aborted = (async () => {
      for await (const frame of opened.store.buffer.read(batch, abort.signal)) {
        expect(frame.records).toBe(1)
        abort.abort(new Error('deadline'))
      }
    })()
    await expect(aborted).rejects.toThrow()
    await deliver(opened.store, batch)
  })
}

function damageSuite(make: MakeStore): void {
  test('a batch that is gone cannot be read: it is an error, not an empty batch', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const batch = await sealedBatch(opened, stream, [frameOf(['a'])])
    await deliver(opened.store, batch)
    await expect(readTexts(opened.store, batch)).rejects.toThrow(batch.batchId)
  })

  test('a damaged frame is an error that leaves the batch where it is', async (context) => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const batch = await sealedBatch(opened, stream, [frameOf(['one', 'two']), frameOf(['three'])])
    if (opened.under.rewriteFirstFrame === undefined)
      return context.skip('stored frames cannot be reached from outside')
    await opened.under.rewriteFirstFrame(batch, (stored) => {
      const damaged = Buffer.from(stored)
      damaged.writeUInt8(damaged.readUInt8(damaged.length - 2) ^ 1, damaged.length - 2)
      return damaged
    })
    const error = await readingError(opened.store, batch)
    expect(error).toBeInstanceOf(FrameError)
    expect(error).toMatchObject({ newer: false })
    expect(await describeBatch(opened.store, batch)).toMatchObject({ state: 'sealed', records: 3 })
    return undefined
  })

  test('a frame written by a newer version is left alone and says so', async () => {
    const stream = streamOf()
    const opened = await openWith(make, stream)
    const newer = frameOf(['from the future'])
    newer.buffer[4] = 3
    const batch = await sealedBatch(opened, stream, [newer])
    const error = await readingError(opened.store, batch)
    expect(error).toBeInstanceOf(FrameError)
    expect(error).toMatchObject({ newer: true })
  })
}

async function readingError(store: Store, batch: BatchRef): Promise<unknown> {
  try {
    await readRecords(store, batch)
  } catch (error) {
    return error
  }
  throw new Error(`read ${batch.batchId}: no error`)
}

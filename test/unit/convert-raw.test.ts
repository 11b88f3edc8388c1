/** Delivery without conversion: the records' bytes, nothing more. What others read of it: test/conformance/encoder/raw.test.ts. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Compression } from '../../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import type { EncodeInput } from '../../src/domain/ports.ts'
import { MetadataBuilder } from '../../src/domain/metadata-builder.ts'
import { openRawEncoder, type RawEncoder } from '../../src/convert/raw.ts'
import { StagingFile, stagingError } from '../../src/convert/staging.ts'
import { bytesOf, compressions, namings, rawInputOf } from '../conformance/encoder/compression.ts'
import type { FrameSource } from '../conformance/encoder/encoding.ts'
import { sourceOf } from '../conformance/encoder/metadata-sources.ts'

let stagingPath = ''
let encoder: RawEncoder

beforeEach(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-raw-'))
  encoder = await openRawEncoder({ stagingPath })
})

afterEach(async () => {
  await encoder.close()
  const left = await readdir(stagingPath)
  await rm(stagingPath, { recursive: true })
  expect(left).toEqual([])
})

function input(
  records: readonly (string | Buffer)[],
  compression: Compression,
  signal?: AbortSignal,
  sources: readonly (FrameSource | undefined)[] = [],
): EncodeInput {
  const batch = { records, recordsPerFrame: 3, sources, ...(signal === undefined ? {} : { signal }) }
  return rawInputOf(batch, compression)
}

const odd = ['{"a":1}', '', 'two\nlines\r\n', Buffer.from([0, 1, 0xff, 0xfe]), '\ufeff', 'end']
const oddBytes = Buffer.concat(odd.map((record) => Buffer.from(record)))

test('records of any bytes are joined with nothing between them', async () => {
  const encoded = await encoder.encode(input(odd, 'UNCOMPRESSED'))
  expect((await bytesOf(encoded)).equals(oddBytes)).toBe(true)
  expect(encoded).toMatchObject({ rows: 6, dropped: 0, errors: {} })
  expect(encoded.objects[0]).toMatchObject({ part: 0, rows: 6, extension: '' })
  expect(encoded.objects[0]).not.toHaveProperty('contentEncoding')
  for await (const failure of encoded.failures()) expect(failure).toBe('never')
  await encoded.dispose()
})

test('GZIP makes one gzip stream, named and encoded as such, with the same bytes each time', async () => {
  const encoded = await encoder.encode(input(odd, 'GZIP'))
  const bytes = await bytesOf(encoded)
  expect(gunzipSync(bytes).equals(oddBytes)).toBe(true)
  expect(encoded.objects[0]).toMatchObject({ rows: 6, extension: '.gz', contentEncoding: 'gzip' })
  // No time, and no operating system.
  expect([...bytes.subarray(4, 8), bytes[9]]).toEqual([0, 0, 0, 0, 255])
  expect((await bytesOf(await encoder.encode(input(odd, 'GZIP')))).equals(bytes)).toBe(true)
  await encoded.dispose()
})

test.each(compressions)('where records came from is no part of the object, %s', async (compression) => {
  const plain = await encoder.encode(input(odd, compression))
  for (const sources of [[sourceOf(0, 3)], [undefined, sourceOf(1, 3)]]) {
    const encoded = await encoder.encode(input(odd, compression, undefined, sources))
    expect((await bytesOf(encoded)).equals(await bytesOf(plain))).toBe(true)
    expect(encoded).toMatchObject({ rows: 6, dropped: 0, errors: {} })
    await encoded.dispose()
  }
  await plain.dispose()
})

test('frames with no records, or no frame, make no object', async () => {
  for (const compression of compressions) {
    const section = new MetadataBuilder('shardId-000000000000').finish()
    for (const frames of [
      [],
      [new FrameBuilder(0, 0).finish(0), new FrameBuilder(0, 0, section).finish(0)],
    ]) {
      const encoded = await encoder.encode({
        ...input([], compression),
        frames: async function* () {
          await Promise.resolve()
          yield* frames
        },
      })
      expect(encoded).toMatchObject({ objects: [], rows: 0, dropped: 0, errors: {} })
      await encoded.dispose()
    }
  }
})

test.each(compressions)('a large object is %s in a file, which dispose removes', async (compression) => {
  const records = Array.from({ length: 60 }, () => randomBytes(100_000))
  const encoded = await encoder.encode(input(records, compression))
  expect(encoded.objects[0]?.body.path).toBeDefined()
  expect(encoded.objects[0]).toMatchObject({ rows: 60, ...namings[compression] })
  const bytes = await bytesOf(encoded)
  expect(bytes.length).toBeGreaterThanOrEqual(6_000_000)
  if (compression === 'UNCOMPRESSED') expect(bytes.equals(Buffer.concat(records))).toBe(true)
  await encoded.dispose()
  expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
})

test('records of no bytes make no object and are dropped', async () => {
  for (const compression of compressions) {
    const encoded = await encoder.encode(input(['', '', '', ''], compression))
    expect(encoded).toMatchObject({ objects: [], rows: 0, dropped: 4 })
    await encoded.dispose()
  }
})

test.each(compressions)('an abort rejects, %s, and leaves nothing', async (compression) => {
  const records = Array.from({ length: 60 }, () => randomBytes(100_000))
  const abort = new AbortController()
  const whole = input(records, compression, abort.signal)
  const frames = async function* (): AsyncGenerator<Frame> {
    let count = 0
    for await (const frame of whole.frames()) {
      if ((count += 1) === 15) abort.abort(new Error('stopped'))
      yield frame
    }
  }
  await expect(encoder.encode({ ...whole, frames })).rejects.toThrow('stopped')
  expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
})

test.each(compressions)('an abort and a full disk leave nothing of many objects, %s', async (compression) => {
  const records = Array.from({ length: 60 }, () => randomBytes(100_000))
  const objectOf = Uint32Array.from(records, (_, n) => n % 20)
  for (const at of [5, 20]) {
    const abort = new AbortController()
    const whole = input(records, compression, abort.signal)
    const frames = async function* (): AsyncGenerator<Frame> {
      let count = 0
      for await (const frame of whole.frames()) {
        yield frame
        if ((count += 1) === at) abort.abort(new Error('stopped'))
      }
    }
    await expect(encoder.encode({ ...whole, frames, objectOf })).rejects.toThrow('stopped')
    expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
  }
  const full = stagingError('write', new Error('ENOSPC: no space left on device, write'))
  const flush = vi.spyOn(StagingFile.prototype, 'flush').mockRejectedValue(full)
  await expect(encoder.encode({ ...input(records, compression), objectOf })).rejects.toMatchObject({
    name: 'EncoderError',
    code: 'DiskFull',
  })
  flush.mockRestore()
  expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
})

test.each(compressions)(
  'a failure to read the batch rejects as it is, %s, and leaves nothing',
  async (compression) => {
    const whole = input(
      Array.from({ length: 60 }, () => randomBytes(100_000)),
      compression,
    )
    const frames = async function* (): AsyncGenerator<Frame> {
      let count = 0
      for await (const frame of whole.frames()) {
        if ((count += 1) === 15) throw new Error('the store is gone')
        yield frame
      }
    }
    await expect(encoder.encode({ ...whole, frames })).rejects.toThrow('the store is gone')
    expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
  },
)

test.each(compressions)(
  'a staging folder that cannot be written rejects with what to do, %s',
  async (compression) => {
    const records = Array.from({ length: 60 }, () => randomBytes(100_000))
    const [folder = ''] = await readdir(stagingPath)
    await rm(join(stagingPath, folder), { recursive: true })
    await writeFile(join(stagingPath, folder), 'not a folder')
    await expect(encoder.encode(input(records, compression))).rejects.toMatchObject({
      name: 'EncoderError',
      code: 'Staging',
      hint: 'see that convert.stagingPath can be written by this process',
    })
  },
)

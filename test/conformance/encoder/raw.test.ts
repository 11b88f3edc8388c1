/**
 * What the raw encoder owes the Encoder port in each format of compression: the records' bytes and nothing else, readable
 * by others, named as Firehose names them, and the same bytes each time.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Compression } from '../../../src/domain/delivery-stream.ts'
import { openRawEncoder, type RawEncoder } from '../../../src/convert/raw.ts'
import type { Encoded, EncodedObject } from '../../../src/domain/ports.ts'
import { ForeignDecoders, type Decoded } from '../../support/foreign-decoders.ts'
import { forgetFrames } from './forgotten-frames.ts'
import { bytesOf, compressions, namings, rawInputOf, type RawBatch } from './compression.ts'

const KIB = 1024
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let stagingPath = ''
let encoder: RawEncoder
let decoders: ForeignDecoders

beforeAll(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-raw-'))
  encoder = await openRawEncoder({ stagingPath })
  decoders = new ForeignDecoders()
})

afterAll(async () => {
  await decoders.close()
  await encoder.close()
  const left = await readdir(stagingPath)
  await rm(stagingPath, { recursive: true })
  expect(left).toEqual([])
})

async function objectOf(batch: RawBatch, compression: Compression): Promise<Buffer> {
  const encoded = await encoder.encode(rawInputOf(batch, compression))
  try {
    expect(encoded.objects[0]).toMatchObject({ part: 0, rows: batch.records.length, ...namings[compression] })
    return await bytesOf(encoded)
  } finally {
    await encoded.dispose()
  }
}

/** Encodes the records, has another read the object, and finds their bytes in it. */
async function readBack(batch: RawBatch, compression: Compression): Promise<Decoded> {
  const decoded = await decoders.decode(compression, await objectOf(batch, compression))
  const expected = Buffer.concat(batch.records.map((record) => Buffer.from(record)))
  expect(decoded.bytes.length).toBe(expected.length)
  expect(decoded.bytes.equals(expected)).toBe(true)
  return decoded
}

/** Bytes that no codec makes smaller, the same in each run. */
function incompressible(length: number): Buffer {
  const pieces: Buffer[] = []
  for (let index = 0; index * 64 < length; index += 1)
    pieces.push(createHash('sha512').update(String(index)).digest())
  return Buffer.concat(pieces).subarray(0, length)
}

/** Lines of JSON, as producers send them. */
function compressible(length: number): Buffer {
  const lines: string[] = []
  for (let bytes = 0, index = 0; bytes < length; index += 1) {
    const line = `{"order_id":"order-${index}","amount":${(index * 7919) % 10_007},"country":"DE"}\n`
    lines.push(line)
    bytes += line.length
  }
  return Buffer.from(lines.join('')).subarray(0, length)
}

// Blocks are 32 KiB (Snappy) and 64 KiB (HADOOP_SNAPPY), eight at a time; Hadoop's own buffer has 256 KiB.
const boundaries = [32 * KIB, 64 * KIB, 256 * KIB, 512 * KIB].flatMap((size) => [size - 1, size, size + 1])

describe.each(compressions)('%s', (compression) => {
  test('records of any bytes are joined with nothing between them', async () => {
    const odd = ['{"a":1}', '', 'two\nlines\r\n', Buffer.from([0, 1, 0xff, 0xfe]), '\ufeff', '', 'end']
    await readBack({ records: odd, recordsPerFrame: 3 }, compression)
    await readBack({ records: ['x'] }, compression)
    await readBack({ records: ['', '', 'y', ''] }, compression)
  })

  test.each([1, ...boundaries])('%i bytes, compressible or not', async (length) => {
    await readBack({ records: [compressible(length)] }, compression)
    await readBack({ records: [incompressible(length)] }, compression)
    const [whole, rest] = [incompressible(length), compressible(2 * KIB)]
    await readBack({ records: [whole, Buffer.alloc(0), rest], recordsPerFrame: 1 }, compression)
  })

  test('the largest record', async () => {
    await readBack({ records: [incompressible(1000 * KIB)] }, compression)
    await readBack({ records: ['', Buffer.alloc(1000 * KIB), ''] }, compression)
  })

  test('any records in any frames are read back, and frames leave no mark', async () => {
    const record = fc.oneof(
      { weight: 6, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)) },
      { weight: 2, arbitrary: fc.constantFrom(Buffer.alloc(0)) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 150 * KIB }).map(compressible) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 150 * KIB }).map(incompressible) },
    )
    const property = fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 12 }),
      async (records, recordsPerFrame) => {
        fc.pre(records.some(({ length }) => length > 0))
        await readBack({ records, recordsPerFrame }, compression)
        const once = await objectOf({ records, recordsPerFrame }, compression)
        expect((await objectOf({ records }, compression)).equals(once)).toBe(true)
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  test('the same batch makes the same bytes, whoever encodes it and when', async () => {
    const records = [compressible(100 * KIB), incompressible(100 * KIB)]
    const first = await objectOf({ records }, compression)
    const path = await mkdtemp(join(tmpdir(), 'hydrant-raw-other-'))
    const other = await openRawEncoder({ stagingPath: path })
    vi.useFakeTimers({ now: Date.UTC(2031, 5, 1), toFake: ['Date'] })
    try {
      const encoded = await other.encode(rawInputOf({ records }, compression))
      expect((await bytesOf(encoded)).equals(first)).toBe(true)
      await encoded.dispose()
    } finally {
      vi.useRealTimers()
      await other.close()
      await rm(path, { recursive: true })
    }
  })
})

describe.each(compressions)('%s, many objects', (compression) => {
  forgetFrames()

  const encodeObjects = async (batch: RawBatch, objects: readonly number[]): Promise<Encoded> =>
    encoder.encode({ ...rawInputOf(batch, compression), objectOf: Uint32Array.from(objects) })

  const decodedOf = async ({ body }: EncodedObject): Promise<Decoded> =>
    decoders.decode(compression, Buffer.from(body.bytes ?? (await readFile(body.path))))

  test('any records in any objects: each has the bytes of its records', async () => {
    const record = fc.oneof(
      { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
      { weight: 4, arbitrary: fc.constant(Buffer.alloc(0)) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 * KIB }).map(incompressible) },
    )
    const placed = fc.tuple(record, fc.oneof(fc.nat(3), fc.constant(90_000)))
    const property = fc.asyncProperty(
      fc.array(placed, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 9 }),
      async (all, recordsPerFrame) => {
        const encoded = await encodeObjects(
          { records: all.map(([bytes]) => bytes), recordsPerFrame },
          all.map(([, object]) => object),
        )
        const expected = [0, 1, 2, 3, 90_000].flatMap((object) => {
          const records = all.flatMap(([bytes, of]) => (of === object ? [bytes] : []))
          const bytes = Buffer.concat(records)
          return bytes.length === 0 ? [] : [{ part: object, rows: records.length, bytes }]
        })
        expect(encoded.objects.map(({ part, rows }) => [part, rows])).toEqual(
          expected.map(({ part, rows }) => [part, rows]),
        )
        for (const [index, object] of encoded.objects.entries()) {
          expect(object).toMatchObject(namings[compression])
          const { bytes } = await decodedOf(object)
          expect(bytes.equals(expected[index]?.bytes ?? Buffer.alloc(0))).toBe(true)
        }
        expect(encoded.rows + encoded.dropped).toBe(all.length)
        await encoded.dispose()
      },
    )
    await fc.assert(property, { numRuns: 20 })
  })

  test('what many objects take in memory is bounded, however small each is', async () => {
    const records = Array.from({ length: 300 }, () => incompressible(10 * KIB))
    const encoded = await encodeObjects({ records }, records.map((_, n) => n)) // prettier-ignore
    const bytes = encoded.objects.map(({ body }) => body.bytes?.length ?? 0)
    expect(bytes.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(1024 * KIB)
    expect(encoded.objects.length).toBe(300)
    const last = encoded.objects.at(-1)
    expect(last?.body.path).toBeDefined()
    if (last !== undefined) expect((await decodedOf(last)).bytes.equals(incompressible(10 * KIB))).toBe(true)
    await encoded.dispose()
    expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
  })
})

test('ZIP: the files of a batch’s objects have names of their own, the same each time', async () => {
  const input = { ...rawInputOf({ records: ['a', 'b', 'c'] }, 'ZIP'), objectOf: Uint32Array.of(2, 0, 2) }
  const names: (string | undefined)[] = []
  for (let run = 0; run < 2; run += 1) {
    const encoded = await encoder.encode(input)
    for (const { body } of encoded.objects)
      names.push((await decoders.decode('ZIP', Buffer.from(body.bytes ?? ''))).entry?.name)
    await encoded.dispose()
  }
  expect(new Set(names).size).toBe(2)
  expect(names.slice(0, 2)).toEqual(names.slice(2))
  for (const name of names) expect(name).toMatch(UUID)
})

test('one batch is encoded in every format at the same time, as data and as backup', async () => {
  const records = Array.from({ length: 40 }, () => incompressible(100 * KIB))
  const expected = Buffer.concat(records)
  const all = [...compressions, ...compressions]
  const encodings = await Promise.all(
    all.map((compression) => encoder.encode(rawInputOf({ records, recordsPerFrame: 4 }, compression))),
  )
  const paths = encodings.map(({ objects }) => objects[0]?.body.path)
  expect(new Set(paths).size).toBe(all.length)
  for (const [index, encoded] of encodings.entries()) {
    const { bytes } = await decoders.decode(all[index] ?? 'UNCOMPRESSED', await bytesOf(encoded))
    expect(bytes.equals(expected)).toBe(true)
    await encoded.dispose()
  }
  expect((await readdir(stagingPath, { recursive: true })).length).toBe(1)
})

test('ZIP: one deflated file, named by a UUID of its batch, at the first time that the format has', async () => {
  const records = [compressible(3 * KIB)]
  const { entry } = await readBack({ records }, 'ZIP')
  expect(entry).toMatchObject({ time: [1980, 1, 1, 0, 0, 0], deflated: true, bytes: 3 * KIB, extra: 0 })
  expect(entry?.name).toMatch(UUID)
  const again = await readBack({ records: [...records, 'more'] }, 'ZIP')
  expect(again.entry?.name).toBe(entry?.name)
  const input = rawInputOf({ records }, 'ZIP')
  const next = await encoder.encode({ ...input, batch: { ...input.batch, batchId: '2-0123456789abcdef' } })
  const decoded = await decoders.decode('ZIP', await bytesOf(next))
  expect(decoded.entry?.name).toMatch(UUID)
  expect(decoded.entry?.name).not.toBe(entry?.name)
  await next.dispose()
})

test('ZIP: Info-ZIP takes it without a word', async ({ skip }) => {
  skip(spawnSync('unzip', ['-v']).status !== 0, 'unzip is not installed')
  const path = join(stagingPath, 'orders.zip')
  await writeFile(path, await objectOf({ records: [compressible(300 * KIB)] }, 'ZIP'))
  try {
    const { status, stdout, stderr } = spawnSync('unzip', ['-t', path], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('No errors detected')
  } finally {
    await rm(path)
  }
})

test('Snappy: the header of snappy-java, and blocks of 32 KiB', async () => {
  const object = await objectOf({ records: [incompressible(70 * KIB)] }, 'Snappy')
  expect(object.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
  const plain: number[] = []
  for (let at = 16; at < object.length; at += 4 + object.readUInt32BE(at)) plain.push(varint(object, at + 4))
  expect(plain).toEqual([32 * KIB, 32 * KIB, 6 * KIB])
})

test('HADOOP_SNAPPY: blocks of 64 KiB at most, each with its length before and after compression', async () => {
  const object = await objectOf({ records: [compressible(150 * KIB)] }, 'HADOOP_SNAPPY')
  const plain: number[] = []
  for (let at = 0; at < object.length; at += 8 + object.readUInt32BE(at + 4)) {
    plain.push(object.readUInt32BE(at))
    expect(varint(object, at + 8)).toBe(object.readUInt32BE(at))
  }
  expect(plain).toEqual([64 * KIB, 64 * KIB, 22 * KIB])
})

/** What raw Snappy begins with: the length of what it holds. */
function varint(bytes: Buffer, at: number): number {
  const byte = bytes.readUInt8(at)
  return byte < 0x80 ? byte : (byte & 0x7f) + 0x80 * varint(bytes, at + 1)
}

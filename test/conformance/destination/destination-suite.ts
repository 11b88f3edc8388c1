/** What every destination keeps: an object is whole and durable or not there, and putting it again is harmless (G2). */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DestinationError } from '../../../src/domain/errors.ts'
import type { Destination, ObjectToPut } from '../../../src/domain/ports.ts'

export interface DestinationUnderTest {
  readonly destination: Destination
  /** A bucket that is there. */
  readonly bucket: string
  /** Keys of this run begin so: a real store is shared and kept. */
  readonly keyPrefix: string
  /** The bytes under a key, by another way than the destination's own. */
  read(key: string): Promise<Buffer | undefined>
  /** Metadata is kept, so that another object under a key is recognized. */
  readonly keepsMetadata: boolean
  close(): Promise<void>
}

const MIB = 1024 * 1024

export function destinationSuite(name: string, make: () => Promise<DestinationUnderTest>): void {
  describe(`destination ${name}`, () => {
    let subject: DestinationUnderTest
    let staging: string
    const signal = new AbortController().signal

    beforeAll(async () => {
      staging = await mkdtemp(join(tmpdir(), 'hydrant-staging-'))
      subject = await make()
    })
    afterAll(async () => {
      await subject?.close()
      await rm(staging, { recursive: true, force: true })
    })

    const object = (key: string, body: string | Uint8Array, batch = '1-00'): ObjectToPut => ({
      bucket: subject.bucket,
      key: subject.keyPrefix + key,
      body: { bytes: Buffer.from(body) },
      contentType: 'application/octet-stream',
      metadata: { 'hydrant-batch': batch, 'hydrant-part': '0' },
    })
    const stored = async (key: string) => await subject.read(subject.keyPrefix + key)
    const staged = async (key: string, bytes: Buffer): Promise<ObjectToPut> => {
      const path = join(staging, 'object')
      await writeFile(path, bytes, { mode: 0o600 })
      return { ...object(key, ''), body: { path, length: bytes.length } }
    }

    test('stores bytes and answers their number', async () => {
      const bytes = Buffer.from([0, 1, 2, 0xff, 0x0a, 0x0d, 0])
      expect(await subject.destination.put(object('bytes', bytes), signal)).toBe(7)
      expect(await stored('bytes')).toEqual(bytes)
    })

    test('takes a view of a larger buffer as it is', async () => {
      const view = Buffer.from('xxinsidexx').subarray(2, 8)
      await subject.destination.put({ ...object('view', ''), body: { bytes: view } }, signal)
      expect(String(await stored('view'))).toBe('inside')
    })

    test('stores a staged file of several MiB', async () => {
      const bytes = Buffer.alloc(5 * MIB + 3, 'hydrant ')
      expect(await subject.destination.put(await staged('file', bytes), signal)).toBe(bytes.length)
      expect((await stored('file'))?.equals(bytes)).toBe(true)
    })

    test('stores an empty object', async () => {
      expect(await subject.destination.put(object('empty', ''), signal)).toBe(0)
      expect(await stored('empty')).toEqual(Buffer.alloc(0))
    })

    test('takes the objects of many partitions at once, below folders that are all new', async () => {
      const keys = Array.from({ length: 160 }, (_, index) => `many/c=${index % 20}/d=${index % 7}/${index}`)
      for (let start = 0; start < keys.length; start += 8) {
        const some = keys.slice(start, start + 8)
        await Promise.all(some.map((key) => subject.destination.put(object(key, key), signal)))
      }
      for (const key of keys) expect(String(await stored(key))).toBe(key)
    })

    test('G2: putting the same object again succeeds, one by one and at once', async () => {
      const same = object('again', 'same bytes')
      await subject.destination.put(same, signal)
      await subject.destination.put(same, signal)
      await Promise.all(Array.from({ length: 8 }, () => subject.destination.put(same, signal)))
      expect(String(await stored('again'))).toBe('same bytes')
    })

    test('objects put at once under different keys do not mix', async () => {
      const keys = Array.from({ length: 20 }, (_, index) => `many/${index % 4}/${index}`)
      await Promise.all(keys.map((key) => subject.destination.put(object(key, `body of ${key}`), signal)))
      for (const key of keys) expect(String(await stored(key))).toBe(`body of ${key}`)
    })

    test.each([
      'plain/year=2026/month=11/s-1-2026-11-02-09-15-00-uuid.parquet',
      'with space/and+plus/and%percent/and=equals/100%25',
      'ünïcode/日本語/🜁',
      'quote"\'/<&>/!*()~$@,;:',
      'dots/..hidden/.../x.y',
    ])('stores under the key %j', async (key) => {
      await subject.destination.put(object(key, key), signal)
      expect(String(await stored(key))).toBe(key)
    })

    test('any printable keys name different objects', async () => {
      const segment = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-composite' })
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(segment, { minLength: 2, maxLength: 3 }), async (names) => {
          const keys = names.map((text) => `any/x${text.replaceAll(/[\p{C}/]/gu, '-')}x`)
          for (const key of keys)
            await subject.destination.put(object(key, key, key.length.toString()), signal)
          for (const key of keys) expect(String(await stored(key))).toBe(key)
        }),
        { numRuns: 10 },
      )
    })

    test('reports a bucket that can be reached by answering nothing', async () => {
      await expect(subject.destination.check(subject.bucket, signal)).resolves.toBeUndefined()
    })

    test('says what to do about a bucket whose name cannot be', async () => {
      const failure = await failed(subject.destination.check('Not_A_Bucket', signal))
      expect(failure.hint).toMatch(/BucketARN/)
    })

    test('a put that was given up is a failure to retry', async () => {
      const aborted = AbortSignal.abort(new Error('deadline'))
      expect(await failed(subject.destination.put(object('aborted', 'x'), aborted))).toMatchObject({
        code: 'Aborted',
        retryable: true,
      })
      expect(await stored('aborted')).toBeUndefined()
    })

    test('a staged file that is not as long as promised is not stored', async () => {
      const short = await staged('short', Buffer.from('abc'))
      const wrong: ObjectToPut = { ...short, body: { path: String(short.body.path), length: 4 } }
      expect(await failed(subject.destination.put(wrong, signal))).toMatchObject({ retryable: true })
      expect(await stored('short')).toBeUndefined()
    })

    test('a staged file that is gone is a failure to retry', async () => {
      const gone = { ...object('gone', ''), body: { path: join(staging, 'nothing'), length: 4 } }
      expect(await failed(subject.destination.put(gone, signal))).toMatchObject({ retryable: true })
    })

    test('another object under the key is a collision, and stays', async (context) => {
      if (!subject.keepsMetadata) context.skip('it keeps no metadata to recognize an object by')
      await subject.destination.put(object('taken', 'first', '1-00'), signal)
      expect(await failed(subject.destination.put(object('taken', 'second', '2-00'), signal))).toMatchObject({
        code: 'Collision',
        retryable: false,
      })
      expect(String(await stored('taken'))).toBe('first')
    })
  })
}

/** The DestinationError that a promise must fail with. */
export async function failed(promise: Promise<unknown>): Promise<DestinationError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DestinationError)
  return error as DestinationError
}

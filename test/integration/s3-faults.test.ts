/** An object store that fails: nothing is lost, nothing is stored twice, nothing is called failed that may have worked. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { createS3Destination, type S3Options } from '../../src/deliver/s3.ts'
import { DestinationError } from '../../src/domain/errors.ts'
import type { ObjectBody, ObjectToPut } from '../../src/domain/ports.ts'
import { faults, startFakeS3, type FakeS3, type FakeS3Options, type Fault } from '../support/fake-s3.ts'

const signal = new AbortController().signal
let s3: FakeS3
let folder: string
let slept: number[]
let opened: { close(): void }[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-s3-'))
  slept = []
  opened = []
  s3 = await startFakeS3({ buckets: ['lake'] })
})
afterEach(async () => {
  for (const one of opened) one.close()
  await s3.close()
  await rm(folder, { recursive: true, force: true })
})

function destination(options: Partial<S3Options> = {}) {
  const made = createS3Destination({
    endpoint: s3.endpoint,
    accessKeyId: 'test',
    secretAccessKey: 'test',
    log: createLog('silent'),
    clock: { sleep: async (ms) => void slept.push(ms) },
    ...options,
  })
  opened.push(made)
  return made
}

function object(change: Partial<ObjectToPut> = {}): ObjectToPut {
  return {
    bucket: 'lake',
    key: 'orders/1.parquet',
    body: { bytes: Buffer.from('content') },
    contentType: 'application/octet-stream',
    metadata: { 'hydrant-batch': '1-00', 'Hydrant-Part': '0' },
    ...change,
  }
}

async function failure(promise: Promise<unknown>): Promise<DestinationError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DestinationError)
  return error as DestinationError
}

async function restart(options: FakeS3Options): Promise<void> {
  await s3.close()
  s3 = await startFakeS3({ buckets: ['lake'], ...options })
}

async function staged(bytes: Buffer): Promise<ObjectBody> {
  await writeFile(join(folder, 'staged'), bytes)
  return { path: join(folder, 'staged'), length: bytes.length }
}

const methods = () => s3.requests.map(({ method }) => method)
const content = (key = 'orders/1.parquet') => s3.object('lake', key)?.bytes?.toString()

describe('what passes is tried again within the put', () => {
  const passing: Record<string, Fault> = {
    'asked to slow down': faults.slowDown,
    'failed before it stored': faults.errorBeforeStore,
    'cut the connection before it stored': faults.lostBeforeStore,
    'had a conflict': faults.conflict,
    'found the clock skewed': faults.skewed,
    'stood behind a proxy that answers without XML': { at: 'before', does: { kind: 'answer', status: 502 } },
  }
  for (const [name, fault] of Object.entries(passing)) {
    for (const kind of ['bytes', 'staged file'] as const) {
      test(`a store that ${name}, with ${kind}`, async () => {
        const bytes = Buffer.alloc(1_500_000, 'x')
        s3.fail(fault)
        const body = kind === 'bytes' ? { bytes } : await staged(bytes)
        expect(await destination().put(object({ body }), signal)).toBe(bytes.length)
        expect(methods()).toEqual(['PUT', 'PUT'])
        expect(s3.object('lake', 'orders/1.parquet')?.bytes?.equals(bytes)).toBe(true)
        expect(slept).toHaveLength(1)
      })
    }
  }

  test('three times, then the delivery is asked to retry', async () => {
    s3.fail({ ...faults.slowDown, times: 3 })
    expect(await failure(destination().put(object(), signal))).toMatchObject({
      code: 'SlowDown',
      retryable: true,
    })
    expect(methods()).toEqual(['PUT', 'PUT', 'PUT'])
    expect(slept).toHaveLength(2)
  })
})

describe('G2: an object that was stored although the put failed is stored once', () => {
  for (const [name, fault] of [
    ['the answer was lost', faults.lostAfterStore],
    ['the answer was an error', faults.errorAfterStore],
  ] as const) {
    test(`when ${name}, the next try recognizes it`, async () => {
      s3.fail(fault)
      expect(await destination().put(object(), signal)).toBe(7)
      expect(methods()).toEqual(['PUT', 'PUT', 'HEAD'])
      expect(s3.object('lake', 'orders/1.parquet')?.puts).toBe(1)
    })
  }

  test('when no answer came in time: the next attempt recognizes it', async () => {
    s3.fail(faults.hangAfterStore)
    const impatient = destination({ timeouts: { connectionMs: 500, requestMs: 100, requestMsPerMib: 0 } })
    expect(await failure(impatient.put(object(), signal))).toMatchObject({ code: 'Timeout', retryable: true })
    expect(await impatient.put(object(), signal)).toBe(7)
    expect(s3.object('lake', 'orders/1.parquet')?.puts).toBe(1)
  })

  test('when another process put it', async () => {
    await destination().put(object(), signal)
    expect(await destination().put(object(), signal)).toBe(7)
    expect(s3.object('lake', 'orders/1.parquet')?.puts).toBe(1)
  })
})

describe('a key that is taken', () => {
  test('by another object is a collision: not retried, not overwritten', async () => {
    await destination().put(object(), signal)
    const other = object({
      metadata: { 'hydrant-batch': '2-00', 'hydrant-part': '0' },
      body: { bytes: Buffer.from('x') },
    })
    const collision = await failure(destination().put(other, signal))
    expect(collision).toMatchObject({ code: 'Collision', retryable: false })
    expect(collision.message).toBe('put s3://lake/orders/1.parquet: its key holds another object')
    expect(content()).toBe('content')
  })

  test('by an object without metadata is a collision', async () => {
    await destination().put(object({ metadata: {} }), signal)
    expect(await failure(destination().put(object(), signal))).toMatchObject({ code: 'Collision' })
    expect(await failure(destination().put(object({ metadata: {} }), signal))).toMatchObject({
      code: 'Collision',
    })
  })

  test('by an object with more metadata than ours is ours', async () => {
    await destination().put(object({ metadata: { ...object().metadata, gateway: 'x' } }), signal)
    expect(await destination().put(object(), signal)).toBe(7)
  })

  test('but may not be looked at is retried, and the hint names the permission', async () => {
    await destination().put(object(), signal)
    s3.fail({ ...faults.accessDenied, method: 'HEAD' })
    const denied = await failure(destination().put(object(), signal))
    expect(denied).toMatchObject({ code: 'AccessDenied', retryable: true })
    expect(denied.hint).toContain('s3:GetObject')
  })

  test('and free again at the second look is put again', async () => {
    await destination().put(object(), signal)
    s3.fail({ at: 'before', does: { kind: 'answer', status: 404, code: 'NoSuchKey' }, method: 'HEAD' })
    expect(await destination().put(object(), signal)).toBe(7)
    expect(methods().slice(1)).toEqual(['PUT', 'HEAD', 'PUT', 'HEAD'])
  })
})

describe('a store that does not know If-None-Match', () => {
  test('is remembered and served without', async () => {
    await restart({ noConditional: true })
    const plain = destination()
    expect(await plain.put(object(), signal)).toBe(7)
    expect(await plain.put(object({ key: 'orders/2.parquet' }), signal)).toBe(7)
    expect(s3.requests.map(({ headers }) => headers['if-none-match'])).toEqual(['*', undefined, undefined])
    expect(await plain.put(object(), signal)).toBe(7)
    expect(content()).toBe('content')
  })

  test('is not taken for one that only failed once with the same status', async () => {
    const steady = destination()
    s3.fail({ at: 'before', does: { kind: 'answer', status: 501, code: 'NotImplemented' }, times: 2 })
    expect(await failure(steady.put(object(), signal))).toMatchObject({
      code: 'NotImplemented',
      retryable: true,
    })
    await steady.put(object(), signal)
    expect(s3.requests.at(-1)?.headers['if-none-match']).toBe('*')
  })
})

describe('what does not pass by itself is left to the delivery, with a hint', () => {
  test('access denied', async () => {
    s3.fail(faults.accessDenied)
    const denied = await failure(destination().put(object(), signal))
    expect(denied).toMatchObject({ code: 'AccessDenied', retryable: true })
    expect(denied.hint).toContain('s3:PutObject')
    expect(denied.hint).toContain('arn:aws:s3:::lake/*')
    expect(methods()).toEqual(['PUT'])
  })

  test('no such bucket', async () => {
    const missing = await failure(destination().put(object({ bucket: 'nowhere' }), signal))
    expect(missing).toMatchObject({ code: 'NoSuchBucket', retryable: true })
    expect(missing.hint).toContain('create the bucket nowhere')
  })

  test('nobody listens', async () => {
    await s3.close()
    expect(await failure(destination().put(object(), signal))).toMatchObject({
      code: 'Unreachable',
      retryable: true,
    })
    s3 = await startFakeS3()
  })

  test('a bucket is checked with sentences', async () => {
    await expect(destination().check('lake', signal)).resolves.toBeUndefined()
    expect(await failure(destination().check('nowhere', signal))).toMatchObject({
      code: 'NoSuchBucket',
      message: 'reach bucket nowhere: no such bucket (NotFound)',
    })
    s3.fail({ ...faults.accessDenied, method: 'HEAD' })
    const denied = await failure(destination().check('lake', signal))
    expect(denied.hint).toContain('s3:ListBucket on arn:aws:s3:::lake')
  })
})

describe('time is bounded', () => {
  const impatient = { connectionMs: 200, requestMs: 100, requestMsPerMib: 0 }

  test('a store that never answers is a time-out, for puts and for checks, not tried again at once', async () => {
    s3.fail(faults.hang)
    s3.fail({ ...faults.hang, method: 'HEAD' })
    const hasty = destination({ timeouts: impatient })
    expect(await failure(hasty.put(object(), signal))).toMatchObject({ code: 'Timeout', retryable: true })
    expect(await failure(hasty.check('lake', signal))).toMatchObject({ code: 'Timeout', retryable: true })
  })

  test('a large body gets more time', async () => {
    s3.fail({ at: 'after', does: { kind: 'delay', ms: 300 } })
    const bytes = Buffer.alloc(2 * 1024 * 1024)
    const scaled = destination({ timeouts: { ...impatient, requestMsPerMib: 1_000 } })
    expect(await scaled.put(object({ body: { bytes } }), signal)).toBe(bytes.length)
    expect(methods()).toEqual(['PUT'])
  })

  test('giving up ends the request at once', async () => {
    s3.fail(faults.hang)
    const abort = new AbortController()
    const put = failure(destination().put(object(), abort.signal))
    await expect.poll(() => s3.requests.length).toBe(1)
    abort.abort(new Error('deadline'))
    expect(await put).toMatchObject({ code: 'Aborted', retryable: true })
    expect(methods()).toEqual(['PUT'])
  })
})

test('a staged file that is cut off while it is sent is not stored, and nobody waits for the rest', async () => {
  const body = await staged(Buffer.alloc(8 * 1024 * 1024, 'x'))
  const put = failure(destination().put(object({ body }), signal))
  await writeFile(join(folder, 'staged'), 'short')
  const cut = await put
  expect(cut.retryable).toBe(true)
  expect((cut.cause as Error).message).toMatch(/bytes where 8388608 were promised/)
  expect(s3.keys('lake')).toEqual([])
})

/** Folders as buckets: where objects are, what stands in their way, and that nothing is written outside of the root. */
import { execFileSync } from 'node:child_process'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { folderError, folderFailures } from '../../../src/deliver/folder-errors.ts'
import { keyOfNames } from '../../../src/deliver/folder-path.ts'
import { temporaryName } from '../../../src/deliver/folder-temporary.ts'
import { createFolderDestination } from '../../../src/deliver/folder.ts'
import type { Destination } from '../../../src/domain/ports.ts'
import { failed } from './destination-suite.ts'

const signal = new AbortController().signal
let parent: string
let root: string
let destination: Destination

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'hydrant-folder-'))
  root = join(parent, 'root')
  destination = createFolderDestination({ root })
})
afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

async function put(key: string, body = key, bucket = 'lake'): Promise<number> {
  const bytes = Buffer.from(body)
  return await destination.put({ bucket, key, body: { bytes }, contentType: '', metadata: {} }, signal)
}

/** Every file below the test's folder, as a path from there. */
async function files(): Promise<string[]> {
  const entries = await readdir(parent, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(parent, join(entry.parentPath, entry.name)))
    .toSorted()
}

describe('an object', () => {
  test('is the file that its key names, and nothing else is left', async () => {
    await put('orders/2026/1.parquet')
    expect(await files()).toEqual(['root/lake/orders/2026/1.parquet'])
  })

  test('lands as it is where its place has a key and a role: folders have neither', async () => {
    const place = { kmsKeyArn: 'arn:aws:kms:us-east-1:1:key/1', roleArn: 'arn:aws:iam::1:role/lake' }
    const body = { bytes: Buffer.from('content') }
    await destination.put(
      { bucket: 'lake', key: 'orders/1', body, contentType: '', metadata: {}, ...place },
      signal,
    )
    await destination.check('lake', signal, place.roleArn)
    expect(await files()).toEqual(['root/lake/orders/1'])
    expect(await readFile(join(root, 'lake/orders/1'), 'utf8')).toBe('content')
  })

  test('put again is replaced, not added', async () => {
    await put('a/b', 'once')
    await put('a/b', 'once')
    expect(await files()).toEqual(['root/lake/a/b'])
  })

  test('from a private staged file gets the mode of any new file', async () => {
    const path = join(parent, 'staged')
    await writeFile(path, 'x', { mode: 0o600 })
    const body = { path, length: 1 }
    await destination.put({ bucket: 'lake', key: 'copied', body, contentType: '', metadata: {} }, signal)
    await put('written')
    const mode = async (key: string) => (await lstat(join(root, 'lake', key))).mode
    expect(await mode('copied')).toBe(await mode('written'))
  })
})

describe('a key that is the folder of another', () => {
  test.each([
    [
      ['a', 'a/b', 'a/b/c', 'a', 'a/b'],
      ['a', 'a%p/b', 'a%p/b%p/c'],
    ],
    [
      ['a/b/c', 'a/b', 'a', 'a/b/c', 'a/b'],
      ['a%o', 'a/b%o', 'a/b/c'],
    ],
    [
      ['a//b', 'a/'],
      ['a/%%o', 'a/%/b'],
    ],
  ])('%j are %j', async (keys, paths) => {
    for (const key of keys) await put(key)
    expect(await files()).toEqual(paths.map((path) => `root/lake/${path}`).toSorted())
    for (const path of paths)
      expect(await readFile(join(root, 'lake', path), 'utf8')).toBe(keyOfNames(path.split('/')))
  })

  test('finds its place when both are put at once', async () => {
    const keys = ['a', 'a/b', 'a/b/c', 'a/b/c/d']
    for (let round = 0; round < 20; round += 1)
      await Promise.all(keys.map((key) => put(`${round}/${key}`, key)))
    const found = await files()
    expect(found).toHaveLength(80)
    for (const path of found) {
      const [, , round, ...names] = path.split(sep)
      expect(round).toMatch(/^\d+$/)
      expect(keyOfNames(names)).toBe(await readFile(join(parent, path), 'utf8'))
    }
  })
})

test('hostile keys stay below their bucket, each with its own content', async () => {
  const piece = fc.constantFrom(
    '/',
    '..',
    '.',
    '%',
    '\0',
    '\\',
    '~',
    'a',
    'é'.repeat(130),
    '%2E',
    '-rf',
    '$HOME',
  )
  const keys = fc.uniqueArray(
    fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    { minLength: 1, maxLength: 6 },
  )
  await fc.assert(
    fc.asyncProperty(keys, async (some) => {
      await rm(root, { recursive: true, force: true })
      destination = createFolderDestination({ root })
      for (const key of some) await put(key)
      const found = await files()
      expect(found).toHaveLength(some.length)
      for (const path of found) {
        const [first, bucket, ...names] = path.split(sep)
        expect([first, bucket]).toEqual(['root', 'lake'])
        expect(keyOfNames(names)).toBe(await readFile(join(parent, path), 'utf8'))
      }
    }),
    { numRuns: 60 },
  )
})

describe('nothing escapes the root', () => {
  test.each(['..', '.', '.tmp', 'a/b', '', 'UPPER', 'ab', 'a..b', '-abc', 'x'.repeat(64)])(
    'bucket %j is refused',
    async (bucket) => {
      expect(await failed(put('key', 'x', bucket))).toMatchObject({
        code: 'InvalidBucketName',
        retryable: true,
      })
      expect(await files()).toEqual([])
    },
  )

  test.each([
    ['the bucket', 'lake'],
    ['a folder of the key', 'lake/a'],
    ['the object', 'lake/a/b'],
  ])('a symbolic link in the place of %s is refused', async (_, path) => {
    await mkdir(join(parent, 'outside/a'), { recursive: true })
    await mkdir(join(root, path, '..'), { recursive: true })
    await symlink(join(parent, 'outside'), join(root, path))
    const refused = await failed(put('a/b'))
    expect(refused).toMatchObject({ code: 'InTheWay', retryable: true })
    expect(refused.hint).toContain(path)
    expect((await files()).filter((file) => file.startsWith('outside'))).toEqual([])
  })

  test('the root itself may be a symbolic link', async () => {
    await mkdir(join(parent, 'disk'))
    await symlink(join(parent, 'disk'), root)
    await put('a')
    expect(await files()).toEqual(['disk/lake/a', 'root'])
  })

  test('a file in the place of the bucket is refused', async () => {
    await mkdir(root)
    await writeFile(join(root, 'lake'), '')
    expect(await failed(put('a'))).toMatchObject({ code: 'InTheWay', retryable: true })
  })
})

describe('what a dead process was writing', () => {
  const temporary = (name: string) => join(root, '.tmp', name)
  const [host = '', pid = '', epoch = ''] = temporaryName().split('.')
  const deadPid = () => execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim()

  test('is removed at the start, and what others write is not', async () => {
    await mkdir(join(root, '.tmp'), { recursive: true })
    const names = {
      dead: `${host}.${deadPid()}.00000000.11`,
      earlierLife: `${host}.${pid}.00000000.22`,
      ours: `${host}.${pid}.${epoch}.33`,
      alive: `${host}.1.00000000.44`,
      foreign: `elsewhere-${host}.1.00000000.55`,
      foreignAndOld: `elsewhere-${host}.1.00000000.66`,
    }
    for (const name of Object.values(names)) await writeFile(temporary(name), '')
    await utimes(temporary(names.foreignAndOld), 0, 0)
    await destination.check('lake', signal)
    const left = await readdir(join(root, '.tmp'))
    expect(left.toSorted()).toEqual([names.alive, names.foreign, names.ours].toSorted())
  })

  test('is removed when a put fails', async () => {
    expect(await failed(put('key', 'x', '..'))).toMatchObject({ retryable: true })
    expect(await readdir(join(root, '.tmp'))).toEqual([])
  })
})

describe('a file system that refuses', () => {
  test.each(folderFailures.flatMap((row) => row.errors.map((error) => ({ error, code: row.code }))))(
    '$error is $code, retried, with a hint',
    ({ error, code }) => {
      const cause = Object.assign(new Error(error), { code: error })
      const failure = folderError(cause, 'put lake/a into /data', false)
      expect(failure).toMatchObject({ code, retryable: true, cause })
      expect(failure.hint).toMatch(/\w{3}/)
      expect(failure.message).toMatch(/^put lake\/a into \/data: [a-z]/)
    },
  )

  test('anything else is retried too', () => {
    expect(folderError(new TypeError('x'), 'put lake/a', false)).toMatchObject({
      code: 'Unknown',
      retryable: true,
    })
    expect(folderError('x', 'put lake/a', true)).toMatchObject({ code: 'Aborted', retryable: true })
  })

  test('a root that may not be written is access denied until it may', async (context) => {
    if (process.getuid?.() === 0) context.skip('this user may write everywhere')
    await mkdir(root)
    await chmod(root, 0o500)
    expect(await failed(put('a'))).toMatchObject({ code: 'AccessDenied', retryable: true })
    await chmod(root, 0o700)
    expect(await put('a')).toBe(1)
  })

  test('a root whose path is taken by a file is in the way until it is not', async () => {
    await writeFile(root, '')
    expect(await failed(put('a'))).toMatchObject({ code: 'InTheWay', retryable: true })
    await rm(root)
    expect(await put('a')).toBe(1)
  })
})

test('a bucket folder that was removed meanwhile is made again', async () => {
  await put('a/b')
  await rm(join(root, 'lake'), { recursive: true })
  await put('a/c')
  expect(await files()).toEqual(['root/lake/a/c'])
})

/** An encoder in a process of its own: the same outcome, and its death is an error of the parent's, not its death. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { isolatedEncoder } from '../../src/convert/isolated.ts'
import { openParquetjsEncoder } from '../../src/convert/parquetjs-encoder.ts'
import { openRawEncoder } from '../../src/convert/raw.ts'
import { RAW } from '../../src/domain/plan.ts'
import type { Encoder } from '../../src/domain/ports.ts'
import { columnsOf, inputOf, outcomeOf, readParquet, type Batch } from '../conformance/encoder/encoding.ts'
import { allMetadata, sourceOf } from '../conformance/encoder/metadata-sources.ts'
import { oddRecords } from '../conformance/encoder/odd-records.ts'

const log = createLog('silent')
const options = { threads: 1, memoryLimitBytes: 256 * 1024 * 1024, log }
const batch: Batch = {
  columns: [['a', 'string'], ['n', 'int']], // prettier-ignore
  records: [
    ...oddRecords.map(({ record }) => record),
    ...Array.from({ length: 2000 }, (_, n) => `{"n":${n}}`),
  ],
  metadataColumns: allMetadata,
  sources: [sourceOf(1, 500), undefined, sourceOf(2, 500)],
}

let stagingPath = ''

beforeEach(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-isolated-'))
})

afterEach(async () => {
  const left = await readdir(stagingPath)
  await rm(stagingPath, { recursive: true })
  expect(left).toEqual([])
})

test.each(['js', 'duckdb'] as const)(
  '%s gives the outcome of the same process and leaves nothing',
  async (engine) => {
    const here = await openParquetjsEncoder({ stagingPath, log })
    const expected = await outcomeOf(here, batch)
    await here.close()
    const { rows, failures } = await outcomeOf(isolatedEncoder({ ...options, engine, stagingPath }), batch)
    expect(rows).toEqual(expected.rows)
    expect(failures).toEqual(expected.failures)
  },
)

test.each(['js', 'duckdb'] as const)('%s makes the objects of the same process', async (engine) => {
  const input = inputOf(batch)
  const objectOf = Uint32Array.from(batch.records, (_, n) => (n * 7) % 5)
  const read = async (encoder: Encoder): Promise<unknown> => {
    const encoded = await encoder.encode({ ...input, objectOf })
    const objects: unknown[] = []
    for (const { part, rows, body } of encoded.objects)
      objects.push([part, rows, await readParquet(body.path ?? '', columnsOf(batch))])
    const failures: unknown[] = []
    for await (const failed of encoded.failures())
      failures.push({ ...failed, rawData: digestOf(failed.rawData) })
    await encoded.dispose()
    return { objects, failures, errors: encoded.errors }
  }
  const here = await openParquetjsEncoder({ stagingPath, log })
  const expected = await read(here)
  await here.close()
  expect(await read(isolatedEncoder({ ...options, engine, stagingPath }))).toEqual(expected)
})

test.each(['UNCOMPRESSED', 'GZIP', 'Snappy'] as const)(
  'raw delivery makes the objects of the same process: %s',
  async (compression) => {
    // More than is kept in memory, for one of the objects.
    const given = inputOf({
      ...batch,
      records: [...batch.records, Buffer.alloc(1_200_000, randomBytes(9_973))],
    })
    const destination = { ...given.plan.destination, compression }
    const input = { ...given, plan: { ...given.plan, destination, ...RAW } }
    const objectOf = Uint32Array.from({ length: batch.records.length + 1 }, (_, n) =>
      Number(n === batch.records.length),
    )
    const read = async (encoder: Encoder): Promise<unknown> => {
      const encoded = await encoder.encode({ ...input, objectOf })
      const objects: unknown[] = []
      for (const { body, ...object } of encoded.objects)
        objects.push({ ...object, bytes: digestOf(body.bytes ?? (await readFile(body.path))) })
      const { rows, errors, dropped } = encoded
      await encoded.dispose()
      return { objects, rows, errors, dropped }
    }
    const here = await openRawEncoder({ stagingPath })
    const expected = await read(here)
    await here.close()
    expect(await read(isolatedEncoder({ ...options, engine: 'raw', stagingPath }))).toEqual(expected)
  },
)

describe('a child', () => {
  let entry = ''
  beforeEach(async () => {
    entry = join(await mkdtemp(join(tmpdir(), 'hydrant-child-')), 'child.mjs')
  })
  afterEach(() => rm(join(entry, '..'), { recursive: true }))

  test.each([
    [
      'killed',
      `process.once('message', () => process.kill(process.pid, 'SIGKILL'))`,
      'it was killed by SIGKILL',
    ],
    ['that aborts', `process.once('message', () => process.abort())`, 'it was killed by SIGABRT'],
    ['that exits', `process.once('message', () => process.exit(3))`, 'it ended with exit code 3'],
    ['that never starts', `throw new Error('no')`, 'it ended with exit code 1'],
    ['that ends without a word', `process.exit(0)`, 'it ended with exit code 0'],
  ])('%s is reported', async (_, script, how) => {
    await writeFile(entry, script)
    const encoder = isolatedEncoder({ ...options, engine: 'js', stagingPath, entry })
    await expect(encoder.encode(inputOf(batch))).rejects.toMatchObject({
      name: 'EncoderError',
      code: 'ChildDied',
      message: `encode batch 1-0123456789abcdef: its process died: ${how}`,
    })
  })

  test('that fails in good order keeps its error', async () => {
    await writeFile(
      entry,
      `process.once('message', () => process.send({ kind: 'failed', code: 'DiskFull', message: 'no room', hint: 'make some' }))`,
    )
    const encoder = isolatedEncoder({ ...options, engine: 'js', stagingPath, entry })
    await expect(encoder.encode(inputOf(batch))).rejects.toMatchObject({
      code: 'DiskFull',
      message: 'no room',
      hint: 'make some',
    })
  })

  test('whose task fails for another reason than the batch is no death', async () => {
    const task = new URL('../../src/runtime/child-task.ts', import.meta.url)
    const failing = join(entry, '..', 'child.ts')
    await writeFile(
      failing,
      `import { serveTask } from ${JSON.stringify(task.href)}
      serveTask(() => Promise.reject(new Error('EMFILE: too many open files')))`,
    )
    const encoder = isolatedEncoder({ ...options, engine: 'js', stagingPath, entry: failing })
    await expect(encoder.encode(inputOf(batch))).rejects.toMatchObject({
      code: 'Failed',
      message: 'EMFILE: too many open files',
    })
  })

  test('may take as much memory as its parent', async () => {
    await writeFile(
      entry,
      `import { getHeapStatistics } from 'node:v8'
      const message = String(getHeapStatistics().heap_size_limit)
      process.once('message', () => process.send({ kind: 'failed', code: 'Told', message }))`,
    )
    const encoder = isolatedEncoder({ ...options, engine: 'js', stagingPath, entry })
    const told = await encoder
      .encode(inputOf(batch))
      .catch((error: unknown) => Number((error as Error).message))
    const own = getHeapStatistics().heap_size_limit
    expect(Math.abs(Number(told) - own)).toBeLessThan(0.1 * own)
  })

  test('that hangs is killed by an abort, and gets none of the environment', async () => {
    await writeFile(
      entry,
      `import { writeFileSync } from 'node:fs'
      process.once('message', () => {
        writeFileSync(new URL('./seen.json', import.meta.url), JSON.stringify(Object.keys(process.env)))
        setInterval(() => {}, 1000)
      })`,
    )
    const abort = new AbortController()
    const encoder = isolatedEncoder({ ...options, engine: 'js', stagingPath, entry })
    const encoding = encoder.encode(inputOf({ ...batch, signal: abort.signal }))
    const seen = join(entry, '..', 'seen.json')
    await expect.poll(() => readKeys(seen), { timeout: 10_000 }).toBeDefined()
    abort.abort(new Error('stopped'))
    await expect(encoding).rejects.toThrow('stopped')
    expect((await readKeys(seen))?.filter((key) => !key.startsWith('NODE_CHANNEL'))).toEqual([])
  })
})

/** Bytes one by one are compared slowly. */
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function readKeys(path: string): Promise<string[] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text === '' ? undefined : (JSON.parse(text) as string[])
}

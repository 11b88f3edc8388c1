/**
 * The native engine as a neighbour: what it may touch, what it leaves behind, how it behaves with others and without
 * memory. That rows and verdicts are right is the conformance suite's subject. Defends G2, G4 and G5.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBConnection } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openDuckdbEncoder, type DuckdbEncoder } from '../../src/convert/duckdb-encoder.ts'
import { DuckdbEngine } from '../../src/convert/duckdb/engine.ts'
import { StagingFolder } from '../../src/convert/staging.ts'
import { EncoderError } from '../../src/domain/errors.ts'
import { inputOf, outcomeOf, type Batch } from '../conformance/encoder/encoding.ts'

const MIB = 1 << 20
let folder: string
const opened: DuckdbEncoder[] = []

beforeEach(async () => {
  warnings.length = 0
  folder = await mkdtemp(join(tmpdir(), 'hydrant-duckdb-'))
})

afterEach(async () => {
  for (const encoder of opened.splice(0)) await encoder.close()
  // Every encoder removes its folder when it is closed.
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})

/** Messages that the encoders of a test warned of. */
const warnings: unknown[] = []

async function open(options: { threads?: number; memoryMib?: number } = {}): Promise<DuckdbEncoder> {
  const log = createLog('silent')
  log.warn = (_fields: unknown, message?: unknown) => void warnings.push(message)
  const encoder = await openDuckdbEncoder({
    stagingPath: folder,
    threads: options.threads ?? 2,
    memoryLimitBytes: (options.memoryMib ?? 256) * MIB,
    log,
  })
  opened.push(encoder)
  return encoder
}

/** Files of conversions now in the staging folders. */
async function staged(): Promise<string[]> {
  const files = await readdir(folder, { recursive: true })
  return files.filter((file) => /\d+[/\\]/.test(file) && !file.includes('spill'))
}

const columns = [
  ['order_id', 'string'],
  ['amount', 'double'],
  ['quantity', 'int'],
  ['at', 'timestamp'],
] as const

function orders(count: number): Batch {
  const records = Array.from({ length: count }, (_, n) => {
    if (n % 100 === 7) return `{"order_id":"o-${n}","amount":"abc"}`
    if (n % 1000 === 13) return `{"Order_Id":"o-${n}"}{"order_id":"o-${n}b","quantity":2.50e1}`
    if (n % 1000 === 17) return '{}'
    return `{"order_id":"o-${n}-${(n * 7919) % 1000}","amount":${n / 8},"quantity":${n % 50},"at":"2026-11-02T09:15:${String(n % 60).padStart(2, '0')}.5Z"}`
  })
  return { columns, records }
}

test('G4: rows set aside are in the places of their records, be they few or many', async () => {
  const encoder = await open()
  for (const every of [5, 1000]) {
    const records = Array.from({ length: 5000 }, (_, n) =>
      n % every === 3 ? `{"n":${n}}{"n":${n}}` : `{"n":${n}}`,
    )
    const { rows } = await outcomeOf(encoder, { columns: [['n', 'int']], records })
    const expected = records.flatMap((_, n) => (n % every === 3 ? [[String(n)], [String(n)]] : [[String(n)]]))
    expect(rows).toEqual(expected)
  }
})

test('G4: rows are in the order of their records whatever the columns are called', async () => {
  const encoder = await open()
  const names = ['line', 'place', 'rowid', 'placed', 's', 'v1', 'r0', 'line_rows', 'aside_rows']
  for (const every of [5, 1000]) {
    const records = Array.from({ length: 3000 }, (_, n) => {
      const document = JSON.stringify(Object.fromEntries(names.map((name, at) => [name, 9000 - n - at])))
      return n % every === 3 ? `${document}${document}` : document
    })
    for (const careful of [false, true]) {
      const { rows } = await outcomeOf(encoder, {
        columns: names.map((name) => [name, 'int']),
        records,
        metadataColumns: [{ field: 'arrival', name: 'v9' }],
        careful,
      })
      const expected = records.flatMap((_, n) => {
        const row = [...names.map((_name, at) => String(9000 - n - at)), null]
        return n % every === 3 ? [row, row] : [row]
      })
      expect(rows).toEqual(expected)
    }
  }
})

test('G4: a batch of far more documents than records is converted like any other', async () => {
  const encoder = await open()
  const records = Array.from({ length: 12 }, (_, n) => `{"n":${n}}`.repeat(n === 5 ? 1 : 100_000))
  const encoded = await encoder.encode(inputOf({ columns: [['n', 'int']], records }))
  expect(encoded.rows).toBe(1_100_001)
  await encoded.dispose()
  expect(warnings).toEqual([])
})

test('a careful conversion gives the same rows and verdicts', async () => {
  const encoder = await open()
  const batch = orders(5000)
  const quick = await outcomeOf(encoder, batch)
  const careful = await outcomeOf(encoder, { ...batch, careful: true })
  expect(careful.rows).toEqual(quick.rows)
  expect(careful.failures).toEqual(quick.failures)
})

test('several batches at once share one instance, each with its own rows', async () => {
  const encoder = await open()
  const outcomes = await Promise.all(
    [1, 2, 3, 4, 5].map((batch) =>
      outcomeOf(encoder, {
        columns: [['n', 'int']],
        records: Array.from({ length: 3000 }, (_, n) => (n % 10 === 0 ? '{"n":"x"}' : `{"n":${batch}}`)),
        careful: batch === 3,
      }),
    ),
  )
  for (const [index, { rows, failures }] of outcomes.entries()) {
    expect(new Set(rows.map(([n]) => n))).toEqual(new Set([String(index + 1)]))
    expect([rows.length, failures.length]).toEqual([2700, 300])
  }
})

test('who is alone in DuckDB is alone, in whatever order others come', async () => {
  const engine = await DuckdbEngine.open({ folder, threads: 1, memoryLimitBytes: 256 * MIB })
  const { signal } = new AbortController()
  const inside: string[] = []
  const seen: string[] = []
  const visit = (name: string) => async (session: { numbers(sql: string): Promise<unknown> }) => {
    inside.push(name)
    seen.push([...inside].join('+'))
    for (let query = 0; query < 20; query += 1) await session.numbers('SELECT 1')
    inside.splice(inside.indexOf(name), 1)
  }
  try {
    await Promise.all([
      engine.together(visit('a'), 0, signal),
      engine.alone(visit('B'), 0, signal),
      engine.together(visit('c'), 0, signal),
      engine.alone(visit('D'), 0, signal),
      engine.together(visit('e'), 0, signal),
    ])
  } finally {
    await engine.close()
  }
  expect(seen.length).toBe(5)
  expect(seen.filter((names) => /[BD]/.test(names) && names.includes('+'))).toEqual([])
})

test('zero keeps its sign when a column holds nothing but zeros', async () => {
  const encoder = await open()
  for (const careful of [false, true]) {
    const { rows } = await outcomeOf(encoder, {
      columns: [
        ['f', 'float'],
        ['d', 'double'],
      ],
      records: ['{"f":-0.0,"d":0}', '{"f":0,"d":-0}', '{"f":"-1e-400","d":0.0}'],
      careful,
    })
    expect(rows).toEqual([
      ['-0', '0'],
      ['0', '-0'],
      ['-0', '0'],
    ])
  }
})

test('a batch of which every record fails makes no object', async () => {
  const encoder = await open()
  const { objects, failures } = await outcomeOf(encoder, {
    columns,
    records: Array.from({ length: 3000 }, (_, n) => `{"amount":"x${n}"`),
  })
  expect([objects.length, failures.length]).toEqual([0, 3000])
})

test('column and table names made of SQL are names', async () => {
  const name = `a" int, b'); drop table batch_rows; --`
  const encoder = await open()
  for (const careful of [false, true]) {
    const { rows } = await outcomeOf(encoder, {
      columns: [
        [name, 'string'],
        [`select`, 'int'],
      ],
      records: [JSON.stringify({ [name]: "x'); --", select: 1 })],
      careful,
    })
    expect(rows).toEqual([["x'); --", '1']])
  }
})

test.each(['order_id=5', 'LINE\u0001=5', 'line=5', '[a]*?{x}'])(
  'a staging path with %j in it is only a path',
  async (name) => {
    const stagingPath = join(folder, name)
    const log = createLog('silent')
    const encoder = await openDuckdbEncoder({ stagingPath, threads: 1, memoryLimitBytes: 256 * MIB, log })
    try {
      for (const careful of [false, true]) {
        const { rows } = await outcomeOf(encoder, {
          columns: [['order_id', 'string']],
          records: ['{"order_id":"a"}', '{"order_id":"b"}{"order_id":"c"}'],
          careful,
        })
        expect(rows).toEqual([['a'], ['b'], ['c']])
      }
    } finally {
      await encoder.close()
      await rm(stagingPath, { recursive: true })
    }
  },
)

test('too little memory is a repeat with less, never an error record', async () => {
  // Judging 128 columns does not fit, writing them does.
  const wide = Array.from({ length: 128 }, (_, n) => [`c${n}`, n % 2 === 0 ? 'bigint' : 'double'] as const)
  const record = JSON.stringify(Object.fromEntries(wide.map(([name], n) => [name, n])))
  const encoder = await open({ memoryMib: 64 })
  const { rows, failures } = await outcomeOf(encoder, {
    columns: wide,
    records: Array.from({ length: 2000 }, () => record),
  })
  expect([rows.length, failures.length]).toEqual([2000, 0])
  expect(warnings).toEqual(['conversion is repeated carefully'])
})

test('far too little memory is an error with a hint, and nothing stays behind', async () => {
  const encoder = await open({ memoryMib: 2 })
  const failed = encoder.encode(inputOf(orders(20_000)))
  await expect(failed).rejects.toThrow(EncoderError)
  await expect(failed).rejects.toMatchObject({
    code: 'OutOfMemory',
    hint: expect.stringContaining('convert.memoryLimit') as string,
  })
  expect(await staged()).toEqual([])
})

test('an aborted conversion ends soon with the reason, and nothing stays behind', async () => {
  const encoder = await open()
  const reason = new Error('deadline')
  const early = inputOf({ ...orders(10), signal: AbortSignal.abort(reason) })
  await expect(encoder.encode(early)).rejects.toBe(reason)

  const controller = new AbortController()
  // A row group is staged, and DuckDB is asked: what is interrupted is the query, or it was done before.
  const ask = Reflect.get(DuckDBConnection.prototype, 'runAndReadAll')
  const queries = vi.spyOn(DuckDBConnection.prototype, 'runAndReadAll')
  onTestFinished(() => queries.mockRestore())
  queries.mockImplementation(function (this: DuckDBConnection, sql, ...more) {
    const answer = ask.call(this, sql, ...more)
    if (sql.startsWith('COPY')) controller.abort(reason)
    return answer
  })
  await expect(encoder.encode(inputOf({ ...orders(100_000), signal: controller.signal }))).rejects.toBe(
    reason,
  )
  queries.mockRestore()
  expect(await staged()).toEqual([])
  expect((await outcomeOf(encoder, orders(100))).rows.length).toBe(99 + 1)
})

test('a read that fails leaves nothing behind', async () => {
  const encoder = await open()
  const lost = new Error('store lost')
  const input = inputOf(orders(100))
  await expect(
    encoder.encode({
      ...input,
      async *frames() {
        yield* input.frames()
        throw lost
      },
    }),
  ).rejects.toBe(lost)
  expect(await staged()).toEqual([])
})

test('what it stages is its owner’s alone and goes with dispose', async () => {
  const encoder = await open()
  const encoded = await encoder.encode(inputOf(orders(100)))
  const path = encoded.objects[0]?.body.path ?? ''
  for (let at = join(path, '..'); at !== folder; at = join(at, '..')) {
    expect((await stat(at)).mode & 0o777).toBe(0o700)
  }
  await encoded.dispose()
  expect(await staged()).toEqual([])
})

test('folders of dead processes are removed at start, those of the living are not', async () => {
  const random = randomBytes(8).toString('hex')
  const dead = join(folder, `hydrant-${hostname()}-999999999-${random}`)
  const predecessor = join(folder, `hydrant-${hostname()}-${process.pid}-${random}`)
  const living = join(folder, `hydrant-${hostname()}-${process.ppid}-${random}`)
  const elsewhere = join(folder, `hydrant-elsewhere-1-${random}`)
  const foreign = join(folder, 'something-else')
  for (const path of [dead, predecessor, living, elsewhere, foreign]) {
    await mkdir(path)
    await writeFile(join(path, 'file'), '')
  }
  const other = await open()
  expect((await outcomeOf(other, orders(100))).failures.length).toBe(1)
  await open()
  const left = await readdir(folder)
  expect(left).toHaveLength(2 + 3)
  for (const path of [living, elsewhere, foreign]) {
    expect(left.map((name) => join(folder, name))).toContain(path)
    await rm(path, { recursive: true })
  }
  const tomorrow = await StagingFolder.open(folder, () => Date.now() + 48 * 3_600_000)
  await tomorrow.remove()
})

test.each([
  ['read a file', `SELECT * FROM read_csv('/etc/passwd')`],
  ['read a file as text', `SELECT * FROM read_text('/etc/passwd')`],
  ['climb out of its folder', `SELECT * FROM read_text('FOLDER/../../etc/passwd')`],
  ['list a folder', `SELECT * FROM glob('/etc/*')`],
  ['write a file', `COPY (SELECT 1) TO '/tmp/hydrant-escaped.parquet'`],
  ['attach a database', `ATTACH '/tmp/hydrant-escaped.db'`],
  ['install an extension', 'INSTALL httpfs'],
  ['load an extension', 'LOAD httpfs'],
  ['reach the network', `SELECT * FROM read_json('http://127.0.0.1:9/x.json')`],
  ['raise its limit', `SET memory_limit = '64GB'`],
  ['open its cage', `SET enable_external_access = true`],
  ['widen its cage', `SET allowed_directories = ['/']`],
])('DuckDB cannot %s', async (_, sql) => {
  const engine = await DuckdbEngine.open({ folder, threads: 1, memoryLimitBytes: 64 * MIB })
  try {
    const run = engine.together(
      (session) => session.run(sql.replace('FOLDER', folder)),
      0,
      new AbortController().signal,
    )
    await expect(run).rejects.toThrow(/disabled|locked|Cannot (?:access|change)/i)
  } finally {
    await engine.close()
  }
})

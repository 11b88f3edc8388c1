/** Staging files: of lines, and of records that failed. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BitSet } from '../../src/convert/duckdb/bit-set.ts'
import { LinesWriter } from '../../src/convert/duckdb/lines-writer.ts'
import { StagedLines } from '../../src/convert/duckdb/staged-lines.ts'
import { FailureSpool } from '../../src/convert/failure-spool.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-failures-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

test('lines are found by their ordinals, with the records that they are of', async () => {
  const path = join(folder, 'lines')
  const staged = new StagedLines(false)
  const run = (lines: readonly string[], place: number, arrivalMs: number): void => {
    const lengths = Buffer.alloc(4 * lines.length)
    for (const [index, line] of lines.entries()) lengths.writeUInt32LE(line.length, 4 * index)
    staged.addRun({ lengths, place, arrivalMs })
  }
  run(['one', '', 'x'.repeat(300_000)], 0, 10)
  staged.add('plain'.length, 3, 10)
  staged.add('second row'.length, 3, 10)
  run(['six', 'seven'], 5, 20)
  await writeFile(path, `one\n\n${'x'.repeat(300_000)}\nplain\nsecond row\nsix\nseven\n`)
  const all = [
    [0, 0, 10, 'one'],
    [1, 1, 10, ''],
    [2, 2, 10, 'x'.repeat(300_000)],
    [3, 3, 10, 'plain'],
    [4, 3, 10, 'second row'],
    [5, 5, 20, 'six'],
    [6, 6, 20, 'seven'],
  ] as const
  for (const wanted of [[0, 1, 2, 3, 4, 5, 6], [2, 4], [5], [3, 6], []]) {
    const ordinals = new BitSet()
    for (const ordinal of wanted) ordinals.add(ordinal)
    const found: unknown[] = []
    for await (const { ordinal, place, arrivalMs, bytes } of staged.read(path, ordinals))
      found.push([ordinal, place, arrivalMs, bytes.toString()])
    expect(found).toEqual(all.filter(([ordinal]) => wanted.includes(ordinal)))
  }
})

test('lines that begin anew leave nothing of those before, however long they were', async () => {
  const writer = new LinesWriter(join(folder, 'lines'))
  const contents = ['a long first line\nand another\n', 'short\n', `${'x'.repeat(2_000_000)}\n`, 'y\n', '']
  const paths = new Set<string>()
  try {
    for (const content of contents) {
      const bytes = Buffer.from(content)
      const lines = content.split('\n').length - 1
      if (lines === 2) await writer.add(bytes, lines, bytes.length)
      else if (lines === 1) await writer.addText(content)
      expect([writer.lines, writer.bytes]).toEqual([lines, bytes.length])
      const file = await writer.flushed()
      expect(file === undefined ? '' : await readFile(file.path, 'utf8')).toBe(content)
      if (file !== undefined) paths.add(file.path)
      await writer.restart()
    }
    // DuckDB may remember what it read from a path.
    expect(paths.size).toBe(4)
    expect(await readdir(folder)).toHaveLength(1)
  } finally {
    await writer.close()
  }
  expect(await readdir(folder)).toEqual([])
})

test('lines are as they were when they were added, of whatever length, as bytes or as text', async () => {
  const KIB = 1024
  const lengths = [
    1,
    4096,
    256 * KIB - 1,
    256 * KIB,
    256 * KIB + 1,
    85 * KIB,
    1024 * KIB - 1,
    1024 * KIB,
    1024 * KIB + 1,
    3,
  ]
  const characters = ['x', 'ö', '字']
  const lines = lengths.flatMap((length) =>
    characters.flatMap((character) => [length, length - 1].map((count) => `${character.repeat(count)}\n`)),
  )
  for (const beside of [1, 3, 10_000]) {
    const writer = new LinesWriter(join(folder, `lines-${beside}`), beside)
    try {
      for (const [index, line] of lines.entries()) {
        const bytes = Buffer.from(line)
        if (index % 3 === 0) await writer.addText(line)
        else await writer.add(bytes, 1, bytes.length)
        bytes.fill(0)
      }
      const content = lines.join('')
      const lineBytesMax = Math.max(...lines.map((line) => Buffer.byteLength(line)))
      expect([writer.lines, writer.bytes]).toEqual([lines.length, Buffer.byteLength(content)])
      const file = await writer.flushed()
      expect(file?.lineBytesMax).toBe(lineBytesMax)
      expect((await readFile(file?.path ?? '', 'utf8')) === content).toBe(true)
    } finally {
      await writer.close()
    }
  }
})

test('a failed record is kept as it was when it was added', async () => {
  const spool = new FailureSpool(join(folder, 'failures'))
  const rawData = Buffer.from([0xff, 0x0a, 0x00])
  const failed = { ordinal: 7, arrivalMs: 1_793_610_900_000.5, code: 'A.B', message: 'größe “…”' }
  await spool.add({ ...failed, rawData })
  rawData.fill(0)
  await spool.add({ ...failed, ordinal: 8, message: '', rawData: Buffer.alloc(0) })
  await spool.close()
  const found: unknown[] = []
  for await (const entry of spool.entries()) found.push({ ...entry, rawData: [...entry.rawData] })
  expect(found).toEqual([
    { ...failed, rawData: [0xff, 0x0a, 0x00] },
    { ...failed, ordinal: 8, message: '', rawData: [] },
  ])
  expect(spool.errors).toEqual({ 'A.B': 2 })
})

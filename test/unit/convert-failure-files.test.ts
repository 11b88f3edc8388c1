/** Files that hold records which failed, or may fail, until they are looked at again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BitSet } from '../../src/convert/duckdb/bit-set.ts'
import { plainPart } from '../../src/convert/duckdb/metadata-lines.ts'
import { StagedRecords } from '../../src/convert/duckdb/staged-records.ts'
import { FailureSpool } from '../../src/convert/failure-spool.ts'
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-failures-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

function frameOf(records: readonly string[], arrivalMs: number): Frame {
  const builder = new FrameBuilder(records.length, 100 * records.length)
  for (const record of records) builder.addBytes(Buffer.from(record))
  return builder.finish(arrivalMs)
}

test('staged records are found by their ordinals, in their line or beside the lines', async () => {
  const path = join(folder, 'lines')
  const staged = new StagedRecords(path, false)
  staged.addPart(plainPart(frameOf(['one', 'refused', '', 'four'], 10)), 0)
  await staged.keep(1, Buffer.from('refused'))
  staged.setLines(1, [1])
  await staged.keep(2, Buffer.from(''))
  staged.setLines(2, [1])
  const second = 'one\n0\n0\nfour\n'.length
  staged.addPart(plainPart(frameOf(['five', 'x'.repeat(90)], 20)), second)
  await staged.keep(5, Buffer.from('x'.repeat(90)))
  staged.setLines(5, [1])
  await writeFile(path, 'one\n0\n0\nfour\nfive\n0\n')
  try {
    for (const wanted of [[0, 1, 2, 3, 4, 5], [2, 4], [5], [3]]) {
      const ordinals = new BitSet()
      for (const ordinal of wanted) ordinals.add(ordinal)
      const found: unknown[] = []
      for await (const { ordinal, arrivalMs, bytes } of staged.read(ordinals)) {
        found.push([ordinal, arrivalMs, bytes.toString()])
      }
      const all = [
        [0, 10, 'one'],
        [1, 10, 'refused'],
        [2, 10, ''],
        [3, 10, 'four'],
        [4, 20, 'five'],
        [5, 20, 'x'.repeat(90)],
      ]
      expect(found).toEqual(all.filter((_, ordinal) => wanted.includes(ordinal)))
    }
  } finally {
    await staged.close()
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

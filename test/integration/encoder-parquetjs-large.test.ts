/** The JavaScript engine on more than one row group: it runs on the event loop and must leave it to others now and then. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openParquetjsEncoder, type ParquetjsEncoder } from '../../src/convert/parquetjs-encoder.ts'
import { inputOf, outcomeOf } from '../conformance/encoder/encoding.ts'

const columns = [['n', 'int'], ['text', 'string'], ['at', 'timestamp']] as const // prettier-ignore

let stagingPath = ''
let encoder: ParquetjsEncoder

beforeEach(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-large-'))
  encoder = await openParquetjsEncoder({ stagingPath, log: createLog('silent') })
})

afterEach(async () => {
  await encoder.close()
  await rm(stagingPath, { recursive: true })
})

test('a batch of 64 MB makes several row groups, and other work runs meanwhile', async () => {
  const records = Array.from(
    { length: 40_000 },
    (_, n) => `{"n":${n},"text":"${randomBytes(800).toString('hex')}","at":${1_793_610_900_000 + n}}`,
  )
  let isEncoding = true
  let turns = 0
  const others = (): void => {
    turns += 1
    if (isEncoding) setImmediate(others)
  }
  others()
  const encoded = await encoder.encode(inputOf({ columns, records }))
  isEncoding = false
  expect(turns).toBeGreaterThan(50)
  const path = encoded.objects[0]?.body.path ?? ''
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path))
  expect(metadata.row_groups.length).toBeGreaterThan(1)
  expect(metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0)).toBe(40_000)
  await encoded.dispose()

  const { rows } = await outcomeOf(encoder, { columns, records })
  expect(rows.length).toBe(40_000)
  for (const [n, row] of rows.entries()) {
    const { text } = JSON.parse(records[n] ?? '') as { text: string }
    if (row[0] !== String(n) || row[1] !== text) expect(row).toEqual([String(n), text, expect.anything()])
  }
})

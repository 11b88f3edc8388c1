/**
 * G1, G3, G4 on real, messy data: the documented example, as shipped. Every source row is in the Parquet, value by value
 * and in order, or in the error prefix, byte for byte and with a reason that names the value.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { eventually } from '../support/eventually.ts'
import { HydrantProcess, temporaryFolder } from '../support/hydrant.ts'
import { errorLines, listFolderBucket, type Row } from '../support/landed.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const CONFIG = here('config/vega.yaml')

interface Column {
  readonly name: string
  readonly type: string
}
interface Catalog {
  readonly catalog: {
    readonly databases: { readonly vega: Record<string, { readonly columns: readonly Column[] }> }
  }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hydrant: HydrantProcess

beforeAll(async () => {
  folder = await temporaryFolder()
  const args = ['serve', '--config', CONFIG, '--port', '0', '--admin-port', '0']
  const child = spawn(process.execPath, [here('dist/main.js'), ...args], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  hydrant = new HydrantProcess(child)
  await hydrant.ready()
})
afterAll(async () => {
  await hydrant.kill()
  await folder.remove()
})

async function put(stream: string, path: string): Promise<string> {
  const child = spawn(process.execPath, [here('docs/examples/put-records.mjs'), stream, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, AWS_ENDPOINT_URL_FIREHOSE: hydrant.endpoint, NODE_NO_WARNINGS: '1' },
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  expect(await once(child, 'close')).toEqual([0, null])
  return output
}

const BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, int: 32, bigint: 64 }

/** What the column should hold, said anew and simply; undefined when it cannot hold the value. */
function expected(value: unknown, type: string): unknown {
  if (value === null || value === undefined) return null
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value)
  if (typeof value !== 'number') return undefined
  if (type === 'double') return value
  const limit = 2 ** ((BITS[type] ?? 0) - 1)
  if (!Number.isInteger(value) || value < -limit || value >= limit) return undefined
  return type === 'bigint' ? BigInt(value) : value
}

const examples = [
  { table: 'movies', file: 'movies.json', rows: 3_200, failed: 1 },
  { table: 'flights', file: 'flights-20k.json', rows: 19_748, failed: 252 },
]

test.concurrent.each(examples)(
  'G1, G3, G4: every row of $file is in the Parquet or, with a reason, under the error prefix',
  async ({ table, file, rows: rowsWanted, failed: failedWanted }) => {
    const stream = `${table}-to-s3`
    const path = here(`node_modules/vega-datasets/data/${file}`)
    const source = JSON.parse(await readFile(path, 'utf8')) as readonly Row[]
    const { catalog } = parse(await readFile(CONFIG, 'utf8')) as Catalog
    const columns = catalog.databases.vega[table]?.columns ?? []
    expect(await put(stream, path)).toBe(`${source.length} records were accepted by ${stream}\n`)

    const state = (name: string): Promise<number> =>
      hydrant.metric('hydrant_ledger_records', { delivery_stream: stream, state: name })
    await eventually(async () => expect(await state('pending')).toBe(0), 30_000)
    expect([await state('accepted'), await state('delivered'), await state('failed')]).toEqual([
      source.length,
      rowsWanted,
      failedWanted,
    ])

    const wanted: Row[] = []
    const wantedFailed: { rawData: string; values: unknown[] }[] = []
    for (const row of source) {
      const byName = new Map(Object.entries(row).map(([key, value]) => [key.toLowerCase(), value]))
      const cells = columns.map(({ name, type }) => [name, expected(byName.get(name), type)] as const)
      const misfits = cells.filter(([, cell]) => cell === undefined).map(([name]) => byName.get(name))
      if (misfits.length === 0) wanted.push(Object.fromEntries(cells))
      else wantedFailed.push({ rawData: JSON.stringify(row), values: misfits })
    }
    const objects = await listFolderBucket(join(folder.path, 'data/buckets'), 'lake')
    const rows = await rowsByTwoReaders(objects.filter(({ key }) => key.startsWith(`${table}/`)))
    expect(rows).toHaveLength(rowsWanted)
    expect(rows).toEqual(wanted)

    const failed = errorLines(objects, `errors/${table}/`)
    expect(failed.map(({ rawData }) => Buffer.from(rawData, 'base64').toString())).toEqual(
      wantedFailed.map(({ rawData }) => rawData),
    )
    for (const [index, { lastErrorCode, lastErrorMessage }] of failed.entries()) {
      expect(lastErrorCode).toBe('DataFormatConversion.MalformedData')
      const reasons = wantedFailed[index]?.values.map(
        (value) => `Data does not match the schema. For input string: "${String(value)}"`,
      )
      expect(reasons).toContain(lastErrorMessage)
    }
  },
)

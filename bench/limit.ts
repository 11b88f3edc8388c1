/** The limit: what DuckDB alone needs for the same records, `read_json` -> `COPY`, in a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { order, seeded } from './orders.ts'

export interface Limit {
  readonly recordsPerSecond: number
  readonly cpuSecondsPerMillion: number
}

const RECORDS = 500_000

export function duckdbLimit(runs = 5): Limit[] {
  const folder = mkdtempSync(join(tmpdir(), 'hydrant-limit-'))
  try {
    const random = seeded(7)
    const lines = Array.from({ length: RECORDS }, (_, index) => order(index, random))
    writeFileSync(join(folder, 'orders.ndjson'), `${lines.join('\n')}\n`)
    return Array.from({ length: runs }, () => {
      const run = spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), folder], {
        encoding: 'utf8',
      })
      if (run.status !== 0) throw new Error(run.stderr)
      return JSON.parse(run.stdout) as Limit
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(folder: string): Promise<Limit> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  await connection.run(
    `COPY (SELECT * FROM read_json('${folder}/orders.ndjson', format = 'newline_delimited', columns = {order_id: 'VARCHAR', customer_id: 'VARCHAR', amount: 'DOUBLE', quantity: 'INTEGER', currency: 'VARCHAR', created: 'TIMESTAMP_MS', gift: 'BOOLEAN', note: 'VARCHAR'}))
     TO '${folder}/orders.parquet' (FORMAT parquet, COMPRESSION snappy)`,
  )
  const seconds = (performance.now() - startMs) / 1000
  const used = process.cpuUsage(cpu)
  connection.closeSync()
  return {
    recordsPerSecond: RECORDS / seconds,
    cpuSecondsPerMillion: (used.user + used.system) / RECORDS,
  }
}

const folderArgument = process.argv[2]
if (process.argv[1]?.endsWith('limit.ts') && folderArgument !== undefined) {
  process.stdout.write(`${JSON.stringify(await measure(folderArgument))}\n`)
}

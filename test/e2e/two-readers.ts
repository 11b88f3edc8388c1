/** Parquet objects read by hyparquet and by DuckDB, and found alike. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect } from 'vitest'
import { parquetRows, type LandedObject, type Row } from '../support/landed.ts'

/** The rows of all Parquet objects, in order of keys and of rows. */
export async function rowsByTwoReaders(objects: readonly LandedObject[]): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-read-'))
  const rows: Row[] = []
  try {
    for (const object of objects) {
      if (!object.key.endsWith('.parquet')) continue
      const path = join(folder, `${randomUUID()}.parquet`)
      await writeFile(path, object.bytes)
      const fromHyparquet = await parquetRows(object)
      expect(await rowsByDuckdb(path), object.key).toEqual(fromHyparquet)
      rows.push(...fromHyparquet)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return rows
}

async function rowsByDuckdb(path: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const result = await connection.runAndReadAll(
      `SELECT * EXCLUDE (file_row_number) FROM read_parquet('${path}', file_row_number = true) ORDER BY file_row_number`,
    )
    return result.getRowObjectsJS()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

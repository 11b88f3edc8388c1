/** An object's rows as a Parquet file, written by one ordered COPY. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Conversion } from './conversion-context.ts'
import { copyToParquet } from './query.ts'
import type { ObjectRecords } from '../records-by-object.ts'

/** A row group holds about this many bytes of records, and DuckDB's own size of rows at the most. */
const ROW_GROUP_BYTES = 32 << 20
const ROW_GROUP_ROWS_MAX = 122_880
const VECTOR_ROWS = 2048

export interface ConvertedObject {
  readonly index: number
  readonly rows: number
  readonly path: string
  readonly length: number
}

type Size = Pick<ObjectRecords, 'records' | 'bytes'>

/** @param query that gives at least one row */
export async function copyObject(
  { session, folder, parquetCompression }: Conversion,
  query: string,
  object: Size & { readonly index: number; readonly hasMinusZero: boolean },
): Promise<ConvertedObject> {
  const path = join(folder, `object-${object.index}.parquet`)
  const options = {
    compression: parquetCompression,
    rowGroupRows: rowGroupRows(object),
    hasMinusZero: object.hasMinusZero,
  }
  const [rows = 0] = await session.numbers(copyToParquet(query, path, options))
  return { index: object.index, rows, path, length: (await stat(path)).size }
}

/** Rows in a row group: the same in every attempt. */
function rowGroupRows({ records, bytes }: Size): number {
  const rows = Math.floor(ROW_GROUP_BYTES / Math.max(1, bytes / Math.max(1, records)))
  return Math.max(VECTOR_ROWS, Math.min(ROW_GROUP_ROWS_MAX, rows - (rows % VECTOR_ROWS)))
}

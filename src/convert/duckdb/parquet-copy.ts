/** An object's rows as a Parquet file, written by one ordered COPY. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectRecords } from '../records-by-object.ts'
import type { Conversion } from './conversion-context.ts'
import { copyToParquet } from './query.ts'
import { dictionaryBytes, rowGroupRows } from './row-groups.ts'

export interface ConvertedObject {
  readonly index: number
  readonly rows: number
  readonly path: string
  readonly length: number
}

type Size = Pick<ObjectRecords, 'records' | 'bytes'>

/** @param query that gives at least one row */
export async function copyObject(
  { session, folder, rules, columns }: Conversion,
  query: string,
  object: Size & { readonly index: number; readonly hasMinusZero: boolean },
): Promise<ConvertedObject> {
  const path = join(folder, `object-${object.index}.parquet`)
  const options = {
    conversion: rules,
    rowGroupRows: rowGroupRows(object, columns),
    dictionaryBytes: dictionaryBytes(columns),
    hasMinusZero: object.hasMinusZero,
  }
  const [rows = 0] = await session.numbers(copyToParquet(query, path, options))
  return { index: object.index, rows, path, length: (await stat(path)).size }
}

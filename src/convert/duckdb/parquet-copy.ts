/** Rows as Parquet files, each written by one ordered COPY as one row group. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TypedColumn } from '../hive-types.ts'
import type { Conversion } from './conversion-context.ts'
import { ParquetJoin } from './parquet-join.ts'
import { copyToParquet } from './query.ts'
import { dictionaryBytes } from './row-groups.ts'

export interface ConvertedObject {
  readonly index: number
  readonly rows: number
  readonly path: string
  readonly length: number
}

export interface CopyOptions {
  readonly columns: readonly TypedColumn[]
  /** Most rows of a row group. */
  readonly rowGroupRows: number
  /** A number of it may be minus zero. */
  readonly hasMinusZero: boolean
}

/** Rows of an object that are a row group. */
export interface RowGroupQuery {
  readonly query: string
  readonly hasMinusZero: boolean
}

/** Writes the rows of each query as a row group, unless it gives none. Undefined when none of them gives any. */
export async function copyRowGroups(
  conversion: Conversion,
  groups: readonly RowGroupQuery[],
  object: Omit<CopyOptions, 'hasMinusZero'> & { readonly index: number },
): Promise<ConvertedObject | undefined> {
  const path = objectPath(conversion, object.index)
  const joined = new ParquetJoin(path)
  try {
    for (const { query, hasMinusZero } of groups) {
      const part = `${path}-part`
      await copyRows(conversion, query, part, { ...object, hasMinusZero })
      await joined.add([part])
    }
    const { rows, length } = await joined.finish()
    if (rows > 0) return { index: object.index, rows, path, length }
  } finally {
    await joined.close()
  }
  await rm(path)
  return undefined
}

export function objectPath({ folder }: Conversion, index: number): string {
  return join(folder, `object-${index}.parquet`)
}

/** Answers the number of rows, which are a row group unless there is none. */
export async function copyRows(
  { session, rules }: Conversion,
  query: string,
  path: string,
  options: CopyOptions,
): Promise<number> {
  const settings = { ...options, conversion: rules, dictionaryBytes: dictionaryBytes(options.columns) }
  const [rows = 0] = await session.numbers(copyToParquet(query, path, settings))
  return rows
}

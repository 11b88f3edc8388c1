/** An object's rows as a Parquet file. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Conversion } from './conversion-context.ts'
import { joinParquet } from './parquet-join.ts'
import { copyToParquet } from './query.ts'
import { dictionaryBytes } from './row-groups.ts'

export interface ConvertedObject {
  readonly index: number
  readonly rows: number
  readonly path: string
  readonly length: number
}

export interface CopiedObject {
  readonly index: number
  /** Most rows of a row group. */
  readonly rowGroupRows: number
  readonly hasMinusZero: boolean
}

/** Writes all rows of a query, which has some, by one ordered COPY: DuckDB cuts them into row groups. */
export async function copyObject(
  conversion: Conversion,
  query: string,
  object: CopiedObject,
): Promise<ConvertedObject> {
  const path = pathOf(conversion, object)
  const rows = await copy(conversion, query, path, { ...object, isOneRowGroup: false })
  return { index: object.index, rows, path, length: (await stat(path)).size }
}

/** Writes the rows of each query as a row group, unless it gives none. Undefined when none of them gives any. */
export async function copyRowGroups(
  conversion: Conversion,
  queries: readonly string[],
  object: CopiedObject,
): Promise<ConvertedObject | undefined> {
  const path = pathOf(conversion, object)
  const parts: string[] = []
  let rows = 0
  for (const query of queries) {
    const part = parts.length === 0 ? path : `${path}-${parts.length}`
    rows += await copy(conversion, query, part, { ...object, isOneRowGroup: true })
    parts.push(part)
  }
  await joinParquet(parts)
  if (rows > 0) return { index: object.index, rows, path, length: (await stat(path)).size }
  await rm(path)
  return undefined
}

function pathOf({ folder }: Conversion, { index }: CopiedObject): string {
  return join(folder, `object-${index}.parquet`)
}

/** Answers the number of rows. */
async function copy(
  { session, rules, columns }: Conversion,
  query: string,
  path: string,
  object: CopiedObject & { readonly isOneRowGroup: boolean },
): Promise<number> {
  const options = { ...object, conversion: rules, dictionaryBytes: dictionaryBytes(columns) }
  const [rows = 0] = await session.numbers(copyToParquet(query, path, options))
  return rows
}

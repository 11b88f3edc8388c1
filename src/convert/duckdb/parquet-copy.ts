/** Rows as Parquet files: an object is a row group at a time, each written by one ordered COPY, or by some beside each other. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Frame } from '../../domain/frame.ts'
import type { TypedColumn } from '../hive-types.ts'
import type { ObjectRecords } from '../records-by-object.ts'
import { defect, type Conversion } from './conversion-context.ts'
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

/** Cuts the records of an object into row groups, and has each written. */
export interface RowGroups {
  add(frame: Frame): Promise<void>
  /** Has what there is of a row group written. */
  endGroup(): Promise<void>
}

/** The files of a row group, none of which was there before. */
interface WrittenGroup {
  readonly rows: number
  /** Of all columns together, see `ParquetJoin.add`. */
  readonly paths: readonly string[]
}

/** Has a row group written in a turn of the session. @param bytes of its lines */
type WriteGroup = (bytes: number, copy: () => Promise<WrittenGroup>) => Promise<void>

/**
 * Undefined when the object has no rows.
 *
 * @param rowGroups makes what cuts them, with the path of the object
 */
export async function convertObject(
  conversion: Conversion,
  object: ObjectRecords,
  rowGroups: (write: WriteGroup, path: string) => RowGroups,
): Promise<ConvertedObject | undefined> {
  const { session, signal, turns, folder } = conversion
  const path = join(folder, `object-${object.index}.parquet`)
  const joined = new ParquetJoin(path)
  let rows = 0
  const groups = rowGroups(async (bytes, copy) => {
    const written = await session.inTurn(copy, bytes)
    rows += written.rows
    if (written.rows > 0) await joined.add(written.paths)
    else await Promise.all(written.paths.map((each) => rm(each, { force: true })))
  }, path)
  try {
    for await (const frame of object.frames()) {
      signal.throwIfAborted()
      await groups.add(frame)
      if (turns.isOver) await turns.next()
    }
    await groups.endGroup()
    if (rows === 0) return undefined
    const { rows: joinedRows, length } = await joined.finish()
    if (joinedRows !== rows) throw defect(`${rows} rows were written, ${joinedRows} came back`)
    return { index: object.index, rows, path, length }
  } finally {
    await joined.close()
  }
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

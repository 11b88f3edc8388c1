/**
 * The quick conversion of one object, a row group at a time: records become lines, and the lines of a row group rows of DuckDB,
 * at once where they are all proved, else by way of a table in which they are judged.
 */
import { EncoderError } from '../../domain/errors.ts'
import type { ObjectRecords } from '../records-by-object.ts'
import { refuser, type QuickConversion } from './conversion-context.ts'
import { JudgedRows } from './judged-rows.ts'
import { ObjectLines, type Refuse } from './object-lines.ts'
import { convertObject, copyRows, type ConvertedObject, type CopyOptions } from './parquet-copy.ts'
import { provedRows } from './query.ts'
import { QuickPathError } from './quick-path-error.ts'
import type { RowGroupLines } from './row-group-lines.ts'
import { rowGroupRows } from './row-groups.ts'

/**
 * Undefined when the object has no rows.
 *
 * @param place of its first record
 */
export function convertQuickly(
  conversion: QuickConversion,
  object: ObjectRecords,
  place: number,
): Promise<ConvertedObject | undefined> {
  const { newScan, columns } = conversion
  const rowsMax = rowGroupRows(object, columns)
  const refuse = refuser(conversion, place)
  return convertObject(conversion, object, (write, path) => {
    const part = `${path}-part`
    return new ObjectLines({
      ...conversion,
      scan: newScan(),
      rowsMax,
      refuse,
      take: (group) =>
        write(group.bytes, async () => ({
          rows: await (group.isProved ? copyProved : copyJudged)(conversion, group, {
            path: part,
            rowGroupRows: rowsMax,
            refuse,
          }),
          paths: [part],
        })),
    })
  })
}

interface GroupOptions extends Pick<CopyOptions, 'rowGroupRows'> {
  /** Of a file that is not there yet. */
  readonly path: string
  readonly refuse: Refuse
}

/** Answers the number of rows. */
async function copyProved(
  conversion: QuickConversion,
  group: RowGroupLines,
  { path, rowGroupRows: most }: GroupOptions,
): Promise<number> {
  const { columns } = conversion
  const file = await group.flushed()
  if (file === undefined) return 0
  const options = { columns, rowGroupRows: most, hasMinusZero: group.hasMinusZero }
  try {
    const rows = await copyRows(conversion, provedRows(file, columns, group.hasPlain), path, options)
    if (rows === group.lines) return rows
    throw new QuickPathError(`convert: ${group.lines} proved lines were written, ${rows} came back`)
  } catch (error) {
    // Of a value that was not proved after all: a defect of ours, which the exact path makes good.
    if (error instanceof EncoderError && error.code === 'Duckdb')
      throw new QuickPathError(`${error.message} (of proved values)`)
    throw error
  }
}

async function copyJudged(
  conversion: QuickConversion,
  group: RowGroupLines,
  { path, rowGroupRows: most, refuse }: GroupOptions,
): Promise<number> {
  const { columns } = conversion
  const file = await group.flushed()
  if (file === undefined) return 0
  const judged = new JudgedRows(conversion, group, refuse)
  try {
    const { query, hasMinusZero } = await judged.query(file)
    return await copyRows(conversion, query, path, { columns, rowGroupRows: most, hasMinusZero })
  } finally {
    await judged.close()
  }
}

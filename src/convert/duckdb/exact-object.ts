/** The conversion of one object with every record by the exact path: DuckDB does nothing but write, and holds little. */
import { join } from 'node:path'
import type { ObjectRecords } from '../records-by-object.ts'
import { defect, refuser, type ExactConversion } from './conversion-context.ts'
import { copyRows, objectPath, type ConvertedObject } from './parquet-copy.ts'
import { ParquetJoin } from './parquet-join.ts'
import { plainRows, plainRowsOfPart } from './query.ts'
import { rowGroupRowsMax } from './row-groups.ts'
import { RowLines, type RowGroup } from './row-lines.ts'

/**
 * Undefined when the object has no rows.
 *
 * @param place of its first record
 */
export async function convertExactly(
  conversion: ExactConversion,
  object: ObjectRecords,
  place: number,
): Promise<ConvertedObject | undefined> {
  const { session, folder, parts, turns, signal } = conversion
  const path = objectPath(conversion, object.index)
  const joined = new ParquetJoin(path)
  const rowsMax = rowGroupRowsMax(parts)
  let rows = 0
  const lines = new RowLines({
    ...conversion,
    path: join(folder, 'lines'),
    hasMetadata: parts.map((columns) => columns.some(({ field }) => field !== undefined)),
    rowsMax,
    async take(group) {
      const written = await session.inTurn(() => copyParts(conversion, group, path, rowsMax), group.bytes)
      await joined.add(written)
      rows += group.rows
    },
  })
  const refuse = refuser(conversion, place)
  try {
    for await (const frame of object.frames()) {
      signal.throwIfAborted()
      await lines.add(frame, refuse)
      if (turns.isOver) await turns.next()
    }
    await lines.endGroup()
    if (rows === 0) return undefined
    const { rows: joinedRows, length } = await joined.finish()
    if (joinedRows !== rows) throw defect(`${rows} exact rows were written, ${joinedRows} came back`)
    return { index: object.index, rows, path, length }
  } finally {
    await Promise.all([lines.close(), joined.close()])
  }
}

/** Writes each part of a row group as a file; answers their paths. */
async function copyParts(
  conversion: ExactConversion,
  { rows, files, hasMinusZero }: RowGroup,
  path: string,
  rowGroupRows: number,
): Promise<readonly string[]> {
  const written: string[] = []
  const isWhole = conversion.parts.length === 1
  for (const [part, columns] of conversion.parts.entries()) {
    const file = files[part]
    if (file === undefined) throw defect(`part ${part} of ${files.length} has no lines`)
    const partPath = `${path}-${part}`
    const options = { columns, rowGroupRows, hasMinusZero }
    const copied = await copyRows(
      conversion,
      isWhole ? plainRows(file, columns) : plainRowsOfPart(file, columns),
      partPath,
      options,
    )
    if (copied !== rows) throw defect(`${rows} exact rows were written, ${copied} came back`)
    written.push(partPath)
  }
  return written
}

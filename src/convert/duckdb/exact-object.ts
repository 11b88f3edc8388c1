/** The conversion of one object with every record by the exact path: DuckDB does nothing but write, and holds little. */
import type { ObjectRecords } from '../records-by-object.ts'
import { defect, refuser, type ExactConversion } from './conversion-context.ts'
import { convertObject, copyRows, type ConvertedObject } from './parquet-copy.ts'
import { plainRows, plainRowsOfPart } from './query.ts'
import { rowGroupRowsMax } from './row-groups.ts'
import { RowLines, type RowGroup } from './row-lines.ts'

/**
 * Undefined when the object has no rows.
 *
 * @param place of its first record
 */
export function convertExactly(
  conversion: ExactConversion,
  object: ObjectRecords,
  place: number,
): Promise<ConvertedObject | undefined> {
  const { parts } = conversion
  const rowsMax = rowGroupRowsMax(parts)
  return convertObject(
    conversion,
    object,
    (write, path) =>
      new RowLines({
        ...conversion,
        hasMetadata: parts.map((columns) => columns.some(({ field }) => field !== undefined)),
        rowsMax,
        refuse: refuser(conversion, place),
        take: (group) =>
          write(group.bytes, async () => ({
            rows: group.rows,
            paths: await copyParts(conversion, group, path, rowsMax),
          })),
      }),
  )
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

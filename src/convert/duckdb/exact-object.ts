/** The conversion of one object with every record by the exact path: DuckDB does nothing but write, and holds little. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectRecords } from '../records-by-object.ts'
import { defect, refuser, type Conversion } from './conversion-context.ts'
import { RowLines } from './lines.ts'
import { copyObject, type ConvertedObject } from './parquet-copy.ts'
import { plainRows } from './query.ts'
import { rowGroupRows } from './row-groups.ts'

/**
 * Undefined when the object has no rows.
 *
 * @param place of its first record
 */
export async function convertExactly(
  conversion: Conversion,
  object: ObjectRecords,
  place: number,
): Promise<ConvertedObject | undefined> {
  const { folder, columns, turns, signal } = conversion
  const path = join(folder, 'lines')
  const lines = new RowLines({ ...conversion, path })
  const refuse = refuser(conversion, place)
  let bytes = 0
  try {
    for await (const frame of object.frames()) {
      signal.throwIfAborted()
      bytes += frame.recordBytes
      await lines.add(frame, refuse)
      if (turns.isOver) await turns.next()
    }
    const file = await lines.flushed()
    if (file === undefined) return undefined
    const converted = await copyObject(conversion, plainRows(file, columns), {
      index: object.index,
      rowGroupRows: rowGroupRows({ records: lines.records, bytes }, columns),
      hasMinusZero: lines.hasMinusZero,
    })
    if (converted.rows !== lines.rows)
      throw defect(`${lines.rows} exact rows were written, ${converted.rows} came back`)
    return converted
  } finally {
    await lines.close()
    await rm(path, { force: true })
  }
}

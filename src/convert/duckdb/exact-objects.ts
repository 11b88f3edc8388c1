/** The conversion of objects with every record by the exact path: DuckDB does nothing but write, and holds little. */
import type { ObjectRecords } from '../records-by-object.ts'
import { defect, refuser, type ExactConversion } from './conversion-context.ts'
import { ObjectFile, copyRows, type ConvertedObject } from './parquet-copy.ts'
import { plainRows, plainRowsOfPart } from './query.ts'
import { rowGroupRowsMax } from './row-groups.ts'
import { RowLines, type RowGroup } from './row-lines.ts'

/** The objects that have rows, in order. */
export async function convertExactly(conversion: ExactConversion): Promise<ConvertedObject[]> {
  const all: ConvertedObject[] = []
  let place = 0
  for await (const object of conversion.records.objects()) {
    const converted = await convertObject(conversion, object, place)
    if (converted !== undefined) all.push(converted)
    place += object.records
  }
  return all
}

/**
 * Undefined when the object has no rows.
 *
 * @param place of its first record
 */
async function convertObject(
  conversion: ExactConversion,
  object: ObjectRecords,
  place: number,
): Promise<ConvertedObject | undefined> {
  const { session, signal, turns, parts } = conversion
  const rowsMax = rowGroupRowsMax(parts)
  const file = new ObjectFile(conversion, object.index)
  const lines = new RowLines({
    ...conversion,
    hasMetadata: parts.map((columns) => columns.some(({ field }) => field !== undefined)),
    rowsMax,
    refuse: refuser(conversion, place),
    async take(group) {
      const copy = (): Promise<readonly string[]> => copyParts(conversion, group, file.path, rowsMax)
      await file.add(group.rows, await session.inTurn(copy, group.bytes))
    },
  })
  try {
    for await (const frame of object.frames()) {
      signal.throwIfAborted()
      await lines.add(frame)
      if (turns.isOver) await turns.next()
    }
    await lines.endGroup()
    return await file.finish()
  } finally {
    await file.close()
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

/**
 * The quick conversion of the objects of a batch, in order: records become lines, and lines rows of DuckDB. A row group of which
 * all lines are proved is read and written by one query; small objects, and lines that must be judged, by way of a table.
 */
import { EncoderError } from '../../domain/errors.ts'
import type { ObjectRecords } from '../records-by-object.ts'
import { refuser, type QuickConversion } from './conversion-context.ts'
import { JudgedRows } from './judged-rows.ts'
import { ObjectFile, copyRows, type ConvertedObject, type RowGroupQuery } from './parquet-copy.ts'
import { createProved, provedRows, rowsAmong, type LinesFile } from './query.ts'
import { QuickPathError } from './quick-path-error.ts'
import { QuickLines } from './quick-lines.ts'
import type { QuickObject, LineGroup, Segment } from './line-group.ts'
import { rowGroupRows } from './row-groups.ts'

/** Of an object of fewer bytes, to have DuckDB read its lines alone costs more than a table does. */
const SMALL_BYTES = 4 << 20

/** The objects that have rows. */
export async function convertQuickly(conversion: QuickConversion): Promise<ConvertedObject[]> {
  const objects = new QuickObjects(conversion)
  try {
    for await (const object of conversion.records.objects()) await objects.add(object)
    return await objects.end()
  } finally {
    await objects.close()
  }
}

class QuickObjects {
  readonly #conversion: QuickConversion
  readonly #lines: QuickLines
  readonly #converted: ConvertedObject[] = []
  /** Those that are not finished. */
  readonly #open = new Set<ObjectFile>()

  constructor(conversion: QuickConversion) {
    this.#conversion = conversion
    this.#lines = new QuickLines({
      ...conversion,
      scan: conversion.newScan(),
      refuse: refuser(conversion, 0),
      take: (group) => this.#take(group),
    })
  }

  async add(records: ObjectRecords): Promise<void> {
    const { columns, signal, turns } = this.#conversion
    const file = new ObjectFile(this.#conversion, records.index)
    this.#open.add(file)
    const object: QuickObject = {
      file,
      rowsMax: rowGroupRows(records, columns),
      isSmall: records.bytes < SMALL_BYTES,
      isEnded: false,
    }
    await this.#lines.begin(object, records)
    for await (const frame of records.frames()) {
      signal.throwIfAborted()
      await this.#lines.add(frame)
      if (turns.isOver) await turns.next()
    }
    object.isEnded = true
  }

  async end(): Promise<ConvertedObject[]> {
    await this.#lines.endGroup()
    return this.#converted
  }

  async #take(group: LineGroup): Promise<void> {
    const rows =
      group.lines === 0
        ? []
        : await this.#conversion.session.inTurn(() => copyGroup(this.#conversion, group), group.bytes)
    for (const [index, { object }] of group.segments.entries()) {
      const { file, isEnded } = object
      if (rows[index] !== undefined) await file.add(rows[index], [partPath(file)])
      if (!isEnded) continue
      this.#open.delete(file)
      const converted = await file.finish()
      if (converted !== undefined) this.#converted.push(converted)
    }
  }

  async close(): Promise<void> {
    for (const file of this.#open) await file.close()
  }
}

const partPath = ({ path }: ObjectFile): string => `${path}-part`

/** Writes a file of each segment that has lines; answers how many rows each has. */
async function copyGroup(
  conversion: QuickConversion,
  group: LineGroup,
): Promise<readonly (number | undefined)[]> {
  const file = await group.flushed()
  if (file === undefined) return []
  return group.isProved ? copyProved(conversion, group, file) : copyJudged(conversion, group, file)
}

async function copyProved(
  conversion: QuickConversion,
  group: LineGroup,
  file: LinesFile,
): Promise<readonly (number | undefined)[]> {
  const { session, columns } = conversion
  const isOne = group.segments.length === 1
  const queryOf = (segment: Segment): string =>
    isOne ? provedRows(file, columns, group.hasPlain) : rowsAmong('line_rows', segment, columns)
  try {
    if (!isOne) await session.run(createProved('line_rows', file, columns, group.hasPlain))
    return await copySegments(conversion, group, async (segment) => {
      const rows = await copySegment(conversion, segment, { query: queryOf(segment), hasMinusZero: segment.hasMinusZero }) // prettier-ignore
      const lines = segment.end - segment.first
      if (rows !== lines)
        throw new QuickPathError(`convert: ${lines} proved lines were written, ${rows} came back`)
      return rows
    })
  } catch (error) {
    // Of a value that was not proved after all: a defect of ours, which the exact path makes good.
    if (error instanceof EncoderError && error.code === 'Duckdb')
      throw new QuickPathError(`${error.message} (of proved values)`)
    throw error
  }
}

async function copyJudged(
  conversion: QuickConversion,
  group: LineGroup,
  file: LinesFile,
): Promise<readonly (number | undefined)[]> {
  const judged = new JudgedRows(conversion, group, refuser(conversion, 0))
  try {
    await judged.judge(file)
    return await copySegments(conversion, group, async (segment) =>
      copySegment(conversion, segment, await judged.rowGroup(segment)),
    )
  } finally {
    await judged.close()
  }
}

async function copySegments(
  { signal }: QuickConversion,
  { segments }: LineGroup,
  copy: (segment: Segment) => Promise<number>,
): Promise<readonly (number | undefined)[]> {
  const rows: (number | undefined)[] = []
  for (const segment of segments) {
    signal.throwIfAborted()
    rows.push(segment.end === segment.first ? undefined : await copy(segment))
  }
  return rows
}

/** Answers the number of rows. */
function copySegment(
  conversion: QuickConversion,
  { object: { file, rowsMax } }: Segment,
  { query, hasMinusZero }: RowGroupQuery,
): Promise<number> {
  return copyRows(conversion, query, partPath(file), {
    columns: conversion.columns,
    rowGroupRows: rowsMax,
    hasMinusZero,
  })
}

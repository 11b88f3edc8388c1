/**
 * The conversion of one batch: its records, object by object, to one Parquet file each, failed records to a spool. Many
 * objects are converted a slice at a time, so that memory does not grow with the batch.
 */
import { join } from 'node:path'
import type { Frame } from '../../domain/frame.ts'
import type { EncodeInput } from '../../domain/ports.ts'
import type { LayoutOptions } from '../../domain/record-layout/layout.ts'
import { FailureSpool } from '../failure-spool.ts'
import type { TypedColumn } from '../hive-types.ts'
import { plannedColumns, tableColumns } from '../metadata-columns.ts'
import { recordsByObject } from '../records-by-object.ts'
import { Turns } from '../turns.ts'
import { columnParts } from './column-parts.ts'
import type { Conversion, ExactConversion, QuickConversion } from './conversion-context.ts'
import type { Session } from './engine.ts'
import { convertExactly } from './exact-object.ts'
import { exactScanner, partScanner } from './exact-record.ts'
import { judgedValues, lineTable, metadataLineColumns, plainColumns } from './line-columns.ts'
import { MetadataLines, metadataKeys } from './metadata-lines.ts'
import type { ConvertedObject } from './parquet-copy.ts'
import { doubtfulRecords, type FindDoubtful } from './raw-doubt.ts'
import { Slice } from './slice.ts'

/** DuckDB holds some 100 KiB a value and thread for judging it: a wider table goes the exact path. */
const JUDGED_VALUES_MAX = 128
/** A slice ends before it has more bytes of records, unless one object has: those of the largest batch of AWS. */
const SLICE_BYTES = 128 << 20

export interface Converted {
  /** In order; each has rows. */
  readonly objects: readonly ConvertedObject[]
  readonly failures: FailureSpool
}

export interface ConvertOptions {
  /** Of files that are not there yet. */
  readonly folder: string
  /** Every record by the exact path; the rows and verdicts are the same. */
  readonly careful: boolean
  readonly layout: LayoutOptions | undefined
}

export async function convertBatch(
  session: Session,
  input: EncodeInput,
  { folder, careful, layout }: ConvertOptions,
): Promise<Converted> {
  const rules = input.plan.destination.conversion
  if (rules === undefined || input.plan.columns === undefined) {
    throw new Error(`encode batch ${input.batch.batchId}: its plan converts nothing`)
  }
  const columns = plannedColumns(input.plan)
  const table = tableColumns(columns)
  const isWide = judgedValues(table) > JUDGED_VALUES_MAX
  const quick = careful || isWide ? undefined : lineTable(table, rules, await firstFrame(input))
  const tableLines = quick?.columns ?? plainColumns(table)
  const plainKeys = tableLines.map(({ plainKey }) => plainKey)
  const ownKeys = metadataKeys([
    ...columns,
    ...tableLines.map(({ key, type }) => ({ name: key.toLowerCase(), type })),
  ])
  const withMetadata = ownKeys.length > 0
  const records = await recordsByObject(input, { path: () => join(folder, 'records'), withMetadata })
  const failures = new FailureSpool(join(folder, 'failures'))
  const conversion = {
    session,
    signal: input.signal,
    folder,
    rules,
    columns: [...tableLines, ...metadataLineColumns(columns.slice(table.length), ownKeys)],
    metadata: withMetadata ? new MetadataLines(columns, ownKeys) : undefined,
    records,
    failures,
    turns: new Turns(),
  }
  try {
    const objects =
      quick === undefined
        ? await convertAllExactly(exactConversion(conversion, table))
        : await convertSlices(
            { ...conversion, scan: exactScanner(table, plainKeys, rules) },
            doubtfulRecords(quick, rules, layout),
          )
    return { objects, failures }
  } finally {
    await Promise.all([failures.close(), records.dispose()])
  }
}

function exactConversion(conversion: Conversion, table: readonly TypedColumn[]): ExactConversion {
  const parts = columnParts(conversion.columns)
  return { ...conversion, parts, scan: partScanner(table, parts, conversion.rules, parts.length === 1) }
}

async function firstFrame(input: EncodeInput): Promise<Frame | undefined> {
  for await (const frame of input.frames()) return frame
  return undefined
}

async function convertSlices(
  conversion: QuickConversion,
  findDoubtful: FindDoubtful,
): Promise<ConvertedObject[]> {
  const converted: ConvertedObject[][] = []
  let place = 0
  let slice = await Slice.begin(conversion, findDoubtful, place)
  try {
    for await (const object of conversion.records.objects()) {
      if (slice.bytes > 0 && slice.bytes + object.bytes > SLICE_BYTES) {
        converted.push(await slice.convert())
        place += slice.records
        await slice.end()
        slice = await Slice.begin(conversion, findDoubtful, place)
      }
      await slice.add(object)
    }
    converted.push(await slice.convert())
  } finally {
    await slice.end()
  }
  return converted.flat()
}

async function convertAllExactly(conversion: ExactConversion): Promise<ConvertedObject[]> {
  const all: ConvertedObject[] = []
  let place = 0
  for await (const object of conversion.records.objects()) {
    const converted = await convertExactly(conversion, object, place)
    if (converted !== undefined) all.push(converted)
    place += object.records
  }
  return all
}

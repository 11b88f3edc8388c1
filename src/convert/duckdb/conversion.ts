/** The conversion of one batch: its records, object by object, to one Parquet file each, failed records to a spool. */
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
import type { Conversion } from './conversion-context.ts'
import type { Session } from './engine.ts'
import { convertExactly } from './exact-objects.ts'
import { exactScanner, partScanner, type ScanExactly } from './exact-record.ts'
import {
  judgedValues,
  lineTable,
  metadataLineColumns,
  plainColumns,
  type LineColumn,
} from './line-columns.ts'
import { LinesWriter } from './lines-writer.ts'
import { MetadataLines, metadataKeys } from './metadata-lines.ts'
import type { ConvertedObject } from './parquet-copy.ts'
import { convertQuickly } from './quick-objects.ts'
import { recordJudge, type JudgeRecords } from './raw-doubt.ts'

/** DuckDB holds some 100 KiB a value and thread for judging it: a wider table goes the exact path. */
const JUDGED_VALUES_MAX = 128

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
  const ownKeys = metadataKeys(columns)
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
  const options = { ...layout, records: input.batch.records }
  const converter =
    quick === undefined
      ? exactly(conversion, table)
      : quickly(conversion, table, quick.columns, recordJudge(quick, rules, options))
  try {
    return { objects: await converter.convert(), failures }
  } finally {
    await Promise.all([failures.close(), records.dispose(), converter.close()])
  }
}

interface Converter {
  /** Answers the objects that have rows, in order. */
  convert(): Promise<ConvertedObject[]>
  close(): Promise<void>
}

function exactly(conversion: Conversion, table: readonly TypedColumn[]): Converter {
  const parts = columnParts(conversion.columns)
  const path = join(conversion.folder, 'lines')
  const lines = parts.map((_, part) => new LinesWriter(`${path}-${part}`, parts.length))
  const scan = partScanner(table, parts, conversion.rules, parts.length === 1)
  return {
    convert: () => convertExactly({ ...conversion, lines, parts, scan }),
    async close() {
      await Promise.all(lines.map((each) => each.close()))
    },
  }
}

function quickly(
  conversion: Conversion,
  table: readonly TypedColumn[],
  lineColumns: readonly LineColumn[],
  judge: JudgeRecords,
): Converter {
  const lines = new LinesWriter(join(conversion.folder, 'lines'))
  const keys = lineColumns.map(({ plainKey }) => plainKey)
  const newScan = (): ScanExactly => exactScanner(table, keys, conversion.rules)
  return {
    convert: () => convertQuickly({ ...conversion, lines, judge, newScan }),
    close: () => lines.close(),
  }
}

async function firstFrame(input: EncodeInput): Promise<Frame | undefined> {
  for await (const frame of input.frames()) return frame
  return undefined
}

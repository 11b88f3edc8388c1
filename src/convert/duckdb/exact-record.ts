/**
 * The exact path: a record read by our own reader, its values written as lines that DuckDB takes without a doubt. It gives
 * every verdict; DuckDB only says which records are beyond doubt.
 */
import type { TypedColumn } from '../hive-types.ts'
import { recordScanner, type Row } from '../json-record.ts'
import type { ConversionRules } from '../json-rules.ts'
import type { Verdict } from '../verdicts.ts'
import { plainWriter, type WritePlain } from './plain-json.ts'

/** A row as the members of a JSON object, without braces; empty when all columns are null. */
export interface ExactRow {
  readonly members: string
  readonly verdict?: never
}

/** The rows of a record; a verdict comes last and is the record's: the first document's, the first column's. */
export type ScanExactly = (
  record: Uint8Array,
) => Iterable<ExactRow | { readonly verdict: Verdict; readonly members?: never }>

/**
 * @param keys the key that the lines use for each column
 * @param withNulls nulls are written out too
 */
export function exactScanner(
  columns: readonly TypedColumn[],
  keys: readonly string[],
  rules: ConversionRules,
  withNulls = false,
): ScanExactly {
  const scan = recordScanner(columns, rules)
  const members = columns.map(({ type }, index) => ({
    start: `${JSON.stringify(keys[index] ?? '')}:`,
    write: plainWriter(type),
  }))
  return function* rowsOf(record) {
    for (const { row, verdict } of scan(record)) {
      yield verdict === undefined ? { members: membersOf(row, members, withNulls) } : { verdict }
    }
  }
}

interface Member {
  readonly start: string
  readonly write: WritePlain
}

function membersOf(row: Row, members: readonly Member[], withNulls: boolean): string {
  let text = ''
  for (const [index, { start, write }] of members.entries()) {
    const value = row[index] ?? null
    if (value === null && !withNulls) continue
    if (text !== '') text += ','
    text += start
    text += value === null ? 'null' : write(value)
  }
  return text
}

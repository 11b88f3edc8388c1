/**
 * The exact path: a record read by our own reader, its values written as lines that DuckDB takes without a doubt. It gives
 * every verdict; DuckDB only says which records are beyond doubt.
 */
import type { TypedColumn } from '../hive-types.ts'
import { recordScanner, type Row } from '../json-record.ts'
import type { ConversionRules } from '../json-rules.ts'
import type { Turns } from '../turns.ts'
import type { Verdict } from '../verdicts.ts'
import { plainWriter, type WritePlain } from './plain-json.ts'

/** A row as the members of a JSON object, without braces; empty when all columns are null. */
export interface ExactRow {
  readonly members: string
  readonly verdict?: never
}

/** A row as such members for each part of its table. */
export interface RowParts {
  readonly parts: readonly string[]
  readonly verdict?: never
}

/** The rows of a record; a verdict comes last and is the record's: the first document's, the first column's. */
export type Scan<Read> = (record: Uint8Array) => Iterable<Read | { readonly verdict: Verdict }>

export type ScanExactly = Scan<ExactRow>
export type ScanParts = Scan<RowParts>

/** @param keys the key that the lines use for each column */
export function exactScanner(
  columns: readonly TypedColumn[],
  keys: readonly string[],
  rules: ConversionRules,
): ScanExactly {
  const members = columns.map(({ type }, index) => memberOf(index, keys[index] ?? '', plainWriter(type)))
  return scanner(columns, rules, (row) => ({ members: membersOf(row, members, false) }))
}

interface KeyedColumn extends TypedColumn {
  readonly plainKey: string
}

/**
 * @param parts columns of this table, whole or some of their fields, and metadata columns, which are not of a record
 * @param withNulls columns that are null are written out too
 */
export function partScanner(
  columns: readonly TypedColumn[],
  parts: readonly (readonly KeyedColumn[])[],
  rules: ConversionRules,
  withNulls: boolean,
): ScanParts {
  const places = new Map(columns.map((column, index) => [column.name, { column, index }]))
  const membersOfParts = parts.map((part) =>
    part.flatMap(({ name, plainKey, type, field }) => {
      if (field !== undefined) return []
      const { column, index } = places.get(name) ?? {}
      if (column === undefined || index === undefined) throw new Error(`there is no column ${name}`)
      return memberOf(index, plainKey, plainWriter(column.type, type))
    }),
  )
  return scanner(columns, rules, (row) => ({
    parts: membersOfParts.map((members) => membersOf(row, members, withNulls)),
  }))
}

function scanner<Read>(
  columns: readonly TypedColumn[],
  rules: ConversionRules,
  written: (row: Row) => Read,
): Scan<Read> {
  const scan = recordScanner(columns, rules)
  return function* rowsOf(record) {
    for (const { row, verdict } of scan(record)) yield verdict === undefined ? written(row) : { verdict }
  }
}

interface Member {
  readonly index: number
  readonly start: string
  readonly write: WritePlain
}

function memberOf(index: number, key: string, write: WritePlain): Member {
  return { index, start: `${JSON.stringify(key)}:`, write }
}

function membersOf(row: Row, members: readonly Member[], withNulls: boolean): string {
  let text = ''
  for (const { index, start, write } of members) {
    const value = row[index] ?? null
    if (value === null && !withNulls) continue
    if (text !== '') text += ','
    text += start
    text += value === null ? 'null' : write(value)
  }
  return text
}

/** A record's verdict, or its rows without ever holding many. */
export class ExactRecords<Read extends { readonly verdict?: never }> {
  readonly #scan: Scan<Read>
  readonly #turns: Turns

  constructor(scan: Scan<Read>, turns: Turns) {
    this.#scan = scan
    this.#turns = turns
  }

  /** Gives the record's rows to `take`, or none when it fails; answers the verdict then. */
  async rows(record: Uint8Array, take: (row: Read) => Promise<void>): Promise<Verdict | undefined> {
    let first: Read | undefined
    let rows = 0
    for (const row of this.#scan(record)) {
      if (row.verdict !== undefined) return row.verdict
      first ??= row
      rows += 1
    }
    if (rows === 1 && first !== undefined) await take(first)
    else await this.#readAgain(record, take)
    if (this.#turns.isOver) await this.#turns.next()
    return undefined
  }

  async #readAgain(record: Uint8Array, take: (row: Read) => Promise<void>): Promise<void> {
    for (const row of this.#scan(record)) {
      if (row.verdict !== undefined) throw new Error('read record: a second reading gave another verdict')
      await take(row)
      if (this.#turns.isOver) await this.#turns.next()
    }
  }
}

/**
 * The exact reader of one record: its bytes to the values of the columns, or what is wrong with it.
 *
 * Strict RFC 8259, on our own because numbers must keep their digits (JSON.parse rounds them) and both engines must give
 * one verdict. What is not in that standard was decided so:
 *
 * - A record holds one JSON object, or several with white space or nothing between them; each is a row. What is wrong
 *   with one is wrong with the record: the first thing met in reading order, but of values that do not fit, which are
 *   looked at once the document is known to be JSON, the first column's.
 * - A byte order mark at the start of a record is skipped.
 * - Of two equal keys the first counts, also when they are equal only after lower-casing.
 * - Half a surrogate pair (`\ud800`) has no UTF-8 and is malformed.
 *
 * How a value becomes a column's is json-value's.
 */
import { isUtf8 } from 'node:buffer'
import { OPEN_BRACE, OPEN_BRACKET } from '../domain/json-bytes.ts'
import type { TypedColumn } from './hive-types.ts'
import type { HiveValue } from './hive-values.ts'
import { JsonCursor } from './json-cursor.ts'
import { Reading, type ReadJson } from './json-reading.ts'
import { foldsData, jsonKey, keyMatcher, type ConversionRules } from './json-rules.ts'
import { jsonReader } from './json-value.ts'
import { Refused, refusals } from './refusal.ts'
import { verdicts, type Verdict } from './verdicts.ts'

/** The value of each column in schema order, null where there is none. */
export type Row = readonly (HiveValue | null)[]

export type RecordReading =
  | { readonly rows: readonly Row[]; readonly verdict?: never }
  | { readonly verdict: Verdict; readonly rows?: never }

export type ReadRecord = (record: Uint8Array) => RecordReading

/** A reader for the records of one schema. */
export function recordReader(columns: readonly TypedColumn[], rules: ConversionRules): ReadRecord {
  const scan = recordScanner(columns, rules)
  return (record) => {
    const rows: Row[] = []
    for (const { row, verdict } of scan(record)) {
      if (verdict !== undefined) return { verdict }
      rows.push(row)
    }
    return { rows }
  }
}

export type Scanned =
  { readonly row: Row; readonly verdict?: never } | { readonly verdict: Verdict; readonly row?: never }

/**
 * The same, one row at a time: 1,000 KiB of `{}` are half a million. A verdict comes last and is the record's.
 * One record at a time for each scanner.
 */
export function recordScanner(
  columns: readonly TypedColumn[],
  rules: ConversionRules,
): (record: Uint8Array) => Iterable<Scanned> {
  const reader = new RowReader(columns, rules)
  return (record) => {
    if (record.byteLength === 0) return [{ verdict: verdicts.empty }]
    if (!isUtf8(record)) return [{ verdict: verdicts.notUtf8 }]
    const { buffer, byteOffset, byteLength } = record
    return reader.scan(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'))
  }
}

class RowReader {
  /** Columns of each key; several only where `jsonKeys` gives them the same. */
  readonly #columnsOf = new Map<string, readonly number[]>()
  readonly #matched: (key: string) => string
  readonly #readers: readonly ReadJson[]
  readonly #noValues: readonly (HiveValue | null | undefined)[]
  readonly #json: JsonCursor
  readonly #reading: Reading
  /** The first column whose value does not fit, and what is said of it. */
  #misfit = Infinity
  #verdict: Verdict | undefined

  constructor(columns: readonly TypedColumn[], rules: ConversionRules) {
    this.#json = new JsonCursor(foldsData(rules))
    this.#reading = new Reading(this.#json)
    this.#matched = keyMatcher(rules)
    this.#readers = columns.map(({ type }) => jsonReader(type, rules, this.#reading))
    this.#noValues = columns.map(() => undefined)
    for (const [index, { name }] of columns.entries()) {
      const key = this.#matched(jsonKey(name, rules))
      this.#columnsOf.set(key, [...(this.#columnsOf.get(key) ?? []), index])
    }
  }

  *scan(text: string): Generator<Scanned> {
    const json = this.#json
    json.open(text)
    try {
      let next = json.next()
      if (Number.isNaN(next)) throw refusals.empty
      for (; !Number.isNaN(next); next = json.next()) {
        if (next !== OPEN_BRACE) throw this.#notAnObject(next)
        const row = this.#row()
        if (this.#verdict !== undefined) {
          yield { verdict: this.#verdict }
          return
        }
        yield { row }
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      yield { verdict: error.verdict }
    } finally {
      json.close()
    }
  }

  /** A well-formed array or scalar is not a record; anything else is not JSON. */
  #notAnObject(next: number): Refused {
    this.#json.skip(0)
    return next === OPEN_BRACKET ? refusals.array : refusals.primitive
  }

  #row(): Row {
    const json = this.#json
    const row = this.#noValues.slice()
    this.#misfit = Infinity
    this.#verdict = undefined
    this.#reading.startRow()
    if (json.enter(0)) {
      do {
        const columns = this.#columnsOf.get(this.#matched(json.key()))
        const first = columns?.[0]
        if (columns === undefined || first === undefined || row[first] !== undefined) json.skip(1)
        else {
          const start = json.at
          for (const column of columns) {
            json.return(start)
            row[column] = this.#value(column)
          }
        }
      } while (json.hasMember())
    }
    for (let index = 0; index < row.length; index += 1) row[index] ??= null
    return row as Row
  }

  #value(column: number): HiveValue | null {
    const value = this.#readers[column]?.(1) ?? null
    const verdict = this.#reading.takeVerdict()
    if (verdict !== undefined && column < this.#misfit) {
      this.#misfit = column
      this.#verdict = verdict
    }
    return value
  }
}

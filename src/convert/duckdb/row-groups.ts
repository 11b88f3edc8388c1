/**
 * What of a file DuckDB holds in memory while it writes it. That is a row group: what its values take, and for each row and
 * column some bytes for whether there is a value. So it decides how many rows a row group has, the same in every attempt.
 */
import type { SealedBatch } from '../../domain/batch.ts'
import { isTextKind } from '../accepted-text.ts'
import { isNested, type HiveType, type TypedColumn } from '../hive-types.ts'
import { partsOf } from './column-sql.ts'

/** Of records, or of the fixed width of rows. */
const ROW_GROUP_BYTES = 32 << 20
/** DuckDB's own size of a row group. */
const ROW_GROUP_ROWS_MAX = 122_880
/** A row group is made of whole vectors. */
const VECTOR_ROWS = 2048

export function rowGroupRows(
  { records, bytes }: Pick<SealedBatch, 'records' | 'bytes'>,
  columns: readonly TypedColumn[],
): number {
  return rowsOf(Math.max(bytes / Math.max(1, records), rowBytes(columns)))
}

/** The same of a table that is written in parts, however long its records are. */
export function rowGroupRowsMax(parts: readonly (readonly TypedColumn[])[]): number {
  return rowsOf(Math.max(...parts.map(rowBytes)))
}

function rowsOf(bytes: number): number {
  const rows = Math.floor(ROW_GROUP_BYTES / Math.max(1, bytes))
  return Math.max(VECTOR_ROWS, Math.min(ROW_GROUP_ROWS_MAX, rows - (rows % VECTOR_ROWS)))
}

function rowBytes(columns: readonly TypedColumn[]): number {
  return columns.reduce((sum, { type }) => sum + fixedBytes(type), 0)
}

/** For the dictionaries of all columns of text together. */
const DICTIONARIES_BYTES = 32 << 20
/** DuckDB's own limit of one of them, which it takes memory for before there is a value. */
const DICTIONARY_BYTES_MAX = 1 << 20

/** Most bytes of the dictionary of a column of text. */
export function dictionaryBytes(columns: readonly TypedColumn[]): number {
  const texts = columns.reduce((sum, { type }) => sum + textsIn(type), 0)
  return Math.min(DICTIONARY_BYTES_MAX, Math.floor(DICTIONARIES_BYTES / Math.max(1, texts)))
}

function textsIn(type: HiveType): number {
  if (!isNested(type)) return isTextKind(type.kind) ? 1 : 0
  return partsOf(type).reduce((sum, part) => sum + textsIn(part), 0)
}

/** What a value takes that is null, with those that may be in it: DuckDB makes room for one in each list. */
function fixedBytes(type: HiveType): number {
  const own = type.kind === 'struct' ? 1 : 16
  return isNested(type) ? partsOf(type).reduce((sum, part) => sum + fixedBytes(part), own) : own
}

/**
 * What of the file DuckDB holds in memory. How many rows a row group has: it holds one while it writes it: what its values take, and for
 * each row and column some bytes whether there is a value or not. The same in every attempt.
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
  const recordBytes = bytes / Math.max(1, records)
  const rowBytes = columns.reduce((sum, { type }) => sum + fixedBytes(type), 0)
  const rows = Math.floor(ROW_GROUP_BYTES / Math.max(1, recordBytes, rowBytes))
  return Math.max(VECTOR_ROWS, Math.min(ROW_GROUP_ROWS_MAX, rows - (rows % VECTOR_ROWS)))
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

/** What a value takes that is null. */
function fixedBytes(type: HiveType): number {
  if (!isNested(type)) return 16
  return type.kind === 'struct' ? partsOf(type).reduce((sum, part) => sum + fixedBytes(part), 1) : 16
}

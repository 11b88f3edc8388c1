/** The SQL of the keys of partitions. Row n of `key_texts` is line n; NULL is a record that is left to jq. */
import type { KeyPlan } from '../key-plan.ts'
import { readLines, type LinesFile } from './query.ts'

export function createKeyTexts(file: LinesFile, { columns, tuple }: KeyPlan): string {
  const names = columns.map((_, index) => `r${index}`).join(', ')
  return (
    `CREATE TEMP TABLE key_texts AS SELECT ${tuple} AS t ` +
    `FROM (SELECT * FROM ${readLines(file, columns, true)}) AS lines(${names})`
  )
}

/** Each tuple once, in order of its first record: its row is its number. */
export const createTuples =
  'CREATE TEMP TABLE key_tuples AS SELECT t, min(rowid) AS first ' +
  'FROM key_texts WHERE t IS NOT NULL GROUP BY t ORDER BY first'

export const orderedTuples = 'SELECT t FROM key_tuples ORDER BY first'

/**
 * The number of each line's tuple, or -1, in order of the lines: by a type of the tuples, where the scan of one table keeps
 * its order (preserve_insertion_order), or by a join, which may spill.
 */
export const enumOfTuples = 'CREATE TEMP TYPE key_tuple AS ENUM (SELECT t FROM key_tuples ORDER BY first)'
export const enumTuples = 'SELECT coalesce(enum_code(t::key_tuple)::INTEGER, -1) FROM key_texts'
export const joinedTuples =
  'SELECT coalesce(key_tuples.rowid::INTEGER, -1) FROM key_texts LEFT JOIN key_tuples USING (t) ' +
  'ORDER BY key_texts.rowid'

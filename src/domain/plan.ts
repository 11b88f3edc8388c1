/**
 * A plan: everything a delivery decides, pinned in the buffer before its first put (the first writer wins, the others
 * read it). With the plan pinned, keys, rows and verdicts of a batch are the same in every attempt and every process.
 */
import type { Column, S3Destination, TableRef } from './delivery-stream.ts'

export type Engine = 'duckdb' | 'js' | 'raw'

export interface Plan {
  /** Version of the destination that this plan was made from. */
  readonly version: number
  readonly destination: S3Destination
  /** What turns records into objects: an engine of conversion, or `raw` when the stream converts nothing. */
  readonly engine: Engine
  readonly engineVersion: string
  /** Resolved columns in schema order; absent with `raw`. */
  readonly columns?: readonly Column[]
  /** The table that the columns came from, as error records name it. */
  readonly table?: TableRef
}

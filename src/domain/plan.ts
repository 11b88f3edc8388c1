/**
 * A plan: everything a delivery decides, pinned in the buffer before its first put (the first writer wins, the others
 * read it). With the plan pinned, keys, rows and verdicts of a batch are the same in every attempt and every process.
 */
import type { Column, S3Destination, TableRef } from './delivery-stream.ts'

export type ConvertingEngine = 'duckdb' | 'js'
export type Engine = ConvertingEngine | 'raw'

/** What delivers records as they are, and its version: it goes up when the same batch would make other objects. */
export const RAW = { engine: 'raw', engineVersion: '1' } as const

/**
 * Of the rules by which both engines take values and refuse them, and part of the version of each: it goes up when a record
 * would get another row or verdict.
 */
export const CONVERSION_RULES_VERSION = '3'

/** Goes up when the same batch and plan would be processed or partitioned otherwise. */
export const PROCESSORS_VERSION = '2'

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
  /** Version of what processes and partitions records; absent when the destination asks for neither. */
  readonly processorsVersion?: string
  /** Partitions of a batch beyond which a record of another fails; 0: no limit. There with dynamic partitioning. */
  readonly maxPartitions?: number
  /** There with a query of partition keys. */
  readonly queryLimits?: QueryLimits
}

/** What jq may take. Its steps are counted, not its time, so that every process comes to the same end with a record. */
export interface QueryLimits {
  /** About how long one block, or one record alone, may take on a machine of 2024. */
  readonly queryMaxMs: number
  /** Of one block. */
  readonly queryOutputMaxBytes: number
}

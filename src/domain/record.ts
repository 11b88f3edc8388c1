/** Record ids: opaque to clients, but they lead an operator to the batch and object a record went to. */
import type { StreamRef } from './delivery-stream.ts'

/** Where a record is: the append that brought it and its index there. */
export interface RecordPosition {
  readonly incarnation: string
  readonly appendSequence: number
  readonly index: number
}

/**
 * The fixed part of the record ids of one append; `recordId` adds the index. Short on purpose: 500 of them are a third
 * of the answer to a PutRecordBatch.
 */
export function recordIdPrefix(stream: StreamRef, appendSequence: number): string {
  return `${stream.incarnation}${appendSequence.toString(36)}.`
}

export function recordId(prefix: string, index: number): string {
  return prefix + index.toString(36)
}

/** The position that a record id names, or undefined when it is not one of ours. */
export function parseRecordId(id: string): RecordPosition | undefined {
  const match = /^([0-9a-f]{16})([0-9a-z]{1,11})\.([0-9a-z]{1,4})$/.exec(id)
  if (match === null) return undefined
  const [, incarnation, sequence, index] = match
  if (incarnation === undefined || sequence === undefined || index === undefined) return undefined
  return { incarnation, appendSequence: Number.parseInt(sequence, 36), index: Number.parseInt(index, 36) }
}

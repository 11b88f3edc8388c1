/**
 * Metadata columns: where each record came from, in columns after the table's own. Both engines take their values from here.
 * They are the record's, so all rows of a record have the same; a frame without metadata gives nulls.
 */
import type { Log } from '../account/log.ts'
import type { Column, MetadataField } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import type { Plan } from '../domain/plan.ts'
import type { EncodeInput } from '../domain/ports.ts'
import type { RecordMetadata } from '../domain/record-metadata.ts'
import { JoinedFrame } from './joined-frames.ts'
import { INTEGER_RANGE, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './accepted-text.ts'
import { typedColumns, type TypedColumn } from './hive-types.ts'

const TYPES: Readonly<Record<MetadataField, 'string' | 'int' | 'timestamp'>> = {
  shardId: 'string',
  sequenceNumber: 'string',
  subSequenceNumber: 'int',
  partitionKey: 'string',
  arrival: 'timestamp',
}

/**
 * The columns of a plan's objects: the table's, then the metadata columns, which have a `field`. A metadata column whose name
 * the table has taken since the stream was made gives way, or the batch would be stuck with its plan. Throws as
 * `typedColumns` does.
 */
export function plannedColumns({ columns: table = [], destination }: Plan): readonly TypedColumn[] {
  // Without columns of its own a table is an error, whatever else is there.
  if (table.length === 0) return typedColumns(table)
  const metadata = (destination.conversion?.metadataColumns ?? []).filter(({ name }) => !has(table, name))
  const columns = typedColumns(
    [...table, ...metadata.map(({ name, field }) => ({ name, type: TYPES[field] }))],
    destination.conversion,
  )
  return columns.map((column, index) => {
    const field = metadata[index - table.length]?.field
    return field === undefined ? column : { ...column, field }
  })
}

const has = (table: readonly Column[], wanted: string): boolean => table.some(({ name }) => name === wanted)

/** Tells the operator of metadata columns that gave way. */
export function warnOfTakenColumns(log: Log, { batch, plan }: EncodeInput): void {
  const { columns: table = [], destination } = plan
  const taken = destination.conversion?.metadataColumns?.filter(({ name }) => has(table, name)) ?? []
  if (taken.length === 0) return
  const fields = { deliveryStream: batch.stream.name, batchId: batch.batchId }
  log.warn(
    { ...fields, columns: taken.map(({ name }) => name) },
    'metadata columns gave way to the table’s own',
  )
}

/** The columns that are read from records. */
export function tableColumns(columns: readonly TypedColumn[]): readonly TypedColumn[] {
  return columns.filter(({ field }) => field === undefined)
}

/** What the metadata columns among these hold, in their order. */
export function metadataFields(columns: readonly TypedColumn[]): readonly MetadataField[] {
  return columns.flatMap(({ field }) => field ?? [])
}

/** Strings are themselves; a place in an aggregate and an arrival (epoch ms) are whole numbers in their columns' range. */
export type MetadataValue = string | number | null

export type ReadField = (metadata: RecordMetadata, shardId: string) => MetadataValue

const [, INT_MAX] = INTEGER_RANGE.int.map(Number) as [number, number]

export const readField: Readonly<Record<MetadataField, ReadField>> = {
  shardId: (_, shardId) => shardId,
  sequenceNumber: ({ sequenceNumber }) => sequenceNumber,
  subSequenceNumber: ({ subSequenceNumber: place }) =>
    place === undefined || place > INT_MAX ? null : place,
  partitionKey: ({ partitionKey }) => partitionKey,
  arrival({ arrivalMs }) {
    const ms = Math.floor(arrivalMs)
    return ms >= TIMESTAMP_MS_MIN && ms <= TIMESTAMP_MS_MAX ? ms : null
  },
}

/** Something of each record of a frame by its metadata, in order; of a record without metadata `none`. */
export function* eachMetadata<T>(
  frame: Frame,
  of: (metadata: RecordMetadata, shardId: string) => T,
  none: T,
): Generator<T, undefined> {
  if (frame instanceof JoinedFrame) {
    for (const part of frame.parts) yield* eachMetadata(part, of, none)
    return
  }
  const { metadata } = frame
  if (metadata === undefined) {
    for (let index = 0; index < frame.records; index += 1) yield none
    return
  }
  const { shardId } = metadata
  for (const record of metadata) yield of(record, shardId)
}

/**
 * Error records: what an object under the error prefix holds, one line of JSON for each record that failed
 * (docs.aws.amazon.com/firehose/latest/dev/retry.html; names and order of the fields as files of the real service have
 * them, which differ by error type). Lines are pure, so that a repeated delivery writes the same object: times come from the
 * batch, not from the clock.
 */
import type { SealedBatch } from '../domain/batch.ts'
import type { TableRef } from '../domain/delivery-stream.ts'
import { unreachable } from '../domain/errors.ts'
import type { Plan } from '../domain/plan.ts'
import type { LocatedFailure } from './failed-records.ts'

const ORDINAL_DIGITS = 12

/** The line of a failed record, with its newline. Times are epoch milliseconds, `rawData` is base64. */
export function errorLine(record: LocatedFailure, batch: SealedBatch, plan: Plan): string {
  switch (record.errorType) {
    case 'format-conversion-failed':
      return `${JSON.stringify(conversionFailure(record, batch, plan))}\n`
    case 'decompression-failed':
    case 'metadata-extraction-failed':
    case 'partitioning-failed':
    case 'processing-failed':
      return `${JSON.stringify(processingFailure(record, batch))}\n`
    default:
      return unreachable(record.errorType)
  }
}

function conversionFailure(record: LocatedFailure, batch: SealedBatch, plan: Plan): object {
  return {
    attemptsMade: 1,
    arrivalTimestamp: arrivalOf(record),
    lastErrorCode: record.code,
    lastErrorMessage: record.message,
    attemptEndingTimestamp: endOf(record, batch),
    rawData: base64(record.rawData),
    sequenceNumber: record.source?.sequenceNumber ?? sequenceNumber(batch, record.ordinal),
    subSequenceNumber: record.source?.subSequenceNumber ?? null,
    dataCatalogTable: plan.table === undefined ? null : dataCatalogTable(plan.table),
  }
}

/** The service has no sequence numbers here; a record of a data stream could not be found without. */
function processingFailure(record: LocatedFailure, batch: SealedBatch): object {
  const { source } = record
  return {
    rawData: base64(record.rawData),
    errorCode: record.code,
    errorMessage: record.message,
    attemptsMade: 1,
    arrivalTimestamp: arrivalOf(record),
    attemptEndingTimestamp: endOf(record, batch),
    ...(source && {
      sequenceNumber: source.sequenceNumber,
      subSequenceNumber: source.subSequenceNumber ?? null,
    }),
  }
}

function arrivalOf({ arrivalMs }: LocatedFailure): number {
  return Math.trunc(arrivalMs)
}

function endOf({ arrivalMs }: LocatedFailure, { sealedAtMs }: SealedBatch): number {
  return Math.trunc(Math.max(arrivalMs, sealedAtMs))
}

/**
 * Digits, as Kinesis has them, that grow with the order of records within a delivery stream: the first append of the
 * batch (which leads to its journal entry), then the record's place in the batch in twelve digits. Of a record that came by
 * the API.
 */
export function sequenceNumber(batch: SealedBatch, ordinal: number): string {
  return `${batch.firstAppend}${String(ordinal).padStart(ORDINAL_DIGITS, '0')}`
}

function dataCatalogTable(table: TableRef): Record<string, string | null> {
  return {
    catalogId: table.catalogId ?? null,
    databaseName: table.databaseName,
    tableName: table.tableName,
    region: table.region,
    versionId: table.versionId,
    roleArn: table.roleArn ?? null,
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

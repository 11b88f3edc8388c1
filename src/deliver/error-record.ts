/**
 * Error records: what an object under the error prefix holds, one line of JSON for each record that could not be converted
 * (docs.aws.amazon.com/firehose/latest/dev/retry.html; names and order of the fields as files of the real service have
 * them). Lines are pure, so that a repeated delivery writes the same object: times come from the batch, not from the clock.
 */
import type { SealedBatch } from '../domain/batch.ts'
import type { TableRef } from '../domain/delivery-stream.ts'
import type { Plan } from '../domain/plan.ts'
import type { FailedRecord } from '../domain/ports.ts'

const ORDINAL_DIGITS = 12

/** The line of a record that failed conversion, with its newline. Times are epoch milliseconds, `rawData` is base64. */
export function errorLine(record: FailedRecord, batch: SealedBatch, plan: Plan): string {
  const line = JSON.stringify({
    attemptsMade: 1,
    arrivalTimestamp: Math.trunc(record.arrivalMs),
    lastErrorCode: record.code,
    lastErrorMessage: record.message,
    attemptEndingTimestamp: Math.trunc(Math.max(record.arrivalMs, batch.sealedAtMs)),
    rawData: base64(record.rawData),
    sequenceNumber: sequenceNumber(batch, record.ordinal),
    subSequenceNumber: null,
    dataCatalogTable: plan.table === undefined ? null : dataCatalogTable(plan.table),
  })
  return `${line}\n`
}

/**
 * Digits, as Kinesis has them, that grow with the order of records within a delivery stream: the first append of the
 * batch (which leads to its journal entry), then the record's place in the batch in twelve digits.
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

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
const LAMBDA_CODES = 'Lambda.'
/** `arn:aws:lambda:<region>:<account>:function:<name>`; a version or an alias comes after. */
const UNQUALIFIED_ARN_PARTS = 7

/** The line of a failed record, with its newline. Times are epoch milliseconds, `rawData` is base64. */
export function errorLine(record: LocatedFailure, batch: SealedBatch, plan: Plan): string {
  return `${JSON.stringify(membersOf(record, batch, plan))}\n`
}

function membersOf(record: LocatedFailure, batch: SealedBatch, plan: Plan): object {
  switch (record.errorType) {
    case 'format-conversion-failed':
      return conversionFailure(record, batch, plan)
    case 'metadata-extraction-failed':
    case 'partitioning-failed':
      return partitioningFailure(record, batch)
    case 'decompression-failed':
    case 'processing-failed':
      return processingFailure(record, batch, plan)
    default:
      return unreachable(record.errorType)
  }
}

function conversionFailure(record: LocatedFailure, batch: SealedBatch, plan: Plan): object {
  return {
    attemptsMade: attemptsOf(record),
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

function partitioningFailure(record: LocatedFailure, batch: SealedBatch): object {
  return {
    attemptsMade: attemptsOf(record),
    arrivalTimestamp: arrivalOf(record),
    errorCode: record.code,
    errorMessage: record.message,
    attemptEndingTimestamp: endOf(record, batch),
    rawData: base64(record.rawData),
    ...numbersOf(record),
  }
}

/** The order of decompression failures of the service is not known; it is taken to be that of its other processing failures. */
function processingFailure(record: LocatedFailure, batch: SealedBatch, plan: Plan): object {
  return {
    rawData: base64(record.rawData),
    errorCode: record.code,
    errorMessage: record.message,
    attemptsMade: attemptsOf(record),
    arrivalTimestamp: arrivalOf(record),
    attemptEndingTimestamp: endOf(record, batch),
    ...functionOf(record, plan),
    ...numbersOf(record),
  }
}

/** The service has no sequence numbers here; a record of a data stream could not be found without. */
function numbersOf({ source }: LocatedFailure): object {
  if (source === undefined) return {}
  return { sequenceNumber: source.sequenceNumber, subSequenceNumber: source.subSequenceNumber ?? null }
}

/**
 * The function that failed, spelt as in files of the service, which name a version: `$LATEST` where the stream names none.
 * A transform by HTTP has no ARN, and its URL may hold what is nobody's business.
 */
function functionOf({ errorType, code }: LocatedFailure, { destination }: Plan): object {
  const target = destination.processing?.transform?.target
  const isOfFunction = errorType === 'processing-failed' && code.startsWith(LAMBDA_CODES)
  if (target?.kind !== 'lambda' || !isOfFunction) return {}
  const { functionArn } = target
  const isQualified = functionArn.split(':').length > UNQUALIFIED_ARN_PARTS
  return { lambdaARN: isQualified ? functionArn : `${functionArn}:$LATEST` }
}

function attemptsOf({ attemptsMade = 1 }: LocatedFailure): number {
  return attemptsMade
}

function arrivalOf({ arrivalMs }: LocatedFailure): number {
  return Math.trunc(arrivalMs)
}

function endOf({ arrivalMs }: LocatedFailure, { sealedAtMs }: SealedBatch): number {
  return Math.trunc(Math.max(arrivalMs, sealedAtMs))
}

/**
 * Digits, as Kinesis has them, that grow with the order of records within a delivery stream: the first append of the
 * batch (which leads to its journal entry), then the place in the batch of the record as it was received in twelve digits. Of
 * a record that came by the API.
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

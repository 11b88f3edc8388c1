/** Reads the errors of the S3 client, of Node's sockets and of proxies, and finds their row in the table of failures. */
import { DestinationError } from '../domain/errors.ts'
import { isNameOf, namesOf, statusOf } from '../runtime/sdk-errors.ts'
import { s3Failures, unknownFailure, type S3Failure, type S3Target } from './s3-failures.ts'

/** A failure with its row: `passing` ones are worth another try at once. */
export interface ClassifiedFailure {
  readonly error: DestinationError
  readonly passing: boolean
}

/** @param doing a verb with its object, such as `put s3://lake/orders/1.parquet` */
export function classifyS3Error(cause: unknown, doing: string, target: S3Target): ClassifiedFailure {
  // The role was not assumed: it says so itself.
  if (cause instanceof DestinationError) return { error: cause, passing: false }
  const row = rowOf(cause)
  const own = nameOf(cause)
  const quoted = own === undefined || own === row.code ? '' : ` (${own})`
  const error = new DestinationError(`${doing}: ${row.says}${quoted}`, {
    cause,
    code: row.code,
    retryable: true,
    hint: row.hint(target),
  })
  return { error, passing: row.passing === true }
}

function rowOf(cause: unknown): S3Failure {
  const rows: readonly S3Failure[] = s3Failures
  const words = cause instanceof Error ? cause.message : ''
  const bySaying = rows.find(({ saying }) => saying?.test(words))
  if (bySaying !== undefined) return bySaying
  for (const name of namesOf(cause)) {
    const row = rows.find(({ names }) => names?.some((known) => isNameOf(known, name)))
    if (row !== undefined) return row
  }
  const status = statusOf(cause)
  return rows.find(({ statuses }) => status !== undefined && statuses?.includes(status)) ?? unknownFailure
}

function nameOf(cause: unknown): string | undefined {
  const generic = new Set(['Error', 'UnknownError', 'Unknown', 'AggregateError', 'S3ServiceException'])
  const status = statusOf(cause)
  return (
    namesOf(cause).find((name) => !generic.has(name)) ?? (status === undefined ? undefined : `HTTP ${status}`)
  )
}

/** True when S3 says so by name; an answer without a body only by its status. */
export function s3ErrorIs(cause: unknown, name: string, status: number): boolean {
  return namesOf(cause).includes(name) || statusOf(cause) === status
}

/**
 * Why the columns of a table could not be read from AWS Glue, in one table, with the codes that Firehose gives
 * (docs.aws.amazon.com/firehose/latest/dev/data-validation.html). None of them costs a record: a delivery that cannot read
 * its columns is tried again.
 */
import type { TableRef } from '../domain/delivery-stream.ts'
import { DestinationError, EncoderError } from '../domain/errors.ts'
import { isNameOf, namesOf, statusOf } from '../runtime/sdk-errors.ts'

/** What was asked, for sentences. */
export interface GlueTarget {
  readonly table: TableRef
  /** Absent: AWS. */
  readonly endpoint: string | undefined
}

interface Row {
  readonly code: string
  readonly names: readonly string[]
  readonly statuses?: readonly number[]
  readonly says: string
  readonly hint: (target: GlueTarget) => string
  /** Glue has said how it is with the table; otherwise it could not be asked, and what it said before holds on. */
  readonly isAnswer?: true
}

const unavailable: Row = {
  code: 'GlueUnavailable',
  // The SDK calls a broken connection a time-out; Node's code stands before that name.
  names: [
    'InternalServiceException',
    'InternalFailure',
    'ServiceUnavailable*',
    'ECONN*',
    'EPIPE',
    'EHOST*',
    'ENET*',
  ],
  statuses: [500, 502, 503, 504],
  says: 'Glue could not be asked',
  hint: ({ endpoint = 'AWS Glue' }) => `see that ${endpoint} is up and can be reached from here`,
}

export const glueFailures: readonly Row[] = [
  {
    code: 'EntityNotFound',
    names: ['EntityNotFoundException'],
    says: 'it is not there',
    hint: ({ table }) => `make the table in ${placeOf(table)}, or add ${nameOf(table)} to catalog.databases`,
    isAnswer: true,
  },
  {
    code: 'InvalidInput',
    names: ['InvalidInputException', 'ValidationException'],
    says: 'Glue does not take what was asked',
    hint: () => 'correct CatalogId, DatabaseName, TableName and VersionId of SchemaConfiguration',
    isAnswer: true,
  },
  {
    code: 'AccessDenied',
    names: ['AccessDeniedException', 'AccessDenied'],
    says: 'access denied',
    hint: ({ table }) =>
      `the credentials need glue:GetTable and glue:GetTableVersion on the table, its database and the catalog in ${placeOf(table)}`,
    isAnswer: true,
  },
  {
    code: 'GlueEncryptionException',
    names: ['GlueEncryptionException'],
    says: 'Glue could not decrypt its catalog',
    hint: () => 'the credentials need kms:Decrypt on the key that the catalog is encrypted with',
    isAnswer: true,
  },
  {
    code: 'AccessDenied',
    names: [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
      'IncompleteSignature*',
      'MissingAuthenticationToken*',
      'ExpiredToken*',
      'CredentialsProviderError',
      'TokenProviderError',
    ],
    says: 'the credentials were refused, or there are none',
    hint: () =>
      'correct objectStore.accessKeyId and secretAccessKey (left out: what the AWS SDK finds in environment, profile or role)',
  },
  {
    code: 'ThrottledByGlue',
    names: ['Throttling*', 'ThrottledException', 'TooManyRequests*', 'RequestLimitExceeded'],
    statuses: [429],
    says: 'Glue is asked too often',
    hint: () => 'see which other clients call Glue in this account and region, or have its quota raised',
  },
  {
    code: 'SchemaValidationTimeout',
    names: ['OperationTimeoutException', 'TimeoutError', 'AbortError', 'ETIMEDOUT', 'ESOCKETTIMEDOUT'],
    statuses: [408],
    says: 'Glue did not answer in time',
    hint: unavailable.hint,
  },
  {
    code: 'GlueNotAvailableInRegion',
    names: ['ENOTFOUND', 'EAI_AGAIN', 'UnknownEndpoint'],
    says: 'the address of Glue is not known',
    hint: ({ table, endpoint }) =>
      endpoint === undefined
        ? `see that Region ${table.region} of SchemaConfiguration is right, and that names are resolved here`
        : `see that aws.glueEndpoint ${endpoint} is right, and that names are resolved here`,
  },
  unavailable,
]

/** An error of the client, of a role's session or of ours; ours stays as it is. @param table what was looked up */
export function glueError(cause: unknown, target: GlueTarget): { error: EncoderError; isAnswer: boolean } {
  if (cause instanceof EncoderError) return { error: cause, isAnswer: true }
  const doing = lookUp(target.table)
  if (cause instanceof DestinationError) {
    const { message, hint } = cause
    const because = hint === undefined ? { cause } : { cause, hint }
    return {
      error: new EncoderError(`${doing}: ${message}`, { code: 'InvalidGlueRole', ...because }),
      isAnswer: false,
    }
  }
  const { code, says, hint, isAnswer = false } = rowOf(cause, target)
  const words = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').trim().slice(0, 300) : ''
  const quoted = words === '' || words === 'UnknownError' ? '' : ` (${words})`
  const error = new EncoderError(`${doing}: ${says}${quoted}`, { cause, code, hint: hint(target) })
  return { error, isAnswer }
}

/** The credentials were a session's, and it has ended. */
export function isEndedSession(cause: unknown): boolean {
  return namesOf(cause).some((name) => name.startsWith('ExpiredToken'))
}

/** Opens the message of an error. */
export function lookUp(table: TableRef): string {
  return `look up table ${nameOf(table)} in Glue`
}

function rowOf(cause: unknown, { table }: GlueTarget): Row {
  for (const name of namesOf(cause)) {
    const row = glueFailures.find(({ names }) => names.some((known) => isNameOf(known, name)))
    if (row?.code === 'EntityNotFound' && isAboutVersion(cause)) return unknownVersion(row, table)
    if (row !== undefined) return row
  }
  const status = statusOf(cause)
  const row = glueFailures.find(({ statuses }) => status !== undefined && statuses?.includes(status))
  return row ?? unavailable
}

function isAboutVersion(cause: unknown): boolean {
  return cause instanceof Error && /\bversion\b/i.test(cause.message)
}

function unknownVersion(row: Row, { versionId }: TableRef): Row {
  return {
    ...row,
    code: 'InvalidVersionId',
    says: `it has no version ${versionId}`,
    hint: () => 'set VersionId of SchemaConfiguration to LATEST, or to a version that the table has',
  }
}

function nameOf({ databaseName, tableName }: TableRef): string {
  return `${databaseName}.${tableName}`
}

function placeOf({ region, catalogId }: TableRef): string {
  return catalogId === undefined ? region : `${region} (catalog ${catalogId})`
}

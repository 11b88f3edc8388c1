/** What is said of records that have no partition, each text once. The service's own words where they are known. */
import { PARTITION_VERDICT } from '../../domain/ports.ts'
import type { RecordVerdict } from '../../domain/record-metadata.ts'
import type { QueryOutcome } from '../jq/query-runner.ts'
import { QUERY_ANSWER } from '../jq/query-program.ts'

const EXTRACTION_FAILED = 'DynamicPartitioning.MetadataExtractionFailed'
const NO_VALUE = 'partitionKeys values must not be null or empty'
const INVALID_KEY = 'DynamicPartitioning.InvalidPartitionKey'

export const noQueryValue: RecordVerdict = {
  errorType: 'metadata-extraction-failed',
  code: EXTRACTION_FAILED,
  message: NO_VALUE,
}

export const noLambdaValue: RecordVerdict = {
  errorType: 'partitioning-failed',
  code: EXTRACTION_FAILED,
  message: NO_VALUE,
}

export const tooManyPartitions: RecordVerdict = {
  errorType: 'partitioning-failed',
  code: 'DynamicPartitioning.ActivePartitionsLimitExceeded',
  message: 'The number of active partitions has exceeded the configured limit',
}

export const longValue = invalidKey('Length of a partition key cannot be greater than 1024 bytes')
export const dotValue = invalidKey('A partition key cannot make "." or ".." a part of the object key')
export const nulValue = invalidKey('A partition key cannot have the character U+0000')
export const longPrefix = invalidKey('Length of evaluated prefix cannot be greater than 512')
export const longObjectKey = invalidKey('Length of the object key cannot be greater than 1024 bytes')

function invalidKey(message: string): RecordVerdict {
  return { errorType: 'partitioning-failed', code: INVALID_KEY, message }
}

/** Of a record that the query gave no keys for. */
export function extractionFailed(message: string): RecordVerdict {
  return { errorType: 'metadata-extraction-failed', code: EXTRACTION_FAILED, message }
}

export const notJson = extractionFailed('Non JSON record provided')

/** What jq's numbers in place of keys say. */
export const noKeys: Readonly<Record<number, RecordVerdict>> = {
  [QUERY_ANSWER.nothing]: extractionFailed('The query gave no output'),
  [QUERY_ANSWER.several]: extractionFailed('The query gave more than one output'),
  [QUERY_ANSWER.notOneObject]: extractionFailed('The output of the query is not an object'),
}

const ENDS: Readonly<Record<Extract<QueryOutcome, { kind: 'ended' }>['end'], string>> = {
  steps: 'The query took longer than it may for a record',
  memory: 'The query took more memory than it may',
  output: 'The query gave more output than it may',
  halted: 'The query ended without an output',
  failed: 'The query failed',
  'given-up': 'The query was given up: it took longer than it may for too many records of the batch',
}

export function ended({ end, errors }: Extract<QueryOutcome, { kind: 'ended' }>): RecordVerdict {
  return extractionFailed(end === 'failed' && errors !== '' ? `${ENDS[end]}: ${errors}` : ENDS[end])
}

/** Different texts that are kept; a query can give every record an error of its own. */
const TEXTS_MAX = 1_000

function textOf({ errorType, code, message }: RecordVerdict): string {
  return `${errorType} ${code} ${message}`
}

/** The verdicts of a batch, by number. */
export class Verdicts {
  readonly all: RecordVerdict[] = []
  readonly #numbers = new Map<string, number>()

  /** The same as `place`, undefined for one that no record has. */
  known(verdict: RecordVerdict): number | undefined {
    const number = this.#numbers.get(textOf(verdict))
    return number === undefined ? undefined : PARTITION_VERDICT + number
  }

  /** What stands for it in place of an object. */
  place(verdict: RecordVerdict): number {
    const text = textOf(verdict)
    const known = this.#numbers.get(text)
    if (known !== undefined) return PARTITION_VERDICT + known
    const number = this.all.push(verdict) - 1
    this.#numbers.set(text, number)
    return PARTITION_VERDICT + number
  }

  /** The same for the message of an error that the query met. */
  placeOfError(message: string): number {
    const isOneTooMany = this.all.length >= TEXTS_MAX
    return this.place(extractionFailed(isOneTooMany ? ENDS.failed : `${ENDS.failed}: ${message}`))
  }
}

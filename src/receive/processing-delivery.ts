/** What delivery does with records before they are converted, from processors that passed the rules, in any order. */
import type { Deaggregation, Partitioning, Processing, Transform } from '../domain/delivery-stream.ts'
import { MIB } from '../domain/limits.ts'
import { describedHints } from './destination-description.ts'
import type { ExtendedS3Input } from './http/create-input.ts'
import {
  booleanOf,
  DATA_MESSAGE_EXTRACTION,
  delimiterOf,
  has,
  LAMBDA_DEFAULTS,
  parametersOf,
  partitions,
} from './processors.ts'

/**
 * Undefined when records go on as they came.
 *
 * @param transform by HTTP, where there is no Lambda processor
 */
export function processingOf(
  destination: ExtendedS3Input,
  transform: Transform | undefined,
): Processing | undefined {
  const cloudWatchLogs = parametersOf(destination, 'CloudWatchLogProcessing')
  const deaggregation = deaggregationOf(destination)
  const calls = lambdaOf(destination) ?? transform
  const processing: Processing = {
    ...(has(destination, 'Decompression') ? { decompression: true } : {}),
    ...(cloudWatchLogs === undefined
      ? {}
      : {
          cloudWatchLogs: {
            messagesOnly: booleanOf(cloudWatchLogs.get(DATA_MESSAGE_EXTRACTION) ?? '') ?? false,
          },
        }),
    ...(deaggregation === undefined ? {} : { deaggregation }),
    ...(calls === undefined ? {} : { transform: calls }),
    ...(has(destination, 'AppendDelimiterToRecord') ? { appendDelimiter: true } : {}),
  }
  return Object.keys(processing).length === 0 ? undefined : processing
}

function deaggregationOf(destination: ExtendedS3Input): Deaggregation | undefined {
  const given = parametersOf(destination, 'RecordDeAggregation')
  if (given === undefined) return undefined
  if (given.get('SubRecordType') === 'JSON') return { kind: 'json' }
  const delimiter = delimiterOf(given.get('Delimiter') ?? '')
  if (delimiter === undefined)
    throw new Error('define delivery stream: a deaggregation without delimiter passed the rules')
  return { kind: 'delimited', delimiter: delimiter.toString('base64') }
}

function lambdaOf(destination: ExtendedS3Input): Transform | undefined {
  const given = parametersOf(destination, 'Lambda')
  if (given === undefined) return undefined
  const functionArn = given.get('LambdaArn')
  if (functionArn === undefined)
    throw new Error('define delivery stream: a Lambda processor without function passed the rules')
  const number = (name: keyof typeof LAMBDA_DEFAULTS): number =>
    Number(given.get(name) ?? LAMBDA_DEFAULTS[name])
  const roleArn = given.get('RoleArn') ?? destination.RoleARN
  return {
    target: { kind: 'lambda', functionArn, ...(roleArn === undefined ? {} : { roleArn }) },
    ...callsOf({
      retries: number('NumberOfRetries'),
      sizeInMBs: number('BufferSizeInMBs'),
      intervalInSeconds: number('BufferIntervalInSeconds'),
    }),
  }
}

export function callsOf({
  retries,
  sizeInMBs,
  intervalInSeconds,
}: {
  readonly retries: number
  readonly sizeInMBs: number
  readonly intervalInSeconds: number
}): Omit<Transform, 'target'> {
  return {
    retries,
    bufferBytes: Math.floor(sizeInMBs * MIB),
    bufferIntervalMs: intervalInSeconds * 1_000,
  }
}

/** Undefined when an object holds whatever a batch holds. */
export function partitioningOf(destination: ExtendedS3Input): Partitioning | undefined {
  if (!partitions(destination)) return undefined
  const query = parametersOf(destination, 'MetadataExtraction')?.get('MetadataExtractionQuery')
  return {
    ...(query === undefined ? {} : { query }),
    objectBytes: describedHints(destination).SizeInMBs * MIB,
  }
}

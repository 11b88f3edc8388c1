/** Rules of dynamic partitioning: its buffers first, then, once the prefixes are well formed, the keys in them. */
import { INTERVAL_IN_SECONDS_PARTITIONING, SIZE_IN_MBS_PARTITIONING } from '../domain/limits.ts'
import { parsePrefix } from '../domain/prefix.ts'
import type { ExtendedS3Input } from './http/create-input.ts'
import type { Limits } from './http/shapes.ts'
import { has, parametersOf, partitions } from './processors.ts'
import { queryKeys } from './query-keys.ts'

export interface PartitioningOptions {
  readonly limits: Limits
  /** A transform by HTTP gives keys like a Lambda function. */
  readonly transforms: boolean
}

export function* partitioningProblems(
  destination: ExtendedS3Input,
  { limits, transforms }: PartitioningOptions,
): Generator<string> {
  if (!partitions(destination)) return
  if (destination.ProcessingConfiguration?.Enabled !== true && !transforms)
    yield 'Processing Configuration is not enabled when DataPartitioning is enabled'
  if (limits !== 'aws') return
  const { SizeInMBs: size, IntervalInSeconds: interval } = destination.BufferingHints ?? {}
  if (size !== undefined && size < SIZE_IN_MBS_PARTITIONING.min)
    yield `BufferingHints.SizeInMBs must be at least ${SIZE_IN_MBS_PARTITIONING.min} when Dynamic Partitioning is enabled.`
  if (interval !== undefined && interval < INTERVAL_IN_SECONDS_PARTITIONING.min)
    yield `BufferingHints.IntervalInSeconds must be at least ${INTERVAL_IN_SECONDS_PARTITIONING.min} seconds when Dynamic Partitioning is enabled.`
}

/** Of a prefix without problems of its own. */
export function* partitionKeyProblems(
  destination: ExtendedS3Input,
  { transforms }: Pick<PartitioningOptions, 'transforms'>,
): Generator<string> {
  if (!partitions(destination)) return
  const keys = keysIn(destination.Prefix ?? '')
  if (keys.lambda.size + keys.query.size === 0)
    yield 'S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled'
  if (keys.lambda.size > 0 && !transforms && !has(destination, 'Lambda'))
    yield 'Lambda should be present when S3 Prefix contains keys from partitionKeyFromLambda namespace'
  if (keys.query.size > 0 && !has(destination, 'MetadataExtraction'))
    yield 'MetadataExtraction processor should be present when S3 Prefix has partitionKeyFromQuery namespace'
  const query = parametersOf(destination, 'MetadataExtraction')?.get('MetadataExtractionQuery')
  const given = query === undefined ? undefined : queryKeys(query)
  if (given === undefined) return
  if (given.some((key) => !keys.query.has(key)))
    yield "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression"
  const missing = [...keys.query].filter((key) => !given.includes(key))
  if (missing.length > 0)
    yield `S3 Prefix expression can't contain keys that are not present in the MetaDataExtraction JQ Query: ${missing.join(', ')}`
}

function keysIn(prefix: string): Readonly<Record<'query' | 'lambda', ReadonlySet<string>>> {
  const keys = { query: new Set<string>(), lambda: new Set<string>() }
  const parsed = parsePrefix(prefix)
  if (parsed.kind === 'parsed')
    for (const expression of parsed.expressions)
      if (expression.kind === 'partition-key') keys[expression.source].add(expression.key)
  return keys
}

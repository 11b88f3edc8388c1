/**
 * UpdateDestination as a pure function: what is given is merged over what is stored, and the whole passes the rules of a new
 * stream (docs.aws.amazon.com/firehose/latest/APIReference/API_UpdateDestination.html).
 *
 * Members merge one by one, and inside of them those of BufferingHints, CloudWatchLoggingOptions, S3BackupUpdate,
 * DynamicPartitioningConfiguration and DataFormatConversionConfiguration, there down into SchemaConfiguration. All others are replaced whole.
 */
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { ClientError } from '../domain/errors.ts'
import { defaultRole, type Account } from './arns.ts'
import { sameEffect } from './declare.ts'
import { destinationFrom, type DefinitionContext } from './definition.ts'
import { destinationInput } from './described-destination.ts'
import type { Additions } from './destination-delivery.ts'
import { s3Problems } from './destination-rules.ts'
import { BESIDE_LAMBDA, extensionMessage } from './extension-rules.ts'
import { additionsIn, additionsOf, extensionOf } from './extensions.ts'
import type { ConversionInput, ExtendedS3Input, ProcessorInput, S3Input } from './http/create-input.ts'
import { has, partitions } from './processors.ts'

/** ExtendedS3DestinationUpdate; S3DestinationUpdate has the members that every S3 destination has. */
export interface DestinationUpdate extends Partial<Omit<ExtendedS3Input, 'S3BackupConfiguration'>> {
  readonly S3BackupUpdate?: Partial<S3Input>
}

/**
 * The stream as the update leaves it, one version on, or the stored stream itself when that would change nothing.
 *
 * @throws ClientError InvalidArgumentException with the first rule that is broken
 */
export function updatedStream(
  stored: DeliveryStream,
  update: DestinationUpdate,
  context: Omit<DefinitionContext, 'incarnation'>,
): DeliveryStream {
  const before = storedInput(stored, context)
  const additions = additionsTo(stored, context)
  const transforms = additions.transform !== undefined
  for (const message of changeProblems(before, update, transforms)) throw invalid(message)
  const given = merged(before, update)
  for (const message of s3Problems(given, context, transforms)) throw invalid(message)
  if (transforms && has(given, 'Lambda')) throw invalid(extensionMessage(stored.name, BESIDE_LAMBDA))
  const changed = { ...stored, ...destinationFrom(given, additions, context) }
  if (sameEffect(stored, changed)) return stored
  return { ...changed, version: stored.version + 1, updatedAtMs: context.nowMs }
}

function invalid(message: string): ClientError {
  return new ClientError('InvalidArgumentException', message)
}

/** The extension acts when a stream begins to convert; afterwards its files stay as they are. Its transform stays anyway. */
function additionsTo(
  stored: DeliveryStream,
  { extensions }: Pick<DefinitionContext, 'extensions'>,
): Additions {
  const kept = additionsIn(stored)
  if (stored.destination.conversion !== undefined) return kept
  const { metadataColumns, transform: _, ...added } = additionsOf(extensionOf(extensions, stored.name))
  return {
    ...added,
    metadataColumns: stored.kinesis === undefined ? [] : metadataColumns,
    ...(kept.transform === undefined ? {} : { transform: kept.transform }),
  }
}

/** What the stored destination was made from. Roles that nobody gave are left out, as Describe names one all the same. */
function storedInput({ description, destination }: DeliveryStream, account: Account): ExtendedS3Input {
  const described = destinationInput(description) as unknown as ExtendedS3Input
  const { S3BackupConfiguration: backup, ProcessingConfiguration: processing } = described
  const target = destination.processing?.transform?.target
  return {
    ...withGivenRole(described, destination.roleArn, account),
    ...(backup && { S3BackupConfiguration: withGivenRole(backup, destination.backup?.roleArn, account) }),
    ...(processing?.Processors &&
      target?.kind === 'lambda' &&
      target.roleArn === undefined && {
        ProcessingConfiguration: { ...processing, Processors: processing.Processors.map(withoutRole) },
      }),
  }
}

function withoutRole({ Type, Parameters = [] }: ProcessorInput): ProcessorInput {
  return { Type, Parameters: Parameters.filter(({ ParameterName: name }) => name !== 'RoleArn') }
}

function withGivenRole<P extends S3Input>(place: P, given: string | undefined, account: Account): P {
  if (given !== undefined || place.RoleARN !== defaultRole(account)) return place
  const { RoleARN: _, ...rest } = place
  return rest as P
}

/** What no stream can change into, whatever else it is. */
function* changeProblems(
  stored: ExtendedS3Input,
  update: DestinationUpdate,
  transforms: boolean,
): Generator<string> {
  const processing = update.ProcessingConfiguration
  const decompresses = processing?.Enabled === true && hasType(processing.Processors, 'Decompression')
  if (decompresses && !has(stored, 'Decompression') && !has(stored, 'Lambda') && !transforms)
    yield 'Enabling source decompression is not supported for existing stream with no Lambda function attached.'
  if (stored.S3BackupMode === 'Enabled' && update.S3BackupMode === 'Disabled')
    yield 'Disabling S3 backup is not currently supported.'
  const partitioned = update.DynamicPartitioningConfiguration?.Enabled
  if (partitioned !== undefined && partitioned !== partitions(stored))
    yield 'Dynamic Partitioning can only be enabled or disabled when a delivery stream is created.'
  const { S3BackupUpdate: backup } = update
  if (backup !== undefined && stored.S3BackupConfiguration === undefined)
    for (const member of ['RoleARN', 'BucketARN'] as const)
      if (backup[member] === undefined)
        yield `S3BackupUpdate.${member} must not be null, because there is no S3 backup destination to update`
}

function hasType(processors: readonly ProcessorInput[] | undefined, type: string): boolean {
  return (processors ?? []).some(({ Type }) => Type === type)
}

function merged(stored: ExtendedS3Input, update: DestinationUpdate): ExtendedS3Input {
  const {
    S3BackupUpdate: backup,
    DataFormatConversionConfiguration: conversion,
    DynamicPartitioningConfiguration: partitioning,
    ...place
  } = update
  return {
    ...stored,
    ...place,
    ...mergedNests(stored, update),
    ...(backup && {
      // A first one names its bucket: it has passed `changeProblems`.
      S3BackupConfiguration: mergedPlace(stored.S3BackupConfiguration, backup) as S3Input,
    }),
    ...(partitioning && {
      DynamicPartitioningConfiguration: { ...stored.DynamicPartitioningConfiguration, ...partitioning },
    }),
    ...(conversion && {
      DataFormatConversionConfiguration: mergedConversion(
        stored.DataFormatConversionConfiguration,
        conversion,
      ),
    }),
  }
}

function mergedPlace(stored: S3Input | undefined, update: Partial<S3Input>): Partial<S3Input> {
  return { ...stored, ...update, ...mergedNests(stored, update) }
}

function mergedNests(
  stored: S3Input | undefined,
  update: Partial<S3Input>,
): Pick<S3Input, 'BufferingHints' | 'CloudWatchLoggingOptions'> {
  const { BufferingHints: hints, CloudWatchLoggingOptions: logging } = update
  return {
    ...(hints && { BufferingHints: { ...stored?.BufferingHints, ...hints } }),
    ...(logging && { CloudWatchLoggingOptions: { ...stored?.CloudWatchLoggingOptions, ...logging } }),
  }
}

function mergedConversion(stored: ConversionInput | undefined, update: ConversionInput): ConversionInput {
  const schema = update.SchemaConfiguration
  return {
    ...stored,
    ...update,
    ...(schema && { SchemaConfiguration: { ...stored?.SchemaConfiguration, ...schema } }),
  }
}

/**
 * Rules over a whole delivery stream, after each member satisfied its own constraints: first what the service refuses, in
 * its words and order, then what this version does not do, in ours. Each problem is an InvalidArgumentException.
 */
import { timeZoneProblem } from '../domain/java-time/zone.ts'
import { INTERVAL_IN_SECONDS_BACKUP, SIZE_IN_MBS_CONVERTING } from '../domain/limits.ts'
import { validatePrefixes, type PrefixOptions } from '../domain/prefix.ts'
import { keyProblems } from './encryption.ts'
import {
  DESTINATIONS,
  type ConversionInput,
  type CreateInput,
  type EncryptionInput,
  type ExtendedS3Input,
  type S3Input,
} from './http/create-input.ts'
import type { ShapeOptions } from './http/shapes.ts'

/** Of one destination. */
const PROCESSORS_MAX = 5

const SUPPORTED_DESTINATIONS = 'ExtendedS3DestinationConfiguration and S3DestinationConfiguration'

export function converts(conversion: ConversionInput | undefined): conversion is ConversionInput {
  return conversion !== undefined && conversion.Enabled !== false
}

/** What is wrong, in the order in which it is checked; the API answers the first. */
export function* streamProblems(input: CreateInput, options: ShapeOptions): Generator<string> {
  yield* sourceProblems(input)
  const given = DESTINATIONS.filter((name) => input[name] !== undefined)
  const [only] = given
  if (only === undefined || given.length > 1) {
    yield 'Exactly one destination configuration is supported for a Firehose'
    return
  }
  const destination = input.ExtendedS3DestinationConfiguration ?? input.S3DestinationConfiguration
  if (destination === undefined) {
    yield `${only} is not supported by this version of Hydrant. Supported: ${SUPPORTED_DESTINATIONS}`
    return
  }
  yield* s3Problems(destination, options)
}

/** The member that configures each source, and what is said when it is given with another. */
const SOURCES = {
  DirectPutSourceConfiguration: {
    type: 'DirectPut',
    misplaced: 'DirectPutSourceConfiguration is only applicable for DirectPut stream type',
  },
  KinesisStreamSourceConfiguration: {
    type: 'KinesisStreamAsSource',
    misplaced: 'KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type',
  },
  MSKSourceConfiguration: {
    type: 'MSKAsSource',
    misplaced: 'MSKSourceConfiguration is only applicable for MSKAsSource stream type',
  },
  DatabaseSourceConfiguration: {
    type: 'DatabaseAsSource',
    misplaced: 'DatabaseSourceConfiguration is only applicable for DatabaseAsSource stream type',
  },
} as const

function* sourceProblems(input: CreateInput): Generator<string> {
  const type = input.DeliveryStreamType ?? 'DirectPut'
  if (type === 'KinesisStreamAsSource' && input.KinesisStreamSourceConfiguration === undefined)
    yield 'KinesisSourceStreamConfig is mandatory for KinesisStreamAsSource stream type.'
  if (type !== 'DirectPut' && type !== 'KinesisStreamAsSource')
    yield notSupported(`DeliveryStreamType ${type}`, 'DirectPut, KinesisStreamAsSource')
  for (const member of Object.keys(SOURCES) as (keyof typeof SOURCES)[])
    if (input[member] !== undefined && SOURCES[member].type !== type) yield SOURCES[member].misplaced
  yield* encryptionProblems(type, input.DeliveryStreamEncryptionConfigurationInput)
}

/** What the source itself keeps, the source encrypts. */
function* encryptionProblems(type: string, encryption: EncryptionInput | undefined): Generator<string> {
  if (encryption === undefined) return
  if (type !== 'DirectPut')
    yield 'DeliveryStreamEncryptionConfigurationInput is only applicable for DirectPut stream type'
  yield* keyProblems(encryption)
}

/** What is wrong with an S3 destination, whole: as it is created, or as an update would leave it. */
export function* s3Problems(destination: ExtendedS3Input, options: ShapeOptions): Generator<string> {
  yield* destinationProblems(destination, options)
  yield* missingFeatures(destination)
}

function* destinationProblems(destination: ExtendedS3Input, options: ShapeOptions): Generator<string> {
  yield* processingProblems(destination.ProcessingConfiguration)
  const timeZone = destination.CustomTimeZone ?? ''
  const dynamicPartitioning = destination.DynamicPartitioningConfiguration?.Enabled === true
  yield* placeProblems(destination, { timeZone, dynamicPartitioning })
  const zoneProblem = timeZoneProblem('CustomTimeZone', timeZone)
  if (zoneProblem !== undefined) yield zoneProblem
  yield* backupProblems(destination, options)
  const conversion = destination.DataFormatConversionConfiguration
  if (!converts(conversion)) return
  if ((destination.CompressionFormat ?? 'UNCOMPRESSED') !== 'UNCOMPRESSED')
    yield "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable compression within the converted output format, set the appropriate serialization option in the output format configuration."
  const size = destination.BufferingHints?.SizeInMBs
  if (options.limits === 'aws' && size !== undefined && size < SIZE_IN_MBS_CONVERTING.min)
    yield `BufferingHints.SizeInMBs must be at least ${SIZE_IN_MBS_CONVERTING.min} when data format conversion is enabled.`
  yield* conversionProblems(conversion, options)
}

/** Rules of every place that objects are put to. */
function* placeProblems(place: S3Input, options: PrefixOptions = {}): Generator<string> {
  const prefixProblem = validatePrefixes(place.Prefix ?? '', place.ErrorOutputPrefix ?? '', options)
  if (prefixProblem !== undefined) yield prefixProblem
  const { NoEncryptionConfig: none, KMSEncryptionConfig: kms } = place.EncryptionConfiguration ?? {}
  if (none !== undefined && kms !== undefined)
    yield 'EncryptionConfiguration must have NoEncryptionConfig or KMSEncryptionConfig, not both'
  const logging = place.CloudWatchLoggingOptions
  if (logging?.Enabled === true && (logging.LogGroupName ?? '') === '')
    yield 'CloudWatch Log Group Name is required if CloudWatch Logging is enabled'
}

function* backupProblems(
  { S3BackupMode: mode, S3BackupConfiguration: backup }: ExtendedS3Input,
  options: ShapeOptions,
): Generator<string> {
  if (backup === undefined) {
    if (mode === 'Enabled') yield 'S3 backup destination configuration is required when enabling S3 backup.'
    return
  }
  yield* placeProblems(backup)
  const { min, max } = INTERVAL_IN_SECONDS_BACKUP
  const interval = backup.BufferingHints?.IntervalInSeconds
  if (options.limits === 'aws' && interval !== undefined && interval < min)
    yield `S3 backup buffering interval must be between ${min} and ${max} seconds.`
}

function* processingProblems(processing: ExtendedS3Input['ProcessingConfiguration']): Generator<string> {
  const processors = processing?.Processors ?? []
  const repeats = processors.some(({ Parameters = [] }) => {
    const names = Parameters.map(({ ParameterName }) => ParameterName)
    return new Set(names).size < names.length
  })
  if (repeats) yield 'Duplicate ProcessorParameter passed to ProcessingConfiguration.'
  if (processing?.Enabled === true && (processors.length === 0 || processors.length > PROCESSORS_MAX))
    yield `A maximum of ${PROCESSORS_MAX} and a minimum of 1 processor needs to be supplied when processing is enabled.`
}

/** A later rule reads what an earlier one found missing as empty. */
function* conversionProblems(conversion: ConversionInput, options: ShapeOptions): Generator<string> {
  const input = conversion.InputFormatConfiguration
  const output = conversion.OutputFormatConfiguration
  const schema = conversion.SchemaConfiguration
  if (input === undefined) yield 'InputFormatConfiguration must not be null'
  if (output === undefined) yield 'OutputFormatConfiguration must not be null'
  if (schema === undefined) yield 'SchemaConfiguration must not be null'
  const deserializers = Object.keys(input?.Deserializer ?? {}).length
  const serializers = Object.keys(output?.Serializer ?? {}).length
  if (input !== undefined && deserializers === 0) yield 'Deserializer must not be null'
  if (output !== undefined && serializers === 0) yield 'Serializer must not be null'
  if (deserializers > 1) yield 'More than one deserializer specified. Only one may be chosen.'
  if (serializers > 1) yield 'More than one serializer specified. Only one may be chosen.'
  if (schema === undefined) return
  if (schema.RoleARN === undefined && !options.roleOptional)
    yield 'SchemaConfiguration.RoleArn must not be null or empty'
  if (schema.DatabaseName === undefined) yield 'SchemaConfiguration.DatabaseName must not be null or empty'
  if (schema.TableName === undefined) yield 'SchemaConfiguration.TableName must not be null or empty'
}

/** Options of the service that this version does not have. What changes nothing is let through and echoed. */
function* missingFeatures(destination: ExtendedS3Input): Generator<string> {
  if (destination.ProcessingConfiguration?.Enabled === true)
    yield notSupported('ProcessingConfiguration with Enabled true', 'Enabled false')
  if (destination.DynamicPartitioningConfiguration?.Enabled === true)
    yield notSupported('DynamicPartitioningConfiguration with Enabled true', 'Enabled false')
  const conversion = destination.DataFormatConversionConfiguration
  if (converts(conversion)) yield* missingConversions(conversion)
}

function* missingConversions(conversion: ConversionInput): Generator<string> {
  const deserializer = conversion.InputFormatConfiguration?.Deserializer
  const serializer = conversion.OutputFormatConfiguration?.Serializer
  const openX = deserializer?.OpenXJsonSerDe
  if (deserializer?.HiveJsonSerDe !== undefined) yield notSupported('HiveJsonSerDe', 'OpenXJsonSerDe')
  if (openX?.ConvertDotsInJsonKeysToUnderscores === true)
    yield notSupported('OpenXJsonSerDe.ConvertDotsInJsonKeysToUnderscores true', 'false')
  if (Object.keys(openX?.ColumnToJsonKeyMappings ?? {}).length > 0)
    yield notSupported('OpenXJsonSerDe.ColumnToJsonKeyMappings', 'keys named like their columns')
  if (serializer?.OrcSerDe !== undefined) yield notSupported('OrcSerDe', 'ParquetSerDe')
}

export function notSupported(what: string, supported: string): string {
  return `${what} is not supported by this version of Hydrant. Supported: ${supported}`
}

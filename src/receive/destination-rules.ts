/**
 * Rules over a whole delivery stream, after each member satisfied its own constraints: first what the service refuses, in
 * its words and order, then what this version does not do, in ours. Each problem is an InvalidArgumentException.
 */
import { timeZoneProblem } from '../domain/java-time/zone.ts'
import { INTERVAL_IN_SECONDS_BACKUP } from '../domain/limits.ts'
import { validatePrefixes, type PrefixOptions } from '../domain/prefix.ts'
import { conversionProblems, missingConversions } from './conversion-rules.ts'
import { keyProblems } from './encryption.ts'
import {
  DESTINATIONS,
  type CreateInput,
  type EncryptionInput,
  type ExtendedS3Input,
  type S3Input,
} from './http/create-input.ts'
import type { ShapeOptions } from './http/shapes.ts'
import { notSupported } from './not-supported.ts'
import { partitioningProblems, partitionKeyProblems } from './partitioning-rules.ts'
import { processingProblems } from './processing-rules.ts'
import { partitions } from './processors.ts'

const SUPPORTED_DESTINATIONS = 'ExtendedS3DestinationConfiguration and S3DestinationConfiguration'

/**
 * What is wrong, in the order in which it is checked; the API answers the first.
 *
 * @param transforms whether its extension has a transform by HTTP
 */
export function* streamProblems(
  input: CreateInput,
  options: ShapeOptions,
  transforms: boolean,
): Generator<string> {
  yield* sourceProblems(input)
  const given = DESTINATIONS.filter((name) => input[name] !== undefined)
  const [only] = given
  if (only === undefined || given.length > 1) {
    yield 'Exactly one destination configuration is supported for a Firehose'
    return
  }
  const destination = input.ExtendedS3DestinationConfiguration ?? input.S3DestinationConfiguration
  if (destination === undefined) {
    yield notSupported(only, SUPPORTED_DESTINATIONS)
    return
  }
  yield* s3Problems(destination, options, transforms)
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
export function* s3Problems(
  destination: ExtendedS3Input,
  options: ShapeOptions,
  transforms: boolean,
): Generator<string> {
  yield* processingProblems(destination)
  yield* partitioningProblems(destination, { limits: options.limits, transforms })
  const timeZone = destination.CustomTimeZone ?? ''
  yield* placeProblems(destination, { timeZone, dynamicPartitioning: partitions(destination) })
  yield* partitionKeyProblems(destination, { transforms })
  const zoneProblem = timeZoneProblem('CustomTimeZone', timeZone)
  if (zoneProblem !== undefined) yield zoneProblem
  yield* backupProblems(destination, options)
  yield* conversionProblems(destination, options)
  yield* missingConversions(destination.DataFormatConversionConfiguration)
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

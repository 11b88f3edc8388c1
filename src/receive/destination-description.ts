/**
 * ExtendedS3DestinationDescription: a destination as DescribeDeliveryStream echoes it, with the defaults that the service
 * fills in. An empty text says as little as none. `destinationInput` of described-destination.ts is the way back.
 */
import type { JsonObject, JsonValue } from '../domain/delivery-stream.ts'
import {
  INTERVAL_IN_SECONDS,
  SIZE_IN_MBS,
  SIZE_IN_MBS_CONVERTING,
  SIZE_IN_MBS_PARTITIONING,
} from '../domain/limits.ts'
import { defaultRole, type Account } from './arns.ts'
import { converts } from './conversion-rules.ts'
import { describedProcessors } from './described-processors.ts'
import type { ConversionInput, ExtendedS3Input, S3Input } from './http/create-input.ts'
import { partitions } from './processors.ts'

type LoggingInput = S3Input['CloudWatchLoggingOptions']

const RETRY_SECONDS = 300

export function destinationDescription(destination: ExtendedS3Input, account: Account): JsonObject {
  const { DataFormatConversionConfiguration: conversion, S3BackupConfiguration: backup } = destination
  return {
    ...placeDescription(destination, describedHints(destination), account),
    ...optional('ProcessingConfiguration', processingDescription(destination, account)),
    S3BackupMode: destination.S3BackupMode ?? 'Disabled',
    ...optional('S3BackupDescription', backup && placeDescription(backup, describedHints(backup), account)),
    ...optional(
      'DataFormatConversionConfiguration',
      conversion && conversionDescription(conversion, account),
    ),
    ...optional('DynamicPartitioningConfiguration', partitioningDescription(destination)),
    ...said('FileExtension', destination.FileExtension),
    ...said('CustomTimeZone', destination.CustomTimeZone),
  }
}

/** BufferingHints as they are in force, in the units of the API. */
export function describedHints(destination: ExtendedS3Input): {
  readonly SizeInMBs: number
  readonly IntervalInSeconds: number
} {
  const size = partitions(destination)
    ? SIZE_IN_MBS_PARTITIONING
    : converts(destination.DataFormatConversionConfiguration)
      ? SIZE_IN_MBS_CONVERTING
      : SIZE_IN_MBS
  return {
    SizeInMBs: destination.BufferingHints?.SizeInMBs ?? size.fallback,
    IntervalInSeconds: destination.BufferingHints?.IntervalInSeconds ?? INTERVAL_IN_SECONDS.fallback,
  }
}

/** The members that every S3 destination has. */
function placeDescription(place: S3Input, hints: JsonObject, account: Account): JsonObject {
  const kms = place.EncryptionConfiguration?.KMSEncryptionConfig
  return {
    RoleARN: place.RoleARN ?? defaultRole(account),
    BucketARN: place.BucketARN,
    ...said('Prefix', place.Prefix),
    ...said('ErrorOutputPrefix', place.ErrorOutputPrefix),
    BufferingHints: hints,
    CompressionFormat: place.CompressionFormat ?? 'UNCOMPRESSED',
    EncryptionConfiguration:
      kms === undefined ? { NoEncryptionConfig: 'NoEncryption' } : { KMSEncryptionConfig: kms },
    CloudWatchLoggingOptions: loggingDescription(place.CloudWatchLoggingOptions),
  }
}

function loggingDescription({ Enabled = false, LogGroupName, LogStreamName }: LoggingInput = {}): JsonObject {
  return { Enabled, ...said('LogGroupName', LogGroupName), ...said('LogStreamName', LogStreamName) }
}

/** Enabled stands for itself only when it is said: left out, processing is off and conversion on. */
function processingDescription(
  { ProcessingConfiguration: processing, RoleARN }: ExtendedS3Input,
  account: Account,
): JsonObject | undefined {
  if (processing === undefined) return undefined
  return {
    Enabled: processing.Enabled ?? false,
    Processors: describedProcessors(processing.Processors ?? [], RoleARN ?? defaultRole(account)),
  }
}

function conversionDescription(conversion: ConversionInput, account: Account): JsonObject {
  const Enabled = conversion.Enabled ?? true
  const { SchemaConfiguration: given } = conversion
  const schema = Enabled ? wholeSchema(given, account) : given
  return {
    ...optional('SchemaConfiguration', asJson(schema)),
    ...optional('InputFormatConfiguration', asJson(conversion.InputFormatConfiguration)),
    ...optional('OutputFormatConfiguration', asJson(conversion.OutputFormatConfiguration)),
    Enabled,
  }
}

function wholeSchema(given: ConversionInput['SchemaConfiguration'], account: Account): object {
  const {
    RoleARN = defaultRole(account),
    Region = account.region,
    VersionId = 'LATEST',
    ...table
  } = given ?? {}
  return { RoleARN, ...table, Region, VersionId }
}

function partitioningDescription({
  DynamicPartitioningConfiguration: partitioning,
}: ExtendedS3Input): JsonObject | undefined {
  if (partitioning?.Enabled !== true) return asJson(partitioning)
  const { DurationInSeconds = RETRY_SECONDS } = partitioning.RetryOptions ?? {}
  return { Enabled: true, RetryOptions: { DurationInSeconds } }
}

function said(name: string, text: string | undefined): JsonObject {
  return optional(name, text === '' ? undefined : text)
}

function optional(name: string, value: JsonValue | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value }
}

/** What was read from JSON is JSON. */
function asJson(value: object | undefined): JsonObject | undefined {
  return value === undefined ? undefined : (value as JsonObject)
}

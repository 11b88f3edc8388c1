/** What sealing and delivery act on of a destination, from AWS's words and from what an extension adds to them. */
import type {
  BufferingHints,
  FormatConversion,
  MetadataColumn,
  S3Destination,
  S3Place,
  Transform,
} from '../domain/delivery-stream.ts'
import { MIB, PARTITIONED_BATCH_BYTES } from '../domain/limits.ts'
import { bucketOf, defaultRole, type Account } from './arns.ts'
import { converts } from './conversion-rules.ts'
import { describedHints } from './destination-description.ts'
import type { ConversionInput, ExtendedS3Input, S3Input } from './http/create-input.ts'
import { partitioningOf, processingOf } from './processing-delivery.ts'
import { partitions } from './processors.ts'

/** What a stream has that AWS does not. */
export interface Additions {
  /** Of converted records. */
  readonly metadataColumns: readonly MetadataColumn[]
  /** In the place of ParquetSerDe.Compression. */
  readonly parquetCompression?: 'ZSTD'
  readonly timestampUnit?: 'micros'
  /** In the place of a Lambda processor. */
  readonly transform?: Transform
}

/**
 * With dynamic partitioning SizeInMBs is the size of an object, of which a batch makes one for each partition or several.
 *
 * @param partitionedBatchBytes what seals its batches then
 */
export function hintsOf(
  destination: ExtendedS3Input,
  partitionedBatchBytes = PARTITIONED_BATCH_BYTES,
): BufferingHints {
  const { SizeInMBs, IntervalInSeconds } = describedHints(destination)
  return {
    bytes: partitions(destination) ? partitionedBatchBytes : SizeInMBs * MIB,
    intervalMs: IntervalInSeconds * 1000,
  }
}

export function destinationOf(
  destination: ExtendedS3Input,
  additions: Additions,
  account: Account,
): S3Destination {
  const { DataFormatConversionConfiguration: conversion, S3BackupConfiguration: backup } = destination
  const { CustomTimeZone: timeZone = '', FileExtension: fileExtension = '' } = destination
  const processing = processingOf(destination, additions.transform)
  const partitioning = partitioningOf(destination)
  return {
    ...placeOf(destination),
    ...(timeZone === '' || timeZone === 'UTC' ? {} : { timeZone }),
    ...(fileExtension === '' ? {} : { fileExtension }),
    ...(processing === undefined ? {} : { processing }),
    ...(partitioning === undefined ? {} : { partitioning }),
    ...(converts(conversion) ? { conversion: conversionOf(conversion, additions, account) } : {}),
    ...(destination.S3BackupMode === 'Enabled' && backup !== undefined ? { backup: placeOf(backup) } : {}),
  }
}

function placeOf(place: S3Input): S3Place {
  const kms = place.EncryptionConfiguration?.KMSEncryptionConfig
  return {
    bucket: bucketOf(place.BucketARN),
    prefix: place.Prefix ?? '',
    errorOutputPrefix: place.ErrorOutputPrefix ?? '',
    compression: place.CompressionFormat ?? 'UNCOMPRESSED',
    ...(kms === undefined ? {} : { kmsKeyArn: kms.AWSKMSKeyARN }),
    ...(place.RoleARN === undefined ? {} : { roleArn: place.RoleARN }),
  }
}

function conversionOf(
  conversion: ConversionInput,
  { metadataColumns, parquetCompression, timestampUnit }: Additions,
  account: Account,
): FormatConversion {
  const schema = conversion.SchemaConfiguration
  if (schema?.DatabaseName === undefined || schema.TableName === undefined)
    throw new Error('define delivery stream: a conversion without table passed the rules')
  const parquet = conversion.OutputFormatConfiguration?.Serializer?.ParquetSerDe
  return {
    table: {
      databaseName: schema.DatabaseName,
      tableName: schema.TableName,
      region: schema.Region ?? account.region,
      ...(schema.CatalogId === undefined ? {} : { catalogId: schema.CatalogId }),
      versionId: schema.VersionId ?? 'LATEST',
      roleArn: schema.RoleARN ?? defaultRole(account),
    },
    ...deserializerOf(conversion),
    parquetCompression: parquetCompression ?? parquet?.Compression ?? 'SNAPPY',
    ...(parquet?.WriterVersion === 'V2' ? { parquetVersion: 2 } : {}),
    ...(timestampUnit === undefined ? {} : { timestampUnit }),
    ...(metadataColumns.length === 0 ? {} : { metadataColumns }),
  }
}

function deserializerOf(
  conversion: ConversionInput,
): Pick<FormatConversion, 'caseInsensitive' | 'dotsToUnderscores' | 'jsonKeys' | 'hive'> {
  const { OpenXJsonSerDe: openX, HiveJsonSerDe: hive } =
    conversion.InputFormatConfiguration?.Deserializer ?? {}
  // Names of columns are lower-case.
  const keys = Object.entries(openX?.ColumnToJsonKeyMappings ?? {}).map(
    ([column, key]) => [column.toLowerCase(), key] as const,
  )
  return {
    caseInsensitive: openX?.CaseInsensitive ?? true,
    ...(openX?.ConvertDotsInJsonKeysToUnderscores === true ? { dotsToUnderscores: true } : {}),
    ...(keys.length === 0 ? {} : { jsonKeys: Object.fromEntries(keys) }),
    ...(hive === undefined ? {} : { hive: { timestampFormats: hive.TimestampFormats ?? [] } }),
  }
}

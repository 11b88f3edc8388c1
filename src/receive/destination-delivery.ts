/** What sealing and delivery act on of a destination, from AWS's words. */
import type {
  BufferingHints,
  FormatConversion,
  MetadataColumn,
  S3Destination,
  S3Place,
} from '../domain/delivery-stream.ts'
import { MIB } from '../domain/limits.ts'
import { bucketOf, defaultRole, type Account } from './arns.ts'
import { describedHints } from './destination-description.ts'
import { converts } from './destination-rules.ts'
import type { ConversionInput, ExtendedS3Input, S3Input } from './http/create-input.ts'

export function hintsOf(destination: ExtendedS3Input): BufferingHints {
  const { SizeInMBs, IntervalInSeconds } = describedHints(destination)
  return { bytes: SizeInMBs * MIB, intervalMs: IntervalInSeconds * 1000 }
}

/** @param metadataColumns what the stream's extension adds to converted records */
export function destinationOf(
  destination: ExtendedS3Input,
  metadataColumns: readonly MetadataColumn[],
  account: Account,
): S3Destination {
  const { DataFormatConversionConfiguration: conversion, S3BackupConfiguration: backup } = destination
  const { CustomTimeZone: timeZone = '', FileExtension: fileExtension = '' } = destination
  return {
    ...placeOf(destination),
    ...(timeZone === '' || timeZone === 'UTC' ? {} : { timeZone }),
    ...(fileExtension === '' ? {} : { fileExtension }),
    ...(converts(conversion) ? { conversion: conversionOf(conversion, metadataColumns, account) } : {}),
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
  metadataColumns: readonly MetadataColumn[],
  account: Account,
): FormatConversion {
  const schema = conversion.SchemaConfiguration
  if (schema?.DatabaseName === undefined || schema.TableName === undefined)
    throw new Error('define delivery stream: a conversion without table passed the rules')
  return {
    table: {
      databaseName: schema.DatabaseName,
      tableName: schema.TableName,
      region: schema.Region ?? account.region,
      ...(schema.CatalogId === undefined ? {} : { catalogId: schema.CatalogId }),
      versionId: schema.VersionId ?? 'LATEST',
      roleArn: schema.RoleARN ?? defaultRole(account),
    },
    caseInsensitive:
      conversion.InputFormatConfiguration?.Deserializer?.OpenXJsonSerDe?.CaseInsensitive ?? true,
    parquetCompression:
      conversion.OutputFormatConfiguration?.Serializer?.ParquetSerDe?.Compression ?? 'SNAPPY',
    ...(metadataColumns.length === 0 ? {} : { metadataColumns }),
  }
}

/** The S3 destinations, as they are created and as they are updated. */
import { INTERVAL_IN_SECONDS, SIZE_IN_MBS } from '../../../domain/limits.ts'
import type { Shape, StructureShape } from '../constraints.ts'
import { boolean, choice, kmsKeyArn, roleArn, structure, type Limits, type ShapeOptions } from '../shapes.ts'
import { dataFormatConversionConfiguration } from './format-conversion.ts'
import { processingConfiguration } from './processing.ts'

const SIZE_IN_MBS_MAX_RELAXED = 1024
const INTERVAL_IN_SECONDS_MAX_RELAXED = 86_400

const prefix: Shape = { type: 'string', min: 0, max: 1024, pattern: '.*' }

const encryptionConfiguration = structure({
  NoEncryptionConfig: choice(['NoEncryption']),
  KMSEncryptionConfig: structure({ AWSKMSKeyARN: kmsKeyArn }, ['AWSKMSKeyARN']),
})

const cloudWatchLoggingOptions = structure({
  Enabled: boolean,
  LogGroupName: { type: 'string', min: 0, max: 512, pattern: '[\\.\\-_/#A-Za-z0-9]*' },
  LogStreamName: { type: 'string', min: 0, max: 512, pattern: '[^:*]*' },
})

function bufferingHints(limits: Limits): StructureShape {
  const relaxed = limits === 'relaxed'
  const sizeMax = relaxed ? SIZE_IN_MBS_MAX_RELAXED : SIZE_IN_MBS.max
  const intervalMax = relaxed ? INTERVAL_IN_SECONDS_MAX_RELAXED : INTERVAL_IN_SECONDS.max
  return structure({
    SizeInMBs: { type: 'integer', min: SIZE_IN_MBS.min, max: sizeMax },
    IntervalInSeconds: { type: 'integer', min: INTERVAL_IN_SECONDS.min, max: intervalMax },
  })
}

function s3Members(limits: Limits): Readonly<Record<string, Shape>> {
  return {
    RoleARN: roleArn,
    BucketARN: { type: 'string', min: 1, max: 2048, pattern: 'arn:.*:s3:::[\\w\\.\\-]{1,255}' },
    Prefix: prefix,
    ErrorOutputPrefix: prefix,
    BufferingHints: bufferingHints(limits),
    CompressionFormat: choice(['ZIP', 'HADOOP_SNAPPY', 'Snappy', 'GZIP', 'UNCOMPRESSED']),
    EncryptionConfiguration: encryptionConfiguration,
    CloudWatchLoggingOptions: cloudWatchLoggingOptions,
  }
}

/** `backup`: the member for S3 backup, which has another name in an update. */
function extendedMembers(limits: Limits, backup: Readonly<Record<string, Shape>>) {
  return {
    ...s3Members(limits),
    ProcessingConfiguration: processingConfiguration,
    S3BackupMode: choice(['Disabled', 'Enabled']),
    ...backup,
    DataFormatConversionConfiguration: dataFormatConversionConfiguration,
    DynamicPartitioningConfiguration: structure({
      RetryOptions: structure({ DurationInSeconds: { type: 'integer', min: 0, max: 7200 } }),
      Enabled: boolean,
    }),
    FileExtension: { type: 'string', min: 0, max: 128, pattern: "^(|\\.[0-9a-z!\\-_.*'()]+)$" },
    CustomTimeZone: { type: 'string', min: 0, max: 50, pattern: '^$|[a-zA-Z/_]+' },
  } satisfies Readonly<Record<string, Shape>>
}

function requiredOf({ roleOptional }: ShapeOptions): readonly string[] {
  return roleOptional ? ['BucketARN'] : ['RoleARN', 'BucketARN']
}

/** The service hides all values of a destination. */
function destination(
  members: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): StructureShape {
  return { ...structure(members, required), hidden: true }
}

/** S3DestinationConfiguration. */
export function s3Destination(options: ShapeOptions): StructureShape {
  return destination(s3Members(options.limits), requiredOf(options))
}

/** ExtendedS3DestinationConfiguration. */
export function extendedS3Destination(options: ShapeOptions): StructureShape {
  const backup = { S3BackupConfiguration: s3Destination(options) }
  return destination(extendedMembers(options.limits, backup), requiredOf(options))
}

/** S3DestinationUpdate. */
export function s3DestinationUpdate(limits: Limits): StructureShape {
  return destination(s3Members(limits))
}

/** ExtendedS3DestinationUpdate. */
export function extendedS3DestinationUpdate(limits: Limits): StructureShape {
  return destination(extendedMembers(limits, { S3BackupUpdate: s3DestinationUpdate(limits) }))
}

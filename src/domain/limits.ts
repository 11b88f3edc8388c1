/**
 * The limits of the Firehose API, as AWS publishes them (docs.aws.amazon.com/firehose/latest/dev/limits.html and the
 * service model of 2015-08-04). Firehose writes "KB" and "MB" but means KiB and MiB.
 */

/** Bytes in one KiB and one MiB. */
export const KIB = 1024
export const MIB = 1024 * KIB

/** Largest record, in bytes after base64 decoding. */
export const RECORD_BYTES_MAX = 1000 * KIB
/** Most records in one PutRecordBatch. */
export const BATCH_RECORDS_MAX = 500
/** Largest PutRecordBatch, in bytes of decoded records. */
export const BATCH_BYTES_MAX = 4 * MIB
/** Largest HTTP body taken: 4 MiB of records is 5.6 MB of base64, and JSON around it. */
export const BODY_BYTES_MAX = 8 * MIB

/** BufferingHints of an S3 destination. */
export const SIZE_IN_MBS = { min: 1, max: 128, fallback: 5 } as const
export const INTERVAL_IN_SECONDS = { min: 0, max: 900, fallback: 300 } as const
/** IntervalInSeconds of S3BackupConfiguration; its SizeInMBs are those of any S3 destination. */
export const INTERVAL_IN_SECONDS_BACKUP = { min: 60, max: 900 } as const
/** The floor and default of SizeInMBs once format conversion is enabled. */
export const SIZE_IN_MBS_CONVERTING = { min: 64, max: 128, fallback: 128 } as const

/** With dynamic partitioning: floors of BufferingHints, and the default of SizeInMBs. */
export const SIZE_IN_MBS_PARTITIONING = { min: 64, max: 128, fallback: 128 } as const
export const INTERVAL_IN_SECONDS_PARTITIONING = { min: 60, max: 900 } as const
/** Ours: record bytes that seal a batch with dynamic partitioning, unless the configuration has another number. */
export const PARTITIONED_BATCH_BYTES = 1024 * MIB
/** Ours: partitions of one batch, unless the configuration has another number. */
export const PARTITIONS_MAX = 5_000

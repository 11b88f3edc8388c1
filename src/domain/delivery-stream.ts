/**
 * A delivery stream: the configured pipe from a source to a destination.
 *
 * `description` keeps the destination in AWS's own words (the shape of ExtendedS3DestinationDescription, defaults filled
 * in), because Describe must echo it; `destination` is what delivery acts on, derived from it once when the stream is
 * created or updated.
 */

/** One life of a delivery stream. A stream deleted and created again under its name has another incarnation. */
export interface StreamRef {
  readonly name: string
  /** 16 lower-case hexadecimal digits, drawn by Create. */
  readonly incarnation: string
}

export type StreamStatus = 'CREATING' | 'ACTIVE' | 'DELETING'
export type StreamType = 'DirectPut' | 'KinesisStreamAsSource'

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = { readonly [key: string]: JsonValue }

export interface DeliveryStream extends StreamRef {
  readonly arn: string
  readonly type: StreamType
  readonly status: StreamStatus
  /** Starts at 1, one more after each effective UpdateDestination; part of every object key. */
  readonly version: number
  /** Starts at 1; the registry counts every replacement, also those that make no version (tags, encryption). */
  readonly revision: number
  readonly createdAtMs: number
  /** Callers see it CREATING until then (epoch ms); absent: it was ACTIVE at once. */
  readonly readyAtMs?: number
  /** Absent until the first update. */
  readonly updatedAtMs?: number
  readonly hints: BufferingHints
  readonly destination: S3Destination
  /** ExtendedS3DestinationDescription as DescribeDeliveryStream answers it. */
  readonly description: JsonObject
  /** Where its records are read; only of a KinesisStreamAsSource. */
  readonly kinesis?: KinesisSource
  /** DeliveryStreamDescription.Source as DescribeDeliveryStream answers it; absent for DirectPut without a throughput hint. */
  readonly source?: JsonObject
  /** In order of keys, which are unique. */
  readonly tags?: readonly Tag[]
  /** What StartDeliveryStreamEncryption asked for; absent: it never did. */
  readonly encryption?: Encryption
  /** SHA-256 of each declaration in a configuration file that was applied; each acts once. */
  readonly declarations: readonly string[]
}

/** The status that callers see; the stored one says only whether the stream is being deleted. */
export function statusAt({ status, readyAtMs = 0 }: DeliveryStream, nowMs: number): StreamStatus {
  return status === 'ACTIVE' && nowMs < readyAtMs ? 'CREATING' : status
}

/** AWS's spelling, as it is given and answered. */
export interface Tag {
  readonly Key: string
  readonly Value?: string
}

/**
 * Server-side encryption as the API keeps and reports it. Records are encrypted at rest by the store's operator, not by
 * this state.
 */
export interface Encryption {
  readonly status: 'ENABLED' | 'DISABLED'
  readonly keyType: 'AWS_OWNED_CMK' | 'CUSTOMER_MANAGED_CMK'
  /** There with CUSTOMER_MANAGED_CMK, and only then. */
  readonly keyArn?: string
  /** Wall clock, epoch ms, of the starts and stops that still count towards the limit of calls. */
  readonly changesAtMs: readonly number[]
}

/** The data stream that feeds a delivery stream. */
export interface KinesisSource {
  readonly streamArn: string
  /** Checkpoint of the shards that are open at the start: AT_TIMESTAMP of DeliveryStartTimestamp unless another was asked for. */
  readonly start: string
  /** A user record of a KPL aggregate whose hash key lies outside its shard's range, as they come around a reshard. */
  readonly outOfRangeRecords: 'keep' | 'drop'
}

/** When an open batch is sealed: by size or by age, whichever comes first. */
export interface BufferingHints {
  /** Raw record bytes, before compression and conversion. */
  readonly bytes: number
  /** Age since the batch's first record; 0 seals as soon as no batch of the stream is being delivered. */
  readonly intervalMs: number
}

export type Compression = 'UNCOMPRESSED' | 'GZIP' | 'ZIP' | 'Snappy' | 'HADOOP_SNAPPY'
/** ZSTD is an extension: AWS has the others. */
export type ParquetCompression = 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED' | 'ZSTD'

export interface S3Destination extends S3Place {
  /** IANA name of CustomTimeZone; absent: UTC. */
  readonly timeZone?: string
  /** With its dot; takes the place of the format's own extension. Absent: that. */
  readonly fileExtension?: string
  /** Absent: records go on as they came. */
  readonly processing?: Processing
  /** Absent: an object holds whatever a batch holds. */
  readonly partitioning?: Partitioning
  /** Absent: records are delivered as they are. */
  readonly conversion?: FormatConversion
  /** Where every record lands as it came, besides (S3BackupMode Enabled). */
  readonly backup?: S3Place
}

/** Where and how objects are put: what S3DestinationConfiguration says. */
export interface S3Place {
  readonly bucket: string
  readonly prefix: string
  readonly errorOutputPrefix: string
  readonly compression: Compression
  /** Objects are encrypted with this key (SSE-KMS); absent: the bucket's default. */
  readonly kmsKeyArn?: string
  /** Assumed for the puts where `aws.assumeRoles` says so; absent: the process's own credentials. */
  readonly roleArn?: string
}

/**
 * What becomes of records between the buffer and the conversion, in the order of these members whatever order they were
 * given in (ProcessingConfiguration; MetadataExtraction is a part of Partitioning).
 */
export interface Processing {
  /** Records are gzip of CloudWatch Logs subscriptions. */
  readonly decompression?: true
  /** Only with decompression. `messagesOnly`: the log events' messages, each with a newline, without their envelope. */
  readonly cloudWatchLogs?: { readonly messagesOnly: boolean }
  readonly deaggregation?: Deaggregation
  readonly transform?: Transform
  /** A newline after each record; converted records take no notice. */
  readonly appendDelimiter?: true
}

/** One record becomes its sub-records. */
export type Deaggregation =
  /** JSON objects, one after the other. */
  | { readonly kind: 'json' }
  /** `delimiter`: not empty, base64 of its bytes. */
  | { readonly kind: 'delimited'; readonly delimiter: string }

/** Records are sent out, a few at a time, and what comes back takes their places (docs.aws.amazon.com/firehose/latest/dev/data-transformation.html). */
export interface Transform {
  readonly target: TransformTarget
  /** Calls after the first that did not succeed. */
  readonly retries: number
  /** Record bytes in one call. */
  readonly bufferBytes: number
  /** Longest time between the arrivals of the first and the last record of one call. */
  readonly bufferIntervalMs: number
}

export type TransformTarget =
  /** `roleArn`: assumed for the calls where roles are assumed. */
  | { readonly kind: 'lambda'; readonly functionArn: string; readonly roleArn?: string }
  /** The same contract by POST. */
  | { readonly kind: 'http'; readonly url: string }

/** Dynamic partitioning: an object holds records of one partition, whose keys its Prefix names. */
export interface Partitioning {
  /** jq that gives an object of keys (MetadataExtractionQuery); absent: all keys come from the transform. */
  readonly query?: string
  /** Record bytes at which an object is cut (SizeInMBs). */
  readonly objectBytes: number
}

/** JSON to Parquet (DataFormatConversionConfiguration). */
export interface FormatConversion {
  readonly table: TableRef
  /** OpenXJsonSerDe.CaseInsensitive: JSON keys are lower-cased before they are matched with columns. */
  readonly caseInsensitive: boolean
  /** OpenXJsonSerDe.ConvertDotsInJsonKeysToUnderscores. */
  readonly dotsToUnderscores?: true
  /** OpenXJsonSerDe.ColumnToJsonKeyMappings: the JSON key of a column that is not named like it. */
  readonly jsonKeys?: Readonly<Record<string, string>>
  /** There with HiveJsonSerDe, which has rules of its own; absent: OpenXJsonSerDe. */
  readonly hive?: HiveOptions
  readonly parquetCompression: ParquetCompression
  /** ParquetSerDe.WriterVersion V2; absent: V1. */
  readonly parquetVersion?: 2
  /** What a timestamp counts in the file; absent: milliseconds. */
  readonly timestampUnit?: 'micros'
  /** Columns after those of the table that hold where a record came from; absent or empty: none. */
  readonly metadataColumns?: readonly MetadataColumn[]
}

/** Options of HiveJsonSerDe. */
export interface HiveOptions {
  /** Joda patterns, or `millis`, beside the form that is always taken. */
  readonly timestampFormats: readonly string[]
}

/**
 * What a metadata column holds: the shard id, sequence number and partition key (string), the place in a KPL aggregate
 * (int, null for a record that came alone), or the approximate arrival in Kinesis (timestamp).
 */
export type MetadataField = 'shardId' | 'sequenceNumber' | 'subSequenceNumber' | 'partitionKey' | 'arrival'

export interface MetadataColumn {
  readonly field: MetadataField
  /** In lower case, no name of the table's own. */
  readonly name: string
}

/** A table of a catalog (SchemaConfiguration). */
export interface TableRef {
  readonly databaseName: string
  readonly tableName: string
  readonly region: string
  readonly catalogId?: string
  /** LATEST, or a number. */
  readonly versionId: string
  readonly roleArn?: string
}

/** A column of a table: name in lower case, type in Hive's words (`bigint`, `decimal(10,2)`). */
export interface Column {
  readonly name: string
  readonly type: string
}

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
  readonly createdAtMs: number
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
  /** As given to Create. */
  readonly tags?: readonly JsonObject[]
  /** SHA-256 of each declaration in a configuration file that was applied; each acts once. */
  readonly declarations: readonly string[]
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

export type Compression = 'UNCOMPRESSED' | 'GZIP'
export type ParquetCompression = 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED'

export interface S3Destination {
  readonly bucket: string
  readonly prefix: string
  readonly errorOutputPrefix: string
  readonly compression: Compression
  /** Absent: records are delivered as they are. */
  readonly conversion?: FormatConversion
}

/** JSON to Parquet (DataFormatConversionConfiguration). */
export interface FormatConversion {
  readonly table: TableRef
  /** OpenXJsonSerDe.CaseInsensitive: JSON keys are lower-cased before they are matched with columns. */
  readonly caseInsensitive: boolean
  readonly parquetCompression: ParquetCompression
  /** Columns after those of the table that hold where a record came from; absent or empty: none. */
  readonly metadataColumns?: readonly MetadataColumn[]
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

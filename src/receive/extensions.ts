/**
 * What AWS does not have, by name of a delivery stream (`extensions` in the configuration). Whoever creates the stream, a
 * declaration or CreateDeliveryStream, makes it part of the definition.
 */
import { isDeepStrictEqual } from 'node:util'
import type {
  DeliveryStream,
  KinesisSource,
  MetadataColumn,
  MetadataField,
  Transform,
} from '../domain/delivery-stream.ts'
import { atTimestamp, TRIM_HORIZON, type Checkpoint } from '../domain/shard.ts'
import type { Additions } from './destination-delivery.ts'
import { callsOf } from './processing-delivery.ts'

export interface StreamExtension {
  /** LATEST unless it says otherwise: the moment at which the delivery stream was created. */
  readonly startingPosition?: 'LATEST' | 'TRIM_HORIZON' | 'AT_TIMESTAMP' | undefined
  /** ISO 8601 with its zone; there with AT_TIMESTAMP, and only then. */
  readonly startingTimestamp?: string | undefined
  /** `keep` unless it says otherwise. */
  readonly outOfRangeRecords?: 'keep' | 'drop' | undefined
  /** Names of columns, lower-case and distinct. */
  readonly metadataColumns?: Readonly<Partial<Record<MetadataField, string | undefined>>> | undefined
  readonly parquetCompression?: 'ZSTD' | undefined
  /** `millis` unless it says otherwise. */
  readonly timestampUnit?: 'millis' | 'micros' | undefined
  readonly transform?: TransformExtension | undefined
}

export interface TransformExtension {
  readonly url: string
  /** 3 unless it says otherwise. */
  readonly retries?: number | undefined
  /** 1 unless it says otherwise. */
  readonly bufferSizeInMBs?: number | undefined
  /** 60 unless it says otherwise. */
  readonly bufferIntervalInSeconds?: number | undefined
}

/** By name of a delivery stream, whether there is one or not. */
export type Extensions = Readonly<Record<string, StreamExtension>>

/** In the order of the columns. */
const METADATA_FIELDS = ['shardId', 'sequenceNumber', 'subSequenceNumber', 'partitionKey', 'arrival'] as const

const SETTINGS = [
  'startingPosition',
  'startingTimestamp',
  'outOfRangeRecords',
  'metadataColumns',
  'parquetCompression',
  'timestampUnit',
  'transform',
] as const

export type ExtensionSetting = (typeof SETTINGS)[number]

/** Undefined when it says nothing: then the stream is what AWS would make of it. */
export function extensionOf(extensions: Extensions | undefined, name: string): StreamExtension | undefined {
  if (extensions === undefined || !Object.hasOwn(extensions, name)) return undefined
  const extension = extensions[name]
  return extension !== undefined && settingsOf(extension).length > 0 ? extension : undefined
}

/** Those that say something. */
export function settingsOf(extension: StreamExtension): ExtensionSetting[] {
  return SETTINGS.filter((setting) =>
    setting === 'metadataColumns'
      ? metadataColumnsOf(extension).length > 0
      : extension[setting] !== undefined,
  )
}

/** Where reading begins in the shards that are open then. */
export function startOf(extension: StreamExtension | undefined, createdAtMs: number): Checkpoint {
  if (extension?.startingPosition === 'TRIM_HORIZON') return TRIM_HORIZON
  const { startingTimestamp } = extension ?? {}
  return atTimestamp(startingTimestamp === undefined ? createdAtMs : Date.parse(startingTimestamp))
}

export function kinesisSourceOf(
  streamArn: string,
  extension: StreamExtension | undefined,
  createdAtMs: number,
): KinesisSource {
  return {
    streamArn,
    start: startOf(extension, createdAtMs),
    outOfRangeRecords: extension?.outOfRangeRecords ?? 'keep',
  }
}

export function metadataColumnsOf(extension: StreamExtension | undefined): readonly MetadataColumn[] {
  return METADATA_FIELDS.flatMap((field) => {
    const name = extension?.metadataColumns?.[field]
    return name === undefined ? [] : [{ field, name }]
  })
}

/** What it adds to the stream's destination. */
export function additionsOf(extension: StreamExtension | undefined): Additions {
  const { parquetCompression, timestampUnit, transform } = extension ?? {}
  return {
    metadataColumns: metadataColumnsOf(extension),
    ...(parquetCompression === undefined ? {} : { parquetCompression }),
    ...(timestampUnit === 'micros' ? { timestampUnit } : {}),
    ...(transform === undefined ? {} : { transform: transformOf(transform) }),
  }
}

function transformOf(given: TransformExtension): Transform {
  const { url, retries = 3, bufferSizeInMBs = 1, bufferIntervalInSeconds = 60 } = given
  return {
    target: { kind: 'http', url },
    ...callsOf({ retries, sizeInMBs: bufferSizeInMBs, intervalInSeconds: bufferIntervalInSeconds }),
  }
}

/** What an extension has added to a stream: its way back from the destination. */
export function additionsIn({
  destination: { conversion, processing },
}: Pick<DeliveryStream, 'destination'>): Additions {
  const { metadataColumns = [], parquetCompression, timestampUnit } = conversion ?? {}
  const transform = processing?.transform
  return {
    metadataColumns,
    ...(parquetCompression === 'ZSTD' ? { parquetCompression } : {}),
    ...(timestampUnit === undefined ? {} : { timestampUnit }),
    ...(transform?.target.kind === 'http' ? { transform } : {}),
  }
}

/** Whether the stream is what its extension asks for; where reading began is another question. */
export function hasExtension(stream: DeliveryStream, extension: StreamExtension | undefined): boolean {
  const outOfRange =
    stream.kinesis === undefined
      ? extension?.outOfRangeRecords === undefined
      : stream.kinesis.outOfRangeRecords === (extension?.outOfRangeRecords ?? 'keep')
  return outOfRange && isDeepStrictEqual(additionsIn(stream), additionsOf(extension))
}

/** Whether reading began where the extension says; of a stream that nobody reads, whether it says nothing. */
export function beganAsAsked(stream: DeliveryStream, extension: StreamExtension | undefined): boolean {
  return stream.kinesis === undefined
    ? extension?.startingPosition === undefined
    : startOf(extension, stream.createdAtMs) === stream.kinesis.start
}

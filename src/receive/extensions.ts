/**
 * What AWS does not have, by name of a delivery stream (`extensions` in the configuration). Whoever creates the stream, a
 * declaration or CreateDeliveryStream, makes it part of the definition.
 */
import type {
  DeliveryStream,
  KinesisSource,
  MetadataColumn,
  MetadataField,
} from '../domain/delivery-stream.ts'
import { atTimestamp, TRIM_HORIZON, type Checkpoint } from '../domain/shard.ts'

export interface StreamExtension {
  /** LATEST unless it says otherwise: the moment at which the delivery stream was created. */
  readonly startingPosition?: 'LATEST' | 'TRIM_HORIZON' | 'AT_TIMESTAMP' | undefined
  /** ISO 8601 with its zone; there with AT_TIMESTAMP, and only then. */
  readonly startingTimestamp?: string | undefined
  /** `keep` unless it says otherwise. */
  readonly outOfRangeRecords?: 'keep' | 'drop' | undefined
  /** Names of columns, lower-case and distinct. */
  readonly metadataColumns?: Readonly<Partial<Record<MetadataField, string | undefined>>> | undefined
}

/** By name of a delivery stream, whether there is one or not. */
export type Extensions = Readonly<Record<string, StreamExtension>>

export interface ExtensionProblem {
  /** Below `extensions.<name>`. */
  readonly path: readonly string[]
  readonly message: string
}

/** In the order of the columns. */
const METADATA_FIELDS = ['shardId', 'sequenceNumber', 'subSequenceNumber', 'partitionKey', 'arrival'] as const

const SETTINGS = ['startingPosition', 'startingTimestamp', 'outOfRangeRecords', 'metadataColumns'] as const

/** Undefined when it says nothing: then the stream is what AWS would make of it. */
export function extensionOf(extensions: Extensions | undefined, name: string): StreamExtension | undefined {
  if (extensions === undefined || !Object.hasOwn(extensions, name)) return undefined
  const extension = extensions[name]
  return extension !== undefined && settingsOf(extension).length > 0 ? extension : undefined
}

function settingsOf(extension: StreamExtension): (typeof SETTINGS)[number][] {
  return SETTINGS.filter((setting) =>
    setting === 'metadataColumns'
      ? metadataColumnsOf(extension).length > 0
      : extension[setting] !== undefined,
  )
}

/** What a stream of this kind cannot have of its extension. */
export function* extensionProblems(
  stream: { readonly type: string; readonly converts: boolean },
  extension: StreamExtension | undefined,
  nowMs: number,
): Generator<ExtensionProblem> {
  if (extension === undefined) return
  if (stream.type !== 'KinesisStreamAsSource')
    for (const setting of settingsOf(extension))
      yield { path: [setting], message: 'needs DeliveryStreamType KinesisStreamAsSource' }
  else if (!stream.converts && metadataColumnsOf(extension).length > 0)
    yield {
      path: ['metadataColumns'],
      message:
        'needs DataFormatConversionConfiguration, because records that are not converted have no columns',
    }
  const { startingTimestamp } = extension
  if (startingTimestamp !== undefined && Date.parse(startingTimestamp) > nowMs)
    yield {
      path: ['startingTimestamp'],
      message: 'has not come yet; Kinesis reads from a time that has passed',
    }
}

/** As messages of the API and of a start: `extensions.orders.startingPosition: needs …`. */
export function extensionMessage(name: string, { path, message }: ExtensionProblem): string {
  return `${['extensions', name, ...path].join('.')}: ${message}`
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

/** Whether the stream is what its extension asks for; where reading began is another question. */
export function hasExtension(stream: DeliveryStream, extension: StreamExtension | undefined): boolean {
  const wanted = metadataColumnsOf(extension)
  const columns = stream.destination.conversion?.metadataColumns ?? []
  const sameColumns =
    columns.length === wanted.length &&
    columns.every(({ field, name }, index) => wanted[index]?.field === field && wanted[index].name === name)
  return sameColumns && stream.kinesis?.outOfRangeRecords === (extension?.outOfRangeRecords ?? 'keep')
}

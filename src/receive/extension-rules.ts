/** What a stream cannot have of its extension. */
import { isInnerHost, isUrlWithin } from '../domain/inner-address.ts'
import { settingsOf, type ExtensionSetting, type StreamExtension } from './extensions.ts'

export interface ExtensionProblem {
  /** Below `extensions.<name>`. */
  readonly path: readonly string[]
  readonly message: string
}

/** What the rules look at of a stream, and of the deployment. */
export interface ExtendedStream {
  readonly type: string
  readonly converts: boolean
  readonly callsLambda: boolean
  readonly nowMs: number
  /** Beginnings of URLs on inner addresses that transforms may call. */
  readonly allowedUrls?: readonly string[] | undefined
}

const FOR_KINESIS: readonly ExtensionSetting[] = [
  'startingPosition',
  'startingTimestamp',
  'outOfRangeRecords',
  'metadataColumns',
]

const FOR_CONVERSION: Readonly<Partial<Record<ExtensionSetting, string>>> = {
  metadataColumns: 'records that are not converted have no columns',
  parquetCompression: 'records that are not converted are in no Parquet file',
  timestampUnit: 'records that are not converted have no timestamps',
}

export function* extensionProblems(
  stream: ExtendedStream,
  extension: StreamExtension | undefined,
): Generator<ExtensionProblem> {
  if (extension === undefined) return
  for (const setting of settingsOf(extension)) {
    const why = FOR_CONVERSION[setting]
    if (stream.type !== 'KinesisStreamAsSource' && FOR_KINESIS.includes(setting))
      yield { path: [setting], message: 'needs DeliveryStreamType KinesisStreamAsSource' }
    else if (!stream.converts && why !== undefined)
      yield { path: [setting], message: `needs DataFormatConversionConfiguration, because ${why}` }
  }
  const { startingTimestamp, transform } = extension
  if (startingTimestamp !== undefined && Date.parse(startingTimestamp) > stream.nowMs)
    yield {
      path: ['startingTimestamp'],
      message: 'has not come yet; Kinesis reads from a time that has passed',
    }
  if (transform === undefined) return
  if (stream.callsLambda) yield BESIDE_LAMBDA
  if (isInnerHost(new URL(transform.url).hostname) && !isUrlWithin(transform.url, stream.allowedUrls ?? []))
    yield {
      path: ['transform', 'url'],
      message:
        'is on a loopback, link-local or private address; if records may go there, add the beginning of the URL to processing.allowedUrls',
    }
}

export const BESIDE_LAMBDA: ExtensionProblem = {
  path: ['transform'],
  message: 'cannot stand beside a Lambda processor; take one of the two away',
}

/** As messages of the API and of a start: `extensions.orders.startingPosition: needs …`. */
export function extensionMessage(name: string, { path, message }: ExtensionProblem): string {
  return `${['extensions', name, ...path].join('.')}: ${message}`
}

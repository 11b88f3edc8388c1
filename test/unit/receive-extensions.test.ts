/** Extensions of any delivery stream: ZSTD, microseconds, and a transform by HTTP. */
import { expect, test } from 'vitest'
import { MIB } from '../../src/domain/limits.ts'
import { definitionFrom, type DefinitionContext } from '../../src/receive/definition.ts'
import { updatedStream } from '../../src/receive/destination-update.ts'
import { hasExtension, type StreamExtension } from '../../src/receive/extensions.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import { createInputShape, type CreateInput } from '../../src/receive/http/create-input.ts'
import { CONVERSION, createInput } from '../support/api-inputs.ts'
import { refusalOf } from '../support/refusal.ts'

const context: DefinitionContext = {
  limits: 'aws',
  roleOptional: false,
  region: 'us-east-1',
  accountId: '000000000000',
  incarnation: '0123456789abcdef',
  nowMs: 1_000,
  allowedUrls: ['http://127.0.0.1:8080/transform'],
}

function define(destination: object, extension?: StreamExtension) {
  const input = validated(createInputShape(context), createInput('orders', destination))
  const extensions = extension && { orders: extension }
  return definitionFrom(input as unknown as CreateInput, { ...context, extensions })
}

const url = 'https://transforms.example.com/orders'
const transform = { url }
const http = {
  target: { kind: 'http', url },
  retries: 3,
  bufferBytes: MIB,
  bufferIntervalMs: 60_000,
}
const converting = { DataFormatConversionConfiguration: CONVERSION }
const lambda = {
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: 'Lambda',
        Parameters: [
          {
            ParameterName: 'LambdaArn',
            ParameterValue: 'arn:aws:lambda:us-east-1:000000000000:function:shape',
          },
        ],
      },
    ],
  },
}

test('files have the compression and the unit of the extension, and Describe says what was given', () => {
  const extension = { parquetCompression: 'ZSTD', timestampUnit: 'micros' } as const
  const stream = define(converting, extension)
  expect(stream.destination.conversion).toMatchObject(extension)
  expect(stream.description).toEqual(define(converting).description)
  expect(define(converting, { timestampUnit: 'millis' }).destination).toEqual(define(converting).destination)
})

test('a transform by HTTP stands among the processors where a function would', () => {
  const delimiter = { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] }
  expect(define({ ProcessingConfiguration: delimiter }, { transform }).destination.processing).toEqual({
    transform: http,
    appendDelimiter: true,
  })
  const numbers = { retries: 0, bufferSizeInMBs: 0.2, bufferIntervalInSeconds: 0 }
  expect(define({}, { transform: { url, ...numbers } }).destination.processing).toEqual({
    transform: { target: { kind: 'http', url }, retries: 0, bufferBytes: 209_715, bufferIntervalMs: 0 },
  })
})

test('a transform by HTTP gives keys like a function, without any processor', () => {
  const destination = {
    Prefix: '!{partitionKeyFromLambda:region}/',
    ErrorOutputPrefix: '!{firehose:error-output-type}/',
    DynamicPartitioningConfiguration: { Enabled: true },
  }
  expect(define(destination, { transform }).destination.partitioning).toEqual({ objectBytes: 128 * MIB })
  expect(refusalOf(() => define(destination))).toBe(
    'InvalidArgumentException: Processing Configuration is not enabled when DataPartitioning is enabled',
  )
})

test.each<[object, StreamExtension, string]>([
  [
    {},
    { parquetCompression: 'ZSTD' },
    'parquetCompression: needs DataFormatConversionConfiguration, because records that are not converted are in no Parquet file',
  ],
  [
    { DataFormatConversionConfiguration: { Enabled: false } },
    { timestampUnit: 'micros' },
    'timestampUnit: needs DataFormatConversionConfiguration, because records that are not converted have no timestamps',
  ],
  [
    converting,
    { metadataColumns: { shardId: 'shard' } },
    'metadataColumns: needs DeliveryStreamType KinesisStreamAsSource',
  ],
  [lambda, { transform }, 'transform: cannot stand beside a Lambda processor; take one of the two away'],
  ...[
    'http://127.0.0.1:8080/other',
    'http://localhost:8080/transform',
    'http://169.254.169.254/latest',
    'https://[fd00::1]/',
    'http://2130706433:8080/',
  ].map((inner): [object, StreamExtension, string] => [
    {},
    { transform: { url: inner } },
    'transform.url: is on a loopback, link-local or private address; if records may go there, add the beginning of the URL to processing.allowedUrls',
  ]),
])('what a stream cannot have of its extension is refused (%#)', (destination, extension, message) => {
  expect(refusalOf(() => define(destination, extension))).toBe(
    `InvalidArgumentException: extensions.orders.${message}`,
  )
})

test('an inner address that is allowed is called', () => {
  const inner = 'http://127.0.0.1:8080/transform/orders'
  expect(define({}, { transform: { url: inner } }).destination.processing?.transform?.target).toEqual({
    kind: 'http',
    url: inner,
  })
})

test('an update keeps what an extension made of the stream, and no function comes beside its transform', () => {
  const extension = { parquetCompression: 'ZSTD', timestampUnit: 'micros', transform } as const
  const before = define(converting, extension)
  const after = updatedStream(before, { Prefix: 'a/' }, context)
  expect(after.destination).toEqual({ ...before.destination, prefix: 'a/' })
  expect(refusalOf(() => updatedStream(before, lambda, context))).toBe(
    'InvalidArgumentException: extensions.orders.transform: cannot stand beside a Lambda processor; take one of the two away',
  )
  const gzip = { Serializer: { ParquetSerDe: { Compression: 'GZIP' } } } as const
  const update = { DataFormatConversionConfiguration: { OutputFormatConfiguration: gzip } }
  expect(updatedStream(before, update, context).destination).toEqual(before.destination)
})

test('an extension acts when an update begins to convert, but for its transform', () => {
  const extension = { parquetCompression: 'ZSTD', transform } as const
  const before = define({ BufferingHints: { SizeInMBs: 64 } })
  const { destination } = updatedStream(before, converting, { ...context, extensions: { orders: extension } })
  expect(destination.conversion?.parquetCompression).toBe('ZSTD')
  expect(destination.processing).toBeUndefined()
})

test('whether a stream has its extension is told by every setting of it', () => {
  const all = { parquetCompression: 'ZSTD', timestampUnit: 'micros', transform } as const
  const stream = define(converting, all)
  expect(hasExtension(stream, all)).toBe(true)
  expect(hasExtension(stream, undefined)).toBe(false)
  for (const change of [
    { parquetCompression: undefined },
    { timestampUnit: 'millis' as const },
    { transform: undefined },
    { transform: { url: `${url}2` } },
    { transform: { url, retries: 4 } },
    { outOfRangeRecords: 'keep' as const },
  ])
    expect(hasExtension(stream, { ...all, ...change }), JSON.stringify(change)).toBe(false)
  expect(hasExtension(define({}), undefined)).toBe(true)
})

/** From ProcessingConfiguration, DynamicPartitioningConfiguration and deserializers to what delivery acts on. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Processing, Transform } from '../../src/domain/delivery-stream.ts'
import { EncoderError } from '../../src/domain/errors.ts'
import { MIB } from '../../src/domain/limits.ts'
import { definitionFrom, type DefinitionContext } from '../../src/receive/definition.ts'
import { updatedStream } from '../../src/receive/destination-update.ts'
import { validated } from '../../src/receive/http/constraints.ts'
import { createInputShape, type CreateInput } from '../../src/receive/http/create-input.ts'
import { outsideProblem } from '../../src/receive/outside-checks.ts'
import { CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { refusalOf } from '../support/refusal.ts'

const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:shape'
const CALLER_ARN = 'arn:aws:iam::000000000000:role/caller'

const context: DefinitionContext = {
  limits: 'aws',
  roleOptional: true,
  region: 'us-east-1',
  accountId: '000000000000',
  incarnation: '0123456789abcdef',
  nowMs: 1_000,
}

function define(destination: object, more: Partial<DefinitionContext> = {}, input: object = {}) {
  const whole = { ...createInput('orders', destination), ...input }
  return definitionFrom(validated(createInputShape(context), whole) as unknown as CreateInput, {
    ...context,
    ...more,
  })
}

function processor(Type: string, parameters: Readonly<Record<string, string>> = {}) {
  return {
    Type,
    Parameters: Object.entries(parameters).map(([ParameterName, ParameterValue]) => ({
      ParameterName,
      ParameterValue,
    })),
  }
}

const processing = (...Processors: readonly object[]) => ({
  ProcessingConfiguration: { Enabled: true, Processors },
})

const extraction = (query = '{customer: .customer}') =>
  processor('MetadataExtraction', { MetadataExtractionQuery: query, JsonParsingEngine: 'JQ-1.6' })

const partitioned = (...processors: readonly object[]) => ({
  Prefix: 'c=!{partitionKeyFromQuery:customer}/',
  ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
  DynamicPartitioningConfiguration: { Enabled: true },
  ...processing(...processors),
})

const lambda: Transform = {
  target: { kind: 'lambda', functionArn: FUNCTION_ARN, roleArn: ROLE_ARN },
  retries: 3,
  bufferBytes: MIB,
  bufferIntervalMs: 60_000,
}

const converting = (deserializer: object, serializer: object = { ParquetSerDe: {} }) => ({
  DataFormatConversionConfiguration: {
    ...CONVERSION,
    InputFormatConfiguration: { Deserializer: deserializer },
    OutputFormatConfiguration: { Serializer: serializer },
  },
})

test('all processors are taken, in whatever order they are given', () => {
  const all = [
    processor('Decompression', { CompressionFormat: 'GZIP' }),
    processor('CloudWatchLogProcessing', { DataMessageExtraction: 'True' }),
    processor('Lambda', { LambdaArn: FUNCTION_ARN }),
    processor('AppendDelimiterToRecord'),
  ]
  const expected: Processing = {
    decompression: true,
    cloudWatchLogs: { messagesOnly: true },
    transform: lambda,
    appendDelimiter: true,
  }
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (processors) => {
      const { destination } = define(processing(...processors))
      expect(JSON.stringify(destination.processing)).toBe(JSON.stringify(expected))
    }),
  )
})

test.each<[object, Processing | undefined]>([
  [{ ProcessingConfiguration: { Processors: [processor('AppendDelimiterToRecord')] } }, undefined],
  [{ ProcessingConfiguration: { Enabled: false, Processors: [] } }, undefined],
  [processing(processor('Decompression')), { decompression: true }],
  [
    processing(processor('CloudWatchLogProcessing'), processor('Decompression')),
    { decompression: true, cloudWatchLogs: { messagesOnly: false } },
  ],
  [
    partitioned(extraction(), processor('RecordDeAggregation', { SubRecordType: 'JSON' })),
    { deaggregation: { kind: 'json' } },
  ],
  [
    partitioned(
      extraction(),
      processor('RecordDeAggregation', { SubRecordType: 'DELIMITED', Delimiter: 'IyMjIw==' }),
    ),
    { deaggregation: { kind: 'delimited', delimiter: 'IyMjIw==' } },
  ],
  [
    processing(
      processor('Lambda', {
        LambdaArn: FUNCTION_ARN,
        RoleArn: CALLER_ARN,
        NumberOfRetries: '0',
        BufferSizeInMBs: '0.2',
        BufferIntervalInSeconds: '0',
      }),
    ),
    {
      transform: {
        target: { kind: 'lambda', functionArn: FUNCTION_ARN, roleArn: CALLER_ARN },
        retries: 0,
        bufferBytes: 209_715,
        bufferIntervalMs: 0,
      },
    },
  ],
])('processing %#', (destination, expected) => {
  expect(define(destination).destination.processing).toEqual(expected)
})

test('a partitioned stream cuts objects at SizeInMBs and seals at its interval, or at the size of a batch', () => {
  const stream = define(partitioned(extraction()))
  expect(stream.destination.partitioning).toEqual({
    query: '{customer: .customer}',
    objectBytes: 128 * MIB,
  })
  expect(stream.destination.processing).toBeUndefined()
  expect(stream.hints).toEqual({ bytes: 1024 * MIB, intervalMs: 300_000 })
  expect(stream.description['BufferingHints']).toEqual({ SizeInMBs: 128, IntervalInSeconds: 300 })
  const hints = { BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 } }
  const small = define({ ...partitioned(extraction()), ...hints }, { partitionedBatchBytes: 7 })
  expect(small.destination.partitioning?.objectBytes).toBe(64 * MIB)
  expect(small.hints).toEqual({ bytes: 7, intervalMs: 60_000 })
})

test('relaxed limits let a partitioned stream have small objects and short intervals', () => {
  const hints = { BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 0 } }
  const stream = define({ ...partitioned(extraction()), ...hints }, { limits: 'relaxed' })
  expect(stream.destination.partitioning?.objectBytes).toBe(MIB)
  expect(stream.hints.intervalMs).toBe(0)
})

test('keys may all come from a function', () => {
  const { destination } = define({
    ...partitioned(processor('Lambda', { LambdaArn: FUNCTION_ARN })),
    Prefix: '!{partitionKeyFromLambda:region}/',
  })
  expect(destination.partitioning).toEqual({ objectBytes: 128 * MIB })
  expect(destination.processing).toEqual({ transform: lambda })
})

test('a query whose keys its text does not tell is left to jq', () => {
  const { destination } = define(partitioned(extraction('.meta | with_entries(.value |= tostring)')))
  expect(destination.partitioning?.query).toBe('.meta | with_entries(.value |= tostring)')
})

test('options of OpenXJsonSerDe become what the conversion acts on', () => {
  const openX = {
    CaseInsensitive: false,
    ConvertDotsInJsonKeysToUnderscores: true,
    ColumnToJsonKeyMappings: { TS: 'timestamp', __proto__id: 'Id' },
  }
  expect(define(converting({ OpenXJsonSerDe: openX })).destination.conversion).toMatchObject({
    caseInsensitive: false,
    dotsToUnderscores: true,
    jsonKeys: { ts: 'timestamp', __proto__id: 'Id' },
    parquetCompression: 'SNAPPY',
  })
  const plain = { ConvertDotsInJsonKeysToUnderscores: false, ColumnToJsonKeyMappings: {} }
  expect(define(converting({ OpenXJsonSerDe: plain })).destination.conversion).toEqual(
    define(converting({ OpenXJsonSerDe: {} })).destination.conversion,
  )
})

test('HiveJsonSerDe is told apart by being there, with its formats of timestamps', () => {
  const formats = { TimestampFormats: ['millis', 'yyyy-MM-dd'] }
  expect(define(converting({ HiveJsonSerDe: formats })).destination.conversion?.hive).toEqual({
    timestampFormats: ['millis', 'yyyy-MM-dd'],
  })
  expect(define(converting({ HiveJsonSerDe: {} })).destination.conversion?.hive).toEqual({
    timestampFormats: [],
  })
})

test('a format of timestamps that is none is refused in the words of the service', () => {
  const formats = { TimestampFormats: ['millis', 'yyyy-QQ'] }
  expect(refusalOf(() => define(converting({ HiveJsonSerDe: formats })))).toBe(
    'InvalidArgumentException: One or more SerDe options are invalid for org.apache.hcatalog.data.JsonSerDe: [Key: timestamp.formats Value: yyyy-QQ]',
  )
})

test('WriterVersion V2 is planned, V1 is the default', () => {
  const version = (WriterVersion: string) =>
    define(converting({ OpenXJsonSerDe: {} }, { ParquetSerDe: { WriterVersion } })).destination.conversion
  expect(version('V2')?.parquetVersion).toBe(2)
  expect(version('V1')?.parquetVersion).toBeUndefined()
})

test('columns that are mapped and not in the table, and a query that jq does not take, are told', async () => {
  const mapped = define(converting({ OpenXJsonSerDe: { ColumnToJsonKeyMappings: { ts: 'a', gone: 'b' } } }))
  const resolveColumns = () => Promise.resolve([{ name: 'ts', type: 'string' }])
  expect(await outsideProblem(mapped, { resolveColumns })).toBe(
    'Invalid deserializer option(s): ColumnToJsonKeyMappings names columns that the table does not have: gone',
  )
  const queryProblem = (query: string) =>
    Promise.resolve(query === '{customer' ? 'the query has no end' : undefined)
  const queried = (query: string) => define(partitioned(extraction(query)))
  expect(await outsideProblem(queried('{customer'), { queryProblem })).toBe('the query has no end')
  expect(await outsideProblem(queried('{customer}'), { queryProblem })).toBeUndefined()
})

test('a query that jq cannot be asked about now is no wrong query: the caller is told to come again', async () => {
  const died = new EncoderError('run jq: its thread died', {
    code: 'QueryThreadDied',
    hint: 'look at the memory',
  })
  const checked = outsideProblem(define(partitioned(extraction('{customer}'))), {
    queryProblem: () => Promise.reject(died),
  })
  await expect(checked).rejects.toMatchObject({
    type: 'ServiceUnavailableException',
    message: 'run jq: its thread died; look at the memory',
  })
})

test('an update of something else leaves processing and partitions as they were, with the role that calls', () => {
  const { RoleARN: _, ...bucket } = createInput('orders')['ExtendedS3DestinationConfiguration'] as Record<
    string,
    unknown
  >
  for (const destination of [{ RoleARN: ROLE_ARN }, {}]) {
    const given = {
      ...bucket,
      ...destination,
      ...partitioned(extraction(), processor('Lambda', { LambdaArn: FUNCTION_ARN })),
    }
    const before = define({}, {}, { ExtendedS3DestinationConfiguration: given })
    const same = { Prefix: before.destination.prefix }
    expect(updatedStream(before, same, context)).toBe(before)
    const { destination: after } = updatedStream(before, { FileExtension: '.x' }, context)
    expect(after).toEqual({ ...before.destination, fileExtension: '.x' })
  }
})

/** Declarations whose tables and partitions are somebody else's to change, or nobody's. */
import { expect, test } from 'vitest'
import { EncoderError } from '../../src/domain/errors.ts'
import type { ResolveColumns } from '../../src/domain/ports.ts'
import { applyDeclarations, type DeclarationsOptions } from '../../src/receive/declarations.ts'
import { CONVERSION } from '../support/api-inputs.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keepingLog } from '../support/log-lines.ts'
import { MemoryStore } from '../support/memory-store.ts'

const context = { region: 'eu-west-1', accountId: '111122223333', limits: 'aws' as const }

const orders = {
  DeliveryStreamName: 'orders',
  ExtendedS3DestinationConfiguration: {
    BucketARN: 'arn:aws:s3:::lake',
    DataFormatConversionConfiguration: CONVERSION,
  },
}

const there: ResolveColumns = () => Promise.resolve([{ name: 'id', type: 'string' }])
const failing =
  (code: string): ResolveColumns =>
  () =>
    Promise.reject(new EncoderError('look up table sales.orders in Glue', { code, hint: 'see there' }))

function setUp() {
  const store = new MemoryStore()
  const { log, lines } = keepingLog()
  const start = (declarations: readonly unknown[], more: Partial<DeclarationsOptions> = {}) =>
    applyDeclarations({
      declarations,
      registry: store.registry,
      context,
      clock: new FakeClock(),
      log,
      ...more,
    })
  const warnings = () =>
    lines
      .splice(0)
      .filter(({ level }) => level === 'warn')
      .map(({ message, fields }) => [message, fields['problem']])
  return { store, start, warnings }
}

const TOLD = 'table or query of a delivery stream is not as it should be'

test('a Glue that is away keeps no process from starting, nor a new stream from being declared', async () => {
  for (const code of ['GlueUnavailable', 'ThrottledByGlue', 'SchemaValidationTimeout']) {
    const { store, start, warnings } = setUp()
    await start([orders], { resolveColumns: failing(code), hasOtherCatalog: true })
    expect(store.streams.has('orders')).toBe(true)
    expect(warnings()).toEqual([[TOLD, 'look up table sales.orders in Glue; see there']])
  }
})

test('a table that is not there, or may not be read, refuses a new declaration', async () => {
  for (const code of ['EntityNotFound', 'AccessDenied', 'InvalidGlueRole', 'InvalidSchema']) {
    const { store, start } = setUp()
    await expect(start([orders], { resolveColumns: failing(code), hasOtherCatalog: true })).rejects.toThrow(
      'deliveryStreams[0]: look up table sales.orders in Glue; see there',
    )
    expect(store.streams.size).toBe(0)
  }
})

test('a declaration that has acted starts again whatever became of its table in Glue, not in the configuration', async () => {
  const { start, warnings } = setUp()
  await start([orders], { resolveColumns: there, hasOtherCatalog: true })
  await start([orders], { resolveColumns: failing('EntityNotFound'), hasOtherCatalog: true })
  expect(warnings()).toEqual([[TOLD, 'look up table sales.orders in Glue; see there']])
  await expect(start([orders], { resolveColumns: failing('EntityNotFound') })).rejects.toThrow(
    'look up table',
  )
})

test('a query that jq cannot be asked about now is told as one, and keeps no process from starting', async () => {
  const { store, start, warnings } = setUp()
  const declaration = {
    DeliveryStreamName: 'shops',
    ExtendedS3DestinationConfiguration: {
      BucketARN: 'arn:aws:s3:::lake',
      Prefix: '!{partitionKeyFromQuery:shop}/',
      ErrorOutputPrefix: '!{firehose:error-output-type}/',
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [
          {
            Type: 'MetadataExtraction',
            Parameters: [
              { ParameterName: 'MetadataExtractionQuery', ParameterValue: '{shop: .shop}' },
              { ParameterName: 'JsonParsingEngine', ParameterValue: 'JQ-1.6' },
            ],
          },
        ],
      },
    },
  }
  const queryProblem = () =>
    Promise.reject(new EncoderError('run jq: its thread died', { code: 'QueryThreadDied', hint: 'wait' }))
  await start([declaration], { queryProblem })
  expect(store.streams.has('shops')).toBe(true)
  expect(warnings()).toEqual([[TOLD, 'run jq: its thread died; wait']])
})

const visits = (Enabled: boolean) => ({
  DeliveryStreamName: 'visits',
  ExtendedS3DestinationConfiguration: {
    BucketARN: 'arn:aws:s3:::lake',
    ...(Enabled ? { Prefix: '!{partitionKeyFromLambda:c}/' } : {}),
    ErrorOutputPrefix: '!{firehose:error-output-type}/',
    DynamicPartitioningConfiguration: { Enabled },
  },
})

test.each([
  [true, 'visits was created with dynamic partitioning and is declared without it; that cannot be changed'],
  [false, 'visits was created without dynamic partitioning and is declared with it; that cannot be changed'],
])('dynamic partitioning of a declared stream stays: %s', async (enabled, message) => {
  const { start } = setUp()
  const extensions = { visits: { transform: { url: 'https://transforms.example.com' } } }
  await start([visits(enabled)], { extensions })
  await expect(start([visits(!enabled)], { extensions })).rejects.toThrow(message)
})

test('an extension of a stream of puts acts once, and is told when its stream is not declared', async () => {
  const { store, start, warnings } = setUp()
  const zstd = { orders: { parquetCompression: 'ZSTD' } } as const
  await start([orders], { extensions: zstd })
  await start([orders], { extensions: zstd })
  const stored = () => store.streams.get('orders')
  expect([stored()?.version, stored()?.destination.conversion?.parquetCompression]).toEqual([1, 'ZSTD'])
  await start([orders])
  expect([stored()?.version, stored()?.destination.conversion?.parquetCompression]).toEqual([2, 'SNAPPY'])
  const stream = stored()
  if (stream !== undefined) store.streams.set('orders', { ...stream, declarations: [] })
  warnings()
  await start([], { extensions: { orders: {} } })
  expect(warnings()).toEqual([])
  await start([], { extensions: zstd })
  expect(warnings()).toEqual([
    ['extension was not applied, because its delivery stream is there and is not declared', undefined],
  ])
})

/** Settings of processing and dynamic partitioning. */
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'

function problems(text: string): string[] {
  const loaded = parseConfig(text, { LIMIT: '7' })
  return loaded.kind === 'loaded' ? [] : loaded.problems.map(formatProblem)
}

test('all of it may be written', () => {
  const loaded = parseConfig(
    `aws: { glueEndpoint: "http://127.0.0.1:4566", lambdaEndpoint: "http://127.0.0.1:3001" }
catalog: { glue: true }
delivery: { maxPartitions: "\${LIMIT}" }
buffer: { partitionedBatchBytes: 256MiB }
processing: { queryMaxMs: 100, queryOutputMaxBytes: 1MiB, transformsPerBatch: 64, allowedUrls: ["http://127.0.0.1:8080/"] }
extensions:
  orders:
    parquetCompression: ZSTD
    timestampUnit: micros
    transform: { url: "http://127.0.0.1:8080/orders", retries: 0, bufferSizeInMBs: 0.2, bufferIntervalInSeconds: 900 }`,
    { LIMIT: '7' },
  )
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  expect(loaded.config).toMatchObject({
    aws: { glueEndpoint: 'http://127.0.0.1:4566', lambdaEndpoint: 'http://127.0.0.1:3001' },
    catalog: { glue: true, databases: {} },
    delivery: { maxPartitions: 7 },
    buffer: { partitionedBatchBytes: 256 * 2 ** 20 },
    processing: {
      queryMaxMs: 100,
      queryOutputMaxBytes: 2 ** 20,
      transformsPerBatch: 64,
      allowedUrls: ['http://127.0.0.1:8080/'],
    },
    extensions: {
      orders: {
        parquetCompression: 'ZSTD',
        timestampUnit: 'micros',
        transform: {
          url: 'http://127.0.0.1:8080/orders',
          retries: 0,
          bufferSizeInMBs: 0.2,
          bufferIntervalInSeconds: 900,
        },
      },
    },
  })
})

test.each([
  [
    'processing: { transformsPerBatch: 0 }',
    'processing.transformsPerBatch (line 1): must be a whole number from 1 to 64',
  ],
  [
    'processing: { queryOutputMaxBytes: 1 }',
    'processing.queryOutputMaxBytes (line 1): must be at least 64KiB',
  ],
  [
    'processing: { allowedUrls: ["127.0.0.1:8080"] }',
    'processing.allowedUrls[0] (line 1): must be a URL that starts with http:// or https://, without user and password',
  ],
  ['processing: { allowedUrls: "http://a" }', 'processing.allowedUrls (line 1): must be a list of URLs'],
  [
    'delivery: { maxPartitions: -1 }',
    'delivery.maxPartitions (line 1): must be a whole number from 0 to 10000000',
  ],
  ['catalog: { glue: perhaps }', 'catalog.glue (line 1): must be true or false'],
  [
    'extensions: { a: { parquetCompression: LZ4 } }',
    'extensions.a.parquetCompression (line 1): must be ZSTD',
  ],
  [
    'extensions: { a: { timestampUnit: nanos } }',
    'extensions.a.timestampUnit (line 1): must be millis or micros',
  ],
  ['extensions: { a: { transform: {} } }', 'extensions.a.transform.url (line 1): is required'],
  [
    'extensions: { a: { transform: { url: "ftp://a" } } }',
    'extensions.a.transform.url (line 1): must be a URL that starts with http:// or https://, without user and password',
  ],
  [
    'extensions: { a: { transform: { url: "http://me:secret@a" } } }',
    'extensions.a.transform.url (line 1): must be a URL that starts with http:// or https://, without user and password',
  ],
  [
    'extensions: { a: { transform: { url: "http://a", bufferSizeInMBs: 0.1 } } }',
    'extensions.a.transform.bufferSizeInMBs (line 1): must be a number from 0.2 to 3',
  ],
])('%s is refused with one sentence', (text, sentence) => {
  expect(problems(text)).toEqual([sentence])
})

test('a partitioned stream whose batches do not fit into its share of the buffer is refused', () => {
  const declared = (enabled: boolean) => `deliveryStreams:
  - DeliveryStreamName: orders
    ExtendedS3DestinationConfiguration: { DynamicPartitioningConfiguration: { Enabled: ${enabled} } }`
  const small = 'buffer: { maxBytes: 1GiB }'
  expect(problems(`${small}\n${declared(true)}`)).toEqual([
    'buffer.partitionedBatchBytes (line 1): is more than a delivery stream may take in the buffer, 512MiB (maxBytes × perStreamShare): with dynamic partitioning it would be throttled before a batch is full; lower it, or raise maxBytes',
  ])
  expect(problems(`${small}\n${declared(false)}`)).toEqual([])
  expect(problems(declared(true))).toEqual([])
  expect(problems(`buffer: { maxBytes: 1GiB, partitionedBatchBytes: 512MiB }\n${declared(true)}`)).toEqual([])
  expect(problems(`buffer: { maxBytes: many }\n${declared(true)}`)).toHaveLength(1)
})

/** What `hydrant check` finds beyond the settings: extensions against the streams that are declared. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileQuery, readCheckedConfig } from '../../src/check.ts'
import { formatProblem } from '../../src/config/problem.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-check-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const STREAMS = `
catalog: { databases: { sales: { clicks: { columns: [ { name: id, type: string }, { name: shard, type: string } ] } } } }
deliveryStreams:
  - DeliveryStreamName: clicks-to-s3
    DeliveryStreamType: KinesisStreamAsSource
    KinesisStreamSourceConfiguration: { KinesisStreamARN: "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks" }
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      DataFormatConversionConfiguration:
        SchemaConfiguration: { DatabaseName: sales, TableName: clicks }
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }
  - DeliveryStreamName: orders
    S3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake" }
`

/** Problems, or notes with their mark. */
async function check(extensions: string): Promise<string[]> {
  const path = join(folder, 'hydrant.yaml')
  await writeFile(path, `extensions: { ${extensions} }\n${STREAMS}`)
  const checked = await readCheckedConfig(path, {})
  if (checked.kind === 'refused') return checked.problems.map(formatProblem)
  return (checked.notes ?? []).map((note) => `note: ${formatProblem(note)}`)
}

test.each([
  'clicks-to-s3: { startingPosition: TRIM_HORIZON, metadataColumns: { shardId: kinesis_shard } }',
  'clicks-to-s3: { startingPosition: AT_TIMESTAMP, startingTimestamp: "2020-01-01T00:00:00Z" }',
  'orders: {}',
])('%s is without a problem', async (extensions) => {
  expect(await check(extensions)).toEqual([])
})

test.each([
  [
    'orders: { startingPosition: LATEST }',
    'extensions.orders.startingPosition (line 1): needs DeliveryStreamType KinesisStreamAsSource',
  ],
  [
    'clicks-to-s3: { metadataColumns: { sequenceNumber: shard } }',
    'extensions.clicks-to-s3.metadataColumns.sequenceNumber (line 1): the table has a column "shard" already; choose another name',
  ],
  [
    'clicks-to-s3: { startingPosition: AT_TIMESTAMP, startingTimestamp: "9999-01-01T00:00:00Z" }',
    'extensions.clicks-to-s3.startingTimestamp (line 1): has not come yet; Kinesis reads from a time that has passed',
  ],
  [
    'click-to-s3: { outOfRangeRecords: drop }',
    'extensions.click-to-s3 (line 1): no delivery stream is declared by this name; did you mean "clicks-to-s3"? If not, write "clicks-to-s3: {}" under extensions as well',
  ],
])('%s is a problem, with its path', async (extensions, problem) => {
  expect(await check(extensions)).toEqual([problem])
})

test('an extension of a stream that is not declared is a note, unless it is like a declared name that has none', async () => {
  const note = 'no delivery stream is declared by this name; it acts when CreateDeliveryStream makes one'
  expect(await check('invoices: { outOfRangeRecords: drop }')).toEqual([
    `note: extensions.invoices (line 1): ${note}`,
  ])
  expect(await check('click-to-s3: { outOfRangeRecords: drop }, clicks-to-s3: {}')).toEqual([
    `note: extensions.click-to-s3 (line 1): ${note}`,
  ])
})

test('every metadata column that has the name of a column of the table is told, with its line', async () => {
  expect(await check('clicks-to-s3: {\n metadataColumns: {\n shardId: shard,\n arrival: id } }')).toEqual([
    'extensions.clicks-to-s3.metadataColumns.shardId (line 3): the table has a column "shard" already; choose another name',
    'extensions.clicks-to-s3.metadataColumns.arrival (line 4): the table has a column "id" already; choose another name',
  ])
})

async function checkWhole(
  text: string,
  queryProblem?: (query: string) => Promise<string | undefined>,
): Promise<string[]> {
  const path = join(folder, 'whole.yaml')
  await writeFile(path, text)
  const checked = await readCheckedConfig(path, {}, queryProblem)
  return checked.kind === 'refused' ? checked.problems.map(formatProblem) : []
}

const converting = (table: string, deserializer = '{}') => `deliveryStreams:
  - DeliveryStreamName: orders
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      DataFormatConversionConfiguration:
        SchemaConfiguration: { DatabaseName: sales, TableName: ${table} }
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: ${deserializer} } }
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }
`

test('a table that the file does not have may be one of Glue, and otherwise both ways are named', async () => {
  expect(await checkWhole(converting('orders'))).toEqual([
    'deliveryStreams[0] (line 2): table sales.orders is not in catalog.databases; add it there, or set catalog.glue if AWS Glue has it',
  ])
  expect(await checkWhole(`catalog: { glue: true }\n${converting('orders')}`)).toEqual([])
})

test('a column that is mapped must be in the table', async () => {
  const tables = 'catalog: { databases: { sales: { orders: { columns: [{ name: ts, type: string }] } } } }'
  expect(
    await checkWhole(`${tables}\n${converting('orders', '{ ColumnToJsonKeyMappings: { Ts: a, day: b } }')}`),
  ).toEqual([
    'deliveryStreams[0] (line 3): Invalid deserializer option(s): ColumnToJsonKeyMappings names columns that the table does not have: day',
  ])
})

const FLAT = '[{ name: id, type: string }]'
const NESTED = '[{ name: id, type: string }, { name: tags, type: array<string> }]'
const JS = 'convert: { engine: js }'

test.each([
  [JS, '', FLAT, '{}', undefined],
  ['', 'orders: { parquetCompression: ZSTD }', NESTED, '{ WriterVersion: V2 }', undefined],
  [JS, '', NESTED, '{}', 'does not serve column "tags", which is of type array'],
  [JS, '', FLAT, '{ WriterVersion: V2 }', 'does not serve the Parquet writer version V2'],
  [JS, 'orders: { parquetCompression: ZSTD }', FLAT, '{}', 'does not serve the compression ZSTD'],
  [
    '',
    '',
    '[{ name: id, type: binary }]',
    '{}',
    'have types that are not supported by org.openx.data.JsonSerDe',
  ],
])('%s; %s; %s; %s: %s', async (convert, extensions, columns, serde, problem) => {
  const path = join(folder, 'hydrant.yaml')
  const destination = `{ BucketARN: "arn:aws:s3:::lake", DataFormatConversionConfiguration: { SchemaConfiguration: { DatabaseName: sales, TableName: orders }, InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }, OutputFormatConfiguration: { Serializer: { ParquetSerDe: ${serde} } } } }`
  await writeFile(
    path,
    `${convert}\nextensions: { ${extensions} }\ncatalog: { databases: { sales: { orders: { columns: ${columns} } } } }\ndeliveryStreams:\n  - { DeliveryStreamName: orders, ExtendedS3DestinationConfiguration: ${destination} }\n`,
  )
  const checked = await readCheckedConfig(path, {})
  const problems = checked.kind === 'refused' ? checked.problems.map(formatProblem) : []
  expect(problems).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)])
  if (problem !== undefined) expect(problems[0]).toMatch(/^deliveryStreams\[0\] \(line [56]\): /)
})

test('a partitioned stream is judged with its extension, and a transform with the addresses that are allowed', async () => {
  const partitioned = `deliveryStreams:
  - DeliveryStreamName: visits
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      Prefix: "!{partitionKeyFromLambda:region}/"
      ErrorOutputPrefix: "!{firehose:error-output-type}/"
      DynamicPartitioningConfiguration: { Enabled: true }
`
  const extension = 'extensions: { visits: { transform: { url: "http://127.0.0.1:8080/t" } } }'
  expect(await checkWhole(partitioned)).toEqual([
    'deliveryStreams[0] (line 2): Processing Configuration is not enabled when DataPartitioning is enabled',
    'deliveryStreams[0] (line 2): Lambda should be present when S3 Prefix contains keys from partitionKeyFromLambda namespace',
  ])
  expect(await checkWhole(`${extension}\n${partitioned}`)).toEqual([
    'extensions.visits.transform.url (line 1): is on a loopback, link-local or private address; if records may go there, add the beginning of the URL to processing.allowedUrls',
  ])
  const allowed = 'processing: { allowedUrls: ["http://127.0.0.1:8080/"] }'
  expect(await checkWhole(`${allowed}\n${extension}\n${partitioned}`)).toEqual([])
})

test('a query that jq does not take is a problem of its stream', async () => {
  const partitioned = (query: string) => `deliveryStreams:
  - DeliveryStreamName: visits
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      Prefix: "!{partitionKeyFromQuery:region}/"
      ErrorOutputPrefix: "!{firehose:error-output-type}/"
      DynamicPartitioningConfiguration: { Enabled: true }
      ProcessingConfiguration:
        Enabled: true
        Processors:
          - Type: MetadataExtraction
            Parameters: [{ ParameterName: MetadataExtractionQuery, ParameterValue: "${query}" }]
`
  expect(await checkWhole(partitioned('{region: .a'), () => Promise.resolve('no'))).toEqual([
    'deliveryStreams[0] (line 2): no',
  ])
  expect(await checkWhole(partitioned('{region: (.a'))).toEqual([])
  expect(await checkWhole(partitioned('{region: .a}'), compileQuery)).toEqual([])
  expect(await checkWhole(partitioned('{region: (.a'), compileQuery)).toEqual([
    expect.stringMatching(/^deliveryStreams\[0\] \(line 2\): MetadataExtractionQuery cannot be compiled: /),
  ])
})

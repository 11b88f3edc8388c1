/** Bodies of 8 MiB that are costly to read: each is answered within a second, so that no caller keeps the others out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { call, serveApi, type ServedApi } from '../support/api-server.ts'

let api: ServedApi

beforeAll(async () => {
  api = await serveApi()
  await call(api.url, 'CreateDeliveryStream', createInput('orders'))
})
afterAll(() => api.stop())

const BYTES = 8 * 1024 * 1024 - 2000

function times(unit: string): string {
  return unit.repeat(Math.floor(BYTES / unit.length))
}

function list(item: string): string {
  return `[${times(`${item},`)}${item}]`
}

/** As many different members as there is room for. */
function members(member: (index: number) => string): string {
  const parts: string[] = []
  for (let bytes = 0, index = 0; bytes < BYTES - 50; index += 1) {
    const part = member(index)
    bytes += part.length + 1
    parts.push(part)
  }
  return `{${parts.join(',')}}`
}

function create(destination: string): string {
  return `{"DeliveryStreamName":"heavy","ExtendedS3DestinationConfiguration":{"RoleARN":"${ROLE_ARN}","BucketARN":"arn:aws:s3:::lake",${destination}}}`
}

function processing(processors: string): string {
  return create(`"ProcessingConfiguration":{"Enabled":false,"Processors":${processors}}`)
}

function conversion(deserializer: string, serializer: string): string {
  return create(
    `"DataFormatConversionConfiguration":{"Enabled":false,"InputFormatConfiguration":{"Deserializer":${deserializer}},"OutputFormatConfiguration":{"Serializer":${serializer}}}`,
  )
}

const bodies: readonly [what: string, operation: string, body: () => string][] = [
  ['lists in lists', 'PutRecord', () => `${'['.repeat(BYTES / 2)}${']'.repeat(BYTES / 2)}`],
  ['lists in lists that do not end', 'PutRecord', () => '['.repeat(BYTES)],
  ['structures in structures', 'PutRecord', () => times('{"Record":')],
  ['empty records', 'PutRecordBatch', () => `{"DeliveryStreamName":"orders","Records":${list('{}')}}`],
  ['records of nothing', 'PutRecordBatch', () => `{"DeliveryStreamName":"orders","Records":${list('0')}}`],
  ['unknown members', 'PutRecord', () => members((index) => `"k${index}":1`)],
  ['members named by numbers', 'PutRecord', () => members((index) => `"${index * 7}":1`)],
  ['one member again and again', 'ListDeliveryStreams', () => `{${times('"Limit":1,')}"Limit":1}`],
  ['a long name', 'PutRecord', () => `{"DeliveryStreamName":"${'x'.repeat(BYTES)}"}`],
  ['a long name in escapes', 'PutRecord', () => String.raw`{"DeliveryStreamName":"${times('\\u0061')}"}`],
  ['long data', 'PutRecord', () => `{"DeliveryStreamName":"orders","Record":{"Data":"${times('QUJD')}"}}`],
  [
    'long data that is not base64',
    'PutRecord',
    () => `{"DeliveryStreamName":"orders","Record":{"Data":"${times('QUJ-')}"}}`,
  ],
  ['a number of many digits', 'ListDeliveryStreams', () => `{"Limit":${'1'.repeat(BYTES)}}`],
  ['processors', 'CreateDeliveryStream', () => processing(list('{"Type":"Lambda"}'))],
  ['processors that are null', 'CreateDeliveryStream', () => processing(list('null'))],
  [
    'mappings',
    'CreateDeliveryStream',
    () =>
      conversion(
        `{"OpenXJsonSerDe":{"ColumnToJsonKeyMappings":${members((index) => `"k ${index}":null`)}}}`,
        '{}',
      ),
  ],
  [
    'columns of a filter',
    'CreateDeliveryStream',
    () => conversion('{}', `{"OrcSerDe":{"BloomFilterColumns":${list('" "')}}}`),
  ],
  [
    'a value of white space',
    'CreateDeliveryStream',
    () =>
      processing(
        `[{"Type":"Lambda","Parameters":[{"ParameterName":"LambdaArn","ParameterValue":"${' '.repeat(BYTES)}"}]}]`,
      ),
  ],
  [
    'a role that almost is one',
    'CreateDeliveryStream',
    () => `{"DeliveryStreamName":"a","S3DestinationConfiguration":{"RoleARN":"arn:${times(':iam::')}"}}`,
  ],
  [
    'a bucket that almost is one',
    'UpdateDestination',
    () => `{"DeliveryStreamName":"a","S3DestinationUpdate":{"BucketARN":"arn:${times(':s3:::a')}"}}`,
  ],
  [
    'a prefix of expressions',
    'UpdateDestination',
    () => `{"DeliveryStreamName":"a","S3DestinationUpdate":{"Prefix":"${times('!{timestamp:}')}"}}`,
  ],
  ['tags', 'TagDeliveryStream', () => `{"DeliveryStreamName":"orders","Tags":${list('{"Key":"a"}')}}`],
  [
    'keys of tags',
    'UntagDeliveryStream',
    () => `{"DeliveryStreamName":"orders","TagKeys":${list('"aws:"')}}`,
  ],
]

test.each(bodies)('8 MiB of %s are refused within a second', async (_what, operation, body) => {
  const before = { streams: [...api.store.streams.values()], appends: api.store.appends.length }
  const sent = Buffer.from(body())
  // The machine may be busy with something else: what counts is the best of three.
  let bestMs = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 3 && bestMs >= 1000; attempt += 1) {
    const started = performance.now()
    const answer = await call(api.url, operation, sent)
    bestMs = Math.min(bestMs, performance.now() - started)
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text)).toEqual({
      __type: expect.stringMatching(/^(?:Serialization|Validation|InvalidParameterValue)Exception$/),
      message: expect.any(String),
    })
    // An answer of many violations is long, but no match for the body.
    expect(answer.text.length).toBeLessThan(1024 * 1024)
  }
  expect(bestMs).toBeLessThan(1000)
  expect({ streams: [...api.store.streams.values()], appends: api.store.appends.length }).toEqual(before)
})

test('a batch of 500 records and a table of a thousand mapped columns are not crowded', async () => {
  const Records = Array.from({ length: 500 }, () => ({ Data: 'QUJD'.repeat(2000) }))
  expect((await call(api.url, 'PutRecordBatch', { DeliveryStreamName: 'orders', Records })).status).toBe(200)
  const mapped = Object.fromEntries(
    Array.from({ length: 1000 }, (_, index) => [`column_${index}`, 'k'.repeat(400)]),
  )
  const body = conversion(
    `{"OpenXJsonSerDe":{"ColumnToJsonKeyMappings":${JSON.stringify(mapped)}}}`,
    '{"ParquetSerDe":{}}',
  )
  expect((await call(api.url, 'CreateDeliveryStream', body)).status).toBe(200)
})

/** PutRecord and PutRecordBatch on the wire, byte for byte, over a store whose faults the tests choose. */
import { PutRecordBatchCommand, PutRecordCommand } from '@aws-sdk/client-firehose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseRecordId } from '../../src/domain/record.ts'
import { base64, call, firehoseClient, serveApi, type ServedApi } from '../support/api-server.ts'
import { ACCOUNT_ID, createInput } from '../support/api-inputs.ts'

let api: ServedApi

beforeAll(async () => {
  api = await serveApi()
  await call(api.url, 'CreateDeliveryStream', createInput('orders'))
})
afterAll(() => api.stop())
beforeEach(() => {
  api.store.appends.length = 0
  api.store.roomBytes = Number.POSITIVE_INFINITY
  api.store.unreachable = false
})

function records(count: number, text = '{"a":1}'): { Data: string }[] {
  return Array.from({ length: count }, () => ({ Data: base64(text) }))
}

async function expectError(operation: string, input: unknown, type: string, message: string, status = 400) {
  const answer = await call(api.url, operation, input)
  expect(JSON.parse(answer.text)).toEqual({ __type: type, message })
  expect(answer.status).toBe(status)
  expect(api.store.appends).toEqual([])
}

test('a record is answered with its id and is in the buffer', async () => {
  const answer = await call(api.url, 'PutRecord', { DeliveryStreamName: 'orders', Record: records(1)[0] })
  expect(answer.status).toBe(200)
  expect(answer.text).toMatch(/^\{"RecordId":"[0-9a-z.]+","Encrypted":false\}$/)
  expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.1')
  expect(answer.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
  expect(answer.headers.get('x-powered-by')).toBeNull()
  expect(api.store.records).toEqual(['{"a":1}'])
})

test('a batch is answered compactly, members in the order of the service', async () => {
  const answer = await call(api.url, 'PutRecordBatch', { DeliveryStreamName: 'orders', Records: records(2) })
  expect(answer.text).toMatch(
    /^\{"Encrypted":false,"FailedPutCount":0,"RequestResponses":\[\{"RecordId":"[0-9a-z.]+"\},\{"RecordId":"[0-9a-z.]+"\}\]\}$/,
  )
})

test('500 records get 500 ids that name their positions in order', async () => {
  const answer = await call(api.url, 'PutRecordBatch', {
    DeliveryStreamName: 'orders',
    Records: records(500),
  })
  const { RequestResponses } = JSON.parse(answer.text) as { RequestResponses: { RecordId: string }[] }
  const positions = RequestResponses.map(({ RecordId }) => parseRecordId(RecordId))
  expect(positions.map((position) => position?.index)).toEqual(Array.from({ length: 500 }, (_, i) => i))
  expect(new Set(positions.map((position) => position?.appendSequence)).size).toBe(1)
  expect(positions[0]?.incarnation).toBe(api.store.streams.get('orders')?.incarnation)
})

test('the SDK for JavaScript puts bytes as they are', async () => {
  const client = firehoseClient(api.url)
  const bytes = [Uint8Array.of(0, 255, 10, 13), new Uint8Array(), new TextEncoder().encode('日本語')]
  const one = await client.send(
    new PutRecordCommand({ DeliveryStreamName: 'orders', Record: { Data: bytes[0] } }),
  )
  const batch = await client.send(
    new PutRecordBatchCommand({ DeliveryStreamName: 'orders', Records: bytes.map((Data) => ({ Data })) }),
  )
  expect(one.Encrypted).toBe(false)
  expect(batch.FailedPutCount).toBe(0)
  expect(batch.RequestResponses).toHaveLength(3)
  const stored = api.store.frames.flatMap((frame) =>
    [...frame.recordViews()].map((view) => Uint8Array.from(view)),
  )
  expect(stored).toEqual([bytes[0], ...bytes])
  client.destroy()
})

test('empty data is accepted', async () => {
  const answer = await call(api.url, 'PutRecord', { DeliveryStreamName: 'orders', Record: { Data: '' } })
  expect(answer.status).toBe(200)
  expect(api.store.records).toEqual([''])
})

test('escaped slashes and unknown members, as some clients send them, are taken', async () => {
  const answer = await call(
    api.url,
    'PutRecord',
    String.raw`{"DeliveryStreamName":"orders","Record":{"Data":"Pz8\/","Extra":1},"Other":{}}`,
  )
  expect(answer.status).toBe(200)
  expect(api.store.records).toEqual(['???'])
})

test('four records of 1,000 KiB are within the 4 MiB of a batch, five are not', async () => {
  const big = { Data: Buffer.alloc(1_024_000, 'x').toString('base64') }
  const four = await call(api.url, 'PutRecordBatch', {
    DeliveryStreamName: 'orders',
    Records: Array.from({ length: 4 }, () => big),
  })
  expect(four.status).toBe(200)
  api.store.appends.length = 0
  await expectError(
    'PutRecordBatch',
    { DeliveryStreamName: 'orders', Records: Array.from({ length: 5 }, () => big) },
    'InvalidArgumentException',
    'Records size exceeds 4 MB limit',
  )
})

test('a record over 1,000 KiB is refused in the words of the service', async () => {
  const big = { Data: Buffer.alloc(1_024_001, 'x').toString('base64') }
  const value = "Value 'java.nio.HeapByteBuffer[pos=0 lim=1024001 cap=1024001]'"
  const rule = 'failed to satisfy constraint: Member must have length less than or equal to 1024000'
  await expectError(
    'PutRecord',
    { DeliveryStreamName: 'orders', Record: big },
    'ValidationException',
    `1 validation error detected: ${value} at 'record.data' ${rule}`,
  )
  await expectError(
    'PutRecordBatch',
    { DeliveryStreamName: 'orders', Records: [...records(96), big, ...records(1), big] },
    'ValidationException',
    `2 validation errors detected: ${value} at 'records.97.member.data' ${rule}; ${value} at 'records.99.member.data' ${rule}`,
  )
})

test.each([
  [
    {},
    "2 validation errors detected: Value at 'records' failed to satisfy constraint: Member must not be null; Value at 'deliveryStreamName' failed to satisfy constraint: Member must not be null",
  ],
  [
    { DeliveryStreamName: 'orders', Records: [] },
    "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1",
  ],
  [
    { DeliveryStreamName: 'orders', Records: records(501) },
    "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500",
  ],
  [
    { DeliveryStreamName: 'orders', Records: [{ Data: '' }, {}, null, { Data: null }] },
    "3 validation errors detected: Value at 'records.2.member.data' failed to satisfy constraint: Member must not be null; Value at 'records.3.member' failed to satisfy constraint: Member must not be null; Value at 'records.4.member.data' failed to satisfy constraint: Member must not be null",
  ],
  [
    { DeliveryStreamName: 'a b', Records: records(1) },
    "1 validation error detected: Value 'a b' at 'deliveryStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
  ],
  [
    { DeliveryStreamName: 'x'.repeat(65), Records: records(1) },
    `1 validation error detected: Value '${'x'.repeat(65)}' at 'deliveryStreamName' failed to satisfy constraint: Member must have length less than or equal to 64`,
  ],
])('a batch that breaks constraints is told all of them (%#)', async (input, message) => {
  await expectError('PutRecordBatch', input, 'ValidationException', message)
})

test.each([
  'a',
  'a=',
  'QQ',
  'QQ=',
  'QQ==QQ==',
  'Q===',
  '====',
  'QUI-',
  'QUI_',
  'Q UI',
  'QUI\n',
  'QUłB',
  '\u0151UJD',
])('data %j is not base64', async (Data) => {
  const input = { DeliveryStreamName: 'orders', Record: { Data } }
  const answer = await call(api.url, 'PutRecord', input)
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.text)).toMatchObject({ __type: 'SerializationException' })
  const escaped = JSON.stringify(input).replaceAll(
    /[^ -~]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const again = await call(api.url, 'PutRecord', escaped)
  expect(JSON.parse(again.text)).toMatchObject({ __type: 'SerializationException' })
  expect(api.store.appends).toEqual([])
})

test.each([
  ['{', 'The body is not valid JSON'],
  ['', 'The body is not valid JSON'],
  ['[]', 'Start of list found where not expected'],
  ['"x"', 'Expected null'],
  [
    '{"DeliveryStreamName":5}',
    'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String',
  ],
  ['{"DeliveryStreamName":{}}', 'Start of structure or map found where not expected.'],
  ['{"DeliveryStreamName":"orders","Records":{}}', 'Start of structure or map found where not expected.'],
  ['{"DeliveryStreamName":"orders","Records":"x"}', 'Expected list or null'],
  [
    '{"DeliveryStreamName":"orders","Records":[{"Data":true}]}',
    'class java.lang.Boolean can not be converted to a Blob',
  ],
])('a body %j cannot be read', async (body, message) => {
  await expectError('PutRecordBatch', body, 'SerializationException', message)
})

test('a stream that is not there is not found, also after all constraints', async () => {
  await expectError(
    'PutRecord',
    { DeliveryStreamName: 'nothing', Record: records(1)[0] },
    'ResourceNotFoundException',
    `Firehose nothing under account ${ACCOUNT_ID} not found.`,
  )
})

test('a stream being deleted is not active', async () => {
  const orders = api.store.streams.get('orders')
  if (orders === undefined) throw new Error('the stream of this suite is gone')
  api.store.streams.set('going', { ...orders, name: 'going', status: 'DELETING' })
  await expectError(
    'PutRecord',
    { DeliveryStreamName: 'going', Record: records(1)[0] },
    'ResourceNotFoundException',
    `Firehose going is not active in ${ACCOUNT_ID} account.`,
  )
})

test('a stream fed by Kinesis takes no puts', async () => {
  const orders = api.store.streams.get('orders')
  if (orders === undefined) throw new Error('the stream of this suite is gone')
  api.store.streams.set('fed', { ...orders, name: 'fed', type: 'KinesisStreamAsSource' })
  await expectError(
    'PutRecordBatch',
    { DeliveryStreamName: 'fed', Records: records(1) },
    'InvalidArgumentException',
    'This operation is not permitted on KinesisStreamAsSource delivery stream type.',
  )
})

test('a full buffer throttles a record with 503 and a batch entry by entry', async () => {
  api.store.roomBytes = 0
  await expectError(
    'PutRecord',
    { DeliveryStreamName: 'orders', Record: records(1)[0] },
    'ServiceUnavailableException',
    'Slow down.',
    503,
  )
  const answer = await call(api.url, 'PutRecordBatch', { DeliveryStreamName: 'orders', Records: records(2) })
  expect(answer.status).toBe(200)
  expect(answer.text).toBe(
    '{"Encrypted":false,"FailedPutCount":2,"RequestResponses":[{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."},{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."}]}',
  )
})

test('a store that does not answer makes both operations unavailable', async () => {
  api.store.unreachable = true
  const message = 'The service is unavailable. Back off and retry the operation.'
  const input = { DeliveryStreamName: 'orders', Record: records(1)[0], Records: records(2) }
  await expectError('PutRecord', input, 'ServiceUnavailableException', message, 503)
  await expectError('PutRecordBatch', input, 'ServiceUnavailableException', message, 503)
})

test('a stream deleted and created again takes the very next put', async () => {
  await call(api.url, 'CreateDeliveryStream', createInput('again'))
  await call(api.url, 'PutRecord', { DeliveryStreamName: 'again', Record: records(1)[0] })
  const old = api.store.streams.get('again')
  if (old === undefined) throw new Error('the stream was not created')
  // As another process would: this one's directory still knows the old incarnation.
  api.store.streams.set('again', { ...old, incarnation: 'ffffffffffffffff' })
  const answer = await call(api.url, 'PutRecord', { DeliveryStreamName: 'again', Record: records(1)[0] })
  expect(answer.text).toMatch(/^\{"RecordId":"f{16}/)
})

test('puts do not ask the registry each time', async () => {
  await call(api.url, 'PutRecord', { DeliveryStreamName: 'orders', Record: records(1)[0] })
  const before = api.store.lookups
  for (let turn = 0; turn < 20; turn += 1)
    await call(api.url, 'PutRecord', { DeliveryStreamName: 'orders', Record: records(1)[0] })
  expect(api.store.lookups - before).toBeLessThan(3)
})

/**
 * The life of a delivery stream through the SDK. Against a real service when FIREHOSE_ENDPOINT names one; then
 * FIREHOSE_ROLE_ARN and FIREHOSE_BUCKET_ARN name what it may use.
 */
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  ListDeliveryStreamsCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  type ExtendedS3DestinationConfiguration,
  type FirehoseClient,
} from '@aws-sdk/client-firehose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { firehoseClient, serveApi, type ServedApi } from '../support/api-server.ts'
import { ROLE_ARN } from '../support/api-inputs.ts'

const RoleARN = process.env['FIREHOSE_ROLE_ARN'] ?? ROLE_ARN
const BucketARN = process.env['FIREHOSE_BUCKET_ARN'] ?? 'arn:aws:s3:::lake'
const run = Date.now().toString(36)

let served: ServedApi | undefined
let client: FirehoseClient

beforeAll(async () => {
  const endpoint = process.env['FIREHOSE_ENDPOINT']
  if (endpoint === undefined) served = await serveApi()
  client = firehoseClient(endpoint ?? served?.url ?? '')
})
afterAll(async () => {
  client.destroy()
  await served?.stop()
})

async function create(name: string, destination: Partial<ExtendedS3DestinationConfiguration> = {}) {
  return client.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: name,
      ExtendedS3DestinationConfiguration: { RoleARN, BucketARN, ...destination },
    }),
  )
}

async function describe(name: string) {
  const answer = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name, Limit: 1 }))
  return answer.DeliveryStreamDescription
}

async function becomeActive(name: string): Promise<void> {
  await eventually(async () => expect((await describe(name))?.DeliveryStreamStatus).toBe('ACTIVE'))
}

test('a stream is created, described, written to, listed, deleted and gone', async () => {
  const name = `life-${run}`
  const created = await create(name)
  expect(created.DeliveryStreamARN).toMatch(
    new RegExp(`^arn:aws:firehose:.+:\\d{12}:deliverystream/${name}$`),
  )
  await becomeActive(name)
  const put = await client.send(
    new PutRecordBatchCommand({ DeliveryStreamName: name, Records: [{ Data: Buffer.from('{}') }] }),
  )
  expect(put.FailedPutCount).toBe(0)
  const listed = await client.send(
    new ListDeliveryStreamsCommand({ ExclusiveStartDeliveryStreamName: name.slice(0, -1), Limit: 10_000 }),
  )
  expect(listed.DeliveryStreamNames).toContain(name)
  await expect(create(name)).rejects.toMatchObject({
    name: 'ResourceInUseException',
    message: expect.stringMatching(new RegExp(`^Firehose ${name} under accountId \\d{12} already exists$`)),
  })
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name }))
  await eventually(async () =>
    expect(describe(name)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringMatching(new RegExp(`^Firehose ${name} under account \\d{12} not found.$`)),
    }),
  )
  await create(name)
  await becomeActive(name)
  const again = await client.send(
    new PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.from('1') } }),
  )
  expect(again.RecordId).toBeTruthy()
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name }))
})

test('describe echoes both descriptions with the defaults of the service', async () => {
  const name = `echo-${run}`
  const before = Date.now() / 1000 - 60
  await create(name)
  await becomeActive(name)
  const described = await describe(name)
  const plain = {
    RoleARN,
    BucketARN,
    BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
    CompressionFormat: 'UNCOMPRESSED',
    EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
    CloudWatchLoggingOptions: { Enabled: false },
  }
  expect(described).toEqual({
    DeliveryStreamName: name,
    DeliveryStreamARN: expect.stringContaining(`:deliverystream/${name}`),
    DeliveryStreamStatus: 'ACTIVE',
    DeliveryStreamEncryptionConfiguration: { Status: 'DISABLED' },
    DeliveryStreamType: 'DirectPut',
    VersionId: '1',
    CreateTimestamp: expect.any(Date),
    Destinations: [
      {
        DestinationId: 'destinationId-000000000001',
        S3DestinationDescription: plain,
        ExtendedS3DestinationDescription: { ...plain, S3BackupMode: 'Disabled' },
      },
    ],
    HasMoreDestinations: false,
  })
  expect((described?.CreateTimestamp?.getTime() ?? 0) / 1000).toBeGreaterThan(before)
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name }))
})

test('names are listed in order, in pages', async () => {
  const names = ['c', 'a', 'b'].map((letter) => `page-${run}-${letter}`)
  for (const name of names) await create(name)
  const first = await client.send(
    new ListDeliveryStreamsCommand({ Limit: 2, ExclusiveStartDeliveryStreamName: `page-${run}-` }),
  )
  expect(first.DeliveryStreamNames).toEqual([`page-${run}-a`, `page-${run}-b`])
  expect(first.HasMoreDeliveryStreams).toBe(true)
  const second = await client.send(
    new ListDeliveryStreamsCommand({ Limit: 1, ExclusiveStartDeliveryStreamName: `page-${run}-b` }),
  )
  expect(second.DeliveryStreamNames).toEqual([`page-${run}-c`])
  const fed = await client.send(new ListDeliveryStreamsCommand({ DeliveryStreamType: 'MSKAsSource' }))
  expect(fed.DeliveryStreamNames).toEqual([])
  for (const name of names) {
    await becomeActive(name)
    await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name }))
  }
})

test('names of folders, and of what every object has, are names like all others', async () => {
  for (const name of ['__proto__', 'constructor', '..', '.', '-']) {
    await create(name)
    await becomeActive(name)
    const put = await client.send(
      new PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.from('1') } }),
    )
    expect(put.RecordId).toBeTruthy()
    const listed = await client.send(new ListDeliveryStreamsCommand({ Limit: 10_000 }))
    expect(listed.DeliveryStreamNames).toContain(name)
    expect((await describe(name))?.DeliveryStreamName).toBe(name)
    await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name }))
  }
})

test('deleting what is not there is not found', async () => {
  await expect(
    client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: `none-${run}` })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})

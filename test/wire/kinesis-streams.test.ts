/** A delivery stream that a Kinesis data stream feeds, through the SDK. */
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  ListDeliveryStreamsCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  type CreateDeliveryStreamCommandInput,
  type FirehoseClient,
} from '@aws-sdk/client-firehose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ACCOUNT_ID, ROLE_ARN } from '../support/api-inputs.ts'
import { firehoseClient, serveApi, type ServedApi } from '../support/api-server.ts'

const source = {
  KinesisStreamARN: `arn:aws:kinesis:us-east-1:${ACCOUNT_ID}:stream/clicks`,
  RoleARN: ROLE_ARN,
}

let api: ServedApi
let client: FirehoseClient

beforeAll(async () => {
  const extensions = {
    replayed: { startingPosition: 'TRIM_HORIZON', outOfRangeRecords: 'drop' },
    plain: { metadataColumns: { shardId: 'shard' } },
  } as const
  api = await serveApi({ extensions })
  client = firehoseClient(api.url)
})
afterAll(async () => {
  client.destroy()
  await api.stop()
})

async function create(name: string, changes: Partial<CreateDeliveryStreamCommandInput> = {}) {
  return client.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: name,
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: source,
      ExtendedS3DestinationConfiguration: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::lake' },
      ...changes,
    }),
  )
}

async function describe(name: string) {
  const answer = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }))
  return answer.DeliveryStreamDescription
}

test('it is created, described with its source, listed by its type, and deleted', async () => {
  const before = Date.now()
  const created = await create('clicks-to-s3')
  expect(created.DeliveryStreamARN).toBe(
    `arn:aws:firehose:us-east-1:${ACCOUNT_ID}:deliverystream/clicks-to-s3`,
  )
  const described = await describe('clicks-to-s3')
  const plain = {
    RoleARN: ROLE_ARN,
    BucketARN: 'arn:aws:s3:::lake',
    BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
    CompressionFormat: 'UNCOMPRESSED',
    EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
    CloudWatchLoggingOptions: { Enabled: false },
  }
  expect(described).toEqual({
    DeliveryStreamName: 'clicks-to-s3',
    DeliveryStreamARN: created.DeliveryStreamARN,
    DeliveryStreamStatus: 'ACTIVE',
    DeliveryStreamType: 'KinesisStreamAsSource',
    VersionId: '1',
    CreateTimestamp: expect.any(Date),
    Source: { KinesisStreamSourceDescription: { ...source, DeliveryStartTimestamp: expect.any(Date) } },
    Destinations: [
      {
        DestinationId: 'destinationId-000000000001',
        S3DestinationDescription: plain,
        ExtendedS3DestinationDescription: { ...plain, S3BackupMode: 'Disabled' },
      },
    ],
    HasMoreDestinations: false,
  })
  const startsAt = described?.Source?.KinesisStreamSourceDescription?.DeliveryStartTimestamp?.getTime()
  expect(startsAt).toBeGreaterThanOrEqual(before)
  expect(startsAt).toBe(described?.CreateTimestamp?.getTime())
  expect(api.store.streams.get('clicks-to-s3')?.kinesis).toEqual({
    streamArn: source.KinesisStreamARN,
    start: `AT_TIMESTAMP:${startsAt}`,
    outOfRangeRecords: 'keep',
  })

  await create('puts', { DeliveryStreamType: undefined, KinesisStreamSourceConfiguration: undefined })
  const list = async (DeliveryStreamType?: 'DirectPut' | 'KinesisStreamAsSource') =>
    (await client.send(new ListDeliveryStreamsCommand({ DeliveryStreamType }))).DeliveryStreamNames
  expect(await list('KinesisStreamAsSource')).toEqual(['clicks-to-s3'])
  expect(await list('DirectPut')).toEqual(['puts'])
  expect(await list()).toEqual(['clicks-to-s3', 'puts'])

  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'clicks-to-s3' }))
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'puts' }))
  await expect(describe('clicks-to-s3')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: `Firehose clicks-to-s3 under account ${ACCOUNT_ID} not found.`,
  })
})

test('puts to it are refused in the words of the service, and nothing is taken', async () => {
  await create('fed')
  const refusal = {
    name: 'InvalidArgumentException',
    message: 'This operation is not permitted on KinesisStreamAsSource delivery stream type.',
  }
  const Data = Buffer.from('{}')
  await expect(
    client.send(new PutRecordCommand({ DeliveryStreamName: 'fed', Record: { Data } })),
  ).rejects.toMatchObject(refusal)
  await expect(
    client.send(new PutRecordBatchCommand({ DeliveryStreamName: 'fed', Records: [{ Data }] })),
  ).rejects.toMatchObject(refusal)
  expect(api.store.appends).toEqual([])
})

test.each<[Partial<CreateDeliveryStreamCommandInput>, string]>([
  [
    { KinesisStreamSourceConfiguration: undefined },
    'KinesisSourceStreamConfig is mandatory for KinesisStreamAsSource stream type.',
  ],
  [
    { DeliveryStreamType: 'DirectPut' },
    'KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type',
  ],
  [
    { DirectPutSourceConfiguration: { ThroughputHintInMBs: 1 } },
    'DirectPutSourceConfiguration is only applicable for DirectPut stream type',
  ],
  [
    { DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' } },
    'DeliveryStreamEncryptionConfigurationInput is only applicable for DirectPut stream type',
  ],
])('a source that does not fit is refused (%#)', async (changes, message) => {
  await expect(create('never', changes)).rejects.toMatchObject({ name: 'InvalidArgumentException', message })
})

test('a stream takes the extension that the configuration has for its name', async () => {
  await create('replayed')
  expect(api.store.streams.get('replayed')?.kinesis).toEqual({
    streamArn: source.KinesisStreamARN,
    start: 'TRIM_HORIZON',
    outOfRangeRecords: 'drop',
  })
})

test('a stream that cannot have its extension is refused', async () => {
  await expect(create('plain')).rejects.toMatchObject({
    name: 'InvalidArgumentException',
    message:
      'extensions.plain.metadataColumns: needs DataFormatConversionConfiguration, because records that are not converted have no columns',
  })
})

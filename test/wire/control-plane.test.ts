/** Updates, tags, encryption and states through the SDK, over a memory store. */
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  ListTagsForDeliveryStreamCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  StartDeliveryStreamEncryptionCommand,
  StopDeliveryStreamEncryptionCommand,
  TagDeliveryStreamCommand,
  UntagDeliveryStreamCommand,
  UpdateDestinationCommand,
  type CreateDeliveryStreamCommandInput,
  type DeliveryStreamDescription,
  type FirehoseClient,
  type UpdateDestinationCommandInput,
} from '@aws-sdk/client-firehose'
import { expect, onTestFinished, test } from 'vitest'
import type { ApiServerOptions } from '../../src/receive/http/server.ts'
import { ACCOUNT_ID, createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { firehoseClient, serveApi } from '../support/api-server.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import type { MemoryStore } from '../support/memory-store.ts'

const DeliveryStreamName = 'orders'
const Data = Buffer.from('{}')
const SOURCE = {
  DeliveryStreamType: 'KinesisStreamAsSource',
  KinesisStreamSourceConfiguration: {
    KinesisStreamARN: `arn:aws:kinesis:us-east-1:${ACCOUNT_ID}:stream/clicks`,
    RoleARN: ROLE_ARN,
  },
} as const

interface SetUp {
  readonly client: FirehoseClient
  readonly store: MemoryStore
  readonly create: (members?: Partial<CreateDeliveryStreamCommandInput>) => Promise<void>
  readonly describe: () => Promise<DeliveryStreamDescription | undefined>
  readonly update: (changes: Partial<UpdateDestinationCommandInput>) => Promise<unknown>
}

async function setUp(options: Partial<ApiServerOptions> = {}): Promise<SetUp> {
  const served = await serveApi(options)
  const client = firehoseClient(served.url)
  onTestFinished(async () => {
    client.destroy()
    await served.stop()
  })
  return {
    client,
    store: served.store,
    create: async (members = {}) => {
      const input = createInput(DeliveryStreamName) as unknown as CreateDeliveryStreamCommandInput
      await client.send(new CreateDeliveryStreamCommand({ ...input, ...members }))
    },
    describe: async () => {
      const answer = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName }))
      return answer.DeliveryStreamDescription
    },
    update: (changes) =>
      client.send(
        new UpdateDestinationCommand({
          DeliveryStreamName,
          CurrentDeliveryStreamVersionId: '1',
          DestinationId: 'destinationId-000000000001',
          ...changes,
        }),
      ),
  }
}

function refused(name: string, message: string) {
  return expect.objectContaining({ name, message })
}

const notFound = refused(
  'ResourceNotFoundException',
  `Firehose orders under account ${ACCOUNT_ID} not found.`,
)
const inUse = (status: string) =>
  refused('ResourceInUseException', `Cannot update firehose: orders when it is in ${status} status`)

test('an update changes both descriptions, the version and the time of the last update', async () => {
  const { create, describe, update } = await setUp()
  await create()
  expect(await describe()).not.toHaveProperty('LastUpdateTimestamp')
  await update({
    ExtendedS3DestinationUpdate: { Prefix: 'a/', CompressionFormat: 'ZIP', FileExtension: '.x' },
  })
  expect(await describe()).toMatchObject({
    VersionId: '2',
    LastUpdateTimestamp: expect.any(Date),
    Destinations: [
      {
        S3DestinationDescription: { Prefix: 'a/', CompressionFormat: 'ZIP' },
        ExtendedS3DestinationDescription: { Prefix: 'a/', CompressionFormat: 'ZIP', FileExtension: '.x' },
      },
    ],
  })
  await update({ CurrentDeliveryStreamVersionId: '2', S3DestinationUpdate: { Prefix: 'b/' } })
  const described = await describe()
  expect(described?.VersionId).toBe('3')
  expect(described?.Destinations?.[0]?.ExtendedS3DestinationDescription).toMatchObject({
    Prefix: 'b/',
    CompressionFormat: 'ZIP',
    FileExtension: '.x',
  })
})

test('an update that changes nothing leaves version and time as they are', async () => {
  const { create, describe, update } = await setUp()
  await create()
  const before = await describe()
  await update({ ExtendedS3DestinationUpdate: { CompressionFormat: 'UNCOMPRESSED' } })
  await update({ ExtendedS3DestinationUpdate: {} })
  expect(await describe()).toEqual(before)
})

test.each([
  [
    { CurrentDeliveryStreamVersionId: '01' },
    refused(
      'ConcurrentModificationException',
      'Cannot update firehose: orders since the current version id: 1 and specified version id: 01 do not match',
    ),
  ],
  [
    { DestinationId: 'destinationId-000000000002' },
    refused('InvalidArgumentException', 'Destination Id destinationId-000000000002 not found'),
  ],
  [
    { ExtendedS3DestinationUpdate: undefined },
    refused(
      'InvalidArgumentException',
      'At least one destination or source configuration update must be provided',
    ),
  ],
  [
    { S3DestinationUpdate: {} },
    refused('InvalidArgumentException', 'Exactly one destination configuration is supported for a Firehose'),
  ],
  [
    { ExtendedS3DestinationUpdate: undefined, SplunkDestinationUpdate: { HECToken: 'x' } },
    refused(
      'InvalidArgumentException',
      'SplunkDestinationUpdate is not supported by this version of Hydrant. Supported: ExtendedS3DestinationUpdate and S3DestinationUpdate',
    ),
  ],
  [
    { ExtendedS3DestinationUpdate: { Prefix: '!{timestamp:yyyy}/' } },
    refused(
      'InvalidArgumentException',
      'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions',
    ),
  ],
  [{ DeliveryStreamName: 'nobody' }, expect.objectContaining({ name: 'ResourceNotFoundException' })],
])('an update is refused in the words of the service (%#)', async (changes, error) => {
  const { create, describe, update } = await setUp()
  await create()
  await expect(update({ ExtendedS3DestinationUpdate: { Prefix: 'a/' }, ...changes })).rejects.toEqual(error)
  expect((await describe())?.VersionId).toBe('1')
})

test('the table of an updated conversion must be in the catalog, but only when the update speaks of it', async () => {
  const { create, update } = await setUp({ resolveColumns: async () => [{ name: 'a', type: 'binary' }] })
  await create()
  const conversion = {
    SchemaConfiguration: { RoleARN: ROLE_ARN, DatabaseName: 'sales', TableName: 'orders' },
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
  }
  await update({
    ExtendedS3DestinationUpdate: {
      BufferingHints: { SizeInMBs: 64 },
      DataFormatConversionConfiguration: conversion,
    },
  })
  const strict = await setUp({
    resolveColumns: async () => [{ name: 'a', type: 'binary' }],
    supportsColumns: () => 'no binary',
  })
  await strict.create()
  await expect(
    strict.update({
      ExtendedS3DestinationUpdate: {
        BufferingHints: { SizeInMBs: 64 },
        DataFormatConversionConfiguration: conversion,
      },
    }),
  ).rejects.toEqual(refused('InvalidArgumentException', 'no binary'))
  await strict.update({ ExtendedS3DestinationUpdate: { Prefix: 'a/' } })
})

test('tags are added, replaced, listed in pages in order of keys, and taken away', async () => {
  const { client, create } = await setUp()
  const list = (page: object = {}) =>
    client.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName, ...page }))
  const tag = (...Tags: { Key: string; Value?: string }[]) =>
    client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags }))
  await create({ Tags: [{ Key: 'b', Value: '1' }, { Key: 'd' }] })
  await tag({ Key: 'c', Value: '' }, { Key: 'a', Value: '1' }, { Key: 'b', Value: '2' })
  expect(await list()).toMatchObject({
    Tags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }, { Key: 'c', Value: '' }, { Key: 'd' }],
    HasMoreTags: false,
  })
  expect(await list({ Limit: 2 })).toMatchObject({ Tags: [{ Key: 'a' }, { Key: 'b' }], HasMoreTags: true })
  expect(await list({ ExclusiveStartTagKey: 'bb', Limit: 2 })).toMatchObject({
    Tags: [{ Key: 'c' }, { Key: 'd' }],
    HasMoreTags: false,
  })
  await client.send(new UntagDeliveryStreamCommand({ DeliveryStreamName, TagKeys: ['a', 'nobody', 'd'] }))
  expect((await list()).Tags?.map(({ Key }) => Key)).toEqual(['b', 'c'])
})

test('a stream has at most 50 tags; one too many adds none, and those that are there may be replaced', async () => {
  const { client, create, describe } = await setUp()
  const numbered = (first: number, count: number, Value: string) =>
    Array.from({ length: count }, (_, index) => ({ Key: `tag${first + index}`, Value }))
  const tag = (Tags: { Key: string; Value: string }[]) =>
    client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags }))
  await create({ Tags: numbered(100, 49, 'a') })
  await expect(tag(numbered(200, 2, 'b'))).rejects.toEqual(
    expect.objectContaining({ name: 'LimitExceededException' }),
  )
  await tag(numbered(200, 1, 'b'))
  await tag(numbered(100, 49, 'c'))
  const { Tags = [], HasMoreTags } = await client.send(
    new ListTagsForDeliveryStreamCommand({ DeliveryStreamName }),
  )
  expect(Tags).toEqual([...numbered(100, 49, 'c'), ...numbered(200, 1, 'b')])
  expect(HasMoreTags).toBe(false)
  expect((await describe())?.VersionId).toBe('1')
})

test('tags, encryption and updates of a stream that is not there are not found', async () => {
  const { client, update } = await setUp()
  for (const call of [
    client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: [{ Key: 'a' }] })),
    client.send(new UntagDeliveryStreamCommand({ DeliveryStreamName, TagKeys: ['a'] })),
    client.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName })),
    client.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName })),
    client.send(new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName })),
    update({ ExtendedS3DestinationUpdate: {} }),
  ])
    await expect(call).rejects.toEqual(notFound)
})

test('encryption is described, and told by puts, from start to stop; it makes no version', async () => {
  const { client, store, create, describe } = await setUp()
  const KeyARN = `arn:aws:kms:us-east-1:${ACCOUNT_ID}:key/orders`
  const start = (input?: { KeyType: 'AWS_OWNED_CMK' | 'CUSTOMER_MANAGED_CMK'; KeyARN?: string }) =>
    client.send(
      new StartDeliveryStreamEncryptionCommand({
        DeliveryStreamName,
        DeliveryStreamEncryptionConfigurationInput: input,
      }),
    )
  const encrypted = async () => {
    const one = await client.send(new PutRecordCommand({ DeliveryStreamName, Record: { Data } }))
    const many = await client.send(new PutRecordBatchCommand({ DeliveryStreamName, Records: [{ Data }] }))
    return [one.Encrypted, many.Encrypted]
  }
  await create()
  expect(await encrypted()).toEqual([false, false])
  await start()
  expect((await describe())?.DeliveryStreamEncryptionConfiguration).toEqual({
    KeyType: 'AWS_OWNED_CMK',
    Status: 'ENABLED',
  })
  expect(await encrypted()).toEqual([true, true])
  await start({ KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN })
  const described = await describe()
  expect(described?.DeliveryStreamEncryptionConfiguration).toEqual({
    KeyARN,
    KeyType: 'CUSTOMER_MANAGED_CMK',
    Status: 'ENABLED',
  })
  expect(described).toMatchObject({ VersionId: '1' })
  expect(described).not.toHaveProperty('LastUpdateTimestamp')
  store.roomBytes = 0
  const throttled = await client.send(new PutRecordBatchCommand({ DeliveryStreamName, Records: [{ Data }] }))
  expect(throttled).toMatchObject({ Encrypted: true, FailedPutCount: 1 })
  store.roomBytes = Number.POSITIVE_INFINITY
  await client.send(new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName }))
  expect((await describe())?.DeliveryStreamEncryptionConfiguration).toEqual({ Status: 'DISABLED' })
  expect(await encrypted()).toEqual([false, false])
  await expect(start({ KeyType: 'AWS_OWNED_CMK', KeyARN })).rejects.toEqual(
    refused('InvalidArgumentException', 'KeyARN cannot be specified when KeyType is AWS_OWNED_CMK'),
  )
})

test('a stream may be encrypted from its creation, and changed 25 times in 24 hours', async () => {
  const clock = new FakeClock()
  const { client, create, describe } = await setUp({ clock })
  await create({ DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' } })
  expect((await describe())?.DeliveryStreamEncryptionConfiguration?.Status).toBe('ENABLED')
  const stop = () => client.send(new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName }))
  for (let count = 0; count < 25; count += 1) await stop()
  await expect(stop()).rejects.toEqual(expect.objectContaining({ name: 'LimitExceededException' }))
  await clock.advance(24 * 3600 * 1000)
  await stop()
})

test('a stream that is fed by a data stream cannot be encrypted', async () => {
  const { client, create, describe } = await setUp()
  await create(SOURCE)
  const answer = refused(
    'InvalidArgumentException',
    'This operation is not permitted on KinesisStreamAsSource delivery stream type.',
  )
  await expect(client.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName }))).rejects.toEqual(
    answer,
  )
  await expect(client.send(new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName }))).rejects.toEqual(
    answer,
  )
  expect(await describe()).not.toHaveProperty('DeliveryStreamEncryptionConfiguration')
})

test('while a stream is shown CREATING it can be seen and tagged, and nothing else', async () => {
  const clock = new FakeClock()
  const { client, create, describe, update } = await setUp({ clock, creationSeconds: 30 })
  const put = () => client.send(new PutRecordCommand({ DeliveryStreamName, Record: { Data } }))
  await create()
  await clock.advance(29_999)
  expect((await describe())?.DeliveryStreamStatus).toBe('CREATING')
  await expect(put()).rejects.toEqual(
    refused('ResourceNotFoundException', `Firehose orders is not active in ${ACCOUNT_ID} account.`),
  )
  await expect(client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName }))).rejects.toEqual(
    refused(
      'ResourceInUseException',
      `Firehose orders under account ${ACCOUNT_ID} cannot be deleted in CREATING state`,
    ),
  )
  await expect(update({ ExtendedS3DestinationUpdate: { Prefix: 'a/' } })).rejects.toEqual(inUse('CREATING'))
  await expect(client.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName }))).rejects.toEqual(
    inUse('CREATING'),
  )
  await client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: [{ Key: 'a' }] }))
  await clock.advance(1)
  expect((await describe())?.DeliveryStreamStatus).toBe('ACTIVE')
  await put()
  await update({ ExtendedS3DestinationUpdate: { Prefix: 'a/' } })
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName, AllowForceDelete: true }))
})

test('while a stream is being deleted it can be seen and deleted again, and nothing else', async () => {
  const { client, store, create, describe, update } = await setUp()
  await create()
  let open = (): void => undefined
  store.gate = new Promise((resolve) => (open = resolve))
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName }))
  expect((await describe())?.DeliveryStreamStatus).toBe('DELETING')
  await expect(update({ ExtendedS3DestinationUpdate: { Prefix: 'a/' } })).rejects.toEqual(inUse('DELETING'))
  await expect(
    client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: [{ Key: 'a' }] })),
  ).rejects.toEqual(inUse('DELETING'))
  await expect(
    client.send(new UntagDeliveryStreamCommand({ DeliveryStreamName, TagKeys: ['a'] })),
  ).rejects.toEqual(inUse('DELETING'))
  await expect(client.send(new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName }))).rejects.toEqual(
    inUse('DELETING'),
  )
  await expect(create()).rejects.toMatchObject({ name: 'ResourceInUseException' })
  await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName }))
  open()
  await eventually(() => expect(describe()).rejects.toEqual(notFound))
})

test('while the store does not answer, the control plane is unavailable', async () => {
  const { client, store, create, describe, update } = await setUp()
  await create()
  store.unreachable = true
  const unavailable = expect.objectContaining({
    name: 'ServiceUnavailableException',
    $metadata: expect.objectContaining({ httpStatusCode: 503 }),
  })
  await expect(describe()).rejects.toEqual(unavailable)
  await expect(update({ ExtendedS3DestinationUpdate: { Prefix: 'a/' } })).rejects.toEqual(unavailable)
  await expect(
    client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: [{ Key: 'a' }] })),
  ).rejects.toEqual(unavailable)
})

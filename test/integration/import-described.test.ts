/** What is described, imported and declared again is described the same. */
import { afterEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { parseConfig } from '../../src/config/file.ts'
import { importText } from '../../src/import.ts'
import { applyDeclarations } from '../../src/receive/declarations.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { ACCOUNT_ID, CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { call, serveApi, type ServedApi } from '../support/api-server.ts'

const served: ServedApi[] = []
afterEach(async () => {
  for (const api of served.splice(0)) await api.stop()
})

async function serve(): Promise<ServedApi> {
  const api = await serveApi()
  served.push(api)
  return api
}

async function answer(api: ServedApi, operation: string, input: unknown): Promise<Record<string, unknown>> {
  const { status, text } = await call(api.url, operation, input)
  if (status !== 200) throw new Error(`${operation}: ${text}`)
  return JSON.parse(text) as Record<string, unknown>
}

async function describe(api: ServedApi, name: string): Promise<Record<string, unknown>> {
  const { DeliveryStreamDescription: description } = await answer(api, 'DescribeDeliveryStream', {
    DeliveryStreamName: name,
  })
  const {
    CreateTimestamp: _time,
    DeliveryStreamStatus: _status,
    ...lasting
  } = description as Record<string, unknown>
  return lasting
}

/** Declares what the configuration of the text holds. */
async function declare(api: ServedApi, text: string): Promise<void> {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(`${JSON.stringify(loaded.problems)}\n${text}`)
  await applyDeclarations({
    declarations: loaded.config.deliveryStreams,
    registry: api.store.registry,
    context: { region: 'us-east-1', accountId: ACCOUNT_ID, limits: loaded.config.limits },
    clock: systemClock,
    log: createLog('silent'),
  })
}

const inputs: Readonly<Record<string, Record<string, unknown>>> = {
  plain: createInput('s'),
  prefixes: createInput('s', {
    Prefix: 'a/!{timestamp:yyyy}/$${x}/',
    ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
    BufferingHints: { SizeInMBs: 7, IntervalInSeconds: 61 },
    CompressionFormat: 'GZIP',
    CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'g', LogStreamName: '1' },
  }),
  'legacy S3': {
    DeliveryStreamName: 's',
    S3DestinationConfiguration: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::lake', Prefix: 'yes' },
  },
  converting: createInput('s', { DataFormatConversionConfiguration: CONVERSION, ErrorOutputPrefix: 'e/' }),
  'of a data stream': {
    ...createInput('s'),
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: {
      KinesisStreamARN: `arn:aws:kinesis:us-east-1:${ACCOUNT_ID}:stream/clicks`,
      RoleARN: ROLE_ARN,
    },
  },
  'with a backup, a zone, an extension and a key': createInput('s', {
    Prefix: '!{timestamp:HH}/',
    ErrorOutputPrefix: 'e/',
    CustomTimeZone: 'Europe/Berlin',
    FileExtension: '.log',
    CompressionFormat: 'ZIP',
    EncryptionConfiguration: {
      KMSEncryptionConfig: { AWSKMSKeyARN: `arn:aws:kms:us-east-1:${ACCOUNT_ID}:key/k` },
    },
    S3BackupMode: 'Enabled',
    S3BackupConfiguration: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::backup', Prefix: 'b/' },
    ProcessingConfiguration: { Enabled: false },
  }),
  encrypted: {
    ...createInput('s'),
    DeliveryStreamEncryptionConfigurationInput: {
      KeyType: 'CUSTOMER_MANAGED_CMK',
      KeyARN: `arn:aws:kms:us-east-1:${ACCOUNT_ID}:key/k`,
    },
  },
  'with a throughput hint': { ...createInput('s'), DirectPutSourceConfiguration: { ThroughputHintInMBs: 3 } },
}

test.each(Object.entries(inputs))('a delivery stream %s', async (_kind, input) => {
  const [made, again] = [await serve(), await serve()]
  await answer(made, 'CreateDeliveryStream', input)
  const described = await answer(made, 'DescribeDeliveryStream', { DeliveryStreamName: 's' })
  const { text, refused } = importText(JSON.stringify(described), 'x')
  expect(refused).toEqual([])
  await declare(again, text)
  const [before, after] = [await describe(made, 's'), await describe(again, 's')]
  expect(withoutStart(after)).toEqual(withoutStart(before))
  // What was declared is a description as well.
  expect(importText(JSON.stringify(await describe(again, 's')), 'x').text).toBe(text)
})

/** Reading begins at the creation of either. */
function withoutStart(description: Record<string, unknown>): unknown {
  return JSON.parse(
    JSON.stringify(description, (name, value: unknown) => (name === 'DeliveryStartTimestamp' ? 0 : value)),
  ) as unknown
}

const description = (name: string, destination: object = {}) => ({
  DeliveryStreamName: name,
  DeliveryStreamStatus: 'ACTIVE',
  DeliveryStreamType: 'DirectPut',
  Destinations: [
    {
      ExtendedS3DestinationDescription: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::lake', ...destination },
    },
  ],
})

test.each([
  [
    'answers in a row',
    `{"DeliveryStreamDescription": ${json('a')}}\n{"DeliveryStreamDescription": ${json('b')}}`,
  ],
  [
    'a list of answers',
    `[{"DeliveryStreamDescription": ${json('a')}}, {"DeliveryStreamDescription": ${json('b')}}]`,
  ],
  ['a list of descriptions', `[${json('a')}, ${json('b')}]`],
  [
    'documents of YAML',
    `---\nDeliveryStreamDescription: ${json('a')}\n---\nDeliveryStreamDescription: ${json('b')}\n`,
  ],
  ['a BOM before them', `\uFEFF${json('a')}${json('b')}`],
])('several descriptions may come as %s', (_form, text) => {
  expect(importText(text, 'x').declared).toEqual(['a', 'b'])
})

function json(name: string): string {
  return JSON.stringify(description(name))
}

test('YAML as the CLI prints it is read with the kinds that the API wants', () => {
  const yaml = `DeliveryStreamDescription:
  CreateTimestamp: '2026-11-01T10:00:00.123000+00:00'
  DeliveryStreamARN: arn:aws:firehose:us-east-1:111122223333:deliverystream/a
  DeliveryStreamEncryptionConfiguration:
    Status: DISABLED
  DeliveryStreamName: '0123'
  DeliveryStreamStatus: ACTIVE
  DeliveryStreamType: DirectPut
  Destinations:
  - DestinationId: destinationId-000000000001
    ExtendedS3DestinationDescription:
      BucketARN: arn:aws:s3:::lake
      BufferingHints:
        IntervalInSeconds: 300
        SizeInMBs: 5
      CloudWatchLoggingOptions:
        Enabled: false
      Prefix: '2026'
      RoleARN: arn:aws:iam::111122223333:role/firehose
  HasMoreDestinations: false
  VersionId: '1'
`
  const loaded = parseConfig(importText(yaml, 'x').text, {})
  expect(loaded.kind === 'loaded' && loaded.config.deliveryStreams).toEqual([
    {
      DeliveryStreamName: '0123',
      DeliveryStreamType: 'DirectPut',
      ExtendedS3DestinationConfiguration: {
        BucketARN: 'arn:aws:s3:::lake',
        BufferingHints: { IntervalInSeconds: 300, SizeInMBs: 5 },
        CloudWatchLoggingOptions: { Enabled: false },
        Prefix: '2026',
        RoleARN: 'arn:aws:iam::111122223333:role/firehose',
      },
    },
  ])
})

test('encryption that is on, and a backup, are carried over', () => {
  const { text } = importText(
    JSON.stringify({
      ...description('a', {
        S3BackupMode: 'Enabled',
        S3BackupDescription: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::backup' },
      }),
      DeliveryStreamEncryptionConfiguration: { Status: 'ENABLED', KeyType: 'AWS_OWNED_CMK' },
    }),
    'x',
  )
  expect(text).toContain('S3BackupConfiguration:')
  expect(text).toContain('DeliveryStreamEncryptionConfigurationInput:')
})

test('what only relaxed limits allow says that it needs them', () => {
  const wide = description('a', { BufferingHints: { SizeInMBs: 512, IntervalInSeconds: 3600 } })
  const { text, declared } = importText(JSON.stringify(wide), 'x')
  expect(declared).toEqual(['a'])
  expect(text).toContain('# It needs "limits: relaxed" in the configuration.')
})

test('of two descriptions of one name the first is declared; one that is being deleted is not', () => {
  const deleting = { ...description('b'), DeliveryStreamStatus: 'DELETING' }
  const all = [description('a'), description('a', { Prefix: 'second/' }), deleting]
  const { declared, refused } = importText(JSON.stringify(all), 'x')
  expect(declared).toEqual(['a'])
  expect(refused.map(({ reasons }) => reasons)).toEqual([
    ['a delivery stream of this name stands above'],
    ['its status is DELETING'],
  ])
})

test('a destination other than S3 is named and not shown: its description may hold a token', () => {
  const { text, refused } = importText(
    JSON.stringify({
      ...description('a'),
      Destinations: [{ SplunkDestinationDescription: { HECToken: 'hunter2', S3DestinationDescription: {} } }],
    }),
    'x',
  )
  expect(refused).toMatchObject([{ name: 'a' }])
  expect(refused[0]?.reasons.join()).toContain('SplunkDestinationConfiguration is not supported')
  expect(text).not.toContain('hunter2')
})

/** Whatever is sent, the answer is well formed, and the next request is served. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, serveApi, type ServedApi } from '../support/api-server.ts'
import { CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'

let api: ServedApi

beforeAll(async () => {
  api = await serveApi()
  await call(api.url, 'CreateDeliveryStream', createInput('orders'))
})
afterAll(() => api.stop())

const INPUTS: Record<string, unknown> = {
  PutRecord: { DeliveryStreamName: 'orders', Record: { Data: 'e30=' } },
  PutRecordBatch: { DeliveryStreamName: 'orders', Records: [{ Data: 'e30=' }, { Data: '' }] },
  CreateDeliveryStream: createInput('mutant', {
    Prefix: 'a/!{timestamp:yyyy}/',
    ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
    BufferingHints: { SizeInMBs: 64 },
    DataFormatConversionConfiguration: CONVERSION,
    ProcessingConfiguration: { Processors: [{ Type: 'Lambda' }] },
  }),
  DescribeDeliveryStream: { DeliveryStreamName: 'orders', Limit: 1 },
  ListDeliveryStreams: { Limit: 1 },
  DeleteDeliveryStream: { DeliveryStreamName: 'mutant' },
  UpdateDestination: {
    DeliveryStreamName: 'orders',
    CurrentDeliveryStreamVersionId: '1',
    DestinationId: 'destinationId-000000000001',
    ExtendedS3DestinationUpdate: {
      Prefix: 'a/!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
      BufferingHints: { SizeInMBs: 64 },
      S3BackupMode: 'Enabled',
      S3BackupUpdate: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::attic' },
      DataFormatConversionConfiguration: CONVERSION,
      ProcessingConfiguration: {
        Enabled: false,
        Processors: [
          { Type: 'Lambda', Parameters: [{ ParameterName: 'LambdaArn', ParameterValue: 'x' }] },
        ],
      },
      CustomTimeZone: 'Europe/Madrid',
      FileExtension: '.json',
    },
  },
  TagDeliveryStream: { DeliveryStreamName: 'orders', Tags: [{ Key: 'a', Value: 'b' }] },
  UntagDeliveryStream: { DeliveryStreamName: 'orders', TagKeys: ['a'] },
  ListTagsForDeliveryStream: { DeliveryStreamName: 'orders', ExclusiveStartTagKey: 'a', Limit: 1 },
  StartDeliveryStreamEncryption: {
    DeliveryStreamName: 'orders',
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
  },
  StopDeliveryStreamEncryption: { DeliveryStreamName: 'orders' },
}

/** Every place of a JSON value. */
function paths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, member]) => paths(member, [...path, key]))]
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? replaced(item, rest, by) : item))
  const object = value as Record<string, unknown>
  return { ...object, [key]: replaced(object[key], rest, by) }
}

const mutation = fc.constantFrom(...Object.entries(INPUTS)).chain(([operation, input]) =>
  fc.record({
    operation: fc.constant(operation),
    body: fc
      .tuple(
        fc.constantFrom(...paths(input)),
        fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.double()),
      )
      .map(([path, by]) => JSON.stringify(replaced(input, path, by))),
  }),
)
const cut = fc
  .tuple(fc.constantFrom(...Object.entries(INPUTS)), fc.nat(), fc.string())
  .map(([[operation, input], at, insert]) => {
    const text = JSON.stringify(input)
    const place = at % text.length
    return { operation, body: text.slice(0, place) + insert + text.slice(place + (at % 3)) }
  })

test('mutated requests are answered in the form of the service', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutation, cut), async ({ operation, body }) => {
      const answer = await call(api.url, operation, body)
      const output: unknown = JSON.parse(answer.text)
      if (answer.status === 200) {
        expect(output).not.toHaveProperty('__type')
        return
      }
      expect(answer.status).toBe(400)
      expect(output).toEqual({ __type: expect.stringMatching(/Exception$/), message: expect.any(String) })
    }),
    { numRuns: 400 },
  )
  expect((await call(api.url, 'ListDeliveryStreams', {})).status).toBe(200)
  expect(await api.metrics.value('hydrant_requests_total', { result: 'InternalFailure' })).toBe(0)
})

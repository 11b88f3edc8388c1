/** What callers may do, on the wire: every operation is asked for before it acts, and denied in AWS's sentence. */
import { DescribeDeliveryStreamCommand, PutRecordCommand } from '@aws-sdk/client-firehose'
import { afterEach, expect, test } from 'vitest'
import { FIREHOSE_OPERATIONS } from '../../src/domain/operations.ts'
import { ACCOUNT_ID, createInput } from '../support/api-inputs.ts'
import { base64, firehoseClient, serveApi, type ServedApi } from '../support/api-server.ts'
import { asking, everything, send, signedRequest } from '../support/signed-requests.ts'

const served: ServedApi[] = []

afterEach(async () => {
  await Promise.all(served.splice(0).map((api) => api.stop()))
})

const arn = (name: string): string => `arn:aws:firehose:us-east-1:${ACCOUNT_ID}:deliverystream/${name}`

const producer = {
  accessKeyId: 'AKIDPRODUCER',
  secretAccessKey: 'of the producer',
  name: 'orders-producer',
  allow: ['firehose:Put*'],
  resources: [arn('orders*')],
}

async function serve(): Promise<ServedApi> {
  const api = await serveApi({ authenticate: asking({ credentials: [everything, producer] }).authenticate })
  served.push(api)
  for (const name of ['orders', 'clicks'])
    await call(api, 'CreateDeliveryStream', createInput(name), everything)
  return api
}

async function call(api: ServedApi, operation: string, body: unknown, credential: typeof everything) {
  const { status, text } = await send(await signedRequest({ port: api.port, operation, body, credential }))
  return { status, body: JSON.parse(text) as Record<string, unknown> }
}

const denial = (operation: string, resource: string): object => ({
  status: 400,
  body: {
    __type: 'AccessDeniedException',
    Message: `User: arn:aws:iam::${ACCOUNT_ID}:user/orders-producer is not authorized to perform: firehose:${operation} on resource: ${resource} because no identity-based policy allows the firehose:${operation} action`,
  },
})

const put = (name: string) => ({ DeliveryStreamName: name, Record: { Data: base64('x') } })

test('a producer puts into its streams, and into no other, be it there or not', async () => {
  const api = await serve()
  expect(await call(api, 'PutRecord', put('orders'), producer)).toMatchObject({ status: 200 })
  for (const name of ['clicks', 'nowhere', arn('orders')])
    expect(await call(api, 'PutRecord', put(name), producer)).toEqual(denial('PutRecord', arn(name)))
  expect(await call(api, 'PutRecord', put('orders2'), producer)).toMatchObject({
    body: { __type: 'ResourceNotFoundException' },
  })
})

test.each(FIREHOSE_OPERATIONS.filter((name) => !name.startsWith('Put')))(
  '%s is asked for',
  async (operation) => {
    const api = await serve()
    const resource = operation === 'ListDeliveryStreams' ? '*' : arn('orders')
    expect(await call(api, operation, { DeliveryStreamName: 'orders' }, producer)).toEqual(
      denial(operation, resource),
    )
  },
)

test('a call that names no stream, or names it wrongly, is denied where not every stream is allowed', async () => {
  const api = await serve()
  for (const DeliveryStreamName of [undefined, null, 5, { a: 1 }, ['orders']])
    expect(await call(api, 'PutRecord', { ...put('orders'), DeliveryStreamName }, producer)).toEqual(
      denial('PutRecord', arn('')),
    )
  for (const body of ['[]', 'null', '5', '"orders"'])
    expect(await call(api, 'PutRecord', body, producer)).toMatchObject({ status: 400 })
  expect(api.store.records).toEqual([])
})

test('a name of 8 MiB is denied in a short sentence', async () => {
  const api = await serve()
  const { status, body } = await call(api, 'PutRecord', put('a'.repeat(8_000_000)), producer)
  expect(status).toBe(400)
  expect(String(body['Message']).length).toBeLessThan(2000)
})

test('the official client names the exception and its sentence', async () => {
  const api = await serve()
  const client = firehoseClient(api.url, producer)
  await client.send(
    new PutRecordCommand({ DeliveryStreamName: 'orders', Record: { Data: Buffer.from('x') } }),
  )
  await expect(
    client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'orders' })),
  ).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('is not authorized to perform: firehose:DescribeDeliveryStream'),
  })
})

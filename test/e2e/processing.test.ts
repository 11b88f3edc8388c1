/**
 * The whole way of a record between the buffer and its object, from the build, as a client of the API sees it: a function
 * of Lambda, jq, partitions, nested columns, and error objects of each kind.
 */
import { CreateDeliveryStreamCommand, PutRecordBatchCommand, type Processor } from '@aws-sdk/client-firehose'
import { expect, onTestFinished } from 'vitest'
import {
  RawAnswer,
  startFakeLambda,
  type FirehoseRecord,
  type LambdaFunction,
} from '../support/fake-lambda.ts'
import { parquetRows, type LandedObject, type Row } from '../support/landed.ts'
import { partitionedStream, processor } from './declarations.ts'
import { test, type Fixtures } from './installation.ts'

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:enrich:live'
const COLUMNS = [
  ['order_id', 'bigint'],
  ['customer', 'struct<id:string,tags:array<string>>'],
  ['prices', 'map<string,decimal(10,2)>'],
  ['at', 'timestamp'],
] as const

const stream = (name: string, query: string, processors: readonly Processor[] = []) =>
  new CreateDeliveryStreamCommand(
    partitionedStream(name, query, {
      prefix: `${name}/c=!{partitionKeyFromQuery:c}/`,
      errorPrefix: `errors/${name}/!{firehose:error-output-type}/`,
      processors,
    }),
  )

const CUSTOMERS = ['anna', 'ben', 'çelik']

function order(index: number): string {
  const id = CUSTOMERS[index % CUSTOMERS.length]
  return JSON.stringify({
    Order_Id: index,
    customer: { ID: id, tags: ['new', null, `t${index}`] },
    prices: { Net: 12.5, gross: '14.875' },
    at: '2026-11-02T09:00:00.123Z',
  })
}

/** Two that fail at the keys and one that fails at the conversion, between good ones. */
const ORDERS = [
  ...Array.from({ length: 40 }, (_, index) => order(index)),
  '{"order_id":40,"customer":{"ID":""}}',
  'no JSON',
  '{"order_id":"x","customer":{"ID":"anna"}}',
  ...Array.from({ length: 40 }, (_, index) => order(43 + index)),
]

async function rowsByCustomer(objects: readonly LandedObject[], name: string): Promise<Map<string, Row[]>> {
  const found = new Map<string, Row[]>()
  for (const object of objects) {
    const [, customer] = new RegExp(`^${name}/c=([^/]+)/`).exec(object.key) ?? []
    if (customer !== undefined)
      found.set(customer, [...(found.get(customer) ?? []), ...(await parquetRows(object))])
  }
  return found
}

function errorsOf(objects: readonly LandedObject[], folder: string): Record<string, unknown>[] {
  return objects
    .filter(({ key }) => key.startsWith(`errors/${folder}`))
    .flatMap(({ bytes }) => bytes.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const idOf = (row: Row): number => Number(row['order_id'])

for (const store of ['embedded', 'redis'] as const) {
  test(`${store}: G2, G3, G4: nested rows land in the partitions that their records name, the others in error objects`, async ({
    install,
  }) => {
    const installation = await install({ store, objects: 's3', columns: COLUMNS })
    const process = await installation.start()
    const client = installation.client(process)
    // A path that DuckDB reads, and a program that only jq can run; both say the same.
    const queries = { quick: '{c: .customer.ID}', slow: '{c: (.customer | to_entries[0].value)}' }
    for (const [name, query] of Object.entries(queries)) {
      await client.send(stream(name, query))
      const Records = ORDERS.map((text) => ({ Data: Buffer.from(text) }))
      await client.send(new PutRecordBatchCommand({ DeliveryStreamName: name, Records }))
    }
    for (const name of Object.keys(queries)) {
      expect(await installation.delivered(process, name)).toMatchObject({
        accepted: 83,
        delivered: 80,
        failed: 3,
      })
      const objects = await installation.objects()
      const rows = await rowsByCustomer(objects, name)
      expect([...rows.keys()].toSorted()).toEqual(CUSTOMERS.toSorted())
      expect([...rows.values()].flat()).toHaveLength(80)
      for (const [customer, ofCustomer] of rows) {
        expect(ofCustomer.map(idOf)).toEqual(ofCustomer.map(idOf).toSorted((a, b) => a - b))
        for (const row of ofCustomer) {
          expect(row).toMatchObject({ customer: { id: customer, tags: ['new', null, `t${idOf(row)}`] } })
          expect(row['prices']).toMatchObject({ net: 12.5, gross: 14.88 })
          expect(row['at']).toEqual(new Date('2026-11-02T09:00:00.123Z'))
        }
      }
      expect(errorsOf(objects, `${name}/metadata-extraction-failed`)).toMatchObject([
        {
          errorCode: 'DynamicPartitioning.MetadataExtractionFailed',
          errorMessage: 'partitionKeys values must not be null or empty',
          rawData: Buffer.from(ORDERS[40] ?? '').toString('base64'),
        },
        { errorMessage: 'Non JSON record provided', rawData: Buffer.from('no JSON').toString('base64') },
      ])
      expect(errorsOf(objects, `${name}/format-conversion-failed`)).toMatchObject([
        { lastErrorCode: 'DataFormatConversion.MalformedData' },
      ])
    }
  })
}

async function installWithLambda(install: Fixtures['install']) {
  const lambda = await startFakeLambda({ test: 'test' })
  onTestFinished(() => lambda.close())
  const installation = await install({
    objects: 's3',
    columns: COLUMNS,
    aws: { lambdaEndpoint: lambda.endpoint },
  })
  const process = await installation.start()
  return { lambda, installation, process, client: installation.client(process) }
}

test('a function of Lambda changes, drops and fails records before their keys are read', async ({
  install,
}) => {
  const { lambda, installation, process, client } = await installWithLambda(install)
  const change = ({ data, recordId }: FirehoseRecord): object => {
    const given = JSON.parse(Buffer.from(data, 'base64').toString()) as Record<string, unknown>
    const id = Number(given['Order_Id'])
    if (id % 10 === 3) return { recordId, result: 'Dropped' }
    if (id % 10 === 4) return { recordId, result: 'ProcessingFailed' }
    const changed = JSON.stringify({ ...given, Order_Id: id + 1000 })
    return { recordId, result: 'Ok', data: Buffer.from(changed).toString('base64') }
  }
  lambda.define('enrich', ({ records }) => ({ records: records.map(change) }), 'live')
  await client.send(stream('enriched', '{c: .customer.ID}', [processor('Lambda', { LambdaArn: FUNCTION })]))
  const Records = Array.from({ length: 50 }, (_, index) => ({ Data: Buffer.from(order(index)) }))
  await client.send(new PutRecordBatchCommand({ DeliveryStreamName: 'enriched', Records }))
  expect(await installation.delivered(process, 'enriched')).toEqual({
    accepted: 50,
    delivered: 40,
    failed: 5,
    dropped: 5,
    pending: 0,
  })
  const objects = await installation.objects()
  const rows = [...(await rowsByCustomer(objects, 'enriched')).values()].flat()
  expect(rows.map(idOf).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, index) => 1000 + index).filter((id) => id % 10 !== 3 && id % 10 !== 4),
  )
  const failed = errorsOf(objects, 'enriched/processing-failed')
  expect(failed).toHaveLength(5)
  expect(failed[0]).toMatchObject({
    errorCode: 'Lambda.ProcessingFailedStatus',
    rawData: Buffer.from(order(4)).toString('base64'),
    lambdaARN: FUNCTION,
  })
})

test('what a function answers badly fails by record, and what it answers well lands', async ({ install }) => {
  const { lambda, installation, process, client } = await installWithLambda(install)
  const kept = ({ recordId, data }: FirehoseRecord): object => ({ recordId, result: 'Ok', data })
  const answers: Record<string, LambdaFunction> = {
    rubbish: () => new RawAnswer('<html>502</html>'),
    half: ({ records }) => ({ records: records.filter((_, index) => index % 2 === 0).map(kept) }),
    doubled: ({ records }) => ({ records: [...records, ...records.slice(0, 5)].map(kept) }),
  }
  for (const [name, answer] of Object.entries(answers)) {
    lambda.define(name, answer)
    const LambdaArn = `arn:aws:lambda:us-east-1:000000000000:function:${name}`
    await client.send(stream(name, '{c: .customer.ID}', [processor('Lambda', { LambdaArn })]))
    const Records = Array.from({ length: 20 }, (_, index) => ({ Data: Buffer.from(order(index)) }))
    await client.send(new PutRecordBatchCommand({ DeliveryStreamName: name, Records }))
  }
  const all = Array.from({ length: 20 }, (_, index) => index)
  for (const [name, errorCode, failed] of [
    ['rubbish', 'Lambda.JsonProcessingException', all],
    ['half', 'Lambda.MissingRecordId', all.filter((id) => id % 2 === 1)],
    ['doubled', 'Lambda.DuplicatedRecordId', all.slice(0, 5)],
  ] as const) {
    expect(await installation.delivered(process, name)).toEqual({
      accepted: 20,
      delivered: 20 - failed.length,
      failed: failed.length,
      dropped: 0,
      pending: 0,
    })
    const objects = await installation.objects()
    const rows = [...(await rowsByCustomer(objects, name)).values()].flat()
    expect(rows.map(idOf).toSorted((a, b) => a - b)).toEqual(all.filter((id) => !failed.includes(id)))
    expect(errorsOf(objects, `${name}/processing-failed`)).toMatchObject(
      failed.map((id) => ({ errorCode, rawData: Buffer.from(order(id)).toString('base64') })),
    )
  }
  // What was answered is final.
  expect(lambda.invocations.map(({ name }) => name).toSorted()).toEqual(['doubled', 'half', 'rubbish'])
})

test('a function that does not answer holds up its own stream alone', async ({ install }) => {
  const { lambda, installation, process, client } = await installWithLambda(install)
  const unanswered: ((answer: unknown) => void)[] = []
  lambda.define('enrich', () => new Promise((resolve) => unanswered.push(resolve)), 'live')
  const put = (DeliveryStreamName: string) =>
    client.send(new PutRecordBatchCommand({ DeliveryStreamName, Records: [{ Data: Buffer.from(order(0)) }] }))
  await client.send(stream('stuck', '{c: .customer.ID}', [processor('Lambda', { LambdaArn: FUNCTION })]))
  await client.send(stream('plain', '{c: .customer.ID}'))
  // A batch for each place of the process.
  for (const places of [1, 2]) {
    await put('stuck')
    await expect
      .poll(() => process.metric('hydrant_lent_places'), { timeout: 20_000, interval: 50 })
      .toBe(places)
  }
  await put('plain')
  expect(await installation.delivered(process, 'plain')).toMatchObject({ delivered: 1 })
  expect(unanswered).toHaveLength(2)
  expect(await installation.ledger(process, 'stuck')).toMatchObject({ accepted: 2, pending: 2 })
})

/** Delivery streams whose tables are in AWS Glue: what is asked, with whose keys, and what callers are told. */
import { CreateDeliveryStreamCommand } from '@aws-sdk/client-firehose'
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from '@aws-sdk/client-glue'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/schema.ts'
import type { TableRef } from '../../src/domain/delivery-stream.ts'
import { neverCrash } from '../../src/runtime/crash-point.ts'
import { asksGlue, openCatalog } from '../../src/wiring/catalog.ts'
import { openRoles } from '../../src/wiring/roles.ts'
import { ACCOUNT_ID, CONVERSION, createInput } from '../support/api-inputs.ts'
import { call, firehoseClient, serveApi } from '../support/api-server.ts'
import { startFakeGlue, type FakeGlue } from '../support/fake-glue.ts'
import { startFakeSts, type FakeSts } from '../support/fake-sts.ts'
import { temporaryFolder } from '../support/hydrant.ts'

const own = { accessKeyId: 'AKIAOWN', secretAccessKey: 'own-secret' }
const log = createLog('silent')

let glue: FakeGlue
let sts: FakeSts
let closers: (() => Promise<void> | void)[]

beforeEach(async () => {
  glue = await startFakeGlue({ AKIAOWN: 'own-secret', ASIASESSION1: 'secret-of-session-1' })
  sts = await startFakeSts(own)
  const admin = new GlueClient({ endpoint: glue.endpoint, region: 'us-east-1', credentials: own })
  closers = [() => glue.close(), () => sts.close(), () => admin.destroy()]
  await admin.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'sales' } }))
  const columns = [{ Name: 'Order_Id', Type: 'string' }]
  await admin.send(
    new CreateTableCommand({
      DatabaseName: 'sales',
      TableInput: { Name: 'orders', StorageDescriptor: { Columns: columns } },
    }),
  )
})
afterEach(async () => {
  for (const close of closers.toReversed()) await close()
})

function configured(aws = '', catalog = 'glue: true', more = ''): Config {
  const loaded = parseConfig(
    `aws: { glueEndpoint: "${glue.endpoint}", stsEndpoint: "${sts.endpoint}" ${aws} }
objectStore: { type: s3, accessKeyId: AKIAOWN, secretAccessKey: own-secret }
catalog: { ${catalog} }
${more}`,
    {},
  )
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

async function resolveColumns(config: Config) {
  const onStop = (close: () => Promise<void>) => closers.push(close)
  const roles = await openRoles(config, log, onStop)
  return openCatalog({ config, roles, log, onStop })(() => config)
}

const table = (change: Partial<TableRef> = {}): TableRef => ({
  databaseName: 'sales',
  tableName: 'orders',
  region: 'us-east-1',
  versionId: 'LATEST',
  ...change,
})

const askedGlue = () => glue.asked.filter(({ operation }) => operation.startsWith('GetTable'))

test('tables of the configuration come first, Glue is asked for the others', async () => {
  const config = configured(
    '',
    'glue: true, databases: { sales: { visits: { columns: [{ name: id, type: int }] } } }',
  )
  const columns = await resolveColumns(config)
  expect(await columns(table({ tableName: 'visits' }))).toEqual([{ name: 'id', type: 'int' }])
  expect(askedGlue()).toEqual([])
  expect(await columns(table())).toEqual([{ name: 'order_id', type: 'string' }])
  expect(askedGlue()).toMatchObject([{ operation: 'GetTable', accessKeyId: 'AKIAOWN' }])
  expect([asksGlue(config, table({ tableName: 'visits' })), asksGlue(config, table())]).toEqual([false, true])
})

test('without catalog.glue nobody asks it, and both ways to a table are named', async () => {
  const config = configured('', 'glue: false')
  const resolve = await resolveColumns(config)
  await expect(resolve(table())).rejects.toMatchObject({
    code: 'EntityNotFound',
    message: 'look up table sales.orders: it is not in the catalog',
    hint: 'add sales.orders to catalog.databases in the configuration file, or set catalog.glue if AWS Glue has it',
  })
  expect(askedGlue()).toEqual([])
  expect(asksGlue(config, table())).toBe(false)
})

test('a role is assumed where roles are assumed, but not the one that stands for none', async () => {
  const roleArn = 'arn:aws:iam::000000000000:role/reader'
  const columns = await resolveColumns(configured(', assumeRoles: true'))
  await columns(table({ roleArn }))
  expect(sts.asked.map(({ RoleArn }) => RoleArn)).toEqual([roleArn])
  await columns(table({ roleArn: `arn:aws:iam::${ACCOUNT_ID}:role/hydrant` }))
  expect(askedGlue().map(({ accessKeyId }) => accessKeyId)).toEqual(['ASIASESSION1', 'AKIAOWN'])
  const withOwnKeys = await resolveColumns(configured())
  await withOwnKeys(table({ roleArn }))
  expect(askedGlue().at(-1)?.accessKeyId).toBe('AKIAOWN')
})

const converting = (name: string, TableName: string) =>
  createInput(name, {
    DataFormatConversionConfiguration: {
      ...CONVERSION,
      SchemaConfiguration: { ...CONVERSION.SchemaConfiguration, TableName },
    },
  })

test('CreateDeliveryStream looks the table up: one that is not there is the caller’s, a Glue that is away is not', async () => {
  const api = await serveApi({ resolveColumns: await resolveColumns(configured()) })
  closers.push(() => api.stop())
  const create = (name: string, tableName: string) =>
    call(api.url, 'CreateDeliveryStream', converting(name, tableName))
  expect(await create('a', 'orders')).toMatchObject({ status: 200 })
  const missing = await create('b', 'gone')
  expect(missing.status).toBe(400)
  expect(missing.text).toContain('"__type":"InvalidArgumentException"')
  expect(missing.text).toContain('look up table sales.gone in Glue: it is not there')
  expect(missing.text).toContain('add sales.gone to catalog.databases')
  glue.fail({
    status: 400,
    type: 'AccessDeniedException',
    message: 'not authorized to perform: glue:GetTable',
  })
  expect((await create('b', 'gone')).text).toContain(
    'access denied (not authorized to perform: glue:GetTable)',
  )
  glue.fail({ status: 500, type: 'InternalServiceException' })
  const away = await create('b', 'gone')
  expect(away.status).toBe(503)
  expect(away.text).toContain('"__type":"ServiceUnavailableException"')
  expect([...api.store.streams.keys()]).toEqual(['a'])
})

test('who may create streams may name the tables of Glue that its resources list', async () => {
  const folder = await temporaryFolder()
  closers.push(() => folder.remove())
  const config = configured(
    '',
    'glue: true, databases: { sales: { visits: { columns: [{ name: id, type: int }] } } }',
    `server: { port: 0 }
admin: { port: 0 }
buffer: { path: "${folder.path}/buffer" }
auth:
  mode: sigv4
  credentials:
    - accessKeyId: AKIAOWN
      secretAccessKey: own-secret
      resources: ["*", "arn:aws:s3:::lake", "arn:aws:glue:*:*:table/sales/orders"]`,
  )
  const app = createApp(config, { roles: new Set(['api']), log, crash: neverCrash })
  closers.push(() => app.stop())
  const { api } = await app.start()
  const client = firehoseClient(`http://127.0.0.1:${api?.port}`, own)
  closers.push(() => client.destroy())
  const create = (name: string, tableName: string) =>
    client.send(new CreateDeliveryStreamCommand(converting(name, tableName) as never))
  await create('a', 'orders')
  await create('b', 'visits')
  await expect(create('c', 'salaries')).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      `glue:GetTable on resource: arn:aws:glue:us-east-1:${ACCOUNT_ID}:table/sales/salaries`,
    ) as string,
  })
  expect(askedGlue().map(({ input }) => input['Name'])).toEqual(['orders'])
})

/**
 * Columns from AWS Glue, through the official SDK. What is asked and answered when all is well is asked of GLUE_ENDPOINT
 * instead where that is set (moto_server, say); what goes wrong needs the fake.
 */
import {
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteTableCommand,
  GlueClient,
  UpdateTableCommand,
  type StorageDescriptor,
} from '@aws-sdk/client-glue'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import {
  GLUE_FRESH_MS,
  GLUE_KEPT_MS,
  GlueCatalog,
  type GlueCatalogOptions,
} from '../../src/convert/glue-catalog.ts'
import { RoleSessions } from '../../src/deliver/role-sessions.ts'
import type { Column, TableRef } from '../../src/domain/delivery-stream.ts'
import { EncoderError } from '../../src/domain/errors.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startFakeGlue, type FakeGlue } from '../support/fake-glue.ts'
import { startFakeSts } from '../support/fake-sts.ts'
import { keepingLog } from '../support/log-lines.ts'

const own = { accessKeyId: 'AKIAOWN', secretAccessKey: 'own-secret' }
const elsewhere = process.env['GLUE_ENDPOINT']
const log = createLog('silent')

let glue: FakeGlue
let clock: FakeClock
let admin: GlueClient
let database: string
let closers: (() => Promise<void> | void)[]
let databases = 0

beforeEach(async () => {
  glue = await startFakeGlue({ AKIAOWN: 'own-secret', ASIASESSION1: 'secret-of-session-1' })
  clock = new FakeClock()
  admin = new GlueClient({ endpoint: elsewhere ?? glue.endpoint, region: 'eu-west-3', credentials: own })
  closers = [() => glue.close(), () => admin.destroy()]
  database = `sales${process.pid}x${(databases += 1)}`
})
afterEach(async () => {
  for (const close of closers.toReversed()) await close()
})

function catalog(change: Partial<GlueCatalogOptions> = {}): GlueCatalog {
  const opened = new GlueCatalog({ endpoint: elsewhere ?? glue.endpoint, ...own, clock, log, ...change })
  closers.push(() => opened.close())
  return opened
}

function tableRef(change: Partial<TableRef> = {}): TableRef {
  return { databaseName: database, tableName: 'orders', region: 'eu-west-3', versionId: 'LATEST', ...change }
}

async function createTable(columns: readonly Column[], more: StorageDescriptor = {}): Promise<void> {
  await admin.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
  await admin.send(new CreateTableCommand({ DatabaseName: database, TableInput: input(columns, more) }))
}

async function updateTable(columns: readonly Column[]): Promise<void> {
  await admin.send(new UpdateTableCommand({ DatabaseName: database, TableInput: input(columns) }))
}

function input(columns: readonly Column[], more: StorageDescriptor = {}) {
  return {
    Name: 'orders',
    StorageDescriptor: { Columns: columns.map(({ name, type }) => ({ Name: name, Type: type })), ...more },
    PartitionKeys: [{ Name: 'day', Type: 'date' }],
  }
}

const first: readonly Column[] = [
  { name: 'order_id', type: 'string' },
  { name: 'amount', type: 'decimal(10,2)' },
]
const second: readonly Column[] = [...first, { name: 'placed', type: 'timestamp' }]

async function refusal(asking: Promise<unknown>): Promise<EncoderError> {
  const error = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof EncoderError)) throw new Error(`no EncoderError: ${String(error)}`)
  return error
}

describe('a table', () => {
  test('has its columns in order, without its partition keys', async () => {
    await createTable(first)
    expect(await catalog().columns(tableRef())).toEqual(first)
  })

  test('has its columns by names in lower case', async () => {
    await createTable([{ name: 'orderId', type: 'string' }])
    expect(await catalog().columns(tableRef())).toEqual([{ name: 'orderid', type: 'string' }])
  })

  test('of a pinned version has the columns that it had then', async () => {
    await createTable(first)
    await updateTable(second)
    const pinned = catalog()
    const latest = await pinned.columns(tableRef())
    expect(latest).toEqual(second)
    const versions = elsewhere === undefined ? ['0', '1'] : ['1', '2']
    expect(await pinned.columns(tableRef({ versionId: versions[0] ?? '' }))).toEqual(first)
    expect(await pinned.columns(tableRef({ versionId: versions[1] ?? '' }))).toEqual(second)
    expect(await refusal(pinned.columns(tableRef({ versionId: '99' })))).toMatchObject({
      code: 'InvalidVersionId',
      message: expect.stringContaining('it has no version 99') as string,
    })
  })

  test('that is not there is EntityNotFound, whatever of it is missing', async () => {
    expect(await refusal(catalog().columns(tableRef()))).toMatchObject({
      code: 'EntityNotFound',
      message: expect.stringContaining(`look up table ${database}.orders in Glue: it is not there`) as string,
      hint: `make the table in eu-west-3, or add ${database}.orders to catalog.databases`,
    })
    await createTable(first)
    expect(await refusal(catalog().columns(tableRef({ tableName: 'other' })))).toMatchObject({
      code: 'EntityNotFound',
    })
  })

  test('is seen as it was changed a minute later, and is asked for once in that time', async () => {
    await createTable(first)
    const { columns } = bound(catalog())
    expect(await columns(tableRef())).toEqual(first)
    await updateTable(second)
    await clock.advance(GLUE_FRESH_MS - 1)
    expect(await columns(tableRef())).toEqual(first)
    await clock.advance(1)
    expect(await columns(tableRef())).toEqual(second)
    if (elsewhere === undefined) expect(asked('GetTable')).toHaveLength(2)
  })

  test('that was removed is not there a minute later', async () => {
    await createTable(first)
    const { columns } = bound(catalog())
    await columns(tableRef())
    await admin.send(new DeleteTableCommand({ DatabaseName: database, Name: 'orders' }))
    await clock.advance(GLUE_FRESH_MS)
    expect(await refusal(columns(tableRef()))).toMatchObject({ code: 'EntityNotFound' })
  })
})

function bound(opened: GlueCatalog) {
  return { columns: (table: TableRef) => opened.columns(table) }
}

function asked(...operations: string[]) {
  return glue.asked.filter(({ operation }) => operations.includes(operation))
}

describe.skipIf(elsewhere !== undefined)('what is asked', () => {
  test('names catalog, database, table and version, in the region of the table, under the own keys', async () => {
    await createTable(first)
    await catalog().columns(tableRef({ region: 'ap-south-1' }))
    await refusal(catalog().columns(tableRef({ catalogId: '111122223333', versionId: '3' })))
    expect(asked('GetTable', 'GetTableVersion')).toEqual([
      {
        operation: 'GetTable',
        input: { DatabaseName: database, Name: 'orders' },
        accessKeyId: 'AKIAOWN',
        region: 'ap-south-1',
      },
      {
        operation: 'GetTableVersion',
        input: { CatalogId: '111122223333', DatabaseName: database, TableName: 'orders', VersionId: '3' },
        accessKeyId: 'AKIAOWN',
        region: 'eu-west-3',
      },
    ])
  })

  test('is asked once for many who wait, and each of them is answered', async () => {
    await createTable(first)
    const { columns } = bound(catalog())
    const letGo = glue.hold()
    const waiting = Array.from({ length: 50 }, () => columns(tableRef()))
    await eventually(() => expect(asked('GetTable')).toHaveLength(1))
    letGo()
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 50 }, () => first))
    expect(asked('GetTable')).toHaveLength(1)
  })

  test('is signed under the role of SchemaConfiguration where roles are assumed, each role for itself', async () => {
    await createTable(first)
    const sts = await startFakeSts(own)
    const roles = new RoleSessions({
      endpoint: sts.endpoint,
      region: 'eu-west-3',
      accountId: '111122223333',
      ...own,
      log,
    })
    closers.push(
      () => sts.close(),
      () => roles.close(),
    )
    const assuming = catalog({ roles })
    const lake = tableRef({ roleArn: 'arn:aws:iam::111122223333:role/lake' })
    expect(await assuming.columns(lake)).toEqual(first)
    expect(asked('GetTable').at(-1)).toMatchObject({ accessKeyId: 'ASIASESSION1' })
    sts.refuse('arn:aws:iam::111122223333:role/vault', { status: 403, code: 'AccessDenied' })
    const vault = tableRef({ roleArn: 'arn:aws:iam::111122223333:role/vault' })
    expect(await refusal(assuming.columns(vault))).toMatchObject({
      code: 'InvalidGlueRole',
      message: expect.stringContaining('role/vault: access denied') as string,
      hint: expect.stringContaining('sts:AssumeRole') as string,
    })
    expect(await catalog().columns(vault)).toEqual(first)
    expect(asked('GetTable').at(-1)).toMatchObject({ accessKeyId: 'AKIAOWN' })
  })

  test('a session that has ended is asked for anew', async () => {
    await createTable(first)
    const forgotten: string[] = []
    const credentials = { accessKeyId: 'ASIASESSION1', secretAccessKey: 'secret-of-session-1' }
    const roles = { credentials: async () => credentials, forget: (arn: string) => void forgotten.push(arn) }
    glue.fail({ type: 'ExpiredTokenException' })
    const ref = tableRef({ roleArn: 'arn:aws:iam::111122223333:role/lake' })
    expect(await refusal(catalog({ roles }).columns(ref))).toMatchObject({ code: 'AccessDenied' })
    expect(forgotten).toEqual([ref.roleArn])
  })
})

describe.skipIf(elsewhere !== undefined)('while Glue cannot be asked', () => {
  const down = [
    { fault: 'cut' as const, code: 'GlueUnavailable' },
    { fault: { status: 500, type: 'InternalServiceException' }, code: 'GlueUnavailable' },
    { fault: { status: 503, type: '' }, code: 'GlueUnavailable' },
    { fault: { type: 'ThrottlingException' }, code: 'ThrottledByGlue' },
    { fault: { type: 'OperationTimeoutException' }, code: 'SchemaValidationTimeout' },
    { fault: { type: 'ExpiredTokenException' }, code: 'AccessDenied' },
  ]
  test.each(down)('($code) a table that was read goes on, with one warning', async ({ fault, code }) => {
    await createTable(first)
    const { log: kept, lines } = keepingLog()
    const { columns } = bound(catalog({ log: kept }))
    await columns(tableRef())
    glue.fail(fault)
    await clock.advance(GLUE_FRESH_MS)
    expect(await columns(tableRef())).toEqual(first)
    const questions = asked('GetTable').length
    expect(await columns(tableRef())).toEqual(first)
    expect(asked('GetTable')).toHaveLength(questions)
    await clock.advance(GLUE_FRESH_MS)
    expect(await columns(tableRef())).toEqual(first)
    expect(asked('GetTable').length).toBeGreaterThan(questions)
    expect(lines).toMatchObject([
      {
        level: 'warn',
        message: 'table read earlier serves: Glue cannot be asked',
        fields: { err: { code } },
      },
    ])
    glue.fail(undefined)
    await updateTable(second)
    await clock.advance(GLUE_FRESH_MS)
    expect(await columns(tableRef())).toEqual(second)
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'table could be read from Glue again' })
  })

  test.each(down)(
    '($code) a table that was never read is an error, which says what to do',
    async ({ fault, code }) => {
      glue.fail(fault)
      const error = await refusal(catalog().columns(tableRef()))
      expect(error).toMatchObject({ code, hint: expect.any(String) as string })
      expect(error.message).toMatch(new RegExp(`^look up table ${database}\\.orders in Glue: `))
    },
  )

  test('what was read serves for a day and no longer', async () => {
    await createTable(first)
    const { columns } = bound(catalog())
    await columns(tableRef())
    glue.fail({ status: 500, type: 'InternalServiceException' })
    await clock.advance(GLUE_KEPT_MS - 1)
    expect(await columns(tableRef())).toEqual(first)
    await clock.advance(10_000)
    expect(await refusal(columns(tableRef()))).toMatchObject({ code: 'GlueUnavailable' })
  })

  test('a Glue that is silent is given up, and who waits is answered', async () => {
    await createTable(first)
    const silent = { connectionMs: 1000, requestMs: 100, callMs: 1500 }
    const { columns } = bound(catalog({ timeouts: silent }))
    const letGo = glue.hold()
    closers.push(letGo)
    expect(await refusal(columns(tableRef()))).toMatchObject({ code: 'SchemaValidationTimeout' })
    letGo()
    expect(await columns(tableRef())).toEqual(first)
  })

  test('nobody listens at the endpoint: the error names it', async () => {
    const closed = await startFakeGlue({})
    await closed.close()
    expect(await refusal(catalog({ endpoint: closed.endpoint }).columns(tableRef()))).toMatchObject({
      code: 'GlueUnavailable',
      hint: `see that ${closed.endpoint} is up and can be reached from here`,
    })
    const unknown = 'http://glue.invalid'
    expect(await refusal(catalog({ endpoint: unknown }).columns(tableRef()))).toMatchObject({
      code: 'GlueNotAvailableInRegion',
      hint: expect.stringContaining(unknown) as string,
    })
  })
})

describe.skipIf(elsewhere !== undefined)('what Glue answers counts at once', () => {
  test.each([
    { fault: { type: 'AccessDeniedException', message: 'no glue:GetTable' }, code: 'AccessDenied' },
    {
      fault: { type: 'EntityNotFoundException', message: 'Table orders not found.' },
      code: 'EntityNotFound',
    },
    { fault: { type: 'InvalidInputException' }, code: 'InvalidInput' },
    { fault: { type: 'GlueEncryptionException' }, code: 'GlueEncryptionException' },
  ])('$code, though the table was read before', async ({ fault, code }) => {
    await createTable(first)
    const { columns } = bound(catalog())
    await columns(tableRef())
    glue.fail(fault)
    await clock.advance(GLUE_FRESH_MS)
    expect(await refusal(columns(tableRef()))).toMatchObject({ code, hint: expect.any(String) as string })
    glue.fail({ status: 500, type: 'InternalServiceException' })
    expect(await refusal(columns(tableRef()))).toMatchObject({ code: 'GlueUnavailable' })
  })

  test('a table without columns, or with columns that no file can have, is refused before a delivery plans with it', async () => {
    const opened = catalog()
    await createTable([])
    expect(await refusal(opened.columns(tableRef()))).toMatchObject({
      message: expect.stringContaining(`look up table ${database}.orders in Glue: `) as string,
      code: expect.stringContaining('InvalidSchema') as string,
    })
    await updateTable([{ name: 'amount', type: 'money' }])
    expect(await refusal(opened.columns(tableRef()))).toMatchObject({
      code: expect.stringContaining('InvalidTypeFormat') as string,
    })
    await updateTable([...first, { name: 'Order_Id', type: 'int' }])
    expect(await refusal(opened.columns(tableRef()))).toMatchObject({
      code: expect.stringContaining('InvalidSchema') as string,
    })
    await updateTable(second)
    expect(await opened.columns(tableRef())).toEqual(second)
  })

  test('a table whose columns are in the Schema Registry is refused with what to do', async () => {
    await createTable([], { SchemaReference: { SchemaVersionId: 'd1', SchemaVersionNumber: 1 } })
    expect(await refusal(catalog().columns(tableRef()))).toMatchObject({
      code: 'InvalidSchema',
      hint: 'write the columns into the table, or add it to catalog.databases',
    })
  })

  test('credentials that Glue does not know are told from access that is denied', async () => {
    const error = await refusal(catalog({ accessKeyId: 'AKIAOTHER' }).columns(tableRef()))
    expect(error).toMatchObject({
      code: 'AccessDenied',
      hint: expect.stringContaining('accessKeyId') as string,
    })
  })
})

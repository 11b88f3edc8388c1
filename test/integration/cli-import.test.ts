/** hydrant import as a process: what it prints passes hydrant check, and its exit code says whether all was imported. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CommandLine } from '../support/command-line.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-import-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function run(args: readonly string[], options: { env?: Record<string, string>; input?: string } = {}) {
  const command = new CommandLine(args, { cwd: folder, ...options })
  const { code } = await command.ended
  return { code, out: command.out, err: command.err }
}

const template = `Parameters:
  Stage: { Type: String }
Resources:
  Lake: { Type: AWS::S3::Bucket }
  Role: { Type: AWS::IAM::Role }
  OrdersTable:
    Type: AWS::Glue::Table
    Properties:
      DatabaseName: sales
      TableInput: { Name: orders, StorageDescriptor: { Columns: [{ Name: id, Type: string }] } }
  Orders:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      DeliveryStreamName: !Sub 'orders-\${Stage}'
      ExtendedS3DestinationConfiguration:
        RoleARN: !GetAtt Role.Arn
        BucketARN: !GetAtt Lake.Arn
        Prefix: orders/!{timestamp:yyyy/MM/dd}/
        ErrorOutputPrefix: errors/!{firehose:error-output-type}/
        DataFormatConversionConfiguration:
          SchemaConfiguration: { DatabaseName: sales, TableName: !Ref OrdersTable, RoleARN: !GetAtt Role.Arn }
          InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
          OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }
`

test('what a template becomes passes hydrant check, with its variable set and only then', async () => {
  await writeFile(join(folder, 'template.yaml'), template)
  const imported = await run(['import', 'template.yaml', '--parameter', 'Stage=prod'])
  expect(imported).toMatchObject({ code: 0, err: '' })
  expect(imported.out).toContain('Set the environment variable LAKE_NAME: the name of Lake.')
  await writeFile(join(folder, 'hydrant.yaml'), imported.out)
  const check = ['check', '--config', 'hydrant.yaml']
  const checked = await run(check, { env: { LAKE_NAME: 'lake' } })
  expect(checked).toMatchObject({ code: 0, err: '' })
  expect(checked.out).toContain('ok: delivery stream "orders-prod"')
  expect(await run(check)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/BucketARN \(line \d+\): environment variable LAKE_NAME is not set/) as string,
  })
})

const description = (name: string, destination: object) =>
  JSON.stringify({
    DeliveryStreamDescription: {
      DeliveryStreamName: name,
      DeliveryStreamStatus: 'ACTIVE',
      DeliveryStreamType: 'DirectPut',
      Destinations: [destination],
    },
  })

const s3 = {
  ExtendedS3DestinationDescription: {
    RoleARN: 'arn:aws:iam::111122223333:role/firehose',
    BucketARN: 'arn:aws:s3:::lake',
  },
}

test('standard input is read, and one delivery stream that cannot be declared is told and makes it a failure', async () => {
  const input = description('orders', s3) + description('search', { RedshiftDestinationDescription: {} })
  const imported = await run(['import', '-'], { input })
  expect(imported.code).toBe(1)
  expect(imported.err).toContain(
    'hydrant: delivery stream "search" was not imported: RedshiftDestinationConfiguration is not supported',
  )
  expect(imported.err).toContain('hydrant: 1 of 2 were imported\n')
  await writeFile(join(folder, 'hydrant.yaml'), imported.out)
  const checked = await run(['check', '--config', 'hydrant.yaml'])
  expect(checked).toMatchObject({
    code: 0,
    out: expect.stringContaining('delivery stream "orders"') as string,
  })
})

test.each([
  [['import', 'missing.json'], 1, 'hydrant: import missing.json: ENOENT'],
  [
    ['import', 'notes.txt'],
    1,
    'it holds something that is neither a description nor a template\nhint: give what',
  ],
  [['import'], 2, "missing required argument 'file'"],
  [['import', 'notes.txt', '--parameter', 'Stage'], 2, 'It must be NAME=VALUE.'],
])('%j is refused with a sentence', async (args, code, sentence) => {
  await writeFile(join(folder, 'notes.txt'), 'hello')
  const refused = await run(args)
  expect(refused.code).toBe(code)
  expect(refused.out).toBe('')
  expect(refused.err).toContain(sentence)
  expect(refused.err).not.toContain('    at ')
})

/** SIGHUP: the configuration file is read again by a process that serves. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  PutRecordCommand,
  type DeliveryStreamDescription,
} from '@aws-sdk/client-firehose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CommandLine } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'

const WAIT_MS = 30_000

let folder: string
let file: string
let running: CommandLine | undefined
const clients: FirehoseClient[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-reload-'))
  file = join(folder, 'hydrant.yaml')
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await running?.end()
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

function start(): CommandLine {
  running = new CommandLine(['serve', '--config', file, '--port', '0', '--admin-port', '0'], {
    cwd: folder,
    env: { HYDRANT_LOG_LEVEL: 'info' },
  })
  return running
}

async function serving(text: string): Promise<CommandLine> {
  await writeFile(file, text)
  const run = start()
  await logged(run, 'process became ready')
  return run
}

/** The n-th line with this message, once it is there. */
async function logged(run: CommandLine, message: string, count = 1): Promise<Record<string, unknown>> {
  return eventually(() => {
    if (run.child.exitCode !== null) throw new Error(run.err)
    const line = run.logged(message)[count - 1]
    if (line === undefined) throw new Error(`not logged yet: ${message}\n${run.err.slice(-2_000)}`)
    return line
  }, WAIT_MS)
}

function clientOf(run: CommandLine, accessKeyId = 'any', secretAccessKey = 'any'): FirehoseClient {
  const client = new FirehoseClient({
    endpoint: /http:\/\/127\.0\.0\.1:\d+/.exec(run.out)?.[0] ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  })
  clients.push(client)
  return client
}

async function describe(run: CommandLine, name: string): Promise<DeliveryStreamDescription | undefined> {
  const answer = await clientOf(run).send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }))
  return answer.DeliveryStreamDescription
}

function stream(name: string, prefix: string, rest = ''): string {
  return `  - DeliveryStreamName: ${name}
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      Prefix: ${prefix}
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 }
${rest}`
}

const conversion = `      DataFormatConversionConfiguration:
        SchemaConfiguration: { DatabaseName: sales, TableName: orders }
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }
`

const catalog = 'catalog: { databases: { sales: { orders: { columns: [{ name: a, type: string }] } } } }\n'

test('a good file acts at once: a stream is created and one updated, and both deliver by it', async () => {
  const run = await serving(`deliveryStreams:\n${stream('old', 'before/')}`)
  await writeFile(
    file,
    `${catalog}deliveryStreams:\n${stream('old', 'after/')}${stream('orders', 'orders/', conversion)}`,
  )
  run.child.kill('SIGHUP')
  expect(await logged(run, 'configuration was reloaded')).toMatchObject({
    level: 'info',
    changed: ['catalog.databases.sales', 'deliveryStreams.old', 'deliveryStreams.orders'],
  })
  expect((await describe(run, 'old'))?.VersionId).toBe('2')
  const Record = { Data: Buffer.from('{"a":"1"}') }
  for (const DeliveryStreamName of ['old', 'orders'])
    await clientOf(run).send(new PutRecordCommand({ DeliveryStreamName, Record }))
  await eventually(async () => {
    const landed = await readdir(join(folder, 'data/buckets/lake'), { recursive: true })
    expect(landed.some((name) => /^orders\/.*\.parquet$/.test(name))).toBe(true)
    expect(landed.some((name) => /^after\/.*old-2-/.test(name))).toBe(true)
    expect(landed.filter((name) => name.startsWith('before'))).toEqual([])
  }, WAIT_MS)
  run.child.kill('SIGTERM')
  expect(await run.ended).toEqual({ code: 0, signal: null })
})

test('a bad file changes nothing and says every problem with its line; the next good one acts', async () => {
  const run = await serving(`deliveryStreams:\n${stream('old', 'before/')}`)
  await writeFile(
    file,
    `server: { prot: 1 }\nlimits: strict\ndeliveryStreams:\n${stream('old', 'after/')}${stream('new', 'new/')}`,
  )
  run.child.kill('SIGHUP')
  expect(await logged(run, 'configuration was not reloaded')).toMatchObject({
    level: 'error',
    file,
    problems: [
      'server.prot (line 1): unknown setting; did you mean "port"?',
      expect.stringMatching(/^limits \(line 2\): must be aws or relaxed/),
    ],
  })
  await writeFile(file, `deliveryStreams:\n${stream('old', 'after/')}${stream('new', 'new/', conversion)}`)
  run.child.kill('SIGHUP')
  expect(await logged(run, 'configuration was not reloaded', 2)).toMatchObject({
    problems: [expect.stringMatching(/^deliveryStreams\[1\] \(line 7\): table sales\.orders is not in/)],
  })
  await rm(file)
  run.child.kill('SIGHUP')
  expect(await logged(run, 'configuration was not reloaded', 3)).toMatchObject({
    problems: [expect.stringContaining('there is no such file')],
  })
  expect((await describe(run, 'old'))?.VersionId).toBe('1')
  await expect(describe(run, 'new')).rejects.toThrow('not found')

  await writeFile(file, `deliveryStreams:\n${stream('new', 'new/')}`)
  run.child.kill('SIGHUP')
  await logged(run, 'configuration was reloaded')
  expect((await describe(run, 'new'))?.VersionId).toBe('1')
  expect((await describe(run, 'old'))?.VersionId).toBe('1')
})

test('a source that cannot be changed refuses the whole file', async () => {
  const run = await serving(`deliveryStreams:\n${stream('orders', 'before/')}`)
  const kinesis = `    DeliveryStreamType: KinesisStreamAsSource
    KinesisStreamSourceConfiguration: { KinesisStreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s" }
`
  await writeFile(file, `deliveryStreams:\n${stream('new', 'new/')}${stream('orders', 'after/', kinesis)}`)
  run.child.kill('SIGHUP')
  const line = await logged(run, 'configuration was not reloaded')
  expect(line).toMatchObject({ err: { message: expect.stringContaining('a source cannot be changed') } })
  await expect(describe(run, 'new')).rejects.toThrow('not found')
})

test('settings that need a restart are told, and the rest acts', async () => {
  const run = await serving(`deliveryStreams:\n${stream('orders', 'before/')}`)
  await writeFile(
    file,
    `server: { maxInFlightBytes: 1MiB }\nkinesis: { pollSeconds: 7 }\ndeliveryStreams:\n${stream('orders', 'after/')}`,
  )
  run.child.kill('SIGHUP')
  expect(await logged(run, 'settings were changed that wait for a restart')).toMatchObject({
    level: 'warn',
    waiting: ['server.maxInFlightBytes', 'kinesis.pollSeconds'],
  })
  expect(await logged(run, 'configuration was reloaded')).toMatchObject({
    changed: ['deliveryStreams.orders'],
  })
})

test('callers’ credentials are replaced', async () => {
  const auth = (secret: string) =>
    `auth: { mode: sigv4, credentials: [{ accessKeyId: producer, secretAccessKey: ${secret} }] }\n`
  const run = await serving(`${auth('old-secret')}deliveryStreams:\n${stream('orders', 'orders/')}`)
  const put = (secret: string) =>
    clientOf(run, 'producer', secret).send(
      new PutRecordCommand({ DeliveryStreamName: 'orders', Record: { Data: Buffer.from('x') } }),
    )
  await put('old-secret')
  await writeFile(file, `${auth('new-secret')}deliveryStreams:\n${stream('orders', 'orders/')}`)
  run.child.kill('SIGHUP')
  expect(await logged(run, 'configuration was reloaded')).toMatchObject({ changed: ['auth.credentials'] })
  await eventually(() => put('new-secret'), WAIT_MS)
  await expect(put('old-secret')).rejects.toMatchObject({ name: 'InvalidSignatureException' })
  expect(run.err).not.toContain('new-secret')
})

test('signals that come during the start or all at once are answered, and never end the process', async () => {
  await writeFile(file, `deliveryStreams:\n${stream('orders', 'v1/')}`)
  const run = start()
  await logged(run, 'process started')
  run.child.kill('SIGHUP')
  await logged(run, 'process became ready')
  await logged(run, 'configuration was reloaded')
  for (const version of [2, 3, 4, 5, 6]) {
    await writeFile(file, `deliveryStreams:\n${stream('orders', `v${version}/`)}`)
    run.child.kill('SIGHUP')
  }
  await eventually(async () => {
    const description = await describe(run, 'orders')
    const [destination] = description?.Destinations ?? []
    expect(destination?.ExtendedS3DestinationDescription?.Prefix).toBe('v6/')
  }, WAIT_MS)
  expect(run.logged('configuration was not reloaded')).toEqual([])
  run.child.kill('SIGHUP')
  run.child.kill('SIGTERM')
  run.child.kill('SIGHUP')
  expect(await run.ended).toEqual({ code: 0, signal: null })
})

test('limits and extensions are those of the file for what is then created through the API', async () => {
  const run = await serving('limits: aws')
  await writeFile(file, 'limits: relaxed\nextensions: { clicks: { outOfRangeRecords: drop } }')
  const create = (DeliveryStreamName: string) =>
    clientOf(run).send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName,
        ExtendedS3DestinationConfiguration: {
          RoleARN: 'arn:aws:iam::000000000000:role/firehose',
          BucketARN: 'arn:aws:s3:::lake',
          BufferingHints: { SizeInMBs: 500, IntervalInSeconds: 3600 },
        },
      }),
    )
  await expect(create('orders')).rejects.toThrow('failed to satisfy constraint')
  run.child.kill('SIGHUP')
  expect(await logged(run, 'configuration was reloaded')).toMatchObject({
    changed: ['limits', 'extensions.clicks'],
  })
  await create('orders')
  await expect(create('clicks')).rejects.toThrow('needs DeliveryStreamType KinesisStreamAsSource')
})

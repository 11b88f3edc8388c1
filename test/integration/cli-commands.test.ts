/** The command line as a process: what it prints, how it ends. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const TSX = fileURLToPath(import.meta.resolve('tsx'))
const QUICK_START = fileURLToPath(new URL('../../config/hydrant.yaml', import.meta.url))
const KINESIS = fileURLToPath(new URL('../../config/kinesis.yaml', import.meta.url))

let folder: string
const running = new Set<ChildProcess>()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-cli-'))
})
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  await rm(folder, { recursive: true, force: true })
})

class Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: string | null }>
  out = ''
  err = ''

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(this.child)
    this.child.stdout?.on('data', (bytes: Buffer) => (this.out += bytes.toString()))
    this.child.stderr?.on('data', (bytes: Buffer) => (this.err += bytes.toString()))
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => {
        running.delete(this.child)
        resolve({ code, signal })
      }),
    )
  }

  get code(): Promise<number | null> {
    return this.ended.then(({ code }) => code)
  }
}

async function configFile(text: string): Promise<string> {
  const path = join(folder, 'hydrant.yaml')
  await writeFile(path, text)
  return path
}

async function serving(...args: readonly string[]): Promise<Run> {
  const run = new Run(['serve', '--port', '0', '--admin-port', '0', ...args], {
    HYDRANT_LOG_LEVEL: 'info',
    // Empty is as if they were not set.
    AWS_ENDPOINT_URL_KINESIS: '',
    KINESIS_STREAM_ARN: '',
  })
  await eventually(() => {
    if (run.child.exitCode !== null) throw new Error(run.err)
    expect(run.err).toContain('process became ready')
  }, 30_000)
  return run
}

test('the version is the package’s', async () => {
  const run = new Run(['--version'])
  expect(await run.code).toBe(0)
  expect(run.out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  [['serve'], "required option '--config <file>' not specified"],
  [['check'], "required option '--config <file>' not specified"],
  [['server'], "unknown command 'server'"],
  [['serve', '--config', 'x', '--roles', 'api,web'], 'It must name one or more of api, delivery, kinesis.'],
  [['serve', '--config', 'x', '--port', '99999'], 'It must be from 0 to 65535.'],
])('%j is a wrong call: exit code 2', async (args, sentence) => {
  const run = new Run(args)
  expect(await run.code).toBe(2)
  expect(run.err).toContain(sentence)
})

test('check names what is declared, and touches nothing', async () => {
  const run = new Run(['check', '--config', QUICK_START])
  expect(await run.code).toBe(0)
  expect(run.out).toContain('ok: delivery stream "company-orders-to-s3"')
  expect(await readdir(folder)).toEqual([])
})

test('check notes an extension whose stream is not declared', async () => {
  const path = await configFile('extensions: { later: { outOfRangeRecords: drop } }')
  const run = new Run(['check', '--config', path])
  expect(await run.code).toBe(0)
  expect(run.out).toBe(
    `note: extensions.later (line 1): no delivery stream is declared by this name; it acts when CreateDeliveryStream makes one\nok: ${path}\n`,
  )
})

test('check says everything that is wrong, with its path: settings first, then delivery streams', async () => {
  const settings = await configFile('server: { prot: 1 }\nlimits: strict\n')
  const wrongSettings = new Run(['check', '--config', settings])
  expect(await wrongSettings.code).toBe(1)
  expect(wrongSettings.err).toContain('2 problems')
  expect(wrongSettings.err).toContain('server.prot (line 1): unknown setting; did you mean "port"?')
  expect(wrongSettings.err).toContain('limits (line 2): must be aws or relaxed')

  const streams =
    await configFile(`catalog: { databases: { sales: { orders: { columns: [{ name: a, type: text }] } } } }
deliveryStreams:
  - DeliveryStreamName: a b
    ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake", Prefixx: x }
  - DeliveryStreamName: b
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      ErrorOutputPrefix: errors/
      DataFormatConversionConfiguration:
        SchemaConfiguration: { DatabaseName: sales, TableName: order }
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }`)
  const wrongStreams = new Run(['check', '--config', streams])
  expect(await wrongStreams.code).toBe(1)
  expect(wrongStreams.err).toMatch(/deliveryStreams\[0\].*deliveryStreamName.*failed to satisfy constraint/)
  expect(wrongStreams.err).toMatch(/deliveryStreams\[0\].*Prefixx.*did you mean Prefix/)
  expect(wrongStreams.err).toContain(
    'deliveryStreams[1] (line 5): table sales.order is not in catalog.databases; did you mean sales.orders?',
  )
  expect(wrongStreams.err).toContain(
    'catalog.databases.sales.orders.columns[0].type (line 1): read type "text"',
  )
})

test('serve says in a few lines where it listens, how to send and where objects land, and stops on SIGTERM with 0', async () => {
  const run = await serving('--config', QUICK_START)
  expect(run.out).toMatch(/^ {2}api {6}http:\/\/127\.0\.0\.1:\d+/m)
  expect(run.out).toMatch(/^ {2}admin {4}http:\/\/127\.0\.0\.1:\d+/m)
  expect(run.out).toContain(`into ${join(folder, 'data/buckets/lake')} under orders/`)
  expect(run.out).toContain('--cli-binary-format raw-in-base64-out')
  expect(run.out).toContain("boto3.client('firehose', endpoint_url='http://127.0.0.1:")
  for (const line of run.err.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
  run.child.kill('SIGTERM')
  expect(await run.ended).toEqual({ code: 0, signal: null })
  expect(run.err).toContain('process stopped')
})

test('serve says which data stream feeds a delivery stream, and how to put into it', async () => {
  const run = await serving('--config', KINESIS, '--roles', 'api,delivery')
  expect(run.out).toContain(
    'kinesis-orders-to-s3: from Kinesis data stream orders at http://127.0.0.1:4568, Parquet, every 5 s',
  )
  expect(run.out).toContain(
    "boto3.client('kinesis', endpoint_url='http://127.0.0.1:4568', region_name='us-east-1',\n" +
      "                         aws_access_key_id='any', aws_secret_access_key='any')\n",
  )
  expect(run.err).toContain(
    'role kinesis was left out, and no other process of the embedded store can have it',
  )
  expect(run.err).not.toContain('role delivery was left out')
  expect(run.out).toMatch(
    /kinesis\.put_record\(StreamName='orders', PartitionKey='customer-1', Data=b'\{.*\}'\)/,
  )
})

test('the printed record is taken and lands', async () => {
  const run = await serving('--config', QUICK_START)
  const endpoint = /http:\/\/127\.0\.0\.1:\d+/.exec(run.out)?.[0] ?? ''
  const data = /--record '(.*)'$/m.exec(run.out)?.[1] ?? ''
  const record = (JSON.parse(data) as { Data: string }).Data
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Firehose_20150804.PutRecord' },
    body: JSON.stringify({
      DeliveryStreamName: 'company-orders-to-s3',
      Record: { Data: Buffer.from(record).toString('base64') },
    }),
  })
  expect(answer.status).toBe(200)
  await eventually(async () => {
    const files = await readdir(join(folder, 'data/buckets/lake'), { recursive: true })
    expect(files.filter((name) => name.endsWith('.parquet'))).toHaveLength(1)
  }, 30_000)
  await eventually(() => expect(run.err).toContain('"rows":1,"failed":0'), 10_000)
})

test('a second signal ends the process at once', async () => {
  const run = await serving('--config', QUICK_START)
  run.child.kill('SIGSTOP')
  run.child.kill('SIGINT')
  run.child.kill('SIGTERM')
  run.child.kill('SIGCONT')
  const { code } = await run.ended
  expect([130, 143]).toContain(code)
})

test('a process without the api role listens on its admin port only', async () => {
  const run = await serving('--config', QUICK_START, '--roles', 'delivery')
  expect(run.out).not.toContain('  api ')
  const admin = /http:\/\/127\.0\.0\.1:\d+/.exec(run.out)?.[0] ?? ''
  expect((await fetch(`${admin}/readyz`)).status).toBe(200)
})

test('a start that is refused says why and what to do, without a stack, and exits 1', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const run = new Run(['serve', '--config', QUICK_START, '--port', '0', '--admin-port', String(port)])
  expect(await run.code).toBe(1)
  expect(run.err).toContain(`hydrant: listen on admin port 127.0.0.1:${port}`)
  expect(run.err).toContain('hint: another process has it')
  expect(run.err).not.toContain('    at ')
  other.close()
  await once(other, 'close')
})

test('no secret of the configuration is printed or logged', async () => {
  const path = await configFile(
    'objectStore: { type: s3, endpoint: "http://127.0.0.1:9", accessKeyId: a, secretAccessKey: "${SECRET}" }',
  )
  const run = new Run(['serve', '--config', path, '--port', '0', '--admin-port', '0'], {
    SECRET: 'canary-7d1c',
    HYDRANT_LOG_LEVEL: 'debug',
  })
  await eventually(() => expect(run.err).toContain('process became ready'), 30_000)
  run.child.kill('SIGTERM')
  expect(await run.code).toBe(0)
  expect(run.out + run.err).not.toContain('canary-7d1c')
  expect(run.err).toContain('[redacted]')
})

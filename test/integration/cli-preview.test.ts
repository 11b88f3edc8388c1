/** `hydrant preview`: what a declared delivery stream would make of sample records, without a trace of it. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CommandLine } from '../support/command-line.ts'
import { startHttpTransform } from '../support/http-transform.ts'

let folder: string
let temporary: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-cli-preview-'))
  temporary = join(folder, 'tmp')
  await mkdir(temporary)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const CONFIG = `
objectStore: { type: file, root: ./lake }
catalog:
  databases:
    sales:
      orders:
        columns: [{ name: order_id, type: bigint }, { name: customer, type: 'struct<id:string,tags:array<string>>' }]
deliveryStreams:
  - DeliveryStreamName: orders
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::lake
      Prefix: orders/c=!{partitionKeyFromQuery:c}/
      ErrorOutputPrefix: failed/!{firehose:error-output-type}/
      DynamicPartitioningConfiguration: { Enabled: true }
      ProcessingConfiguration:
        Enabled: true
        Processors:
          - Type: MetadataExtraction
            Parameters:
              - { ParameterName: MetadataExtractionQuery, ParameterValue: '{c: .customer.id}' }
              - { ParameterName: JsonParsingEngine, ParameterValue: JQ-1.6 }
      DataFormatConversionConfiguration:
        SchemaConfiguration: { DatabaseName: sales, TableName: orders }
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }
  - DeliveryStreamName: logs
    ExtendedS3DestinationConfiguration:
      BucketARN: arn:aws:s3:::logs
      ProcessingConfiguration:
        Enabled: true
        Processors:
          - Type: Decompression
            Parameters: [{ ParameterName: CompressionFormat, ParameterValue: GZIP }]
          - Type: CloudWatchLogProcessing
            Parameters: [{ ParameterName: DataMessageExtraction, ParameterValue: 'true' }]
`

/** Runs the command to its end; nothing but the sample and the configuration may be there afterwards. */
async function previewed(args: readonly string[], config = CONFIG, input?: string): Promise<CommandLine> {
  await writeFile(join(folder, 'hydrant.yaml'), config)
  const before = await readdir(folder)
  const run = new CommandLine(['preview', '--config', 'hydrant.yaml', ...args], {
    cwd: folder,
    env: { TMPDIR: temporary },
    ...(input === undefined ? {} : { input }),
  })
  await run.ended
  expect(await readdir(folder)).toEqual(before)
  // What runs the sources keeps its own folder there.
  expect((await readdir(temporary)).filter((name) => !name.startsWith('tsx-'))).toEqual([])
  return run
}

const orders = [
  '{"order_id":1,"customer":{"id":"anna","tags":["new"]}}',
  '{"order_id":2,"customer":{"id":"ben"}}',
  '{"order_id":"three","customer":{"id":"anna"}}',
  '{"order_id":4,"customer":{"id":""}}',
  'not JSON',
  '{"order_id":6,"customer":{"id":"anna"}}',
]

test('shows the schema, the key of each record, what fails and why, and the objects', async () => {
  const { out, err, ended } = await previewed(
    ['--stream', 'orders', '--sample', '-'],
    CONFIG,
    `${orders.join('\n')}\n`,
  )
  expect([await ended, err]).toEqual([{ code: 0, signal: null }, ''])
  expect(out).toMatch(/^delivery stream orders: 6 records, \d+ bytes\n/)
  expect(out).toContain('  order_id  bigint\n')
  expect(out).toContain('struct<id:string,tags:array<string>>')
  const key = (record: number, customer: string): RegExp =>
    new RegExp(`^ {2}${record} +orders/c=${customer}/orders-1-[-0-9a-f]+\\.parquet$`, 'm')
  expect(out).toMatch(key(1, 'anna'))
  expect(out).toMatch(key(2, 'ben'))
  expect(out).toMatch(key(6, 'anna'))
  expect(out).toMatch(
    /^ {2}3 +fails: format-conversion-failed, DataFormatConversion\.MalformedData: .*three/m,
  )
  expect(out).toMatch(
    /^ {2}4 +fails: metadata-extraction-failed, .*: partitionKeys values must not be null or empty$/m,
  )
  expect(out).toMatch(/^ {2}5 +fails: metadata-extraction-failed, .*: Non JSON record provided$/m)
  expect(out).toMatch(/^ {2}data +2 +\d+ +lake\/orders\/c=anna\//m)
  expect(out).toMatch(/^ {2}error +2 +\d+ +lake\/failed\/metadata-extraction-failed\//m)
  expect(out).toMatch(/\n3 delivered, 3 failed, 0 dropped; 3 rows\n$/)
})

test('lists no more records than it is asked to, and all of them as JSON', async () => {
  await writeFile(join(folder, 'sample.ndjson'), orders.join('\n'))
  const table = await previewed(['--stream', 'orders', '--sample', 'sample.ndjson', '--limit', '2'])
  expect(table.out).toContain('  … and 4 more (--limit lists more)\n')
  const json = await previewed(['--stream', 'orders', '--sample', 'sample.ndjson', '--json'])
  expect(JSON.parse(json.out)).toMatchObject({
    deliveryStream: 'orders',
    sample: { records: 6 },
    schema: { database: 'sales', table: 'orders' },
    records: [{ record: 1 }, { record: 2 }, { failure: {} }, { failure: {} }, { failure: {} }, { record: 6 }],
    outcome: { delivered: 3, failed: 3, dropped: 0, rows: 3 },
  })
})

test('records of bytes are given in base64; those that one is made into are told apart', async () => {
  const event = (id: string) => ({ id, timestamp: 1, message: `message ${id}` })
  const data = {
    messageType: 'DATA_MESSAGE',
    owner: '1',
    logGroup: 'g',
    logStream: 's',
    subscriptionFilters: [],
  }
  const lines = [
    gzipSync(JSON.stringify({ ...data, logEvents: [event('1'), event('2')] })).toString('base64'),
    Buffer.from('no gzip').toString('base64'),
  ]
  await writeFile(join(folder, 'sample.txt'), lines.join('\n'))
  const { out } = await previewed(['--stream', 'logs', '--sample', 'sample.txt', '--base64'])
  expect(out).toContain('schema: none, records are delivered as they are')
  expect(out).toMatch(/^ {2}1 +\d{4}\/\d\d\/\d\d\/\d\d\/logs-1-/m)
  expect(out).toMatch(/^ {2}2 +fails: decompression-failed, /m)
  expect(out).toMatch(/\n1 delivered, 1 failed, 0 dropped; 1 row\n$/)
})

test('a transform is called only if that is asked for', async () => {
  const transform = await startHttpTransform((body, response) => {
    const { records } = JSON.parse(body) as { readonly records: readonly { readonly recordId: string }[] }
    const data = Buffer.from('changed').toString('base64')
    response.end(JSON.stringify({ records: records.map((record) => ({ ...record, result: 'Ok', data })) }))
  })
  try {
    const { url } = transform
    const settings = `processing: { allowedUrls: ['${url}'] }\nextensions: { logs: { transform: { url: '${url}' } } }\n`
    const config =
      settings +
      CONFIG.replace(
        / {6}ProcessingConfiguration:\n {8}Enabled: true\n {8}Processors:\n {10}- Type: Decompression[^]*$/,
        '',
      )
    await writeFile(join(folder, 'sample.txt'), 'a\nb\n')
    const without = await previewed(['--stream', 'logs', '--sample', 'sample.txt'], config)
    expect([without.err, without.out]).toEqual(['', expect.stringContaining('the transform was not called')])
    expect(transform.asked).toEqual([])
    const called = await previewed(['--stream', 'logs', '--sample', 'sample.txt', '--transform'], config)
    expect([called.err, transform.asked.length]).toEqual(['', 1])
    expect(called.out).toMatch(/^ {2}data +2 +14 +/m)
  } finally {
    await transform.close()
  }
})

test.each([
  ['a stream that is not declared', ['--stream', 'order', '--sample', 'x'], 'did you mean orders?'],
  [
    'a sample that is not there',
    ['--stream', 'orders', '--sample', 'nowhere'],
    'read sample nowhere: ENOENT',
  ],
  ['an empty sample', ['--stream', 'orders', '--sample', '/dev/null'], 'it is empty'],
  [
    'a sample that is not base64',
    ['--stream', 'logs', '--sample', 'hydrant.yaml', '--base64'],
    'is not base64',
  ],
])('%s is told in a sentence', async (_name, args, sentence) => {
  const { out, err, ended } = await previewed(args)
  expect([await ended, out]).toEqual([{ code: 1, signal: null }, ''])
  expect(err).toContain(sentence)
  expect(err).toContain('hint: ')
  expect(err).not.toContain('defect')
})

test('a query that jq cannot compile is told where it stands, before a record meets it', async () => {
  const config = CONFIG.replace("'{c: .customer.id}'", "'{c: .customer.id'")
  const { out, err, ended } = await previewed(['--stream', 'orders', '--sample', '-'], config, '{}\n')
  expect([await ended, out]).toEqual([{ code: 1, signal: null }, ''])
  expect(err).toMatch(
    /deliveryStreams\[0\] \(line \d+\): MetadataExtractionQuery cannot be compiled: syntax error/,
  )
})

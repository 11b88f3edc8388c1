import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { generatedFiles } from '../../scripts/generate-docs.ts'
import { readCheckedConfig } from '../../src/check.ts'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/schema.ts'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const readText = (name: string): Promise<string> => readFile(path(name), 'utf8')

function load(text: string, variables: Record<string, string> = {}): Config {
  const loaded = parseConfig(text, variables)
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

test('the generated files are up to date (npm run docs writes them)', async () => {
  for (const [name, text] of await generatedFiles()) {
    expect(await readText(name), name).toBe(text)
  }
})

test.each([
  'config/hydrant.yaml',
  'config/hydrant.example.yaml',
  'config/container.yaml',
  'config/kinesis.yaml',
  'config/vega.yaml',
  'deploy/compose/hydrant.yaml',
])('%s has no problem', async (name) => {
  const loaded = await readCheckedConfig(path(name), { S3_ACCESS_KEY_ID: 'a', S3_SECRET_ACCESS_KEY: 'b' })
  expect(loaded.kind === 'refused' ? loaded.problems.map(formatProblem) : []).toEqual([])
})

test('what the example writes out are the defaults', async () => {
  const { catalog, deliveryStreams, ...settings } = load(await readText('config/hydrant.example.yaml'))
  const { catalog: noCatalog, deliveryStreams: noStreams, ...defaults } = load('')
  expect(settings).toEqual(defaults)
  expect([catalog, deliveryStreams]).not.toEqual([noCatalog, noStreams])
})

test('what the example holds as comments can be used when the comment marks are taken off', async () => {
  const text = await readText('config/hydrant.example.yaml')
  const blocks = text
    .split('\n\n')
    .filter((block) => /^# (auth|buffer|objectStore|extensions):|^kinesis:/.test(block))
  expect(blocks).toHaveLength(5)
  const uncommented = blocks.map((block) => block.replaceAll(/^# /gm, ''))
  const settings = uncommented.join('\n').replaceAll(/^ {2}# ([a-z]\w+: \S+)$/gm, '  $1')
  const config = load(settings, {
    S3_ACCESS_KEY_ID: 'a',
    S3_SECRET_ACCESS_KEY: 'b',
    S3_SESSION_TOKEN: 'e',
    KINESIS_ACCESS_KEY_ID: 'c',
    KINESIS_SECRET_ACCESS_KEY: 'd',
    KINESIS_SESSION_TOKEN: 'f',
  })
  expect(config.auth).toEqual({
    mode: 'sigv4',
    credentials: [],
    credentialsFile: '/etc/hydrant/credentials/credentials.yaml',
    allowUnsignedPayload: false,
  })
  expect(config.buffer).toEqual({
    ...load('buffer: { type: redis }').buffer,
    requireAppendFsync: 'always',
    waitReplicas: 1,
  })
  expect(config.objectStore).toEqual({
    type: 's3',
    endpoint: 'http://127.0.0.1:9000',
    region: 'eu-central-1',
    forcePathStyle: true,
    accessKeyId: 'a',
    secretAccessKey: 'b',
    sessionToken: 'e',
    acl: 'bucket-owner-full-control',
  })
  expect(config.kinesis).toEqual({
    ...load('').kinesis,
    endpoint: 'http://127.0.0.1:4568',
    region: 'eu-central-1',
    accessKeyId: 'c',
    secretAccessKey: 'd',
    sessionToken: 'f',
  })
  expect(config.extensions['clicks-to-s3']).toMatchObject({ startingPosition: 'TRIM_HORIZON' })
})

test('the quick start converts the orders of a stream to Parquet every five seconds', async () => {
  const config = load(await readText('config/hydrant.yaml'))
  expect(config.deliveryStreams).toMatchObject([
    {
      DeliveryStreamName: 'company-orders-to-s3',
      ExtendedS3DestinationConfiguration: { BufferingHints: { IntervalInSeconds: 5 } },
    },
  ])
  expect(config.catalog.databases['sales']?.['orders']?.columns).toEqual([
    { name: 'order_id', type: 'string' },
    { name: 'amount', type: 'double' },
  ])
})

test('every setting is described', async () => {
  const guide = await readText('docs/configuration.md')
  const rows = guide.split('\n').filter((line) => line.startsWith('| `') && line.split('|').length === 6)
  expect(rows.length).toBeGreaterThan(25)
  for (const row of rows) expect(row.split('|')[4]?.trim(), row).toMatch(/\.$/)
})

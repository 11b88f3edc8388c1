/** What of a configuration that is read again acts at once, and what waits for a restart. */
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import type { Config } from '../../src/config/schema.ts'
import { reread } from '../../src/wiring/in-force.ts'

function config(text: string): Config {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}

const orders =
  '{ DeliveryStreamName: orders, ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake" } }'
const clicks =
  '{ DeliveryStreamName: clicks, ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake" } }'

test('the same file changes nothing', () => {
  const text = `deliveryStreams: [${orders}]`
  expect(reread(config(text), config(text))).toMatchObject({ changed: [], waiting: [] })
})

test('delivery streams, extensions, limits, tables and credentials act at once, and are told by name only', () => {
  const auth = (secret: string) =>
    `auth: { mode: sigv4, credentials: [{ accessKeyId: a, secretAccessKey: ${secret} }] }`
  const running = config(`deliveryStreams: [${orders}, ${clicks}]\n${auth('hunter2')}`)
  const file = config(`deliveryStreams: [${clicks}, ${orders.replace('lake', 'pond')}]
extensions: { orders: { outOfRangeRecords: drop } }
catalog: { databases: { sales: { orders: { columns: [{ name: a, type: string }] } } } }
limits: relaxed
${auth('hunter3')}`)
  const { config: inForce, changed, waiting } = reread(running, file)
  expect(waiting).toEqual([])
  expect(changed).toEqual([
    'auth.credentials',
    'limits',
    'catalog.databases.sales',
    'extensions.orders',
    'deliveryStreams.orders',
  ])
  expect(inForce).toEqual(file)
})

test('everything else stays as it is and is named as waiting', () => {
  const running = config('server: { port: 1 }')
  const file = config(`server: { port: 2, maxInFlightBytes: 1MiB }
buffer: { type: redis }
deliveryStreams: [${orders}]`)
  const { config: inForce, changed, waiting } = reread(running, file)
  expect(changed).toEqual(['deliveryStreams.orders'])
  expect(waiting).toEqual(expect.arrayContaining(['server.port', 'server.maxInFlightBytes', 'buffer.type']))
  expect(inForce).toEqual({ ...running, deliveryStreams: file.deliveryStreams })
  expect(reread(inForce, file)).toMatchObject({ changed: [], waiting })
})

test('who is asked for credentials at all waits for a restart, with all of auth', () => {
  const running = config('auth: { mode: none }\nserver: { host: 0.0.0.0 }')
  const file = config('auth: { mode: sigv4, credentials: [{ accessKeyId: a, secretAccessKey: b }] }')
  const { config: inForce, changed, waiting } = reread(running, file)
  expect(changed).toEqual([])
  expect(waiting).toEqual(expect.arrayContaining(['auth.mode', 'auth.credentials', 'server.host']))
  expect(inForce.auth).toEqual({ mode: 'none' })
  const signed = (unsigned: boolean) =>
    `auth: { mode: sigv4, credentials: [{ accessKeyId: a, secretAccessKey: b }], allowUnsignedPayload: ${unsigned} }`
  expect(reread(config(signed(false)), config(signed(true)))).toMatchObject({
    config: { auth: { allowUnsignedPayload: false } },
    changed: [],
    waiting: ['auth.allowUnsignedPayload'],
  })
})

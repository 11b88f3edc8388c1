import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig, readConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/schema.ts'

type Variables = Record<string, string>

function load(text: string, variables: Variables = {}): Config {
  const loaded = parseConfig(text, variables)
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

function problems(text: string, variables: Variables = {}): string[] {
  const loaded = parseConfig(text, variables)
  return loaded.kind === 'refused' ? loaded.problems.map(formatProblem) : []
}

test('an empty file is every default', () => {
  expect(load('')).toEqual({
    server: { host: '127.0.0.1', port: 4573, maxInFlightBytes: 64 * 2 ** 20 },
    admin: { host: '127.0.0.1', port: 4574, allowRemote: false },
    aws: { region: 'us-east-1', accountId: '000000000000', creationSeconds: 0, assumeRoles: false },
    kinesis: {
      leaseSeconds: 10,
      pollSeconds: 1,
      readsPerSecond: 4,
      shardBytesPerSecond: 2 * 2 ** 20,
      concurrentReads: 4,
    },
    buffer: {
      type: 'embedded',
      path: './data/buffer',
      maxBytes: 4 * 2 ** 30,
      perStreamShare: 0.5,
      partitionedBatchBytes: 2 ** 30,
    },
    objectStore: { type: 'file', root: './data/buckets' },
    convert: { engine: 'duckdb', threads: 2, memoryLimit: 256 * 2 ** 20, stagingPath: './data/staging' },
    delivery: {
      concurrency: 2,
      perStream: 2,
      retentionHours: 24,
      attemptMaxMinutes: 15,
      maxPartitions: 5000,
    },
    processing: {
      queryMaxMs: 5000,
      queryOutputMaxBytes: 16 * 2 ** 20,
      transformsPerBatch: 5,
      allowedUrls: [],
    },
    limits: 'aws',
    catalog: { glue: false, databases: {} },
    extensions: {},
    deliveryStreams: [],
  })
})

test('a section without a value, and a buffer without a type, are as if left out', () => {
  expect(load('extensions:\ncatalog:\nbuffer: { path: ./elsewhere }\n').buffer).toMatchObject({
    type: 'embedded',
    path: './elsewhere',
  })
})

test('Redis and S3 have their own settings', () => {
  const config = load('buffer: { type: redis }\nobjectStore: { type: s3, forcePathStyle: "true" }')
  expect(config.buffer).toEqual({
    type: 'redis',
    url: 'redis://127.0.0.1:6379',
    keyPrefix: 'hydrant',
    maxBytes: 4 * 2 ** 30,
    perStreamShare: 0.5,
    partitionedBatchBytes: 2 ** 30,
    allowVolatile: false,
  })
  expect(config.objectStore).toEqual({ type: 's3', forcePathStyle: true })
})

test('JSON is read as well', () => {
  expect(load('{"server": {"port": 0}, "deliveryStreams": [{"DeliveryStreamName": "a"}]}')).toMatchObject({
    server: { port: 0 },
    deliveryStreams: [{ DeliveryStreamName: 'a' }],
  })
})

test('every problem is reported at once, in the order of the file, each with its path and line', () => {
  const text = `server: { prot: 1, port: 99999, host: 0.0.0.0 }
buffer: { tpye: redis }
objectStore: { type: s3, accessKeyId: a }
catalog: { databases: { Sales: {}, sales: { orders: { columns: [{ name: a, type: 1 }, { name: a, type: int }] } } } }
extensions: { orders: { sharding: 1 } }
convert: { memoryLimit: 5MB, engine: duckbd }
admin: { port: "\${ADMIN_PORT}" }
limts: aws
deliveryStreams: [1, { DeliveryStreamName: x }, { DeliveryStreamName: x }]`
  expect(problems(text)).toEqual([
    'server.port (line 1): must be a whole number from 0 to 65535',
    'server.prot (line 1): unknown setting; did you mean "port"?',
    'server.host (line 1): other machines could reach this host and nobody would be asked for credentials; ' +
      'write "auth: { mode: none }" to allow it, or use 127.0.0.1',
    'buffer.tpye (line 2): unknown setting; did you mean "type"?',
    'objectStore.secretAccessKey (line 3): is required beside accessKeyId; leave out both to use the AWS SDK’s own chain',
    'catalog.databases.Sales (line 4): names in the catalog are lower-case, as AWS Glue keeps them; write this one so',
    'catalog.databases.sales.orders.columns[0].type (line 4): must be text; put it in quotes',
    'catalog.databases.sales.orders.columns[1].name (line 4): column "a" is there twice',
    'extensions.orders.sharding (line 5): unknown setting; known here: parquetCompression, timestampUnit, transform, startingPosition, startingTimestamp, outOfRangeRecords, metadataColumns',
    'convert.engine (line 6): must be duckdb or js; did you mean "duckdb"?',
    'convert.memoryLimit (line 6): must be a size like 64MiB (B, KiB, MiB, GiB, TiB) or a whole number of bytes',
    'admin.port (line 7): environment variable ADMIN_PORT is not set; set it or write ${ADMIN_PORT:-default}',
    'limts (line 8): unknown setting; did you mean "limits"?',
    'deliveryStreams[0] (line 9): must be a map: the input of CreateDeliveryStream',
    'deliveryStreams[2].DeliveryStreamName (line 9): delivery stream "x" is declared twice',
  ])
})

test('an unknown setting that is like no known one is answered with those there are', () => {
  expect(problems('admin: { retries: 3 }')).toEqual([
    'admin.retries (line 1): unknown setting; known here: host, port, allowRemote',
  ])
})

test.each([
  ['a: [1', /^line 1: not YAML: /],
  ['a: 1\nb: 2\na: 3', /^line 3: not YAML: Map keys must be unique$/],
  ['server: {}\n---\nserver: {}', /^line 2: not YAML: /],
  ['a: &a [*a]', /^line 1: not YAML: an alias of what it stands in$/],
  [
    'deliveryStreams: &a\n  - DeliveryStreamName: x\n    Tags: *a',
    /^line 3: not YAML: an alias of what it stands in$/,
  ],
  ['- 1', /^must be a map of settings$/],
  ['buffer: { type: rdis }', /^buffer\.type \(line 1\): must be embedded or redis$/],
  ['buffer: { type: redis, url: localhost }', /^buffer\.url \(line 1\): must start with redis:\/\//],
  ['buffer: { perStreamShare: 0 }', /^buffer\.perStreamShare \(line 1\): must be a number above 0, up to 1$/],
  [
    'buffer: { perStreamShare: 1.1 }',
    /^buffer\.perStreamShare \(line 1\): must be a number above 0, up to 1$/,
  ],
  ['auth: {}', /^auth\.mode \(line 1\): must be none or sigv4$/],
  ['auth: { mode: sigv5 }', /^auth\.mode \(line 1\): must be none or sigv4$/],
  ['server: { tls: { cert: a.crt } }', /^server\.tls\.key \(line 1\): is required$/],
  ['aws: { accountId: 000000000000 }', /^aws\.accountId \(line 1\): must be 12 digits in quotes$/],
  [
    'objectStore: { type: s3, endpoint: "127.0.0.1:9000" }',
    /^objectStore\.endpoint \(line 1\): must be a URL/,
  ],
  [
    'objectStore: { type: file, bucket: x }',
    /^objectStore\.bucket \(line 1\): unknown setting; known here: type, root$/,
  ],
  ['server: 5', /^server \(line 1\): must be a map of settings$/],
  ['deliveryStreams: { a: {} }', /^deliveryStreams \(line 1\): must be a list/],
])('%s is refused with one sentence', (text, sentence) => {
  const found = problems(text)
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(sentence)
})

test.each(['0.0.0.0', '::', '10.0.0.5', 'hydrant.internal', '127.example.com'])(
  'host %s is refused unless auth is written out',
  (host) => {
    expect(problems(`server: { host: "${host}" }`)).toHaveLength(1)
    expect(problems(`admin: { host: "${host}" }`)).toHaveLength(1)
    expect(load(`server: { host: "${host}" }\nauth: { mode: none }`).server.host).toBe(host)
  },
)

test.each(['127.0.0.1', '127.9.9.9', 'localhost', '::1'])('host %s needs no auth', (host) => {
  expect(load(`server: { host: "${host}" }`).auth).toBeUndefined()
})

test.each([
  ['64MiB', 67_108_864],
  ['1.5GiB', 1_610_612_736],
  ['4 GiB', 4_294_967_296],
  ['"2097152"', 2_097_152],
  ['2097152', 2_097_152],
  ['2097152B', 2_097_152],
])('a size of %s is %d bytes', (size, bytes) => {
  expect(load(`server: { maxInFlightBytes: ${size} }`).server.maxInFlightBytes).toBe(bytes)
})

test('variables and defaults are put into values, also numbers and switches', () => {
  const config = load(
    `server: { port: "\${PORT}" }
buffer: { type: redis, url: "redis://\${HOST:-127.0.0.1}:\${PORT:-1}/0", allowVolatile: "\${VOLATILE:-true}" }
convert: { stagingPath: "$\${NOT_ONE}\${EMPTY:-x}\${EMPTY}" }`,
    { PORT: '6390', EMPTY: '' },
  )
  expect(config.server.port).toBe(6390)
  expect(config.buffer).toMatchObject({ url: 'redis://127.0.0.1:6390/0', allowVolatile: true })
  expect(config.convert.stagingPath).toBe('${NOT_ONE}x')
})

test('in a delivery stream numbers and booleans of the service model may come from variables, text stays text', () => {
  const config = load(
    `deliveryStreams:
  - DeliveryStreamName: a
    ExtendedS3DestinationConfiguration:
      Prefix: \${N}
      BufferingHints: { SizeInMBs: "\${N}", IntervalInSeconds: "\${N:-1}" }
      DataFormatConversionConfiguration: { Enabled: "\${F}", SchemaConfiguration: { VersionId: "\${N}" } }`,
    { N: '64', F: 'false' },
  )
  expect(config.deliveryStreams[0]?.['ExtendedS3DestinationConfiguration']).toEqual({
    Prefix: '64',
    BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 64 },
    DataFormatConversionConfiguration: { Enabled: false, SchemaConfiguration: { VersionId: '64' } },
  })
})

test('what a variable holds is not searched for variables', () => {
  expect(load('aws: { region: "${A}" }', { A: '${B}' }).aws.region).toBe('${B}')
})

test('an unfinished variable is a problem', () => {
  expect(problems('aws: { region: "${" }')[0]).toMatch(
    /^aws\.region \(line 1\): holds "\$\{" without a variable/,
  )
})

test('YAML anchors and merge keys serve to declare like streams', () => {
  const config = load(
    `deliveryStreams:
  - &orders { DeliveryStreamName: a, Kind: x }
  - { <<: *orders, DeliveryStreamName: b }`,
  )
  expect(config.deliveryStreams).toEqual([
    { DeliveryStreamName: 'a', Kind: 'x' },
    { DeliveryStreamName: 'b', Kind: 'x' },
  ])
})

test('a message never repeats the value that it refuses', () => {
  const refused = problems(
    'objectStore: { type: s3, accessKeyId: 1, secretAccessKey: 81427364 }\nbuffer: { type: redis, url: "canary-81427364" }',
  )
  expect(refused).toHaveLength(3)
  expect(refused.join()).not.toContain('81427364')
})

test('the configuration is frozen to its depth', () => {
  const config = load('deliveryStreams: [{ DeliveryStreamName: a, Tags: [{ Key: k }] }]')
  expect(() => Object.assign(config.deliveryStreams[0]?.['Tags'] ?? {}, { x: 1 })).toThrow(TypeError)
  expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError)
})

test('any text is either loaded or refused with a problem', () => {
  const words = fc.constantFrom(
    'server',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '\n',
    '${A}',
    '${',
    '- ',
    '&a ',
    '*a',
    '<<',
    '"',
    '1',
    '__proto__',
    'port',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 24 }), (parts) => {
      const loaded = parseConfig(parts.join(''), { A: '1' })
      return loaded.kind === 'loaded' || loaded.problems.length > 0
    }),
    { numRuns: 500 },
  )
})

test('a file that is not there is named', async () => {
  const loaded = await readConfig('/nowhere/hydrant.yaml', {})
  expect(loaded).toEqual({
    kind: 'refused',
    problems: [
      { path: [], message: 'read /nowhere/hydrant.yaml: there is no such file; give its path with --config' },
    ],
  })
})

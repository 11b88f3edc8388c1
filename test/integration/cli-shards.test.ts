/** `hydrant shards` as a process that asks another: what it prints, and what it says when there is nothing to print. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { Health } from '../../src/account/health.ts'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { createAdminServer } from '../../src/admin/server.ts'
import type { ShardsAnswer } from '../../src/admin/shards.ts'
import type { OperatorPorts } from '../../src/admin/store-route.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import type { ShardState } from '../../src/domain/shard.ts'
import { streamOf } from '../conformance/store/fixture.ts'
import { newShard, sequenceNumber } from '../conformance/store/shard-fixture.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const TSX = fileURLToPath(import.meta.resolve('tsx'))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-cli-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function hydrant(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', TSX, MAIN, ...args],
      { cwd: folder, maxBuffer: 2 ** 24 },
      (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

async function configFile(config: object): Promise<string> {
  const path = join(folder, 'hydrant.json')
  await writeFile(path, JSON.stringify(config))
  return path
}

/** Runs `hydrant shards` with a configuration whose admin port is this one. */
async function shards(port: number, ...flags: readonly string[]): Promise<Ran> {
  return hydrant('shards', '--config', await configFile({ admin: { port } }), ...flags)
}

const stream: DeliveryStream = {
  ...streamOf(),
  type: 'KinesisStreamAsSource',
  kinesis: {
    streamArn: 'arn:aws:kinesis:us-east-1:1:stream/s',
    start: 'TRIM_HORIZON',
    outOfRangeRecords: 'keep',
  },
}
const known: ShardState = {
  ...newShard(1),
  children: [],
  counter: 3,
  holder: 'host-a-71',
  leaseMs: 9000,
  checkpoint: sequenceNumber(12_345),
  checkpointAgeMs: 61_000,
  behindMs: 0,
}

/** The admin server of a process whose store lists these. Answers its port. */
async function running(
  streams: readonly DeliveryStream[],
  list: () => Promise<readonly ShardState[]>,
): Promise<number> {
  const metrics = new Metrics()
  const server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    health: new Health(),
    log: createLog('silent'),
  })
  const { port } = await server.start()
  onTestFinished(() => server.stop())
  const store = { registry: { list: () => Promise.resolve(streams) }, shards: { list } }
  server.openStore({ store, dispatch: () => Promise.resolve() } as unknown as OperatorPorts)
  return port
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('the shards that a running process knows are printed as a table, or as they came', async () => {
  const port = await running([stream, streamOf({ name: 'by-api' })], () => Promise.resolve([known]))
  const table = await shards(port)
  expect(table).toMatchObject({ code: 0, err: '' })
  expect(table.out.split('\n')).toEqual([
    'DELIVERY STREAM  SHARD                 STATUS  OWNER      CHECKPOINT             AGE   BEHIND',
    'orders           shardId-000000000001  leased  host-a-71  4963000000…0000012345  1m1s  0s',
    '',
  ])
  const json = await shards(port, '--json')
  expect(json).toMatchObject({ code: 0, err: '' })
  expect(json.out).toBe(`${await (await fetch(`http://127.0.0.1:${port}/shards`)).text()}\n`)
})

test('thousands of shards are printed to the last one', async () => {
  const many = Array.from({ length: 5000 }, (_, number) => ({ ...known, ...newShard(number) }))
  const port = await running([stream], () => Promise.resolve(many))
  expect((await shards(port)).out.trimEnd().split('\n')).toHaveLength(1 + many.length)
  const { deliveryStreams } = JSON.parse((await shards(port, '--json')).out) as ShardsAnswer
  expect(deliveryStreams[0]?.shards).toHaveLength(many.length)
})

test('where nothing reads from Kinesis, that is said, and is no failure', async () => {
  const port = await running([streamOf()], () => Promise.reject(new Error('asked')))
  expect(await shards(port)).toEqual({
    code: 0,
    out: 'no delivery stream has a Kinesis data stream as its source\n',
    err: '',
  })
})

test('the port on the command line takes the place of the one in the file, and everywhere means here', async () => {
  const port = await running([stream], () => Promise.resolve([known]))
  const path = await configFile({ admin: { host: '0.0.0.0', port: 9 }, auth: { mode: 'none' } })
  const { code, out } = await hydrant('shards', '--config', path, '--admin-port', String(port))
  expect([code, out]).toEqual([0, expect.stringContaining('shardId-000000000001')])
})

test('a process whose store does not answer is told from one that is not there', async () => {
  const port = await running([stream], () => Promise.reject(new BufferUnavailableError('ask redis: away')))
  const { code, out, err } = await shards(port)
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain(
    `hydrant: ask http://127.0.0.1:${port}/shards: the store does not answer (ask redis: away)`,
  )
  expect(err).toContain('hint: ask again in a moment')
})

test.each<[string, () => Promise<number>, string]>([
  [
    'nothing listens',
    async () => {
      const server = createServer()
      const port = await listening(server)
      server.close()
      await once(server, 'close')
      return port
    },
    'nothing listens there',
  ],
  [
    'a web page answers',
    () => listening(createHttpServer((_request, response) => response.end('<html>welcome</html>'))),
    'what answers there is not Hydrant',
  ],
  [
    'other JSON answers',
    () => listening(createHttpServer((_request, response) => response.end('{"deliveryStreams":[{}]}'))),
    'what answers there is not Hydrant',
  ],
  [
    'something answers that is no web server',
    () => listening(createServer((socket) => socket.end('-ERR unknown command\r\n'))),
    'what answers there does not speak HTTP',
  ],
  [
    'an older Hydrant answers',
    () =>
      listening(
        createHttpServer((_request, response) =>
          response.writeHead(404).end('{"error":"there are GET /metrics"}'),
        ),
      ),
    'there are GET /metrics',
  ],
  ['the port is not known', () => Promise.resolve(0), 'admin.port is 0'],
])('when %s, one sentence and a hint say so, without a stack', async (_name, open, sentence) => {
  const { code, out, err } = await shards(await open())
  expect([code, out]).toEqual([1, ''])
  expect(err.trim().split('\n')).toEqual([
    expect.stringMatching(/^hydrant: ask/),
    expect.stringMatching(/^hint: /),
  ])
  expect(err).toContain(sentence)
})

test('it needs a configuration file, and says what is wrong with it', async () => {
  expect(await hydrant('shards')).toMatchObject({
    code: 2,
    err: expect.stringContaining("required option '--config <file>' not specified"),
  })
  const path = await configFile({ admin: { prot: 1 } })
  expect(await hydrant('shards', '--config', path)).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('did you mean "port"?'),
  })
})

/** The fake Kinesis of benchmarks, read as a reader would: what it serves is complete, in order, and the same when read again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { atTimestamp, compareSequenceNumbers, TRIM_HORIZON } from '../../src/domain/shard.ts'
import type { DataStream, SourceRecord } from '../../src/receive/kinesis/data-stream.ts'
import { openKinesis } from '../../src/receive/kinesis/kinesis-client.ts'
import { eventually } from '../support/eventually.ts'
import { startFakeKinesis, type FakeKinesis, type FakeKinesisOptions } from '../support/fake-kinesis.ts'

const signal = new AbortController().signal
const FIRST = 'shardId-000000000000'

async function start(options: FakeKinesisOptions): Promise<{ fake: FakeKinesis; stream: DataStream }> {
  const fake = await startFakeKinesis(options)
  onTestFinished(() => fake.close())
  return { fake, stream: open(fake.endpoint, fake.arn) }
}

function open(endpoint: string, arn: string): DataStream {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const kinesis = openKinesis({ endpoint, ...credentials, shardsPerPage: 2, log: createLog('silent') })
  onTestFinished(() => kinesis.close())
  return kinesis.stream(arn)
}

/** From a checkpoint until caught up. */
async function readAll(stream: DataStream, shardId: string, checkpoint: string): Promise<SourceRecord[]> {
  const records: SourceRecord[] = []
  let iterator: string | undefined = await stream.iterator(shardId, checkpoint, signal)
  for (let behindMs = 1; behindMs > 0 && iterator !== undefined;) {
    const answer = await stream.read(iterator, signal)
    records.push(...answer.records)
    behindMs = answer.behindMs
    iterator = answer.nextIterator
  }
  return records
}

const orderOf = ({ data }: SourceRecord) =>
  JSON.parse(Buffer.from(data).toString()) as { order_id: string; customer_id: string }

test('each shard serves all its records once, in order, and no order twice', async () => {
  const { fake, stream } = await start({ shards: 3, recordsPerShard: 2_500, recordsPerAnswer: 400 })
  const ids = new Set<string>()
  for (const { shardId } of await stream.listShards(undefined, signal)) {
    const records = await readAll(stream, shardId, TRIM_HORIZON)
    expect(records).toHaveLength(2_500)
    for (const [index, record] of records.entries()) {
      const { order_id: id, customer_id: customer } = orderOf(record)
      ids.add(id)
      expect(record.partitionKey).toBe(customer)
      const before = records[index - 1]?.sequenceNumber ?? '0'
      expect(compareSequenceNumbers(before, record.sequenceNumber)).toBeLessThan(0)
    }
  }
  expect(ids.size).toBe(7_500)
  expect(fake.cost()).toMatchObject({ records: 7_500, reads: 3 * 7, emptyReads: 0, isServed: true })
})

test('what was read is read again behind any of its sequence numbers', async () => {
  const { stream } = await start({ shards: 2, recordsPerShard: 1_000, recordsPerAnswer: 300 })
  const records = await readAll(stream, FIRST, TRIM_HORIZON)
  for (const index of [0, 298, 299, 300, 555, 998, 999]) {
    const after = records[index]?.sequenceNumber ?? ''
    const again = await readAll(stream, FIRST, after)
    const plain = ({ data, sequenceNumber }: SourceRecord) =>
      `${sequenceNumber} ${Buffer.from(data).toString()}`
    expect(again.map(plain)).toEqual(records.slice(index + 1).map(plain))
  }
  expect(await readAll(stream, FIRST, atTimestamp(Date.now()))).toHaveLength(1_000)
})

test('shards are listed in pages, open, and cover all hash keys', async () => {
  const { stream } = await start({ shards: 5, recordsPerShard: 0 })
  const shards = await stream.listShards(TRIM_HORIZON, signal)
  expect(shards).toHaveLength(5)
  let next = 0n
  for (const { hashRange, isClosed, parents } of shards) {
    expect(BigInt(hashRange[0])).toBe(next)
    expect({ isClosed, parents }).toEqual({ isClosed: false, parents: [] })
    next = BigInt(hashRange[1]) + 1n
  }
  expect(next).toBe(2n ** 128n)
  expect(Math.abs((await stream.createdAt(signal)) - Date.now())).toBeLessThan(60_000)
})

test('records are held until they are released, and come in as fast as asked for', async () => {
  const { fake, stream } = await start({
    shards: 1,
    recordsPerShard: 10,
    recordsPerSecond: 100,
    isHeld: true,
  })
  expect(await readAll(stream, FIRST, TRIM_HORIZON)).toEqual([])
  fake.release()
  await eventually(async () => expect(await readAll(stream, FIRST, TRIM_HORIZON)).toHaveLength(10))
  expect(fake.cost()).toMatchObject({ isServed: true })
  expect(fake.cost().emptyReads).toBeGreaterThan(0)
})

test('what it does not know it refuses as Kinesis does', async () => {
  const { stream } = await start({ shards: 1, recordsPerShard: 1 })
  const kindOf = (promise: Promise<unknown>) => promise.catch((error: { kind?: string }) => error.kind)
  expect(await kindOf(stream.iterator('shardId-000000000001', TRIM_HORIZON, signal))).toBe('gone')
  expect(await kindOf(stream.iterator(FIRST, '12345', signal))).toBe('invalid')
  expect(await kindOf(stream.read('7:0', signal))).toBe('invalid')
})

test('it runs as a process of its own and says what it cost', async () => {
  const main = fileURLToPath(new URL('../support/fake-kinesis-main.ts', import.meta.url))
  const words = ['--import', 'tsx', main, '--shards', '2', '--records', '100', '--answer', '60', '--held']
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { port, arn } = JSON.parse(String((await lines.next()).value)) as { port: number; arn: string }
  const endpoint = `http://127.0.0.1:${port}`
  const stream = open(endpoint, arn)
  expect(await readAll(stream, FIRST, TRIM_HORIZON)).toEqual([])
  await fetch(`${endpoint}/-/release`, { method: 'POST' })
  expect(await readAll(stream, FIRST, TRIM_HORIZON)).toHaveLength(100)
  const cost = await (await fetch(`${endpoint}/-/cost`)).json()
  expect(cost).toMatchObject({ reads: 3, records: 100, isServed: false })
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
})

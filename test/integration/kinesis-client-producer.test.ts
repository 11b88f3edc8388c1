/** The producer that other tests trust: what it says went where is where it is, and its judge sees every kind of wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kinesisFaults, startKinesisProxy } from '../support/kinesis-faults.ts'
import {
  createDataStream,
  kinesisClient,
  startKinesis,
  type KinesisServer,
} from '../support/kinesis-local.ts'
import { judgeShards, KinesisProducer, type LandedRecord } from '../support/kinesis-producer.ts'

let server: KinesisServer
beforeAll(async () => {
  server = await startKinesis()
})
afterAll(() => server.stop())

const idOf = (data: Uint8Array | undefined) =>
  (JSON.parse(Buffer.from(data ?? []).toString()) as { order_id: string }).order_id

test('records are where their answers said, also across a split', async () => {
  const stream = await createDataStream(server, { shards: 2 })
  const producer = new KinesisProducer(server.client, stream.arn)
  await producer.send(100, { bad: 3 })
  await stream.split(await stream.shard(0))
  await producer.send(100)
  const landed: LandedRecord[] = []
  for (const { ShardId: shardId = '' } of await stream.shards())
    for (const { Data, SequenceNumber: sequenceNumber = '' } of await stream.records(shardId))
      landed.push({ id: idOf(Data), shardId, sequenceNumber, subSequence: undefined })
  expect(landed).toHaveLength(200)
  expect(new Set(landed.map(({ shardId }) => shardId)).size).toBe(4)
  expect(judgeShards([producer], landed)).toEqual([])
})

test('aggregates hold records of one key, in order, each with its place', async () => {
  const stream = await createDataStream(server)
  const producer = new KinesisProducer(server.client, stream.arn, { keys: 4 })
  await producer.send(100, { perAggregate: 10 })
  const records = await stream.records('shardId-000000000000')
  // 25 of each key: ten, ten and five.
  expect(records).toHaveLength(12)
  expect(records.every(({ Data }) => Buffer.from(Data ?? []).readUInt32BE() === 0xf3899ac2)).toBe(true)
  const places = [...producer.acknowledged.values()]
  for (const { SequenceNumber, PartitionKey } of records) {
    const inside = places.filter(({ sequenceNumber }) => sequenceNumber === SequenceNumber)
    expect(inside.map(({ subSequence }) => subSequence)).toEqual(inside.map((_, index) => index))
    expect(new Set(inside.map(({ partitionKey }) => partitionKey))).toEqual(new Set([PartitionKey]))
  }
  expect(places).toHaveLength(100)
})

test('what was not answered is unknown, whether it was carried out or not', async () => {
  const stream = await createDataStream(server)
  const proxy = await startKinesisProxy(server.endpoint)
  const client = kinesisClient(proxy.endpoint)
  const producer = new KinesisProducer(client, stream.arn)
  proxy.fail(kinesisFaults.cutBefore)
  await producer.send(2)
  proxy.fail(kinesisFaults.cutAfter)
  await producer.send(3)
  client.destroy()
  await proxy.close()
  expect(producer.acknowledged.size).toBe(0)
  expect(producer.unknown.size).toBe(5)
  const landed = (await stream.records('shardId-000000000000')).map(({ Data }) => ({ id: idOf(Data) }))
  expect(landed).toHaveLength(3)
  expect(judgeShards([producer], landed)).toEqual([])
})

describe('the judge', () => {
  const producer = new KinesisProducer(undefined as never, 'arn', { name: 'j' })
  const [a, b, c, child] = ['a', 'b', 'c', 'child'].map((id, index) => {
    const record = {
      id,
      partitionKey: 'key',
      shardId: id === 'child' ? 'shard-1' : 'shard-0',
      sequenceNumber: ['9', '10', '10', '20'][index] ?? '',
      subSequence: [undefined, 0, 1, undefined][index],
      call: index,
    }
    producer.acknowledged.set(id, record)
    return { id }
  }) as [LandedRecord, LandedRecord, LandedRecord, LandedRecord]
  producer.unknown.add('u')
  producer.refused.add('r')
  const judge = (...lists: readonly LandedRecord[][]) => judgeShards([producer], ...lists).join('\n')

  test('is content when all landed in order, in one place or in two', () => {
    expect(judge([a, b, c, child])).toBe('')
    expect(judge([a, { id: 'u' }, child], [b, c])).toBe('')
  })

  test.each([
    ['a loss', [a, b, child], /c \(shard-0 10\.1\) landed 0 times/],
    ['a duplicate', [a, b, c, child, child], /child .* landed 2 times/],
    ['a stranger', [a, b, c, child, { id: 'x' }], /x landed but was never sent/],
    ['a refused one', [a, b, c, child, { id: 'r' }], /refused r landed/],
    ['an unknown one twice', [a, b, c, child, { id: 'u' }, { id: 'u' }], /unknown u landed 2 times/],
    ['sequence numbers out of order', [b, a, c, child], /a \(shard-0 9\) landed after b/],
    ['an aggregate out of order', [a, c, b, child], /b \(shard-0 10\.0\) landed after c/],
    ['a child before its parent', [a, child, b, c], /of call 1 landed after child/],
    ['a wrong source', [a, b, { ...c, sequenceNumber: '11' }, child], /c .* landed with sequenceNumber 11/],
  ])('sees %s', (_, landed, problem) => {
    expect(judge(landed)).toMatch(problem)
  })
})

/** GetRecords is read as the SDK itself reads it, and whatever might lose records is refused. */
import { GetRecordsCommand, KinesisClient, type GetRecordsCommandOutput } from '@aws-sdk/client-kinesis'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ReadAnswer } from '../../src/receive/kinesis/data-stream.ts'
import { readGetRecords, UnreadableAnswer } from '../../src/receive/kinesis/get-records.ts'

let answered: Buffer
const client = new KinesisClient({
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
  requestHandler: {
    handle: async () => ({ response: { statusCode: 200, headers: {}, body: answered } }),
  } as never,
})

/** The SDK's own reader, given a body as if it had come over the network. */
async function readWithSdk(body: Buffer): Promise<GetRecordsCommandOutput> {
  answered = body
  return client.send(new GetRecordsCommand({ ShardIterator: 'any' }))
}

/** With plain buffers, to compare. */
function readWithOurs(body: Buffer) {
  const answer = readGetRecords(body)
  return { ...answer, records: answer.records.map((one) => ({ ...one, data: Buffer.from(one.data) })) }
}

function asOurs({ Records, NextShardIterator, MillisBehindLatest, ChildShards }: GetRecordsCommandOutput) {
  const records = (Records ?? []).map((record) => ({
    data: Buffer.from(record.Data ?? []),
    partitionKey: record.PartitionKey,
    sequenceNumber: record.SequenceNumber,
    arrivalMs: record.ApproximateArrivalTimestamp?.getTime(),
  }))
  return {
    records,
    nextIterator: NextShardIterator,
    behindMs: MillisBehindLatest ?? 0,
    children: (ChildShards ?? []).map((child) => ({
      shardId: child.ShardId,
      parents: child.ParentShards,
      hashRange: [child.HashKeyRange?.StartingHashKey, child.HashKeyRange?.EndingHashKey],
      isClosed: false,
    })),
    bytes: records.reduce((sum, one) => sum + one.data.length + Buffer.byteLength(one.partitionKey ?? ''), 0),
  }
}

const digits = fc.stringMatching(/^[1-9][0-9]{0,55}$/)
const wireRecord = fc.record(
  {
    Data: fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data).toString('base64')),
      fc.constant(null),
    ),
    SequenceNumber: digits,
    PartitionKey: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    ApproximateArrivalTimestamp: fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => ms / 1000),
    EncryptionType: fc.constantFrom('NONE', 'KMS', null),
    Unheard: fc.jsonValue(),
  },
  { requiredKeys: ['SequenceNumber', 'PartitionKey', 'ApproximateArrivalTimestamp'] },
)
const wireAnswer = fc.record(
  {
    Records: fc.array(wireRecord, { maxLength: 20 }),
    NextShardIterator: fc.option(fc.base64String({ minLength: 4 }), { nil: null }),
    MillisBehindLatest: fc.option(fc.nat(), { nil: null }),
    ChildShards: fc.option(
      fc.array(
        fc.record({
          ShardId: fc.stringMatching(/^shardId-[0-9]{12}$/),
          ParentShards: fc.array(fc.stringMatching(/^shardId-[0-9]{12}$/), { maxLength: 2 }),
          HashKeyRange: fc.record({ StartingHashKey: digits, EndingHashKey: digits }),
        }),
        { maxLength: 2 },
      ),
      { nil: null },
    ),
  },
  { requiredKeys: ['Records'] },
)

const record = { SequenceNumber: '1', PartitionKey: 'a', ApproximateArrivalTimestamp: 1, Data: 'YQ==' }

function read(answer: unknown): ReadAnswer {
  return readGetRecords(Buffer.from(JSON.stringify(answer)))
}

test('any answer is read as the SDK reads it', async () => {
  await fc.assert(
    fc.asyncProperty(wireAnswer, fc.constantFrom(0, 2), async (answer, indent) => {
      const body = Buffer.from(JSON.stringify(answer, undefined, indent))
      expect(readWithOurs(body)).toEqual(asOurs(await readWithSdk(body)))
    }),
    { numRuns: 200 },
  )
})

test('keys that are escaped in JSON, or not ASCII, are read as the SDK reads them', async () => {
  const body = Buffer.from(
    '{"Records":[{"Data":"w7w=","PartitionKey":"k\\u00fc\\n\\"","SequenceNumber":"7","ApproximateArrivalTimestamp":1.795478406874E9},' +
      '{"PartitionKey":"日本","SequenceNumber":"8","ApproximateArrivalTimestamp":1795478406}]}',
  )
  const ours = readWithOurs(body)
  expect(ours).toEqual(asOurs(await readWithSdk(body)))
  expect(ours.records.map(({ partitionKey }) => partitionKey)).toEqual(['kü\n"', '日本'])
  expect(ours.records.map(({ arrivalMs }) => arrivalMs)).toEqual([1_795_478_406_874, 1_795_478_406_000])
  expect(ours.bytes).toBe(2 + 5 + 6)
})

test('arrivals are exact milliseconds, whatever their fraction is in binary', () => {
  for (let ms = 1_795_478_406_000; ms < 1_795_478_408_000; ms += 1) {
    const [only] = read({ Records: [{ ...record, ApproximateArrivalTimestamp: ms / 1000 }] }).records
    expect(only?.arrivalMs).toBe(ms)
  }
})

test('data of an answer share one allocation, and each record sees its own', () => {
  const texts = ['one', '', 'three', 'x'.repeat(1000)]
  const { records } = read({
    Records: texts.map((text) => ({ ...record, Data: Buffer.from(text).toString('base64') })),
  })
  expect(records.map(({ data }) => Buffer.from(data).toString())).toEqual(texts)
  expect(new Set(records.map(({ data }) => data.buffer)).size).toBe(1)
  expect(records[0]?.data.buffer.byteLength).toBe(texts.join('').length)
})

test('an empty shard that goes on is no end', () => {
  expect(read({ Records: [], NextShardIterator: 'next', MillisBehindLatest: 5 })).toEqual({
    records: [],
    nextIterator: 'next',
    behindMs: 5,
    children: [],
    bytes: 0,
  })
})

describe('what is not an answer of GetRecords is refused, and never taken for the end of a shard', () => {
  const secret = 'c2VjcmV0'
  const cases: Readonly<Record<string, string>> = {
    'an empty body': '',
    'an empty object': '{}',
    'no object': '[]',
    null: 'null',
    'a page of a proxy': '<html>secret</html>',
    'a body that was cut off': `{"Records":[{"Data":"${secret}`,
    'records that are no list': '{"Records":{}}',
    'a record that is no object': '{"Records":[7]}',
    'a record that is null': '{"Records":[null]}',
    'an iterator that is no text': '{"Records":[],"NextShardIterator":7}',
    'an empty iterator': '{"Records":[],"NextShardIterator":""}',
    'a record without a sequence number': JSON.stringify({
      Records: [{ ...record, SequenceNumber: undefined }],
    }),
    'a sequence number that is none': JSON.stringify({ Records: [{ ...record, SequenceNumber: '12a' }] }),
    'a record without a partition key': JSON.stringify({ Records: [{ ...record, PartitionKey: null }] }),
    'a record without an arrival': JSON.stringify({
      Records: [{ ...record, ApproximateArrivalTimestamp: null }],
    }),
    'data that are no text': JSON.stringify({ Records: [{ ...record, Data: 7 }] }),
    'data that are not base64': JSON.stringify({ Records: [{ ...record, Data: `${secret}?<>!` }] }),
    'a child without a range': '{"Records":[],"ChildShards":[{"ShardId":"shardId-000000000001"}]}',
  }
  test.each(Object.entries(cases))('%s', (_, body) => {
    const refusal = thrown(() => readGetRecords(Buffer.from(body)))
    expect(refusal).toBeInstanceOf(UnreadableAnswer)
    expect(String(refusal)).not.toMatch(/secret|c2Vj/)
  })
})

function thrown(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

/** Data streams through the SDK, on kinesis-local: what readers rely on, and each failure as the kind that they act on. */
import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { atTimestamp, TRIM_HORIZON } from '../../src/domain/shard.ts'
import {
  DataStreamError,
  type DataStream,
  type DataStreamErrorKind,
  type ReadAnswer,
} from '../../src/receive/kinesis/data-stream.ts'
import { openKinesis } from '../../src/receive/kinesis/kinesis-client.ts'
import type { KinesisSettings } from '../../src/receive/kinesis/kinesis-client-config.ts'
import { eventually } from '../support/eventually.ts'
import {
  kinesisFaults,
  startKinesisProxy,
  type KinesisFault,
  type KinesisProxy,
} from '../support/kinesis-faults.ts'
import {
  createDataStream,
  kinesisCredentials,
  kinesisRegion,
  startKinesis,
  type KinesisServer,
  type TestDataStream,
} from '../support/kinesis-local.ts'

const signal = new AbortController().signal
const FIRST = 'shardId-000000000000'
let server: KinesisServer
let made: TestDataStream
let stream: DataStream

beforeAll(async () => {
  server = await startKinesis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  made = await createDataStream(server)
  stream = open()
})

function open(settings: Partial<KinesisSettings> = {}, arn = made.arn): DataStream {
  const kinesis = openKinesis({
    endpoint: server.endpoint,
    ...kinesisCredentials,
    log: createLog('silent'),
    ...settings,
  })
  onTestFinished(() => kinesis.close())
  return kinesis.stream(arn)
}

async function startProxy(): Promise<KinesisProxy> {
  const proxy = await startKinesisProxy(server.endpoint)
  onTestFinished(() => proxy.close())
  return proxy
}

const textsOf = ({ records }: ReadAnswer) => records.map(({ data }) => Buffer.from(data).toString())

async function readFrom(checkpoint: string, shardId = FIRST): Promise<ReadAnswer> {
  return stream.read(await stream.iterator(shardId, checkpoint, signal), signal)
}

async function failure(promise: Promise<unknown>): Promise<DataStreamError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DataStreamError)
  return error as DataStreamError
}

describe('records', () => {
  test('are read as they were put, in order, and read on from the next iterator', async () => {
    const beforeMs = Date.now()
    const placed = await made.putTexts(['one', 'zwölf', 'three'])
    const answer = await readFrom(TRIM_HORIZON)
    expect(textsOf(answer)).toEqual(['one', 'zwölf', 'three'])
    expect(answer.records.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      placed.map(({ sequenceNumber }) => sequenceNumber),
    )
    expect(answer.records.map(({ partitionKey }) => partitionKey)).toEqual(['key-0', 'key-1', 'key-2'])
    for (const { arrivalMs } of answer.records) {
      expect(Number.isInteger(arrivalMs)).toBe(true)
      expect(Math.abs(arrivalMs - beforeMs)).toBeLessThan(60_000)
    }
    expect(answer).toMatchObject({ behindMs: 0, children: [], bytes: 3 + 6 + 5 + 3 * 5 })
    await made.putTexts(['four'])
    const { nextIterator = '' } = answer
    expect(textsOf(await stream.read(nextIterator, signal))).toEqual(['four'])
  })

  test('are read a few at a time, and on from there, when no more are asked for', async () => {
    await made.putTexts(['one', 'two', 'three'])
    const answer = await stream.read(await stream.iterator(FIRST, TRIM_HORIZON, signal), signal, 2)
    expect(textsOf(answer)).toEqual(['one', 'two'])
    expect(textsOf(await stream.read(answer.nextIterator ?? '', signal))).toEqual(['three'])
  })

  test('of any bytes come as they went', async () => {
    const data = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    await made.put([{ Data: data, PartitionKey: 'schlüssel' }])
    const [only] = (await readFrom(TRIM_HORIZON)).records
    expect(Buffer.from(only?.data ?? []).equals(data)).toBe(true)
    expect(only?.partitionKey).toBe('schlüssel')
  })

  test('are the same as the SDK reads them', async () => {
    await made.putTexts(Array.from({ length: 100 }, (_, index) => `record ${index}`))
    const theirs = await made.records(FIRST)
    expect((await readFrom(TRIM_HORIZON)).records).toEqual(
      theirs.map((record) => ({
        data: Buffer.from(record.Data ?? []),
        partitionKey: record.PartitionKey,
        sequenceNumber: record.SequenceNumber,
        arrivalMs: record.ApproximateArrivalTimestamp?.getTime(),
      })),
    )
  })

  test('behind a sequence number are those after it', async () => {
    const [first, second] = await made.putTexts(['one', 'two', 'three'])
    expect(textsOf(await readFrom(first?.sequenceNumber ?? ''))).toEqual(['two', 'three'])
    expect(textsOf(await readFrom(second?.sequenceNumber ?? ''))).toEqual(['three'])
  })

  test('from a time are those not older, to the millisecond', async () => {
    await made.putTexts(['old'])
    const [old] = (await readFrom(TRIM_HORIZON)).records
    const oldMs = old?.arrivalMs ?? 0
    await eventually(() => expect(Date.now()).toBeGreaterThan(oldMs + 2))
    await made.putTexts(['new'])
    expect(textsOf(await readFrom(atTimestamp(oldMs)))).toEqual(['old', 'new'])
    expect(textsOf(await readFrom(atTimestamp(oldMs + 1)))).toEqual(['new'])
    expect(textsOf(await readFrom(atTimestamp(oldMs - 3_600_000)))).toEqual(['old', 'new'])
  })

  test('of an empty shard are none, and the shard goes on', async () => {
    const answer = await readFrom(TRIM_HORIZON)
    expect(answer).toMatchObject({ records: [], behindMs: 0, children: [], bytes: 0 })
    expect(answer.nextIterator).toEqual(expect.any(String))
  })
})

describe('the end of a shard', () => {
  test('comes with its last records and the children of a split', async () => {
    await made.putTexts(['last'])
    const children = await made.split(await made.shard())
    const answer = await readFrom(TRIM_HORIZON)
    expect(textsOf(answer)).toEqual(['last'])
    expect(answer.nextIterator).toBeUndefined()
    expect(answer.children).toEqual(
      children.map(({ ShardId, HashKeyRange: range }) => ({
        shardId: ShardId,
        parents: [FIRST],
        hashRange: [range?.StartingHashKey, range?.EndingHashKey],
        isClosed: false,
      })),
    )
  })

  test('comes without records to one who has read them', async () => {
    const [last] = await made.putTexts(['last'])
    await made.split(await made.shard())
    const answer = await readFrom(last?.sequenceNumber ?? '')
    expect(answer).toMatchObject({ records: [], nextIterator: undefined })
    expect(answer.children).toHaveLength(2)
  })

  test('of both parents of a merge names their one child', async () => {
    const [left, right] = await made.split(await made.shard())
    const child = await made.merge(left, right)
    for (const parent of [left, right]) {
      const answer = await readFrom(TRIM_HORIZON, parent.ShardId)
      expect(answer.nextIterator).toBeUndefined()
      expect(answer.children).toMatchObject([
        { shardId: child.ShardId, parents: [left.ShardId, right.ShardId] },
      ])
    }
  })
})

describe('shards', () => {
  test('are listed with their parents, ranges, and whether they are closed', async () => {
    const [left, right] = await made.split(await made.shard())
    const child = await made.merge(left, right)
    const listed = await stream.listShards(undefined, signal)
    const whole = ['0', String(2n ** 128n - 1n)]
    expect(listed).toMatchObject([
      { shardId: FIRST, parents: [], hashRange: whole, isClosed: true },
      { shardId: left.ShardId, parents: [FIRST], isClosed: true },
      { shardId: right.ShardId, parents: [FIRST], isClosed: true },
      {
        shardId: child.ShardId,
        parents: [left.ShardId, right.ShardId],
        hashRange: whole,
        isClosed: false,
      },
    ])
  })

  test('are listed page by page', async () => {
    made = await createDataStream(server, { shards: 5 })
    const proxy = await startProxy()
    const paged = open({ endpoint: proxy.endpoint, shardsPerPage: 2 })
    const ids = (await paged.listShards(undefined, signal)).map(({ shardId }) => shardId)
    expect(ids).toEqual((await made.shards()).map(({ ShardId }) => ShardId))
    expect(ids).toHaveLength(5)
    // With the ARN, and once more without it, for the two pages that have a token.
    expect(proxy.calls).toHaveLength(server.isLocal ? 5 : 3)
  })

  test('are listed from the beginning when their pages expire on the way, three times at most', async () => {
    made = await createDataStream(server, { shards: 2 })
    const proxy = await startProxy()
    const paged = open({ endpoint: proxy.endpoint, shardsPerPage: 1 })
    proxy.fail(kinesisFaults.expiredToken)
    expect(await paged.listShards(undefined, signal)).toHaveLength(2)
    proxy.fail({ ...kinesisFaults.expiredToken, times: 3 })
    expect(await failure(paged.listShards(undefined, signal))).toMatchObject({ kind: 'unavailable' })
  })

  test('that were open at a time are asked for by a filter', async () => {
    const beforeMs = (await stream.createdAt(signal)) + 1
    const children = await made.split(await made.shard())
    const idsAt = async (openAt: string) =>
      (await stream.listShards(openAt, signal)).map(({ shardId }) => shardId)
    // AWS lists the parent alone for a moment before the split; kinesis-local the children too.
    expect(await idsAt(TRIM_HORIZON)).toContain(FIRST)
    expect(await idsAt(atTimestamp(beforeMs))).toContain(FIRST)
    const openNow = children.map(({ ShardId }) => ShardId)
    await eventually(async () => expect(await idsAt(atTimestamp(Date.now()))).toEqual(openNow))
  })
})

describe('a data stream', () => {
  test('tells when it was created, and another time once it was deleted and made again', async () => {
    const first = await stream.createdAt(signal)
    expect(Math.abs(first - Date.now())).toBeLessThan(60_000)
    expect(await stream.createdAt(signal)).toBe(first)
    await made.delete()
    expect(await failure(stream.createdAt(signal))).toMatchObject({ kind: 'gone' })
    await made.createAgain()
    expect(await stream.createdAt(signal)).toBeGreaterThan(first)
  })

  test('that is not there is gone, in every call', async () => {
    const iterator = await stream.iterator(FIRST, TRIM_HORIZON, signal)
    await made.delete()
    expect(await failure(stream.createdAt(signal))).toMatchObject({ kind: 'gone' })
    expect(await failure(stream.listShards(undefined, signal))).toMatchObject({ kind: 'gone' })
    expect(await failure(stream.iterator(FIRST, TRIM_HORIZON, signal))).toMatchObject({ kind: 'gone' })
    expect(await failure(stream.read(iterator, signal))).toMatchObject({ kind: 'gone' })
  })

  test('is asked for in the region of its ARN, or of the settings', async () => {
    const proxy = await startProxy()
    const elsewhere = made.arn.replace(/^(arn:aws:kinesis:)[^:]*/, '$1eu-west-3')
    const { endpoint } = proxy
    await open({ endpoint }).createdAt(signal)
    expect(await failure(open({ endpoint }, elsewhere).createdAt(signal))).toMatchObject({ kind: 'gone' })
    await open({ endpoint, region: 'eu-north-1' }).createdAt(signal)
    expect(proxy.calls.map(({ region }) => region)).toEqual([kinesisRegion, 'eu-west-3', 'eu-north-1'])
  })
})

describe('every call', () => {
  test('is made with the token of the session whose keys are used', async () => {
    const proxy = await startProxy()
    const through = open({ endpoint: proxy.endpoint, sessionToken: 'of a session' })
    await through.createdAt(signal)
    await through.listShards(undefined, signal)
    await through.read(await through.iterator(FIRST, TRIM_HORIZON, signal), signal)
    await open({ endpoint: proxy.endpoint }).createdAt(signal)
    const tokens = proxy.calls.map(({ sessionToken }) => sessionToken)
    expect(tokens).toEqual([...Array.from({ length: 4 }, () => 'of a session'), undefined])
  })
})

describe('an argument that is refused', () => {
  // kinesis-local takes anything while a shard is empty.
  test('is a time that has not come', async () => {
    await made.putTexts(['one'])
    const early = await failure(stream.iterator(FIRST, atTimestamp(Date.now() + 3_600_000), signal))
    expect(early).toMatchObject({ kind: 'invalid', code: 'InvalidArgumentException' })
  })

  test('is a sequence number of another shard', async () => {
    made = await createDataStream(server, { shards: 2 })
    stream = open()
    await made.putTexts(['here'], await made.shard(0))
    const [other] = await made.putTexts(['elsewhere'], await made.shard(1))
    const foreign = await failure(stream.iterator(FIRST, other?.sequenceNumber ?? '', signal))
    expect(foreign).toMatchObject({ kind: 'invalid' })
    expect(foreign.hint).toContain('another shard')
  })

  test('is not a shard that is not there: that one is gone', async () => {
    const missing = await failure(stream.iterator('shardId-000000000099', TRIM_HORIZON, signal))
    expect(missing).toMatchObject({ kind: 'gone', code: 'ResourceNotFoundException' })
    expect(missing.message).toContain('shardId-000000000099')
  })
})

describe('a failure of a read', () => {
  const kinds: readonly (readonly [string, KinesisFault, DataStreamErrorKind, string])[] = [
    ['a throttle', kinesisFaults.throttled, 'throttled', 'ProvisionedThroughputExceededException'],
    ['a limit', kinesisFaults.limited, 'throttled', 'LimitExceededException'],
    ['an expired iterator', kinesisFaults.expired, 'expired', 'ExpiredIteratorException'],
    ['a shard that is gone', kinesisFaults.gone, 'gone', 'ResourceNotFoundException'],
    ['a role without rights', kinesisFaults.denied, 'denied', 'AccessDeniedException'],
    ['a key without rights', kinesisFaults.kmsDenied, 'denied', 'KMSAccessDeniedException'],
    ['a failure inside', kinesisFaults.failure, 'unavailable', 'InternalFailure'],
    ['an answer without a name', kinesisFaults.unavailable, 'unavailable', 'HTTP 503'],
    ['a cut before', kinesisFaults.cutBefore, 'unavailable', 'ECONNRESET'],
    ['a cut after', kinesisFaults.cutAfter, 'unavailable', 'ECONNRESET'],
  ]
  test.each(kinds.map(([what, fault, kind, code]) => ({ what, fault, kind, code })))(
    '$what is $kind, told at once and not tried again',
    async ({ fault, kind, code }) => {
      await made.putTexts(['one'])
      const proxy = await startProxy()
      const through = open({ endpoint: proxy.endpoint })
      const iterator = await through.iterator(FIRST, TRIM_HORIZON, signal)
      proxy.fail(fault)
      expect(await failure(through.read(iterator, signal))).toMatchObject({ kind, code })
      expect(proxy.calls.filter(({ operation }) => operation === 'GetRecords')).toHaveLength(1)
      expect(textsOf(await through.read(iterator, signal))).toEqual(['one'])
    },
  )

  test('that Kinesis does not answer ends after the time that a read may take', async () => {
    const proxy = await startProxy()
    const timeouts = { connectionMs: 1_000, callMs: 5_000, readMs: 150 }
    const hasty = open({ endpoint: proxy.endpoint, timeouts })
    const iterator = await hasty.iterator(FIRST, TRIM_HORIZON, signal)
    proxy.blackHole()
    const late = await failure(hasty.read(iterator, signal))
    expect(late).toMatchObject({ kind: 'unavailable', code: 'TimeoutError' })
    expect(late.hint).toContain(proxy.endpoint)
    proxy.pass()
    expect((await hasty.read(iterator, signal)).records).toEqual([])
  })

  test('that nobody listens for is unavailable', async () => {
    const proxy = await startProxy()
    const lonely = open({ endpoint: proxy.endpoint })
    await proxy.close()
    expect(await failure(lonely.createdAt(signal))).toMatchObject({
      kind: 'unavailable',
      code: 'ECONNREFUSED',
    })
  })

  test('that another server answers is unavailable, and tells nothing of its answer', async () => {
    const proxy = await startProxy()
    const through = open({ endpoint: proxy.endpoint })
    for (const text of ['<html>canary</html>', '{"Records":[{"Data":"canary', '{}']) {
      proxy.fail({ at: 'before', does: { kind: 'body', status: 200, body: text } })
      const unread = await failure(through.read('any', signal))
      expect(unread).toMatchObject({ kind: 'unavailable', code: 'UnreadableAnswer' })
      expect(JSON.stringify([unread.message, unread.hint, String(unread.cause)])).not.toContain('canary')
    }
  })
})

describe('giving up', () => {
  test('rejects with the reason at once, before and during a call', async () => {
    const proxy = await startProxy()
    const through = open({ endpoint: proxy.endpoint })
    const reason = new Error('the lease is lost')
    const abort = new AbortController()
    proxy.blackHole()
    const calls = [
      through.read('any', abort.signal),
      through.createdAt(abort.signal),
      through.listShards(undefined, abort.signal),
      through.iterator(FIRST, TRIM_HORIZON, abort.signal),
    ]
    const ends = Promise.allSettled(calls)
    await eventually(() => expect(proxy.calls).toHaveLength(4))
    abort.abort(reason)
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason })
    await expect(through.createdAt(abort.signal)).rejects.toBe(reason)
    expect(proxy.calls).toHaveLength(4)
  })

  test('in the middle of an answer rejects with the reason too', async () => {
    await made.putTexts(['one'])
    const proxy = await startProxy()
    const through = open({ endpoint: proxy.endpoint })
    const iterator = await through.iterator(FIRST, TRIM_HORIZON, signal)
    const abort = new AbortController()
    proxy.fail({ at: 'after', does: { kind: 'stall' }, operation: 'GetRecords' })
    const read = through.read(iterator, abort.signal)
    const settled = Promise.allSettled([read])
    await eventually(() => expect(proxy.calls.at(-1)?.operation).toBe('GetRecords'))
    abort.abort(new Error('stopping'))
    await settled
    await expect(read).rejects.toThrow('stopping')
  })

  test('many calls under one signal leave nothing on it', async () => {
    const warnings: unknown[] = []
    const note = (warning: unknown): void => void warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const shared = new AbortController()
    await Promise.all(Array.from({ length: 100 }, () => stream.createdAt(shared.signal)))
    await new Promise(setImmediate)
    expect(getEventListeners(shared.signal, 'abort')).toEqual([])
    expect(warnings.filter((one) => String(one).includes('MaxListeners'))).toEqual([])
  })
})

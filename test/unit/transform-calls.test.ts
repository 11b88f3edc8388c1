/** Which records go into one call of a transform, and what the call says of them. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame } from '../../src/domain/frame.ts'
import { KIB, MIB, RECORD_BYTES_MAX } from '../../src/domain/limits.ts'
import { type Call, CALL_RECORDS_MAX, callsOf, type CallLimits } from '../../src/process/transform/calls.ts'
import { bytesOf, EVENT_BYTES_MAX } from '../../src/process/transform/event.ts'
import type { FirehoseEvent } from '../support/fake-lambda.ts'
import { apiFrame, ARRIVAL_MS, batch, describedFrame, streamed } from '../support/transform-batch.ts'

const source = {
  deliveryStreamArn: 'arn:aws:firehose:eu-west-3:123456789012:deliverystream/orders',
  region: 'eu-west-3',
}
const limits: CallLimits = { bufferBytes: MIB, bufferIntervalMs: 60_000 }
const INVOCATION = '11111111-2222-4333-8444-555555555555'

async function callsFor(
  frames: readonly Frame[],
  change: Partial<CallLimits> = {},
  kinesis = {},
): Promise<Call[]> {
  const calls: Call[] = []
  const input = {
    batch,
    frames: streamed(frames),
    limits: { ...limits, ...change },
    source: { ...source, ...kinesis },
  }
  for await (const call of callsOf(input)) calls.push(call)
  return calls
}

function eventOf(call: Call | undefined): FirehoseEvent {
  return JSON.parse(call?.event(INVOCATION).toString() ?? '') as FirehoseEvent
}

test('an event of records from the API is the one that AWS sends', async () => {
  const [call] = await callsFor([apiFrame(['first', ''])])
  expect(call?.event(INVOCATION).toString()).toBe(
    `{"invocationId":"${INVOCATION}",` +
      '"deliveryStreamArn":"arn:aws:firehose:eu-west-3:123456789012:deliverystream/orders","region":"eu-west-3","records":[' +
      `{"recordId":"${call?.recordIds[0]}","approximateArrivalTimestamp":${ARRIVAL_MS},"data":"Zmlyc3Q="},` +
      `{"recordId":"${call?.recordIds[1]}","approximateArrivalTimestamp":${ARRIVAL_MS},"data":""}]}`,
  )
})

test('an event of Kinesis records says where each came from', async () => {
  const sourceKinesisStreamArn = 'arn:aws:kinesis:eu-west-3:123456789012:stream/clicks'
  const arrivalMs = ARRIVAL_MS - 5
  const frame = describedFrame(
    [
      { record: 'alone', metadata: { arrivalMs, sequenceNumber: '4965', partitionKey: 'a "quoted" ключ' } },
      { record: 'user', metadata: { sequenceNumber: '4966', subSequenceNumber: 3, partitionKey: 'k' } },
    ],
    'shardId-000000000007',
  )
  const event = eventOf((await callsFor([frame], {}, { sourceKinesisStreamArn }))[0])
  expect(event.sourceKinesisStreamArn).toBe(sourceKinesisStreamArn)
  expect(event.records).toMatchObject([
    {
      approximateArrivalTimestamp: arrivalMs,
      kinesisRecordMetadata: {
        shardId: 'shardId-000000000007',
        partitionKey: 'a "quoted" ключ',
        approximateArrivalTimestamp: arrivalMs,
        sequenceNumber: '4965',
        subsequenceNumber: 0,
      },
    },
    { kinesisRecordMetadata: { sequenceNumber: '4966', subsequenceNumber: 3, partitionKey: 'k' } },
  ])
})

test('record ids have the form of those of AWS, count sub-records and are the same the next time', async () => {
  const frame = describedFrame([
    { record: 'a', metadata: { origin: 0 } },
    { record: 'b', metadata: { origin: 4 } },
    { record: 'c', metadata: { origin: 4 } },
    { record: 'd', metadata: { origin: 5 } },
  ])
  const [first] = await callsFor([frame])
  const [again] = await callsFor([frame])
  const ids = first?.recordIds ?? []
  expect(again?.recordIds).toEqual(ids)
  for (const id of ids) expect(id).toMatch(/^49\d{60}$/)
  expect(ids.map((id) => id.slice(-6))).toEqual(['000000', '000000', '000001', '000000'])
  expect(ids[1]?.slice(0, -6)).toBe(ids[2]?.slice(0, -6))
  expect(new Set(ids).size).toBe(4)
})

test('each try of a call has an invocation id of its own and is the same otherwise', async () => {
  const [call] = await callsFor([apiFrame(['first'])])
  const first = call?.event(INVOCATION).toString()
  const other = 'ffffffff-2222-4333-8444-555555555555'
  expect(call?.event(other).toString()).toBe(first?.replace(INVOCATION, other))
})

test('records with a verdict and dropped ones keep their places and are not sent', async () => {
  const verdict = { errorType: 'decompression-failed', code: 'C', message: 'M' } as const
  const [call, none] = await callsFor([
    describedFrame([
      { record: 'bad', metadata: { verdict } },
      { record: 'good' },
      { record: 'gone', metadata: { isDropped: true } },
    ]),
  ])
  expect(none).toBeUndefined()
  expect(call?.places.map((place) => bytesOf(place).toString())).toEqual(['bad', 'good', 'gone'])
  expect(eventOf(call).records).toHaveLength(1)
})

test('a call holds record bytes up to the buffer size, and a larger record alone', async () => {
  const large = Buffer.alloc(RECORD_BYTES_MAX, 'x')
  const calls = await callsFor([apiFrame(['a'.repeat(150 * KIB), large, 'b', 'c'])], {
    bufferBytes: 200 * KIB,
  })
  expect(calls.map(({ bytes }) => bytes)).toEqual([150 * KIB, RECORD_BYTES_MAX, 2])
})

test('three records of 1,000 KiB go together where the buffer size is 3 MiB', async () => {
  const large = Buffer.alloc(RECORD_BYTES_MAX, 'x')
  const calls = await callsFor([apiFrame([large, large, large, large])], { bufferBytes: 3 * MIB })
  expect(calls.map(({ recordIds }) => recordIds.length)).toEqual([3, 1])
  expect(calls[0]?.event(INVOCATION).length).toBeLessThan(EVENT_BYTES_MAX)
})

test('a call never has a larger request than Lambda takes, to the byte', async () => {
  const partitionKey = '\u0001'.repeat(256)
  const records = Array.from({ length: 9_000 }, (_, index) => ({
    record: Buffer.alloc(300, 'x'),
    metadata: { sequenceNumber: `4965${index}`, partitionKey },
  }))
  const calls = await callsFor([describedFrame(records, 'shardId-000000000000')], { bufferBytes: 3 * MIB })
  const sizes = calls.map((call) => call.event(INVOCATION).length)
  expect(calls.length).toBeGreaterThan(1)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(EVENT_BYTES_MAX)
  expect(Math.max(...sizes)).toBeGreaterThan(EVENT_BYTES_MAX - 3_000)
})

test('a record that fits into no request fails without a call, and the others go', async () => {
  const calls = await callsFor([apiFrame(['a', Buffer.alloc(5 * MIB, 'x'), 'b'])])
  expect(calls.map(({ recordIds }) => recordIds.length)).toEqual([1, 0, 1])
  const [, second] = calls
  expect(second?.places[0]?.metadata.verdict).toMatchObject({
    errorType: 'processing-failed',
    code: 'Lambda.InvocationFailure',
    attemptsMade: 0,
  })
})

test('records that arrived further apart than the interval go in different calls', async () => {
  const frames = [0, 30_000, 60_000, 60_001].map((afterMs) => apiFrame(['x'], ARRIVAL_MS + afterMs))
  expect((await callsFor(frames)).map(({ recordIds }) => recordIds.length)).toEqual([3, 1])
})

test('with the interval 0, records that arrived within a second go together', async () => {
  const frames = [0, 999, 1_000, 1_001].map((afterMs) => apiFrame(['x'], ARRIVAL_MS + afterMs))
  const calls = await callsFor(frames, { bufferIntervalMs: 0 })
  expect(calls.map(({ recordIds }) => recordIds.length)).toEqual([3, 1])
})

test('shards that are read far apart in time do not make a call of each record', async () => {
  const at = (arrivalMs: number, shardId: string) =>
    describedFrame([{ record: 'x', metadata: { arrivalMs, sequenceNumber: '1' } }], shardId)
  const frames = Array.from({ length: 20 }, (_, index) =>
    at(ARRIVAL_MS - (index % 2) * 3_600_000, `shardId-00000000000${index % 2}`),
  )
  expect(await callsFor(frames)).toHaveLength(1)
  expect((await callsFor(frames.slice(1))).map(({ recordIds }) => recordIds.length)).toEqual([1, 18])
})

test('calls partition the records of a batch, in order and within every bound', async () => {
  const record = fc.record({
    bytes: fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 400 * KIB }),
      fc.constant(RECORD_BYTES_MAX),
    ),
    fate: fc.constantFrom('sent', 'sent', 'sent', 'failed', 'dropped'),
    afterMs: fc.integer({ min: 0, max: 20_000 }),
  })
  const verdict = { errorType: 'decompression-failed', code: 'C', message: 'M' } as const
  const block = Buffer.alloc(RECORD_BYTES_MAX, 'x')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(record, { minLength: 1, maxLength: 12 }), { maxLength: 6 }),
      fc.integer({ min: 200 * KIB, max: 3 * MIB }),
      fc.integer({ min: 0, max: 60_000 }),
      async (chunks, bufferBytes, bufferIntervalMs) => {
        let arrivalMs = ARRIVAL_MS
        const frames = chunks.map((records) =>
          describedFrame(
            records.map(({ bytes, fate, afterMs }) => ({
              record: block.subarray(0, bytes),
              metadata: {
                arrivalMs: (arrivalMs += afterMs),
                ...(fate === 'failed' ? { verdict } : fate === 'dropped' ? { isDropped: true as const } : {}),
              },
            })),
          ),
        )
        const calls = await callsFor(frames, { bufferBytes, bufferIntervalMs })
        const places = calls.flatMap((call) => call.places)
        expect(places.map(({ metadata }) => metadata.origin)).toEqual(
          chunks.flat().map((_, ordinal) => ordinal),
        )
        expect(places.map(({ length }) => length)).toEqual(chunks.flat().map(({ bytes }) => bytes))
        for (const call of calls) {
          const sent = call.places.filter(({ recordId }) => recordId !== undefined)
          expect(call.recordIds).toEqual(sent.map(({ recordId }) => recordId))
          expect(new Set(call.recordIds).size).toBe(sent.length)
          expect(sent.length === 1 || call.bytes <= bufferBytes).toBe(true)
          expect(call.event(INVOCATION).length).toBeLessThanOrEqual(EVENT_BYTES_MAX)
          expect(call.places.length).toBeLessThanOrEqual(CALL_RECORDS_MAX)
          const arrivals = sent.map(({ metadata }) => metadata.arrivalMs)
          const apartMs = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)
          expect(apartMs).toBeLessThanOrEqual(Math.max(1_000, bufferIntervalMs))
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('a call takes no more than 10,000 records', async () => {
  const calls = await callsFor([apiFrame(Array.from({ length: 25_000 }, () => '{}'))])
  expect(calls.map(({ places }) => places.length)).toEqual([10_000, 10_000, 5_000])
})

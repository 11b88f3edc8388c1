/** Records with a verdict do not reach the encoder, and nothing else about a batch changes for it. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DecidedRecords, recordsWithMetadata } from '../../src/deliver/decided-records.ts'
import { FrameError } from '../../src/domain/errors.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { PARTITION_VERDICT } from '../../src/domain/ports.ts'
import { ERROR_TYPES, type ErrorType, type RecordVerdict } from '../../src/domain/record-metadata.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { sequenceNumber } from '../conformance/store/shard-fixture.ts'
import { kinesisFrame, type KinesisRecord } from '../support/kinesis-frames.ts'

const ARRIVAL_MS = 1_790_000_000_000
const tooLarge: RecordVerdict = {
  errorType: 'processing-failed',
  code: 'Hydrant.RecordTooLarge',
  message: 'The record has 1024001 bytes; the limit is 1024000.',
}
const noErrors = Object.fromEntries(ERROR_TYPES.map((type) => [type, 0]))
const unreadable: RecordVerdict = { ...tooLarge, code: 'Hydrant.AggregateUnreadable', message: 'MD5' }

function record(place: number, data: string, more: Partial<KinesisRecord> = {}): KinesisRecord {
  const arrivalMs = ARRIVAL_MS + place
  return { data, arrivalMs, sequenceNumber: sequenceNumber(place), partitionKey: `key ${place}`, ...more }
}

async function* inTurns(frames: readonly Frame[]): AsyncGenerator<Frame> {
  for (const frame of frames) {
    await Promise.resolve()
    yield frame
  }
}

async function undecided(decided: DecidedRecords, frames: readonly Frame[]): Promise<Frame[]> {
  const passed: Frame[] = []
  for await (const frame of decided.without(inTurns(frames))) passed.push(frame)
  return passed
}

test('a frame without a verdict passes as it is, with metadata or without', async () => {
  const frames = [frameOf(['a', 'b']), kinesisFrame([record(1, 'c')])]
  const decided = new DecidedRecords()
  const passed = await undecided(decided, frames)
  expect(passed).toHaveLength(2)
  passed.forEach((frame, index) => expect(frame).toBe(frames[index]))
  expect(decided.found).toEqual({
    total: 3,
    records: noErrors,
    dropped: 0,
    yielding: 3,
    hasMetadata: true,
  })
})

test('a batch that came by the API is told from one that came from shards', async () => {
  const decided = new DecidedRecords()
  await undecided(decided, [frameOf(['a']), frameOf(['b'])])
  expect(decided.found.hasMetadata).toBe(false)
})

test('the others of a frame keep their bytes, order, arrival and metadata', async () => {
  const kept = [
    record(2, 'two', { subSequenceNumber: 0 }),
    record(2, 'two again', { subSequenceNumber: 7 }),
    record(4, '', { partitionKey: 'ключ' }),
  ]
  const frame = kinesisFrame(
    [record(1, 'one\r\n', { verdict: tooLarge }), ...kept, record(5, '\u0000', { verdict: unreadable })],
    'shardId-000000000009',
    ARRIVAL_MS - 5,
  )
  const [left, ...others] = await undecided(new DecidedRecords(), [frame])
  expect(others).toEqual([])
  expect([left?.isDecided, left?.arrivalMs, left?.metadata?.shardId]).toEqual([
    false,
    ARRIVAL_MS - 5,
    'shardId-000000000009',
  ])
  const entries = left === undefined ? [] : [...recordsWithMetadata(left)]
  expect(entries.map(({ record: view, metadata }) => ({ data: view.toString(), ...metadata }))).toEqual(kept)
})

test('a binary record with a verdict does not send the others down the slow path', async () => {
  const frame = kinesisFrame([
    record(1, '\u0000\u0001', { verdict: unreadable }),
    record(2, '{"a":1}'),
    record(3, '{"a":2}'),
  ])
  expect(frame.isOdd).toBe(true)
  const [left] = await undecided(new DecidedRecords(), [frame])
  expect([left?.isOdd, left?.payload.toString()]).toEqual([false, '{"a":1}\n{"a":2}\n'])
})

test('a frame of nothing else is left out, and verdicts are counted once however often the batch is read', async () => {
  const frames = [
    kinesisFrame([record(1, 'x', { verdict: tooLarge }), record(2, 'y', { verdict: unreadable })]),
    kinesisFrame([record(3, 'z'), record(4, 'w', { verdict: tooLarge })]),
  ]
  const decided = new DecidedRecords()
  for await (const frame of decided.without(inTurns(frames))) {
    expect(frame.payload.toString()).toBe('z\n')
    break
  }
  expect(() => decided.found).toThrow('not read to their end')
  expect(await undecided(decided, frames)).toHaveLength(1)
  expect(await undecided(decided, frames)).toHaveLength(1)
  expect(decided.found).toEqual({
    total: 4,
    records: { ...noErrors, 'processing-failed': 3 },
    dropped: 0,
    yielding: 1,
    hasMetadata: true,
  })
})

test('a type of error that only a newer Hydrant knows leaves the batch to it', async () => {
  const verdict = { ...tooLarge, errorType: 'weighing-failed' as ErrorType }
  const reading = undecided(new DecidedRecords(), [kinesisFrame([record(1, 'x', { verdict })])])
  await expect(reading).rejects.toSatisfy((error) => error instanceof FrameError && error.newer)
})

test('whichever records partitioning refuses, the frame of the others is as if it had never held them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('', 'a', 'é', 'a longer record', 'two\nlines'), fc.boolean()), {
        minLength: 1,
        maxLength: 12,
      }),
      async (records) => {
        const refusal = { errorType: 'metadata-extraction-failed', code: 'C', message: 'M' } as const
        const partitions = {
          objects: [],
          objectOf: Uint32Array.from(records, ([, isRefused]) => (isRefused ? PARTITION_VERDICT : 0)),
          verdicts: [refusal],
        }
        const frame = frameOf(records.map(([data]) => data))
        const decided = new DecidedRecords({ partitions })
        const passed = await undecided(decided, [frame])
        const left = records.flatMap(([data, isRefused]) => (isRefused ? [] : [data]))
        const expected = left.length === 0 ? [] : [frameOf(left).buffer]
        expect(passed.map(({ buffer }) => buffer)).toEqual(expected)
        expect(decided.found).toEqual({
          total: records.length,
          records: { ...noErrors, 'metadata-extraction-failed': records.length - left.length },
          dropped: 0,
          yielding: left.length,
          hasMetadata: false,
        })
      },
    ),
  )
})

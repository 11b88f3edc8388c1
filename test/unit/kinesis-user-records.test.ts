/** The records of a read become the frames of one append: all of them, in order, each with its place in the data stream. */
import { createHash } from 'node:crypto'
import { array, assert, constantFrom, nat, oneof, property, record, string, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Frame } from '../../src/domain/frame.ts'
import { MIB, RECORD_BYTES_MAX } from '../../src/domain/limits.ts'
import type { RecordMetadata } from '../../src/domain/record-metadata.ts'
import { atTimestamp, TRIM_HORIZON } from '../../src/domain/shard.ts'
import type { SourceRecord } from '../../src/receive/kinesis/data-stream.ts'
import { framesOf, recordsAfter, type FramingOptions } from '../../src/receive/kinesis/user-records.ts'
import { aggregateOf, sealAggregate } from '../support/kpl.ts'

const HASH_KEY_LAST = String(2n ** 128n - 1n)
const options: FramingOptions = {
  shardId: 'shardId-000000000003',
  hashRange: ['0', HASH_KEY_LAST],
  outOfRangeRecords: 'keep',
}

function source(index: number, data: Uint8Array | string, fields: Partial<SourceRecord> = {}): SourceRecord {
  return {
    data: typeof data === 'string' ? Buffer.from(data) : data,
    partitionKey: `key-${index}`,
    sequenceNumber: String(49_590_338n * 10n ** 48n + BigInt(index)),
    arrivalMs: 1_790_000_000_000 + index,
    ...fields,
  }
}

interface Landed extends RecordMetadata {
  readonly data: string
}

/** What is in the frames, in order. */
function landed(frames: readonly Frame[]): Landed[] {
  return frames.flatMap((frame) => {
    const metadata = frame.metadata
    if (metadata === undefined) throw new Error('a frame has no metadata')
    expect(metadata.shardId).toBe(options.shardId)
    const described = [...metadata]
    expect(described.length).toBe(frame.records)
    const views = [...frame.recordViews()]
    expect(frame.arrivalMs).toBe(Math.min(...described.map(({ arrivalMs }) => arrivalMs)))
    expect(frame.isDecided).toBe(described.some(({ verdict }) => verdict !== undefined))
    return described.map((one, index) => ({ ...one, data: views[index]?.toString('latin1') ?? '' }))
  })
}

test('records come out as they went in, with their place in the data stream', () => {
  const records = [source(1, '{"a":1}'), source(2, 'two'), source(3, '')]
  const framed = framesOf(records, options)
  expect(framed.last).toBe(records[2]?.sequenceNumber)
  expect(landed(framed.frames)).toEqual(
    records.map(({ data, ...place }) => ({ ...place, data: Buffer.from(data).toString() })),
  )
})

test('user records of an aggregate have its sequence number and arrival, their own key, and their place in it', () => {
  const aggregate = source(
    7,
    aggregateOf([
      { data: 'a', partitionKey: 'ka' },
      { data: 'b', partitionKey: 'kb' },
    ]),
  )
  const { sequenceNumber, arrivalMs } = aggregate
  expect(landed(framesOf([aggregate], options).frames)).toEqual([
    { arrivalMs, sequenceNumber, subSequenceNumber: 0, partitionKey: 'ka', data: 'a' },
    { arrivalMs, sequenceNumber, subSequenceNumber: 1, partitionKey: 'kb', data: 'b' },
  ])
})

test('any records, plain and aggregated, come out all and in order', () => {
  const userRecord = record({
    data: uint8Array({ maxLength: 60 }),
    partitionKey: oneof(string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), constantFrom('a', 'b')),
  })
  const sourceRecord = oneof(
    record({ plain: uint8Array({ maxLength: 60 }), arrivalMs: nat() }),
    record({ aggregate: array(userRecord, { minLength: 1, maxLength: 12 }), arrivalMs: nat() }),
  )
  assert(
    property(array(sourceRecord, { maxLength: 20 }), (generated) => {
      const expected: Landed[] = []
      const records = generated.map((one, index) => {
        const { arrivalMs } = one
        const made =
          'plain' in one
            ? source(index, one.plain, { arrivalMs })
            : source(index, aggregateOf(one.aggregate), { arrivalMs })
        const { sequenceNumber, partitionKey } = made
        if ('plain' in one)
          expected.push({ arrivalMs, sequenceNumber, partitionKey, data: latin1(one.plain) })
        else
          for (const [subSequenceNumber, user] of one.aggregate.entries())
            expected.push({
              arrivalMs,
              sequenceNumber,
              subSequenceNumber,
              partitionKey: user.partitionKey,
              data: latin1(user.data),
            })
        return made
      })
      const framed = framesOf(records, options)
      expect(landed(framed.frames)).toEqual(expected)
      expect(framed).toMatchObject({ last: records.at(-1)?.sequenceNumber, outOfRange: 0 })
    }),
  )
})

test('no records are no frame', () => {
  expect(framesOf([], options)).toEqual({ frames: [], last: undefined, outOfRange: 0 })
})

test('an aggregate without user records is passed, and yields nothing', () => {
  const empty = source(1, sealAggregate(Buffer.from('0a0161', 'hex')))
  expect(framesOf([empty], options)).toEqual({ frames: [], last: empty.sequenceNumber, outOfRange: 0 })
  const framed = framesOf([source(0, 'a'), empty], options)
  expect(landed(framed.frames).map(({ data }) => data)).toEqual(['a'])
  expect(framed.last).toBe(empty.sequenceNumber)
})

describe('frames', () => {
  const sizes = (frames: readonly Frame[]): number[] => frames.map((frame) => frame.records)

  test('hold 10,000 records', () => {
    const records = Array.from({ length: 20_001 }, (_, index) => source(index, 'x'))
    expect(sizes(framesOf(records, options).frames)).toEqual([10_000, 10_000, 1])
  })

  test('hold 10,000 user records of however many aggregates', () => {
    const users = Array.from({ length: 6_000 }, () => ({ data: 'x', partitionKey: 'k' }))
    const records = [source(1, aggregateOf(users)), source(2, aggregateOf(users))]
    const framed = framesOf(records, options)
    expect(sizes(framed.frames)).toEqual([10_000, 2_000])
    expect(landed(framed.frames)[10_000]).toMatchObject({ subSequenceNumber: 4_000, partitionKey: 'k' })
  })

  test('hold a mebibyte of records, or a single one that is larger', () => {
    const half = new Uint8Array(MIB / 2)
    const large = new Uint8Array(3 * MIB)
    const records = [half, half, half, large, large, half].map((data, index) => source(index, data))
    expect(sizes(framesOf(records, options).frames)).toEqual([2, 1, 1, 1, 1])
  })

  test('have the arrival of their oldest record', () => {
    const records = [3, 1, 2].map((arrivalMs, index) => source(index, 'x', { arrivalMs }))
    expect(framesOf(records, options).frames[0]?.arrivalMs).toBe(1)
  })
})

describe('verdicts', () => {
  const tooLarge = { errorType: 'processing-failed', code: 'Hydrant.RecordTooLarge' }
  const unreadable = { errorType: 'processing-failed', code: 'Hydrant.AggregateUnreadable' }

  test('a record beyond the limit of Firehose goes on whole, with one that says the limit', () => {
    const records = [RECORD_BYTES_MAX, RECORD_BYTES_MAX + 1].map((bytes, index) =>
      source(index, new Uint8Array(bytes)),
    )
    const [within, beyond] = landed(framesOf(records, options).frames)
    expect(within?.verdict).toBeUndefined()
    expect(beyond?.verdict).toMatchObject(tooLarge)
    expect(beyond?.verdict?.message).toContain(RECORD_BYTES_MAX.toLocaleString('en'))
    expect(beyond?.data.length).toBe(RECORD_BYTES_MAX + 1)
  })

  test('a user record beyond the limit has its own, beside its neighbours, however large the aggregate', () => {
    const data = ['a', 'x'.repeat(RECORD_BYTES_MAX + 1), 'c']
    const aggregate = aggregateOf(data.map((text) => ({ data: text, partitionKey: 'k' })))
    const read = landed(framesOf([source(1, aggregate)], options).frames)
    expect(read.map(({ data: bytes }) => bytes.length)).toEqual([1, RECORD_BYTES_MAX + 1, 1])
    expect(read.map(({ verdict }) => verdict?.code)).toEqual([undefined, tooLarge.code, undefined])
    expect(read.map(({ subSequenceNumber }) => subSequenceNumber)).toEqual([0, 1, 2])
  })

  test('an aggregate that cannot be read goes on whole, as one record', () => {
    const broken = source(1, sealAggregate(Buffer.from('0a01611a0408011a00', 'hex')))
    const [read, ...rest] = landed(framesOf([broken], options).frames)
    expect(rest).toEqual([])
    expect(read).toMatchObject({ partitionKey: broken.partitionKey, verdict: unreadable })
    expect(read?.subSequenceNumber).toBeUndefined()
    expect(read?.data).toBe(latin1(broken.data))
  })

  test('an aggregate that would grow beyond memory goes on whole, as one record', () => {
    const key = Buffer.alloc(2 * MIB, 'k')
    const table = Buffer.concat([Buffer.from('0a80808001', 'hex'), key])
    const users = Buffer.alloc(400_000 * 6, Buffer.from('1a0408001a00', 'hex'))
    const [read, ...rest] = landed(
      framesOf([source(1, sealAggregate(Buffer.concat([table, users])))], options).frames,
    )
    expect(rest).toEqual([])
    expect(read?.verdict).toMatchObject(unreadable)
  })

  test('a record that begins like an aggregate but is none goes on without', () => {
    const data = Buffer.concat([Buffer.from('f3899ac2', 'hex'), Buffer.alloc(40, 'x')])
    expect(landed(framesOf([source(1, data)], options).frames)).toEqual([
      { ...source(1, data), data: latin1(data) },
    ])
  })
})

test('what a hostile aggregate of 10 MiB becomes is bounded: 1.7 million empty user records of two long keys', () => {
  const keys = ['a', 'b'].map((key) => Buffer.concat([Buffer.from('0a8008', 'hex'), Buffer.alloc(1024, key)]))
  const users = Buffer.alloc(10 * MIB - 10_000, Buffer.from('1a0408001a001a0408011a00', 'hex'))
  const whole = users.subarray(0, users.length - (users.length % 12))
  const { frames } = framesOf([source(1, sealAggregate(Buffer.concat([...keys, whole])))], options)
  expect(frames.reduce((sum, frame) => sum + frame.records, 0)).toBe(whole.length / 6)
  expect(frames.reduce((sum, frame) => sum + frame.buffer.length, 0)).toBeLessThan(26 * MIB)
})

describe('user records out of the range of their shard', () => {
  /** By the first hexadecimal digit of the MD5. */
  const isUpper = (key: string): boolean =>
    Number.parseInt(createHash('md5').update(key).digest('hex').slice(0, 1), 16) >= 8
  const middle = String(2n ** 127n)
  const lower = { ...options, hashRange: ['0', String(2n ** 127n - 1n)] } as const
  const upper = { ...options, hashRange: [middle, HASH_KEY_LAST] } as const
  const keys = Array.from({ length: 50 }, (_, index) => `Kunde-${index}-ß`)
  const aggregate = source(1, aggregateOf(keys.map((key) => ({ data: key, partitionKey: key }))))

  test('are counted, and kept', () => {
    const framed = framesOf([aggregate, aggregate], lower)
    expect(framed.outOfRange).toBe(2 * keys.filter(isUpper).length)
    expect(framed.outOfRange).toBeGreaterThan(0)
    expect(landed(framed.frames).length).toBe(100)
    expect(framesOf([aggregate], upper).outOfRange + framed.outOfRange / 2).toBe(50)
  })

  test('are dropped one by one where that is asked for; the others keep their place in the aggregate', () => {
    const framed = framesOf([aggregate], { ...lower, outOfRangeRecords: 'drop' })
    const kept = keys.map((key, place) => ({ key, place })).filter(({ key }) => !isUpper(key))
    expect(
      landed(framed.frames).map(({ partitionKey: key, subSequenceNumber: place }) => ({ key, place })),
    ).toEqual(kept)
    expect(framed.outOfRange).toBe(50 - kept.length)
  })

  test('may be all of a read: then there is no frame, and it is passed', () => {
    const none = source(2, aggregateOf(keys.filter(isUpper).map((key) => ({ data: key, partitionKey: key }))))
    expect(framesOf([none], { ...lower, outOfRangeRecords: 'drop' })).toEqual({
      frames: [],
      last: none.sequenceNumber,
      outOfRange: keys.filter(isUpper).length,
    })
  })

  test.each([
    ['the first hash key of the shard', middle, 0],
    ['the last one', HASH_KEY_LAST, 0],
    ['the one before its first', String(2n ** 127n - 1n), 1],
    ['0', '0', 1],
    ['one with leading zeros', middle.padStart(39, '0'), 0],
    ['one that is no hash key: nobody can say', String(2n ** 128n), 0],
    ['text: nobody can say', 'abc', 0],
  ])('an explicit hash key counts before the partition key: %s', (_, explicitHashKey, outOfRange) => {
    const key = keys.find((one) => isUpper(one) === (outOfRange === 1)) ?? ''
    const one = source(1, aggregateOf([{ data: 'a', partitionKey: key, explicitHashKey }]))
    expect(framesOf([one], upper).outOfRange).toBe(outOfRange)
  })

  test('plain records are never looked at: Kinesis itself gave them to the shard', () => {
    const plain = source(1, 'a', { partitionKey: keys.find(isUpper) ?? '' })
    expect(framesOf([plain], { ...lower, outOfRangeRecords: 'drop' })).toMatchObject({ outOfRange: 0 })
    expect(framesOf([plain], { ...lower, outOfRangeRecords: 'drop' }).frames.length).toBe(1)
  })
})

describe('records after a checkpoint', () => {
  const records = ['9', '10', '12', '100'].map((sequenceNumber, index) =>
    source(index, 'x', { sequenceNumber }),
  )
  test.each([
    [TRIM_HORIZON, ['9', '10', '12', '100']],
    [atTimestamp(1), ['9', '10', '12', '100']],
    ['8', ['9', '10', '12', '100']],
    ['9', ['10', '12', '100']],
    ['11', ['12', '100']],
    ['99', ['100']],
    ['100', []],
    ['1000', []],
  ])('behind %s', (checkpoint, expected) => {
    expect(recordsAfter(records, checkpoint).map(({ sequenceNumber }) => sequenceNumber)).toEqual(expected)
  })
})

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

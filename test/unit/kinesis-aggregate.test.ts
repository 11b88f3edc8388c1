/** Aggregates of the Kinesis Producer Library are taken apart as they were put together, or not at all. */
import { execFileSync } from 'node:child_process'
import {
  array,
  assert,
  constantFrom,
  nat,
  option,
  property,
  record,
  string,
  tuple,
  uint8Array,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openAggregate } from '../../src/receive/kinesis/aggregate.ts'
import { aggregateOf, sealAggregate, varint, type KplUserRecord } from '../support/kpl.ts'

interface Seen {
  readonly data: string
  readonly partitionKey: string | undefined
  readonly explicitHashKey?: string | undefined
}

function userRecordsOf(data: Uint8Array): Seen[] {
  const aggregate = openAggregate(data)
  if (typeof aggregate === 'string') throw new Error(aggregate)
  const seen: Seen[] = []
  aggregate.forEach((bytes, key, hashKey) => {
    seen.push({
      data: Buffer.from(bytes).toString('latin1'),
      partitionKey: aggregate.partitionKeys[key],
      ...(hashKey === undefined ? {} : { explicitHashKey: aggregate.explicitHashKeys[hashKey] }),
    })
  })
  expect(seen.length).toBe(aggregate.records)
  expect(seen.reduce((sum, one) => sum + one.data.length, 0)).toBe(aggregate.dataBytes)
  return seen
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Written by hand from the published format: its MD5 was made by md5sum. */
const byHand = hex(
  `
  f3899ac2
    0a03 616263
    0a03 78797a
    1202 3432
    1a07  0800  1a03 6f6e65
    1a09  0801  1000  1a03 74776f
    1a0e  0800  1a02 7b7d  2206 0a01 6b 1201 76
  ad8515464db09bde6948db024df3fef1`.replaceAll('\n', ' '),
)

describe('the published format', () => {
  test('three user records written by hand: keys by their index, an explicit hash key, tags', () => {
    expect(userRecordsOf(byHand)).toEqual([
      { data: 'one', partitionKey: 'abc' },
      { data: 'two', partitionKey: 'xyz', explicitHashKey: '42' },
      { data: '{}', partitionKey: 'abc' },
    ])
  })

  test('its MD5 is that of md5sum', () => {
    const digest = execFileSync('md5sum', { input: byHand.subarray(4, -16) }).toString('latin1')
    expect(digest.slice(0, 32)).toBe(byHand.subarray(-16).toString('hex'))
  })

  test('the encoder of the tests writes the same bytes', () => {
    const records: KplUserRecord[] = [
      { data: 'one', partitionKey: 'abc' },
      { data: 'two', partitionKey: 'xyz', explicitHashKey: '42' },
      { data: '{}', partitionKey: 'abc', tags: [['k', 'v']] },
    ]
    expect(aggregateOf(records).toString('hex')).toBe(byHand.toString('hex'))
  })

  test('any user records come out as they went in, in order', () => {
    const hashKey = nat().map(String)
    const userRecord = record(
      {
        data: uint8Array({ maxLength: 300 }),
        partitionKey: string({ unit: 'grapheme', maxLength: 40 }),
        explicitHashKey: hashKey,
        tags: array(tuple(string(), string()), { maxLength: 3 }),
      },
      { requiredKeys: ['data', 'partitionKey'] },
    )
    assert(
      property(array(userRecord, { minLength: 1, maxLength: 30 }), (records) => {
        expect(userRecordsOf(new Uint8Array(aggregateOf(records)))).toEqual(
          records.map(({ data, partitionKey, explicitHashKey }) => ({
            data: Buffer.from(data).toString('latin1'),
            partitionKey,
            ...(explicitHashKey === undefined ? {} : { explicitHashKey }),
          })),
        )
      }),
    )
  })

  test('the data of user records are views into the aggregate', () => {
    const aggregate = openAggregate(byHand)
    if (typeof aggregate === 'string') throw new Error(aggregate)
    aggregate.forEach((data) => expect(data.buffer).toBe(byHand.buffer))
  })
})

describe('readable, though no producer writes it', () => {
  const user = '1a07 0800 1a03 6f6e65'
  const one = { data: 'one', partitionKey: 'abc' }
  test.each([
    ['tables after the records', `${user} 0a03 616263`, [one]],
    ['fields of a record in another order', '0a03 616263 1a07 1a03 6f6e65 0800', [one]],
    [
      'a field that comes twice, of which the last counts',
      '0a03 616263 1a0d 0801 1a02 7878 0800 1a03 6f6e65',
      [one],
    ],
    ['an unknown varint', `2005 0a03 616263 ${user}`, [one]],
    ['an unknown fixed64', `21 0102030405060708 0a03 616263 ${user}`, [one]],
    ['unknown bytes', `2203 aabbcc 0a03 616263 ${user}`, [one]],
    ['an unknown fixed32', `25 01020304 0a03 616263 ${user}`, [one]],
    ['a field of a large number', `0a03 616263 ${user} f8ffffff0f 01`, [one]],
    ['an unknown field in a record', '0a03 616263 1a0a 0800 1a03 6f6e65 2a01 00', [one]],
    ['a varint of ten bytes', '0a03 616263 1a10 0880808080808080808000 1a03 6f6e65', [one]],
    ['no data in a record', '0a03 616263 1a04 0800 1a00', [{ data: '', partitionKey: 'abc' }]],
    ['no user record', '0a03 616263', []],
  ])('%s', (_, protobuf, expected) => {
    expect(userRecordsOf(sealAggregate(hex(protobuf)))).toEqual(expected)
  })
})

test('a partition key is as long as Kinesis allows, 256 characters, and an aggregate with a longer one is unreadable', () => {
  const aggregate = (partitionKey: string) => openAggregate(aggregateOf([{ data: 'x', partitionKey }]))
  expect(aggregate('\u{1F600}'.repeat(256))).toMatchObject({ records: 1, partitionKeyBytes: 1024 })
  expect(aggregate('k'.repeat(1025))).toBe('unreadable')
})

describe('unreadable as a whole, with an MD5 that is right', () => {
  const good = '0a03 616263 1a07 0800 1a03 6f6e65'
  test.each([
    ['a table entry that is no bytes', '0805 1a07 0800 1a03 6f6e65'],
    ['a record that is no bytes', `${good} 1805`],
    ['data that are no bytes', '0a03 616263 1a04 0800 1805'],
    ['an index that is no varint', '0a03 616263 1a08 0a01 00 1a03 6f6e65'],
    ['a hash key index that is no varint', '0a03 616263 1a0a 0800 1201 00 1a03 6f6e65'],
    ['a partition key index outside its table', '0a03 616263 1a07 0801 1a03 6f6e65'],
    ['a partition key index of 64 bits', '0a03 616263 1a10 08ffffffffffffffffff01 1a03 6f6e65'],
    ['no partition key table', '1a07 0800 1a03 6f6e65'],
    ['a hash key index outside its table', '0a03 616263 1a09 0800 1000 1a03 6f6e65'],
    ['a varint that breaks off', `${good} 1aff`],
    ['a varint of eleven bytes', '0a03 616263 1a11 088080808080808080808000 1a03 6f6e65'],
    ['a record longer than the aggregate', `${good} 1a7f 0800`],
    ['a length beyond what a number holds', `${good} 1affffffffffffffffff01`],
    ['data longer than the record', '0a03 616263 1a07 0800 1a04 6f6e65'],
    ['a record without a partition key', '0a03 616263 1a05 1a03 6f6e65'],
    ['a record without data', '0a03 616263 1a02 0800'],
    ['an empty record', `${good} 1a00`],
    ['an index outside its table before one that is inside', '0a03 616263 1a04 0801 1a00 1a04 0800 1a00'],
    ['a hash key index outside its table before none', '0a0161 1a06 0800 1000 1a00 1a04 0800 1a00'],
    ['a record without data after one that has them', `${good} 1a02 0800`],
    ['a record without a partition key after one that has it', `${good} 1a02 1a00`],
    ['a field of number 0', `${good} 0001`],
    ['a field of number 0 that holds a record', `${good} 02 04 0800 1a00`],
    ['an unknown field that breaks off', `${good} 21 0102`],
    ['a group', `${good} 2b 2c`],
    ['a wire type that does not exist', `${good} 27`],
    ['text instead of a protocol buffer', Buffer.from('{"order":1}').toString('hex')],
  ])('%s', (_, protobuf) => {
    expect(openAggregate(sealAggregate(hex(protobuf)))).toBe('unreadable')
  })
})

describe('no aggregate', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['JSON', Buffer.from('{"order":1,"text":"long enough for a digest"}')],
    ['the magic alone', hex('f3899ac2')],
    ['the magic and the MD5 of nothing', sealAggregate(Buffer.alloc(0))],
    [
      'text after the magic',
      Buffer.concat([hex('f3899ac2'), Buffer.from('that is not followed by its MD5')]),
    ],
    ['an aggregate that lost its last byte', byHand.subarray(0, -1)],
    ['an aggregate of other magic', Buffer.concat([hex('f3899ac3'), byHand.subarray(4)])],
    ['an aggregate with a byte changed', flipped(byHand, 10)],
    ['an aggregate with its MD5 changed', flipped(byHand, byHand.length - 1)],
  ])('%s', (_, data) => {
    expect(openAggregate(data)).toBe('plain')
  })
})

test('whatever bytes stand between magic and MD5, they are read as a whole or not at all, and never by an exception', () => {
  const piece = constantFrom(
    '0a',
    '0800',
    '1a03',
    '6f6e65',
    '1a07',
    '12',
    'ff',
    '80',
    '2b',
    '25',
    '00',
    '0801',
    '10',
  )
  assert(
    property(
      array(piece, { minLength: 1, maxLength: 30 }),
      option(uint8Array({ maxLength: 20 })),
      (pieces, tail) => {
        const protobuf = Buffer.concat([hex(pieces.join('')), Buffer.from(tail ?? [])])
        const aggregate = openAggregate(sealAggregate(protobuf))
        expect(aggregate).not.toBe('plain')
        if (typeof aggregate !== 'string') userRecordsOf(sealAggregate(protobuf))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('an aggregate in the middle of other memory is read by its own bounds', () => {
  const around = Buffer.concat([Buffer.from('xxx'), byHand, Buffer.from('yyy')])
  const view = new Uint8Array(around.buffer, around.byteOffset + 3, byHand.length)
  expect(userRecordsOf(view).map(({ data }) => data)).toEqual(['one', 'two', '{}'])
})

test('175,000 user records of one aggregate are read', () => {
  const count = 175_000
  const protobuf = Buffer.concat([hex('0a0161'), Buffer.alloc(count * 6, hex('1a0408001a00'))])
  expect(varint(protobuf.length).length).toBeLessThan(4)
  const aggregate = openAggregate(sealAggregate(protobuf))
  expect(aggregate).toMatchObject({
    records: count,
    dataBytes: 0,
    partitionKeys: ['a'],
    partitionKeyBytes: 1,
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

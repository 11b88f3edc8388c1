/** The metadata section of a frame says of each record exactly what was said when the frame was made. */
import {
  array,
  assert,
  bigInt,
  constant,
  constantFrom,
  dictionary,
  nat,
  oneof,
  option,
  property,
  record,
  string,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameError } from '../../src/domain/errors.ts'
import { FrameBuilder } from '../../src/domain/frame.ts'
import { MetadataBuilder } from '../../src/domain/metadata-builder.ts'
import { FrameMetadata, holdsDecisions } from '../../src/domain/metadata-section.ts'
import { ERROR_TYPES, type RecordMetadata } from '../../src/domain/record-metadata.ts'

function sectionOf(records: readonly RecordMetadata[], shardId = 'shardId-000000000000'): Buffer {
  const builder = new MetadataBuilder(shardId)
  for (const one of records) builder.add(one)
  expect(builder.records).toBe(records.length)
  return builder.finish()
}

function roundTrip(records: readonly RecordMetadata[]): RecordMetadata[] {
  return [...new FrameMetadata(sectionOf(records), records.length)]
}

const sequenceNumber = '49590338271490256608559692538361571095921575989136588898'
const verdict = {
  errorType: 'processing-failed',
  code: 'Hydrant.RecordTooLarge',
  message: 'It is “too” large.',
} as const

const anyText = oneof(
  string({ unit: 'grapheme', maxLength: 40 }),
  string({ unit: 'binary', maxLength: 300 }),
  string({ maxLength: 300 }),
  constantFrom('customer-1', 'customer-2', '日本', ''),
)
const anySequenceNumber = oneof(
  constantFrom(sequenceNumber, `${sequenceNumber}1`),
  bigInt({ min: 0n, max: 10n ** 128n - 1n }).map(String),
)
const anyRecord = record(
  {
    arrivalMs: oneof(nat(), constant(1_790_000_000_123)),
    sequenceNumber: anySequenceNumber,
    subSequenceNumber: nat(),
    partitionKey: anyText,
    verdict: record({
      errorType: constantFrom(...ERROR_TYPES),
      code: constantFrom('Hydrant.RecordTooLarge', 'Hydrant.AggregateUnreadable'),
      message: string({ unit: 'grapheme', maxLength: 400 }),
    }),
    origin: nat(),
    isDropped: constant(true as const),
    partitionKeys: dictionary(anyText, anyText, { noNullPrototype: true }),
  },
  { requiredKeys: ['arrivalMs', 'sequenceNumber', 'partitionKey'] },
)

test('any records come back as they were', () => {
  assert(
    property(array(anyRecord, { maxLength: 40 }), option(anyText), (records, shardId) => {
      const metadata = new FrameMetadata(
        sectionOf(records, shardId ?? 'shardId-000000000000'),
        records.length,
      )
      expect(metadata.shardId).toBe(shardId ?? 'shardId-000000000000')
      expect([...metadata]).toEqual(records)
      expect([...metadata]).toEqual(records)
    }),
    { numRuns: 500 },
  )
})

test.each([
  ['the longest sequence number that Kinesis allows, 128 digits', { sequenceNumber: '9'.repeat(128) }],
  ['a sequence number of more digits than a byte counts', { sequenceNumber: '9'.repeat(700) }],
  ['a partition key of 256 characters outside of the basic plane', { partitionKey: '𝒦'.repeat(128) }],
  ['a partition key of 254 bytes', { partitionKey: 'k'.repeat(254) }],
  ['a partition key of 255 bytes', { partitionKey: 'k'.repeat(255) }],
  ['a partition key that no Kinesis takes', { partitionKey: 'k'.repeat(70_000) }],
  ['an arrival before the epoch, with a fraction', { arrivalMs: -1.5 }],
  ['the last sub-sequence number', { subSequenceNumber: 0xffff_ffff }],
  ['a verdict', { verdict }],
])('%s comes back as it was', (_, fields) => {
  const plain = { arrivalMs: 1, sequenceNumber: '17', partitionKey: 'customer-1' }
  const records = [plain, { ...plain, sequenceNumber: '18', ...fields }, { ...plain, sequenceNumber: '19' }]
  expect(roundTrip(records)).toEqual(records)
})

test('fields that are not there stay absent', () => {
  const builder = new MetadataBuilder('shardId-000000000000')
  builder.add({
    arrivalMs: 1,
    sequenceNumber: '17',
    partitionKey: 'k',
    subSequenceNumber: undefined,
    verdict: undefined,
  })
  const [read] = new FrameMetadata(builder.finish(), 1)
  expect(Object.keys(read ?? {})).toEqual(['arrivalMs', 'sequenceNumber', 'partitionKey'])
})

describe('size', () => {
  const user = (index: number, partitionKey: string): RecordMetadata => ({
    arrivalMs: 1,
    sequenceNumber,
    subSequenceNumber: index,
    partitionKey,
  })

  test('user records of an aggregate that share long keys cost nine bytes each', () => {
    const keys = ['a'.repeat(1000), 'b'.repeat(1000)]
    const records = Array.from({ length: 1000 }, (_, index) => user(index, keys[index % 2] ?? ''))
    expect(roundTrip(records)).toEqual(records)
    expect(sectionOf(records).length).toBeLessThan(2 * 1010 + 1000 * 9 + 100)
  })

  test('sequence numbers that begin alike are there once', () => {
    const records = Array.from({ length: 1000 }, (_, index) => ({
      arrivalMs: index,
      sequenceNumber: `${sequenceNumber.slice(0, 40)}${String(index).padStart(16, '0')}`,
      partitionKey: 'customer-1',
    }))
    expect(roundTrip(records)).toEqual(records)
    expect(sectionOf(records).length / records.length).toBeLessThan(26)
  })
})

test('verdicts and drops are seen without reading the records', () => {
  const plain = { arrivalMs: 1, sequenceNumber: '17', partitionKey: 'k' }
  expect(holdsDecisions(sectionOf([plain, plain]))).toBe(false)
  expect(holdsDecisions(sectionOf([plain, { ...plain, origin: 3, partitionKeys: { day: '1' } }]))).toBe(false)
  expect(holdsDecisions(sectionOf([plain, { ...plain, verdict }]))).toBe(true)
  expect(holdsDecisions(sectionOf([plain, { ...plain, isDropped: true }]))).toBe(true)
})

test('only what processors say asks for the newer version, so that an older Hydrant reads all else', () => {
  const plain = { arrivalMs: 1, sequenceNumber: '17', partitionKey: 'k' }
  expect(sectionOf([plain, { ...plain, verdict, subSequenceNumber: 1 }])[0]).toBe(1)
  expect(sectionOf([plain, { ...plain, origin: 0 }])[0]).toBe(2)
  expect(sectionOf([{ ...plain, verdict: { ...verdict, attemptsMade: 4 } }])[0]).toBe(2)
})

test('a frame carries the section between its lengths and its payload', () => {
  const records = [
    { arrivalMs: 1, sequenceNumber: '17', partitionKey: 'k' },
    { arrivalMs: 2, sequenceNumber: '18', partitionKey: 'k', verdict },
  ]
  const builder = new FrameBuilder(2, 4, sectionOf(records))
  builder.addBytes(Buffer.from('ab'))
  builder.addBytes(Buffer.from('cd'))
  const frame = builder.finish(1)
  expect([...(frame.metadata ?? [])]).toEqual(records)
  expect(frame.payload.toString()).toBe('ab\ncd\n')
  expect(frame.isDecided).toBe(true)
})

test('a section of a later version is refused as newer', () => {
  const section = Buffer.from(sectionOf([{ arrivalMs: 1, sequenceNumber: '17', partitionKey: 'k' }]))
  section[0] = 3
  const read = (): FrameMetadata => new FrameMetadata(section, 1)
  expect(read).toThrow(FrameError)
  expect(read).toThrow(expect.objectContaining({ newer: true }))
})

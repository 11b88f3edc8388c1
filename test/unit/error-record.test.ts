/** Error records: the fields, order and bytes that files of Firehose have, and G2, lines that a retry repeats. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorLine, sequenceNumber } from '../../src/deliver/error-record.ts'
import type { LocatedFailure } from '../../src/deliver/failed-records.ts'
import type { SealedBatch } from '../../src/domain/batch.ts'
import type { Plan } from '../../src/domain/plan.ts'

const batch: SealedBatch = {
  stream: { name: 'orders', incarnation: '0123456789abcdef' },
  batchId: '3-00000000deadbeef',
  state: 'planned',
  trigger: 'interval',
  records: 10,
  bytes: 100,
  storedBytes: 60,
  frames: 2,
  firstAppend: 41,
  lastAppend: 42,
  oldestArrivalMs: 1_789_560_304_000,
  openedAtMs: 1_789_560_304_000,
  sealedAtMs: 1_789_560_371_000.25,
  attempts: 4,
  deaths: 1,
}

const plan: Plan = {
  version: 1,
  destination: { bucket: 'lake', prefix: '', errorOutputPrefix: '', compression: 'UNCOMPRESSED' },
  engine: 'duckdb',
  engineVersion: '1.5.5',
  table: { databaseName: 'db', tableName: 't', region: 'us-east-1', versionId: 'LATEST' },
}

const record: LocatedFailure = {
  errorType: 'format-conversion-failed',
  decidedBy: 'encoder',
  ordinal: 7,
  place: 7,
  arrivalMs: 1_789_560_304_000,
  code: 'DataFormatConversion.MalformedData',
  message: 'The record was empty or contained only whitespace.',
  rawData: new Uint8Array(),
}

const sequence = '49590338271490256608559692538361571095759215704000000002'
const decided: LocatedFailure = {
  errorType: 'processing-failed',
  decidedBy: 'verdict',
  ordinal: 8,
  place: 8,
  arrivalMs: 1_789_560_304_000.75,
  code: 'Hydrant.RecordTooLarge',
  message: 'The record has 1024001 bytes.',
  rawData: Buffer.from('{"a": 1'),
  source: { sequenceNumber: sequence },
}

test('a line has the fields and the order of the real service', () => {
  expect(errorLine(record, batch, plan)).toBe(
    '{"attemptsMade":1,"arrivalTimestamp":1789560304000,"lastErrorCode":"DataFormatConversion.MalformedData",' +
      '"lastErrorMessage":"The record was empty or contained only whitespace.","attemptEndingTimestamp":1789560371000,' +
      '"rawData":"","sequenceNumber":"41000000000007","subSequenceNumber":null,"dataCatalogTable":{"catalogId":null,' +
      '"databaseName":"db","tableName":"t","region":"us-east-1","versionId":"LATEST","roleArn":null}}\n',
  )
})

test('a record from a shard keeps the sequence number and the place in its aggregate that Kinesis gave it', () => {
  const numbers = (line: string): unknown[] => {
    const { sequenceNumber: number, subSequenceNumber } = JSON.parse(line) as Record<string, unknown>
    return [number, subSequenceNumber]
  }
  for (const errorType of ['format-conversion-failed', 'processing-failed'] as const) {
    const alone = { ...record, errorType, source: { sequenceNumber: sequence } }
    expect(numbers(errorLine(alone, batch, plan))).toEqual([sequence, null])
    const first = { ...alone, source: { ...alone.source, subSequenceNumber: 0 } }
    expect(numbers(errorLine(first, batch, plan))).toEqual([sequence, 0])
  }
})

test('a record that was decided before conversion has the fields and the order of processing failures', () => {
  expect(errorLine(decided, batch, plan)).toBe(
    '{"rawData":"eyJhIjogMQ==","errorCode":"Hydrant.RecordTooLarge","errorMessage":"The record has 1024001 bytes.",' +
      '"attemptsMade":1,"arrivalTimestamp":1789560304000,"attemptEndingTimestamp":1789560371000,' +
      `"sequenceNumber":"${sequence}","subSequenceNumber":null}\n`,
  )
})

test('a processing failure that came by the API says no sequence number', () => {
  const { source: _, ...byApi } = decided
  const line = JSON.parse(errorLine(byApi, batch, plan)) as object
  expect(Object.keys(line)).toEqual([
    'rawData',
    'errorCode',
    'errorMessage',
    'attemptsMade',
    'arrivalTimestamp',
    'attemptEndingTimestamp',
  ])
})

test('the table is named with its catalog and role where they are known, and is null without conversion', () => {
  const table = {
    databaseName: 'db',
    tableName: 't',
    region: 'eu-west-1',
    versionId: '3',
    catalogId: '000000000000',
    roleArn: 'arn:aws:iam::000000000000:role/firehose',
  }
  expect(JSON.parse(errorLine(record, batch, { ...plan, table }))).toMatchObject({ dataCatalogTable: table })
  const { table: _, ...raw } = plan
  expect(JSON.parse(errorLine(record, batch, raw))).toMatchObject({ dataCatalogTable: null })
})

test('G2: a later attempt writes the same line', () => {
  const later: SealedBatch = { ...batch, attempts: 9, deaths: 2 }
  for (const failure of [record, decided]) {
    expect(errorLine(failure, later, plan)).toBe(errorLine(failure, batch, plan))
  }
})

test('an attempt never ends before the arrival, whatever the clocks of store and server say', () => {
  const line = errorLine({ ...record, arrivalMs: batch.sealedAtMs + 5 }, batch, plan)
  const { arrivalTimestamp, attemptEndingTimestamp } = JSON.parse(line) as Record<string, number>
  expect(attemptEndingTimestamp).toBe(arrivalTimestamp)
})

test('any bytes and any message make one line that gives the bytes back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.nat(5), (bytes, message, skipped) => {
      const padded = Uint8Array.from([...Array.from({ length: skipped }, () => 0), ...bytes])
      const line = errorLine({ ...record, rawData: padded.subarray(skipped), message }, batch, plan)
      expect(line.indexOf('\n')).toBe(line.length - 1)
      const { rawData, lastErrorMessage } = JSON.parse(line) as { rawData: string; lastErrorMessage: string }
      expect(Buffer.from(rawData, 'base64')).toEqual(Buffer.from(bytes))
      expect(lastErrorMessage).toBe(message)
    }),
  )
})

test('sequence numbers are digits that grow within a batch and from batch to batch', () => {
  const numbers = [
    sequenceNumber(batch, 0),
    sequenceNumber(batch, 1),
    sequenceNumber(batch, 999_999_999_999),
    sequenceNumber({ ...batch, firstAppend: 43 }, 0),
    sequenceNumber({ ...batch, firstAppend: 100 }, 0),
  ].map(BigInt)
  expect(numbers.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(numbers)
  expect(new Set(numbers).size).toBe(numbers.length)
})

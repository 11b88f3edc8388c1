/** The lines that DuckDB reads when a stream has metadata columns. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import {
  MetadataLines,
  metadataKeys,
  openingOf,
  plainPart,
  recordOf,
} from '../../src/convert/duckdb/metadata-lines.ts'
import {
  metadataFields,
  plannedColumns,
  tableColumns,
  warnOfTakenColumns,
} from '../../src/convert/metadata-columns.ts'
import type { MetadataColumn } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { framesOf, inputOf, type FrameSource } from '../conformance/encoder/encoding.ts'
import { allMetadata, plain, sourceOf } from '../conformance/encoder/metadata-sources.ts'

function linesOf(table: readonly string[], metadataColumns: readonly MetadataColumn[]): MetadataLines {
  const { plan } = inputOf({
    columns: table.map((name) => [name, 'int'] as const),
    records: [],
    metadataColumns,
  })
  const columns = plannedColumns(plan)
  return new MetadataLines(columns, metadataKeys(columns))
}

function frameOf(records: readonly (string | Buffer)[], source?: FrameSource): Frame {
  const [frame] = framesOf({ columns: [], records, sources: [source], recordsPerFrame: records.length })
  if (frame === undefined) throw new Error('there is no frame')
  return frame
}

test('a line opens with the metadata of its record', () => {
  const metadata = { ...plain(1), sequenceNumber: '42', subSequenceNumber: 7, partitionKey: 'a"\t\u0000é' }
  const frame = frameOf(['{"n":1}'], { shardId: 'shardId-0', records: [metadata] })
  const [part] = linesOf(['n'], allMetadata).parts(frame)
  expect(part?.lines.toString()).toBe(
    `{"\\u0001m0":"shardId-0","\\u0001m1":"42","\\u0001m2":7,"\\u0001m3":"a\\"\\t\\u0000é","\\u0001m4":1793610900124,\t"n":1}\n`,
  )
})

test('a line of a record without metadata opens with nulls', () => {
  const [part] = linesOf(['n'], allMetadata.slice(0, 2)).parts(frameOf(['{"n":1}', '{}']))
  const opening = '{"\\u0001m0":null,"\\u0001m1":null,\t'
  expect(part?.lines.toString()).toBe(`${opening}"n":1}\n${opening}}\n`)
})

test('the planned columns are the table’s, then the metadata columns in their order', () => {
  const { plan } = inputOf({
    columns: [['n', 'int']],
    records: [],
    metadataColumns: [
      { field: 'arrival', name: 'at' },
      { field: 'shardId', name: 'shard' },
    ],
  })
  const columns = plannedColumns(plan)
  expect(columns).toEqual([
    { name: 'n', type: { kind: 'int' } },
    { name: 'at', type: { kind: 'timestamp' }, field: 'arrival' },
    { name: 'shard', type: { kind: 'string' }, field: 'shardId' },
  ])
  expect(tableColumns(columns)).toEqual(columns.slice(0, 1))
  expect(metadataFields(columns)).toEqual(['arrival', 'shardId'])
})

test('a metadata column gives way to a column of the table that has its name, and the operator is told', () => {
  const input = inputOf({ columns: [['sub', 'int']], records: [], metadataColumns: allMetadata })
  expect(plannedColumns(input.plan).map(({ name }) => name)).toEqual([
    'sub',
    'shard',
    'sequence',
    'key',
    'arrived',
  ])
  const log = createLog('silent')
  const warnings: unknown[] = []
  log.warn = (...told: unknown[]) => void warnings.push(told)
  warnOfTakenColumns(log, input)
  warnOfTakenColumns(log, inputOf({ columns: [['n', 'int']], records: [], metadataColumns: allMetadata }))
  warnOfTakenColumns(log, inputOf({ columns: [['n', 'int']], records: [] }))
  expect(warnings).toEqual([
    [
      { deliveryStream: 'orders', batchId: '1-0123456789abcdef', columns: ['sub'] },
      'metadata columns gave way to the table’s own',
    ],
  ])
})

test('a record and its opening are found again in the line, whatever both hold', () => {
  const tail = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.concat([Buffer.from('{'), bytes]))
  const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom('\t', '"\t', '\\'))
  fc.assert(
    fc.property(fc.array(fc.tuple(tail, key), { minLength: 1, maxLength: 20 }), (cases) => {
      const source = {
        shardId: '\t"s',
        records: cases.map(([, partitionKey], n) => ({ ...plain(n), partitionKey })),
      }
      const frame = frameOf(
        cases.map(([record]) => record),
        source,
      )
      const lines = linesOf(['n'], allMetadata)
      const openings = [...{ [Symbol.iterator]: () => lines.openings(frame) }]
      let index = 0
      for (const part of lines.parts(frame)) {
        let start = 0
        for (let at = 0; at < part.records; at += 1, index += 1) {
          const length = part.lengths.readUInt32LE(4 * at)
          const line = part.lines.subarray(start, start + length)
          expect(part.lines[start + length]).toBe(0x0a)
          expect(openingOf(line)).toBe(openings[index])
          expect(recordOf(line)).toEqual(cases[index]?.[0])
          start += length + 1
        }
        expect(start).toBe(part.lines.length)
      }
      expect(index).toBe(cases.length)
    }),
  )
})

test('the lines of a frame come in parts of a bounded size', () => {
  const records = Array.from({ length: 9000 }, (_, n) => (n % 100 === 5 ? '' : `{"n":${n}}`))
  const source = sourceOf(1, records.length)
  const long = source.records.map((record) => ({ ...record, partitionKey: '\u0000'.repeat(256) }))
  const frame = frameOf(records, { ...source, records: long })
  const parts = [...linesOf(['n'], allMetadata).parts(frame)]
  expect(parts.length).toBeGreaterThan(10)
  for (const { lines } of parts) expect(lines.length).toBeLessThan((1 << 20) + 4096)
  expect(parts.reduce((sum, part) => sum + part.records, 0)).toBe(9000)
  expect(Buffer.concat(parts.map((part) => part.source)).equals(frame.payload)).toBe(true)
  const newlines = Buffer.concat(parts.map((part) => part.lines)).filter((byte) => byte === 0x0a)
  expect(newlines.length).toBe(9000)
  const last = parts.at(-1)
  expect(last?.sourceLength(last.records - 1)).toBe(frame.length(8999))
})

test('without metadata columns the lines are the frame’s own bytes', () => {
  const frame = frameOf(['{"n":1}', '{"n":2}'], sourceOf(0, 2))
  const { lines, source, lengths } = plainPart(frame)
  expect(lines.buffer).toBe(frame.buffer.buffer)
  expect([lines.toString(), source.toString()]).toEqual(['{"n":1}\n{"n":2}\n', '{"n":1}\n{"n":2}\n'])
  expect(lengths.equals(frame.lengths)).toBe(true)
})

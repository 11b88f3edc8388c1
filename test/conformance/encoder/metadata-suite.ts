/** Metadata columns: where each record came from, in columns after the table's own, whatever the record holds. */
import { describe, expect, test } from 'vitest'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import { MetadataBuilder } from '../../../src/domain/metadata-builder.ts'
import { inputOf, readParquet, type Batch, type Outcome } from './encoding.ts'
import type { Engine } from './ending-suite.ts'
import { metadataRecordsSuite } from './metadata-records.ts'
import { ARRIVAL_MS, allMetadata, cellsOf, plain, sourceOf, sourced } from './metadata-sources.ts'

const columns = [['a', 'string'], ['n', 'int']] as const // prettier-ignore

type Encode = (batch: Batch) => Promise<Outcome>

export function metadataSuite(engine: Engine, encode: Encode): void {
  describe('metadata columns', () => {
    valuesSuite(encode)
    keysSuite(engine, encode)
    metadataRecordsSuite(encode)
    endsSuite(engine, encode)
  })
}

function valuesSuite(encode: Encode): void {
  const records = Array.from({ length: 10 }, (_, n) => `{"n":${n},"a":"x"}`)

  test('hold where each record came from, after the columns of the table', async () => {
    const source = sourced(records)
    const { rows } = await encode({ columns, records, metadataColumns: allMetadata, sources: [source] })
    expect(rows).toEqual(records.map((_, n) => ['x', String(n), ...cellsOf(source, n)]))
    expect(new Set(rows.map((row) => row[4]))).toEqual(new Set([null, '0', '1']))
  })

  test('come in the order in which they are listed, each with its own name', async () => {
    const source = sourced(records)
    const metadataColumns = [
      { field: 'arrival', name: 'kinesis_at' },
      { field: 'subSequenceNumber', name: 'a b"c\'d' },
      { field: 'arrival', name: 'again' },
      { field: 'shardId', name: 'select' },
    ] as const
    const { rows } = await encode({ columns, records, metadataColumns, sources: [source] })
    const cells = records.map((_, n) => cellsOf(source, n))
    expect(rows.map((row) => row.slice(2))).toEqual(
      cells.map(([shard, , sub, , arrival]) => [arrival, sub, arrival, shard]),
    )
  })

  test('are null in a frame without metadata, between frames that have some', async () => {
    const sources = [sourceOf(0, 2), undefined, sourceOf(7, 2)]
    const { rows } = await encode({
      columns,
      records,
      metadataColumns: allMetadata,
      sources,
      recordsPerFrame: 2,
    })
    expect(rows.map((row) => row.slice(2))).toEqual(
      records.map((_, n) => cellsOf(sources[Math.floor(n / 2) % 3], n % 2)),
    )
  })

  test('take any partition key', async () => {
    const keys = ['', ' ', '"', '\\', '\t', 'a\tb', '\n', '\r\n', '\u0000', '\u0001', '\u007f\u2028', '\ufeffx', 'größe', '😀', '{"a":1}',
      `',"m0":"x"`, 'null', "'); drop table batch_rows; --", 'k'.repeat(256), '\u0000'.repeat(256), '😀'.repeat(256)] // prettier-ignore
    const metadata = keys.map((partitionKey, n) => ({ ...plain(n), partitionKey }))
    for (const careful of [false, true]) {
      const { rows, failures } = await encode({
        columns,
        records: keys.map((_, n) => `{"n":${n}}`),
        metadataColumns: allMetadata,
        sources: [{ shardId: 'shard "1"\\', records: metadata }],
        careful,
      })
      expect(failures).toEqual([])
      expect(rows.map((row) => [row[1], row[2], row[5]])).toEqual(
        keys.map((key, n) => [String(n), 'shard "1"\\', key]),
      )
    }
  })

  test('are null for a place or an arrival beyond their type', async () => {
    const odd = [
      { subSequenceNumber: 2 ** 31 - 1, arrivalMs: -1.5 },
      { subSequenceNumber: 2 ** 31, arrivalMs: Number.NaN },
      { subSequenceNumber: 2 ** 32 - 1, arrivalMs: 253_402_300_800_000 },
      { subSequenceNumber: 0, arrivalMs: -62_135_596_800_000 },
      { subSequenceNumber: 0, arrivalMs: Infinity },
      { subSequenceNumber: 0, arrivalMs: 253_402_300_799_999.9 },
    ]
    for (const careful of [false, true]) {
      const { rows } = await encode({
        columns,
        records: odd.map(() => '{"n":1}'),
        metadataColumns: allMetadata,
        sources: [{ shardId: 's', records: odd.map((some, n) => ({ ...plain(n), ...some })) }],
        careful,
      })
      expect(rows.map((row) => [row[4], row[6]])).toEqual([
        ['2147483647', '-2'],
        [null, null],
        [null, null],
        ['0', '-62135596800000'],
        ['0', null],
        ['0', '253402300799999'],
      ])
    }
  })
}

function keysSuite(engine: Engine, encode: Encode): void {
  const names = ['shard', 'SHARD', 'sequence', 'Sub', 'key', 'arrived', 'm0', 'm1', 'M2', '\u0001m0', '\u0001M1', 'm2\u0001', 'LINE\u0001', 'DOUBT\u0001', 'v0', 'r0',
    '__proto__', ''] // prettier-ignore
  const escaped = (name: string): string =>
    `"${Array.from(name, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`

  test.each([true, false])('are not what a key of the record says, folded: %s', async (caseInsensitive) => {
    const values = ['"stolen"', '5', 'null', '{"m0":1}', '1789560304000', '"2026-11-02T09:15:00Z"', '1e400']
    const records = names.flatMap((name) =>
      [JSON.stringify(name), escaped(name)].flatMap((key) =>
        values.flatMap((value) => [
          `{${key}:${value},"n":1}`,
          `{"n":1,${key}:${value}}`,
          `{${key}:${value}}`,
        ]),
      ),
    )
    const sources = [sourceOf(1, 7), undefined]
    for (const careful of [false, true]) {
      const { rows, failures } = await encode({
        columns,
        records,
        metadataColumns: allMetadata,
        sources,
        recordsPerFrame: 7,
        caseInsensitive,
        careful,
      })
      expect(failures).toEqual([])
      expect(rows).toEqual(
        records.map((record, n) => [
          null,
          record.includes('"n"') ? '1' : null,
          ...cellsOf(sources[Math.floor(n / 7) % 2], n % 7),
        ]),
      )
    }
  })

  test('stand beside columns of any names', async () => {
    const table = ['m', 'm0', 'mm1', 'm4', 'line', 'v0', 'doubt', 'gröle', 'ｍ0'].map(
      (name) => [name, 'int'] as const,
    )
    const record = `{${table.map(([name], n) => `${JSON.stringify(name)}:${n}`).join(',')}}`
    for (const some of [table, table.slice(0, 7)]) {
      const records = [record, record, record.toUpperCase(), '{}']
      const source = sourced(records)
      const { rows } = await encode({
        columns: some,
        records,
        metadataColumns: allMetadata,
        sources: [source],
      })
      const values = some.map((_, n) => String(n))
      expect(rows).toEqual([
        [...values, ...cellsOf(source, 0)],
        [...values, ...cellsOf(source, 1)],
        [...values, ...cellsOf(source, 2)],
        [...some.map(() => null), ...cellsOf(source, 3)],
      ])
    }
  })

  test('give way to a column of the table that has their name', async () => {
    const input = inputOf({
      columns: [['shard', 'int'], ['n', 'int']], // prettier-ignore
      records: ['{"shard":1,"n":2}', '{}'],
      metadataColumns: allMetadata,
      sources: [sourceOf(1, 2)],
    })
    const encoded = await engine.encoder.encode(input)
    const path = encoded.objects[0]?.body.path ?? ''
    const made = ['shard', 'n', 'sequence', 'sub', 'key', 'arrived']
    const types = ['int', 'int', 'string', 'int', 'string', 'timestamp'] as const
    const rows = await readParquet(
      path,
      made.map((name, index) => ({ name, type: { kind: types[index] ?? 'int' } })),
    )
    expect(rows).toEqual([
      ['1', '2', ...cellsOf(sourceOf(1, 2), 0).slice(1)],
      [null, null, ...cellsOf(sourceOf(1, 2), 1).slice(1)],
    ])
    await encoded.dispose()
  })
}

function emptyFrame(hasMetadata: boolean): Frame {
  const section = hasMetadata ? new MetadataBuilder('shardId-000000000000').finish() : undefined
  return new FrameBuilder(0, 0, section).finish(ARRIVAL_MS)
}

function endsSuite(engine: Engine, encode: Encode): void {
  test('are the same again, byte for byte, and in frames cut otherwise', async () => {
    const records = Array.from({ length: 3000 }, (_, n) => (n % 10 === 0 ? `{"n":"${n}x"}` : `{"n":${n}}\n`))
    const source = sourceOf(4, 3000)
    const batch = { columns, records, metadataColumns: allMetadata, sources: [source], recordsPerFrame: 3000 }
    const first = await encode(batch)
    expect(await encode(batch)).toEqual(first)
    const parts = Array.from({ length: 30 }, (_, part) => ({
      ...source,
      records: source.records.slice(100 * part, 100 * part + 100),
    }))
    const other = await encode({ ...batch, sources: parts, recordsPerFrame: 100 })
    expect(other.rows).toEqual(first.rows)
  })

  test('of frames with no records, or of no frame, make no object', async () => {
    for (const metadataColumns of [[], allMetadata]) {
      for (const careful of [false, true]) {
        for (const count of [0, 3]) {
          const input = inputOf({ columns, records: [], metadataColumns, careful })
          const frames = Array.from({ length: count }, (_, n) => emptyFrame(n === 1))
          const encoded = await engine.encoder.encode({
            ...input,
            frames: async function* () {
              await Promise.resolve()
              yield* frames
            },
          })
          expect(encoded).toMatchObject({ objects: [], rows: 0, errors: {}, dropped: 0 })
          for await (const failure of encoded.failures()) expect(failure).toBe('never')
          await encoded.dispose()
        }
      }
    }
  })
}

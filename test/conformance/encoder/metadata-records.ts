/** Metadata columns of records that are not one plain row each: odd, empty, large, many in a frame. */
import { expect, test } from 'vitest'
import type { Batch, Outcome } from './encoding.ts'
import { allMetadata, cellsOf, plain, sourceOf, sourced } from './metadata-sources.ts'
import { oddRecords } from './odd-records.ts'

const columns = [['a', 'string'], ['n', 'int']] as const // prettier-ignore

export function metadataRecordsSuite(encode: (batch: Batch) => Promise<Outcome>): void {
  test.each([
    ['all', allMetadata],
    ['one that is mostly null', allMetadata.filter(({ field }) => field === 'subSequenceNumber')],
  ] as const)('are the same in each row of an odd record: %s', async (_, metadataColumns) => {
    const records = oddRecords.flatMap(({ record }) => [record, '{"a":"good"}'])
    const source = sourced(records)
    const fields = allMetadata.map(({ name }) => metadataColumns.some((column) => column.name === name))
    const expected = records.flatMap((_record, n) => {
      const found = n % 2 === 1 ? [['good', null]] : (oddRecords[n / 2]?.rows ?? [])
      return found.map((row) => [...row, ...cellsOf(source, n).filter((_cell, at) => fields[at])])
    })
    for (const careful of [false, true]) {
      const { rows, failures } = await encode({
        columns,
        records,
        metadataColumns,
        sources: [source],
        recordsPerFrame: records.length,
        careful,
      })
      expect(rows).toEqual(expected)
      expect(failures.map(({ code, message }) => ({ code, message }))).toEqual(
        oddRecords.flatMap(({ verdict }) => verdict ?? []),
      )
    }
  })

  test('are right in records of no column of the table, with and without metadata', async () => {
    const records = [
      '{}',
      '{ }',
      '{\t}',
      ' {}',
      '{} ',
      '{"z":1}',
      '{"a":null}',
      '{}{}',
      '{,}',
      '{',
      '{}}',
      '{},',
      '{},{}',
    ]
    const sources = [sourceOf(2, records.length), undefined]
    const { rows, failures } = await encode({
      columns,
      records: [...records, ...records],
      metadataColumns: allMetadata,
      sources,
      recordsPerFrame: records.length,
    })
    const good = [0, 1, 2, 3, 4, 5, 6, 7, 7]
    expect(rows).toEqual(sources.flatMap((source) => good.map((n) => [null, null, ...cellsOf(source, n)])))
    const bad = [8, 9, 10, 11, 12]
    expect(failures.map(({ ordinal }) => ordinal)).toEqual([...bad, ...bad.map((n) => n + records.length)])
  })

  test('are right in lines around the size that readers make room for', async () => {
    const key = '"'.repeat(256)
    const metadata = [0, 1].map((n) => ({ ...plain(n), partitionKey: key }))
    for (const room of [2 ** 19, 2 ** 20]) {
      const sizes = [-1200, -700, -400, -2, -1, 0, 1].map((more) => room + more - '{"a":""}'.length)
      const records = sizes.flatMap((size) => [`{"a":"${'x'.repeat(size)}"}`, `{"z":"${'x'.repeat(size)}"}`])
      const { rows } = await encode({
        columns,
        records,
        metadataColumns: allMetadata,
        sources: [{ shardId: 's', records: metadata }],
      })
      expect(rows.map(([a, , , , , partitionKey]) => [a?.length, partitionKey])).toEqual(
        sizes.flatMap((size) => [
          [size, key],
          [undefined, key],
        ]),
      )
    }
  })

  test('are right in a frame of many small records with long partition keys', async () => {
    const key = '😀'.repeat(256)
    const records = Array.from({ length: 6000 }, (_, n) => {
      if (n % 1009 === 8) return `{"n":"bad ${n}"}`
      if (n % 211 === 7) return `{"n":${n}}{"N":${n}}`
      return `{"n":${n}}`
    })
    const metadata = records.map((_, n) => ({ ...plain(5), subSequenceNumber: n, partitionKey: key }))
    const { rows, failures } = await encode({
      columns,
      records,
      metadataColumns: allMetadata,
      sources: [{ shardId: 's', records: metadata }],
      recordsPerFrame: records.length,
    })
    const expected = records.flatMap((record, n) => {
      if (record.includes('bad')) return []
      return record.includes('}{') ? [n, n] : [n]
    })
    expect(rows.map((row) => [row[1], row[4]])).toEqual(expected.map((n) => [String(n), String(n)]))
    expect(rows.every((row) => row[5] === key)).toBe(true)
    expect(failures.map(({ ordinal }) => ordinal)).toEqual(
      records.flatMap((record, n) => (record.includes('bad') ? [n] : [])),
    )
  })

  test('are there beside 2,000 columns', async () => {
    const wide = Array.from({ length: 2000 }, (_, n) => [`c${n}`, 'int'] as const)
    const record = `{${wide.map(([name], n) => `"${name}":${n}`).join(',')}}`
    const source = sourced([record, '{}'])
    const { rows } = await encode({
      columns: wide,
      records: [record, '{}'],
      metadataColumns: allMetadata,
      sources: [source],
    })
    expect(rows.map((row) => [row[0], row[1999], ...row.slice(2000)])).toEqual([
      ['0', '1999', ...cellsOf(source, 0)],
      [null, null, ...cellsOf(source, 1)],
    ])
  })
}

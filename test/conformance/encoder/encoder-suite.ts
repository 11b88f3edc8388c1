/** What every engine owes the Encoder port: rows, verdicts, order, exact bytes, nothing left behind. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REFUSED, acceptedText } from './accepted-text.ts'
import { outcomeOf, type Batch, type MakeEncoder, type Outcome } from './encoding.ts'
import { endingSuite, type Engine } from './ending-suite.ts'
import { fileSuite } from './file-suite.ts'
import { metadataSuite } from './metadata-suite.ts'
import { objectsSuite } from './objects-suite.ts'
import { oddRecords } from './odd-records.ts'

export function encoderConformance(name: string, make: MakeEncoder): void {
  describe(`${name} encoder`, () => {
    const engine = {} as { -readonly [K in keyof Engine]: Engine[K] }

    beforeAll(async () => {
      engine.stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-encoder-'))
      engine.encoder = await make(engine.stagingPath)
    })

    afterAll(async () => {
      await engine.encoder.close()
      const left = await readdir(engine.stagingPath)
      await rm(engine.stagingPath, { recursive: true })
      expect(left).toEqual([])
    })

    const encode = (batch: Batch): Promise<Outcome> => outcomeOf(engine.encoder, batch)
    acceptedTextSuite(encode)
    membersSuite(encode)
    oddRecordsSuite(encode)
    orderSuite(encode)
    fileSuite(encode)
    metadataSuite(engine, encode)
    endingSuite(engine)
    describe('objects', () => objectsSuite(engine))
  })
}

type Encode = (batch: Batch) => Promise<Outcome>

const MALFORMED_DATA = 'DataFormatConversion.MalformedData'

function acceptedTextSuite(encode: Encode): void {
  describe('takes the text of its type', () => {
    test.each(Object.keys(acceptedText))('%s', async (type) => {
      const cases = acceptedText[type] ?? []
      const records = cases.map(([json], index) => `{"n":${index},"v":${json}}`)
      const columns = [['n', 'int'], ['v', type]] as const // prettier-ignore
      const { rows, failures } = await encode({ columns, records })
      const made = new Map(rows.map(([n, value]) => [Number(n), value]))
      const refused = new Set(failures.map(({ ordinal }) => ordinal))
      expect(cases.map(([json], index) => [json, refused.has(index) ? REFUSED : made.get(index)])).toEqual(
        cases,
      )
      expect(new Set(failures.map(({ code }) => code))).toEqual(
        new Set(cases.some(([, value]) => value === REFUSED) ? [MALFORMED_DATA] : []),
      )
    })
  })

  test('says which text was refused, in the words of the service', async () => {
    const columns = [['i', 'bigint'], ['d', 'date'], ['t', 'timestamp'], ['b', 'boolean']] as const // prettier-ignore
    const records = [
      '{"i":"oops"}',
      '{"d":"oops"}',
      '{"t":"oops"}',
      '{"b":"oops","i":1.50}',
      '{"i":[1, {"A":2}]}',
      `{"i":"${'x'.repeat(1000)}"}`,
    ]
    const { failures } = await encode({ columns, records })
    expect(failures.map(({ message }) => message)).toEqual([
      'Data does not match the schema. For input string: "oops"',
      'Data does not match the schema. Invalid format for one or more dates.',
      'Encountered invalid or unsupported timestamp format: "oops"',
      'Data does not match the schema. For input string: "1.50"',
      'Data does not match the schema. For input string: "[1,{"a":2}]"',
      `Data does not match the schema. For input string: "${'x'.repeat(200)}…"`,
    ])
  })
}

function membersSuite(encode: Encode): void {
  const columns = [['a', 'string'], ['b', 'bigint'], ['c', 'double']] as const // prettier-ignore

  test('a missing key and null are null, an unknown key is dropped', async () => {
    const records = ['{"a":"x","b":1,"c":2}', '{}', '{"b":null,"z":[1]}', '{"z":{"a":1}}']
    const { rows, failures } = await encode({ columns, records })
    expect(rows).toEqual([['x', '1', '2'], [null, null, null], [null, null, null], [null, null, null]]) // prettier-ignore
    expect(failures).toEqual([])
  })

  test('keys match in any letter case when they are folded', async () => {
    const records = ['{"A":"x","B":1}', '{"a":"y","B":2}', '{"a":"z","b":3}', '{"\\u0041":"u"}']
    const { rows } = await encode({ columns, records })
    expect(rows).toEqual([['x', '1', null], ['y', '2', null], ['z', '3', null], ['u', null, null]]) // prettier-ignore
  })

  test('keys match exactly when they are not folded', async () => {
    const records = ['{"A":"x","B":1}', '{"a":"y","B":2}', '{"a":{"Key":1}}', '{"\\u0061":"u"}']
    const { rows } = await encode({ columns, records, caseInsensitive: false })
    expect(rows).toEqual([[null, null, null], ['y', null, null], ['{"Key":1}', null, null], ['u', null, null]]) // prettier-ignore
  })

  test('of two equal keys the first counts', async () => {
    const records = [
      '{"a":1,"a":2}',
      '{"a":null,"a":2}',
      '{"A":1,"a":2}',
      '{"a":1,"A":2}',
      '{"b":1,"b":"x"}',
      '{"b":"x","b":1}',
      '{"a":1,"\\u0061":2}',
    ]
    const { rows, failures } = await encode({ columns, records })
    expect(rows.map(([a, b]) => a ?? b)).toEqual(['1', null, '1', '1', '1', '1'])
    expect(failures.map(({ ordinal }) => ordinal)).toEqual([5])
  })

  test('names and keys of any characters are only names', async () => {
    const names = [
      'select', 'a b', "it's", '"quoted"', 'semi;drop table t', '$.path', '$', 'a.b', 'a[0]', '/pointer', '~', 'naïve', '名前',
      '😀', '__proto__', 'constructor', 'tostring', '0', '1', 'a,b', '\\', 'tab\there', '%s', '#', '*', 'line', 'ordinal', 'v',
    ] // prettier-ignore
    const record = (keys: readonly string[]): string =>
      `{${keys.map((key, index) => `${JSON.stringify(key)}:${index}`).join(',')}}`
    const batch = {
      columns: names.map((name) => [name, 'int'] as const),
      records: [record(names), record(names.toReversed()), '{}'],
    }
    const { rows, failures } = await encode(batch)
    const values = names.map((_, index) => String(index))
    expect(failures).toEqual([])
    expect(rows).toEqual([values, values.toReversed(), names.map(() => null)])
  })

  test('2,000 columns', async () => {
    const wide = Array.from(
      { length: 2000 },
      (_, index) => [`c${index}`, index % 2 === 0 ? 'bigint' : 'string'] as const,
    )
    const full = `{${wide.map(([name], index) => `"${name}":${index}`).join(',')}}`
    const { rows, failures } = await encode({
      columns: wide,
      records: [full, '{"c1999":"x"}', '{"c0":"x"}', full],
    })
    expect(rows.length).toBe(3)
    expect(rows[0]).toEqual(wide.map((_, index) => String(index)))
    expect(rows[1]?.[1999]).toBe('x')
    expect(rows[2]).toEqual(rows[0])
    expect(failures.map(({ ordinal }) => ordinal)).toEqual([2])
  })
}

function oddRecordsSuite(encode: Encode): void {
  const columns = [['a', 'string'], ['n', 'int']] as const // prettier-ignore

  test.each(oddRecords)('odd record: $name', async ({ record, rows: expected, verdict }) => {
    const good = Array.from({ length: 3 }, (_, n) => `{"a":"good","n":${n}}`)
    const { rows, failures } = await encode({ columns, records: [...good, record, ...good] })
    const goodRows = good.map((_, n) => ['good', String(n)])
    expect(rows).toEqual([...goodRows, ...(expected ?? []), ...goodRows])
    expect(failures.map(({ ordinal, code, message }) => ({ ordinal, code, message }))).toEqual(
      verdict === undefined ? [] : [{ ordinal: 3, ...verdict }],
    )
  })

  test('all odd records together, each in its place', async () => {
    const { rows, failures } = await encode({
      columns,
      records: oddRecords.map(({ record }) => record),
      recordsPerFrame: 7,
    })
    expect(rows).toEqual(oddRecords.flatMap((odd) => odd.rows ?? []))
    expect(failures.map(({ code, message }) => ({ code, message }))).toEqual(
      oddRecords.flatMap(({ verdict }) => verdict ?? []),
    )
  })
}

function orderSuite(encode: Encode): void {
  const columns = [['n', 'int'], ['a', 'string']] as const // prettier-ignore

  test('rows and failures keep the order of the records', async () => {
    const record = (n: number): string => {
      if (n % 97 === 0) return `{"n":"bad ${n}"}`
      if (n % 101 === 0) return `{"n":${n},"a":"line\\nbreak"}\n`
      if (n % 103 === 0) return `{"n":${n}}{"n":${n},"a":"second"}`
      if (n % 107 === 0) return `{"N":${n},"A":"folded"}`
      return `{"n":${n},"a":"row"}`
    }
    const records = Array.from({ length: 25_000 }, (_, n) => record(n))
    const { rows, failures } = await encode({ columns, records })
    const isBad = (n: number): boolean => n % 97 === 0
    const ordinals = records.map((_, n) => n)
    const expected = ordinals
      .filter((n) => !isBad(n))
      .flatMap((n) => (record(n).includes('}{') ? [n, n] : [n]))
    expect(rows.map(([n]) => Number(n))).toEqual(expected)
    expect(failures.map(({ ordinal }) => ordinal)).toEqual(ordinals.filter(isBad))
    expect(failures.map(({ arrivalMs }) => arrivalMs)).toEqual(
      ordinals.filter(isBad).map((n) => 1_793_610_900_000 + n - (n % 500)),
    )
  })

  test('the same batch gives the same rows, verdicts and bytes again, carefully or not', async () => {
    const records = Array.from({ length: 3000 }, (_, n) =>
      n % 10 === 0 ? `{"n":"${n}x"}` : `{"n":${n},"A":"${n % 7}"}\n`,
    )
    const first = await encode({ columns, records })
    expect(await encode({ columns, records })).toEqual(first)
    const carefully = await encode({ columns, records, careful: true })
    expect({ rows: carefully.rows, failures: carefully.failures }).toEqual({
      rows: first.rows,
      failures: first.failures,
    })
    const other = await encode({ columns, records, recordsPerFrame: 77 })
    expect(other.rows).toEqual(first.rows)
  })

  test('batches at the same time do not meet', async () => {
    const batchOf = (a: string): Batch => ({
      columns,
      records: Array.from({ length: 2000 }, (_, n) =>
        n % 50 === 0 ? `{"n":"${a}"}` : `{"n":${n},"a":"${a}"}`,
      ),
    })
    const outcomes = await Promise.all(['x', 'y', 'z'].map((a) => encode(batchOf(a))))
    for (const [index, { rows, failures }] of outcomes.entries()) {
      const a = ['x', 'y', 'z'][index]
      expect(rows.length).toBe(1960)
      expect(new Set(rows.map((row) => row[1]))).toEqual(new Set([a]))
      expect(new Set(failures.map(({ rawData }) => Buffer.from(rawData).toString()))).toEqual(
        new Set([`{"n":"${a}"}`]),
      )
    }
  })

  test('a batch of nothing but bad records makes no object', async () => {
    const { objects, rows, errors } = await encode({ columns, records: ['{"n":"x"}', '', '[]', '\n', '{'] })
    expect([objects, rows]).toEqual([[], []])
    expect(errors).toEqual({ [MALFORMED_DATA]: 4, 'DataFormatConversion.ParseError': 1 })
  })
}

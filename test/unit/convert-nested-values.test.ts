/** Nested values, at any depth, as each of the two deserialisers reads them. */
import { describe, expect, test } from 'vitest'
import { exactScanner } from '../../src/convert/duckdb/exact-record.ts'
import { typedColumns } from '../../src/convert/hive-types.ts'
import type { ConversionRules } from '../../src/convert/json-rules.ts'
import { DEPTH_MAX } from '../../src/convert/json-cursor.ts'
import { recordReader } from '../../src/convert/json-record.ts'
import { verdicts } from '../../src/convert/verdicts.ts'

const FOLDING: ConversionRules = { caseInsensitive: true }
const EXACT: ConversionRules = { caseInsensitive: false }
const HIVE: ConversionRules = { caseInsensitive: true, hive: { timestampFormats: [] } }

/** The plain form of a value of column v, or the message of the verdict on it. */
function read(type: string, json: string, rules: ConversionRules = FOLDING): string {
  return readRecord({ v: type }, `{"v":${json}}`, rules)
}

/** The plain members of a record, without the name of a column v. */
function readRecord(types: Readonly<Record<string, string>>, record: string, rules: ConversionRules): string {
  const columns = typedColumns(Object.entries(types).map(([name, type]) => ({ name, type })))
  const keys = columns.map(({ name }) => name)
  const rows = exactScanner(columns, keys, rules)(Buffer.from(record))
  // Nulls are left out.
  const nulls = `${JSON.stringify(keys[0])}:null`
  return [...rows]
    .map((row) => (row.verdict === undefined ? row.members || nulls : row.verdict.message))
    .join(';')
    .replace(/^"v":/, '')
}

describe('an array under OpenX', () => {
  test.each([
    ['array<int>', '[1,"2",null]', '[1,2,null]'],
    ['array<int>', '[]', '[]'],
    ['array<int>', 'null', 'null'],
    ['array<int>', '7', '[7]'],
    ['array<string>', '{"A":[1, 2]}', '["{\\"a\\":[1,2]}"]'],
    ['array<array<int>>', '[1,[2,3],null,[null]]', '[[1],[2,3],null,[null]]'],
    ['array<array<array<int>>>', '7', '[[[7]]]'],
    ['array<struct<a:int>>', '{"a":1}', '[{"a":1}]'],
    ['array<map<string,int>>', '{"a":1}', '[{"a":1}]'],
    ['array<int>', '"x"', 'Data does not match the schema. For input string: "x"'],
    ['array<int>', '[1,"x",{"y":"z"}]', 'Data does not match the schema. For input string: "x"'],
  ])('%s makes of %s %s', (type, json, expected) => {
    expect(read(type, json)).toBe(expected)
  })
})

describe('a struct under OpenX', () => {
  test.each([
    ['struct<a:int,b:string>', '{"b":"x","a":1}', '{"a":1,"b":"x"}'],
    ['struct<a:int,b:string>', '{"B":"x","other":[1,{"a":2}]}', '{"a":null,"b":"x"}'],
    ['struct<a:int,b:string>', '{}', '{"a":null,"b":null}'],
    ['struct<a:int,b:string>', '[1,"x","dropped",{"a":2}]', '{"a":1,"b":"x"}'],
    ['struct<a:int,b:string>', '[1]', '{"a":1,"b":null}'],
    ['struct<a:int,b:string>', '[]', '{"a":null,"b":null}'],
    ['struct<a:int>', 'null', 'null'],
    ['struct<a:struct<b:struct<c:int>>>', '{"A":{"B":{"C":5}}}', '{"a":{"b":{"c":5}}}'],
    ['struct<a:int>', '{"a":null,"a":1}', '{"a":null}'],
    ['struct<a:int>', '{"A":1,"a":"x"}', '{"a":1}'],
    ['struct<__proto__:int,constructor:int>', '{"__proto__":1}', '{"__proto__":1,"constructor":null}'],
  ])('%s makes of %s %s', (type, json, expected) => {
    expect(read(type, json)).toBe(expected)
  })

  test.each([
    ['42', 'java.lang.Long with value 42'],
    ['-0', 'java.lang.Long with value -0'],
    ['9223372036854775808', 'java.math.BigInteger with value 9223372036854775808'],
    ['4.20', 'java.lang.Double with value 4.20'],
    ['1e3', 'java.lang.Double with value 1e3'],
    ['"text"', 'java.lang.String with value text'],
    ['true', 'java.lang.Boolean with value true'],
  ])('takes no %s, in the words of the service', (json, what) => {
    const message = `Data does not match the schema. Data is not JSONObject  but ${what}`
    expect(read('struct<a:int>', json)).toBe(message)
    expect(read('array<struct<a:struct<b:int>>>', `[{"a":${json}}]`)).toBe(message)
  })

  test('matches keys as they are where they are not folded', () => {
    expect(read('struct<a:struct<b:int>>', '{"a":{"B":1,"b":2},"A":3}', EXACT)).toBe('{"a":{"b":2}}')
  })
})

describe('a map under OpenX', () => {
  test.each([
    ['map<string,int>', '{"Key":1,"b":null}', '{"key":1,"b":null}'],
    ['map<string,int>', '{}', '{}'],
    ['map<string,int>', 'null', 'null'],
    ['map<string,int>', '{"a":1,"A":2,"\\u0061":"x"}', '{"a":1}'],
    ['map<string,int>', '{"a":null,"a":2}', '{"a":null}'],
    ['map<int,int>', '{"1":1,"01":2,"1.0":3}', '{"1":1}'],
    ['map<varchar(1),int>', '{"ab":1,"ac":2}', '{"a":1}'],
    ['map<date,int>', '{"2026-1-2":1}', '{"2026-01-02":1}'],
    ['map<decimal(5,2),int>', '{"1.5":1}', '{"1.50":1}'],
    ['map<double,int>', '{"NaN":1,"NaN":2,"0":3,"-0":4}', '{"NaN":1,"0":3}'],
    ['map<timestamp,int>', '{"2026-01-02T03:04:05Z":1}', '{"2026-01-02T03:04:05.000Z":1}'],
    ['map<boolean,array<int>>', '{"TRUE":1}', '{"true":[1]}'],
    ['map<string,int>', '5', verdicts.scalarForComplex.message],
    ['map<string,int>', '"x"', verdicts.scalarForComplex.message],
    ['map<string,int>', '[]', verdicts.arrayForMap.message],
    ['map<int,int>', '{"x":1}', 'Data does not match the schema. For input string: "x"'],
  ])('%s makes of %s %s', (type, json, expected) => {
    expect(read(type, json)).toBe(expected)
  })

  test('keeps the keys as they are where keys are not folded, dots always', () => {
    expect(read('map<string,int>', '{"A.b":1,"a.b":2}', EXACT)).toBe('{"A.b":1,"a.b":2}')
    const dots = { ...FOLDING, dotsToUnderscores: true } as const
    expect(read('map<string,int>', '{"A.b":1}', dots)).toBe('{"a.b":1}')
  })

  test('a key that its type refuses has a code of its own', () => {
    const columns = typedColumns([{ name: 'v', type: 'map<int,int>' }])
    expect(recordReader(columns, FOLDING)(Buffer.from('{"v":{"x":1}}')).verdict?.code).toBe(
      'DataFormatConversion.InvalidRecord',
    )
  })
})

describe('under Hive', () => {
  const JACKSON = 'Data does not match the schema. org.codehaus.jackson.JsonParseException:'
  const numeric = (token: string): string =>
    `${JACKSON} Current token (${token}) not numeric, can not use numeric value accessors`
  test.each([
    ['array<int>', '[1,null]', '[1,null]'],
    ['array<int>', '1', verdicts.arrayExpected.message],
    ['array<int>', '{"a":[1]}', verdicts.arrayExpected.message],
    ['array<int>', 'null', 'null'],
    ['map<string,int>', '{"A":1,"a":2}', '{"A":1,"a":2}'],
    ['map<string,int>', '[1]', verdicts.objectExpected.message],
    ['struct<a:int>', '{"A":1,"other":"x"}', '{"a":1}'],
    ['struct<a:int>', '[1]', verdicts.objectExpected.message],
    ['struct<a:int>', '42', verdicts.objectExpected.message],
    ['struct<a:int>', 'null', 'null'],
    ['int', '"5"', numeric('VALUE_STRING')],
    ['bigint', 'true', numeric('VALUE_TRUE')],
    ['double', 'false', numeric('VALUE_FALSE')],
    ['float', '{"a":1}', numeric('START_OBJECT')],
    ['tinyint', '[1]', numeric('START_ARRAY')],
    ['tinyint', '128', `${JACKSON} Numeric value (128) out of range of Java byte`],
    ['smallint', '-32769', `${JACKSON} Numeric value (-32769) out of range of Java short`],
    ['int', '3e9', `${JACKSON} Numeric value (3000000000) out of range of int`],
    ['bigint', '9223372036854775808', `${JACKSON} Numeric value (9223372036854775808) out of range of long (-9223372036854775808 - 9223372036854775807)`],
    ['int', '1.5', 'Data does not match the schema. For input string: "1.5"'],
    ['int', '1.5e1', '15'],
    ['string', '{"a":1}', verdicts.incorrectFormat.message],
    ['date', '[]', verdicts.incorrectFormat.message],
    ['string', '1.10', '"1.10"'],
    ['decimal(5,2)', '"1.5"', '"1.50"'],
    ['boolean', '"TRUE"', 'true'],
    ['binary', '"é"', '"w6k="'],
    ['array<struct<b:binary>>', '[{"b":"x é\\u0000"}]', '[{"b":"x \\\\xc3\\\\xa9\\\\x00"}]'],
    ['map<int,binary>', '{"1":"\\"\\\\","2":null}', '{"1":"\\\\x22\\\\x5c","2":null}'],
    ['timestamp', '"2026-1-2 03:04:05.123456"', '"2026-01-02T03:04:05.123Z"'],
    ['timestamp', '"2026-01-02T03:04:05Z"', 'Encountered invalid or unsupported timestamp format: "2026-01-02T03:04:05Z"'],
    ['timestamp', '1535365805', 'Encountered invalid or unsupported timestamp format: "1535365805"'],
  ])('%s makes of %s %s', (type, json, expected) => {
    expect(read(type, json, HIVE)).toBe(expected)
  }) // prettier-ignore

  test('keys match in any letter case whatever OpenX’s options say', () => {
    const rules: ConversionRules = {
      ...HIVE,
      caseInsensitive: false,
      dotsToUnderscores: true,
      jsonKeys: { v: 'w' },
    }
    expect(readRecord({ v: 'struct<a_b:int>' }, '{"V":{"a.b":1,"A_B":2},"w":3}', rules)).toBe('{"a_b":2}')
  })

  test('timestamps take the given formats before the one that is always taken', () => {
    const rules: ConversionRules = {
      ...HIVE,
      hive: { timestampFormats: ['millis', "yyyy-MM-dd'T'HH:mm:ss.SSSZ"] },
    }
    const makes = (json: string): string => read('timestamp', json, rules)
    expect(makes('1535365805123')).toBe('"2018-08-27T10:30:05.123Z"')
    expect(makes('"-1.9"')).toBe('"1969-12-31T23:59:59.999Z"')
    expect(makes('"2018-08-27T10:30:05.123+0900"')).toBe('"2018-08-27T01:30:05.123Z"')
    expect(makes('"2018-08-27T10:30:05.123"')).toBe(
      'Encountered invalid or unsupported timestamp format: "2018-08-27T10:30:05.123"',
    )
    expect(makes('"2018-8-27 10:30:05"')).toBe('"2018-08-27T10:30:05.000Z"')
    expect(makes('99999999999999999')).toMatch(/^Encountered invalid/)
  })
})

describe('OpenX’s options', () => {
  test('dots in keys are underscores, of columns and of fields at any depth; of two equal keys the first counts', () => {
    const dots = { ...FOLDING, dotsToUnderscores: true } as const
    const types = { a_b: 'struct<c_d:int>', s: 'string' }
    expect(readRecord(types, '{"A.b":{"c.D":1,"c_d":2},"a_b":{},"s":{"x.Y":1}}', dots)).toBe(
      '"a_b":{"c_d":1},"s":"{\\"x.y\\":1}"',
    )
    expect(readRecord({ a_b: 'int' }, '{"a.b":1}', FOLDING)).toBe('"a_b":null')
    expect(readRecord({ a_b: 'int' }, '{"A.b":1,"a.b":2}', { ...EXACT, dotsToUnderscores: true })).toBe(
      '"a_b":2',
    )
  })

  test('a mapped column is read from its key only, a key may feed several columns, fields are not mapped', () => {
    const rules: ConversionRules = { ...FOLDING, jsonKeys: { ts: 'Timestamp', again: 'timestamp' } }
    const types = { ts: 'int', again: 'string', timestamp: 'double', s: 'struct<ts:int,timestamp:int>' }
    const record = '{"ts":9,"TIMESTAMP":5,"timestamp":6,"s":{"ts":1,"timestamp":2}}'
    expect(readRecord(types, record, rules)).toBe(
      '"ts":5,"again":"5","timestamp":5,"s":{"ts":1,"timestamp":2}',
    )
    expect(
      readRecord({ ts: 'int' }, '{"timestamp":1,"Timestamp":2}', { ...EXACT, jsonKeys: { ts: 'Timestamp' } }),
    ).toBe('"ts":2')
  })
})

describe('text of a length', () => {
  test.each([
    ['varchar(3)', '"abcd"', '"abc"'],
    ['varchar(3)', '"😀😀😀😀"', '"😀😀😀"'],
    ['varchar(3)', '"a"', '"a"'],
    ['varchar(3)', '12345', '"123"'],
    ['varchar(4)', '{"A":1}', '"{\\"a\\""'],
    ['char(3)', '"abcd"', '"abc"'],
    ['char(3)', '"a"', '"a  "'],
    ['char(3)', '"😀"', '"😀  "'],
    ['char(3)', '""', '"   "'],
    ['char(3)', 'null', 'null'],
  ])('%s makes of %s %s', (type, json, expected) => {
    expect(read(type, json)).toBe(expected)
  })
})

describe('verdicts', () => {
  const columns = typedColumns([
    { name: 'a', type: 'struct<x:int,y:array<date>>' },
    { name: 'b', type: 'int' },
  ])
  const verdictOn = (record: string): string =>
    recordReader(columns, FOLDING)(Buffer.from(record)).verdict?.message ?? 'none'

  test('the first column’s is told, and of a nested value what comes first in the record', () => {
    expect(verdictOn('{"b":"x","a":{"y":["z"],"x":"q"}}')).toBe(
      'Data does not match the schema. Invalid format for one or more dates.',
    )
    expect(verdictOn('{"b":"x","a":{"y":[],"x":1}}')).toMatch(/"x"$/)
  })

  test('text that is no JSON is told before values that do not fit, also inside of them', () => {
    expect(verdictOn('{"a":{"x":"q"},"b":}')).toBe(verdicts.malformed.message)
    expect(verdictOn('{"a":{"x":"q" 1}}')).toBe(verdicts.malformed.message)
    expect(verdictOn('{"a":{"x":"q"}}{"b":1')).toMatch(/"q"$/)
  })

  test('JSON nested too deep is told wherever it is', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
    expect(verdictOn(`{"a":${deep}}`)).toBe(verdicts.deep.message)
    expect(verdictOn(`{"a":{"x":${deep}}}`)).toBe(verdicts.deep.message)
    const inside = (depth: number): string => `{"a":{"z":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    expect(verdictOn(inside(DEPTH_MAX - 2))).toBe('none')
    expect(verdictOn(inside(DEPTH_MAX - 1))).toBe(verdicts.deep.message)
  })

  test('a type as deep as types may be is read, and a scalar fills it', () => {
    const type = `${'array<'.repeat(99)}int${'>'.repeat(99)}`
    expect(read(type, '1')).toBe(`${'['.repeat(99)}1${']'.repeat(99)}`)
  })

  test('a few bytes that stand for gigabytes are refused', () => {
    const fields = Array.from({ length: 1000 }, (_, index) => `field_${index}:int`).join(',')
    expect(read(`array<struct<${fields}>>`, `[${'{},'.repeat(300_000)}{}]`)).toBe(verdicts.heavy.message)
    expect(read(`${'array<'.repeat(99)}int${'>'.repeat(99)}`, `[${'1,'.repeat(400_000)}1]`)).toBe(
      verdicts.heavy.message,
    )
    expect(read('array<char(255)>', `[${'"",'.repeat(300_000)}""]`)).toBe(verdicts.heavy.message)
    expect(read('array<array<int>>', `[${'[],'.repeat(300_000)}[]]`)).toHaveLength(900_004)
  })
})

test('bytes are refused under OpenX when the conversion is known, at any depth', () => {
  const columns = [{ name: 'v', type: 'array<struct<b:binary>>' }]
  expect(() => typedColumns(columns, {})).toThrow(
    expect.objectContaining({
      code: 'DataFormatConversion.InvalidSchema',
      message: 'One or more columns have types that are not supported by org.openx.data.JsonSerDe',
    }) as Error,
  )
  expect(typedColumns(columns, { hive: { timestampFormats: [] } })).toHaveLength(1)
  expect(typedColumns(columns)).toHaveLength(1)
})

test('timestamps keep microseconds where the conversion says so, rounded down', () => {
  const columns = typedColumns([{ name: 'v', type: 'array<timestamp>' }], { timestampUnit: 'micros' })
  const rows = exactScanner(
    columns,
    ['v'],
    FOLDING,
  )(
    Buffer.from(
      '{"v":["2026-01-02T03:04:05.123456789Z",-0.0000015,1535365805123.4567,"0001-01-01 00:00:00"]}',
    ),
  )
  expect([...rows]).toEqual([
    {
      members:
        '"v":["2026-01-02T03:04:05.123456Z","1969-12-31T23:59:59.999998Z","2018-08-27T10:30:05.123456Z","0001-01-01T00:00:00.000000Z"]',
    },
  ])
})

test('a value of a megabyte takes time by its length, whatever it is', () => {
  const digits = '1'.repeat(1_000_000)
  const formats = { timestampFormats: ['ZZZ', 'yyyyMMdd', 'yy-M', "y'abc'", 'millis', 'S'] }
  const started = process.cpuUsage()
  expect(read('struct<a:int>', digits)).toMatch(/java\.math\.BigInteger with value 1+…$/)
  expect(read('timestamp', `"${digits}"`, { ...HIVE, hive: formats })).toMatch(/^Encountered invalid/)
  expect(read('timestamp', `"${'a/'.repeat(500_000)}"`, { ...HIVE, hive: formats })).toMatch(/^Encountered/)
  expect(read('bigint', `${digits}e5`)).toMatch(/For input string: "1+…"$/)
  expect(read('map<string,int>', `{${'"k":1,'.repeat(150_000)}"k":2}`)).toBe('{"k":1}')
  const { user, system } = process.cpuUsage(started)
  expect((user + system) / 1_000_000).toBeLessThan(3)
})

/** Records that are not one clean line of JSON, for the columns a (string) and n (int), and what becomes of each. */
import { verdicts, type Verdict } from '../../../src/convert/verdicts.ts'

export interface OddRecord {
  readonly name: string
  readonly record: string | Buffer
  readonly rows?: readonly (readonly (string | null)[])[]
  readonly verdict?: Verdict
}

const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

const refused = (verdict: Verdict, ...records: readonly (string | Buffer)[]): OddRecord[] =>
  records.map((record) => ({
    name: `${verdict.message} ${JSON.stringify(record.toString('latin1' as never)).slice(0, 60)}`,
    record,
    verdict,
  }))

const read = (
  name: string,
  record: string | Buffer,
  ...rows: readonly (readonly [string | null, string | null])[]
): OddRecord => ({
  name,
  record,
  rows,
})

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

export const oddRecords: readonly OddRecord[] = [
  read('ends in a newline', '{"a":"x","n":1}\n', ['x', '1']),
  read('ends in CRLF', '{"a":"x","n":1}\r\n', ['x', '1']),
  read('begins with a newline', '\n{"a":"x"}', ['x', null]),
  read('holds newlines between its tokens', '{\n  "a": "x",\r\n\t"n": 1\n}', ['x', '1']),
  read('holds a lone CR between its tokens', '{"a":"x",\r"n":1}', ['x', '1']),
  read('holds spaces around', '   {"a":"x"}   ', ['x', null]),
  read('begins with a byte order mark', '\ufeff{"a":"x"}', ['x', null]),
  read('holds a byte order mark in a string', '{"a":"\ufeffx"}', ['\ufeffx', null]),
  read('holds U+0000 escaped', '{"a":"x\\u0000y"}', ['x\u0000y', null]),
  read('holds U+0001 escaped', '{"a":"\\u0001"}', ['\u0001', null]),
  read('holds DEL and line separators', '{"a":"\u007f\u0085\u2028\u2029"}', [
    '\u007f\u0085\u2028\u2029',
    null,
  ]),
  read('is an empty object', '{}', [null, null]),
  read('holds two documents', '{"a":"x"}{"a":"y"}', ['x', null], ['y', null]),
  read('holds two documents in lines', '{"a":"x"}\n{"a":"y"}\n', ['x', null], ['y', null]),
  read(
    'holds three documents in spaces',
    ' {"n":1} {"n":2}\t{"N":3} ',
    [null, '1'],
    [null, '2'],
    [null, '3'],
  ),
  read('holds a document and a newline in a string', '{"a":"x\\ny"}\n{"a":"z"}', ['x\ny', null], ['z', null]),
  read(
    'holds 60,000 documents',
    '{}'.repeat(60_000),
    ...Array.from({ length: 60_000 }, () => [null, null] as const),
  ),
  read('is as deep as may be', `{"z":${nested(999)}}`, [null, null]),
  read('has a key as long as may be', `{"${'k'.repeat(262_144)}":1,"n":1}`, [null, '1']),
  read('is as large as may be', `{"a":"${'x'.repeat(1_023_992)}"}`, ['x'.repeat(1_023_992), null]),
  read(
    'has 10,000 unknown keys',
    `{${Array.from({ length: 10_000 }, (_, k) => `"k${k}":${k}`).join(',')},"n":1}`,
    [null, '1'],
  ),
  read('has a number that says much', `{"n":1.${'0'.repeat(1000)}}`, [null, '1']),
  ...refused(verdicts.empty, '', ' ', '\n', '\r\n', ' \t\r\n ', '\ufeff', '\ufeff\n'),
  ...refused(
    verdicts.notUtf8,
    bytes([0xff]),
    bytes('{"a":"', [0xff], '"}'),
    bytes('{"a":"', [0xed, 0xa0, 0x80], '"}'),
    bytes('{"a":"', [0xc0, 0x80], '"}'),
    bytes('{"a":"\n', [0xc3], '"}'),
    bytes('{"a":1}', [0xfe]),
  ),
  ...refused(
    verdicts.primitive,
    '1',
    '"text"',
    'true',
    'null',
    '-1.5e3',
    '{"a":1} 2',
    '\n5\n',
    '"{\\"a\\":1}"',
  ),
  ...refused(verdicts.array, '[]', '[{"a":1}]', '{"a":1}[1]', '\n[\n]'),
  ...refused(verdicts.deep, `{"z":${nested(1000)}}`, `{"a":${nested(5000)}}`, '['.repeat(2000)),
  ...refused(verdicts.longKey, `{"${'k'.repeat(262_145)}":1}`, `{"a":{"${'k'.repeat(262_145)}":1}}`),
  ...refused(
    verdicts.malformed,
    'hello',
    '{"a":1',
    '{"a":1,}',
    '{"a":1}}',
    '{"a":1}x',
    '{"a":1},{"a":2}',
    '{"a":"x"}{"a":',
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":-Infinity}',
    '{"z":nan}',
    '{"n":01}',
    '{"n":1.}',
    '{"n":.5}',
    '{"n":+1}',
    '{"n":0x10}',
    "{'a':1}",
    '{a:1}',
    '{"a":1 /* comment */}',
    '{"a":1} // comment',
    '{"a":"line\nbreak"}',
    '{"a":"line\rbreak"}',
    '{"a":"tab\tin"}',
    '{"a":"\u0000"}',
    '{"a":"\u0001"}',
    '{"a":1}\u0000',
    '\u0000',
    '\u0001{"a":1}',
    '{"a":\u00011}',
    '{"a":"\\ud800"}',
    '{"a":"\\udc00x"}',
    '{"z":"\\ud800"}',
    '{"\\ud800":1}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":1}\ufeff',
    '\ufeff\ufeff{}',
    '\u00a0{"a":1}',
    '{"a":1}\f',
    ',',
    ']',
    '{"a":tru}',
    '{"a":True}',
    '{"a":nulll}',
    '{"n":--1}',
    '{"n":1e}',
    '{"a":1}\n{"a":1}\n{"n":',
    `${'{}'.repeat(60_000)}{`,
  ),
]

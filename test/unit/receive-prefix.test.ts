import { expect, test } from 'vitest'
import { formatPart, parsePattern } from '../../src/domain/java-time/pattern.ts'
import { zonedTime } from '../../src/domain/java-time/zoned-time.ts'
import { hasExpressions, parsePrefix, validatePrefixes, WIDEST_MS } from '../../src/domain/prefix.ts'
import { PREFIX_CASES } from '../support/whole-prefixes.ts'

test('a prefix is parsed into text and expressions in order', () => {
  expect(parsePrefix("c/!{timestamp:'dt='yyyy-MM-dd}/!{firehose:random-string}x")).toEqual({
    kind: 'parsed',
    expressions: [
      { kind: 'text', text: 'c/' },
      {
        kind: 'timestamp',
        pattern: [
          { literal: 'dt=' },
          { letter: 'y', count: 4 },
          { literal: '-' },
          { letter: 'M', count: 2 },
          { literal: '-' },
          { letter: 'd', count: 2 },
        ],
      },
      { kind: 'text', text: '/' },
      { kind: 'random-string' },
      { kind: 'text', text: 'x' },
    ],
  })
})

test('an empty prefix has no expressions', () => {
  expect(parsePrefix('')).toEqual({ kind: 'parsed', expressions: [] })
  expect(hasExpressions([{ kind: 'text', text: 'a' }])).toBe(false)
  expect(hasExpressions([{ kind: 'random-string' }])).toBe(true)
})

test.each([
  ["''", [{ literal: "'" }]],
  ["'a''b'", [{ literal: "a'b" }]],
  ["'it'''", [{ literal: "it'" }]],
  ['HH:mm', [{ letter: 'H', count: 2 }, { literal: ':' }, { letter: 'm', count: 2 }]],
])('pattern %s is read as java.time reads it', (pattern, parts) => {
  expect(parsePattern(pattern)).toEqual(parts)
})

test.each(["'open", 'C', 'yyyy-J', 'HHH', 'aa', 'MMMMMM', 'y{', 'y#', 'y]', 'ppHmm', "'''"])(
  'pattern %s is refused',
  (pattern) => {
    expect(parsePattern(pattern)).toBeUndefined()
  },
)

const TYPE = '!{firehose:error-output-type}'
const BAD_VALUE = 'Invalid conversion character used in the value of the expression in Prefix'
const BAD_ERROR_VALUE =
  'Invalid conversion character used in the value of the expression in ErrorOutputPrefix'
const BAD_USAGE = 'Invalid expression usage'
const NO_ERROR_PREFIX = 'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions'
const NO_TYPE = 'ErrorOutputPrefix must contain at least one occurrence of !{firehose:error-output-type}'
const TYPE_IN_PREFIX = 'Prefix must not contain any occurrence of !{firehose:error-output-type}'
const KEY_IN_ERRORS = "Dynamic Partitioning Namespaces can't be part of an error prefix expression"
const KEY_WITHOUT_PARTITIONING =
  'Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.'
const TOO_LONG = 'Length of evaluated prefix cannot be greater than 512'
const ERRORS_TOO_LONG = 'Length of evaluated ErrorOutputPrefix cannot be greater than 512'

function unknownNamespace(name: string): string {
  return `Namespace to the left of colon (${name}) is an invalid keyword!`
}

test.each(PREFIX_CASES.map((row) => [row.prefix, row.errorOutputPrefix, row.timeZone] as const))(
  'prefixes %j and %j in zone %j are taken',
  (prefix, errorOutputPrefix, timeZone) => {
    expect(validatePrefixes(prefix, errorOutputPrefix, { timeZone })).toBeUndefined()
  },
)

const pattern = (text: string): string => `a/!{timestamp:${text}}/`
const long = (count: number): string => 'x'.repeat(count)

const REFUSED: readonly (readonly [prefix: string, errorOutputPrefix: string, message: string])[] = [
  ['a/!{timestamp:yyyy}/', '', NO_ERROR_PREFIX],
  ['!{firehose:random-string}', '', NO_ERROR_PREFIX],
  ['a/', 'e/!{timestamp:yyyy}/', NO_TYPE],
  ['', '!{firehose:random-string}', NO_TYPE],
  ['a/!{timestamp:yyyy}/', 'e/!{timestamp:yyyy}/', NO_TYPE],
  [`${TYPE}/`, `${TYPE}/`, TYPE_IN_PREFIX],
  [`a/${TYPE}`, '', TYPE_IN_PREFIX],
  ['a/', `!{partitionKeyFromQuery:k}/${TYPE}/`, KEY_IN_ERRORS],
  ['a/', `!{partitionKeyFromLambda:k}/${TYPE}/`, KEY_IN_ERRORS],
  ['!{partitionKeyFromQuery:k}/', `${TYPE}/`, KEY_WITHOUT_PARTITIONING],
  ['!{partitionKeyFromLambda:k}/', `${TYPE}/`, KEY_WITHOUT_PARTITIONING],
  ['!{partitionKeyFromQuery:}/', `${TYPE}/`, BAD_VALUE],
  ['!{time:yyyy}', '', unknownNamespace('time')],
  ['!{Timestamp:yyyy}', '', unknownNamespace('Timestamp')],
  ['!{ timestamp:yyyy}', '', unknownNamespace(' timestamp')],
  ['!{:yyyy}', '', unknownNamespace('')],
  ['!{partitionKey:yyyy}', '', unknownNamespace('partitionKey')],
  ['!{__proto__:yyyy}', '', unknownNamespace('__proto__')],
  ['a/', `${TYPE}/!{date:yyyy}`, unknownNamespace('date')],
  ['a!{', '', BAD_USAGE],
  ['!{', '', BAD_USAGE],
  ['!{}', '', BAD_USAGE],
  ['a!{b', '', BAD_USAGE],
  ['a!{b}', '', BAD_USAGE],
  ['a/!{timestamp}/', '', BAD_USAGE],
  ['a/!{timestamp:yyyy', '', BAD_USAGE],
  ['a/!{timestamp:yyyy}/!{', TYPE, BAD_USAGE],
  ['!{timestamp:!{timestamp:yyyy}}', '', BAD_USAGE],
  ['a/', 'e/!{firehose:error-output-type', BAD_USAGE],
  ['a/', 'e/!{', BAD_USAGE],
  ['!{firehose:random}', '', BAD_VALUE],
  ['!{firehose:}', '', BAD_VALUE],
  ['!{firehose:Random-String}', '', BAD_VALUE],
  ['a/', '!{firehose:error-type}', BAD_ERROR_VALUE],
  ['', '!{timestamp:P}', BAD_ERROR_VALUE],
  ['', `${TYPE}!{timestamp:pH}`, BAD_ERROR_VALUE],
  [pattern(''), TYPE, BAD_VALUE],
  ...['C', 'I', 'J', 'P', 'R', 'T', 'U', 'V', 'b', 'f', 'i', 'j', 'l', 'o', 'p', 'r', 't'].map(
    (letter) => [pattern(letter), TYPE, BAD_VALUE] as const,
  ),
  ...["'open", 'HHH', 'aa', 'cc', 'DDDD', 'MMMMMM', 'VVV', 'vv', 'OO', 'XXXXXX', 'SSSSSSSSSS', 'yyyy#'].map(
    (text) => [pattern(text), TYPE, BAD_VALUE] as const,
  ),
  ...['yyyy{MM', 'yyyy]', "yyyy'}'MM", 'yyyy-MM-DDTHH', 'YYYY-MM-DD HH:mm:SS TZ', 'ppHmm', 'pp', "p'x'"].map(
    (text) => [pattern(text), TYPE, BAD_VALUE] as const,
  ),
  // A field that is wider than its padding, now or on another day, and years that JDK 17 cannot print.
  ...['pH', 'pd', 'pE', 'ppppppEEEE', 'ppppppppMMMM', 'ppppB', 'pppppppppppB', 'ppz', 'y'.repeat(11)].map(
    (text) => [pattern(text), TYPE, BAD_VALUE] as const,
  ),
  [long(513), '', TOO_LONG],
  [`${long(509)}!{timestamp:yyyy}`, TYPE, TOO_LONG],
  [`${long(502)}!{firehose:random-string}`, TYPE, TOO_LONG],
  [`${long(504)}!{timestamp:MMMM}d`, TYPE, TOO_LONG],
  ['', long(513), ERRORS_TOO_LONG],
  ['', long(489) + TYPE, ERRORS_TOO_LONG],
]

test.each(REFUSED)(
  'prefixes %j and %j are refused with the words of the service',
  (prefix, errorOutputPrefix, message) => {
    expect(validatePrefixes(prefix, errorOutputPrefix)).toBe(message)
  },
)

test.each([
  [long(512), ''],
  [`${long(508)}!{timestamp:yyyy}`, TYPE],
  [`${long(501)}!{firehose:random-string}`, TYPE],
  // The far moment is in December; in September the prefix is longer, and taken.
  [`${long(503)}!{timestamp:MMMM}d`, TYPE],
  ['', long(512)],
  ['', long(488) + TYPE],
])('512 characters as they evaluate at the far moment are taken: %j, %j', (prefix, errorOutputPrefix) => {
  expect(validatePrefixes(prefix, errorOutputPrefix)).toBeUndefined()
})

test('the time zone counts: its name is evaluated', () => {
  const prefix = `${long(512 - 'Hora'.length - 28)}!{timestamp:'Hora'zzzz}`
  expect('Central European Standard Time'.length - 28).toBe(2)
  expect(validatePrefixes(prefix, TYPE, { timeZone: 'Europe/Madrid' })).toBe(TOO_LONG)
  expect(validatePrefixes(prefix, TYPE, { timeZone: 'Asia/Tokyo' })).toBeUndefined()
  expect(validatePrefixes(prefix, TYPE, { timeZone: 'Mars/Olympus' })).toBeUndefined()
})

test('with dynamic partitioning Prefix may name partition keys, ErrorOutputPrefix may not', () => {
  const options = { dynamicPartitioning: true }
  const key = '!{partitionKeyFromQuery:k}/!{partitionKeyFromLambda:l}/'
  expect(validatePrefixes(key, TYPE, options)).toBeUndefined()
  expect(validatePrefixes(key, '', options)).toBe(NO_ERROR_PREFIX)
  expect(validatePrefixes(key, key + TYPE, options)).toBe(KEY_IN_ERRORS)
})

test.each([
  ['日'.repeat(300), '', 'Prefix can make object keys of 1174 bytes, and S3 takes 1024'],
  ['é'.repeat(400), '', 'Prefix can make object keys of 1074 bytes, and S3 takes 1024'],
  ['', '日'.repeat(300), 'ErrorOutputPrefix can make object keys of 1071 bytes, and S3 takes 1024'],
  ['日'.repeat(245), '', undefined],
  ['', '日'.repeat(280), undefined],
  [`a/!{timestamp:${'B-'.repeat(56)}}`, TYPE, 'Prefix can make object keys of 1214 bytes, and S3 takes 1024'],
])('a prefix whose keys S3 would not take is refused: %j, %j', (prefix, errorOutputPrefix, message) => {
  const problem = validatePrefixes(prefix, errorOutputPrefix)
  if (message === undefined) expect(problem).toBeUndefined()
  else expect(problem).toMatch(new RegExp(`^${message}. Shorten it; `))
})

test.each([
  ['a\ud83d/', '', 'Prefix has half of a surrogate pair'],
  ['\ude00/', '', 'Prefix has half of a surrogate pair'],
  ["!{timestamp:'\ud83d'yyyy}/", TYPE, 'Prefix has half of a surrogate pair'],
  ['!{timestamp:[\ud83d]\ude00yyyy}/', TYPE, 'Prefix has half of a surrogate pair'],
  ['', 'e\ud83d/', 'ErrorOutputPrefix has half of a surrogate pair'],
])('half of a character is refused: %j, %j', (prefix, errorOutputPrefix, message) => {
  expect(validatePrefixes(prefix, errorOutputPrefix)).toContain(message)
})

test.each([
  ['../', '', 'Prefix'],
  ['a/../../b/', '', 'Prefix'],
  ['//..//../', '', 'Prefix'],
  ['./../', '', 'Prefix'],
  ['!{timestamp:VV}/../../', TYPE, 'Prefix'],
  ["!{timestamp:'..'}/", TYPE, 'Prefix'],
  ['', '../', 'ErrorOutputPrefix'],
  ['', `${TYPE}/../../`, 'ErrorOutputPrefix'],
  ['..', '', undefined],
  ['..a/', '', undefined],
  ['.../', '', undefined],
  ['a/../b/', '', undefined],
  ['!{timestamp:VV}/../', TYPE, undefined],
  ['', `../${TYPE}`, 'ErrorOutputPrefix'],
  ['', `..${TYPE}`, undefined],
])('a prefix that leads out of its bucket is refused: %j, %j', (prefix, errorOutputPrefix, member) => {
  expect(validatePrefixes(prefix, errorOutputPrefix)).toBe(
    member && `${member} leads out of the bucket, which S3 refuses. Take "../" out of it`,
  )
})

test('the moments that widths are taken from have each field at its widest, in every zone', () => {
  const fields =
    parsePattern(
      'E[-]EEEE[-]MMMM[-]M[-]d[-]D[-]H[-]h[-]K[-]k[-]w[-]B[-]BBBBB[-]A[-]n[-]N[-]z[-]zzzz[-]XXX[-]O',
    ) ?? []
  for (const zone of ['UTC', 'America/St_Johns', 'Africa/Casablanca', 'Pacific/Kiritimati']) {
    for (const part of fields) {
      const width = (text = ''): number => Buffer.byteLength(text)
      const widest = Math.max(...WIDEST_MS.map((ms) => width(formatPart(part, zonedTime(ms, zone)))))
      for (let ms = Date.UTC(2027, 0, 1); ms < Date.UTC(2028, 0, 1); ms += 10_799_999) {
        const text = formatPart(part, zonedTime(ms, zone))
        if (width(text) > widest) expect([zone, part, text, widest]).toBe('no wider')
      }
    }
  }
})

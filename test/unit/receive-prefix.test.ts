import { expect, test } from 'vitest'
import { parsePattern } from '../../src/domain/java-time/pattern.ts'
import { hasExpressions, parsePrefix, validatePrefixes } from '../../src/domain/prefix.ts'

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

test.each([
  ['logs/', '', undefined],
  ['', '', undefined],
  ['', 'static', undefined],
  ['a/!{timestamp:yyyy}/', 'e/!{firehose:error-output-type}/', undefined],
  ['a/!{timestamp:yyyy}/', 'static', undefined],
  ['a/!{timestamp:yyyy}/', '', 'ErrorOutputPrefix cannot be null or empty when Prefix contains expressions'],
  [
    'a/',
    'e/!{timestamp:yyyy}/',
    'ErrorOutputPrefix must contain at least one occurrence of !{firehose:error-output-type}',
  ],
  [
    '!{firehose:error-output-type}/',
    '!{firehose:error-output-type}/',
    'Prefix must not contain any occurrence of !{firehose:error-output-type}',
  ],
  [
    'a/',
    '!{partitionKeyFromQuery:k}/!{firehose:error-output-type}/',
    "Dynamic Partitioning Namespaces can't be part of an error prefix expression",
  ],
  [
    '!{partitionKeyFromQuery:k}/',
    '!{firehose:error-output-type}/',
    'Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.',
  ],
  ['!{time:yyyy}', '', 'Namespace to the left of colon (time) is an invalid keyword!'],
  ['a!{', '', 'Invalid expression usage'],
  ['a!{b', '', 'Invalid expression usage'],
  ['a!{b}', '', 'Invalid expression usage'],
  ['!{timestamp:!{timestamp:yyyy}}', '', 'Invalid expression usage'],
  ['!{timestamp:}', '', 'Invalid conversion character used in the value of the expression in Prefix'],
  ['!{firehose:random}', '', 'Invalid conversion character used in the value of the expression in Prefix'],
  [
    '',
    '!{timestamp:P}',
    'Invalid conversion character used in the value of the expression in ErrorOutputPrefix',
  ],
  ['x'.repeat(512), '', undefined],
  ['x'.repeat(513), '', 'Length of evaluated prefix cannot be greater than 512'],
  [
    `${'x'.repeat(509)}!{timestamp:yyyy}`,
    '!{firehose:error-output-type}',
    'Length of evaluated prefix cannot be greater than 512',
  ],
  ['', 'x'.repeat(513), 'Length of evaluated ErrorOutputPrefix cannot be greater than 512'],
])('prefixes %j and %j are checked with the words of the service', (prefix, errorOutputPrefix, message) => {
  expect(validatePrefixes(prefix, errorOutputPrefix)).toBe(message)
})

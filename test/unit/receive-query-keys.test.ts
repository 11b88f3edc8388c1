/** Keys of a jq query, as far as its text tells them. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { queryKeys } from '../../src/receive/query-keys.ts'

test.each<[string, readonly string[]]>([
  ['{}', []],
  ['{a}', ['a']],
  ['{a: .a}', ['a']],
  ['{ customer_id : .customer.id , dt : .ts|strftime("%Y-%m-%d") }', ['customer_id', 'dt']],
  ['{"a b": .x, "c\\u0041": .y}', ['a b', 'cA']],
  ['. as $x | {$x, a: $x.b}', ['x', 'a']],
  ['.customer | {id: .id}', ['id']],
  ['({a: .a})', ['a']],
  ['{a: .a} + {b: .b} * {a: 1}', ['a', 'b']],
  ['{a: (if .x | not then {b: 1} | .b else 2 end), c: [.y, .z], d: {e: 1}}', ['a', 'c', 'd']],
  ['{a: .x // "}, b: 1", b: "\\(.x | "{\\(.y)}")"}', ['a', 'b']],
  ['{a: .a # {b: 1}\n, c: .c}', ['a', 'c']],
  ['{a: .if, b: .end | .x}', ['a', 'b']],
  ['{if: .a}', ['if']],
  ['{a: reduce .[] as $i (0; . + $i)}', ['a']],
])('%s', (query, keys) => {
  expect(queryKeys(query)).toEqual(keys)
})

test.each([
  '.',
  '.meta',
  '{(.a): 1}',
  '{"a\\(.b)": 1}',
  '{@base64 "a": 1}',
  '{a}, {b}',
  'if .x then {a: 1} else {b: 1} end',
  '{a: 1} | .b = 2',
  '{a: 1} // {b: 2}',
  'def f: {a: 1}; f',
  'try {a: 1} catch {b: 1}',
  '{a: 1',
  '{a: "',
  '}{',
])('%s does not tell', (query) => {
  expect(queryKeys(query)).toBeUndefined()
})

test('whatever a text is, it is read to its end', () => {
  const pieces = [
    '{',
    '}',
    '"',
    '\\(',
    ')',
    '(',
    ',',
    ':',
    '|',
    '.a',
    'a',
    '$a',
    '#',
    '\n',
    'if',
    'end',
    '+',
    '\\',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
      const keys = queryKeys(parts.join(''))
      expect(keys === undefined || keys.every((key) => typeof key === 'string')).toBe(true)
    }),
  )
})

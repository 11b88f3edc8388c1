/** The part of jq that is read without jq; everything else is left to it. That both say the same is quick-keys.test. */
import { describe, expect, test } from 'vitest'
import { refusedCall } from '../../src/process/jq/query-problem.ts'
import { readQueryKeys } from '../../src/process/partition/key-expression.ts'

describe('read quickly', () => {
  test.each([
    ['{c: .a}', [{ path: ['a'] }]],
    ['{c:.a.b["c d"][0].e}', [{ path: ['a', 'b', 'c d', 0, 'e'] }]],
    ['{"c": .["a"], d: ."b"}', [{ path: ['a'] }, { path: ['b'] }]],
    ['{c, "d"}', [{ path: ['c'] }, { path: ['d'] }]],
    ['{c: (.a // "none")}', [{ path: ['a'], otherwise: 'none' }]],
    ['{c: .a|tostring}', [{ path: ['a'], toText: true }]],
    ['{c: (.a // "x" | tostring)}', [{ path: ['a'], otherwise: 'x', toText: true }]],
    ['{c: .ts|strftime("%Y-%m-%d")}', [{ path: ['ts'], strftime: '%Y-%m-%d' }]],
    ['# a comment\n{ c : .a # another\n}', [{ path: ['a'] }]],
    ['{c: .a, c: .b}', [{ path: ['b'] }]],
  ])('%s', (query, expressions) => {
    expect(readQueryKeys(query)?.map(({ expression }) => expression)).toEqual(expressions)
  })
})

describe('left to jq', () => {
  test.each([
    '.a',
    '{c: .}',
    '{c: .a?}',
    '{c: .[0]}',
    '{c: .a[-1]}',
    '{c: .a[]}',
    '{c: .a[1:2]}',
    '{c: "x"}',
    '{c: "\\(.a)"}',
    '{"\\(.a)": .b}',
    '{(.a): .b}',
    '{$x}',
    '{c: (.a // .b)}',
    '{c: (.a // "x" | strftime("%Y"))}',
    '{c: .a|strftime("%A")}',
    '{c: .a|ascii_downcase}',
    '{c: .a} + {d: .b}',
    '{c: .a} | .',
    '{c: .a',
    '{c: ."é"}',
    '{c: .["a\\"b"]}',
    '',
  ])('%s', (query) => {
    expect(readQueryKeys(query)).toBeUndefined()
  })
})

test('a name is refused where it is called, and taken as the name of a member or of a function of the query’s own', () => {
  for (const query of [
    '{env: .x}',
    '{env}',
    '{a: 1, input}',
    '.env.input',
    '"env"',
    '# env',
    'def env: 1; env',
  ])
    expect(refusedCall(query)).toBeUndefined()
  for (const query of [
    'env',
    '[., env]',
    '{a: env}',
    '{(env): 1}',
    '"x\\(env)"',
    'f(.; env)',
    '{a: [1, env]}',
  ])
    expect(refusedCall(query)).toBe('env')
})

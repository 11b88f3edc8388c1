/**
 * jq in its thread: what each record gets, whatever the query does, and that it is the same in every process. A query that
 * never ends costs the record at which it does so, and no other.
 */
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { queryProblem } from '../../../src/process/jq/query-problem.ts'
import { blockProgram } from '../../../src/process/jq/query-program.ts'
import { QueryRun, type QueryRunOptions } from '../../../src/process/jq/query-runner.ts'
import { QueryThread } from '../../../src/process/jq/query-thread.ts'

const NOW_MS = 1_790_000_000_000

/** In words, one for each record. */
async function ran(
  query: string,
  records: readonly string[],
  options: Partial<QueryRunOptions> = {},
): Promise<string[]> {
  const run = new QueryRun({
    query,
    keys: ['k'],
    nowMs: NOW_MS,
    signal: new AbortController().signal,
    log: createLog('error'),
    queryMaxMs: 100,
    queryOutputMaxBytes: 1 << 20,
    ...options,
  })
  onTestFinished(() => run.end())
  const bytes = records.map((record) => Buffer.from(record))
  const { outcomes, outcomeOf } = await run.run(
    Buffer.concat(bytes),
    Uint32Array.from(bytes, ({ length }) => length),
  )
  return Array.from(outcomeOf, (place) => {
    const outcome = outcomes[place]
    if (outcome?.kind === 'answer') return JSON.stringify(outcome.answer)
    return outcome?.kind === 'ended' ? outcome.end : (outcome?.kind ?? 'nothing')
  })
}

const ONE_TWO_THREE = ['{"a":1}', '{"a":"x"}', '{"a":false}']

describe('records', () => {
  test.each([
    ['a number as jq prints it', '{"a":1.10}', '["1.10"]'],
    ['more digits than a double keeps', '{"a":100000000000000000001}', '["100000000000000000001"]'],
    ['a number beyond doubles', '{"a":1e999999999999}', '["1.7976931348623157e+308"]'],
    ['the last of two equal keys', '{"a":1,"a":2}', '["2"]'],
    ['an object as its text', '{"a":{"b":[1, 2]}}', '["{\\"b\\":[1,2]}"]'],
    ['null', '{"a":null}', '[null]'],
    ['a missing member', '{}', '[null]'],
    ['NUL', '{"a":"\\u0000"}', '["\\u0000"]'],
    ['a surrogate pair', '{"a":"\\ud83d\\ude00"}', '["😀"]'],
    ['half of a pair as jq 1.6 takes it', '{"a":"\\udead\\ud800"}', '["\ufffd\ufffd"]'],
    ['an escaped backslash before what looks like a half', '{"a":"\\\\ud800"}', '["\\\\ud800"]'],
    ['a byte order mark', '\ufeff{"a":1}', '["1"]'],
    ['a value of 1,024 bytes', `{"a":"${'y'.repeat(1_024)}"}`, `["${'y'.repeat(1_024)}"]`],
    ['a longer one', `{"a":"${'y'.repeat(1_025)}"}`, '[3]'],
    ['an array', '[1]', 'not-json'],
    ['two documents', '{} {}', 'not-json'],
    ['nothing', '', 'not-json'],
    ['what is cut off', '{"a":', 'not-json'],
    ['a raw tab in a string', '{"a":"\t"}', 'not-json'],
    ['NaN', '{"a":NaN}', 'not-json'],
    ['128 objects, as deep as jq reads', `${'{"a":'.repeat(128)}1${'}'.repeat(128)}`, /^\["\{/],
    ['129 objects', `${'{"a":'.repeat(129)}1${'}'.repeat(129)}`, 'not-json'],
    ['10,000 arrays', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'not-json'],
  ])('%s', async (_, record, expected) => {
    const [before, words, after] = await ran('{k: .a}', ['{"a":"b"}', record, '{"a":"c"}'])
    expect([before, after]).toEqual(['["b"]', '["c"]'])
    if (typeof expected === 'string') expect(words).toBe(expected)
    else expect(words).toMatch(expected)
  })
})

describe('queries', () => {
  test.each([
    ['no output', 'empty', ['0', '0', '0']],
    ['several outputs', '{k: .a}, {k: .a}', ['2', '2', '2']],
    ['very many outputs', '{k: range(1e12)}', ['2', '2', '2']],
    ['no object', '.a', ['1', '1', '1']],
    [
      'an error of one record',
      '{k: (if .a == "x" then error(null) else .a end)}',
      ['["1"]', '"null"', '["false"]'],
    ],
    [
      'an error that jq takes for a break of its own',
      '{k: (if .a == "x" then error({__jq: 99}) else .a end)}',
      ['["1"]', '"{\\"__jq\\":99}"', '["false"]'],
    ],
    ['halt', '{k: (if .a == "x" then halt else .a end)}', ['["1"]', 'halted', '["false"]']],
    ['no end', '{k: (if .a == "x" then (def f: f; f) else .a end)}', ['["1"]', 'steps', '["false"]']],
    [
      'no end in memory',
      '{k: (if .a == "x" then [range(1e12)] else .a end)}',
      ['["1"]', 'steps', '["false"]'],
    ],
    [
      'a text without end',
      '{k: (if .a == "x" then "a" * (1e9 + (.a | length)) else .a end)}',
      ['["1"]', 'memory', '["false"]'],
    ],
    [
      'a depth without end',
      '{k: (if .a == "x" then (reduce range(100000) as $i (null; [.]) | tojson) else .a end)}',
      ['["1"]', 'memory', '["false"]'],
    ],
    ['the moment of the batch', '{k: now}', Array.from({ length: 3 }, () => '["1790000000"]')],
    ['no environment', '{k: [$ENV, env]}', Array.from({ length: 3 }, () => '["[{},{}]"]')],
    ['its own lines', '{k:\n$__loc__.line}', ['["2"]', '["2"]', '["2"]']],
    ['functions of jq 1.6', '{k: [leaf_paths] | length}', ['["1"]', '["1"]', '["0"]']],
    ['a comment at its end', '{k: .a} # that is all \\', ['["1"]', '["x"]', '["false"]']],
    ['not a number', '{k: nan}', ['[null]', '[null]', '[null]']],
    ['base64', '{k: (.a | tostring | @base64 | @base64d)}', ['["1"]', '["x"]', '["false"]']],
    ['a regular expression', '{k: ("\\(.a)" | test("X"; "i"))}', ['["false"]', '["true"]', '["false"]']],
    [
      'dates',
      '{k: ("2015-03-05T23:51:47Z" | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime | todate)}',
      Array.from({ length: 3 }, () => '["2015-03-05T23:51:47Z"]'),
    ],
  ])('%s', async (_, query, expected) => {
    expect(await ran(query, ONE_TWO_THREE)).toEqual(expected)
  })

  test('an output that is longer than a block may have costs the records beyond it nothing', async () => {
    const records = Array.from({ length: 10 }, (_, index) => `{"a":"${String(index).repeat(1_000)}"}`)
    const words = await ran('{k: .a}', records, { queryOutputMaxBytes: 3_500 })
    expect(words.map((text) => text[2])).toEqual('0123456789'.split(''))
    expect(await ran('{k: .a}', ['{"a":"1"}', ...records.slice(0, 1)], { queryOutputMaxBytes: 500 })).toEqual(
      ['["1"]', 'output'],
    )
  })

  test('what is nested as deep as jq reads leaves the records beside it alone', async () => {
    const deep = `{"a":${'{"a":'.repeat(126)}1${'}'.repeat(126)}}`
    const words = await ran('{k: [.. | tostring] | length}', ['{"a":1}', deep, '{"a":1}'])
    expect(words).toEqual(['["2"]', '["128"]', '["2"]'])
  })

  test('a query that never ends for any record is given up in the end', async () => {
    const records = Array.from({ length: 15 }, () => '{"a":1}')
    const words = await ran('{k: (def f: f; f)}', records, { queryMaxMs: 1, endsMax: 10 })
    expect(words.slice(0, 10).every((end) => end === 'steps')).toBe(true)
    expect(words.slice(10)).toEqual(Array.from({ length: 5 }, () => 'given-up'))
  })

  test('an aborted run ends at once, though jq does not', async () => {
    const abort = new AbortController()
    const running = ran('{k: (def f: f; f)}', ONE_TWO_THREE, { signal: abort.signal, queryMaxMs: 3_600_000 })
    abort.abort(new Error('no longer wanted'))
    await expect(running).rejects.toThrow('no longer wanted')
  })
})

test('jq takes the same steps each time, in each thread', async () => {
  const deadline = { ms: 60_000, signal: new AbortController().signal }
  const bytes = Buffer.from('{"a":[3,1,2]}')
  const block = { bytes, lengths: Uint32Array.of(bytes.length), first: 0, end: 1 }
  const program = blockProgram('{k: ([range(1000)] | map(tostring) | sort | join(",") | length)}', ['k'])
  const isDone = async (steps: bigint): Promise<boolean> => {
    const thread = await QueryThread.start(NOW_MS, deadline)
    const { end } = await thread.ask({ program, steps, outputBytes: 1_000, block }, deadline)
    await thread.end()
    return end === undefined
  }
  let [least, most] = [0n, 4_000_000n]
  while (least + 1n < most) {
    const middle = (least + most) / 2n
    if (await isDone(middle)) most = middle
    else least = middle
  }
  expect(most).toBeLessThan(4_000_000n)
  for (let again = 0; again < 3; again += 1)
    expect([await isDone(most), await isDone(least)]).toEqual([true, false])
}, 120_000)

test('its clock, its zone and its environment are not those of the process', async () => {
  const query = '{k: [now, (0 | localtime | mktime), (0 | strflocaltime("%H:%M")), env]}'
  expect(await ran(query, ['{}'])).toEqual(['["[1790000000,0,\\"00:00\\",{}]"]'])
})

describe('what is wrong with a query', () => {
  test.each([
    ['{a: .b}', undefined],
    ['{a: now}', undefined],
    ['{input: .x, "env": .y}', undefined],
    ['{input}', undefined],
    ['def input: 1; {a: input}', undefined],
    ['{dt: .ts|strftime("%Y-%m-%d")}', undefined],
    ['{a: .env.halt}', undefined],
    ['# of nothing\n{a: "input"}', undefined],
    ['def f: f; f', undefined],
    ['{a: leaf_paths}', undefined],
    ['.[', /syntax error, unexpected end of file in line 1/],
    ['', /./],
    ['{a: foo}', /foo\/0 is not defined in line 1/],
    ['{a: .x // "y"}', /syntax error/],
    ['.a; def x: .', /syntax error/],
    ['.a) | (.b', /syntax error/],
    ['((((', /syntax error/],
    ['{a: input}', /uses input, which reads other records/],
    ['{a: "\\([inputs])"}', /uses inputs/],
    ['[., env]', /uses env, which reads the environment/],
    ['{a: $ENV.HOME}', /uses \$ENV/],
    ['import "a" as a; .', /uses import/],
    ['{a: halt_error}', /uses halt_error/],
    ['{a: debug}', /uses debug/],
    ['{a: (.a | @base32)}', /@base32/],
    ['{a: "\0"}', /NUL/],
  ])('%s', async (query, expected) => {
    const problem = await queryProblem(query)
    if (expected === undefined) expect(problem).toBeUndefined()
    else expect(problem).toMatch(expected)
  })
})

/**
 * The quick path and jq give every record the same keys and the same verdict: over generated queries of the forms that are
 * read quickly, and over records as producers write them and as nobody should.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame } from '../../../src/domain/frame.ts'
import { RecordLayout } from '../../../src/domain/record-layout/layout.ts'
import { readQueryKeys } from '../../../src/process/partition/key-expression.ts'
import { keyLayout } from '../../../src/process/partition/key-layout.ts'
import { keyTree } from '../../../src/process/partition/key-tree.ts'
import { LEFT_TO_JQ, QuickKeys } from '../../../src/process/partition/quick-keys.ts'
import { framesWith, inWords, partitioned, type PartitionCase } from '../../support/partition-input.ts'

const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'id', 'A', 'order_id', 'c d') },
  fc.constantFrom("it's", 'x.y', '__proto__', '%', 'é', 'a"b'),
)
type Path = readonly (string | number)[]
const path: fc.Arbitrary<Path> = fc
  .tuple(
    name,
    fc.array(fc.oneof({ weight: 4, arbitrary: name }, fc.nat({ max: 1 })), { maxLength: 2, size: 'small' }),
  )
  .map(([top, rest]) => [top, ...rest])

/** In one of its spellings. */
function spelled(steps: Path, spelling: number): string {
  const word = /^[a-zA-Z_][a-zA-Z0-9_]*$/
  return steps.reduce<string>((text, step, index) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (word.test(step) && (spelling >> index) % 3 > 0) return `${text}.${step}`
    return `${text === '' ? '.' : text}[${JSON.stringify(step)}]`
  }, '')
}

const form = fc.oneof(
  { weight: 4, arbitrary: fc.constant((of: string) => of) },
  fc
    .constantFrom('none', '', 'false', "it's", 'null')
    .map((otherwise) => (of: string) => `(${of} // ${JSON.stringify(otherwise)})`),
  fc.constantFrom(
    (of: string) => `(${of} | tostring)`,
    (of: string) => `${of}|tostring`,
    (of: string) => `(${of} // "none" | tostring)`,
  ),
  fc
    .constantFrom('%Y-%m-%d', '%Y/%m/%d/%H', 'y%YT%H:%M:%SZ', "it's %d", '%H')
    .map((format) => (of: string) => `(${of}|strftime(${JSON.stringify(format)}))`),
)

interface Key {
  readonly path: Path
  readonly query: string
}
const keyOf: fc.Arbitrary<Key> = fc
  .tuple(path, fc.nat(), form)
  .map(([steps, spelling, write]) => ({ path: steps, query: write(spelled(steps, spelling)) }))

const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.integer({ min: 1_600_000_000, max: 1_900_000_000 }).map(String),
  fc.constantFrom(
    '-0',
    '0',
    '1.10',
    '1.0',
    '1e2',
    '1E+2',
    '-0.0',
    '0.1',
    '123456789012345',
    '1234567890123456',
    '99999999999',
    '100000000000',
    '12345678901234567890123',
    '1e400',
    '-5',
    '1700000000.5',
  ),
)

/** The inside of a string, as it may be written. */
const letters = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom('x', 'y', 'EU', ' ', ',', ':', '{', '}', '[', ']', '/', '-1', '1.5'),
      },
      fc.constantFrom(
        '\\n',
        '\\"',
        '\\\\',
        '\\/',
        '\\u0061',
        '\\u00e9',
        '\\u0000',
        '\\u001f',
        '\\ud83d\\ude00',
        '\\ud800',
        '\\u2028',
        'é',
        '😀',
        '\u2028',
        ', inf',
        '\u007f',
      ),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(''))
const string = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('"EU"', '"12"', '"false"', '"null"', '""', '"1700000000"', '"."') },
  letters.map((text) => `"${text}"`),
)
const key = fc.oneof(
  { weight: 12, arbitrary: name.map((text) => JSON.stringify(text)) },
  fc.constantFrom('"\\u0061"', '"\\u0069d"', '"other"', '"x\\/y"', '"\\u00e9"'),
)
const space = fc.oneof(
  { weight: 12, arbitrary: fc.constant('') },
  fc.constantFrom(' ', '\t', '\n', '  ', '\r'),
)

const json = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 4, arbitrary: string },
    { weight: 3, arbitrary: number },
    { weight: 1, arbitrary: fc.constantFrom('null', 'true', 'false') },
    { weight: 2, arbitrary: tie('object') },
    { weight: 2, arbitrary: tie('array') },
  ),
  object: fc
    .array(fc.tuple(space, key, space, tie('value')), { maxLength: 6 })
    .map(
      (members) =>
        `{${members.map(([before, of, after, what]) => `${before}${of}:${after}${what}`).join(',')}}`,
    ),
  array: fc.array(tie('value'), { maxLength: 3 }).map((elements) => `[${elements.join(',')}]`),
}))

const leaf = fc.oneof(
  { weight: 5, arbitrary: string },
  { weight: 5, arbitrary: number },
  fc.constantFrom('null', 'true', 'false'),
  json.value,
)

/** A member that leads to a leaf by the steps of a path. */
function leading([step, ...rest]: Path, to: string): string {
  const inner = rest.length === 0 ? to : leading(rest, to)
  if (typeof step === 'string')
    return rest.length === 0 || typeof rest[0] === 'number'
      ? `${JSON.stringify(step)}:${inner}`
      : `${JSON.stringify(step)}:{${inner}}`
  const element = typeof rest[0] === 'string' ? `{${inner}}` : inner
  return `[${'"e",'.repeat(step ?? 0)}${element}]`
}

/** Records that have the keys. */
const keyed = (keys: readonly Key[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(leaf, { minLength: keys.length, maxLength: keys.length }),
      fc.array(fc.tuple(key, json.value), { maxLength: 2 }),
      fc.nat({ max: 9 }),
    )
    .map(([leaves, others, order]) => {
      const members = keys.map((of, index) => leading(of.path, leaves[index] ?? '0'))
      const more = others.map(([of, what]) => `${of}:${what}`)
      return `{${(order < 5 ? [...members, ...more] : [...more, ...members]).join(order % 5 === 0 ? ' , ' : ',')}}`
    })

const odd = fc.oneof(
  { weight: 4, arbitrary: json.object },
  json.value,
  fc
    .tuple(json.object, fc.constantFrom(' ', '\n', '{}', ' x', ',', '\ufeff', '\f', '\0'))
    .map(([of, more]) => of + more),
  fc.tuple(json.object, fc.constantFrom(' ', '\n', '\ufeff', '\v', '\t', '[')).map(([of, more]) => more + of),
  fc
    .tuple(json.object, fc.nat(), fc.constantFrom('', ',', 'nan', '01', '"', '\u0001', '\t'))
    .map(([of, at, more]) => {
      const place = at % (of.length + 1)
      return of.slice(0, place) + more + of.slice(place + 1)
    }),
  fc.constantFrom(
    '',
    ' ',
    'null',
    '{"a":1,}',
    '{"a":NaN}',
    '{"a":Infinity,"b":1}',
    "{'a':1}",
    '{"a":+1}',
    '{"a":.5}',
  ),
  fc
    .constantFrom(126, 127, 128, 254, 255, 256)
    .map((depth) => `{"b":1,"a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  fc.constantFrom(126, 127, 128, 129).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
)

/** Records that have the keys, or some of them, in one order. */
const alike = (keys: readonly Key[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(leaf, { minLength: keys.length, maxLength: keys.length }),
      fc.tuple(string, number),
      fc.nat({ max: 40 }),
    )
    .map(([leaves, [text, count], left]) => {
      const members = [...keys.map((of, index) => leading(of.path, leaves[index] ?? '0')), `"t":${text}`, `"n":${count}`, ...(left % 7 === 0 ? [`"\\\\u0161":1`] : [])]
      return `{${members.filter((_, index) => index !== left).join(left < 20 ? ',' : ', ')}}`
    }) // prettier-ignore

/** How many records have the layout of the first frame. */
function countAlike(query: string, frames: readonly Frame[]): number {
  const queryKeys = readQueryKeys(query)
  if (queryKeys === undefined) return 0
  const tree = keyTree(queryKeys.map(({ expression }) => expression))
  const layout = new RecordLayout([keyLayout(tree)], { judgedAfter: 0 })
  let count = 0
  for (const frame of frames) {
    layout.open(frame, frame.payload.toString('latin1'))
    let start = 0
    for (let index = 0; index < frame.records; index += 1) {
      const end = start + frame.length(index)
      if (layout.match(start, end) !== undefined) count += 1
      start = end + 1
    }
  }
  return count
}

/** By the layout of the first frame, and without one. */
async function expectAsByJq(given: PartitionCase, records: readonly string[]): Promise<void> {
  const byJq = inWords(await partitioned({ ...given, onlyJq: true }))
  for (const judgedAfter of [0, Infinity]) {
    const quickly = inWords(await partitioned({ ...given, layout: { judgedAfter } }))
    for (const [index, words] of quickly.entries())
      if (words !== byJq[index])
        throw new Error(`${given.query} of ${JSON.stringify(records[index])}: ${words}, by jq ${byJq[index]}`)
  }
}

/** How many records are read without jq. */
function countRead(query: string, frames: readonly Frame[]): number {
  const queryKeys = readQueryKeys(query)
  if (queryKeys === undefined) return 0
  let read = 0
  const reading = new QuickKeys({ keys: queryKeys, wanted: [], numberOf: () => 0 })
  for (const frame of frames)
    reading.read(
      frame,
      () => true,
      (_, found) => (read += found === LEFT_TO_JQ ? 0 : 1),
    )
  return read
}

test('whatever is read quickly is what jq reads', async () => {
  let read = 0
  let quick = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(keyOf, { minLength: 1, maxLength: 3 }).chain((keys) =>
        fc.tuple(
          fc.constant(keys),
          fc.array(fc.oneof({ weight: 4, arbitrary: keyed(keys) }, odd), {
            minLength: 200,
            maxLength: 400,
          }),
        ),
      ),
      fc.nat({ max: 12 }),
      async ([keys, records], maxPartitions) => {
        const query = `{${keys.map((of, index) => `k${index}: ${of.query}`).join(', ')}}`
        const frames = framesWith(records)
        if (readQueryKeys(query) !== undefined) quick += 1
        read += countRead(query, frames)
        const prefix = `${keys.map((_, index) => `!{partitionKeyFromQuery:k${index}}`).join('/')}/`
        const given = { prefix, query, frames, maxPartitions, objectBytes: 500 }
        await expectAsByJq(given, records)
      },
    ),
    // The error names the record: nothing is gained by a shorter batch.
    { numRuns: 20, endOnFailure: true },
  )
  expect(quick).toBeGreaterThan(12)
  expect(read).toBeGreaterThan(500)
}, 600_000)

test('records of one program are read by their layout as jq reads them', async () => {
  let read = 0
  await fc.assert(
    fc.asyncProperty(
      fc
        .uniqueArray(keyOf, { minLength: 1, maxLength: 3, selector: ({ path: [top] }) => top })
        .chain((keys) =>
          fc.tuple(fc.constant(keys), fc.array(alike(keys), { minLength: 200, maxLength: 400 })),
        ),
      async ([keys, records]) => {
        const query = `{${keys.map((of, index) => `k${index}: ${of.query}`).join(', ')}}`
        const frames = framesWith(records)
        read += countAlike(query, frames)
        const prefix = `${keys.map((_, index) => `!{partitionKeyFromQuery:k${index}}`).join('/')}/`
        await expectAsByJq({ prefix, query, frames, objectBytes: 500 }, records)
      },
    ),
    { numRuns: 10, endOnFailure: true },
  )
  expect(read).toBeGreaterThan(300)
}, 600_000)

test.each([
  ['{k: .a}', ['{"a":"x","\\u0161":1}', '{"a":"x"}', '{"a":"y","b":1}']],
  ['{k: (.a // "none")}', ['{"a":"x","\\u0161":1}', '{"a":"tenant1"}']],
  ['{k: .user.id}', ['{"user":{"id":"x","i\\u0164":1}}', '{"user":{"id":"y"}}']],
  ['{k: .a, j: (.b // "none")}', ['{"\\u0161":1,"a":"x"}', '{"a":"t1","b":"SECRET"}', '{"a":"t2"}']],
  [
    '{k: .a, j: (.b // "none")}',
    ['{"a":"t1","b":"x"}', '{"a":"t2"}', '{"b":"y","a":"t3"}', '{"a":null,"b":false}'],
  ],
])('%s of %j: no record has the value of another', async (query, records) => {
  const frames = framesWith(Array.from({ length: 90 }, (_, index) => records[index % records.length] ?? ''))
  const names = readQueryKeys(query)?.map((of) => `!{partitionKeyFromQuery:${of.key}}`)
  await expectAsByJq({ prefix: `${names?.join('/')}/`, query, frames, objectBytes: 500 }, records)
})

test.each(["it's", '%', 'x.y', '__proto__', "'); drop table x; --"])(
  'a member called %j is read quickly at any depth',
  async (member) => {
    const word = JSON.stringify(member)
    const queries = [`.[${word}]`, `.a[${word}]`, `.a[0][${word}].b`, `.[${word}][${word}][${word}]`]
    const frames = framesWith([
      `{${word}:"x"}`,
      `{"a":{${word}:"x"}}`,
      `{"a":[{${word}:{"b":"x"}}]}`,
      `{${word}:{${word}:{${word}:"x"}}}`,
    ])
    for (const of of queries) {
      const given = { prefix: '!{partitionKeyFromQuery:k}/', query: `{k: ${of}}`, frames, maxPartitions: 0, objectBytes: 500 } // prettier-ignore
      const quickly = inWords(await partitioned(given))
      expect(quickly).toEqual(inWords(await partitioned({ ...given, onlyJq: true })))
      expect(quickly.filter((words) => words === 'k=x #0')).toHaveLength(1)
      expect(countRead(given.query, frames)).toBeGreaterThan(0)
    }
  },
)

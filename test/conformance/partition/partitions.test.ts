/**
 * Which object each record of a batch goes to, or what is said of it: keys from the query, from a transform and from both, the
 * values that can name an object, the limit of partitions; the same by jq alone and quickly.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { zonedTime } from '../../../src/domain/java-time/zoned-time.ts'
import { MetadataBuilder } from '../../../src/domain/metadata-builder.ts'
import { evaluatedPrefix } from '../../../src/domain/evaluated-prefix.ts'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import { parsePrefix } from '../../../src/domain/prefix.ts'
import type { PartitionObject } from '../../../src/domain/ports.ts'
import type { RecordMetadata } from '../../../src/domain/record-metadata.ts'
import { ARRIVAL_MS } from '../../support/one-delivery.ts'
import { framesWith, inWords, partitioned } from '../../support/partition-input.ts'

const PREFIX = 'c=!{partitionKeyFromQuery:c}/'
const NO_VALUE =
  'DynamicPartitioning.MetadataExtractionFailed: partitionKeys values must not be null or empty'
const LIMIT =
  'partitioning-failed DynamicPartitioning.ActivePartitionsLimitExceeded: The number of active partitions has exceeded the configured limit'

/** By jq alone and quickly, which must be alike. */
async function words(
  records: readonly string[],
  more: Partial<Parameters<typeof partitioned>[0]> = {},
): Promise<string[]> {
  const given = { prefix: PREFIX, query: '{c: .c}', frames: framesWith(records), ...more }
  const byJq = inWords(await partitioned({ ...given, onlyJq: true }))
  expect(inWords(await partitioned(given))).toEqual(byJq)
  return byJq
}

describe('values', () => {
  test.each([
    ['a text', '{"c":"eu"}', 'c=eu #0'],
    ['a number', '{"c":12}', 'c=12 #0'],
    ['a number as it came', '{"c":1.10}', 'c=1.10 #0'],
    ['a word', '{"c":true}', 'c=true #0'],
    ['false', '{"c":false}', 'c=false #0'],
    ['an array', '{"c":[1, 2]}', 'c=[1,2] #0'],
    ['a slash', '{"c":"a/b"}', 'c=a/b #0'],
    ['null', '{"c":null}', `metadata-extraction-failed ${NO_VALUE}`],
    ['nothing', '{"d":1}', `metadata-extraction-failed ${NO_VALUE}`],
    ['an empty text', '{"c":""}', `metadata-extraction-failed ${NO_VALUE}`],
    [
      'no JSON',
      'hello',
      'metadata-extraction-failed DynamicPartitioning.MetadataExtractionFailed: Non JSON record provided',
    ],
    ['a dot', '{"c":"."}', /InvalidPartitionKey: A partition key cannot make "\." or "\.\."/],
    ['two dots among names', '{"c":"a/../b"}', /InvalidPartitionKey/],
    ['NUL', '{"c":"\\u0000"}', /InvalidPartitionKey: A partition key cannot have the character U\+0000/],
    ['1,025 bytes', `{"c":"${'é'.repeat(512)}x"}`, /InvalidPartitionKey: Length of a partition key/],
    [
      'a prefix of 513 characters',
      `{"c":"${'x'.repeat(510)}"}`,
      /Length of evaluated prefix cannot be greater than 512/,
    ],
    ['a prefix of 512 characters', `{"c":"${'x'.repeat(509)}"}`, /^c=x+ #0/],
    ['a key of more than 1,024 bytes', `{"c":"${'é'.repeat(500)}"}`, /Length of the object key/],
    ['half of a pair', '{"c":"\\ud800"}', 'c=\ufffd #0'],
  ])('%s', async (_, record, expected) => {
    const [before, given = '', after] = await words(['{"c":"before"}', record, '{"c":"before"}'])
    expect([before, after]).toEqual(['c=before #0', 'c=before #0'])
    if (typeof expected === 'string') expect(given).toBe(expected)
    else expect(given).toMatch(expected)
  })

  test('a value with a slash makes no dot of the text beside it', async () => {
    const prefix = '.!{partitionKeyFromQuery:c}/'
    expect(await words(['{"c":"/x"}', '{"c":"x/y"}'], { prefix })).toEqual([
      expect.stringContaining('InvalidPartitionKey'),
      'c=x/y #0',
    ])
  })

  test('the prefix of an object is that of its own oldest record: a month with a long name is one character too many', async () => {
    const prefix = '!{timestamp:MMMM}!{partitionKeyFromQuery:c}/'
    const at = (iso: string, record: string): Frame => {
      const builder = new FrameBuilder(1, record.length)
      builder.addBytes(Buffer.from(record))
      return builder.finish(Date.parse(iso))
    }
    const record = `{"c":"${'x'.repeat(505)}"}`
    const may = inWords(
      await partitioned({ prefix, query: '{c: .c}', frames: [at('2026-05-01T00:00:00Z', record)] }),
    )
    const september = await partitioned({
      prefix,
      query: '{c: .c}',
      frames: [at('2026-09-01T00:00:00Z', record)],
    })
    expect(may[0]).toMatch(/^c=x+ #0$/)
    expect(inWords(september)[0]).toMatch(/evaluated prefix/)
    expect(september.objects).toEqual([])
  })
})

describe('partitions', () => {
  test('beyond the limit the records of further partitions fail, and those of the first ones go on', async () => {
    const records = ['a', 'b', 'c', 'a', 'c', 'b'].map((c) => `{"c":"${c}"}`)
    expect(await words(records, { maxPartitions: 2 })).toEqual([
      'c=a #0',
      'c=b #0',
      LIMIT,
      'c=a #0',
      LIMIT,
      'c=b #0',
    ])
  })

  test('a partition that a record for jq begins takes the records that are read quickly, at the limit as well', async () => {
    const records = ['{"c":"\\u0063"}', '{"c":"a"}', '{"c":"b"}', '{"c":"c"}', '{"c":"a"}']
    expect(await words(records, { maxPartitions: 2, query: '{c: .c}' })).toEqual([
      'c=c #0',
      'c=a #0',
      LIMIT,
      'c=c #0',
      'c=a #0',
    ])
  })

  test('records that cannot be partitioned take no place of the limit', async () => {
    expect(await words(['{"c":"."}', '{}', '{"c":"a"}'], { maxPartitions: 1 })).toEqual([
      expect.stringContaining('InvalidPartitionKey'),
      expect.stringContaining(NO_VALUE),
      'c=a #0',
    ])
  })

  test('an object is cut every objectBytes of its partition', async () => {
    const records = ['a', 'b', 'a', 'a', 'b', 'a'].map((c) => `{"c":"${c}","x":"0123456789"}`)
    const bytes = records[0]?.length ?? 0
    expect(await words(records, { objectBytes: 2 * bytes })).toEqual([
      'c=a #0',
      'c=b #0',
      'c=a #0',
      'c=a #1',
      'c=b #0',
      'c=a #1',
    ])
  })

  test('every record’s keys are those that the prefix of its object evaluates to', async () => {
    const values = fc.constantFrom('a', 'b/c', 'é', 'd e', '', 'null')
    const records = fc.array(fc.record({ c: fc.option(values), d: fc.nat({ max: 3 }) }), {
      minLength: 1,
      maxLength: 60,
    })
    await fc.assert(
      fc.asyncProperty(records, async (all) => {
        const prefix = 'd=!{partitionKeyFromQuery:d}/!{timestamp:yyyy}/c=!{partitionKeyFromQuery:c}/'
        const partitions = await partitioned({
          prefix,
          query: '{c: .c, d: .d}',
          frames: framesWith(all.map((record) => JSON.stringify(record))),
          objectBytes: 100,
        })
        const parsed = parsePrefix(prefix)
        const prefixOf = ({ oldestArrivalMs, ...keys }: PartitionObject): string =>
          evaluatedPrefix(parsed.kind === 'parsed' ? parsed.expressions : [], {
            time: zonedTime(oldestArrivalMs, 'UTC'),
            randomString: () => '',
            ...keys,
          })
        for (const [ordinal, { c, d }] of all.entries()) {
          const object = partitions.objects[partitions.objectOf[ordinal] ?? 0]
          if (c === null || c === '') expect(object).toBeUndefined()
          else expect(object && prefixOf(object)).toBe(`d=${d}/2026/c=${c}/`)
        }
      }),
      { numRuns: 15 },
    )
  }, 120_000)

  test('ten thousand partitions are assigned', async () => {
    const records = Array.from({ length: 30_000 }, (_, index) => `{"c":"${(index * 7) % 10_000}"}`)
    const partitions = await partitioned({
      prefix: PREFIX,
      query: '{c: .c}',
      frames: framesWith(records, 500),
    })
    expect(partitions.objects).toHaveLength(10_000)
    expect(partitions.objects[9_999]).toMatchObject({
      queryKeys: { c: String((9_999 * 7) % 10_000) },
      part: 0,
    })
    expect(partitions.verdicts).toEqual([])
  })
})

describe('what a transform said', () => {
  function frameOf(records: readonly (readonly [data: string, metadata: Partial<RecordMetadata>])[]): Frame {
    const metadata = new MetadataBuilder('')
    for (const [, more] of records)
      metadata.add({ arrivalMs: ARRIVAL_MS, sequenceNumber: '', partitionKey: '', ...more })
    const builder = new FrameBuilder(
      records.length,
      records.reduce((sum, [data]) => sum + data.length, 0),
      metadata.finish(),
    )
    for (const [data] of records) builder.addBytes(Buffer.from(data))
    return builder.finish(ARRIVAL_MS)
  }

  test('its keys make partitions; a missing or an empty one is partitioning-failed', async () => {
    const frames = [
      frameOf([
        ['1', { partitionKeys: { k: 'a', other: 'x' } }],
        ['2', { partitionKeys: { k: '' } }],
        ['3', {}],
        ['4', { partitionKeys: { k: 'b' } }],
        ['5', { partitionKeys: { k: 'a' } }],
        ['6', { partitionKeys: { k: '\ud800' } }],
      ]),
    ]
    expect(inWords(await partitioned({ prefix: '!{partitionKeyFromLambda:k}/', frames }))).toEqual([
      'k=a #0',
      `partitioning-failed ${NO_VALUE}`,
      `partitioning-failed ${NO_VALUE}`,
      'k=b #0',
      'k=a #0',
      'k=\ufffd #0',
    ])
  })

  test.each([
    ['a dot', '.', 'cannot make'],
    ['NUL', 'a\0', 'U\\+0000'],
    ['1,025 bytes', `${'é'.repeat(512)}x`, 'Length of a partition key'],
    ['a prefix of 513 characters', 'x'.repeat(512), 'Length of evaluated prefix'],
  ])('a key of its that is %s is refused as one of the query is', async (_, k, why) => {
    const frames = [frameOf([['1', { partitionKeys: { k } }], ['2', { partitionKeys: { k: 'b' } }]])] // prettier-ignore
    expect(inWords(await partitioned({ prefix: '!{partitionKeyFromLambda:k}/', frames }))).toEqual([
      expect.stringMatching(`^partitioning-failed .*${why}`),
      'k=b #0',
    ])
  })

  test('its keys and the query’s make partitions together', async () => {
    const frames = [
      frameOf([
        ['{"c":"x"}', { partitionKeys: { k: 'a' } }],
        ['{"c":"x"}', { partitionKeys: { k: 'b' } }],
        ['{"c":"y"}', { partitionKeys: { k: 'a' } }],
        ['{"c":"x"}', { partitionKeys: { k: 'a' } }],
        ['{"c":null}', { partitionKeys: { k: 'a' } }],
        ['{"c":"x"}', {}],
      ]),
    ]
    const prefix = '!{partitionKeyFromLambda:k}/!{partitionKeyFromQuery:c}/'
    expect(await words([], { prefix, frames })).toEqual([
      'c=x k=a #0',
      'c=x k=b #0',
      'c=y k=a #0',
      'c=x k=a #0',
      `metadata-extraction-failed ${NO_VALUE}`,
      `partitioning-failed ${NO_VALUE}`,
    ])
  })

  test('records that failed or were dropped are in no partition, and jq is not asked about them', async () => {
    const verdict = { errorType: 'processing-failed', code: 'Lambda.FunctionError', message: 'no' } as const
    const frames = [
      frameOf([
        ['no json', { verdict }],
        ['{"c":"a"}', {}],
        ['no json', { isDropped: true }],
      ]),
    ]
    expect(await words([], { frames })).toEqual(['not partitioned', 'c=a #0', 'not partitioned'])
  })

  test('an object is named after the arrival of its oldest record', async () => {
    const frames = [
      frameOf([
        ['{"c":"a"}', { arrivalMs: ARRIVAL_MS + 5 }],
        ['{"c":"b"}', { arrivalMs: ARRIVAL_MS + 4 }],
        ['{"c":"a"}', { arrivalMs: ARRIVAL_MS + 3 }],
      ]),
    ]
    const { objects } = await partitioned({ prefix: PREFIX, query: '{c: .c}', frames })
    expect(objects.map(({ oldestArrivalMs }) => oldestArrivalMs - ARRIVAL_MS)).toEqual([3, 4])
  })
})

test('now is the moment when the batch was sealed', async () => {
  const partitions = await partitioned({ prefix: PREFIX, query: '{c: now}', frames: framesWith(['{}']) })
  expect(inWords(partitions)).toEqual([`c=${(ARRIVAL_MS + 60_000) / 1_000} #0`])
})

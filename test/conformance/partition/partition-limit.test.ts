/** Records that begin no partition take no place among those that a batch may have, however their keys are read. */
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import { MetadataBuilder } from '../../../src/domain/metadata-builder.ts'
import type { RecordMetadata } from '../../../src/domain/record-metadata.ts'
import { QueryThread } from '../../../src/process/jq/query-thread.ts'
import { ARRIVAL_MS } from '../../support/one-delivery.ts'
import { framesWith, inWords, partitioned } from '../../support/partition-input.ts'

const EXCEEDED = expect.stringContaining('DynamicPartitioning.ActivePartitionsLimitExceeded') as string
const FAILED: Partial<RecordMetadata> = {
  verdict: { errorType: 'processing-failed', code: 'Lambda.FunctionError', message: 'it failed' },
}

function described(records: readonly (readonly [text: string, known?: Partial<RecordMetadata>])[]): Frame {
  const section = new MetadataBuilder('')
  for (const [, known] of records)
    section.add({ arrivalMs: ARRIVAL_MS, sequenceNumber: '', partitionKey: '', ...known })
  const bytes = records.reduce((sum, [text]) => sum + text.length, 0)
  const builder = new FrameBuilder(records.length, bytes, section.finish())
  for (const [text] of records) builder.addBytes(Buffer.from(text))
  return builder.finish(ARRIVAL_MS)
}

describe.each(['quickly', 'by jq'])('keys read %s', (how) => {
  const onlyJq = how === 'by jq'

  test('a record that failed before begins no partition', async () => {
    const frames = [described([['{"k":"lost"}', FAILED], ['{"k":"a"}'], ['{"k":"b"}'], ['{"k":"lost"}']])]
    const partitions = await partitioned({
      prefix: '!{partitionKeyFromQuery:k}/',
      query: '{k: .k}',
      frames,
      maxPartitions: 1,
      onlyJq,
    })
    expect(inWords(partitions)).toEqual(['not partitioned', 'k=a #0', EXCEEDED, EXCEEDED])
  })

  test('a value that makes dots of the text beside it begins no partition', async () => {
    const partitions = await partitioned({
      prefix: '.!{partitionKeyFromQuery:k}/',
      query: '{k: .k}',
      frames: framesWith(['{"k":"/b"}', '{"k":"a"}', '{"k":"c"}']),
      maxPartitions: 1,
      onlyJq,
    })
    expect(inWords(partitions)).toEqual([expect.stringContaining('partitioning-failed'), 'k=a #0', EXCEEDED])
  })
})

const PAIRED = { prefix: '!{partitionKeyFromQuery:k}/!{partitionKeyFromLambda:l}/', query: '{k: .k}' }
const withBoth = (k: string, l?: string): [string, Partial<RecordMetadata>] => [
  `{"k":"${k}"}`,
  l === undefined ? {} : { partitionKeys: { l } },
]

describe('with keys from both sides', () => {
  test('values that begin no partition are kept up to four for each partition, the first ones', async () => {
    for (const onlyJq of [false, true]) {
      const lost = ['a', 'b', 'c', 'd'].map((k) => withBoth(k))
      const frames = [described([...lost, withBoth('e', '1'), withBoth('d', '1'), withBoth('a', '1')])]
      const words = inWords(await partitioned({ ...PAIRED, frames, maxPartitions: 1, onlyJq }))
      expect(words.slice(4)).toEqual([EXCEEDED, 'k=d l=1 #0', EXCEEDED])
    }
  })

  test('a pair that makes dots of the text beside it begins no partition', async () => {
    const frames = [
      described([withBoth('/b', '1'), withBoth('a', '1'), withBoth('/b', '1'), withBoth('b', '1')]),
    ]
    const given = { ...PAIRED, prefix: `.${PAIRED.prefix}`, frames, maxPartitions: 1 }
    const invalid = expect.stringContaining('InvalidPartitionKey') as string
    expect(inWords(await partitioned(given))).toEqual([invalid, 'k=a l=1 #0', invalid, EXCEEDED])
  })

  test('records have the same places however their keys are read', async () => {
    const value = fc.integer({ min: 0, max: 30 })
    // Escapes in a name are left to jq.
    const record = fc.tuple(value, fc.option(fc.integer({ min: 0, max: 12 })), fc.boolean())
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 40, maxLength: 200 }),
        fc.integer({ min: 1, max: 3 }),
        async (records, maxPartitions) => {
          const all = records.map(([k, l, isOdd]): [string, Partial<RecordMetadata>] => [
            isOdd ? `{"\\u006b":"v${k}"}` : `{"k":"v${k}"}`,
            l === null ? {} : { partitionKeys: { l: String(l) } },
          ])
          const given = { ...PAIRED, frames: [described(all)], maxPartitions }
          const quickly = inWords(await partitioned(given))
          expect(quickly).toEqual(inWords(await partitioned({ ...given, onlyJq: true })))
          const kept = new Set(quickly.filter((word) => word.startsWith('k=')))
          expect(kept.size).toBeLessThanOrEqual(maxPartitions)
        },
      ),
      // Each asks a jq of its own.
      { numRuns: 8 },
    )
  })
})

test('past the limit, values of a transform that begin no partition are not kept', async () => {
  const keyed = (value: string): [string, Partial<RecordMetadata>] => ['{}', { partitionKeys: { k: value } }]
  const frames = [described([keyed('/b'), keyed('a'), keyed('c'), keyed('a')])]
  const partitions = await partitioned({ prefix: '.!{partitionKeyFromLambda:k}/', frames, maxPartitions: 1 })
  expect(inWords(partitions)).toEqual([
    expect.stringContaining('partitioning-failed'),
    'k=a #0',
    EXCEEDED,
    'k=a #0',
  ])
})

describe('keys read quickly, and by jq where there is a doubt', () => {
  const given = { prefix: '!{partitionKeyFromQuery:k}/', query: '{k: .k}' }

  test('records that are no JSON start no jq', async () => {
    const start = vi.spyOn(QueryThread, 'start')
    const frames = framesWith(['{"k":"a"}', '{"k":"a"', 'k', '{"k":"a"}'])
    const notJson = expect.stringContaining('Non JSON record provided') as string
    expect(inWords(await partitioned({ ...given, frames }))).toEqual(['k=a #0', notJson, notJson, 'k=a #0'])
    expect(start).not.toHaveBeenCalled()
    start.mockRestore()
  })

  test('a partition that begins with a doubtful record takes those after it that were refused before', async () => {
    const frames = framesWith(['{"k":"a"}', '{"k":1.5}', '{"k":"b"}', '{"k":"1.5"}'])
    const partitions = await partitioned({ ...given, frames, maxPartitions: 2 })
    expect(inWords(partitions)).toEqual(
      inWords(await partitioned({ ...given, frames, maxPartitions: 2, onlyJq: true })),
    )
    expect(inWords(partitions)).toEqual(['k=a #0', 'k=1.5 #0', EXCEEDED, 'k=1.5 #0'])
  })

  test('nothing is said of the limit where it is not met', async () => {
    const frames = framesWith(['{"k":"a"}', '{"k":1.5}'])
    expect((await partitioned({ ...given, frames, maxPartitions: 2 })).verdicts).toEqual([])
  })
})

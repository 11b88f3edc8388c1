/** Names of objects: Firehose's layout, and G2, that a batch delivered again lands under the same keys. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorObjectKey, objectKey, type ObjectIdentity } from '../../src/deliver/object-key.ts'

const stream = 's'
const identity: ObjectIdentity = {
  batchId: '7-00000000deadbeef',
  sourceDigest: 'ab'.repeat(32),
  partition: '',
  part: 0,
}
const guideTime = Date.UTC(2018, 7, 27, 10, 30)
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/

function dataKey(prefix: string, change: Partial<ObjectIdentity> = {}, oldestArrivalMs = guideTime): string {
  return objectKey({
    prefix,
    stream,
    version: 1,
    oldestArrivalMs,
    identity: { ...identity, ...change },
    extension: '.parquet',
  })
}

function errorKey(prefix: string, errorOutputPrefix: string, change: Partial<ObjectIdentity> = {}): string {
  return errorObjectKey({
    prefix,
    errorOutputPrefix,
    errorType: 'format-conversion-failed',
    stream,
    version: 1,
    oldestArrivalMs: guideTime,
    identity: { ...identity, ...change },
  })
}

/** A key with its uuid cut out and random strings named. */
function shape(key: string): string {
  return key.replace(UUID, '<uuid>').replace(/[0-9a-f]{8}-[0-9a-f]{2}(?=[/s])/, '<random>')
}

const name = 's-1-2018-08-27-10-30-00-<uuid>'

describe('the key of a data object', () => {
  test.each([
    ['', '2018/08/27/10/'],
    ['events/', 'events/2018/08/27/10/'],
    ['events', 'events2018/08/27/10/'],
    ['/events/', '/events/2018/08/27/10/'],
    ['data/!{timestamp:yyyy/MM/dd}/', 'data/2018/08/27/'],
    ['rand/!{firehose:random-string}/', 'rand/<random>/'],
    ['!{timestamp:yyyy/MM/dd}', '2018/08/27'],
    ['f/Y=!{timestamp:yyyy}/anyMonth/rand=!{firehose:random-string}', 'f/Y=2018/anyMonth/rand=<random>'],
    [
      'p/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/',
      'p/year=2018/month=08/day=27/hour=10/',
    ],
    ["!{timestamp:'dt='yyyy-MM-dd}/", 'dt=2018-08-27/'],
  ])('with prefix %j begins with %j', (prefix, evaluated) => {
    expect(shape(dataKey(prefix))).toBe(`${evaluated}${name}.parquet`)
  })

  test('shows the version of the destination and the arrival of the oldest record in UTC', () => {
    const key = objectKey({
      prefix: '',
      stream: 'orders_1.x',
      version: 12,
      oldestArrivalMs: Date.UTC(2026, 0, 1, 23, 59, 59, 999),
      identity,
      extension: '.gz',
    })
    expect(key.replace(UUID, '<uuid>')).toBe('2026/01/01/23/orders_1.x-12-2026-01-01-23-59-59-<uuid>.gz')
  })

  test('draws each random string anew', () => {
    const [first, second] = dataKey('!{firehose:random-string}/!{firehose:random-string}/').split('/')
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{2}$/)
    expect(second).toMatch(/^[0-9a-f]{8}-[0-9a-f]{2}$/)
    expect(first).not.toBe(second)
  })

  test('stays the same from release to release', () => {
    expect(dataKey('')).toBe(
      '2018/08/27/10/s-1-2018-08-27-10-30-00-ea2481e0-f6cf-4923-a16f-8733c12dccf6.parquet',
    )
  })

  test('refuses expressions that cannot be evaluated', () => {
    expect(() => dataKey('!{firehose:error-output-type}/')).toThrow(/error-output-type/)
    expect(() => dataKey('!{partitionKeyFromQuery:c}/')).toThrow(/partition key c/)
    expect(() => dataKey('!{timestamp:')).toThrow(/Invalid expression usage/)
  })
})

describe('the key of an error object', () => {
  const type = 'format-conversion-failed'
  test.each([
    ['', 'fail/!{firehose:error-output-type}/', `fail/${type}/`],
    [
      'f/!{timestamp:yyyy}/',
      'e/!{firehose:error-output-type}/!{timestamp:yyyy}/anyMonth/!{timestamp:dd}',
      `e/${type}/2018/anyMonth/27`,
    ],
    [
      'p/!{timestamp:yyyy}/',
      'e/year=!{timestamp:yyyy}/!{firehose:error-output-type}/',
      `e/year=2018/${type}/`,
    ],
    ['', '!{firehose:error-output-type}/!{firehose:error-output-type}/', `${type}/${type}/`],
    ['', '', `${type}/2018/08/27/10/`],
    ['events/', '', `events/${type}/2018/08/27/10/`],
    ['events', '', `events${type}/2018/08/27/10/`],
    ['events/', 'errors/', `errors/${type}/2018/08/27/10/`],
  ])(
    'with prefix %j and error prefix %j begins with %j and has no extension',
    (prefix, errors, evaluated) => {
      expect(shape(errorKey(prefix, errors))).toBe(evaluated + name)
    },
  )

  test('is not the key of a data object of the same batch and part', () => {
    expect(UUID.exec(errorKey('', ''))?.[0]).not.toBe(UUID.exec(dataKey(''))?.[0])
  })
})

describe('keys are a pure function', () => {
  const identities = fc.record({
    batchId: fc
      .tuple(fc.nat(), fc.bigInt(0n, 0xffffffffffffffffn))
      .map(([n, r]) => `${n}-${r.toString(16).padStart(16, '0')}`),
    sourceDigest: fc.stringMatching(/^[0-9a-f]{64}$/),
    partition: fc.string(),
    part: fc.nat(10_000),
  })
  const prefixes = fc.constantFrom('', 'a/', 'a/!{firehose:random-string}/', '!{timestamp:yyyy}', '/')
  const errorPrefixes = fc.constantFrom('', 'e/', '!{firehose:error-output-type}/!{firehose:random-string}')

  test('the same identity gives the same keys, never empty', () => {
    fc.assert(
      fc.property(identities, prefixes, errorPrefixes, (some, prefix, errors) => {
        expect(dataKey(prefix, some)).toBe(dataKey(prefix, { ...some }))
        expect(errorKey(prefix, errors, some)).toBe(errorKey(prefix, errors, { ...some }))
        expect(dataKey(prefix, some)).toMatch(UUID)
        expect(errorKey(prefix, errors, some)).toMatch(UUID)
      }),
    )
  })

  test('another batch, digest, partition or part gives another key', () => {
    fc.assert(
      fc.property(identities, identities, prefixes, (one, other, prefix) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other))
        expect(dataKey(prefix, one)).not.toBe(dataKey(prefix, other))
        expect(errorKey(prefix, '', one)).not.toBe(errorKey(prefix, '', other))
      }),
    )
    const keys = [
      {},
      { part: 1 },
      { partition: 'x' },
      { batchId: '8-00000000deadbeef' },
      { sourceDigest: 'cd' },
    ]
    expect(new Set(keys.map((change) => dataKey('', change))).size).toBe(keys.length)
  })
})

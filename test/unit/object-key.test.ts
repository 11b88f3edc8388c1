/** Names of objects: Firehose's layout, and G2, that a batch delivered again lands under the same keys. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  errorObjectKey,
  objectKey,
  type ErrorObjectKeyInput,
  type ObjectIdentity,
  type ObjectKeyInput,
} from '../../src/deliver/object-key.ts'
import { goldenKeys } from '../support/golden-keys.ts'
import { PREFIX_CASES } from '../support/whole-prefixes.ts'

const identity: ObjectIdentity = {
  batchId: '7-00000000deadbeef',
  sourceDigest: 'ab'.repeat(32),
  partition: '',
  part: 0,
}
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
const shared = { stream: 's', version: 1, oldestArrivalMs: Date.UTC(2018, 7, 27, 10, 30), identity }

function dataKey(prefix: string, change: Partial<ObjectKeyInput> = {}): string {
  return objectKey({ ...shared, prefix, extension: '.parquet', ...change })
}

function errorKey(errorOutputPrefix: string, change: Partial<ErrorObjectKeyInput> = {}): string {
  const errorType = 'format-conversion-failed'
  return errorObjectKey({ ...shared, prefix: '', errorOutputPrefix, errorType, ...change })
}

function uuidOf(key: string): string | undefined {
  return UUID.exec(key)?.[0]
}

/** A key with its uuid and random strings named, and the type of error records. */
function shape(key: string): string {
  return key
    .replace(UUID, '<uuid>')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{2}(?![0-9a-f-])/g, '<random>')
    .replaceAll('format-conversion-failed', '<type>')
}

/** `yyyy-MM-dd-HH-mm-ss`, by another way than that of the keys. */
function localTime(instant: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  return format.format(Date.parse(instant)).replaceAll(/[ :]/g, '-')
}

test('there are whole prefixes enough', () => {
  expect(PREFIX_CASES.length).toBeGreaterThan(130)
})

test.each(PREFIX_CASES)(
  'prefixes $prefix and $errorOutputPrefix at $instant in zone $timeZone begin data and errors',
  ({ prefix, errorOutputPrefix, timeZone, instant, data, error }) => {
    const when = {
      oldestArrivalMs: Date.parse(instant),
      ...(timeZone === '' ? {} : { timeZone }),
    }
    const name = `s-1-${localTime(instant, timeZone === '' ? 'UTC' : timeZone)}-<uuid>`
    expect(shape(dataKey(prefix, when))).toBe(`${data}${name}.parquet`)
    expect(shape(dataKey(prefix, { ...when, kind: 'backup' }))).toBe(`${data}${name}.parquet`)
    expect(shape(errorKey(errorOutputPrefix, { ...when, prefix }))).toBe(error + name)
  },
)

test('keys stay the same from release to release', () => {
  const golden = readFileSync(new URL('../fixtures/object-keys.txt', import.meta.url), 'utf8')
  expect(goldenKeys()).toEqual(golden.trimEnd().split('\n'))
  expect(golden).toContain(
    '\n2018/08/27/10/s-1-2018-08-27-10-30-00-ea2481e0-f6cf-4923-a16f-8733c12dccf6.parquet\n',
  )
})

describe('the key of a data object', () => {
  test('shows the version of the destination and the arrival of the oldest record', () => {
    const key = dataKey('', {
      stream: 'orders_1.x',
      version: 12,
      oldestArrivalMs: Date.UTC(2026, 0, 1, 23, 59, 59, 999),
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

  test('ends in the extension as it is given', () => {
    const bare = dataKey('', { extension: '' })
    expect(bare).toMatch(new RegExp(`${UUID.source}$`))
    for (const extension of ['.gz', '.json.gz', ".a!-_.*'()b"])
      expect(dataKey('', { extension })).toBe(bare + extension)
  })

  test('refuses expressions that cannot be evaluated', () => {
    expect(() => dataKey('!{firehose:error-output-type}/')).toThrow(/error-output-type/)
    expect(() => dataKey('!{partitionKeyFromQuery:c}/')).toThrow(/partition key c/)
    expect(() => dataKey('!{timestamp:')).toThrow(/Invalid expression usage/)
    expect(() => dataKey('!{timestamp:pH}')).toThrow(/wider than its padding/)
  })
})

test('data, its backup and each type of errors have names of their own', () => {
  const names = [
    dataKey('a/'),
    dataKey('a/', { kind: 'backup' }),
    errorKey('a/'),
    errorKey('a/', { errorType: 'processing-failed' }),
  ].map(uuidOf)
  expect(new Set(names).size).toBe(4)
  expect(names).not.toContain(undefined)
})

/** G2 and hostile prefixes: a key is a pure function, which S3 takes and a folder keeps in its bucket. */
import { join, relative, sep } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOfNames, namesOfKey } from '../../src/deliver/folder-path.ts'
import { errorObjectKey, objectKey } from '../../src/deliver/object-key.ts'
import { parsePattern } from '../../src/domain/java-time/pattern.ts'
import { ZONE_NAMES } from '../../src/domain/java-time/zone-names.ts'
import { validatePrefixes } from '../../src/domain/prefix.ts'

const identities = fc.record({
  batchId: fc
    .tuple(fc.nat(), fc.bigInt(0n, 0xffffffffffffffffn))
    .map(([n, r]) => `${n}-${r.toString(16).padStart(16, '0')}`),
  sourceDigest: fc.stringMatching(/^[0-9a-f]{64}$/),
  partition: fc.string(),
  part: fc.nat(10_000),
})
const zones = fc.constantFrom(...ZONE_NAMES.keys())
const arrivals = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2120, 0, 1) })

const LETTERS = 'ABDEFGHKLMNOQSWXYZacdeghkmnqsuvwxyz[]p'.split('')
const fields = fc
  .tuple(fc.constantFrom(...LETTERS), fc.integer({ min: 1, max: 6 }))
  .map(([letter, count]) => letter.repeat(count))
const patterns = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: fields }, fc.constantFrom('-', '/', ' ', "''", "'at'", '../', 'é')),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(''))
const hostileTexts = fc.oneof(
  fc.constantFrom(
    '../',
    '..',
    './',
    '/',
    '//',
    '\0',
    '\\',
    '%',
    '%2E',
    '\ud83d',
    '\ude00',
    '😀',
    'C:',
    '~',
    '\n',
    '!',
    '{',
  ),
  fc.constantFrom(
    '../../../../etc/passwd',
    'x'.repeat(300),
    '日'.repeat(200),
    '/'.repeat(100),
    '../'.repeat(80),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const prefixes = fc
  .array(
    fc.oneof(
      hostileTexts,
      patterns.map((text) => `!{timestamp:${text}}`),
      fc.constantFrom('!{firehose:random-string}', '!{', '!{a:b}'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))
const errorPrefixes = fc
  .tuple(prefixes, prefixes)
  .map(([before, after]) => `${before}!{firehose:error-output-type}${after}`)
const destinations = fc.record({
  prefix: prefixes,
  errorOutputPrefix: fc.oneof(fc.constant(''), prefixes, errorPrefixes),
  timeZone: zones,
})

/** Keys as long as they get: the longest name, version and extension. */
const longest = { stream: 's'.repeat(64), version: 9_999_999_999 }
const extension = `.${'x'.repeat(127)}`
const errorType = 'format-conversion-failed' as const

describe('a key is a pure function of what the object holds', () => {
  test('G2: the same identity gives the same keys, however often', () => {
    fc.assert(
      fc.property(destinations, arrivals, identities, (destination, oldestArrivalMs, identity) => {
        fc.pre(validatePrefixes(destination.prefix, destination.errorOutputPrefix, destination) === undefined)
        const keys = (): string[] => {
          const input = { ...destination, ...longest, oldestArrivalMs, identity: { ...identity } }
          return [
            objectKey({ ...input, extension }),
            objectKey({ ...input, extension, kind: 'backup' }),
            errorObjectKey({ ...input, errorType }),
          ]
        }
        const first = keys()
        expect(keys()).toEqual(first)
        expect(new Set(first).size).toBe(3)
      }),
    )
  })

  test('another batch, digest, partition or part gives another key', () => {
    const input = {
      ...longest,
      prefix: 'a/',
      errorOutputPrefix: '',
      oldestArrivalMs: 0,
      extension,
      errorType,
    }
    fc.assert(
      fc.property(identities, identities, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other))
        for (const key of [objectKey, errorObjectKey] as const)
          expect(key({ ...input, identity: one })).not.toBe(key({ ...input, identity: other }))
      }),
    )
    const identity = { batchId: '7-00000000deadbeef', sourceDigest: 'ab', partition: '', part: 0 }
    const changes = [
      {},
      { part: 1 },
      { partition: 'x' },
      { batchId: '8-00000000deadbeef' },
      { sourceDigest: 'cd' },
    ]
    const keys = changes.map((change) => objectKey({ ...input, identity: { ...identity, ...change } }))
    expect(new Set(keys).size).toBe(changes.length)
  })
})

describe('every key of a destination that was taken', () => {
  const identity = { batchId: '7-00000000deadbeef', sourceDigest: 'ab', partition: '', part: 0 }
  const root = join(sep, 'data', 'bucket')

  test('can be made at any moment, has at most 1,024 bytes of UTF-8, and stays in its bucket’s folder', () => {
    let taken = 0
    fc.assert(
      fc.property(
        destinations,
        fc.array(arrivals, { minLength: 1, maxLength: 5 }),
        (destination, moments) => {
          if (validatePrefixes(destination.prefix, destination.errorOutputPrefix, destination) !== undefined)
            return
          taken += 1
          for (const oldestArrivalMs of moments) {
            const input = { ...destination, ...longest, oldestArrivalMs, identity }
            for (const key of [objectKey({ ...input, extension }), errorObjectKey({ ...input, errorType })]) {
              const utf8 = Buffer.from(key)
              expect(utf8.length).toBeLessThanOrEqual(1_024)
              expect(utf8.toString()).toBe(key)
              const names = namesOfKey(key)
              const path = relative(root, join(root, ...names))
              expect(path.split(sep)).toEqual(names)
              expect(names).not.toContain('..')
              expect(join(sep, 'data', 'bucket', key).startsWith(`${root}${sep}`)).toBe(true)
              expect(keyOfNames(names)).toBe(key)
            }
          }
        },
      ),
      { numRuns: 2_000 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  test('begins with the text of its prefix, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        fc.pre(!text.includes('!{') && validatePrefixes(text, '') === undefined)
        const input = { prefix: text, ...longest, oldestArrivalMs: 0, identity, extension }
        expect(objectKey(input).startsWith(`${text}1970/01/01/00/${longest.stream}-`)).toBe(true)
      }),
    )
  })
})

test('whatever stands in a prefix or a pattern is answered, and soon', () => {
  const started = performance.now()
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 1_024 }),
      fc.string({ unit: 'binary' }),
      (text, zone) => {
        expect(typeof validatePrefixes(text, `!{timestamp:${text}}`, { timeZone: zone })).not.toBe('number')
        expect([true, false]).toContain(parsePattern(text) === undefined)
      },
    ),
  )
  for (const unit of ['E', 'B-', 'zzzz-', 'pppppppppppppppppppppppppppB-', "''", '[', '[]', "'a'", 'Yp'])
    validatePrefixes(`!{timestamp:${unit.repeat(1_000 / unit.length)}}`, '!{firehose:error-output-type}')
  expect(performance.now() - started).toBeLessThan(5_000)
})

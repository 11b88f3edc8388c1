/** Keys as paths: most stay as they are, none leaves its bucket, and every path leads back to its key. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOfNames, markedFolder, markedObject, namesOfKey } from '../../src/deliver/folder-path.ts'

describe('the path of a key', () => {
  test.each([
    [
      'orders/year=2026/s-1-2026-11-02-09-15-00-x.parquet',
      'orders/year=2026/s-1-2026-11-02-09-15-00-x.parquet',
    ],
    ['with space/ünï/日本', 'with space/ünï/日本'],
    ['', '%'],
    ['/a', '%/a'],
    ['a/', 'a/%'],
    ['a//b', 'a/%/b'],
    ['//', '%/%/%'],
    ['.', '%2E'],
    ['a/../../etc/passwd', 'a/%2E%2E/%2E%2E/etc/passwd'],
    ['a/./b', 'a/%2E/b'],
    ['.../..a/a..', '.../..a/a..'],
    ['100%', '100%25'],
    ['a%2Fb', 'a%252Fb'],
    ['nul\0x', 'nul%00x'],
    ['back\\slash', 'back%5Cslash'],
    ['half\ud83d', 'half%uD83D'],
  ])('%j is %j', (key, path) => {
    expect(namesOfKey(key).join('/')).toBe(path)
    expect(keyOfNames(path.split('/'))).toBe(key)
  })

  test('a name that is too long goes on in the next level, cut between characters', () => {
    const plain = 'x'.repeat(251)
    expect(namesOfKey(plain)).toEqual([plain])
    expect(namesOfKey(`${plain}y/z`)).toEqual([`${plain}%n`, 'y', 'z'])
    expect(namesOfKey(`${'x'.repeat(250)}é`)).toEqual([`${'x'.repeat(250)}%n`, 'é'])
    expect(namesOfKey(`${'x'.repeat(250)}%`)).toEqual([`${'x'.repeat(250)}%n`, '%25'])
  })

  test('marked names lead to the same key', () => {
    expect(keyOfNames(['a', markedFolder('b'), markedObject('c')])).toBe('a/b/c')
    expect(keyOfNames([markedFolder('%'), markedObject('%')])).toBe('/')
  })
})

/** Keys as hostile as they come: separators, dots, percent signs and marks, NUL, halves of surrogate pairs, long names. */
const hostileKeys = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '.',
        '..',
        '%',
        '%n',
        '%p',
        '%o',
        '%2E',
        '%u',
        '\0',
        '\\',
        '\ud83d',
        '\ude00',
        'é',
        '🜁',
        'a',
      ),
      fc.constantFrom('x'.repeat(250), 'é'.repeat(127), '%'.repeat(90)),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))

describe('whatever the key', () => {
  test('its path leads back to it', () => {
    fc.assert(
      fc.property(hostileKeys, (key) => {
        expect(keyOfNames(namesOfKey(key))).toBe(key)
      }),
    )
  })

  test.each(['.', '..'])('a long name that ends in %s at the cut stays below its folder', (dots) => {
    const key = `${'x'.repeat(251)}${dots}/object`
    expect(namesOfKey(key)).toEqual([`${'x'.repeat(251)}%n`, dots.replaceAll('.', '%2E'), 'object'])
    expect(keyOfNames(namesOfKey(key))).toBe(key)
  })

  test('every name is one that a file system takes', () => {
    fc.assert(
      fc.property(hostileKeys, (key) => {
        for (const name of namesOfKey(key)) {
          expect(name).not.toMatch(/^(?:|\.|\.\.)$/)
          expect(name).not.toMatch(/[/\\\0]/)
          expect(Buffer.from(name).toString()).toBe(name)
          expect(Buffer.byteLength(markedFolder(name))).toBeLessThanOrEqual(255)
        }
      }),
    )
  })

  test('no other key has its path, marked or not', () => {
    fc.assert(
      fc.property(hostileKeys, hostileKeys, (one, other) => {
        fc.pre(one !== other)
        const path = namesOfKey(other).join('/')
        expect(namesOfKey(one).join('/')).not.toBe(path)
        expect(markedObject(namesOfKey(one).join('/'))).not.toBe(path)
        expect(markedFolder(namesOfKey(one).join('/'))).not.toBe(path)
      }),
    )
  })
})

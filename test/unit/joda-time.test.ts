/** Times are read by patterns as Joda-Time 2.10.14 reads them; the fixture holds its own answers, with a pivot year of 2000. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { jodaReader } from '../../src/convert/joda-reader.ts'
import { isTimestampFormat, parseJodaPattern } from '../../src/domain/joda-time/pattern.ts'

interface Answer {
  readonly pattern: string
  readonly text?: string
  /** Absent: the text is not read. */
  readonly ms?: number
  /** Joda-Time reads a text that contradicts itself; we do not. */
  readonly contradicts?: true
  /** The pattern is none, or one that only writes. */
  readonly refused?: true
}

const answers = readFileSync(new URL('../fixtures/joda-time.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Answer)

function answered({ pattern, text }: Answer): Omit<Answer, 'contradicts'> {
  if (parseJodaPattern(pattern) === undefined) return { pattern, refused: true }
  const ms = jodaReader(pattern)(text ?? '')
  return { pattern, ...(text === undefined ? {} : { text }), ...(ms === undefined ? {} : { ms }) }
}

describe('Joda-Time’s answers', () => {
  test('are ours', () => {
    const plain = answers.filter(({ contradicts }) => contradicts === undefined)
    expect(plain.length).toBeGreaterThan(1_000)
    expect(plain.map(answered)).toEqual(plain)
  })

  test('are not where a text contradicts itself: then it is not read', () => {
    const contradicting = answers.filter(({ contradicts }) => contradicts)
    expect(contradicting.length).toBeGreaterThan(50)
    expect(contradicting.map(answered)).toEqual(contradicting.map(({ pattern, text }) => ({ pattern, text })))
  })
})

test.each([
  ["yyyy-MM-dd'T'HH:mm:ss.SSSZZ", '2018-08-27T10:30:05.123+09:00', '2018-08-27T01:30:05.123Z'],
  ['EEE, dd MMM yyyy HH:mm:ss z', 'Mon, 27 Aug 2018 10:30:05 EST', '2018-08-27T14:30:05.000Z'],
  ['EEE MMM dd HH:mm:ss ZZZ yyyy', 'Mon Aug 27 10:30:05 Europe/Berlin 2018', '2018-08-27T08:30:05.000Z'],
  ['dd/MMM/yyyy:HH:mm:ss Z', '27/AUG/2018:10:30:05 -0800', '2018-08-27T18:30:05.000Z'],
  ['yyyyMMddHHmmss', '20180827103005', '2018-08-27T10:30:05.000Z'],
  ["xxxx-'W'ww-e", '2018-W35-1', '2018-08-27T00:00:00.000Z'],
  ['MM/dd/yy hh:mm a', '8/27/18 12:30 am', '2018-08-27T00:30:00.000Z'],
  ['HH:mm', '10:30', '1970-01-01T10:30:00.000Z'],
  ['yy', '49', '2049-01-01T00:00:00.000Z'],
  ['yy', '50', '1950-01-01T00:00:00.000Z'],
  ["h 'o''clock' a", "3 O'CLOCK pm", '1970-01-01T15:00:00.000Z'],
  ['yyyy-MM-dd HH:mm ZZZ', '2018-10-28 02:30 Europe/Berlin', '2018-10-28T00:30:00.000Z'],
])('%s reads %s as %s', (pattern, text, expected) => {
  expect(new Date(jodaReader(pattern)(text) ?? Number.NaN).toISOString()).toBe(expected)
})

test.each([
  ['yyyy-MM-dd', '2018-02-30'],
  ['yyyy-MM-dd', '2018-08-27 '],
  ['yyyy-MM-dd', ' 2018-08-27'],
  ['EEE yyyy-MM-dd', 'Tue 2018-08-27'],
  ['HH:mm a', '01:30 PM'],
  ['yyyy-MM-dd HH:mm ZZZ', '2018-03-25 02:30 Europe/Berlin'],
  ['yyyy G', '2018 BC'],
  ['HH', '24'],
])('%s does not read %s', (pattern, text) => {
  expect(jodaReader(pattern)(text)).toBeUndefined()
})

test('what TimestampFormats may hold is a pattern or the word millis', () => {
  for (const format of ['millis', 'MILLIS', 'yyyy', "'unclosed", '-', "yyyy-MM-dd'T'HH:mm:ss"]) {
    expect(isTimestampFormat(format)).toBe(true)
  }
  for (const format of ['', 'epoch', 'yyyy-MM-ddTHH', 'b', 'U', 'zzzz', 'milli']) {
    expect(isTimestampFormat(format)).toBe(false)
  }
})

/** Patterns are read and printed as java.time does; the fixtures hold its own answers. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { formatPattern, parsePattern } from '../../src/domain/java-time/pattern.ts'
import {
  isDaylightTime,
  isTimeZone,
  offsetSeconds,
  timeZoneProblem,
} from '../../src/domain/java-time/zone.ts'
import { ZONE_NAMES } from '../../src/domain/java-time/zone-names.ts'
import { zonedTime } from '../../src/domain/java-time/zoned-time.ts'

interface Answer {
  readonly pattern: string
  readonly instant?: string
  readonly zone?: string
  readonly result?: string
  readonly refused?: boolean
}

function linesOf<Line>(file: string): Line[] {
  return readFileSync(new URL(`../fixtures/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** The answer that we give, in the form of the fixtures. */
function answered({ pattern, instant, zone = 'UTC' }: Answer): Answer {
  const parsed = parsePattern(pattern)
  if (instant === undefined) return { pattern, refused: parsed === undefined }
  const [, fraction = ''] = /\.(\d+)Z$/.exec(instant) ?? []
  const epochMs = Date.parse(instant.replace(/(\.\d{3})\d+Z$/, '$1Z'))
  const time = zonedTime(epochMs, zone, Number(fraction.padEnd(9, '0').slice(3)))
  const result = parsed && formatPattern(parsed, time)
  return result === undefined ? { pattern, instant, zone, refused: true } : { pattern, instant, zone, result }
}

describe('a pattern prints what java.time prints, and is refused where it is', () => {
  test.each([
    ['java-time-patterns.jsonl', 2515],
    ['java-time-mixed.jsonl', 1269],
  ])('every line of %s holds', (file, count) => {
    const answers = linesOf<Answer>(file)
    expect(answers).toHaveLength(count)
    expect(answers.map(answered)).toEqual(answers)
  })

  test('of the 52 letters alone, the service takes 35', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.split('')
    const taken = letters.filter((letter) => parsePattern(letter) !== undefined)
    expect(taken.join('')).toBe('ABDEFGHKLMNOQSWXYZacdeghkmnqsuvwxyz')
  })

  test('whatever is text is kept, whichever plane it is of', () => {
    const time = zonedTime(Date.UTC(2026, 5, 15, 12), 'UTC')
    for (const literal of ['é', '😀', '\0', '\n', '  ', '!', '\\', '𝒳-日本'])
      expect(formatPattern(parsePattern(`${literal}HH'${literal}H'`) ?? [], time)).toBe(
        `${literal}12${literal}H`,
      )
  })

  test('a long hostile pattern is read at once', () => {
    const started = performance.now()
    for (const text of ["'".repeat(99_999), '['.repeat(99_999), "''a".repeat(33_333), 'p'.repeat(99_999)])
      parsePattern(text)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('time zones', () => {
  const zones = linesOf<{ zone: string; january: string; july: string }>('java-time-zones.jsonl')

  test('each zone that java.time knows has its names and offsets', () => {
    const pattern = parsePattern('z|zzzz|v|vvvv|O|OOOO|X|xx|XXX|Z') ?? []
    const print = (zone: string, month: number): string | undefined =>
      formatPattern(pattern, zonedTime(Date.UTC(2026, month, 15, 12), zone))
    expect(zones).toHaveLength(547)
    expect(zones.map(({ zone }) => ({ zone, january: print(zone, 0), july: print(zone, 6) }))).toEqual(zones)
  })

  test('each zone of the table is one that this Node.js knows, named by letters only', () => {
    // America/Coyhaique came with tzdata 2025b.
    for (const zone of [...ZONE_NAMES.keys()].filter((id) => id !== 'America/Coyhaique')) {
      expect(zone).toMatch(/^[a-zA-Z/_]+$/)
      expect([zone, isTimeZone(zone)]).toEqual([zone, true])
    }
    expect(ZONE_NAMES.size).toBe(zones.length + 5)
  })

  test.each(['Asia/Calcutta', 'Asia/Kolkata', 'US/Pacific', 'UTC', 'GMT', 'EST', 'ROC'])(
    '%s is a time zone, legacy or new',
    (zone) => {
      expect(timeZoneProblem('CustomTimeZone', zone)).toBeUndefined()
    },
  )

  test.each([
    ['europe/madrid', 'Did you mean Europe/Madrid?'],
    ['utc', 'Did you mean UTC?'],
    ['PST', 'Give a name of the IANA time zone database'],
    ['Z', 'Give a name of the IANA time zone database'],
    ['Mars/Olympus', 'Give a name of the IANA time zone database'],
    ['__proto__', 'Give a name of the IANA time zone database'],
    ['+01:00', 'Give a name of the IANA time zone database'],
  ])('%s is none, and it is said what to do', (zone, hint) => {
    expect(isTimeZone(zone)).toBe(false)
    expect(timeZoneProblem('CustomTimeZone', zone)).toContain(
      `CustomTimeZone ${zone} is not a time zone. ${hint}`,
    )
  })

  test('the empty name means UTC', () => {
    expect(timeZoneProblem('CustomTimeZone', '')).toBeUndefined()
  })

  test.each([
    ['Europe/Madrid', '2026-03-29T00:59:59Z', 3600, false],
    ['Europe/Madrid', '2026-03-29T01:00:00Z', 7200, true],
    ['Europe/Madrid', '2026-10-25T00:59:59Z', 7200, true],
    ['Europe/Madrid', '2026-10-25T01:00:00Z', 3600, false],
    ['Europe/Dublin', '2026-07-01T00:00:00Z', 3600, true],
    ['Africa/Casablanca', '2026-07-01T00:00:00Z', 3600, true],
    ['Africa/Casablanca', '2026-03-01T00:00:00Z', 0, false],
    ['Antarctica/Troll', '2026-07-01T00:00:00Z', 7200, true],
    ['Australia/Lord_Howe', '2026-01-01T00:00:00Z', 39_600, true],
    ['America/New_York', '1850-01-01T00:00:00Z', -17_762, false],
    ['Europe/Madrid', '8888-12-31T23:59:59Z', 3600, false],
  ])('%s at %s is %d seconds ahead, daylight time: %s', (zone, instant, seconds, daylight) => {
    expect(offsetSeconds(zone, Date.parse(instant))).toBe(seconds)
    expect(isDaylightTime(zone, Date.parse(instant))).toBe(daylight)
  })

  test('a moment that is none is told', () => {
    expect(() => zonedTime(Number.NaN, 'UTC')).toThrow('format time NaN: not a moment')
  })
})

/**
 * Reads a time by a pattern of Joda-Time, as Hive's TimestampParser does: English, UTC where the text names no zone, what
 * it does not say from 1970-01-01T00:00:00. All of the text must be read. Unlike Joda-Time, which lets the smaller field
 * win, a text that contradicts itself (a Monday that was a Tuesday) is not read; and the two digits of a short year lie
 * between 1950 and 2049, not in a window that moves with the clock, since a delivery that is repeated must read the same.
 */
import { unreachable } from '../domain/errors.ts'
import { MONTHS, WEEKDAYS } from '../domain/java-time/english.ts'
import { isTimeZone, offsetSeconds, UTC } from '../domain/java-time/zone.ts'
import { parseJodaPattern, type JodaField, type JodaPart } from '../domain/joda-time/pattern.ts'
import { localMs, type TimeFields } from './joda-fields.ts'

/** Milliseconds since 1970, infinite for a time that is too far to be held; undefined when the text does not say one in this way. */
export type ReadTime = (text: string) => number | undefined

/** @param pattern one that `parseJodaPattern` takes */
export function jodaReader(pattern: string): ReadTime {
  const readers = parseJodaPattern(pattern)?.map(partReader)
  if (readers === undefined)
    throw new Error(`read pattern ${JSON.stringify(pattern)}: it is none of Joda-Time`)
  return (text) => {
    const reading: Reading = { text, at: 0, fields: {}, ms: 0, offsetMs: undefined, zone: UTC }
    for (const read of readers) if (!read(reading)) return undefined
    if (reading.at !== text.length) return undefined
    const seconds = localMs(reading.fields)
    if (seconds === undefined || !Number.isFinite(seconds)) return seconds
    const { ms, offsetMs, zone } = reading
    return offsetMs === undefined ? instantOf(seconds + ms, zone) : seconds + ms - offsetMs
  }
}

interface Reading {
  readonly text: string
  at: number
  readonly fields: TimeFields
  /** Of the second. */
  ms: number
  /** Counts before a zone. */
  offsetMs: number | undefined
  zone: string
}

/** False when the text goes on otherwise. */
type ReadPart = (reading: Reading) => boolean

function partReader(part: JodaPart): ReadPart {
  switch (part.kind) {
    case 'literal':
      return literalReader(part.text)
    case 'number':
      return numberReader(part.field, `${part.signed ? '[+-]?' : ''}[0-9]{1,${part.digitsMax}}`)
    case 'shortYear':
      return numberReader(part.field, part.lenient ? '[+-]?[0-9]+' : '[0-9]{2}', longYear)
    case 'fraction':
      return fractionReader(part.digitsMax)
    case 'text':
      return textReader(part.field)
    case 'offset':
      return readOffset
    case 'zoneId':
      return readZoneId
    case 'zoneName':
      return readZoneName
    default:
      return unreachable(part)
  }
}

/** What a pattern with the flag `y` finds next; it is behind us then. */
function take(reading: Reading, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = reading.at
  const found = pattern.exec(reading.text) ?? undefined
  if (found !== undefined) reading.at += found[0].length
  return found
}

function literalReader(literal: string): ReadPart {
  const [lower, upper] = [literal.toLowerCase(), literal.toUpperCase()]
  return (reading) => {
    const text = reading.text.slice(reading.at, reading.at + literal.length)
    if (text.toLowerCase() !== lower && text.toUpperCase() !== upper) return false
    reading.at += literal.length
    return true
  }
}

/** What is said twice must be the same. */
function save(fields: TimeFields, field: JodaField, value: number): boolean {
  const before = fields[field]
  fields[field] = value
  return before === undefined || before === value
}

function numberReader(
  field: JodaField,
  digits: string,
  valueOf: (digits: string) => number = Number,
): ReadPart {
  const pattern = new RegExp(digits, 'y')
  return (reading) => {
    const found = take(reading, pattern)
    return found !== undefined && save(reading.fields, field, valueOf(found[0]))
  }
}

/** First of the hundred years that two digits stand for. */
const SHORT_YEAR_FIRST = 1950

function longYear(digits: string): number {
  if (!/^[0-9]{2}$/.test(digits)) return Number(digits)
  const year = 1900 + Number(digits)
  return year < SHORT_YEAR_FIRST ? year + 100 : year
}

/** What is smaller than a millisecond is dropped. */
function fractionReader(digitsMax: number): ReadPart {
  const pattern = new RegExp(`[0-9]{1,${digitsMax}}`, 'y')
  return (reading) => {
    const found = take(reading, pattern)
    if (found === undefined) return false
    reading.ms = Number(found[0].slice(0, 3).padEnd(3, '0'))
    return true
  }
}

type TextField = Extract<JodaPart, { kind: 'text' }>['field']

/** Names of the values of each field, which count from 0 or 1. */
const NAMES: Readonly<Record<TextField, readonly [first: number, names: readonly (readonly string[])[]]>> = {
  era: [0, [['BC', 'BCE'], ['AD', 'CE']]], // prettier-ignore
  monthOfYear: [1, MONTHS.full.map((name, month) => [name, MONTHS.short[month] ?? name])],
  // Weeks begin on Monday here.
  dayOfWeek: [1, [1, 2, 3, 4, 5, 6, 0].map((day) => [WEEKDAYS.full[day] ?? '', WEEKDAYS.short[day] ?? ''])],
  halfdayOfDay: [0, [['AM'], ['PM']]],
}

/** The longest name that comes next: as written, or all of it in lower or in upper case. */
function textReader(field: TextField): ReadPart {
  const values = new Map<string, number>()
  const [first, names] = NAMES[field]
  for (const [index, spellings] of names.entries()) {
    for (const name of spellings) {
      for (const spelling of [name, name.toLowerCase(), name.toUpperCase()])
        values.set(spelling, first + index)
    }
  }
  const longestFirst = [...values.keys()].toSorted((a, b) => b.length - a.length)
  const pattern = new RegExp(longestFirst.join('|'), 'y')
  return (reading) => {
    const value = values.get(take(reading, pattern)?.[0] ?? '')
    if (value === undefined) return false
    // No time before the year 1 can be held.
    return field === 'era' ? value === 1 : save(reading.fields, field, value)
  }
}

/** What goes on like an offset must be one to its end: after `+01:30` no colon, after `+0130` no digit. */
const OFFSET = new RegExp(
  'z|[+-]([01][0-9]|2[0-3])' +
    '(?::([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]{1,3})|(?![.,]))|(?!:))' +
    '|([0-5][0-9])(?:([0-5][0-9])(?:([0-9]{1,3})|(?![0-9]))|(?![0-9]))' +
    '|(?![:0-9]))',
  'iy',
)

/** `Z`, or hours with minutes, seconds and milliseconds or without, with colons or without. */
function readOffset(reading: Reading): boolean {
  const found = take(reading, OFFSET)
  if (found === undefined) return false
  const [text, hours = '0', colonMinutes, colonSeconds, colonMs, minutes, seconds, ms] = found
  const wholeSeconds =
    (Number(hours) * 60 + Number(colonMinutes ?? minutes ?? 0)) * 60 + Number(colonSeconds ?? seconds ?? 0)
  const size = wholeSeconds * 1000 + Number((colonMs ?? ms ?? '').padEnd(3, '0'))
  reading.offsetMs = text.startsWith('-') ? -size : size
  return true
}

/** The longest id of a time zone that comes next; none has more than 32 characters. */
function readZoneId(reading: Reading): boolean {
  const found = /[a-z0-9_/+-]{1,40}/iy
  found.lastIndex = reading.at
  let id = found.exec(reading.text)?.[0] ?? ''
  while (id !== '' && !isTimeZone(id)) id = id.slice(0, -1)
  if (id === '') return false
  reading.at += id.length
  reading.zone = id
  return true
}

const ZONES: Readonly<Record<string, string>> = {
  UT: UTC,
  UTC,
  GMT: UTC,
  EST: 'America/New_York',
  EDT: 'America/New_York',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
}

/** The few names that Joda-Time reads; each means a zone, whose rules say whether daylight time was in force. */
function readZoneName(reading: Reading): boolean {
  const zone = ZONES[take(reading, /UTC?|GMT|[ECMP][SD]T/y)?.[0] ?? '']
  if (zone === undefined) return false
  reading.zone = zone
  return true
}

const DAY_MS = 86_400_000

/** The moment of a local time: the earlier of two where clocks went back, none where they went over it. */
function instantOf(localTimeMs: number, zone: string): number | undefined {
  if (zone === UTC) return localTimeMs
  if (Math.abs(localTimeMs) > MOMENT_MS_MAX) return undefined
  const offsets = [localTimeMs - DAY_MS, localTimeMs + DAY_MS].map((near) => offsetSeconds(zone, near) * 1000)
  const instants = offsets
    .map((offset) => localTimeMs - offset)
    .filter((instant) => offsetSeconds(zone, instant) * 1000 === localTimeMs - instant)
  return instants.length === 0 ? undefined : Math.min(...instants)
}

/** No moment that a timestamp can hold lies so far from 1970. */
const MOMENT_MS_MAX = 300_000_000_000_000

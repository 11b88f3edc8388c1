/**
 * The letters of a java.time pattern (docs.oracle.com/en/java/javase/17/docs/api/java.base/java/time/format/
 * DateTimeFormatter.html), in English and with American weeks: Sunday first, week 1 holds January 1. Each letter has a
 * form for each count of it that java.time takes, as JDK 17 has it, oddities included.
 */
import { DAY_PERIODS, ERAS, HALVES_OF_DAY, MONTHS, QUARTERS, WEEKDAYS } from './english.ts'
import { isDaylightTime } from './zone.ts'
import { ZONE_NAMES } from './zone-names.ts'
import type { ZonedTime } from './zoned-time.ts'

/** What one run of a letter prints. */
export interface Printer {
  /** Undefined where java.time throws. */
  readonly print: (time: ZonedTime) => string | undefined
  /** Digits, so that padding before it matters to digits after it. */
  readonly isNumber: boolean
}

type Letter = (count: number) => Printer | undefined
type Value = (time: ZonedTime) => number

/** Undefined when java.time refuses the letter, or so many of it. */
export function printerOf(letter: string, count: number): Printer | undefined {
  return Object.hasOwn(LETTERS, letter) ? LETTERS[letter]?.(count) : undefined
}

const month: Value = (time) => time.month
const quarter: Value = (time) => Math.ceil(time.month / 3)
const weekday: Value = (time) => time.weekday + 1
const NANOS_A_MILLI = 1_000_000
const MODIFIED_JULIAN_DAY_OF_1970 = 40_587

const LETTERS: Readonly<Record<string, Letter>> = {
  G: forms((time) => (time.year > 0 ? 2 : 1), ERAS.short, ERAS.short, ERAS.short, ERAS.full, ERAS.narrow),
  u: year((time) => time.year, { countMax: 19 }),
  y: year((time) => (time.year > 0 ? time.year : 1 - time.year), { countMax: 19 }),
  Y: year(weekBasedYear, { countMax: Infinity }),
  M: forms(month, 'digits', 'digits', MONTHS.short, MONTHS.full, MONTHS.narrow),
  L: forms(month, 'digits', 'digits', MONTHS.short, MONTHS.full, MONTHS.narrow),
  Q: forms(quarter, 'digits', 'digits', QUARTERS.short, QUARTERS.full, QUARTERS.narrow),
  q: forms(quarter, 'digits', 'digits', QUARTERS.short, QUARTERS.full, QUARTERS.narrow),
  w: forms(weekOfYear, 'digits', 'digits'),
  W: forms(weekOfMonth, 'digits'),
  D: forms((time) => time.dayOfYear, 'digits', 'digits', 'digits'),
  d: forms((time) => time.dayOfMonth, 'digits', 'digits'),
  g: wide((time) => time.epochDay + MODIFIED_JULIAN_DAY_OF_1970),
  // The day of a week that begins with the first of the month.
  F: forms((time) => ((time.dayOfMonth - 1) % 7) + 1, 'digits'),
  E: forms(weekday, WEEKDAYS.short, WEEKDAYS.short, WEEKDAYS.short, WEEKDAYS.full, WEEKDAYS.narrow),
  e: forms(weekday, 'digits', 'digits', WEEKDAYS.short, WEEKDAYS.full, WEEKDAYS.narrow),
  c: forms(weekday, 'digits', undefined, WEEKDAYS.short, WEEKDAYS.full, WEEKDAYS.narrow),
  a: forms((time) => (time.hour < 12 ? 1 : 2), HALVES_OF_DAY),
  B: forms(dayPeriod, DAY_PERIODS.full, undefined, undefined, DAY_PERIODS.full, DAY_PERIODS.narrow),
  H: forms((time) => time.hour, 'digits', 'digits'),
  k: forms((time) => (time.hour === 0 ? 24 : time.hour), 'digits', 'digits'),
  K: forms((time) => time.hour % 12, 'digits', 'digits'),
  h: forms((time) => (time.hour % 12 === 0 ? 12 : time.hour % 12), 'digits', 'digits'),
  m: forms((time) => time.minute, 'digits', 'digits'),
  s: forms((time) => time.second, 'digits', 'digits'),
  S: fraction,
  A: wide((time) => secondOfDay(time) * 1000 + Math.floor(time.nano / NANOS_A_MILLI)),
  n: wide((time) => time.nano),
  // Under 2^53: the last nanosecond of a day is 86,399,999,999,999.
  N: wide((time) => secondOfDay(time) * 1000 * NANOS_A_MILLI + time.nano),
  V: (count) => (count === 2 ? text((time) => time.zone) : undefined),
  z: (count) => (count <= 4 ? text((time) => zoneName(time, count)) : undefined),
  v: (count) => (count === 1 || count === 4 ? text((time) => genericZoneName(time, count)) : undefined),
  O: (count) => (count === 1 || count === 4 ? text((time) => gmtOffset(time, count)) : undefined),
  X: offset(['Z', 'Z', 'Z', 'Z', 'Z']),
  x: offset(['+00', '+0000', '+00:00', '+0000', '+00:00']),
  Z: (count) => {
    if (count === 4) return text((time) => gmtOffset(time, 4))
    return count < 4 ? offset(['', '+0000'])(2) : offset(['', '', '', '', 'Z'])(count)
  },
}

type Print = Printer['print']

function number(print: Print): Printer {
  return { isNumber: true, print }
}

function text(print: Print): Printer {
  return { isNumber: false, print }
}

type Form = 'digits' | readonly string[] | undefined

/** The forms of one letter, two, and so on: a number of at least so many digits, or the value's name (from 1). */
function forms(valueOf: Value, ...all: readonly Form[]): Letter {
  return (count) => {
    const form = all[count - 1]
    if (form === 'digits') return number((time) => padded(valueOf(time), count))
    return form === undefined ? undefined : text((time) => form[valueOf(time) - 1])
  }
}

/** Numbers of up to 19 digits. */
function wide(valueOf: Value): Letter {
  return (count) => (count > 19 ? undefined : number((time) => padded(valueOf(time), count)))
}

/** Two letters are the last two digits; from four on, a year of more digits has a plus sign. */
function year(valueOf: Value, { countMax }: { countMax: number }): Letter {
  return (count) => {
    if (count > countMax) return undefined
    if (count === 2) return number((time) => padded(Math.abs(valueOf(time)) % 100, 2))
    return number((time) => {
      const value = valueOf(time)
      // JDK 17 throws here: it looks for 10^count in a list that ends with 10^10.
      if (value >= 0 && count > 10 && count < 19) return undefined
      return count >= 4 && value >= 10 ** count ? `+${value}` : padded(value, count)
    })
  }
}

function fraction(count: number): Printer | undefined {
  return count > 9 ? undefined : number((time) => padded(time.nano, 9).slice(0, count))
}

function padded(value: number, digits: number): string {
  return (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(digits, '0')
}

function secondOfDay({ hour, minute, second }: ZonedTime): number {
  return (hour * 60 + minute) * 60 + second
}

function dayPeriod({ hour, minute }: ZonedTime): number {
  if (minute === 0 && hour % 12 === 0) return hour === 0 ? 1 : 2
  if (hour >= 6 && hour < 12) return 3
  if (hour >= 12 && hour < 18) return 4
  return hour >= 18 && hour < 21 ? 5 : 6
}

/** The last days of December are in week 1 of the next year when their week goes on in January. */
function weekBasedYear(time: ZonedTime): number {
  return isInWeekOfNextYear(time) ? time.year + 1 : time.year
}

function weekOfYear(time: ZonedTime): number {
  return isInWeekOfNextYear(time) ? 1 : weekOf(time, time.dayOfYear)
}

function weekOfMonth(time: ZonedTime): number {
  return weekOf(time, time.dayOfMonth)
}

function isInWeekOfNextYear({ month: twelfth, dayOfMonth, weekday: day }: ZonedTime): boolean {
  return twelfth === 12 && dayOfMonth + (6 - day) > 31
}

/** Weeks since the one with day 1 of the year or month, that one being 1. */
function weekOf({ weekday: day }: ZonedTime, dayOfSpan: number): number {
  return Math.floor((dayOfSpan - 1 - day + 6) / 7) + 1
}

function zoneName(time: ZonedTime, count: number): string {
  const names = ZONE_NAMES.get(time.zone)
  if (names === undefined) return time.zone
  const [shortStandard, standard, shortDaylight, daylight] = names
  if (isDaylightTime(time.zone, time.epochMs)) return count === 4 ? daylight : shortDaylight
  return count === 4 ? standard : shortStandard
}

function genericZoneName({ zone }: ZonedTime, count: number): string {
  return ZONE_NAMES.get(zone)?.[count === 4 ? 5 : 4] ?? zone
}

/** `GMT`, `GMT+1`, `GMT-3:30`; with four letters `GMT+01:00`. */
function gmtOffset({ offsetSeconds }: ZonedTime, count: number): string {
  if (offsetSeconds === 0) return 'GMT'
  const { sign, hours, minutes, seconds } = clockOf(offsetSeconds)
  const withSeconds = seconds === '00' ? '' : `:${seconds}`
  if (count === 4) return `GMT${sign}${hours}:${minutes}${withSeconds}`
  const rest = minutes === '00' && withSeconds === '' ? '' : `:${minutes}${withSeconds}`
  return `GMT${sign}${Number(hours)}${rest}`
}

/**
 * Offsets by count: hours (and minutes, unless 0); hours and minutes; the same with a colon; the last two again, with
 * seconds unless 0. @param zeros what stands for none, by count
 */
function offset(zeros: readonly string[]): Letter {
  return (count) => {
    const zero = zeros[count - 1]
    if (zero === undefined) return undefined
    return text(({ offsetSeconds }) => {
      const { sign, hours, minutes, seconds } = clockOf(offsetSeconds)
      const colon = count === 3 || count === 5 ? ':' : ''
      const minutesShown = count > 1 || minutes !== '00' ? colon + minutes : ''
      const secondsShown = count > 3 && seconds !== '00' ? colon + seconds : ''
      const shown = hours + minutesShown + secondsShown
      return /[1-9]/.test(shown) ? sign + shown : zero
    })
  }
}

function clockOf(offsetSeconds: number): { sign: string; hours: string; minutes: string; seconds: string } {
  const size = Math.abs(offsetSeconds)
  return {
    sign: offsetSeconds < 0 ? '-' : '+',
    hours: padded(Math.floor(size / 3600), 2),
    minutes: padded(Math.floor(size / 60) % 60, 2),
    seconds: padded(size % 60, 2),
  }
}

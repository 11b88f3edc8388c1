/**
 * From what a text says of a local time to that time, as Joda-Time puts it together: larger fields first, each setting its
 * part of what is there, beginning with 1970-01-01T00:00:00. All that was said must then be true of the result.
 */
import type { JodaField } from '../domain/joda-time/pattern.ts'

export type TimeFields = { [field in JodaField]?: number }

const DAY_MS = 86_400_000

/** Years that Joda-Time has. */
const YEARS = { from: -292_275_054, to: 292_278_993 }
/** Years that are reckoned with. A timestamp holds none beyond, but a text that says one is read. */
const NEAR_YEAR_MAX = 100_000
/** Days of the calendar and of the week are the same again after so many years. */
const CYCLE_YEARS = 400

/**
 * Milliseconds since 1970-01-01T00:00:00 of the same clock, or undefined when no time is all that; infinite when it is too
 * far from there to be held.
 */
export function localMs(fields: TimeFields): number | undefined {
  const { year, yearOfEra, weekyear } = fields
  const far = [year, yearOfEra, weekyear].find((one) => one !== undefined && Math.abs(one) > NEAR_YEAR_MAX)
  if (far === undefined) return nearMs(fields)
  if (far < YEARS.from || far > YEARS.to) return undefined
  const near = { ...fields }
  for (const field of ['year', 'yearOfEra', 'weekyear'] as const) {
    const one = near[field]
    if (one !== undefined) near[field] = (one % CYCLE_YEARS) + 5 * CYCLE_YEARS
  }
  return nearMs(near) === undefined ? undefined : Math.sign(far) * Infinity
}

function nearMs(fields: TimeFields): number | undefined {
  const day = epochDayOf(fields)
  const seconds = secondOfDay(fields)
  if (day === undefined || seconds === undefined) return undefined
  return day * DAY_MS + seconds * 1000
}

interface Day {
  readonly epochDay: number
  readonly year: number
  readonly month: number
  readonly dayOfMonth: number
}

function epochDayOf(fields: TimeFields): number | undefined {
  const { centuryOfEra, yearOfEra, weekyear, monthOfYear, weekOfWeekyear } = fields
  let year = 1970
  if (centuryOfEra !== undefined) year = centuryOfEra * 100 + (year % 100)
  year = fields.year ?? yearOfEra ?? year
  let day = dayOf(year, 1, 1)
  if (weekyear !== undefined) {
    // Of the two kinds of year the one that was said first is set first.
    const isFirst =
      Object.keys(fields).find((field) => /^(year|yearOfEra|weekyear)$/.test(field)) === 'weekyear'
    if (isFirst) day = dayOf(1970, 1, 1)
    day = dayAt(dayInWeek(weekyear, weekOf(day).week, weekdayOf(day)))
    if (isFirst && (fields.year ?? yearOfEra) !== undefined) day = dayOf(year, day.month, day.dayOfMonth)
  }
  if (monthOfYear !== undefined) day = dayOf(day.year, monthOfYear, day.dayOfMonth)
  if (weekOfWeekyear !== undefined) day = dayAt(day.epochDay + 7 * (weekOfWeekyear - weekOf(day).week))
  if (fields.dayOfYear !== undefined) day = dayAt(dayOf(day.year, 1, 1).epochDay + fields.dayOfYear - 1)
  if (fields.dayOfMonth !== undefined) day = dayOf(day.year, day.month, fields.dayOfMonth)
  if (fields.dayOfWeek !== undefined) day = dayAt(day.epochDay + fields.dayOfWeek - weekdayOf(day))
  return isAllOf(fields, day) ? day.epochDay : undefined
}

function isAllOf(fields: TimeFields, day: Day): boolean {
  const is = (said: number | undefined, value: number): boolean => said === undefined || said === value
  const { weekyear, week } = weekOf(day)
  return (
    is(fields.centuryOfEra, Math.floor(day.year / 100)) &&
    is(fields.year, day.year) &&
    is(fields.yearOfEra, day.year) &&
    is(fields.weekyear, weekyear) &&
    is(fields.monthOfYear, day.month) &&
    is(fields.weekOfWeekyear, week) &&
    is(fields.dayOfYear, day.epochDay - dayOf(day.year, 1, 1).epochDay + 1) &&
    is(fields.dayOfMonth, day.dayOfMonth) &&
    is(fields.dayOfWeek, weekdayOf(day))
  )
}

/** A day of the proleptic Gregorian calendar; months and days beyond their ends run on. */
function dayOf(year: number, month: number, dayOfMonth: number): Day {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, dayOfMonth)
  return dayAt(date.getTime() / DAY_MS)
}

function dayAt(epochDay: number): Day {
  const date = new Date(epochDay * DAY_MS)
  return {
    epochDay,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    dayOfMonth: date.getUTCDate(),
  }
}

/** From Monday, 1, to Sunday, 7. 1970-01-01 was a Thursday. */
function weekdayOf({ epochDay }: Day): number {
  return ((((epochDay + 3) % 7) + 7) % 7) + 1
}

/** Weeks of ISO 8601: the year they belong to is that of their Thursday. */
function weekOf(day: Day): { readonly weekyear: number; readonly week: number } {
  const thursday = dayAt(day.epochDay + 4 - weekdayOf(day))
  const first = dayOf(thursday.year, 1, 1)
  return { weekyear: thursday.year, week: Math.floor((thursday.epochDay - first.epochDay) / 7) + 1 }
}

/** January 4 always lies in the first week. */
function dayInWeek(weekyear: number, week: number, weekday: number): number {
  const fourth = dayOf(weekyear, 1, 4)
  return fourth.epochDay - weekdayOf(fourth) + 7 * (week - 1) + weekday
}

const HOURS_A_HALF = 12

function secondOfDay(fields: TimeFields): number | undefined {
  const { halfdayOfDay, hourOfDay, clockhourOfDay, hourOfHalfday, clockhourOfHalfday } = fields
  let hour = hourOfDay ?? (clockhourOfDay === undefined ? undefined : clockhourOfDay % 24)
  hour ??= (halfdayOfDay ?? 0) * HOURS_A_HALF
  const ofHalf = hourOfHalfday ?? (clockhourOfHalfday === undefined ? undefined : clockhourOfHalfday % 12)
  if (ofHalf !== undefined) hour = (hour < HOURS_A_HALF ? 0 : HOURS_A_HALF) + ofHalf
  const { minuteOfHour: minute = 0, secondOfMinute: second = 0 } = fields
  const is = (said: number | undefined, value: number): boolean => said === undefined || said === value
  const isTime =
    hour < 24 &&
    minute < 60 &&
    second < 60 &&
    is(halfdayOfDay, hour < HOURS_A_HALF ? 0 : 1) &&
    is(hourOfDay, hour) &&
    is(clockhourOfDay, hour === 0 ? 24 : hour) &&
    is(hourOfHalfday, hour % HOURS_A_HALF) &&
    is(clockhourOfHalfday, hour % HOURS_A_HALF === 0 ? HOURS_A_HALF : hour % HOURS_A_HALF)
  return isTime ? (hour * 60 + minute) * 60 + second : undefined
}

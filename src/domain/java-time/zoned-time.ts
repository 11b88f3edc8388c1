/** A moment as a calendar and clock show it in a zone: what java.time calls a ZonedDateTime. */
import { offsetSeconds } from './zone.ts'

export interface ZonedTime {
  readonly epochMs: number
  readonly zone: string
  readonly offsetSeconds: number
  /** Proleptic: the year before 1 is 0. */
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly dayOfMonth: number
  readonly dayOfYear: number
  /** Sunday is 0. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nano: number
  /** Days since 1970-01-01, local. */
  readonly epochDay: number
}

const DAY_MS = 86_400_000

/**
 * @param epochMs a moment that Date can hold, whole
 * @param nanoOfMilli what lies beyond its milliseconds
 */
export function zonedTime(epochMs: number, zone: string, nanoOfMilli = 0): ZonedTime {
  const offset = offsetSeconds(zone, epochMs)
  const local = new Date(epochMs + offset * 1000)
  const year = local.getUTCFullYear()
  const epochDay = Math.floor(local.getTime() / DAY_MS)
  if (Number.isNaN(epochDay)) throw new Error(`format time ${epochMs}: not a moment`)
  return {
    epochMs,
    zone,
    offsetSeconds: offset,
    year,
    month: local.getUTCMonth() + 1,
    dayOfMonth: local.getUTCDate(),
    dayOfYear: epochDay - firstDayOf(year) + 1,
    weekday: local.getUTCDay(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nano: local.getUTCMilliseconds() * 1_000_000 + nanoOfMilli,
    epochDay,
  }
}

/** Epoch day of January 1. Date.UTC takes the years 0 to 99 for 1900 to 1999. */
function firstDayOf(year: number): number {
  return Math.floor(new Date(0).setUTCFullYear(year, 0, 1) / DAY_MS)
}

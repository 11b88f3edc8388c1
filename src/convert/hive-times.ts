/**
 * Dates and timestamps from their text. Which text is taken is accepted-text's, beside the TimestampFormats of HiveJsonSerDe.
 */
import type { HiveOptions } from '../domain/delivery-stream.ts'
import { isMillisFormat } from '../domain/joda-time/pattern.ts'
import {
  HIVE_TIMESTAMP,
  TIMESTAMP_MS_MAX,
  TIMESTAMP_MS_MIN,
  TIMESTAMP_SECONDS_BELOW,
  acceptedText,
} from './accepted-text.ts'
import { decimalParts } from './decimal-text.ts'
import { jodaReader, type ReadTime } from './joda-reader.ts'

/** Digits of a second that a timestamp keeps. */
export type SecondDigits = 3 | 6

type ReadTimestamp = (text: string) => bigint | undefined

/**
 * Timestamps in milliseconds or microseconds since 1970, rounded down.
 * @param hive absent: as OpenXJsonSerDe takes them
 */
export function timestampReader(digits: SecondDigits, hive: HiveOptions | undefined): ReadTimestamp {
  if (hive === undefined) {
    const accepted = new RegExp(acceptedText('timestamp'))
    return (text) => (accepted.test(text) ? readTimestamp(text, digits) : undefined)
  }
  const accepted = new RegExp(HIVE_TIMESTAMP)
  const readers = hive.timestampFormats.map(formatReader)
  const perMs = digits === 6 ? 1000n : 1n
  return (text) => {
    for (const read of readers) {
      const ms = read(text)
      if (ms !== undefined) return isHeld(ms) ? BigInt(ms) * perMs : undefined
    }
    return accepted.test(text) ? readTimestamp(text, digits) : undefined
  }
}

function isHeld(ms: number): boolean {
  return ms >= TIMESTAMP_MS_MIN && ms <= TIMESTAMP_MS_MAX
}

function formatReader(format: string): ReadTime {
  return isMillisFormat(format) ? readMillis : jodaReader(format)
}

/** A whole number of milliseconds; a fraction of one is dropped. */
function readMillis(text: string): number | undefined {
  const [, whole] = /^(-?[0-9]+)(?:[.][0-9]+)?$/.exec(text) ?? []
  return whole === undefined ? undefined : Number(whole) + 0
}

const DAY_MS = 86_400_000

/** Days since 1970 of a day that is in the calendar. */
function epochDays(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCDate() === day ? date.getTime() / DAY_MS : undefined
}

/** Text that the grammar of dates has accepted, as days since 1970. */
export function readDate(text: string): number | undefined {
  const [year = '', month = '', day = ''] = text.split('-')
  return epochDays(Number(year), Number(month), Number(day))
}

const CALENDAR =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]{1,9}))?Z?$/

function readTimestamp(text: string, digits: SecondDigits): bigint | undefined {
  const fields = CALENDAR.exec(text)
  if (fields === null) return epochTimestamp(text, digits)
  const [, year, month, day, hour, minute, second, fraction = ''] = fields
  const days = epochDays(Number(year), Number(month), Number(day))
  if (days === undefined) return undefined
  const seconds = (Number(hour) * 60 + Number(minute)) * 60 + Number(second)
  const whole = BigInt(days * DAY_MS + seconds * 1000) * (digits === 6 ? 1000n : 1n)
  return whole + BigInt(fraction.padEnd(digits, '0').slice(0, digits))
}

/** Seconds or milliseconds since 1970, rounded down to so many digits of a second. */
function epochTimestamp(text: string, secondDigits: SecondDigits): bigint | undefined {
  const { negative, digits, exponent } = decimalParts(text)
  const wholeDigits = digits.length + exponent
  if (wholeDigits > 15) return undefined
  const whole = wholeDigits > 0 ? digits.slice(0, wholeDigits) : '0'
  const isSeconds = Number(whole) < TIMESTAMP_SECONDS_BELOW
  const kept = wholeDigits + secondDigits - (isSeconds ? 0 : 3)
  const magnitude = BigInt((kept > 0 ? digits.slice(0, kept) : '').padEnd(Math.max(kept, 0), '0') || '0')
  const hasRest = /[1-9]/.test(digits.slice(Math.max(kept, 0)))
  const value = negative ? -magnitude - (hasRest ? 1n : 0n) : magnitude
  const perMs = secondDigits === 6 ? 1000n : 1n
  const isTooEarly = value < BigInt(TIMESTAMP_MS_MIN) * perMs
  return isTooEarly || value >= BigInt(TIMESTAMP_MS_MAX + 1) * perMs ? undefined : value
}

/** When a request was signed, and whether that is now. */
import { incomplete, invalidSignature } from './refusals.ts'

/** How far a client's clock may be from ours. */
const SKEW_MINUTES = 5
const SKEW_MS = SKEW_MINUTES * 60_000

/** @returns YYYYMMDDTHHMMSSZ @throws ClientError for what is no time */
export function signedTime(amzDate: string | undefined, date: string | undefined): string {
  const text = amzDate ?? date ?? ''
  if (parsed(text) !== undefined) return text
  const moment = amzDate === undefined ? Date.parse(text) : Number.NaN
  if (Number.isNaN(moment))
    throw incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${text.slice(0, 64)}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    )
  return basicFormat(moment)
}

/** @throws ClientError for a request that was signed too long ago, or will be */
export function checkSkew(time: string, nowMs: number): void {
  const now = nowMs - (nowMs % 1000)
  const signed = parsed(time) ?? 0
  if (signed < now - SKEW_MS)
    throw invalidSignature(
      `Signature expired: ${time} is now earlier than ${basicFormat(now - SKEW_MS)} (${basicFormat(now)} - ${SKEW_MINUTES} min.)`,
    )
  if (signed > now + SKEW_MS)
    throw invalidSignature(
      `Signature not yet current: ${time} is still later than ${basicFormat(now + SKEW_MS)} (${basicFormat(now)} + ${SKEW_MINUTES} min.)`,
    )
}

/** Requests come many in a second. */
let last: { readonly time: string; readonly moment: number | undefined } = { time: '', moment: undefined }

function parsed(time: string): number | undefined {
  if (time !== last.time) last = { time, moment: momentOf(time) }
  return last.moment
}

function momentOf(time: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  const moment = Date.UTC(year, month - 1, day, hour, minute, second)
  // The 30th of February is no day.
  const isDay = new Date(moment).getUTCDate() === day && month >= 1 && month <= 12
  return isDay && hour < 24 && minute < 60 && second < 60 ? moment : undefined
}

function basicFormat(moment: number): string {
  return new Date(moment).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

/**
 * Time zones: offsets from Intl, which has them as java.time does (checked for every transition from 1850 to 2100), and
 * names from our own table.
 */
import { ZONE_NAMES } from './zone-names.ts'

/** The zone where none is configured. */
export const UTC = 'UTC'

/** True for a name of an IANA time zone, legacy ones included, in its own letter case, that this process knows. */
export function isTimeZone(name: string): boolean {
  if (!ZONE_NAMES.has(name)) return false
  try {
    offsetSeconds(name, 0)
    return true
  } catch (error) {
    // An Intl with older data than our table.
    if (error instanceof RangeError) return false
    throw error
  }
}

/** What is said of a name that is no time zone, or undefined. The empty name is UTC. */
export function timeZoneProblem(member: string, name: string): string | undefined {
  if (name === '' || isTimeZone(name)) return undefined
  const known = [...ZONE_NAMES.keys()].find((id) => id.toLowerCase() === name.toLowerCase())
  if (known === name)
    return `${member} ${name} is unknown to the Node.js that runs this. Update Node.js, or leave it out for UTC`
  const instead =
    known === undefined
      ? 'Give a name of the IANA time zone database, such as Europe/Madrid,'
      : `Did you mean ${known}? Correct it,`
  return `${member} ${name} is not a time zone. ${instead} or leave it out for UTC`
}

/** What local time is ahead of UTC. @param epochMs a moment that Date can hold */
export function offsetSeconds(zone: string, epochMs: number): number {
  if (zone === UTC) return 0
  const [, sign, hours, minutes, seconds = 0] = OFFSET.exec(named(offsetFormats, zone, epochMs)) ?? []
  if (hours === undefined) return 0
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return sign === '-' ? -size : size
}

/** `GMT-04:00`, `GMT-04:56:02`; `GMT` alone is none. */
const OFFSET = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/

/** Intl names daylight time in all zones that have it but these; it is whatever differs from their standard time. */
const UNNAMED_DAYLIGHT: Readonly<Record<string, { standardOffsetSeconds: number }>> = {
  'Africa/Casablanca': { standardOffsetSeconds: 0 },
  'Africa/El_Aaiun': { standardOffsetSeconds: 0 },
  // For good since 2017, as java.time counts it.
  'Africa/Windhoek': { standardOffsetSeconds: 3600 },
  'Antarctica/Troll': { standardOffsetSeconds: 0 },
  'Europe/Guernsey': { standardOffsetSeconds: 0 },
  'Europe/Isle_of_Man': { standardOffsetSeconds: 0 },
  'Europe/Jersey': { standardOffsetSeconds: 0 },
}

/** As java.time has it in every zone since 2011, and in nearly all before. */
export function isDaylightTime(zone: string, epochMs: number): boolean {
  if (zone === UTC) return false
  const unnamed = UNNAMED_DAYLIGHT[zone]
  if (unnamed !== undefined) return offsetSeconds(zone, epochMs) !== unnamed.standardOffsetSeconds
  return /Summer|Daylight|Irish Standard/.test(named(nameFormats, zone, epochMs))
}

/** Making a format takes as long as hundreds of keys, so each zone's is kept. There are some 550 zones. */
interface Formats {
  readonly style: 'longOffset' | 'long'
  readonly byZone: Map<string, Intl.DateTimeFormat>
}
const offsetFormats: Formats = { style: 'longOffset', byZone: new Map() }
const nameFormats: Formats = { style: 'long', byZone: new Map() }

function named({ style, byZone }: Formats, zone: string, epochMs: number): string {
  let format = byZone.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, year: 'numeric', timeZoneName: style })
    byZone.set(zone, format)
  }
  return format.format(epochMs)
}
